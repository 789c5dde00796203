"""Byte spans, held against LibCST's own."""

from __future__ import annotations

from pathlib import Path

import libcst as cst
import pytest
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

from skills_engine.codemods.spans import byte_spans

HERE = Path(__file__).parent
ODD = [
    "",
    "\n",
    "x",
    "# é\nx = 'é' ;  y = (  1 , )\n",
    "\r\nif x :\r\n\tpass # ä\r\n\r\n# end",
    "@d (1)\n# c\nasync def f[T]( a , / , * , b : int = 1 , ** k ) -> None : ...\n",
    "class A ( B , metaclass = M ) : x : int\n\n\n",
    "def f():\n    return 1\n  # dedented\n\nmatch x:\n    case [1, *_]: pass\n    case _: f'{x!r:>{y}}'\n",
]


@pytest.mark.parametrize("code", [*ODD, *(path.read_text() for path in sorted(HERE.glob("test_*.py"))[:4])])
def test_spans_are_those_of_libcst(code: str) -> None:
    module = cst.parse_module(code)
    theirs = MetadataWrapper(module, unsafe_skip_copy=True).resolve(ByteSpanPositionProvider)
    ours = byte_spans(module)
    assert {n: (s.start, s.start + s.length) for n, s in theirs.items() if n is not module} == {
        node: span for node, span in ours.items() if node is not module
    }
