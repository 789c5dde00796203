"""Generated modules, edits of an owner and additions of a skill, for the laws of the merge."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

# --- what examples are made of: one string of bytes that hypothesis draws, read as a row of choices


class Tape:
    """Choices. One draw of bytes instead of many small draws is what makes thousands of examples
    cheap.
    """

    def __init__(self, data: bytes) -> None:
        self._left = iter(data)

    def number(self, low: int, high: int) -> int:
        return low + next(self._left, 0) % (high - low + 1)

    def one(self, choices: Sequence[T]) -> T:
        return choices[self.number(0, len(choices) - 1)]

    def some(self, low: int, high: int) -> list[str]:
        return list(dict.fromkeys(self.one(NAMES) for _ in range(self.number(low, high))))


tapes = st.binary(min_size=96, max_size=96).map(Tape)

# --- modules


@dataclass(frozen=True)
class Row:
    """Elements in brackets, in one of the layouts that people and formatters use."""

    opening: str
    closing: str
    items: tuple[str, ...]
    layout: str
    noted: frozenset[str] = frozenset()

    def text(self, indent: str) -> str:
        single = self.opening == "(" and self.closing == ")," and len(self.items) == 1
        closing = self.closing.rstrip(",")
        if not self.items:
            return self.opening + closing
        if self.layout == "one" or (self.layout == "hang" and len(self.items) < 2):
            noted = f"  # about {min(self.noted)}" if self.noted & set(self.items) else ""
            return self.opening + ", ".join(self.items) + ("," if single else "") + closing + noted
        if self.layout == "hang":
            return self.opening + (",\n" + indent + "        ").join(self.items) + closing
        out = self.opening + "\n"
        for k, item in enumerate(self.items):
            last = k == len(self.items) - 1
            comma = "" if last and self.layout == "bare" and not single else ","
            note = f"  # about {item}" if item in self.noted else ""
            out += f"{indent}    {item}{comma}{note}\n"
        return out + indent + closing


@dataclass(frozen=True)
class Part:
    """A statement, or a definition with parts inside. `row` follows `head`; comments stand above."""

    head: str
    row: Row | None = None
    body: tuple[Part, ...] = ()
    comment: str = ""
    doc: str = ""
    blank: int = 0

    def text(self, indent: str = "") -> str:
        out = "\n" * self.blank
        out += f"{indent}# {self.comment}\n" if self.comment else ""
        row = self.row.text(indent) if self.row else ""
        if not self.head.startswith(("def ", "class ")):
            return out + f"{indent}{self.head}{row}\n"
        out += f"{indent}{self.head}{row}:\n"
        out += f'{indent}    """{self.doc}"""\n' if self.doc else ""
        for k, part in enumerate(self.body):
            out += (part if k or self.doc else replace(part, blank=0)).text(indent + "    ")
        return out


Module = tuple[Part, ...]


def text(module: Module) -> str:
    return "".join((part if k else replace(part, blank=0)).text() for k, part in enumerate(module))


NAMES = [f"{letter}{k}" for k in range(3) for letter in "abcdefgh"]
BRACKETS = [("[", "]"), ("(", "),"), ("{", "}")]
LAYOUTS = ["one", "many", "bare", "hang"]


def rows(tape: Tape, low: int = 0) -> Row:
    opening, closing = tape.one(BRACKETS)
    items = tape.some(max(low, int(opening == "{")), 4)
    return Row(opening, closing, tuple(items), tape.one(LAYOUTS))


def calls(tape: Tape, name: str) -> Part:
    items = tape.some(0, 3)
    items = [item if k == 0 else f"{item}={k}" for k, item in enumerate(items)]
    return Part(f"{name}", Row("(", ")", tuple(items), tape.one(["one", "many", "bare"])))


def functions(tape: Tape, name: str, blank: int, arg: str = "") -> Part:
    params = tape.some(0, 2)
    row = Row(
        "(", ")", tuple(filter(None, [arg, *(f"{p}={k}" for k, p in enumerate(params))])), "one"
    )
    count = tape.number(1, 3)
    body = tuple(calls(tape, f"{name}_{k}") for k in range(count))
    doc = tape.one(["", f"Do {name}."])
    return Part(f"def {name}", row, body, tape.one(["", f"why {name}"]), doc, blank)


def modules(tape: Tape) -> Module:
    parts: list[Part] = []
    for k in range(tape.number(0, 2)):
        names = tape.some(1, 3)
        parenthesised = tape.number(0, 1)
        layout = tape.one(["one", "many"]) if parenthesised else "one"
        brackets = ("(", ")") if parenthesised else ("", "")
        parts.append(Part(f"from pkg{k} import ", Row(*brackets, tuple(names), layout)))
    if tape.number(0, 1):
        parts.append(Part("import sys"))
    for k in range(tape.number(0, 2)):
        parts.append(
            Part(f"ROW{k} = ", rows(tape), blank=tape.number(0, 1), comment=tape.one(["", "a row"]))
        )
    for k in range(tape.number(0, 2)):
        parts.append(functions(tape, f"work{k}", 2))
    if tape.number(0, 1):
        members = [functions(tape, f"method{k}", 1, "self") for k in range(tape.number(1, 2))]
        parts.append(
            Part("class App", None, tuple(members), doc=tape.one(["", "An app."]), blank=2)
        )
    return tuple(parts or [Part("import os")])


# --- edits

Change = Callable[[Part], Part]


def places(module: Module) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []

    def visit(parts: tuple[Part, ...], path: tuple[int, ...]) -> None:
        for k, part in enumerate(parts):
            found.append((*path, k))
            visit(part.body, (*path, k))

    visit(module, ())
    return found


def at(module: Module, path: tuple[int, ...]) -> Part:
    part = module[path[0]]
    for k in path[1:]:
        part = part.body[k]
    return part


def put(parts: Module, path: tuple[int, ...], new: tuple[Part, ...]) -> Module:
    k = path[0]
    if len(path) == 1:
        return (*parts[:k], *new, *parts[k + 1 :])
    return (*parts[:k], replace(parts[k], body=put(parts[k].body, path[1:], new)), *parts[k + 1 :])


def added(tape: Tape, module: Module, who: str) -> Module:
    """The module with one more element, argument, import, function or method, whose name begins
    with `who`.
    """
    path = tape.one(places(module))
    part = at(module, path)
    what = tape.one(["item", "item", "import", "function"])
    if what == "item" and part.row is not None:
        row = part.row
        low = int(
            bool(row.items)
            and (part.head.startswith("def ") or not part.head[0].isupper())
            and not part.head.startswith("from")
        )
        place = tape.number(min(low, len(row.items)), len(row.items))
        named = (
            part.head.startswith("def ")
            or "=" in "".join(row.items)
            or (low and not part.head.startswith("from"))
        )
        item = f"{who}=0" if named else who
        place = len(row.items) if named else place
        return put(
            module,
            path,
            (
                replace(
                    part, row=replace(row, items=(*row.items[:place], item, *row.items[place:]))
                ),
            ),
        )
    if what == "import":
        spot = tape.number(0, sum(p.head.startswith(("from", "import")) for p in module))
        new = tape.one(
            [Part(f"import {who}"), Part(f"from pkg_{who} import ", Row("", "", (who,), "one"))]
        )
        module = tuple(
            p if p.head.startswith(("from", "import")) or k else replace(p, blank=max(p.blank, 1))
            for k, p in enumerate(module)
        )
        return (*module[:spot], new, *module[spot:])
    if len(path) == 2 and part.head.startswith("def "):
        new = functions(tape, who, 1, "self")
        spot = path[1] + tape.number(0, 1)
        owner = module[path[0]]
        first = tuple(replace(p, blank=max(p.blank, 1)) for p in owner.body)
        return put(module, path[:1], (replace(owner, body=(*first[:spot], new, *first[spot:])),))
    spot = tape.number(sum(p.head.startswith(("from", "import")) for p in module), len(module))
    return (*module[:spot], functions(tape, who, 2), *module[spot:])


def edited(tape: Tape, module: Module, who: str) -> Module:
    """The module after one of the edits that owners make."""
    path = tape.one(places(module))
    part = at(module, path)
    match tape.one(
        ["add", "add", "drop", "rename", "layout", "comment", "statement", "doc", "note", "blank"]
    ):
        case "drop" if (
            part.row is not None and len(part.row.items) > 1 and not part.head.startswith("def ")
        ):
            gone = tape.number(0, len(part.row.items) - 1)
            items = tuple(item for k, item in enumerate(part.row.items) if k != gone)
            return put(module, path, (replace(part, row=replace(part.row, items=items)),))
        case "rename" if (
            part.row is not None and part.row.items and not part.head.startswith("def ")
        ):
            k = tape.number(0, len(part.row.items) - 1)
            items = tuple("My" + item if j == k else item for j, item in enumerate(part.row.items))
            return put(module, path, (replace(part, row=replace(part.row, items=items)),))
        case "layout" if part.row is not None and part.row.opening:
            layout = tape.one(
                ["one", "many"] if part.head.startswith("from") else ["one", "many", "bare"]
            )
            return put(module, path, (replace(part, row=replace(part.row, layout=layout)),))
        case "note" if (
            part.row is not None and part.row.items and part.row.layout in {"many", "bare"}
        ):
            noted = frozenset({tape.one(part.row.items)})
            return put(module, path, (replace(part, row=replace(part.row, noted=noted)),))
        case "comment":
            return put(module, path, (replace(part, comment=f"{who} says"),))
        case "doc" if part.head.startswith(("def ", "class ")):
            return put(module, path, (replace(part, doc=f"{who} explains."),))
        case "blank" if path != (0,) and len(path) == 1:
            return put(module, path, (replace(part, blank=part.blank + 1),))
        case "statement" if part.head.startswith("def "):
            new = calls(tape, f"{who}_call")
            spot = tape.number(0, len(part.body))
            return put(
                module, path, (replace(part, body=(*part.body[:spot], new, *part.body[spot:])),)
            )
    return added(tape, module, who)


def forks(tape: Tape) -> tuple[str, str, str]:
    """A graft, an owner's edit of it, and the graft with a skill's additions."""
    g = modules(tape)
    h = g
    for k in range(tape.number(1, 3)):
        h = edited(tape, h, f"mine{k}")
    g2 = g
    for k in range(tape.number(1, 2)):
        g2 = added(tape, g2, f"Skill{k}")
    for version in (g, h, g2):
        ast.parse(text(version))
    return text(g), text(h), text(g2)
