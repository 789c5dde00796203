"""Rule "syntax": a file must parse and compile, and must hold no conflict markers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skills_engine.check.finding import Hit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.check.version import Parsed

__all__ = ["markers", "syntax"]

_MARKER = re.compile(
    rb"^(?:(?:<{7}|>{7}|\|{7})(?: .*)?|<{8,} ours|\|{8,} base|>{8,} theirs)\r?$", re.MULTILINE
)


def syntax(parsed: Parsed) -> Iterator[Hit]:
    """One hit at most: Python stops at the first error too."""
    if not parsed.compiles and parsed.error is not None:
        line, reason = parsed.error
        yield Hit(("syntax",), line, parsed.line(line), f"the file does not compile: {reason}")


def markers(parsed: Parsed) -> Iterator[Hit]:
    """The lines that git's and our own conflicts begin and end with. `=======` alone is a heading
    elsewhere.
    """
    data = parsed.data
    if b"<<<<<<<" not in data and b">>>>>>>" not in data:
        return
    if b"\0" in data[:8000]:
        return
    for found in _MARKER.finditer(data):
        line = data.count(b"\n", 0, found.start()) + 1
        yield Hit(("marker",), line, parsed.line(line), "a conflict marker is left in the file")
