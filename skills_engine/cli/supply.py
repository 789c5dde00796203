"""Verbs about where skills come from: held, compared with their source, published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from skills_engine.cli.author import Names
from skills_engine.cli.change import InstalledNames, told
from skills_engine.cli.complete import installed
from skills_engine.cli.options import VerbOptions, command
from skills_engine.cli.output import counted
from skills_engine.cli.terminal import Styled

__all__ = ["verbs"]


def verbs() -> dict[str, Callable[..., None]]:
    found = (pin, unpin, outdated, verify, publish)
    return {verb.__name__: verb for verb in found}


@command("dry_run", "wait")
def pin(asked: VerbOptions, names: InstalledNames) -> None:
    """Keep skills as they are: upgrades and rebases leave them alone."""
    from skills_engine.verbs.pin import pin as verb  # noqa: PLC0415

    told(asked.out, asked.out.run(verb(asked.where, names, asked.options())))


@command("dry_run", "wait")
def unpin(asked: VerbOptions, names: InstalledNames) -> None:
    """Let upgrades and rebases have them again."""
    from skills_engine.verbs.pin import pin as verb  # noqa: PLC0415

    told(asked.out, asked.out.run(verb(asked.where, names, asked.options(), held=False)))


@command()
def outdated(asked: VerbOptions) -> None:
    """The installed skills whose source has another package by now, and what it says changed."""
    from skills_engine.verbs.supply import outdated as verb  # noqa: PLC0415

    out = asked.out
    found = out.run(verb(asked.where))

    def people() -> None:
        for each in found:
            held = " (pinned)" if each.pinned else ""
            newer = each.newest or f"unknown: {each.problem}"
            out.line((Styled(each.name, "name"), f" {each.installed} → {newer}{held}"))
            for line in each.changes:
                out.line(f"  {line}")
        if not found:
            out.line("all are what their source has", "good")

    out.result(found, people)


@command()
def verify(
    asked: VerbOptions,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME…]", autocompletion=installed, show_default=False),
    ] = None,
) -> None:
    """Compare installed skills with their recorded digests, and with their sources."""
    from skills_engine.verbs.supply import verify as verb  # noqa: PLC0415

    out = asked.out
    found = out.run(verb(asked.where, names or []))

    def people() -> None:
        for each in found:
            mark = Styled("✓", "good") if each.ok else Styled("✗", "bad")
            signed = ", signed" if each.signed else ""
            edited = ", its package edited since" if each.edited else ""
            out.line((mark, f" {each.name} {each.version} {each.digest[:19]}…"))
            out.line(f"  recorded digest: {each.recorded}; {each.source}: {each.at_source}{signed}")
            if each.problem or edited:
                out.line(f"  {each.problem}{edited}".rstrip(), "note")

        if not found:
            out.line("no skill is installed")

    out.result(found, people)
    if not all(each.ok for each in found):
        raise typer.Exit(1)


@command("trust")
def publish(
    asked: VerbOptions,
    names: Names = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The index.")
    ] = Path("index.json"),
    source: Annotated[
        str,
        typer.Option(
            "--source", metavar="GIT-URL", help="Where they can be cloned.", show_default=False
        ),
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Try them first, with their tests, as `test` does.")
    ] = False,
) -> None:
    """Enter packages without a mistake into an index that others search."""
    from skills_engine.verbs.publish import publish as verb  # noqa: PLC0415

    out = asked.out
    trust = asked.flags["trust"]
    found = out.run(verb(asked.where, names or [], output, source, check=check, trust=trust))

    def people() -> None:
        for entry in found.entries:
            out.line((Styled(entry.name, "name"), f" {entry.version} {entry.source}"))
        out.line(f"{found.index}: {counted(len(found.entries), 'skill')}", "good")

    out.result(found, people)
