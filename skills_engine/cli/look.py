"""Verbs that look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from skills_engine.cli.complete import available, installed
from skills_engine.cli.options import VerbOptions, command
from skills_engine.cli.output import Output, counted
from skills_engine.cli.terminal import Styled
from skills_engine.errors import Conflict, UsageError

__all__ = ["verbs"]


def verbs() -> dict[str, Callable[..., None]]:
    found = (list_, search, show, plan, status, log, diff, blame)
    return {verb.__name__.rstrip("_"): verb for verb in found}


@command()
def list_(
    asked: VerbOptions,
) -> None:
    """The skills that there are, and those that are installed."""
    from skills_engine.verbs.look import list_ as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    found = verb(where)

    def people() -> None:
        _skills(out, found)
        if not found:
            out.line("no skills here: skills apply PATH|GIT-URL brings one, skills search looks")

    out.result(found, people)


@command()
def search(
    asked: VerbOptions,
    words: Annotated[list[str], typer.Argument(metavar="WORD…", show_default=False)],
    index: Annotated[
        list[str] | None,
        typer.Option(
            "--index",
            metavar="WHERE",
            help="Look into this index too: a JSON file, its URL, a git repository.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Skills in whose name, description or text every word occurs: here, and in indexes."""
    from skills_engine.verbs.look import search as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    found = verb(where, tuple(words), tuple(index or ()))

    def people() -> None:
        _skills(out, found)
        if not found:
            out.line(f"no skill has the words {' '.join(words)}")

    out.result(found, people)


@command()
def show(
    asked: VerbOptions,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME|PATH|GIT-URL", autocompletion=available, show_default=False),
    ],
) -> None:
    """What a skill says, and what it would change."""
    from skills_engine.verbs.inspect import show as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    found = verb(where, name)

    def people() -> None:
        version = f" {found.version}" if found.version else " (instructions only)"
        where_from = f", {found.installed} installed" if found.installed else ""
        out.line((Styled(found.name, "name"), f"{version}{where_from}"))
        out.line(found.description, "dim")
        for line in found.operations:
            out.line(f"  {line}")
        for line in found.code:
            out.line(f"  code: {line}", "note")
        for line in found.other:
            out.line(f"  also: {line}", "note")
        if out.verbose or not found.version:
            out.line()
            out.text(found.prose.strip())
        for path, content in found.files if out.verbose else ():
            out.line()
            out.line(path, "name")
            out.text(content)

    out.result(found, people)


@command("trust")
def plan(
    asked: VerbOptions,
    wanted: Annotated[
        list[str],
        typer.Argument(metavar="NAME|PATH|GIT-URL…", autocompletion=available, show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Save it for `skills apply FILE`.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """The operations of an apply, their places and the diff. Nothing is written."""
    from skills_engine.verbs.plan import plan as verb  # noqa: PLC0415
    from skills_engine.verbs.plan import write_plan  # noqa: PLC0415

    out, where = asked.out, asked.where
    found = out.run(verb(where, wanted, asked.options(dry_run=True)))
    if output is not None:
        write_plan(found, output)

    def people() -> None:
        for note in found.report.notes:
            out.line(note, "note")
        for skill in found.report.skills:
            out.line((Styled(skill.name, "name"), f" {skill.version}"))
            for operation in skill.operations:
                out.line(f"  {operation}")
        for ask in found.report.asks:
            out.line(f"{ask.skill} needs {ask.option}, for it: {ask.what}", "note")
        for conflict in found.report.conflicts:
            out.line(f"conflict: {conflict.path}:{conflict.line}: {conflict.reason}", "bad")
        out.diff(found.report.diff)

    out.result(found, people)
    if found.report.conflicts:
        raise typer.Exit(Conflict.exit_code)


@command()
def status(
    asked: VerbOptions,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="OP", help="As an operation left it.", show_default=False),
    ] = None,
) -> None:
    """Where the fork stands: upstream, skills, your edits, what waits."""
    from skills_engine.verbs.look import status as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    found = verb(where, at)

    def people() -> None:
        pulled = ", pulled by hand since" if found.pulled else ""
        out.line(
            f"on {found.upstream} ({found.branch}) at {found.base[:12]}, core "
            f"{found.version}{pulled}"
        )
        if found.behind:
            out.line(
                f"{counted(found.behind, 'commit')} behind what was last fetched: skills rebase",
                "note",
            )
        for skill in found.skills:
            held = ", pinned" if skill.pinned else ""
            way = "skills unpin, then upgrade" if skill.pinned else "skills upgrade"
            newer = f" (its package changed since: {way})" if skill.newer else ""
            out.line(("  ", Styled(skill.name, "name"), f" {skill.version}{held}{newer}"))
        if not found.skills:
            out.line("no skills installed: skills list shows what there is")
        if found.files:
            out.line(f"your edits, in {counted(len(found.files), 'file')} (skills diff):", "dim")
            for file in found.files if out.verbose else found.files[:10]:
                out.line(f"  {file.how:<8} {file.path}")
        if found.pending:
            place = f" in {found.folder}" if found.folder else ""
            out.line(f"{found.pending} waits{place}: skills continue, skip or abort", "bad")
            for conflict in found.conflicts:
                mark = Styled("✓", "good") if conflict.decided else Styled("✗", "bad")
                out.line(("  ", mark, f" {conflict}"))
        if found.interrupted:
            out.line("an operation was cut short: skills doctor", "bad")

    out.result(found, people)


@command()
def log(
    asked: VerbOptions,
    number: Annotated[int, typer.Option("-n", help="At most so many.", show_default=False)] = 0,
) -> None:
    """The operations in the fork's history, newest first."""
    from skills_engine.verbs.look import log as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    found = verb(where, number)

    def people() -> None:
        for operation in found:
            commit = Styled(operation.commit[:12], "note")
            out.line((commit, f" {operation.when[:10]} {operation.title}"))

    out.result(found, people)


@command()
def diff(
    asked: VerbOptions,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", autocompletion=installed, show_default=False)
    ] = None,
) -> None:
    """Your own edits, or what one skill contributes."""
    from skills_engine.verbs.inspect import diff as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    found = out.run(verb(where, name))
    out.result({"diff": found}, lambda: out.diff(found))


@command()
def blame(
    asked: VerbOptions,
    place: Annotated[str, typer.Argument(metavar="FILE[:LINE]", show_default=False)],
) -> None:
    """Whose a line is: upstream's, a skill's or yours."""
    from skills_engine.verbs.inspect import blame as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    path, colon, number = place.rpartition(":")
    if colon and not number.isdigit():
        path, number = place, ""
    if not colon:
        path, number = place, ""
    if number == "0":
        raise UsageError("lines count from 1")
    found = out.run(verb(where, path, int(number) if number else None))

    def people() -> None:
        width = max((len(line.owner) for line in found), default=0)
        for line in found:
            owner = Styled(line.owner.ljust(width), "note")
            out.line((owner, f" {line.number:>4} {line.text}"))

    out.result(found, people)


def _skills(out: Output, found: object) -> None:
    from skills_engine.verbs.look import Listed  # noqa: PLC0415

    skills = (
        [skill for skill in found if isinstance(skill, Listed)] if isinstance(found, tuple) else []
    )
    width = max((len(skill.name) for skill in skills), default=0)
    for skill in skills:
        mark = Styled("●", "good") if skill.installed else " "
        version = skill.installed or skill.version or "-"
        name = Styled(skill.name.ljust(width), "name")
        out.line((mark, " ", name, f"  {version:<8} {skill.description}"))
        if skill.source:
            out.line(f"    skills apply {skill.source}", "dim")
        for line in skill.asks if out.verbose else ():
            out.line(f"    it {line}", "note")
