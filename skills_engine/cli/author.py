"""Verbs for people who write skills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from skills_engine.cli.complete import available
from skills_engine.cli.options import Dir, Json, NoTest, Quiet, Verbose, start
from skills_engine.errors import UsageError

__all__ = ["verbs"]

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME|PATH…]", autocompletion=available, show_default=False)
]


def verbs() -> dict[str, Callable[..., None]]:
    return {"lint": lint, "test": test}


def lint(
    names: Names = None, directory: Dir = None, json: Json = False, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Every mistake in skill packages, all at once."""
    from skills_engine.verbs.author import lint as verb  # noqa: PLC0415

    out, where = start("lint", directory, json=json, quiet=quiet, verbose=verbose)
    found = out.run(verb(where, names or []))

    def people() -> None:
        for problem in found:
            print(problem)  # noqa: T201
        if not found:
            out.line("no mistakes", "good")

    out.result(found, people)
    if found:
        raise typer.Exit(1)


def test(
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="All skills.")] = False,
    pairs: Annotated[bool, typer.Option("--pairs", help="Also in pairs, in both orders.")] = False,
    no_test: NoTest = False,
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
    found = out.run(try_out(where, names or [], pairs=pairs, run=not no_test))

    def people() -> None:
        for trial in found:
            mark = out.styled("✓", "good") if trial.ok else out.styled("✗", "bad")
            out.line(f"{mark} {' + '.join(trial.skills)}: {trial.found}")
            if trial.output:
                out.line(trial.output)

    out.result(found, people)
    if not all(trial.ok for trial in found):
        raise typer.Exit(4)
