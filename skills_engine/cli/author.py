"""Verbs for people who write skills."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from skills_engine.cli.complete import available
from skills_engine.cli.options import VerbOptions, command
from skills_engine.cli.output import counted
from skills_engine.errors import TestsFailed, UsageError

__all__ = ["Names", "verbs"]

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME|PATH…]", autocompletion=available, show_default=False),
]
Folder = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="DIR", help="Write it there.", show_default=False),
]


def verbs() -> dict[str, Callable[..., None]]:
    return {"dev": dev, "lint": lint, "new": new, "operations": operations, "record": record}


@command()
def new(
    asked: VerbOptions,
    kind: Annotated[str, typer.Argument(metavar="KIND", show_default=False)],
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    output: Folder = None,
) -> None:
    """Begin a skill: a package of a KIND that passes lint and test as it comes."""
    from skills_engine.verbs.new import new as verb  # noqa: PLC0415

    out = asked.out
    made = out.run(verb(asked.where, kind, name, output))

    def people() -> None:
        out.line(f"{_from(asked.where, made.folder)}: {counted(len(made.files), 'file')}")
        for line in made.to_write:
            out.line(f"to write: {line}", "note")
        place = made.name if output is None else str(output)
        out.line(f"Now: skills test {place}, and skills lint {place}")

    out.result(made, people)


@command()
def lint(
    asked: VerbOptions,
    names: Names = None,
    here: Annotated[
        bool, typer.Option("--here", help="Also try every operation on this fork's core.")
    ] = False,
) -> None:
    """Every mistake in skill packages, all at once."""
    from skills_engine.verbs.lint import lint as verb  # noqa: PLC0415

    out = asked.out
    found = out.run(verb(asked.where, names or [], here=here))

    def people() -> None:
        for problem in found:
            out.line(str(problem))
        if not found:
            out.line("no mistakes", "good")

    out.result(found, people)
    if found:
        raise typer.Exit(1)


@command()
def record(
    asked: VerbOptions,
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    change: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[A..B|DIR DIR]",
            help="Commits, or two directories; your own edits without.",
            show_default=False,
        ),
    ] = None,
    into: Annotated[
        bool,
        typer.Option("--into", help="Take what was edited where it is applied into the package."),
    ] = False,
    output: Folder = None,
    loose: Annotated[
        bool,
        typer.Option(
            "--loose", help="Prefer operations that survive drift to the same blank lines."
        ),
    ] = False,
    every: Annotated[
        bool, typer.Option("--every", help="With changelogs and lock files, too.")
    ] = False,
) -> None:
    """Turn a change into a skill package, and prove that the package makes it."""
    from skills_engine.verbs.record import record as verb  # noqa: PLC0415
    from skills_engine.verbs.record_into import record_into  # noqa: PLC0415

    out = asked.out
    if into and (change or output or loose or every):
        raise UsageError("--into takes the name of the package alone")
    found = out.run(
        record_into(asked.where, name)
        if into
        else verb(asked.where, name, change or [], output, loose=loose, every=every)
    )

    def people() -> None:
        folder = _from(asked.where, found.folder)
        out.line(f"{folder}: {counted(len(found.operations), 'change' if into else 'operation')}")
        for line in found.operations if out.verbose or into else ():
            out.line(f"  {line}")
        for line in found.left:
            out.line(f"left out: {line}", "note")
        for line in found.differences:
            out.line(f"differs: {line}", "bad")
        if found.exact:
            what = "the rest of the change" if found.left else "the change"
            out.line(f"applied to what was there before, it gives {what} byte for byte", "good")
        out.line(
            f"Now say what it is for, in {folder}/SKILL.md, and run: skills lint {name}, "
            f"skills test {name}"
        )

    out.result(found, people)


@command("trust")
def dev(
    asked: VerbOptions,
    name: Annotated[
        str, typer.Argument(metavar="NAME|PATH", autocompletion=available, show_default=False)
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- PYTEST…]", help="Pytest's own arguments.", show_default=False),
    ] = None,
    output: Folder = None,
    once: Annotated[bool, typer.Option("--once", help="Once, and do not watch.")] = False,
) -> None:
    """Keep a worktree with a skill applied: again, and its tests, whenever a file changes."""
    from skills_engine.verbs.dev import Round  # noqa: PLC0415
    from skills_engine.verbs.dev import dev as verb  # noqa: PLC0415

    out = asked.out

    def seen(done: Round) -> None:
        how = f", applied in {done.seconds:.2f} s" if done.applied else ""
        out.line(f"{done.name} in {done.folder}{how}")
        if done.ok:
            out.line("its tests pass" if done.tests else "it has no tests", "good")
        else:
            out.line(done.problem, "bad")
            if done.hint:
                out.line(f"  → {done.hint}")

    steps = verb(
        asked.where,
        name,
        words or [],
        out=output,
        once=once,
        trust=asked.options().trust,
        line=None if out.json else out.line,
        seen=seen,
    )
    try:
        done = out.run(steps)
    except KeyboardInterrupt:
        return
    out.result(done, lambda: seen(done))
    if not done.ok:
        raise typer.Exit(TestsFailed.exit_code)


@command()
def operations(
    asked: VerbOptions,
    word: Annotated[str, typer.Argument(metavar="[WORD]", show_default=False)] = "",
) -> None:
    """What a codemod block can ask for; of one operation the whole reference."""
    from skills_engine.verbs.operations import operations as verb  # noqa: PLC0415

    out = asked.out
    found = verb(word)

    def people() -> None:
        wide = max(len(each.operation) for each in found)
        for each in found:
            if each.reference:
                out.text(each.reference)
            else:
                out.line(f"{each.operation:<{wide}}  {each.summary}")

    out.result(found, people)


def _from(where: Path, folder: str) -> str:
    """A folder as somebody who stands in `where` would write it, if it lies below."""
    path, here = Path(folder).resolve(), where.resolve()
    return str(path.relative_to(here)) if path.is_relative_to(here) else folder
