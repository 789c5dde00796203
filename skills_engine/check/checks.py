"""All checks of a clean merge: every rule on the changed files, and the reach of what they no
longer define.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from skills_engine.check.calls import calls, misfits, signatures
from skills_engine.check.datafiles import data, is_data
from skills_engine.check.duplicates import duplicates
from skills_engine.check.finding import Finding, fresh
from skills_engine.check.imports import attributes, imports, missing, starred
from skills_engine.check.modules import GLOBAL, Modules, stem
from skills_engine.check.newer import duplicates_in_newer
from skills_engine.check.presence import absent
from skills_engine.check.scopes import dotted
from skills_engine.check.syntax import markers, syntax
from skills_engine.check.unchanged import unchanged
from skills_engine.check.undefined import undefined
from skills_engine.check.version import Parsed, TreeVersion, is_python
from skills_engine.syntax import walk
from skills_engine.types import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from skills_engine.check.calls import Call
    from skills_engine.check.finding import Changed, CheckedTree, Hit, Rule
    from skills_engine.check.scopes import Function

__all__ = ["check"]


def check(
    changed: Sequence[Changed], tree: CheckedTree, base: CheckedTree | None = None
) -> tuple[Finding, ...]:
    """What the operation broke, sorted by place. What was as broken in a version that went into it
    is left out.

    `tree` is the tree that the operation leads to, and `base` the one that the second version of
    each changed file is from; only files that the operation did not change are read there. Only
    changed files are parsed, unless a definition, a file or a signature really changed: then so are
    the files that name it.
    """
    return tuple(sorted(set(_Check(changed, tree, base).findings())))


class _Check:
    def __init__(
        self, changed: Sequence[Changed], tree: CheckedTree, base: CheckedTree | None
    ) -> None:
        self.changed = {c.path: c for c in changed}
        self.tree = tree
        cache: dict[tuple[str, bytes], Parsed] = {}
        self.after = Modules(TreeVersion({c.path: c.after for c in changed}, tree, cache))
        count = max((len(c.before) for c in changed), default=0)
        others = (
            tree,
            base,
        )  # what the operation did not change is in the owner's version as it is after it
        self.before = [
            Modules(
                TreeVersion(
                    {c.path: c.before[n] if n < len(c.before) else None for c in changed},
                    others[n] if n < len(others) else None,
                    cache,
                )
            )
            for n in range(count)
        ]
        self._lost_methods: set[str] = set()
        self._turned: set[tuple[str, str]] = set()
        self._unchanged: dict[str, frozenset[Function]] = {}
        self.gone = {
            c.path for c in changed if c.after is None and any(b is not None for b in c.before)
        }

    def findings(self) -> Iterator[Finding]:
        for path in self._modified():
            self._weaken(path)
        for path, change in self.changed.items():
            if change.after is None or change.after in change.before:
                continue  # a version taken whole holds nothing new in itself
            yield from self._alone(path)
        yield from self._imports()
        yield from self._signatures()

    # --- rules that look at one file

    def _alone(self, path: str) -> Iterator[Finding]:
        torn = list(self._rule("syntax", path, markers))
        yield from torn
        if is_data(path) and not torn:
            yield from self._rule("data", path, data)
        if not is_python(path) or torn:
            return
        broken = list(self._rule("syntax", path, syntax))
        yield from broken
        if not broken and self._parsed(path).tree is None:
            yield from self._rule("duplicate", path, duplicates_in_newer)
        if broken or not path.endswith(".py"):
            return
        same = self._same(path)
        if next(iter(duplicates(self._parsed(path), same)), None):
            yield from self._rule("duplicate", path, duplicates)
        if self._fewer_names(path):
            same = frozenset()
        if next(iter(undefined(self._parsed(path), same)), None):
            yield from self._rule("undefined", path, undefined)
        yield from self._absent(path)

    def _absent(self, path: str) -> Iterator[Finding]:
        """Names that are there for type checkers only, or no longer on every path."""
        index = self.after.index(path)
        if index is not None and (index.presence.typing or index.weak):
            weak = index.weak
            yield from self._rule("undefined", path, lambda parsed: absent(parsed, weak))

    def _weaken(self, path: str) -> None:
        """Note the names of a module that were there always, and are on some paths only."""
        index = self.after.index(path)
        if index is None or not index.presence.sometimes:
            return
        before = [old for each in self.before if (old := each.index(path)) is not None]
        always = frozenset[str]().union(*(old.presence.always for old in before))
        index.weak = index.presence.sometimes & always

    def _same(self, path: str) -> frozenset[Function]:
        """The functions that are as in the owner's version: a rule looks there only once it has
        found something.
        """
        if path not in self._unchanged:
            self._unchanged[path] = unchanged(self._parsed(path), self.changed[path].owners)
        return self._unchanged[path]

    def _fewer_names(self, path: str) -> bool:
        """Whether a function that did not change may lack a global name that it had."""
        old, new = self.before[0].index(path) if self.before else None, self.after.index(path)
        if old is None or new is None or old.names.star or new.names.star:
            return True
        return (
            not old.names.times.keys() <= new.names.times.keys()
            or GLOBAL.search(self._parsed(path).data) is not None
        )

    def _parsed(self, path: str) -> Parsed:
        parsed = self.after.version.parsed(path)
        if parsed is None:
            raise KeyError(path)
        return parsed

    def _rule(
        self, name: Rule, path: str, rule: Callable[[Parsed], Iterable[Hit]]
    ) -> Iterator[Finding]:
        versions = (v.version.parsed(path) for v in self.before)
        yield from _findings(
            name,
            path,
            fresh(rule(self._parsed(path)), (rule(v) for v in versions if v is not None)),
        )

    # --- imports

    def _imports(self) -> Iterator[Finding]:
        lost = {path: names for path in self._modified() if (names := self._lost(path))}
        names = {name for found in lost.values() for name in found}
        stems = {stem(path) for path in self.gone if path.endswith(".py")}
        for path in self._python():
            known = self._known_imports(path)
            if names or stems:
                known = set()
            yield from self._missing(path, lambda *what, known=known: what not in known)
            yield from self._attributes(path, names)
            yield from self._starred(path, names)
        if not names and not stems:
            return
        needles = stems.union(*(_needles(path, found) for path, found in lost.items()))
        for path in self._others(needles):
            yield from self._missing(
                path,
                lambda module, _, name: (
                    name in names or name in stems or not stems.isdisjoint(module.split("."))
                ),
            )
            yield from self._attributes(path, names)
            yield from self._starred(path, names)

    def _missing(
        self, path: str, wanted: Callable[[str, int, str | None], bool]
    ) -> Iterator[Finding]:
        after = missing(self.after, path, self.gone, wanted)
        before = (missing(version, path, self.gone, wanted) for version in self.before)
        yield from _findings("import", path, fresh(after, before))

    def _attributes(self, path: str, names: set[str]) -> Iterator[Finding]:
        if names:
            before = (attributes(version, path, names) for version in self.before)
            yield from _findings("import", path, fresh(attributes(self.after, path, names), before))

    def _starred(self, path: str, names: set[str]) -> Iterator[Finding]:
        before = (starred(version, path, names) for version in self.before)
        yield from _findings("undefined", path, fresh(starred(self.after, path, names), before))

    def _known_imports(self, path: str) -> set[tuple[str, int, str | None]]:
        tree = self.before[0].version.module(path) if self.before else None
        return {what[:3] for what in imports(tree)} if tree else set()

    def _lost(self, path: str) -> set[str]:
        """The names that the owner's version of a module has and the new one has not."""
        old, new = self.before[0].index(path), self.after.index(path)
        if old is None or new is None:
            return set()
        return {
            name
            for name in old.names.times
            if name not in old.absent
            and not self.after.provides(path, name)
            and not self.after.submodule(path, name)
        }

    # --- signatures

    def _signatures(self) -> Iterator[Finding]:
        altered = {name for path in self._modified() for name in self._altered(path)}
        functions = {name for name in altered if "." not in name}
        methods = {name.rpartition(".")[2] for name in altered if "." in name}
        owners = {name.rpartition(".")[0] for name in altered if "." in name}
        classes = self._subclasses({n for n in functions | owners if self._is_class(n)})
        last = functions | methods | classes
        if classes:
            last.add("__init__")
        for path in self._python():
            skip = frozenset() if last else self._same(path)
            if next(self._misfits(path, last, self._known_calls(path), skip), None):
                yield from self._misfits(path, last, self._known_calls(path))
        if not altered:
            return
        needles = classes | {
            form for name in functions - classes for form in (f"{name}(", f"{name} as ")
        }
        for path in self._others(needles):
            yield from self._misfits(path, last, None)

    def _altered(self, path: str) -> Iterator[str]:
        """The definitions of a module that calls of the owner's version may no longer fit, and
        `_lost_methods`.
        """
        old = signatures(self.before[0], path, other=self.after)
        new = signatures(self.after, path, other=self.before[0])
        for name in self._turn(path):
            self._turned.add((path, name.rpartition(".")[2]))
            yield name
        for name, signature in new.items():
            was = old.get(name)
            if signature and name in old and not (was and signature.accepts_all_of(was)):
                yield name
        index = self.after.index(path)
        classes = index.names.classes if index else {}
        for name in old.keys() - new.keys():
            owner, _, method = name.rpartition(".")
            if owner in classes and method not in self.after.members(classes[owner]):
                self._lost_methods.add(method)
                yield name

    def _turn(self, path: str) -> Iterator[str]:
        """The functions, methods and classes of a module that became another kind of thing."""
        kinds = []
        for modules in (self.before[0], self.after):
            index = modules.index(path)
            found: dict[str, type[ast.AST]] = {}
            if index is not None:
                found |= {name: type(node) for name, node in index.names.functions.items()}
                for name, node in index.names.classes.items():
                    found[name] = type(node)
                    methods = modules.members(node).functions
                    found |= {f"{name}.{inner}": type(m) for inner, m in methods.items()}
            kinds.append(found)
        old, new = kinds
        yield from (name for name in new if name in old and old[name] is not new[name])

    def _is_class(self, name: str) -> bool:
        indexes = (self.after.index(path) for path in self._modified())
        return any(index is not None and name in index.names.classes for index in indexes)

    def _subclasses(self, names: set[str]) -> set[str]:
        """The classes, and those that inherit from them anywhere in the tree."""
        found, waiting = set(names), list(names)
        while waiting:
            name = waiting.pop()
            for path in self.tree.containing(name.encode(), ".py"):
                module = self.after.version.module(path)
                for node in walk(module) if module else ():
                    if (
                        isinstance(node, ast.ClassDef)
                        and node.name not in found
                        and name in map(_last, node.bases)
                    ):
                        found.add(node.name)
                        waiting.append(node.name)
        return found

    def _misfits(
        self, path: str, last: set[str], known: set[object] | None, skip: Collection[Function] = ()
    ) -> Iterator[Finding]:
        index = self.after.index(path)
        if index is None:
            return
        old = self.before[0].index(path) if known is not None else None
        moved = set()
        if old is not None:
            imported = index.names.imports
            moved = {
                n for n, i in imported.items() if n in old.names and old.names.imports.get(n) != i
            }

        def wanted(call: Call) -> bool:
            origin = call.local or index.names.imports.get(call.parts[0])
            if call.parts[-1] in last or (origin is not None and origin.name in last):
                return True
            return known is not None and (call.form not in known or call.parts[0] in moved)

        lost = self._lost_methods
        after = misfits(self.after, path, wanted, skip, lost, self._turned)
        before = (misfits(version, path, wanted, lost=lost) for version in self.before)
        yield from _findings("signature", path, fresh(after, before))

    def _known_calls(self, path: str) -> set[object]:
        old = self.before[0].version.parsed(path) if self.before else None
        if old is None or old.tree is None:
            return set()
        return {call.form for call in calls(old.tree, unchanged(old, self.changed[path].after))}

    # --- files

    def _python(self) -> list[str]:
        """The changed modules that are there and parse."""
        return [
            p
            for p in self.changed
            if p.endswith(".py") and self.after.version.module(p) is not None
        ]

    def _modified(self) -> list[str]:
        """Those that the owner had too, in another form."""
        return [
            p for p in self._python() if self.changed[p].owners not in {None, self.changed[p].after}
        ]

    def _others(self, needles: Iterable[str]) -> list[str]:
        """The unchanged Python files that hold any of these words."""
        found = {
            path
            for needle in sorted(needles)
            for path in self.tree.containing(needle.encode(), ".py")
        }
        return sorted(found - set(self.changed))


def _needles(path: str, lost: set[str]) -> set[str]:
    """What importers of the names must hold. Of many names the module's own will do, but a package
    is also `.`.
    """
    return lost if len(lost) < 4 or path.endswith("__init__.py") else {stem(path)}


def _last(base: ast.expr) -> str:
    parts = dotted(base.value if isinstance(base, ast.Subscript) else base)
    return parts[-1] if parts else ""


def _findings(rule: Rule, path: str, hits: Iterable[Hit]) -> Iterator[Finding]:
    for hit in hits:
        yield Finding(Place(path, hit.line, hit.text), rule, hit.message)
