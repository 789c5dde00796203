"""Definitions that a side of a merge moved to another file, and the other side changed: the change
goes where the definition is now, with the imports that it needs.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from skills_engine.errors import SkillsError
from skills_engine.graft.renamed import definitions
from skills_engine.lines import split_lines
from skills_engine.tree import Entry

if TYPE_CHECKING:
    from skills_engine.graft.renames import Changes
    from skills_engine.graft.side import Side

__all__ = ["follow_moves"]

_NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def follow_moves(side: Side, their: Changes) -> tuple[Changes, tuple[str, ...]]:
    """The changes of the other side, with those of a definition that the side moved in the file
    that it moved it to; and a note of each.

    A file that the other side changes, too, is left out.
    """
    out, notes = dict(their), []
    for path, (was, wanted) in their.items():
        now = side.changes.get(path, (None, None))[1]
        if not path.endswith(".py") or None in (was, wanted, now):
            continue
        before, after = map(side.text_of, (was, wanted))
        for name, (there, new) in _moves(side, path, before, after).items():
            text = side.text(there)
            mine = definitions(text).get(new, "")
            old, due = definitions(before)[name], definitions(after)[name]
            clear = text.count(mine) == 1 and after.count(due) == 1
            if there in out or not clear or ("\r" in text) != ("\r" in after):
                continue
            pair = [text.replace(mine, _under(each, name, new)) for each in (old, due)]
            try:
                pair[1] = _imports(there, pair[1], path, before, after)
            except SkillsError:
                continue
            after = after.replace(due, old)
            out[path] = (was, _entry(side, path, after))
            out[there] = (_entry(side, there, pair[0]), _entry(side, there, pair[1]))
            notes.append(f"{there}: what is changed in {new}, which you moved there from {path}")
    return {path: pair for path, pair in out.items() if pair[0] != pair[1]}, tuple(notes)


def _moves(side: Side, path: str, before: str, after: str) -> dict[str, tuple[str, str]]:
    """The definitions that the other side changed and that stand in another file now."""
    was, now = definitions(before), definitions(after)
    found = {
        name: side.follow_name(path, name)
        for name in was
        if name in now and was[name] != now[name] and name not in definitions(side.text(path))
    }
    return {name: there for name, there in found.items() if there and there[0] != path}


def _under(source: str, name: str, new: str) -> str:
    """A definition under another name, by which it also calls itself; an attribute, a keyword or a
    text that reads the same is something else.
    """
    lines = [line.encode() for line in split_lines(source)]
    spots = []
    head = re.compile(rf"((?:async +)?def|class) +{name}\b".encode())
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id == name:
            spots.append((node.lineno - 1, node.col_offset, node.end_col_offset))
        elif isinstance(node, _NAMED) and node.name == name and node.col_offset == 0:
            row = node.lineno - 1
            if found := head.match(lines[row]):
                spots.append((row, found.end() - len(name.encode()), found.end()))
    for row, at, end in sorted(spots, reverse=True):
        if row >= len(lines) or lines[row][at:end] != name.encode():
            continue  # in a formatted string, or after a lone return: Python counts otherwise there
        lines[row] = lines[row][:at] + new.encode() + lines[row][end:]
    return b"".join(lines).decode()


def _imports(path: str, text: str, written: str, before: str, after: str) -> str:
    from skills_engine.codemods.files import MemoryFiles  # noqa: PLC0415
    from skills_engine.graft.landed import bring_imports, drop_imports  # noqa: PLC0415  (LibCST)

    files = MemoryFiles({path: text.encode()})
    bring_imports(files, path, after, written)
    drop_imports(files, path, before, after, written)
    return files.contents[path].decode()


def _entry(side: Side, path: str, text: str) -> Entry | None:
    entry = side.tree.entry(path)
    return entry and Entry(entry.mode, side.tree.objects.write("blob", text.encode()))
