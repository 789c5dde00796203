"""The definition around a conflict: as git names one in a hunk's header, but with its classes."""

from __future__ import annotations

import re

from skills_engine.lines import bare_lines, split_lines

__all__ = ["definition_at"]

_PYTHON = re.compile(r"(\s*)(?:async\s+def|def|class)\s+(\w+)")
_SECTION = {
    ".toml": re.compile(r"\[+\s*(.+?)\s*\]+\s*(?:#.*)?$"),
    ".ini": re.compile(r"\[(.+?)\]\s*$"),
    ".cfg": re.compile(r"\[(.+?)\]\s*$"),
    ".md": re.compile(r"#+\s+(.+?)\s*#*$"),
    ".yaml": re.compile(r"([\w.-]+):"),
    ".yml": re.compile(r"([\w.-]+):"),
}


def definition_at(path: str, data: bytes, line: int) -> str:
    """The function or class (`Bot.answer`), table or section that a line is in; empty where there
    is none. Other conflicts of the file count with our side.
    """
    at, text = _ours(data, line)
    lines = bare_lines(text.decode("utf-8", "replace"))
    suffix = "." + path.rpartition(".")[2]
    if suffix in {".py", ".pyi"}:
        return ".".join(reversed(_around(lines, at)))
    section = _SECTION.get(suffix)
    for number in range(min(at, len(lines) - 1), -1, -1) if section else ():
        found = section.match(lines[number]) if section else None
        if found:
            return found[1]
    return ""


def _around(lines: list[str], at: int) -> list[str]:
    """The names of the definitions around a line, the innermost first."""
    first = next((line for line in lines[at:] if line.strip()), "")
    depth = len(first) - len(first.lstrip())
    own = _PYTHON.match(first)
    names = [own[2]] if own else []
    for number in range(at - 1, -1, -1):
        line = lines[number]
        if not line.strip() or line.lstrip().startswith(("#", ")", "]", "}")):
            continue
        indent = len(line) - len(line.lstrip())
        if indent >= depth:
            continue
        found = _PYTHON.match(line)
        if found:
            names.append(found[2])
        depth = indent
        if not depth:
            break
    return names


def _ours(data: bytes, line: int) -> tuple[int, bytes]:
    """Our side of a file with markers, and the index there of what was at `line`."""
    from skills_engine.merge import regions_in  # noqa: PLC0415  (most operations merge nothing)

    lines = split_lines(data)
    out: list[bytes] = []
    at, wanted = 0, line - 1
    for region in regions_in(data):
        start = region.line - 1
        out += lines[at:start]
        if start < line <= start + region.height:
            wanted = len(out)
        ours = split_lines(region.ours)
        end = start + region.height
        if end < line:
            wanted -= region.height - len(ours)
        out += ours
        at = end
    return wanted, b"".join([*out, *lines[at:]])
