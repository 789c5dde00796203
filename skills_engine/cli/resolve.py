"""The verb that decides conflicts: by options, or on a terminal with one key each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skills_engine.cli.options import VerbOptions, command
from skills_engine.cli.output import counted
from skills_engine.cli.terminal import Styled
from skills_engine.errors import UsageError

if TYPE_CHECKING:
    from skills_engine.cli.output import Output
    from skills_engine.verbs.resolve import Left, Offered

__all__ = ["verbs"]

_MARKED = {"content", "add/add"}


def verbs() -> dict[str, Callable[..., None]]:
    return {"resolve": resolve}


@command("wait")
def resolve(
    asked: VerbOptions,
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="[PATH[:LINE]]",
            help="A file in conflict, or one region of it.",
            show_default=False,
        ),
    ] = None,
    ours: Annotated[bool, typer.Option("--ours", help="Take your side.")] = False,
    theirs: Annotated[bool, typer.Option("--theirs", help="Take the other side.")] = False,
    both: Annotated[bool, typer.Option("--both", help="Keep both, yours first.")] = False,
    take: Annotated[
        int, typer.Option("--take", metavar="N", help="Take a candidate.", show_default=False)
    ] = 0,
    editor: Annotated[bool, typer.Option("--edit", help="Open it in git's editor.")] = False,
) -> None:
    """See the conflicts of a stopped operation, and decide them."""
    from skills_engine.verbs import resolve as verb  # noqa: PLC0415

    out, where, wait = asked.out, asked.where, asked.flags["wait"]
    chosen = [name for name, on in (("ours", ours), ("theirs", theirs), ("both", both)) if on]
    chosen += [str(take)] if take else []
    if len(chosen) + editor > 1 or (place is None and (chosen or editor)):
        raise UsageError("name one file, and one way to decide it", hint="skills resolve --help")
    path, line = _place(place or "")
    if editor:
        left = verb.edit(where, path, wait=wait)
    elif chosen:
        left = verb.resolve(where, path, line, chosen[0], wait=wait)
    else:
        left = verb.conflicts(where)
        if not out.json and sys.stdin.isatty() and sys.stdout.isatty():
            left = _ask(out, where, left, path)
    out.result(left, lambda: _print(out, left, full=not chosen and not editor))


def _place(place: str) -> tuple[str, int]:
    """A path, and the line after its last colon if there is one (0 without)."""
    path, colon, number = place.rpartition(":")
    return (path, int(number)) if colon and number.isdigit() else (place, 0)


def _print(out: Output, left: Left, *, full: bool) -> None:
    for number, offered in enumerate(left.conflicts, 1) if full else ():
        _show(out, offered, f"{number}/{len(left.conflicts)}")
    if left.conflicts:
        out.line(f"{counted(len(left.conflicts), 'conflict')} left in {left.folder}")
    else:
        out.line("all is decided: skills continue", "good")


def _show(out: Output, offered: Offered, number: str) -> None:
    """A conflict's place, reason and sides, and what is offered."""
    around = f" in {offered.definition}" if offered.definition else ""
    at = f":{offered.line}" if offered.kind in _MARKED else ""
    out.line((f"{number} ", Styled(f"{offered.path}{at}", "name"), around))
    out.line(f"  {offered.reason}", "note")
    if offered.kind not in _MARKED:
        out.line("  decide with --ours or --theirs, or git add or git rm in the worktree", "dim")
        return
    for name, text, style in (
        ("ours", offered.ours, "remove"),
        ("base", offered.base, "dim"),
        ("theirs", offered.theirs, "add"),
    ):
        out.line(f"  {name}:", style)
        for line in text.removesuffix("\n").split("\n") if text else ():
            out.line(f"  | {line}", style)
    names = (f"{n} {choice.name}" for n, choice in enumerate(offered.candidates, 1))
    out.line(f"  --take: {', '.join(names) or 'nothing that parses'}")


def _ask(out: Output, where: Path, left: Left, path: str) -> Left:
    """One key for each conflict, until none is left or the person has had enough."""
    import click  # noqa: PLC0415

    from skills_engine.verbs import resolve as verb  # noqa: PLC0415

    passed: set[tuple[str, str, str, str]] = set()
    while True:
        waiting = [each for each in left.conflicts if (not path or each.path == path)]
        waiting = [each for each in waiting if _identity(each) not in passed]
        if not waiting:
            return left
        offered = waiting[0]
        _show(out, offered, f"{len(left.conflicts)} left:")
        keys = {str(n): str(n) for n, _ in enumerate(offered.candidates, 1)}
        keys |= {"o": "ours", "t": "theirs", "b": "both"}
        out.line(f"  [{''.join(keys)}] take · e edit · s later · q enough", "dim")
        key = click.getchar()
        if key in {"q", "\x03", "\x04", "\x1b"}:
            return left
        line = offered.line if offered.kind in _MARKED else 0
        if key == "e":
            left = verb.edit(where, offered.path)
        elif key in keys:
            left = verb.resolve(where, offered.path, line, keys[key])
        elif key == "s":
            passed.add(_identity(offered))


def _identity(offered: Offered) -> tuple[str, str, str, str]:
    return offered.path, offered.ours, offered.base, offered.theirs
