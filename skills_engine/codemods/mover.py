"""Moves a definition from one module of a project to another, and everything that names it
along.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.blocks import prologue
from skills_engine.codemods.comments import attached
from skills_engine.codemods.dotted_paths import paths_in_text
from skills_engine.codemods.imports import Repository
from skills_engine.codemods.move_imports import (
    after,
    module_span,
    prune,
    relative,
    settled,
    written,
)
from skills_engine.codemods.project import Links, Project, stem_of
from skills_engine.codemods.relocation import Piece, import_of
from skills_engine.codemods.scopes import Access
from skills_engine.codemods.source import Source, Splice, spliced
from skills_engine.codemods.type_strings import dotted
from skills_engine.errors import CannotEnsure
from skills_engine.import_order import settings_for
from skills_engine.types import Change, Outcome, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.codemods.dotted_paths import PathInText
    from skills_engine.codemods.files import Files
    from skills_engine.codemods.imports import Guard
    from skills_engine.codemods.scopes import Imported, Names, Scope, Use

__all__ = ["Mover"]


class Mover:
    """One move. `move()` writes nothing unless all of it can be done."""

    def __init__(self, project: Project, old: str, new: str, name: str, doing: str) -> None:
        self.project = project
        self.old = project.at(old)
        self.target = new
        self.module = project.dotted(stem_of(new))
        self.name = name
        self.doing = doing
        self.edits: dict[str, list[Splice]] = {}
        self.fresh: dict[str, list[tuple[str, Guard]]] = {}
        """Import lines that files need, by path."""
        self.idle: dict[str, list[str]] = {}
        """Import lines that files may need no longer."""
        self.configuration: dict[str, list[Splice]] = {}

    def move(self) -> Change:
        if self._there_already():
            return Change(Outcome.ALREADY, self.doing)
        piece = Piece.cut(self.project, self.old, self.name, self.doing)
        lines, guarded = self._imports_for(piece)
        back = piece.used_outside(self.name)
        self._fix_importers(back=back)
        self._fix_paths(piece, back=back)
        self._edit_old(piece, back=back)
        created = self._edit_target(piece, lines, guarded)
        return self._write(piece, created)

    # --- state

    def _there_already(self) -> bool:
        here = self._defines(self.old)
        there = self.project.files.read(self.target) is not None and self._defines(
            self.project.at(self.target)
        )
        if here and there and self.old.path != self.target:
            new = self.project.at(self.target)
            raise new.drifted(
                self.doing, f"{self.target} has another {self.name}", _where(new, self.name)
            )
        if not here and not there:
            near = [
                b[0].node
                for b in self.old.module.bound.values()
                if b and b[0].kind in {"class", "function"}
            ]
            raise self.old.source.missing(
                self.doing, f"{self.old.path} does not define {self.name}", near
            )
        return there

    def _defines(self, names: Names) -> bool:
        return any(b.kind != "import" for b in names.module.bound.get(self.name, ()))

    # --- the target

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
            at = _where(target, name)
            raise target.drifted(self.doing, f"it needs another {name} than {self.target} has", at)

    def _check_target(self, piece: Piece, target: Names) -> None:
        inside = {u.node.value for u in piece.uses() if not self.old.module.bound.get(u.node.value)}
        for name in sorted(inside & {n for n, b in target.module.bound.items() if b}):
            if hasattr(builtins, name):
                raise target.drifted(
                    self.doing,
                    f"{self.target} has its own {name}, which it would use",
                    _where(target, name),
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

    # --- the old module

    def _edit_old(self, piece: Piece, *, back: bool) -> None:
        source = self.old.source
        edits = self.edits.setdefault(self.old.path, [])
        edits.append(piece.removal())
        if back:
            module = self.module
            if any(i.module.startswith(".") for i in self.old.imports):
                module = relative(self.old.path, stem_of(self.target)) or module
            self.fresh[self.old.path] = [(f"from {module} import {self.name}", "")]
        unused: dict[cst.Import | cst.ImportFrom, set[cst.ImportAlias | None]] = {}
        for name in sorted(piece.needs()):
            bindings = self.old.module.bound[name]
            if (
                piece.used_outside(name)
                or self.old.path.endswith("__init__.py")
                or self._wanted_elsewhere(name)
            ):
                continue
            for imported in [b.imported for b in bindings if b.imported is not None]:
                if imported.module != "__future__" and imported.scope is self.old.module:
                    unused.setdefault(imported.statement, set()).add(imported.alias)
        for statement, gone in unused.items():
            edits += prune(source, statement, gone)

    def _wanted_elsewhere(self, name: str) -> bool:
        """Whether another file takes an imported name out of the old module."""
        return self._wanted_from(self.old.path, name)

    def _wanted_from(self, path: str, name: str) -> bool:
        """Whether another file takes an imported name out of a file, which may be a package's."""
        home = stem_of(path)
        if path.endswith("__init__.py"):
            return True
        for names in self.project.mentioning(name):
            if names.path == path:
                continue
            if any(
                i.name in {name, "*"} and i.name and self.project.stem(names.path, i.module) == home
                for i in names.imports
            ):
                return True
            if any(self.project.package(a.value, a.scope) == home for a in names.accesses[name]):
                return True
        return False

    # --- everybody else

    def _from_old(self, path: str, imported: Imported) -> bool:
        return bool(imported.name) and self.project.stem(path, imported.module) == stem_of(
            self.old.path
        )

    def _fix_importers(self, *, back: bool) -> None:
        if not back:
            self._refuse_stars()
        for names in self.project.mentioning(self.name):
            if names is self.old:
                continue
            taken: dict[cst.CSTNode, list[Imported]] = {}
            for imported in names.imports:
                if imported.name == self.name and self._from_old(names.path, imported):
                    taken.setdefault(imported.statement, []).append(imported)
            for together in taken.values():
                self._fix_import(names, together)
            accesses = [
                a
                for a in names.accesses[self.name]
                if not a.instance
                and not (a.quoted and back)  # it is what the old module calls that is replaced
                and self.project.package(a.value, a.scope) == stem_of(self.old.path)
            ]
            if accesses:
                self._fix_accesses(names, accesses)

    def _refuse_stars(self) -> None:
        """A star import hands the name on without writing it, and would lose it silently."""
        links = Links(self.project, self.old.module, self.name)
        for path in self.project.files.containing(b"import *", ".py"):
            names = self.project.at(path)
            for star in names.stars:
                if links.taken(star):
                    what = f"{path} has {self.name} from a star import"
                    raise names.drifted(
                        self.doing, what, star.statement, hint="import it by name first"
                    )

    def _fix_import(self, names: Names, taken: Sequence[Imported]) -> None:
        """One from-import of the old module, and those of its names that are the definition."""
        source, statement = names.source, taken[0].statement
        edits = self.edits.setdefault(names.path, [])
        gone = {imported.alias for imported in taken}
        if names.path == self.target and taken[0].scope is names.module:
            edits += prune(source, statement, gone)
            return
        module = self.module
        if taken[0].module.startswith("."):
            module = relative(names.path, stem_of(self.target)) or module
        if isinstance(statement, cst.ImportFrom) and not isinstance(
            statement.names, cst.ImportStar
        ):
            if len(statement.names) == len(gone):
                span = module_span(source, statement)
                edits.append(Splice(span.start, span.end, module))
            else:
                edits += prune(source, statement, gone)
                added = [written(imported, module) for imported in taken]
                if self._opens(names, taken[0]):
                    guard: Guard = "TYPE_CHECKING" if taken[0].guarded else ""
                    self.fresh.setdefault(names.path, []).extend((line, guard) for line in added)
                else:
                    edits += [after(source, statement, line) for line in added]

    def _opens(self, names: Names, imported: Imported) -> bool:
        """Whether an import is one of those that a module begins with, or for type checkers."""
        source = names.source
        if imported.scope is not names.module:
            return False
        first = source.module.body[: prologue(source.module)]
        end = source.span(first[-1]).end if first else 0
        return imported.guarded or source.span(imported.statement).start < end

    def _fix_accesses(self, names: Names, accesses: Sequence[Access]) -> None:
        """`bot.app.f` becomes `bot.util.f`, with an import of `bot.util` beside that of
        `bot.app`.
        """
        source = names.source
        edits = self.edits.setdefault(names.path, [])
        added: set[tuple[Scope, str]] = set()
        for access in accesses:
            root = dotted(access.value).split(".")[0]
            owner = access.scope.owner(root)
            imports = [b.imported for b in owner.bound.get(root, ()) if b.imported is not None]
            if not imports:
                raise names.drifted(self.doing, f"it is not clear what {root} is", access.attr)
            imported = next((i for i in imports if i.module == dotted(access.value)), imports[0])
            whole = (
                not imported.name
                and imported.bound == imported.module.split(".")[0]
                and "." in imported.module
            )
            parent, _, tail = self.module.rpartition(".")
            if whole or not parent:
                text, line = self.module, f"import {self.module}"
            else:
                text, line = tail, f"from {parent} import {tail}"
            first = text.split(".")[0]
            taken = [
                b
                for b in owner.bound.get(first, ())
                if self.project.package_variable(owner, first) is None
            ]
            inner = access.scope.owner(first)
            if (
                taken
                or (inner is not owner and first in inner.bound)
                or (names.uses[first] and first not in owner.bound)
            ):
                raise names.drifted(
                    self.doing, f"{first} has another meaning in {names.path}", access.attr
                )
            known = self.project.package_variable(owner, first)
            if known is not None and first == text and known != stem_of(self.target):
                raise names.drifted(
                    self.doing, f"{first} has another meaning in {names.path}", access.attr
                )
            has = known == stem_of(self.target) or any(
                i.module == self.module and not i.name for i in names.imports
            )
            if not has and (owner, line) not in added:
                added.add((owner, line))
                if self._opens(names, imported):
                    guard: Guard = "TYPE_CHECKING" if imported.guarded else ""
                    self.fresh.setdefault(names.path, []).append((line, guard))
                else:
                    edits.append(after(source, imported.statement, line))
            if not self._wanted_from(names.path, imported.bound):
                self.idle.setdefault(names.path, []).append(written(imported, imported.module))
            span = names.span(access.value)
            edits.append(Splice(span.start, span.end, text))

    def _fix_paths(self, piece: Piece, *, back: bool) -> None:
        """Whole paths in text lead to the new module.

        `patch("old.f")` in a test replaces what the old module calls, so it stays where that still
        has the name.
        """
        for text in paths_in_text(self.project, self.name):
            inside = (
                text.path == self.old.path
                and piece.span.start <= text.module.start < piece.span.end
            )
            annotation = text.python and self._is_annotation(text)
            if text.home is not self.old or text.names[0][0] != self.name or inside or annotation:
                continue
            if text.colon or not back:
                found = self.edits if text.python else self.configuration
                found.setdefault(text.path, []).append(
                    Splice(text.module.start, text.module.end, self.module)
                )

    def _is_annotation(self, text: PathInText) -> bool:
        """Whether it is a type, which `_fix_accesses` has seen."""
        at = text.module.start
        return any(span.start == at for span in self.project.at(text.path).inside_strings.values())

    # --- writing

    def _write(self, piece: Piece, created: bytes | None) -> Change:
        written: dict[str, bytes] = {} if created is None else {self.target: created}
        places: list[Place] = []
        for path, splices in sorted(self.edits.items()):
            if not splices:
                continue
            source = self.project.at(path).source
            try:
                written[path] = source.splice(_merged(splices))
            except (ValueError, UnicodeEncodeError) as error:
                raise source.drifted(
                    self.doing, f"{path} cannot be edited: {error}", source.module
                ) from None
            places += [source.place(s.start) for s in sorted(splices)]
        for path in {*self.fresh, *self.idle}:
            data = written[path] if path in written else self.project.files.read(path) or b""
            settings = settings_for(path, self.project.files.read)
            own = Repository(path, self.project.files)
            lines, idle = self.fresh.get(path, []), self.idle.get(path, [])
            written[path] = settled(Source.parse(path, data), lines, idle, own, settings)
        for path, data in written.items():
            before = self.project.files.read(path)
            Source.check(
                path, self.old.source.original if before is None else before, data, self.doing
            )
        self._refuse_circles(written)
        for path, splices in sorted(self.configuration.items()):
            written[path] = spliced(self.project.files.read(path) or b"", splices)
        for path, data in written.items():
            self.project.files.write(path, data)
        return Change(Outcome.APPLIED, f"{self.doing}: {len(written)} files changed", tuple(places))

    def _refuse_circles(self, written: dict[str, bytes]) -> None:
        """No import that this adds may close a circle of modules that import each other as they are
        imported.
        """
        after = Project(_Overlay(self.project.files, written))
        for path in written:
            before = self.project.files.read(path) is not None
            known = self.project.imports(path, at_import_time=True) if before else set()
            for fresh in after.imports(path, at_import_time=True) - known:
                if path in after.reach(fresh, at_import_time=True):
                    raise CannotEnsure(
                        Outcome.DRIFTED,
                        f"{self.doing}: {path} and {fresh} would import each other",
                        candidates=(Place(path, 1), Place(fresh, 1)),
                        hint="move what both need first",
                    )


class _Overlay:
    """Files with some of them written, for looking only."""

    def __init__(self, files: Files, written: dict[str, bytes]) -> None:
        self._files = files
        self._written = written

    def read(self, path: str) -> bytes | None:
        return self._written[path] if path in self._written else self._files.read(path)

    def listdir(self, path: str) -> list[str]:
        return self._files.listdir(path)

    def write(self, path: str, data: bytes) -> None:
        self._written[path] = data

    def remove(self, path: str) -> None:
        raise NotImplementedError

    def rename(self, old: str, new: str) -> None:
        raise NotImplementedError

    def exists(self, path: str) -> bool:
        return path in self._written or self._files.exists(path)

    def containing(self, needle: bytes, suffix: str) -> list[str]:
        found = {p for p in self._files.containing(needle, suffix) if p not in self._written}
        return sorted(
            found
            | {p for p, data in self._written.items() if p.endswith(suffix) and needle in data}
        )

    def follow(self, path: str) -> str | None:
        return self._files.follow(path)


def _merged(splices: Sequence[Splice]) -> list[Splice]:
    """Insertions at one place as one, in the order they were asked for."""
    inserts: dict[int, str] = {}
    rest: set[Splice] = set()
    for splice in splices:
        if splice.start == splice.end:
            inserts[splice.start] = inserts.get(splice.start, "") + splice.new
        else:
            rest.add(splice)
    return sorted([*rest, *(Splice(at, at, text) for at, text in inserts.items())])


def _where(names: Names, name: str) -> cst.CSTNode:
    return names.module.bound[name][0].node


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
