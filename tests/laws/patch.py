"""A unified diff, applied: as strictly as can be, every line that it says is there must be."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["patched"]

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")


def patched(files: Mapping[str, bytes], diff: str) -> dict[str, bytes]:
    """The files after a diff. A file that differs in nothing a diff can show stays."""
    out = dict(files)
    lines = [line + "\n" for line in diff.split("\n")[:-1]]
    at = 0
    while at < len(lines):
        assert lines[at].startswith("--- "), lines[at]
        old, new = (line[4:].removesuffix("\n") for line in lines[at : at + 2])
        path = (old if new == "/dev/null" else new)[2:]
        was = [line + "\n" for line in files.get(path, b"").decode().split("\n")]
        was[-1] = was[-1].removesuffix("\n")
        made, read, at = [], 0, at + 2
        while at < len(lines) and (hunk := _HUNK.match(lines[at])):
            start, count = int(hunk[1]), int(hunk[2] or 1)
            start -= bool(count)
            made += was[read:start]
            read, at = start, at + 1
            while at < len(lines) and lines[at][0] in " +-\\" and not lines[at].startswith("--- "):
                kind, text = lines[at][0], lines[at][1:]
                if at + 1 < len(lines) and lines[at + 1].startswith("\\"):
                    text = text.removesuffix("\n")
                if kind in " -":
                    assert was[read] == text, (path, was[read], text)
                    read += 1
                if kind in " +":
                    made.append(text)
                at += 1
        if new == "/dev/null":
            del out[path]
        else:
            out[path] = "".join(made + was[read:]).encode()
    return out
