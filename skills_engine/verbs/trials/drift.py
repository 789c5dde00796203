"""A skill on a core that somebody changed: upstream, before it came, or the owner, meanwhile.

Right is what comes out where the change is made after the skill instead: the same statements in
every file of the core, whatever the order of what has none, and every import of the project's own
there. What a layout does to lines is for other tests.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from skills_engine.check import Changed, check
from skills_engine.errors import SkillsError
from skills_engine.graft.files import GraftFiles
from skills_engine.graft.fold import fold
from skills_engine.graft.intent import Goal
from skills_engine.graft.merge3 import merge_trees
from skills_engine.graft.operation import line_merge
from skills_engine.manifest import CORE, is_manifest
from skills_engine.tree import Tree, difference
from skills_engine.types import result
from skills_engine.verbs.trials.meaning import meaning
from skills_engine.verbs.trials.perturb import perturbations
from skills_engine.verbs.trials.targets import module, targets
from skills_engine.verbs.trials.trial import Case, Trial, TrialKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.verbs.trials.perturb import Perturbation
    from skills_engine.verbs.trials.subjects import Subjects
    from skills_engine.verbs.trials.targets import Files

__all__ = ["Drift"]

_UNSEEN = (".claude/", "tests/", "manifests/")
"""Not the core: upstream's own tests follow it."""

_NOBODY = "skills test <skills@localhost> 0 +0000"
_BY_NOBODY = f"author {_NOBODY}\ncommitter {_NOBODY}"
"""A commit that a trial makes is the same wherever and however often it is tried."""


class Drift:
    """One skill, and what may happen to the core below it."""

    def __init__(self, subjects: Subjects, skill: str) -> None:
        self.subjects, self.skill = subjects, skill
        self.objects = subjects.fork.objects
        self._texts: dict[str, str | None] = {}

    @cached_property
    def core(self) -> Files:
        return self._files(self.subjects.bare.tree)

    @cached_property
    def grafted(self) -> Files:
        return self._files(self.subjects.graft((self.skill,)).tree)

    @cached_property
    def perturbations(self) -> dict[str, Perturbation]:
        """Those that change this core."""
        found = perturbations(targets(self.core, self.grafted))
        return {name: each for name, each in found if each(self.core) != self.core}

    def cases(self, kind: TrialKind) -> Iterator[Case]:
        for name in self.perturbations:
            yield Case(kind, (self.skill,), name, self.subjects.base.base)

    def run(self, case: Case) -> Trial:
        perturb = self.perturbations[case.what]
        core = perturb(self.core)
        tree = self._tree(core, self.core, self.subjects.bare.tree)
        wanted = {p: t.replace("\r\n", "\n") for p, t in perturb(self.grafted).items()}
        try:
            if case.kind is TrialKind.DRIFT:
                base, got = self._by_upstream(tree, case.what)
            else:
                base, got = self.subjects.base.base, self._by_owner(tree)
        except _Stopped as stopped:
            return Trial.of(case, Verdict.STOPPED, str(stopped))
        except SkillsError as error:
            return Trial.of(case, Verdict.REFUSED, error.message)
        if found := self._found(base, tree, got):
            return Trial.of(case, Verdict.STOPPED, found)
        renamed = case.what.endswith("renamed")
        wrong = self._wrong(core, wanted, self._files(got), renamed=renamed)
        return Trial.of(case, Verdict.WRONG if wrong else Verdict.RIGHT, wrong)

    def _by_upstream(self, tree: str, what: str) -> tuple[str, str]:
        """The skill on a commit of upstream's that made the change; that commit, and the tree."""
        subjects = self.subjects
        without = Tree(self.objects, tree)
        for path, _ in list(without.walk("manifests")):
            if path == CORE:
                without.remove(path)
        head = f"tree {without.oid()}\nparent {subjects.base.base}\n{_BY_NOBODY}\n\n{what}\n"
        commit = self.objects.write("commit", head.encode())
        self.objects.flush(without.oid(), commit)
        core = replace(subjects.base, upstream="", branch="", base=commit)
        goal = Goal(core, subjects.goal((self.skill,)).pins)
        graft = result(fold(subjects.fork.git, goal, subjects.fork.applicable, cached=False))
        return commit, graft.tree

    def _by_owner(self, tree: str) -> str:
        """The owner's tree with the skill merged into it."""
        subjects = self.subjects
        merged = merge_trees(
            self.objects,
            subjects.bare.tree,
            tree,
            subjects.graft((self.skill,)).tree,
            lines=line_merge(subjects.fork.git),
        )
        if merged.conflicts:
            first = merged.conflicts[0]
            raise _Stopped(f"{first.path}: {first.reason}")
        return merged.tree

    def _found(self, base: str, before: str, got: str) -> str:
        """What the checks that stand before every publication have against the result."""
        changed = []
        for path, was, now in difference(self.objects, before, got):
            entries = [entry for entry in (was, now) if entry is not None]
            if (
                is_manifest(path)
                or path.startswith(".claude/")
                or not all(entry.is_file for entry in entries)
            ):
                continue
            old, new = (self.objects.read(e.oid) if e is not None else None for e in (was, now))
            changed.append(Changed(path, new, (old,)))
        files = GraftFiles(self.subjects.fork.git, base, Tree(self.objects, got))
        found = check(changed, files)
        return f"{found[0].place}: {found[0].message}" if found else ""

    def _wrong(self, core: Files, wanted: Files, got: Files, *, renamed: bool) -> str:
        """Where the result is not what it should be, and an import of it that leads nowhere."""
        for path in sorted(core.keys() | (wanted.keys() & got.keys())):
            if path not in core and path in self.grafted:
                continue  # the skill's own
            one, other = wanted.get(path), got.get(path)
            if one == other:
                continue
            if (one is None) != (other is None) or _says(path, one) != _says(path, other):
                alone = core.get(path) == self.core.get(path) and not renamed
                if alone and _says(path, self.grafted.get(path)) == _says(path, other):
                    continue  # it changes what the skill brought alone, and that is not there yet
                return f"{path} is not what it would be"
        for path, source in got.items():
            if core.get(path) != source and (lost := _lost(source, got)):
                return f"{path} imports {lost}, which is not there"
        return ""

    def _files(self, tree: str) -> Files:
        found = {}
        for path, entry in Tree(self.objects, tree).walk():
            if path.endswith(".py") and entry.is_file and not path.startswith(_UNSEEN):
                text = self._read(entry.oid)
                if text is not None:
                    found[path] = text
        return found

    def _read(self, oid: str) -> str | None:
        if oid not in self._texts:
            self._texts[oid] = _text(self.objects.read(oid))
        return self._texts[oid]

    def _tree(self, files: Files, before: Files, tree: str) -> str:
        out = Tree(self.objects, tree)
        for path in before.keys() - files.keys():
            out.remove(path)
        for path, text in files.items():
            if before.get(path) != text:
                out.write(path, text.encode())
        return out.oid()


class _Stopped(Exception):
    """The merge came to a conflict."""


def _text(data: bytes) -> str | None:
    """A Python file with `\\n` line ends as text, if it is one."""
    try:
        ast.parse(data)
        return data.decode().replace("\r\n", "\n")
    except (SyntaxError, ValueError):
        return None


@lru_cache(500)
def _says(path: str, source: str | None) -> object:
    """A file's statements without imports: what a name means is for `_lost` and the checks."""
    if source is None:
        return None
    tree = ast.parse(source)
    tree.body = [n for n in tree.body if not isinstance(n, ast.Import | ast.ImportFrom)]
    return meaning(path, ast.unparse(tree).encode())


def _lost(source: str, files: Files) -> str:
    """A name that is imported from a module of the project which does not have it."""
    modules = {module(path): text for path, text in files.items()}
    tops = {name.partition(".")[0] for name in modules}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom) or node.level or node.module is None:
            continue
        if node.module.partition(".")[0] not in tops or node.module not in modules:
            if node.module.partition(".")[0] in tops and not any(
                name.startswith(node.module + ".") for name in modules
            ):
                return node.module
            continue
        there = _defined(modules[node.module])
        for name in node.names:
            whole = f"{node.module}.{name.name}"
            if name.name != "*" and name.name not in there and whole not in modules:
                return whole
    return ""


@lru_cache(500)
def _defined(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {name.asname or name.name.partition(".")[0] for name in node.names}
    return found
