"""Verbs that change a fork."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skills_engine.cli.complete import available, installed
from skills_engine.cli.options import VerbOptions, command
from skills_engine.cli.output import counted
from skills_engine.cli.terminal import Styled
from skills_engine.errors import Conflict

if TYPE_CHECKING:
    from skills_engine.cli.output import Output
    from skills_engine.verbs.reports import ChangeReport

__all__ = ["InstalledNames", "told", "verbs"]

InstalledNames = Annotated[
    list[str], typer.Argument(metavar="NAME…", autocompletion=installed, show_default=False)
]
Wanted = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME|PATH|GIT-URL|NAME@SOURCE…",
        help="Skills to add; or one FILE that `skills plan -o` wrote.",
        autocompletion=available,
        show_default=False,
    ),
]


def verbs() -> dict[str, Callable[..., None]]:
    first = (init, apply, uninstall, upgrade, rebase, continue_)
    found = (*first, skip, abort, undo, redo, doctor, replay)
    return {verb.__name__.rstrip("_"): verb for verb in found}


@command("dry_run", "wait")
def init(
    asked: VerbOptions,
    upstream: Annotated[
        str | None, typer.Option(metavar="URL|REMOTE", help="Whom to follow.", show_default=False)
    ] = None,
    branch: Annotated[
        str | None, typer.Option(help="Upstream's branch (default: its own).", show_default=False)
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="COMMIT",
            help="What the fork stands on, if it cannot be found.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Take a repository under management: upstream and the commit of it that the fork stands on."""
    from skills_engine.verbs.setup import init as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    report = out.run(verb(where, upstream, branch, base, asked.options()))
    told(out, report)


@command("dry_run", "yes", "trust", "no_test", "no_install", "wait", "restart")
def apply(
    asked: VerbOptions,
    wanted: Wanted,
) -> None:
    """Add skills, dependencies first."""
    from skills_engine.verbs.apply import apply as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    options = asked.options(interactive=True)
    # a skill's name has neither: what has is a path
    if len(wanted) == 1 and set("./") & set(wanted[0]) and Path(wanted[0]).is_file():
        from skills_engine.verbs.plan import apply_plan  # noqa: PLC0415

        report = out.run(apply_plan(where, Path(wanted[0]), options))
    else:
        report = out.run(verb(where, wanted, options))
    told(out, report)


@command("dry_run", "yes", "trust", "no_test", "no_install", "wait", "restart")
def uninstall(
    asked: VerbOptions,
    names: InstalledNames,
) -> None:
    """Take skills off; your own edits stay."""
    from skills_engine.verbs.uninstall import uninstall as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    report = out.run(verb(where, names, asked.options()))
    told(out, report)


@command("dry_run", "yes", "trust", "no_test", "no_install", "wait", "restart")
def upgrade(
    asked: VerbOptions,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME…]", autocompletion=installed, show_default=False),
    ] = None,
) -> None:
    """Bring skills to the version that their source has now."""
    from skills_engine.verbs.upgrade import upgrade as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    options = asked.options(interactive=True)
    report = out.run(verb(where, names or [], options))
    told(out, report)


@command("dry_run", "yes", "trust", "no_test", "no_install", "wait", "restart")
def rebase(
    asked: VerbOptions,
    onto: Annotated[
        str | None,
        typer.Option(
            metavar="REF", help="A commit instead of upstream's branch.", show_default=False
        ),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="What would happen, skill by skill.")
    ] = False,
) -> None:
    """Stand on a newer upstream; skills and your own edits come along."""
    from skills_engine.verbs.rebase import rebase as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    report = out.run(verb(where, onto, asked.options(dry_run=preview)))
    told(out, report)


@command("trust", "no_test", "no_install", "wait", "restart")
def continue_(
    asked: VerbOptions,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Accept findings of the checks in your resolution.")
    ] = False,
) -> None:
    """Publish a stopped operation with what you made of its conflicts."""
    from skills_engine.verbs.continue_ import continue_ as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    report = out.run(verb(where, replace(asked.options(), yes=yes)))
    told(out, report)


@command("trust", "no_test", "no_install", "wait", "restart")
def skip(
    asked: VerbOptions,
) -> None:
    """Go on with a stopped operation, without the skill that stopped it."""
    from skills_engine.verbs.skip import skip as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    options = asked.options()
    report = out.run(verb(where, options))
    told(out, report)


@command("wait")
def abort(
    asked: VerbOptions,
) -> None:
    """Give up a stopped operation; the fork is as it was before it."""
    from skills_engine.verbs.abort import abort as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    given_up = out.run(verb(where, asked.options()))

    def people() -> None:
        out.line(f"given up: {given_up.title}")
        if given_up.kept:
            out.line(f"what you made of it is kept, and offered again: {', '.join(given_up.kept)}")
        if given_up.aside:
            out.line(f"the note and the files of its conflicts are in {given_up.aside}")

    out.result(given_up, people)


@command("dry_run", "trust", "no_test", "no_install", "wait", "restart")
def undo(
    asked: VerbOptions,
) -> None:
    """Take the last operation back that stands, as a commit; what you edited since stays."""
    from skills_engine.verbs.undo import undo as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    options = asked.options()
    report = out.run(verb(where, options))
    told(out, report)


@command("dry_run", "trust", "no_test", "no_install", "wait", "restart")
def redo(
    asked: VerbOptions,
) -> None:
    """Do again what the last undo took back, as a commit."""
    from skills_engine.verbs.undo import redo as verb  # noqa: PLC0415

    out = asked.out
    told(out, out.run(verb(asked.where, asked.options())))


@command("wait")
def doctor(
    asked: VerbOptions,
) -> None:
    """Recover after a crash, and check everything that a fork relies on."""
    from skills_engine.verbs.care import doctor as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    found = out.run(verb(where, wait=asked.flags["wait"]))

    def people() -> None:
        if found.recovered:
            out.line(f"an interrupted {found.recovered.verb} was {found.recovered.outcome}", "note")
            if found.recovered.gone:
                out.line(f"  its worktree {found.recovered.gone} is gone; its branch is whole")
            for path in found.recovered.kept:
                out.line(f"  {path} was changed since and stays as it is")
        for check in found.checks:
            mark = Styled("✓", "good") if check.ok else Styled("✗", "bad")
            out.line((mark, f" {check.name}: {check.found}"))
            if check.hint:
                out.line(f"  → {check.hint}")

    out.result(found, people)
    if not found.well:
        raise typer.Exit(1)


@command()
def replay(
    asked: VerbOptions,
    into: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the graft's files there.", show_default=False),
    ] = None,
) -> None:
    """Rebuild the fork from its manifests and compare."""
    from skills_engine.verbs.care import replay as verb  # noqa: PLC0415

    out, where = asked.out, asked.where
    found = out.run(verb(where, into))

    def people() -> None:
        out.line(f"base and {len(found.skills)} skills give tree {found.graft[:12]}", "good")
        if found.into:
            out.line(f"its files are in {found.into}")
        out.line(
            f"beyond it, HEAD has your edits in {counted(len(found.edits), 'file')}"
            if found.edits
            else "HEAD is exactly that"
        )
        for edit in found.edits:
            out.line(f"  {edit.how:<8} {edit.path}")

    out.result(found, people)


def told(out: Output, report: ChangeReport) -> None:
    """Print what was done; where it would stop at a conflict, a dry run ends as the real one
    does.
    """
    out.result(report, lambda: _print(out, report))
    if report.dry_run and report.conflicts:
        raise typer.Exit(Conflict.exit_code)


def _print(out: Output, report: ChangeReport) -> None:
    for note in report.notes:
        out.line(note, "note")
    if not report.changed:
        out.line("nothing to do")
        return
    for skill in report.skills:
        out.line((Styled(skill.name, "name"), f" {skill.version} {skill.how}"))
        for operation in skill.operations:
            out.line(f"  {operation}")
    verb = "would change" if report.dry_run else "changed"
    shown = report.files if out.verbose or len(report.files) <= 12 else report.files[:10]
    out.line(f"{counted(len(report.files), 'file')} {verb}:", "dim")
    for file in shown:
        out.line(f"  {file.how:<8} {file.path}")
    if len(shown) < len(report.files):
        out.line(f"  … and {len(report.files) - len(shown)} more (-v shows them)", "dim")
    for path, how in report.merged:
        if out.verbose:
            out.line(f"  merged with your edits: {path} ({how})", "dim")
    for asked in report.asks:
        out.line(f"{asked.skill} needs {asked.option}, for it: {asked.what}", "note")
    for conflict in report.conflicts:
        out.line(f"conflict: {conflict.path}:{conflict.line}: {conflict.reason}", "bad")
    if report.commit:
        tests = f", {counted(len(report.tests), 'test file')} passed" if report.tests else ""
        out.line(f"{report.title} [{report.commit[:12]}]{tests}", "good")
