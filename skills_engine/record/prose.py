"""Drafts of what a package says to people: a heading and a sentence or two for each group of
operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.imports.statements import wanted
from skills_engine.codemods.source.code import Snippet
from skills_engine.codemods.source.snippets import bare, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.record.delta import Entry, Said

__all__ = ["ProseStep", "steps", "steps_in_order"]

_DEFINED = {"class", "function", "method"}


@dataclass(frozen=True, slots=True)
class ProseStep:
    """Entries under one heading with the prose that explains them."""

    heading: str
    prose: str
    entries: tuple[Entry, ...]


def steps(said: Sequence[tuple[str, Said]]) -> list[ProseStep]:
    """One step for each thing that changed, in order. An import goes with the first step that needs
    it.

    `said` are changes with the paths of their files.
    """
    groups: dict[tuple[str, str], list[Entry]] = {}
    waiting: list[tuple[str, Entry]] = []
    for path, one in said:
        for entry in one.entries or ():
            if entry["ensure"] in {"import", "no-import"}:
                waiting.append((path, entry))
            else:
                groups.setdefault((path, _subject(entry, one.delta.about)), []).append(entry)
    for path, entry in reversed(waiting):
        names = _names(entry)
        fitting = [
            key
            for key in groups
            if key[0] == path and any(_mentions(e, names) for e in groups[key])
        ]
        if entry["ensure"] == "import" and fitting:
            groups[fitting[0]].insert(0, entry)
        else:
            groups.setdefault((path, "\0"), []).insert(0, entry)
    return [
        _step(path, about.strip("\0"), tuple(entries)) for (path, about), entries in groups.items()
    ]


def steps_in_order(said: Sequence[tuple[str, Said]]) -> list[ProseStep]:
    """Steps whose entries stand in the order in which they were proved: one thing may have
    several.
    """
    entries = [
        ((path, _subject(entry, one.delta.about)), entry)
        for path, one in said
        for entry in one.entries or ()
    ]
    return [
        _step(path, about, tuple(entry for _, entry in group))
        for (path, about), group in groupby(entries, key=itemgetter(0))
    ]


def _subject(entry: Entry, about: str) -> str:
    """The class whose fields these are, rather than each of them; otherwise what the change is
    about.
    """
    return str(entry["of"]) if entry["ensure"] == "field" else about


def _names(entry: Entry) -> set[str]:
    """What an import statement binds."""
    return {name.bound or name.name for name in wanted("import", str(entry["import"]))}


def _mentions(entry: Entry, names: set[str]) -> bool:
    words = " ".join(str(value) for key, value in entry.items() if key not in {"ensure", "in"})
    return any(
        name in "".join(c if c.isidentifier() or c.isdigit() else " " for c in words).split()
        for name in names
    )


def _step(path: str, about: str, entries: tuple[Entry, ...]) -> ProseStep:
    sentences = list(
        dict.fromkeys(_sentence(entry, path) for entry in entries if entry["ensure"] != "import")
    )
    if not sentences:
        sentences = [f"`{path}` imports what it needs."]
    return ProseStep(_heading(path, about, entries), " ".join(sentences), entries)


def _heading(path: str, about: str, entries: Sequence[Entry]) -> str:
    first = next((e for e in entries if e["ensure"] != "import"), None)
    if first is None:
        return f"Imports of `{path}`"
    match first["ensure"]:
        case "element":
            what = one_line(bare(str(first.get("element") or first.get("key"))), 40)
            return f"`{what}` in `{first.get('of') or first.get('call')}`"
        case "field":
            return f"Fields of `{first['of']}`"
        case "rename":
            return f"The name of `{first['of']}`"
        case "no-file" | "move-file" | "file":
            return f"The file `{path}`"
    return f"`{about}`" if about else f"`{path}`"


def _sentence(entry: Entry, path: str) -> str:
    """What holds after an operation, for a reader who knows none of them."""
    where = f"`{entry['of']}`" if entry.get("of") else f"`{path}`"
    kind = str(entry["ensure"])
    if kind == "element":
        return _joins(entry, where)
    if kind in _DEFINED:
        name, doc = _defined(str(entry["code"]))
        owner = f" of {where}" if kind == "method" else f" in `{path}`"
        return f"The {kind} `{name}`{owner} is new{': ' + doc if doc else '.'}"
    if kind == "annotation":
        what = f"`{entry['parameter']}` of {where}" if entry.get("parameter") else where
        what = f"What {where} returns" if entry.get("parameter") == "return" else what
        return f"{what} is annotated `{one_line(str(entry['annotation']))}`."
    if kind == "statement":
        place = next(
            (f" {k} `{one_line(str(entry[k]))}`" for k in ("before", "after") if entry.get(k)), ""
        )
        if entry.get("after") and entry.get("before"):
            place = (
                f" between `{one_line(str(entry['after']))}` and `{one_line(str(entry['before']))}`"
            )
        place = place or (f" at the {entry['at']}" if entry.get("at") else "")
        return f"{where} has `{one_line(str(entry['code']))}`{place}."
    if kind in _SENTENCES:
        said = {key: one_line(str(value)) for key, value in entry.items()}
        return _SENTENCES[kind].format_map({**said, "where": where, "path": path})
    return f"A few lines of `{path}` read otherwise."


_SENTENCES = {
    "argument": "The call of `{call}` in {where} gets `{argument}`.",
    "base": "{where} is a `{base}` too.",
    "decorator": "{where} is decorated with `@{decorator}`.",
    "default": "`{parameter}` of {where} is `{default}` where nobody says otherwise.",
    "docstring": "The docstring of {where} says so.",
    "field": "{where} has the field `{field}`.",
    "keyword": "{where} is a class with `{keyword}`.",
    "move-file": "`{path}` lies at `{to}`.",
    "no-definition": "{where} is gone.",
    "no-file": "`{path}` is gone.",
    "no-statement": "{where} is without `{code}`.",
    "no-import": "`{path}` does not need `{import}`.",
    "parameter": "{where} takes `{parameter}`.",
    "rename": "{where} is called `{to}`, wherever it is used.",
    "replace": "In {where}, `{pattern}` reads `{with}`.",
    "value": "{where} is `{value}`.",
    "wrap": "In {where}, `{statements}` stands inside `{wrapper}`.",
}


def _joins(entry: Entry, where: str) -> str:
    what = one_line(bare(str(entry.get("element") or entry.get("key"))))
    rest = "the order does not matter, and the others stay"
    rest = "the others stay" if {"before", "after", "position"} & entry.keys() else rest
    place = f"the call of `{entry['call']}` in {where}" if entry.get("call") else where
    return f"`{what}` joins {place}; {rest}."


def _defined(code: str) -> tuple[str, str]:
    """The name of a definition and the first line of its docstring."""
    node = Snippet.parse(code).nodes[0]
    if not isinstance(node, cst.FunctionDef | cst.ClassDef):
        return "", ""
    doc = str(node.get_docstring() or "").partition("\n")[0].strip()
    return node.name.value, doc + ("" if not doc or doc.endswith(".") else ".")
