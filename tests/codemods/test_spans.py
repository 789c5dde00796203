"""Byte spans, held against LibCST's own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

from skills_engine.codemods.source.source import Source, Splice
from skills_engine.codemods.source.spans import byte_spans
from skills_engine.errors import Unparsable

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


@pytest.mark.parametrize(
    "code", [*ODD, *(path.read_text() for path in sorted(HERE.glob("test_*.py"))[:4])]
)
def test_spans_are_those_of_libcst(code: str) -> None:
    module = cst.parse_module(code)
    theirs = MetadataWrapper(module, unsafe_skip_copy=True).resolve(ByteSpanPositionProvider)
    ours = byte_spans(module).nodes
    assert {n: (s.start, s.start + s.length) for n, s in theirs.items() if n is not module} == {
        node: span for node, span in ours.items() if node is not module
    }


PIECES = [
    "zz = 1\n",
    "# a comment\n",
    "\n",
    "    # inside\n",
    "def g():\n    pass\n    # end\n",
    "",
    "é = 'é'\n",
    "  # odd\n",
]
FILES = [
    *[code for code in ODD if code.endswith("\n")],
    '"""Doc."""\n\nimport os\n# about a\na = 1\n\n\ndef f():\n    if a:\n        b\n    # in\n\n# between\nclass C:\n    x = 1\n# end\n',
    (HERE / "test_spans.py").read_text(),
]


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(FILES),
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 3), st.sampled_from(PIECES)), max_size=3
    ),
)
def test_what_a_splice_made_is_parsed_as_from_scratch(
    code: str, edits: list[tuple[int, int, str]]
) -> None:
    """The same tree and the same spans, wherever whole lines come and go."""
    try:
        source = Source.parse("m.py", code.encode())
        for at, count, text in edits:
            lines = [0, *accumulate(len(line) for line in source.data.splitlines(keepends=True))]
            start = at % len(lines)
            end = min(start + count, len(lines) - 1)
            made = source.splice([Splice(lines[start], lines[end], text)])
            source = Source.parse("m.py", made)
    except Unparsable:
        return
    Source.parse.cache_clear()
    fresh = Source.parse("m.py", source.original)
    assert source.data == fresh.data
    assert source.module.deep_equals(fresh.module)
    assert [source.span(node) for node in _walk(source.module)] == [
        fresh.span(node) for node in _walk(fresh.module)
    ]


def _walk(module: cst.Module) -> Iterator[cst.CSTNode]:
    stack: list[cst.CSTNode] = [*module.body]
    while stack:
        node = stack.pop()
        yield node
        stack += node.children
