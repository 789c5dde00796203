"""A small repository and skills for it, drawn from one string of bytes.

One draw that is read as a row of choices costs a tenth of many small draws, and
shrinks well: zero is everywhere the plainest choice.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st

__all__ = [
    "PACKAGES",
    "Module",
    "Repository",
    "Skill",
    "Style",
    "Tape",
    "repository",
    "skill",
    "tapes",
]

T = TypeVar("T")
PACKAGES = ".claude/skills/"


class Tape:
    """Choices, for as long as there are bytes; then every choice is the first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, low: int, high: int) -> int:
        at, self._at = self._at, self._at + 1
        return low + (self._data[at] if at < len(self._data) else 0) % (high - low + 1)

    def one(self, choices: Sequence[T]) -> T:
        return choices[self.number(0, len(choices) - 1)]

    def some(self, choices: Sequence[T], low: int, high: int) -> list[T]:
        """Different ones, in the order in which they came."""
        places = dict.fromkeys(
            self.number(0, len(choices) - 1) for _ in range(self.number(low, high))
        )
        return [choices[place] for place in places]

    def __repr__(self) -> str:
        return f"Tape({self._data!r})"


def tapes(size: int) -> st.SearchStrategy[Tape]:
    return st.binary(min_size=size, max_size=size).map(Tape)


# --- how a file is written


@dataclass(frozen=True)
class Style:
    """What a formatter would settle, and here differs between files."""

    newline: str = "\n"
    indent: str = "    "
    quote: str = '"'

    def text(self, lines: Sequence[str]) -> bytes:
        """Lines that are indented by four spaces a level and quoted doubly, in this style."""
        out = []
        for line in lines:
            bare = line.lstrip(" ")
            level = (len(line) - len(bare)) // 4
            if self.quote != '"' and '"""' not in bare:
                bare = bare.replace('"', self.quote)
            out.append(self.indent * level + bare + self.newline if bare else self.newline)
        return "".join(out).encode()


def _style(tape: Tape) -> Style:
    return Style(
        tape.one(["\n", "\n", "\n", "\r\n"]),
        tape.one(["    ", "    ", "    ", "\t", "  "]),
        tape.one(['"', '"', "'"]),
    )


# --- Python


@dataclass
class Module:
    """A file and the places in it that skills and owners may name."""

    path: str
    rows: dict[str, str] = field(default_factory=dict)
    """Literals of several elements by name; their opening bracket, `:` for a dict."""
    classes: dict[str, bool] = field(default_factory=dict)
    """Whether it is a dataclass."""
    methods: list[tuple[str, str]] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """Functions that call `print` exactly once."""
    returning: list[str] = field(default_factory=list)
    """Functions whose last statement is a return."""
    lines: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


_ITEMS = ['"a"', '"b"', "int", "str", "3", "len", '"long_element_name"', "(1, 2)"]
_IMPORTS = [
    ["import os"],
    ["import sys"],
    ["from pathlib import Path"],
    ["from collections import Counter, deque"],
    ["from typing import (", "    Any,", "    Final,  # once", ")"],
    ["import os.path as osp"],
    [
        "from typing import TYPE_CHECKING",
        "",
        "if TYPE_CHECKING:",
        "    from collections.abc import Sequence",
    ],
]


def _row(tape: Tape, name: str, kind: str, module: Module) -> list[str]:
    """A literal in one of the layouts that people and formatters use."""
    module.rows[name] = kind
    opening, closing = {"[": ("[", "]"), "(": ("(", ")"), "{": ("{", "}"), ":": ("{", "}")}[kind]
    items = tape.some(_ITEMS, 0 if kind in "[(:" else 1, 4)
    if kind == ":":
        items = [f'"k{n}": {item}' for n, item in enumerate(items)]
    head = name + tape.one([" = ", " = ", ": Any = "])
    layout = tape.one(["one", "many", "many", "bare", "hang"])
    if not items:
        return [f"{head}{opening}{closing}"]
    if layout == "one" or (layout == "hang" and len(items) < 2):
        comma = "," if kind == "(" and len(items) == 1 else ""
        return [f"{head}{opening}{', '.join(items)}{comma}{closing}" + tape.one(["", "  # a row"])]
    if layout == "hang":
        pad = " " * (4 * ((len(head) + 4) // 4))
        return [
            f"{head}{opening}{items[0]},",
            *(f"{pad}{item}," for item in items[1:-1]),
            f"{pad}{items[-1]}{closing}",
        ]
    last = "," if layout == "many" or (kind == "(" and len(items) == 1) else ""
    out = [head + opening]
    for n, item in enumerate(items):
        if tape.number(0, 5) == 5:
            out.append(f"    # about {n}")
        out.append(
            f"    {item}{last if n == len(items) - 1 else ','}" + tape.one(["", "", "", "  # why"])
        )
    return [*out, closing]


def _statements(tape: Tape, name: str, module: Module, owner: str) -> list[str]:
    out = [f'"""What {name} does."""'] if tape.number(0, 1) else []
    for n in range(tape.number(0, 2)):
        out += tape.one(
            [
                [f"{name}_{n} = {n}"],
                [f"# step {n} of {name}", f"{name}_{n} = [1, 2]  # two"],
                [f"if argument == {n}:", f"    {name}_{n} = argument"],
                [f"for each in range({n}):", f'    {name}_{n} = "each"', ""],
            ]
        )
    if tape.number(0, 1):
        out += tape.one([[f'print("{name}")'], ["print(", f'    "{name}",', '    end="",', ")"]])
        module.calls.append(owner)
    if out and tape.number(0, 1):
        return out
    module.returning.append(owner)
    return [*out, f"return argument  # of {name}"]


def _function(tape: Tape, name: str, module: Module) -> list[str]:
    module.functions.append(name)
    head = tape.one(["", "", "# about the next", "@property_"])
    decorated = [f"@{head.removeprefix('@')}"] if head.startswith("@") else [head] if head else []
    parameters = tape.one(["argument", "argument=None", "argument=None, *, flag=True"])
    return [
        *decorated,
        f"def {name}({parameters}):",
        *_indented(_statements(tape, name, module, name)),
    ]


def _class(tape: Tape, name: str, module: Module) -> list[str]:
    dataclass_ = module.classes[name] = bool(tape.number(0, 1))
    out = ["@dataclass"] if dataclass_ else []
    out.append(f"class {name}:")
    body = [f'"""A {name}."""', ""] if tape.number(0, 1) else []
    for n in range(tape.number(0, 2)):
        body += [f"field_{n}: int = {n}" + tape.one(["", "  # a field"])]
    for n in range(tape.number(0, 2)):
        method = f"{name.lower()}_{n}"
        module.methods.append((name, method))
        inner = _statements(tape, method, module, f"{name}.{method}")
        body += [
            *([""] if body and body[-1] else []),
            f"def {method}(self, argument=None):",
            *_indented(inner),
        ]
    return [*out, *_indented(body or ["pass"])]


def _indented(lines: Sequence[str]) -> list[str]:
    return ["    " + line if line else "" for line in lines]


def _module(tape: Tape, path: str, mark: str) -> Module:
    module = Module(path)
    out = [f'"""The module {mark}."""'] if tape.number(0, 3) else []
    imports = ["from dataclasses import dataclass", "from typing import Any"]
    if tape.number(0, 3):
        chosen = tape.some(_IMPORTS, 0, 3)
        out += [""] if out else []
        out += sum((lines for lines in chosen if "TYPE_CHECKING" not in lines[0]), [])
        out += imports
        out += sum((lines for lines in chosen if "TYPE_CHECKING" in lines[0]), [])
    else:
        out += [*([""] if out else []), *imports]
    out += (
        ["", "def property_(of):", "    return of", ""]
        if tape.number(0, 1)
        else ["", "property_ = staticmethod", ""]
    )
    for n in range(tape.number(0, 3)):
        kind = tape.number(0, 5)
        if kind in {0, 1}:
            out += ["", *_row(tape, f"{mark}_ROW{n}", tape.one(["[", "(", "{", ":"]), module)]
        elif kind == 2:
            module.values.append(f"{mark}_VALUE{n}")
            out += ["", f"{mark}_VALUE{n} = {n}"]
        elif kind == 3:
            out += ["", "", *_class(tape, f"{mark}Class{n}", module)]
        else:
            out += ["", "", *_function(tape, f"{mark.lower()}_work{n}", module)]
    if tape.number(0, 3) == 3:
        out += [
            "",
            "",
            'if __name__ == "__main__":',
            f"    print({module.path!r})".replace("'", '"'),
        ]
    module.lines = out
    return module


# --- the repository


@dataclass(frozen=True)
class Repository:
    """Files, without skills, and what is where in them."""

    files: dict[str, bytes]
    modules: tuple[Module, ...]


def repository(tape: Tape) -> Repository:
    files: dict[str, bytes] = {"app/__init__.py": b""}
    modules = []
    for path, mark in (("app/core.py", "Core"), ("app/tools.py", "Tool")):
        module = _module(tape, path, mark)
        files[path] = _style(tape).text(module.lines)
        ast.parse(files[path])
        modules.append(module)
    newline = tape.one(["\n", "\n", "\n", "\r\n"])
    files |= {path: newline.join([*lines, ""]).encode() for path, lines in _data(tape).items()}
    return Repository(files, tuple(modules))


def _data(tape: Tape) -> dict[str, list[str]]:
    wants = tape.some(["packaging>=24", "attrs", "zope.interface"], 0, 3)
    array = tape.one(
        [
            ["dependencies = [", *(f'    "{each}",' for each in wants), "]"],
            [f"dependencies = [{', '.join(json.dumps(each) for each in wants)}]"],
        ]
    )
    return {
        "pyproject.toml": [
            "[project]",
            'name = "app"',
            'version = "0.1.0"',
            *array,
            "",
            "[tool.x]",
            "y = 1  # one",
        ],
        ".env.example": [
            *(["# the name", "NAME=app", ""] if tape.number(0, 1) else []),
            "LEVEL=info",
        ],
        "compose.yaml": ["services:", "  app:", "    image: app  # ours", "    restart: always"],
        "conf/app.yaml": [
            "# settings",
            "top:",
            "  list:",
            "    - one",
            "    - two  # second",
            "  key: value",
        ],
        "README.md": ["# App", "", "What it is.", "", "## Use", "", "Run it."],
    }


# --- skills


@dataclass(frozen=True)
class Skill:
    """A package, and what its operations name."""

    name: str
    files: dict[str, bytes]
    """By path in the repository."""
    entries: tuple[dict[str, Any], ...]
    adds: tuple[str, ...]
    shares: frozenset[str]
    """What its manifest asks for beside files."""

    @property
    def touched(self) -> set[str]:
        """Every file that it may change."""
        named = {entry.get("in", entry.get("path", "")) for entry in self.entries}
        implied = {
            "dependencies": "pyproject.toml",
            "environment": ".env.example",
            "services": "compose.yaml",
        }
        return named | {implied[key] for key in self.shares} | set(self.adds)

    @property
    def places(self) -> set[str]:
        """The files that its operations change, with the definition where there is one."""
        return {
            f"{entry.get('in', entry['ensure'])}:{entry.get('of', '')}" for entry in self.entries
        }


def skill(tape: Tape, where: Repository, mark: str, *, most: int = 3) -> Skill:
    """A skill for places that are there. What it brings has `mark` in its name."""
    name = f"add-{mark.lower()}"
    own = f"app/{mark.lower()}.py"
    thing = f"{mark}Thing"
    manifest: dict[str, Any] = {"version": "1.0.0", "core": ">=0.1,<2", "adds": [own]}
    if tape.number(0, 3) == 3:
        manifest["dependencies"] = [
            tape.one([f"{mark.lower()}lib>=1", f"zz-{mark.lower()}", "shared>=2"])
        ]
    if tape.number(0, 3) == 3:
        manifest["environment"] = {tape.one([f"{mark.upper()}_KEY", "SHARED_KEY"]): "what it needs"}
    if tape.number(0, 5) == 5:
        manifest["services"] = {f"{mark.lower()}-service": {"image": "redis", "restart": "always"}}
    entries: list[dict[str, Any]] = []
    for n in range(tape.number(1, most)):
        for entry in _operation(tape, tape.one(where.modules), mark, n):
            if entry not in entries:
                entries.append(entry)
    page = [
        "---",
        f"name: {name}",
        f"description: Adds {thing}. Use when testing.",
        "---",
        f"# {thing}",
        "",
        "What it needs.",
        "",
        "```yaml manifest",
        json.dumps(manifest, indent=1),
        "```",
        "",
        "What must be true.",
        "",
        "```yaml codemod",
        *("- " + json.dumps(entry) for entry in entries),
        "```",
        "",
    ]
    folder = PACKAGES + name
    source = f'"""What {name} brings."""\n\n\nclass {thing}:\n    """A thing."""\n\n\ndef use(argument):\n    return argument\n'
    files = {f"{folder}/SKILL.md": "\n".join(page).encode(), f"{folder}/add/{own}": source.encode()}
    return Skill(
        name,
        files,
        tuple(entries),
        (own,),
        frozenset(manifest) & {"dependencies", "environment", "services"},
    )


def _operation(tape: Tape, module: Module, mark: str, n: int) -> list[dict[str, Any]]:
    """An operation on a place that is there, after what it needs; an import where there is no such
    place.
    """
    thing, own = f"{mark}Thing", f"app.{mark.lower()}"
    brought = {
        "ensure": "import",
        "in": module.path,
        "import": tape.one(
            [
                f"from {own} import {thing}",
                f"from {own} import {thing}",
                f"from {own} import {thing}, use as {mark.lower()}_use",
            ]
        ),
    }
    kind = tape.number(0, 15)
    if kind <= 3 and module.rows:
        of = tape.one(list(module.rows))
        place = {"in": module.path, "of": of} | tape.one(
            [{}, {}, {"position": "first"}, {"position": "sorted"}]
        )
        if module.rows[of] == ":":
            return [brought, {"ensure": "element", **place, "key": f'"{mark}{n}"', "value": thing}]
        return [
            brought,
            {"ensure": "element", **place, "element": tape.one([thing, f'"{mark}{n}"'])},
        ]
    if kind <= 6 and module.classes:
        of = tape.one(list(module.classes))
        if tape.number(0, 1):
            return [
                {
                    "ensure": "field",
                    "in": module.path,
                    "of": of,
                    "field": f"{mark.lower()}_{n}: int = {n}",
                }
            ]
        code = f"def {mark.lower()}_{n}(self):\n    # added\n    return {n}\n"
        where: dict[str, str] = tape.one([{}, {}, {"position": "first"}])
        return [{"ensure": "method", "in": module.path, "of": of, "code": code} | where]
    owners = [*module.functions, *(f"{owner}.{method}" for owner, method in module.methods)]
    if kind <= 9 and owners:
        of = tape.one(owners)
        at = "start" if of in module.returning else tape.one(["start", "end"])
        code = tape.one(
            [f"{mark.lower()}_{n} = {n}", f"# what it adds\n{mark.lower()}_{n} = [\n    {n},\n]"]
        )
        return [{"ensure": "statement", "in": module.path, "of": of, "code": code, "at": at}]
    if kind == 10 and owners:
        of = tape.one(owners)
        return [
            {
                "ensure": "parameter",
                "in": module.path,
                "of": of,
                "parameter": f"{mark.lower()}_{n}=None",
            }
        ]
    if kind == 11 and module.calls:
        of = tape.one(module.calls)
        argument = f"{tape.one(['sep', 'file', 'flush'])}=None"
        return [
            {
                "ensure": "argument",
                "in": module.path,
                "of": of,
                "call": "print",
                "argument": argument,
            }
        ]
    if kind == 12 and module.values:
        return [
            {
                "ensure": "value",
                "in": module.path,
                "of": tape.one(module.values),
                "value": f"1 + {ord(mark[0])}",
            }
        ]
    if kind == 13:
        code = f"def {mark.lower()}_function_{n}():\n    return {n}\n"
        return [{"ensure": "function", "in": module.path, "code": code}]
    if kind == 14:
        return [
            tape.one(
                [
                    {
                        "ensure": "yaml",
                        "in": "conf/app.yaml",
                        "path": "top.list",
                        "element": f"{mark.lower()}-{n}",
                    },
                    {
                        "ensure": "yaml",
                        "in": "conf/app.yaml",
                        "path": f"top.{mark.lower()}{n}",
                        "value": n,
                    },
                    {
                        "ensure": "toml",
                        "in": "pyproject.toml",
                        "path": f"tool.{mark.lower()}.x{n}",
                        "value": n,
                    },
                    {"ensure": "file", "path": f"conf/{mark.lower()}.txt", "content": "text\n"},
                ]
            )
        ]
    if kind == 15 and module.returning:
        of = tape.one(module.returning)
        wrapper = "if argument:\n    $BODY"
        return [
            {
                "ensure": "wrap",
                "in": module.path,
                "of": of,
                "statements": "return $X",
                "wrapper": wrapper,
            }
        ]
    return [brought]
