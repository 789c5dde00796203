"""Attributes of modules (`settings.Settings`, or `"bot.settings.Settings"` in a string that is a
path), made to name what was renamed since.

The reader is the one of `rename`: the scopes of names, types in strings, attributes that a string
names beside their owner. What is set or patched is followed only where the module that it is set in
has the new name too: elsewhere nobody would see it.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.names.read import names_of
from skills_engine.codemods.refactor.dotted_paths import IN_STRING
from skills_engine.codemods.source.source import Source, Splice
from skills_engine.errors import Unparsable
from skills_engine.graft.renamed import passed_on
from skills_engine.types import Span

if TYPE_CHECKING:
    from skills_engine.codemods.names.scopes import Access, Imported, Names, Scope
    from skills_engine.graft.follow import Follower
    from skills_engine.graft.importer import FromImport

__all__ = ["follow_attributes"]


def follow_attributes(source: str, follower: Follower) -> str:
    """Source with its attributes of modules, its `import a.b` and the paths in its strings
    followed.
    """
    try:
        read = Source.parse(follower.importer.path or "m.py", source.encode())
        names = names_of(read)
    except Unparsable:
        return source
    return read.splice(_Attributes(names, follower).splices()).decode()


class _Attributes:
    """One file, and what is to be written there."""

    def __init__(self, names: Names, follower: Follower) -> None:
        self.names, self.follower = names, follower
        self.whole = {each.module for each in names.imports if _plain(each)}
        """The modules that it imports as `import a.b`."""
        self.found: set[Splice] = set()

    def splices(self) -> list[Splice]:
        accesses = [each for found in self.names.accesses.values() for each in found]
        for access in accesses:
            if (chain := self._chain(access.value, access.scope)) is not None:
                self._attribute(access, *chain)
        inner = {  # the owner of what `attrgetter("x")` names is anybody, and stands nowhere
            self.names.span(access.value)
            for access in accesses
            if not isinstance(access.value, cst.Ellipsis)
        }
        for access in accesses:
            if not access.quoted and self._around(access) not in inner:
                self._module(access)
        for imported in self.names.imports:
            if not imported.name and imported.alias and (new := self._now(imported.module)):
                self._write(self.names.span(imported.alias.name), new)
        for node in self.names.source.parents:
            if isinstance(node, cst.SimpleString) and "b" not in node.prefix:
                self._string(node)
        return sorted(self.found)

    def _write(self, span: Span, new: str) -> None:
        self.found.add(Splice(span.start, span.end, new))

    def _now(self, module: str, *, relative: bool = False) -> str:
        """The name of a module that is gone; empty where it is not, or nobody knows."""
        there = self.follower.file(module, relative=relative) is not None
        return "" if there else self.follower.moved(module, relative=relative)

    # --- attributes

    def _chain(self, value: cst.BaseExpression, scope: Scope) -> tuple[Imported, str] | None:
        """The one import that the first name of `a.b.c` is, and the module that all of it names."""
        parts: list[str] = []
        while isinstance(value, cst.Attribute):
            parts.insert(0, value.attr.value)
            value = value.value
        if not isinstance(value, cst.Name):
            return None
        bound = scope.owner(value.value).bound.get(value.value, [])
        found = [each.imported for each in bound if each.imported is not None]
        if not found or len(found) != len(bound):
            return None
        starts = {self._start(each) for each in found}
        return (found[0], ".".join([starts.pop(), *parts])) if len(starts) == 1 else None

    def _start(self, imported: Imported) -> str:
        """The module that an import gives its name to, with the dots of a relative one."""
        if _plain(imported):
            return imported.module.partition(".")[0]
        dot = "" if not imported.name or imported.module.endswith(".") else "."
        return f"{imported.module}{dot}{imported.name}"

    def _name(self, module: str, name: str) -> FromImport | None:
        """What a name of a module is, if that is one, or was."""
        bare = module.lstrip(".")
        node = ast.ImportFrom(bare or None, [ast.alias(name)], len(module) - len(bare))
        for found in self.follower.importer.names(node):
            is_there = self.follower.file(found.module, relative=found.relative) is not None
            if is_there or self._now(found.module, relative=found.relative):
                return found
        return None

    def _attribute(self, access: Access, imported: Imported, module: str) -> None:
        name = self._name(module, access.attr.value)
        if name is None or (now := self.follower.where(name)) == name:
            return
        home = self._now(name.module, relative=name.relative) or name.module
        around = self._now(f"{name.module}.{name.name}", relative=name.relative)
        if around:
            return  # a module of a package: that is the import's affair
        if now.module != home and self._is_set(access):
            if (here := self._passed_on(home, now)) is None:
                return
            now = here
        if _plain(imported) or now.module != home:
            new = now.module.removeprefix("src.") if now.relative else now.module
            if not self._reaches(new, access.scope):
                return
            self._write(self.names.span(access.value), new)
            if new not in self.whole and not (_plain(imported) and new == home):
                self._import(new, imported)
        self._write(self.names.span(access.attr), now.name)

    def _module(self, access: Access) -> None:
        """A module itself, as `import a.b` gives it."""
        chain = self._chain(access.value, access.scope)
        if chain is None or not _plain(chain[0]):
            return
        new = self._now(f"{chain[1]}.{access.attr.value}")
        if new:
            self._write(self._around(access), new)

    def _around(self, access: Access) -> Span:
        start, end = self.names.span(access.value).start, self.names.span(access.attr).end
        return Span(start, end)

    def _is_set(self, access: Access) -> bool:
        """Whether it may be set, there or by whom it is named to."""
        node = self.names.source.parents.get(access.attr)
        around = None if node is None else self.names.source.parents.get(node)
        return access.quoted or isinstance(
            around, cst.AssignTarget | cst.AugAssign | cst.AnnAssign | cst.Del
        )

    def _passed_on(self, home: str, now: FromImport) -> FromImport | None:
        """What a module that imports the name calls it."""
        path = self.follower.file(home, relative=now.relative)
        if path is None:
            return None
        text = (self.follower.files.read(path) or b"").decode("utf-8", "replace")
        there = {
            (file, now.name)
            for file in self.follower.importer.paths(now.module, relative=now.relative)
        }
        found = [bound for bound, froms in passed_on(text, path).items() if there & {*froms}]
        return replace(now, module=home, name=found[0]) if len(found) == 1 else None

    # --- imports

    def _reaches(self, module: str, scope: Scope) -> bool:
        """Whether the first part of a module's name is that, wherever it stands here."""
        top = module.partition(".")[0]
        bound = [each for around in scope.chain() for each in around.bound.get(top, ())]
        return all(each.imported is not None and _plain(each.imported) for each in bound)

    def _import(self, module: str, after: Imported) -> None:
        self.whole.add(module)
        source = self.names.source
        span = self.names.span(after.statement)
        at = source.line_end(span.end - 1)
        line = "" if source.data[:at].endswith(b"\n") else "\n"
        self.found.add(Splice(at, at, f"{line}{source.indent_at(span.start)}import {module}\n"))

    # --- strings

    def _string(self, node: cst.SimpleString) -> None:
        read = IN_STRING.fullmatch(node.raw_value)
        if read is None or node in self.names.exports:
            return
        path = read["path"]
        parts = re.split(r"[.:]", path)
        for length in range(len(parts) - 1, 0, -1):
            module = path[: len(".".join(parts[:length]))]
            if ":" in module or (name := self._name(module, parts[length])) is None:
                continue
            now = self.follower.where(name)
            home = self._now(name.module) or name.module
            if now.module != home:
                here = self._passed_on(home, now)
                now = here or (replace(name, module=home) if home != name.module else name)
            if now != name:
                start = self.names.span(node).start + len(node.prefix) + len(node.quote)
                start += len(node.raw_value[: read.start("path")].encode())
                end = start + len(module.encode())
                self._write(Span(start, end), now.module)
                self._write(Span(end + 1, end + 1 + len(name.name.encode())), now.name)
            return


def _plain(imported: Imported) -> bool:
    """Whether it is `import a.b`, which gives its name to `a`."""
    named = imported.alias is not None and imported.alias.asname is not None
    return not imported.name and not named
