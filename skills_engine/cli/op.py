"""The operation log, on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from skills_engine.cli.change import told
from skills_engine.cli.options import VerbOptions, command
from skills_engine.cli.terminal import Styled

__all__ = ["verbs"]

group = typer.Typer(
    help="Every operation of this fork: what it changed, and the way back to it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Operation = Annotated[
    str, typer.Argument(metavar="OP", help="Its commit, or @, @- …", show_default=False)
]
_MARKS = {"done": ("●", "good"), "undone": ("○", "note"), "superseded": ("·", "dim")}


def verbs() -> dict[str, Callable[..., None] | typer.Typer]:
    return {"op": group}


@command(name="op log")
def log(
    asked: VerbOptions,
    number: Annotated[int, typer.Option("-n", help="At most so many.", show_default=False)] = 0,
) -> None:
    """Every operation, newest first: done, undone, or superseded."""
    from skills_engine.verbs.op import op_log  # noqa: PLC0415

    out = asked.out
    found = op_log(asked.where, number)

    def people() -> None:
        for each in found:
            mark, style = _MARKS[each.state]
            commit = Styled(each.commit[:12], "note")
            moved = f" ({each.before[:12]} before)" if out.verbose else ""
            line = f" {each.when[:16]} {each.title}{moved}"
            out.line((Styled(mark, style), " ", commit, line))

    out.result(found, people)


@command(name="op show")
def show(asked: VerbOptions, operation: Operation = "@") -> None:
    """One operation: what it was, and what it changed."""
    from skills_engine.verbs.op import op_show  # noqa: PLC0415

    out = asked.out
    found = op_show(asked.where, operation)

    def people() -> None:
        out.line(found.title, "name")
        out.line(f"{found.verb} by {found.who}, {found.when}: {found.state}")
        out.line(f"{found.before[:12]} → {found.commit[:12]}")
        for name, version in found.skills:
            out.line(f"  {name} {version}")
        for file in found.files:
            out.line(f"  {file.how:<8} {file.path}")
        if out.verbose:
            out.diff(found.diff)

    out.result(found, people)


@command(name="op diff")
def diff(
    asked: VerbOptions,
    old: Annotated[
        str | None, typer.Option("--from", metavar="OP", help="As it left the fork.")
    ] = None,
    new: Annotated[str | None, typer.Option("--to", metavar="OP", help="As it left it.")] = None,
) -> None:
    """What differs between the fork after one operation and after another."""
    from skills_engine.verbs.op import op_diff  # noqa: PLC0415

    out = asked.out
    found = op_diff(asked.where, old, new)
    out.result({"diff": found}, lambda: out.diff(found))


@command("dry_run", "trust", "no_test", "no_install", "wait", "restart", name="op restore")
def restore(asked: VerbOptions, operation: Operation) -> None:
    """Bring the fork to what an operation left, as a commit; what you edited since stays."""
    from skills_engine.verbs.undo import restore as verb  # noqa: PLC0415

    out = asked.out
    told(out, out.run(verb(asked.where, operation, asked.options())))


for _name, _verb in {"log": log, "show": show, "diff": diff, "restore": restore}.items():
    group.command(_name)(_verb)
