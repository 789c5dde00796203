"""The verb `test`: a table that grows on a terminal, lines elsewhere, and a report for CI."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal

import typer

from skills_engine.cli.author import Names
from skills_engine.cli.options import VerbOptions, command
from skills_engine.cli.terminal import Styled
from skills_engine.errors import Refused, UsageError

if TYPE_CHECKING:
    from skills_engine.verbs.trials.trial import Trial

__all__ = ["verbs"]


def verbs() -> dict[str, Callable[..., None]]:
    return {"test": test}


@command("no_test", "trust")
def test(
    asked: VerbOptions,
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="All skills.")] = False,
    pairs: Annotated[bool, typer.Option("--pairs", help="Also in pairs, in both orders.")] = False,
    triples: Annotated[
        bool, typer.Option("--triples", help="Also in threes, in all orders.")
    ] = False,
    drift: Annotated[
        bool, typer.Option("--drift", help="Also on the core as upstream might change it.")
    ] = False,
    owner: Annotated[
        bool, typer.Option("--owner", help="Also on a fork whose owner made the same changes.")
    ] = False,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Also broken, a part at a time: a test must fail.")
    ] = False,
    cores: Annotated[
        list[str] | None,
        typer.Option("--core", metavar="REV", help="On this commit of the core (again for more)."),
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=0, help="So many processes; 0: one a processor.")
    ] = 1,
    scheduler: Annotated[
        str,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="On the machines of a Dask scheduler: tls://HOST:PORT.",
            show_default=False,
        ),
    ] = "",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run of the same that was ended.")
    ] = False,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", metavar="FILE", help="Write a JUnit report.", show_default=False),
    ] = None,
) -> None:
    """Try skills on the core: alone with what they need, twice, off again, with their tests. What
    comes of each is said as it comes.
    """
    from skills_engine.verbs.test import Ways, summary, try_out  # noqa: PLC0415

    if not names and not every and not pairs and not triples:
        raise UsageError("name skills to test", hint="skills test NAME…, or --all")
    out, options = asked.out, asked.options()
    if junit is not None:  # before hours of trials, not after them
        with _written(junit, "ab"):
            pass
    ways = Ways(pairs, triples, drift, owner, mutate, tuple(cores or ()), jobs, scheduler, resume)
    with _shown(asked, many=drift or owner or mutate) as seen:
        found = out.run(
            try_out(
                asked.where,
                names or [],
                ways,
                run=options.test,
                trust=options.trust,
                seen=seen,
            )
        )
    if junit is not None:
        _write(junit, found)

    def people() -> None:
        for kind, counts in summary(found).items() if drift or owner or mutate else ():
            share = 100 * counts["right"] / counts.total()
            parts = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
            out.line(f"{kind}: {share:.1f} % right ({parts})")
        asked_for = {"drift": drift, "owner": owner, "mutate": mutate}
        for kind in (kind for kind, on in asked_for.items() if on):
            if not any(trial.kind == kind for trial in found):
                out.line(f"{kind}: nothing to try: no operation, and no call of the core", "note")

    out.result(found, people)
    if not all(trial.ok for trial in found):
        raise typer.Exit(4)


@contextmanager
def _shown(asked: VerbOptions, *, many: bool) -> Iterator[Callable[[Trial], None] | None]:
    """A line a trial, as they end; of `many`, those that went right only if asked. On a terminal a
    table of how each skill's trials go stands below.
    """
    out = asked.out
    if out.json:
        yield None
        return

    def line(trial: Trial) -> None:
        good = trial.ok and trial.verdict == "right"
        if many and good and trial.kind != "together" and not out.verbose:
            return
        mark = Styled("✓", "good") if good else Styled("·", "note")
        mark = mark if trial.ok else Styled("✗", "bad")
        words = [" + ".join(trial.skills), trial.core[:10] and f"on {trial.core[:10]}"]
        words += [trial.kind, trial.what, trial.verdict] if trial.kind != "together" else []
        out.line((mark, f" {' '.join(filter(None, words))}{': ' * bool(trial.found)}{trial.found}"))
        if trial.output:
            out.text(trial.output)

    if out.quiet or not sys.stderr.isatty():
        yield line
        return
    from skills_engine.cli.live import table  # noqa: PLC0415  (rich costs 80 ms)

    def cell(trial: Trial) -> tuple[str, str, str]:
        return " + ".join(trial.skills), trial.kind, trial.verdict

    with table(cell) as drawn:

        def both(trial: Trial) -> None:
            line(trial)
            drawn(trial)

        yield both


def _write(path: Path, trials: Sequence[Trial]) -> None:
    """The trials as JUnit's XML, which CI reads: a wrong one is a failure."""
    from xml.etree import ElementTree as Xml  # noqa: PLC0415

    suite = Xml.Element("testsuite", name="skills test", tests=str(len(trials)))
    suite.set("failures", str(sum(not trial.ok for trial in trials)))
    suite.set("time", f"{sum(trial.seconds for trial in trials):.3f}")
    for trial in trials:
        name = f"{trial.kind} {trial.what} {trial.core[:10]}".strip()
        case = Xml.SubElement(suite, "testcase", classname="+".join(trial.skills), name=name)
        case.set("time", f"{trial.seconds:.3f}")
        if not trial.ok:
            failure = Xml.SubElement(case, "failure", message=_printable(trial.found))
            failure.text = _printable(trial.output)
        elif trial.verdict != "right":
            Xml.SubElement(case, "skipped", message=_printable(f"{trial.verdict}: {trial.found}"))
    with _written(path) as file:
        Xml.ElementTree(suite).write(file, encoding="utf-8", xml_declaration=True)


@contextmanager
def _written(path: Path, mode: Literal["ab", "wb"] = "wb") -> Iterator[BinaryIO]:
    try:
        with path.open(mode) as file:
            yield file
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from None


def _printable(text: str) -> str:
    """XML has no control characters, however they are written."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)
