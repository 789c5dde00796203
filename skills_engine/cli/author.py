"""Verbs for people who write skills."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from skills_engine.cli.complete import available
from skills_engine.cli.options import Dir, Json, NoTest, Quiet, Trust, Verbose, start
from skills_engine.cli.terminal import Styled
from skills_engine.errors import UsageError

__all__ = ["verbs"]

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME|PATH…]", autocompletion=available, show_default=False),
]


def verbs() -> dict[str, Callable[..., None]]:
    return {"lint": lint, "record": record, "test": test}


def lint(
    names: Names = None,
    directory: Dir = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Every mistake in skill packages, all at once."""
    from skills_engine.verbs.author import lint as verb  # noqa: PLC0415

    out, where = start("lint", directory, json=json, quiet=quiet, verbose=verbose)
    found = out.run(verb(where, names or []))

    def people() -> None:
        for problem in found:
            out.line(str(problem))
        if not found:
            out.line("no mistakes", "good")

    out.result(found, people)
    if found:
        raise typer.Exit(1)


def record(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    change: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[A..B|DIR DIR]",
            help="Commits, or two directories; your own edits without.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", show_default=False)
    ] = None,
    loose: Annotated[
        bool,
        typer.Option(
            "--loose", help="Prefer operations that survive drift to the same blank lines."
        ),
    ] = False,
    directory: Dir = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Turn a change into a skill package, and prove that the package makes it."""
    from skills_engine.verbs.record import record as verb  # noqa: PLC0415

    out, where = start("record", directory, json=json, quiet=quiet, verbose=verbose)
    found = out.run(verb(where, name, change or [], output, loose=loose))

    def people() -> None:
        out.line(f"{found.folder}: {len(found.operations)} operations")
        for line in found.operations if verbose else ():
            out.line(f"  {line}")
        for line in found.left:
            out.line(f"left out: {line}", "note")
        for line in found.differences:
            out.line(f"differs: {line}", "bad")
        if found.exact:
            out.line("applied to what was there before, it gives the change byte for byte", "good")
        out.line(
            f"Now say what it is for, in {found.folder}/SKILL.md, and run: skills lint {name}, "
            f"skills test {name}"
        )

    out.result(found, people)


def test(
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="All skills.")] = False,
    pairs: Annotated[bool, typer.Option("--pairs", help="Also in pairs, in both orders.")] = False,
    no_test: NoTest = False,
    trust: Trust = False,
    directory: Dir = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Try skills on the base: alone, in pairs, in both orders, twice, and with their own tests."""
    from skills_engine.verbs.author import try_out  # noqa: PLC0415

    if not names and not every and not pairs:
        raise UsageError("name skills to test", hint="skills test NAME…, --all or --pairs")
    out, where = start("test", directory, json=json, quiet=quiet, verbose=verbose)
    found = out.run(try_out(where, names or [], pairs=pairs, run=not no_test, trust=trust))

    def people() -> None:
        for trial in found:
            mark = Styled("✓", "good") if trial.ok else Styled("✗", "bad")
            out.line((mark, f" {' + '.join(trial.skills)}: {trial.found}"))
            if trial.output:
                out.text(trial.output)

    out.result(found, people)
    if not all(trial.ok for trial in found):
        raise typer.Exit(4)
