"""Which verbs each fork is put through, and what is expected where its recipe says nothing."""

from __future__ import annotations

from collections.abc import Iterator

from forkkit.expect import NAMED
from forkkit.recipe import Expected, Recipe

__all__ = ["ANY_CHANGE", "CHANGING", "LOOKING", "changes", "expected", "looks"]

LOOKING = (
    "list",
    "search",
    "show",
    "plan",
    "status",
    "log",
    "diff",
    "blame",
    "test",
    "lint",
    "replay",
)
CHANGING = (
    "init",
    "apply",
    "uninstall",
    "upgrade",
    "rebase",
    "undo",
    "continue",
    "skip",
    "abort",
    "doctor",
)
ANY_CHANGE = "any change"
"""The key under which a recipe says what every verb that changes a fork does to it."""

_NEEDS = {"pager-receipts": ("add-pager",)}
_UNMANAGED = {"list", "search", "show", "lint", "log", "test", "plan", "apply"}
"""What works before `skills init`."""


def looks(recipe: Recipe) -> Iterator[str]:
    """The verbs that write nothing, as they are typed."""
    yield from (
        "list",
        "search PAGER",
        "show add-pager",
        "show -v add-metrics",
        "status",
        "log",
        "diff",
        "lint",
    )
    yield from (
        "blame README.md",
        "blame bot/channels/__init__.py",
        "blame bot/channels/__init__.py:3",
    )
    yield from (
        "test add-metrics --no-test",
        "replay",
        "plan add-metrics",
        "apply --dry-run add-pager",
    )
    yield from ("upgrade --dry-run", "rebase --preview", "undo --dry-run")
    for name in recipe.installed:
        yield from (f"diff {name}", f"uninstall --dry-run {name}")
    yield from (line for line in recipe.verbs if line.split()[0] in LOOKING or _is_dry(line))


def changes(recipe: Recipe) -> Iterator[str]:
    """The verbs that change a fork, as they are typed."""
    if recipe.managed:
        yield from ("init", "upgrade", "rebase", "undo", "continue", "skip", "abort")
        for name in NAMED:
            if name != "keep-plain-replies":
                yield f"{'uninstall' if name in recipe.installed else 'apply'} {name}"
    else:
        yield from (
            "init",
            "apply add-pager",
            "uninstall add-pager",
            "upgrade",
            "rebase",
            "undo",
            "abort",
        )
    yield from (line for line in recipe.verbs if line.split()[0] in CHANGING and not _is_dry(line))


def _is_dry(line: str) -> bool:
    return "--dry-run" in line or "--preview" in line


def expected(recipe: Recipe, line: str) -> Expected:
    """What a recipe says of a verb, or what goes without saying."""
    if line in recipe.verbs:
        return recipe.verbs[line]
    if _is_dry(line):
        real = expected(recipe, line.replace(" --dry-run", "").replace(" --preview", ""))
        told = real.exit == 3 or (real.exit == 1 and ANY_CHANGE not in recipe.verbs)
        return Expected(exit=real.exit if told else 0)
    if (
        line.startswith("plan ")
        and recipe.verbs.get(line.replace("plan ", "apply ", 1), Expected()).exit == 3
    ):
        return Expected(exit=3)
    if line.split(maxsplit=1)[0] in CHANGING and ANY_CHANGE in recipe.verbs:
        return recipe.verbs[ANY_CHANGE]
    return _unsaid(recipe, *line.split())


def _unsaid(recipe: Recipe, verb: str, *words: str) -> Expected:
    if verb in {"continue", "skip", "abort"}:
        return Expected(exit=1, says=("no operation waits",) if recipe.managed else ())
    if recipe.managed and verb == "init":
        return Expected(exit=1, says=("under management already",))
    if not recipe.managed and verb not in _UNMANAGED:
        return Expected(exit=1, says=("skills init",) if verb != "undo" else ())
    if verb == "uninstall" and any(words[0] in _NEEDS.get(name, ()) for name in recipe.installed):
        return Expected(exit=1, says=(f"needs {words[0]}",))
    if verb == "undo" and not recipe.installed:
        return Expected(exit=1, says=("began the management",))
    return Expected()
