"""The interface of an ensure-operation.

An operation is a frozen dataclass: its fields are the keys of a `codemod`
entry, its docstring is its page in the vocabulary, and beside it stand its
examples. VALID ones become tests of what it does (also with CRLF and tabs, and
a second time, when it must say ALREADY); INVALID ones of what it refuses.

To add one: a new file `operations/<name>.py` with one subclass, and the wish of
an author that it answers, in `package/wishes.py`. Pages and schemas are made of
both: `make reference schemas`.

    Operation             sees the whole tree
    └── SourceOperation   edits one Python file: Source in, Edit out
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import libcst as cst

from skills_engine.codemods.malformed import Malformed
from skills_engine.codemods.paths import module_paths
from skills_engine.codemods.source.blocks import unfolded
from skills_engine.codemods.source.one_line import OneLine
from skills_engine.codemods.source.source import Edit, Source
from skills_engine.errors import CannotEnsure, Unparsable
from skills_engine.types import Change, Outcome, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skills_engine.codemods.files import Files

__all__ = [
    "Example",
    "Malformed",
    "Operation",
    "Refusal",
    "SourceOperation",
    "defined_elsewhere",
    "perform",
]

Tree = str | dict[str, str]
"""One Python file named `m.py`, or files by path. Text; tests also try it with CRLF."""


@dataclass(frozen=True, slots=True)
class Example:
    """Before, an operation's keys (without `ensure`), after. `title` reads as a test's name.

    `already` marks one whose postcondition holds beforehand (before equals after).
    `verbatim` marks one whose layout is the point, so that tests do not vary it.
    """

    title: str
    before: Tree
    keys: Mapping[str, Any]
    after: Tree
    verbatim: bool = False

    @property
    def already(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True, slots=True)
class Refusal:
    """Before, an operation's keys, and the outcome and a part of the message it refuses with."""

    title: str
    before: Tree
    keys: Mapping[str, Any]
    outcome: Outcome
    message: str


@dataclass(frozen=True, kw_only=True)
class Operation(ABC):
    """A condition on a tree of files. Subclasses are frozen dataclasses; a key that is a Python
    keyword ends in `_`.
    """

    ensure: ClassVar[str]
    """The word after `ensure:`, the file's name with hyphens."""
    VALID: ClassVar[tuple[Example, ...]] = ()
    INVALID: ClassVar[tuple[Refusal, ...]] = ()

    @abstractmethod
    def apply(self, files: Files) -> Change:
        """Make the condition true. Raises CannotEnsure, leaving `files` as they were, when it is
        not clear how.
        """

    @abstractmethod
    def describe(self) -> str:
        """One line, imperative, that says what must hold: `add TelegramChannel to
        bot.channels:CHANNELS`.
        """

    @abstractmethod
    def touches(self) -> tuple[str, ...]:
        """The paths that this operation names, as its author wrote them; repository-wide reach left
        out.
        """


def perform(operation: Operation, files: Files) -> Change:
    """Apply an operation. Raises Unparsable, too, where code is nested so deeply that Python's
    recursion ends.
    """
    try:
        return operation.apply(files)
    except RecursionError:
        raise Unparsable(
            f"{operation.describe()}: code there is nested too deeply to be understood"
        ) from None


@dataclass(frozen=True, kw_only=True)
class SourceOperation(Operation):
    """An operation on one Python file.

    `in_` is the file's path, or may be left out where a selector carries the
    module: `bot.channels:CHANNELS`. Subclasses name their selector fields in
    SELECTORS; `selected()` gives a selector without its module.
    """

    SELECTORS: ClassVar[tuple[str, ...]] = ("of",)

    in_: str = ""

    def __post_init__(self) -> None:
        if not self.in_ and not self._module():
            key = self.SELECTORS[0] if self.SELECTORS else "in"
            raise Malformed(
                "in",
                "the file is not named",
                f"add `in: path/to/file.py`, or write `{key}: package.module:Name`",
            )
        if self.in_ and self._module():
            raise Malformed(
                "in", "the file is named twice", "keep `in`, or the module before the colon"
            )

    @abstractmethod
    def edit(self, source: Source) -> Edit:
        """The splices that make the condition true; none if it is so already. Raises
        CannotEnsure.
        """

    def edit_among(self, source: Source, files: Files) -> Edit:
        """`edit`, where the rest of the tree says more of how."""
        del files
        return self.edit(source)

    def apply(self, files: Files) -> Change:
        path = self.locate(files)
        source = Source.parse(path, files.read(path) or b"")
        if (elsewhere := self._in_the_end(source, files)) is not None:
            return elsewhere.apply(files)
        while True:
            try:
                edit = self.edit_among(source, files)
                break
            except OneLine as found:
                source = unfolded(source, found.node)
        data = source.splice(edit.splices)
        if data == source.original:
            return Change(Outcome.ALREADY, edit.summary or self.describe())
        Source.check(path, source.original, data, self.describe())
        self.check(files, source, data)
        files.write(path, data)
        return Change(Outcome.APPLIED, edit.summary or self.describe(), edit.places(source))

    def check(self, files: Files, source: Source, data: bytes) -> None:
        """Raises CannotEnsure where the file's new text does harm that only the whole tree
        shows.
        """

    def touches(self) -> tuple[str, ...]:
        return (self.in_,) if self.in_ else module_paths(self._module())

    def selected(self, key: str) -> str:
        """The selector in field `key`, without the module before its colon."""
        value: str = getattr(self, key)
        return value.rpartition(":")[2].strip()

    def locate(self, files: Files) -> str:
        """The path of the file, upstream's renames followed."""
        named = self.touches()
        for path in named:
            if files.read(path) is not None:
                return path
        for path in named:
            if (moved := files.follow(path)) is not None:
                return moved
        name = self.selected(self.SELECTORS[0]) if self.SELECTORS else ""
        for path in named:  # its definitions may have gone to several files
            found = files.follow_name(path, name.partition(".")[0]) if name else None
            if found is not None and files.read(found[0]) is not None:
                return found[0]
        near = tuple(Place(p, 1) for p in _neighbours(files, named[0]))
        raise CannotEnsure(
            Outcome.MISSING,
            f"{self.describe()}: there is no file {' or '.join(named)}",
            candidates=near,
            hint="name the file that holds it now",
        )

    def _in_the_end(self, source: Source, files: Files) -> Self | None:
        """Itself where `elsewhere` leads in the end; None where that is here, or nowhere: modules
        may import a name from each other.
        """
        found: list[Self] = []
        there = self.elsewhere(source, files)
        while there is not None and there != self and there not in found:
            found.append(there)
            path = there.locate(files)
            there = there.elsewhere(Source.parse(path, files.read(path) or b""), files)
        return found[-1] if found and there is None else None

    def elsewhere(self, source: Source, files: Files) -> Self | None:
        """Itself on the place that upstream renamed its own to, or that the file has its own from;
        None where it is there, or nobody knows.
        """
        name = self.selected(self.SELECTORS[0]) if self.SELECTORS else ""
        found = defined_elsewhere(source, files, name) if name else None
        return replace(self, in_=found[0], **{self.SELECTORS[0]: found[1]}) if found else None

    def _module(self) -> str:
        for key in self.SELECTORS:
            value = getattr(self, key)
            if isinstance(value, str) and ":" in value:
                return value.partition(":")[0].strip()
        return ""


def defined_elsewhere(source: Source, files: Files, name: str) -> tuple[str, str] | None:
    """The file and the name that a definition has, which this file imports, or had by that name."""
    head, dot, rest = name.partition(".")
    if not head.isidentifier():
        return None
    if source.has(head):  # the class stays: a method of it may have another name
        return (
            None
            if not rest.isidentifier() or source.has(name)
            else files.follow_name(source.path, name)
        )
    found = _imported(source, files, head) or files.follow_name(source.path, head)
    if found is None or found == (source.path, head):
        return None
    return found[0], f"{found[1]}{dot}{rest}"


def _imported(source: Source, files: Files, name: str) -> tuple[str, str] | None:
    """The file of this repository, and the name there, from which a module has a name."""
    for line in source.module.body:
        for node in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if not isinstance(node, cst.ImportFrom) or isinstance(node.names, cst.ImportStar):
                continue
            for alias in node.names:
                if (alias.evaluated_alias or alias.evaluated_name) != name:
                    continue
                module = source.code(node.module) if node.module is not None else ""
                paths = _files_of(source.path, module, len(node.relative))
                there = next((p for p in paths if files.read(p) is not None), None)
                if there is not None:
                    return there, alias.evaluated_name
    return None


def _files_of(path: str, module: str, level: int) -> tuple[str, ...]:
    """The files that may be what the one at `path` imports from, so many dots before the name."""
    if not level:
        return module_paths(module)
    folders = path.split("/")[:-level]
    return module_paths(".".join([*folders, module] if module else folders))[:2]


def _neighbours(files: Files, path: str) -> list[str]:
    folder, _, _ = path.rpartition("/")
    prefix = folder + "/" if folder else ""
    return [prefix + name for name in files.listdir(folder) if name.endswith(".py")][:10]
