"""The graft: `G = fold(skills in canonical order, base)`.

A pure function of the manifests and the base. What it gives is a git tree with
the skills' effects, their packages as they were applied, and their manifests;
it is cached under a ref that is named by all that went in.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from skills_engine.errors import CannotEnsure, Refused, SkillsError, Unparsable
from skills_engine.graft.files import GraftFiles
from skills_engine.graft.intent import cache_ref
from skills_engine.graft.overrides import follow_override, renamed_overrides
from skills_engine.manifest import CORE, Core, Pin, package_folder, render
from skills_engine.package.implied import implied
from skills_engine.tree import DIRECTORY, EXECUTABLE, REGULAR, Entry, Tree
from skills_engine.types import Change, Event, Outcome, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skills_engine.codemods.operation import Operation
    from skills_engine.git import Git
    from skills_engine.graft.intent import Goal
    from skills_engine.package.model import Package
    from skills_engine.types import Progress

__all__ = ["Graft", "SkillRefused", "canonical_order", "fold", "steps_of"]


@dataclass(frozen=True, slots=True)
class Graft:
    """A graft's tree, and what each skill's operations did (empty when it came from the cache).

    `wrote` are the paths that each really changed, whatever it declared.
    """

    tree: str
    changes: tuple[tuple[str, tuple[Change, ...]], ...] = ()
    wrote: tuple[tuple[str, tuple[str, ...]], ...] = ()


class SkillRefused(CannotEnsure):
    """An operation of a skill was refused; `skill` says whose, `line` where in its page."""

    def __init__(self, skill: str, cause: SkillsError, line: int) -> None:
        outcome = cause.outcome if isinstance(cause, CannotEnsure) else Outcome.DRIFTED
        places = cause.candidates if isinstance(cause, CannotEnsure) else ()
        super().__init__(outcome, f"{skill}: {cause.message}", candidates=places, hint=cause.hint)
        self.skill = skill
        self.line = line


def canonical_order(goal: Goal, load: Callable[[Pin], Package]) -> tuple[Pin, ...]:
    """Dependencies first, otherwise by name (Kahn's algorithm with a heap). Raises Refused for a
    cycle.
    """
    by_name = {pin.name: pin for pin in goal.pins}
    waiting = {name: _needs(load(pin)) & by_name.keys() for name, pin in by_name.items()}
    ready = [name for name, on in waiting.items() if not on]
    heapq.heapify(ready)
    order: list[Pin] = []
    while ready:
        name = heapq.heappop(ready)
        order.append(by_name[name])
        del waiting[name]
        for other, on in waiting.items():
            if name in on:
                on.discard(name)
                if not on:
                    heapq.heappush(ready, other)
    if waiting:
        raise Refused(
            f"these skills depend on one another in a circle: {', '.join(sorted(waiting))}"
        )
    return tuple(order)


def _needs(package: Package) -> set[str]:
    return {name for name, _ in package.manifest.depends} if package.manifest else set()


def fold(
    git: Git,
    goal: Goal,
    load: Callable[[Pin], Package],
    *,
    cached: bool = True,
    order: tuple[str, ...] = (),
    twice: bool = False,
    after: Callable[[str, Tree], None] | None = None,
) -> Progress[Graft]:
    """Compute a graft. Raises SkillRefused with the skill whose operation found no place on this
    base.

    Skill authors' tests go other ways than the canonical one: in another
    `order`, and with each skill's operations applied `twice`, before those of the next. `after` is
    called after each skill, with its name and what the tree is then; the cache knows no such steps.
    """
    base_tree = git.tree_of(goal.core.base)
    known = git.objects.resolve(cache_ref(base_tree, goal)) if cached and after is None else None
    if known is not None:
        return Graft(known)
    tree = Tree(git.objects, base_tree)
    tree.write(CORE, render(goal.core))
    for pin in goal.pins:
        if pin.source.kind != "fork":
            tree.put(package_folder(tree, pin.name), Entry(DIRECTORY, pin.package))
        tree.write(pin.path, render(pin))
    files = GraftFiles(git, goal.core.base, tree)
    changes, wrote = [], []
    pins = canonical_order(goal, load)
    by_name = {pin.name: pin for pin in pins}
    ordered = tuple(by_name[name] for name in order) or pins
    for pin in [pin for pin in ordered for _ in range(2 if twice else 1)]:
        yield Event(f"graft {pin.name} {pin.version}")
        files.wrote.clear()
        changes.append((pin.name, _apply(load(pin), files, goal.core)))
        wrote.append((pin.name, tuple(sorted(files.wrote))))
        if after is not None:
            after(pin.name, tree)
    return Graft(tree.oid(), tuple(changes), tuple(wrote))


def _apply(package: Package, files: GraftFiles, core: Core) -> tuple[Change, ...]:
    changes, line = [], 1
    try:
        for at, step in steps_of(package, files, core):
            line = at
            changes.append(step())
    except (CannotEnsure, Unparsable, Refused) as error:
        raise SkillRefused(package.name, error, line) from None
    return tuple(changes)


def steps_of(
    package: Package, files: GraftFiles, core: Core
) -> Iterator[tuple[int, Callable[[], Change]]]:
    """What a package does, in its order: the line of SKILL.md that says so (1 where it is the
    manifest), and what makes it so. That raises CannotEnsure, Unparsable or Refused.
    """
    from skills_engine.codemods.operation import perform  # noqa: PLC0415
    from skills_engine.codemods.registry import decode  # noqa: PLC0415
    from skills_engine.package.decode import operations  # noqa: PLC0415  (decoding operations imports LibCST)

    own = frozenset(package.manifest.adds) if package.manifest else frozenset()
    for path in package.manifest.adds if package.manifest else ():
        yield 1, partial(_add, package, path, files, own)
    for override in renamed_overrides(files, own):
        yield 1, partial(follow_override, files, override, own)
    for keys in implied(package, dependencies=core.dependencies, environment=core.environment):
        yield 1, partial(perform, decode(keys), files)
    for entry, operation in operations(package):
        yield entry.line, partial(_perform, operation, files, own)


def _perform(operation: Operation, files: GraftFiles, own: frozenset[str]) -> Change:
    from skills_engine.codemods.operation import SourceOperation, perform  # noqa: PLC0415
    from skills_engine.graft.follow import follow_operation  # noqa: PLC0415
    from skills_engine.graft.follow_patterns import follow_patterns  # noqa: PLC0415

    followed = follow_patterns(follow_operation(operation, files, own), files, own)
    change = perform(followed, files)
    landed = {place.path for place in change.places}.difference(operation.touches())
    if landed and isinstance(operation, SourceOperation):
        from skills_engine.graft.landed import bring_imports  # noqa: PLC0415

        homes = [(files.read(path), path) for path in operation.touches()]
        home, written = next((each for each in homes if each[0]), (b"", ""))
        for path in sorted(landed):
            bring_imports(files, path, (home or b"").decode("utf-8", "replace"), written)
    return change


def _add(package: Package, path: str, files: GraftFiles, own: frozenset[str]) -> Change:
    from skills_engine.graft.follow_file import follow_bytes  # noqa: PLC0415  (it imports LibCST)

    data = package.files[f"add/{path}"]
    if path.endswith(".py"):
        data = follow_bytes(data, files, own, path)
    there = files.tree.entry(path)
    mode = EXECUTABLE if f"add/{path}" in package.executable else REGULAR
    if there is not None:
        if there.is_file and files.read(path) == data:
            return Change(Outcome.ALREADY, f"{path} is there already")
        raise CannotEnsure(
            Outcome.DRIFTED,
            f"add {path}: something else is there already",
            candidates=(Place(path, 1),),
            hint=(
                "the core or another skill has taken that path: the package must choose "
                "another, or be updated"
            ),
        )
    files.write(path, data)
    files.tree.put(path, Entry(mode, files.tree.objects.write("blob", data)))
    return Change(Outcome.APPLIED, f"add {path}", (Place(path, 1),))
