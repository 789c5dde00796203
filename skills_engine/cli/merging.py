"""The structural merge alone, also for plain git."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from skills_engine.cli.options import Dir, Json, Quiet, Verbose, start

__all__ = ["verbs"]

driver = typer.Typer(
    help="Let plain git merge Python structurally.", no_args_is_help=True, rich_markup_mode=None
)


def verbs() -> dict[str, Callable[..., None] | typer.Typer]:
    return {"merge-file": merge_file, "merge-driver": driver}


def merge_file(
    base: Annotated[Path, typer.Argument(show_default=False)],
    ours: Annotated[Path, typer.Argument(show_default=False)],
    theirs: Annotated[Path, typer.Argument(show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", show_default=False)],
    via_record: Annotated[
        bool,
        typer.Option("--via-record", help="Record THEIRS as operations and apply them to OURS."),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Merge three versions of a file into OUT. Exit 3: OUT has conflict markers (via record: is not
    written).
    """
    from skills_engine.verbs.merging import carry_file, merge_files  # noqa: PLC0415

    out, _ = start("merge-file", None, json=json, quiet=quiet, verbose=verbose)
    found = (carry_file if via_record else merge_files)(base, ours, theirs, output)

    def people() -> None:
        for note in found.notes:
            out.line(note, "note")
        for line, reason in found.conflicts:
            out.line(f"conflict: {output}:{line}: {reason}", "bad")
        if verbose and found.clean:
            out.line(f"merged ({found.how})", "good")

    out.result(found, people)
    if not found.clean:
        raise typer.Exit(3)


@driver.command("install")
def install(
    directory: Dir = None, json: Json = False, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Use it for this repository's Python files (in .git only)."""
    from skills_engine.verbs.merge_driver import driver_install  # noqa: PLC0415

    out, where = start("merge-driver install", directory, json=json, quiet=quiet, verbose=verbose)
    found = driver_install(where)
    out.result(found, lambda: out.text("\n".join(found.done)))


@driver.command("uninstall")
def uninstall(
    directory: Dir = None, json: Json = False, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Stop using it; nothing is left behind."""
    from skills_engine.verbs.merge_driver import driver_uninstall  # noqa: PLC0415

    out, where = start("merge-driver uninstall", directory, json=json, quiet=quiet, verbose=verbose)
    found = driver_uninstall(where)
    out.result(found, lambda: out.text("\n".join(found.done)))


@driver.command("run", hidden=True)
def run(
    base: Path,
    ours: Path,
    theirs: Path,
    name: str,
    marker_size: int = 7,
    ours_label: str = "%X",
    base_label: str = "%S",
    theirs_label: str = "%Y",
) -> None:
    """What git calls, by the command that `install` configures."""
    from skills_engine.verbs.merge_driver import CONFLICTING, MERGED, Markers  # noqa: PLC0415
    from skills_engine.verbs.merge_driver import driver as merge  # noqa: PLC0415

    def label(given: str, otherwise: str) -> str:
        return otherwise if given.startswith("%") else given  # git before 2.44 has no names for it

    names = (label(base_label, "base"), label(ours_label, "ours"), label(theirs_label, "theirs"))
    start("merge-driver", None, json=False, quiet=True, verbose=False)
    found = merge(base, ours, theirs, name, Markers(marker_size, *names))
    raise typer.Exit(MERGED if found.clean else CONFLICTING)
