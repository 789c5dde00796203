"""ensure: custom"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from skills_engine.codemods.custom import worker
from skills_engine.codemods.operation import Example, Malformed, Operation, Refusal
from skills_engine.codemods.source.source import Source
from skills_engine.errors import CannotEnsure
from skills_engine.lines import bare_lines
from skills_engine.types import Change, Outcome, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skills_engine.codemods.files import Files

__all__ = ["Custom"]

_CODE = """
import libcst as cst
from libcst.codemod import VisitorBasedCodemodCommand


class Modernise(VisitorBasedCodemodCommand):
    DESCRIPTION = "Calls one function instead of another."

    def __init__(self, context, old="warn", new="warning"):
        super().__init__(context)
        self.old, self.new = old, new

    def leave_Name(self, original_node, updated_node):
        return updated_node.with_changes(value=self.new) if updated_node.value == self.old else updated_node
"""
_KEYS = {"class": "codemods/modernise.py:Modernise", "code": _CODE}


@dataclass(frozen=True, kw_only=True)
class Custom(Operation):
    """The files `in` (paths, or globs with `*` and `**`) are as the package's own LibCST codemod
    `class` leaves them.

    `class` is `codemods/file.py:Class`, a subclass of `libcst.codemod.Codemod` that is made with
    `arguments`. It runs in a process of its own, once the owner trusts the package, and run on its
    own result it must change nothing. Use it for what no other operation can say.
    """

    ensure = "custom"
    VALID = (
        Example(
            "every file that a glob matches",
            {"a.py": "log.warn(1)  # warn\n", "b/c.py": "warn = 'warn'\n", "b/d.txt": "warn\n"},
            {**_KEYS, "in": "**/*.py"},
            {
                "a.py": "log.warning(1)  # warn\n",
                "b/c.py": "warning = 'warn'\n",
                "b/d.txt": "warn\n",
            },
        ),
        Example(
            "arguments, and several paths",
            {"a.py": "f()\n", "b.py": "f()\n", "c.py": "f()\n"},
            {**_KEYS, "in": ["a.py", "b.py"], "arguments": {"old": "f", "new": "g"}},
            {"a.py": "g()\n", "b.py": "g()\n", "c.py": "f()\n"},
        ),
        Example(
            "what is so already stays",
            "log.warning(1)\n",
            {**_KEYS, "in": "m.py"},
            "log.warning(1)\n",
        ),
    )
    INVALID = (
        Refusal("no such file", "", {**_KEYS, "in": "n.py"}, Outcome.MISSING, "no file n.py"),
        Refusal(
            "code that fails",
            "x = 1\n",
            {**_KEYS, "in": "m.py", "arguments": {"colour": "red"}},
            Outcome.DRIFTED,
            "unexpected keyword argument 'colour'",
        ),
        Refusal(
            "code that changes its own result",
            "f()\n",
            {
                "class": "codemods/grow.py:Grow",
                "in": "m.py",
                "code": _CODE.replace("Modernise", "Grow").replace("value=self.new", "value=original_node.value + '_'")
                .replace("updated_node.value == self.old", "True"),
            },
            Outcome.DRIFTED,
            "is not idempotent",
        ),
        Refusal(
            "a result that does not compile",
            "warn = 1\n",
            {**_KEYS, "in": "m.py", "arguments": {"new": "__debug__"}},
            Outcome.DRIFTED,
            "would not compile",
        ),
    )  # fmt: skip

    class_: str
    in_: str | tuple[str, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    code: str = field(default="", repr=False)
    """The source that `class` names: put in by `bind`, no key of a package."""

    def __post_init__(self) -> None:
        path, colon, name = self.class_.partition(":")
        if not (colon and name.isidentifier() and re.fullmatch(r"codemods/[\w.-]+\.py", path)):
            raise Malformed(
                "class", f"{self.class_!r} names no class", "`class: codemods/file.py:Class`"
            )
        if not self._named():
            raise Malformed(
                "in", "no file is named", "`in: path/to/file.py`, or a list of paths and globs"
            )
        try:
            json.dumps(self.arguments)
        except (TypeError, ValueError):
            raise Malformed(
                "arguments", "a value is no text, number, list or mapping", "put it in quotes"
            ) from None

    def bind(self, read: Callable[[str], bytes | None]) -> Custom:
        """This operation with its code, which `read` gives by path in the package. Raises
        Malformed.
        """
        path, _, name = self.class_.partition(":")
        data = read(path)
        if data is None:
            raise Malformed("class", f"the package has no file {path}")
        try:
            tree = ast.parse(data, path)
            code = data.decode("utf-8-sig")
        except (SyntaxError, ValueError) as error:
            raise Malformed("class", f"{path} is not Python: {error}") from None
        if not any(isinstance(node, ast.ClassDef) and node.name == name for node in tree.body):
            raise Malformed("class", f"{path} defines no class {name}")
        return replace(self, code=code)

    def describe(self) -> str:
        return f"run {self.class_} on {', '.join(self._named())}"

    def touches(self) -> tuple[str, ...]:
        return self._named()

    def apply(self, files: Files) -> Change:
        if not self.code:
            raise CannotEnsure(
                Outcome.MISSING,
                f"{self.describe()}: the operation has no code",
                hint="bind it first",
            )
        before = {path: files.read(path) or b"" for path in self._paths(files)}
        for path, data in before.items():
            Source.parse(path, data)
        path, _, name = self.class_.partition(":")
        after = worker.run(self.code, name, self.arguments, before, name=path)
        changed = sorted(path for path, data in before.items() if after[path] != data)
        for path in changed:
            Source.check(path, before[path], after[path], self.describe())
        for path in changed:
            files.write(path, after[path])
        if not changed:
            return Change(Outcome.ALREADY, self.describe())
        count = f"{len(changed)} file{'s' * (len(changed) != 1)}"
        places = tuple(
            Place(path, _first_difference(before[path], after[path])) for path in changed
        )
        return Change(Outcome.APPLIED, f"{self.describe()}: {count} changed", places)

    def _named(self) -> tuple[str, ...]:
        return (self.in_,) * bool(self.in_) if isinstance(self.in_, str) else self.in_

    def _paths(self, files: Files) -> list[str]:
        found: set[str] = set()
        for named in self._named():
            here = (
                set(_matching(files, named))
                if "*" in named or "?" in named
                else set(_there(files, named))
            )
            if not here:
                raise CannotEnsure(
                    Outcome.MISSING,
                    f"{self.describe()}: there is no file {named}",
                    hint="name the files there are",
                )
            found |= here
        return sorted(found)


def _there(files: Files, path: str) -> Iterator[str]:
    moved = path if files.read(path) is not None else files.follow(path)
    if moved is not None:
        yield moved


def _matching(files: Files, pattern: str) -> Iterator[str]:
    """Python files that a glob matches: `*` and `?` within a name, `**/` any directories."""
    parts = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    tokens = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    matches = re.compile(
        "".join(parts.get(token) or re.escape(token) for token in tokens) + r"\Z"
    ).match
    todo = [pattern[: re.search(r"[*?]", pattern).start()].rpartition("/")[0]]  # type: ignore[union-attr]
    while todo:
        folder = todo.pop()
        for name in files.listdir(folder):
            path = f"{folder}/{name}" if folder else name
            if name.endswith("/"):
                todo.append(path.rstrip("/"))
            elif path.endswith(".py") and matches(path) and files.read(path) is not None:
                yield path


def _first_difference(before: bytes, after: bytes) -> int:
    lines = zip(bare_lines(before), bare_lines(after), strict=False)
    return next((n for n, (a, b) in enumerate(lines, 1) if a != b), 1)
