"""The module that a definition moves to: what it must have, and must not have."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.names.scopes import Access
from skills_engine.codemods.refactor.movable import Piece, import_of
from skills_engine.codemods.refactor.project import stem_of
from skills_engine.codemods.source.comments import attached
from skills_engine.codemods.source.source import Splice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.codemods.names.scopes import Imported, Names, Use


from skills_engine.codemods.refactor.move_state import MoveState, where

__all__ = ["TargetEdits"]


class TargetEdits(MoveState):
    """The edits of the new module."""

    def _imports_for(self, piece: Piece) -> tuple[list[str], list[str]]:
        """The import lines that the definition needs in the target, and those for type checkers
        only.
        """
        lines: list[str] = []
        guarded: list[str] = []
        target = (
            self.project.at(self.target)
            if self.project.files.read(self.target) is not None
            else None
        )
        for name in sorted(piece.needs()):
            bindings = self.old.module.bound[name]
            imported = [b.imported for b in bindings if b.imported is not None]
            if len(imported) < len(bindings):
                wanted = [f"from {self.project.dotted(stem_of(self.old.path))} import {name}"]
            else:
                if len(bindings) > 1 and any(i.name for i in imported):
                    raise self.old.drifted(
                        self.doing, f"{name} is imported in two ways", bindings[0].node
                    )
                kept = [i for i in imported if not (self._is_target(i) or self._is_module(i))]
                wanted = [import_of(self.project, i) for i in kept]
                if not kept:
                    continue
            if target is not None and name in target.module.bound:
                self._same(target, name, wanted)
                continue
            (guarded if imported and all(i.guarded for i in imported) else lines).extend(wanted)
        if target is not None:
            self._check_target(piece, target)
        future = [
            i for i in self.old.imports if i.module == "__future__" and i.name == "annotations"
        ]
        has = target is not None and any(
            i.module == "__future__" and i.name == "annotations" for i in target.imports
        )
        if future and not has and (target is None or _annotates(piece)):
            lines.insert(0, "from __future__ import annotations")
        return lines, guarded

    def _is_target(self, imported: Imported) -> bool:
        stem = self.project.stem(self.old.path, imported.module)
        return stem == stem_of(self.target) and imported.links

    def _same(self, target: Names, name: str, wanted: Sequence[str]) -> None:
        """Refuse unless the target has the name from the same place."""
        there = [
            import_of(self.project, b.imported) if b.imported else ""
            for b in target.module.bound[name]
        ]
        if not set(there) >= set(wanted):
            at = where(target, name)
            raise target.drifted(self.doing, f"it needs another {name} than {self.target} has", at)

    def _check_target(self, piece: Piece, target: Names) -> None:
        inside = {u.node.value for u in piece.uses() if not self.old.module.bound.get(u.node.value)}
        for name in sorted(inside & {n for n, b in target.module.bound.items() if b}):
            if hasattr(builtins, name):
                raise target.drifted(
                    self.doing,
                    f"{self.target} has its own {name}, which it would use",
                    where(target, name),
                )
        for binding in target.module.bound.get(self.name, ()):
            if (
                binding.imported is None
                or not self._from_old(target.path, binding.imported)
                or not binding.imported.links
            ):
                raise target.drifted(
                    self.doing, f"{self.target} has another {self.name}", binding.node
                )
        for imported in target.imports:
            if (
                imported.name == self.name
                and not imported.links
                and self._from_old(target.path, imported)
            ):
                called = f"{self.target} calls it {imported.bound}"
                raise target.drifted(
                    self.doing, called, imported.statement, hint="import it by its name first"
                )
        for use in target.uses[self.name]:
            if use.owner is target.module and not target.module.bound.get(self.name):
                raise target.drifted(
                    self.doing, f"{self.target} uses another {self.name}", use.node
                )
        self._check_early(target)

    def _check_early(self, target: Names) -> None:
        """Refuse if the target may need the definition while it is imported, before its end is
        reached.

        It does so where it names it outside functions; and where it names it in one and runs any of
        its own.
        """
        what = f"{self.target} may use {self.name} before its end, where it would be defined"
        bound = {b.name for b in target.module.bound.get(self.name, ())}
        named: list[Use | Access] = [
            u for u in target.uses[self.name] if u.node not in bound and u.owner is target.module
        ]
        home = stem_of(self.old.path)
        named += [
            a for a in target.accesses[self.name] if self.project.package(a.value, a.scope) == home
        ]
        inner = [
            i for i in target.imports if i.name == self.name and self._from_old(target.path, i)
        ]
        if not named and all(i.scope is target.module for i in inner):
            return
        own = {
            n
            for n, bs in target.module.bound.items()
            if any(b.kind in {"function", "class"} for b in bs)
        }
        run = [u for name in own for u in target.uses[name] if u.owner is target.module]
        for at in (*named, *run):
            node = at.attr if isinstance(at, Access) else at.node
            if node in target.inside_strings or any(
                scope.kind == "function" for scope in at.scope.chain()
            ):
                continue
            defines = any(b.name is node for bs in target.module.bound.values() for b in bs)
            if not defines and not self._below_end(target, node):
                raise target.drifted(self.doing, what, node, hint="move it by hand")

    def _below_end(self, target: Names, node: cst.CSTNode) -> bool:
        """Whether a node stands in the `if __name__` block above which the definition would be
        put.
        """
        body = target.source.module.body
        return (
            bool(body)
            and _is_main(body[-1])
            and target.span(node).start >= target.source.span(body[-1]).start
        )

    def _edit_target(self, piece: Piece, lines: list[str], guarded: list[str]) -> bytes | None:
        """Splices for a target that is there; the whole of one that is not."""
        text = piece.text(self._own_names(piece))
        self.fresh[self.target] = [(line, "") for line in lines]
        self.fresh[self.target] += [(line, "TYPE_CHECKING") for line in guarded]
        if self.project.files.read(self.target) is None:
            return text.replace("\n", self.old.source.newline).encode("utf-8")
        names = self.project.at(self.target)
        source = names.source
        edits = self.edits.setdefault(self.target, [])
        body = source.module.body
        big = isinstance(piece.statement, cst.ClassDef | cst.FunctionDef)
        tail = body[-1] if body and _is_main(body[-1]) else None
        if tail is not None:
            at = attached(source, source.line_start(source.span(tail).start))
            before = source.data[:at].replace(b"\r", b"")
            blank = len(before) - len(before.rstrip(b"\n")) - 1
            lead = "\n" * max(0, (2 if big else 1) - blank) if before.strip() else ""
            edits.append(Splice(at, at, f"{lead}{text}\n\n" if big else f"{lead}{text}\n"))
            return None
        end = len(source.data)
        before = source.data.replace(b"\r", b"")
        match body[-1:]:
            case _ if big:
                gap = 2
            case [cst.SimpleStatementLine(body=[cst.Import() | cst.ImportFrom(), *_])]:
                gap = 1
            case [cst.SimpleStatementLine()]:
                gap = 0
            case _:
                gap = 2
        blank = len(before) - len(before.rstrip(b"\n")) - 1
        fresh = not before.strip()
        lead = "\n" * max(0, gap - blank) if not fresh else ""
        edits.append(Splice(end, end, lead + text))
        return None

    def _own_names(self, piece: Piece) -> list[Splice]:
        """What the target's own names are in it: `target.X` becomes X, so that no module imports
        itself.
        """
        stem = stem_of(self.target)
        splices: list[Splice] = []
        seen: set[cst.CSTNode] = set()
        for accesses in self.old.accesses.values():
            for access in accesses:
                inside = piece.has(access.attr) and not access.quoted
                if not inside or self.project.package(access.value, access.scope) != stem:
                    continue
                name = access.attr.value
                if access.scope.owner(name) is not self.old.module or name in self.old.module.bound:
                    what = f"{name} of {self.target} has another meaning where it is used"
                    raise self.old.drifted(self.doing, what, access.attr, hint="move it by hand")
                there = self.project.file_of(stem)
                if there is None or name not in self.project.at(there).module.bound:
                    what = f"{self.target} does not define {name}, which it takes from there"
                    raise self.old.drifted(self.doing, what, access.attr, hint="move it by hand")
                start = self.old.span(access.value).start
                splices.append(Splice(start, self.old.span(access.attr).start, ""))
                seen.add(_first(access.value))
        for use in piece.uses():
            bindings = self.old.module.bound.get(use.node.value, [])
            here = [b.imported for b in bindings if b.imported is not None]
            if any(self._is_module(i) for i in here) and use.node not in seen:
                what = f"it uses {self.target} as an object"
                raise self.old.drifted(self.doing, what, use.node, hint="move it by hand")
        return splices

    def _is_module(self, imported: Imported) -> bool:
        """Whether an import is of the target itself."""
        path, stem = self.old.path, stem_of(self.target)
        if not imported.name:
            return self.project.stem(path, imported.module) == stem
        around = self.project.stem(path, imported.module)
        return around is not None and f"{around}/{imported.name}".lstrip("/") == stem


def _is_main(statement: cst.CSTNode) -> bool:
    match statement:
        case cst.If(test=cst.Comparison(left=cst.Name(value="__name__"))):
            return True
    return False


def _annotates(piece: Piece) -> bool:
    todo: list[cst.CSTNode] = [piece.statement]
    while todo:
        node = todo.pop()
        if isinstance(node, cst.Annotation):
            return True
        todo += node.children
    return False


def _first(node: cst.BaseExpression) -> cst.BaseExpression:
    while isinstance(node, cst.Attribute):
        node = node.value
    return node
