"""The output of the command line: results, progress and errors, for a person or a program."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from skills_engine.cli.terminal import Words, complain, document, progress, say, say_all
from skills_engine.errors import CannotEnsure, Conflict, PackageError, SkillsError, TestsFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skills_engine.types import Progress

__all__ = ["SCHEMA", "Output", "counted"]

T = TypeVar("T")

SCHEMA = 1
"""The number of the JSON schema in docs/json.md."""


@dataclass(frozen=True, slots=True)
class Output:
    """One command's way to speak. Results go to standard output, everything else to standard
    error.
    """

    verb: str
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    answers: bool = False
    """A verb that was asked a question: `--quiet` silences its progress, not its answer."""

    # --- progress

    def run(self, steps: Progress[T]) -> T:
        """Run a verb and show what it is doing: a live line on a terminal, a line a step
        elsewhere.
        """
        with self._live() as show:
            while True:
                try:
                    event = next(steps)
                except StopIteration as stop:
                    value: T = stop.value
                    return value
                show(event.text)

    @contextmanager
    def _live(self) -> Iterator[Callable[[str], None]]:
        if self.quiet:
            yield lambda text: None
        elif sys.stderr.isatty():
            from skills_engine.cli.live import live  # noqa: PLC0415  (rich costs 80 ms, and only terminals pay)

            with live() as show:
                yield show
        else:
            yield progress()

    # --- results

    def result(self, value: Any, people: Callable[[], None]) -> None:
        """A verb's result: one JSON document, or what `people` prints."""
        if self.json:
            self._document({"result": plain(value)})
        else:
            people()

    def line(self, words: Words = "", style: str = "") -> None:
        """One line, in one style or of parts that have each their own."""
        if self.answers or not self.quiet:
            say(words, style)

    def text(self, text: str) -> None:
        """Text of several lines."""
        if self.answers or not self.quiet:
            say_all(text)

    def diff(self, text: str) -> None:
        """A unified diff: parted at line feeds alone, for whatever else ends a line may be part of
        one.
        """
        for line in text.removesuffix("\n").split("\n") if text else ():
            style = {"+": "add", "-": "remove", "@": "dim"}.get(line[:1], "")
            self.line(line, style)

    # --- errors

    def error(self, error: SkillsError) -> None:
        if self.json:
            self._document({"error": describe_error(error)})
            return
        if isinstance(error, TestsFailed) and error.output:
            complain(error.output.rstrip(), whole=True)
        speaker = f"skills {self.verb}: ".replace("skills : ", "skills: ")
        complain(speaker + error.message, style="name")
        if isinstance(error, PackageError):
            for problem in error.problems:
                complain(f"  {problem}")
        if isinstance(error, CannotEnsure):
            for place in error.candidates:
                complain(f"  {place}")
        if isinstance(error, Conflict):
            for conflict in error.conflicts if len(error.conflicts) > 1 else ():
                complain(f"  {conflict}")
            for note in error.notes:
                complain(f"  note: {note}")
        if error.hint:
            complain(f"  → {error.hint}")

    def _document(self, body: dict[str, Any]) -> None:
        whole = {"schema": SCHEMA, "verb": self.verb, **body}
        document(json.dumps(whole, indent=2, ensure_ascii=False))


def describe_error(error: SkillsError) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": type(error).__name__,
        "exit_code": error.exit_code,
        "message": error.message,
        "hint": error.hint,
    }
    if isinstance(error, PackageError):
        found["problems"] = [asdict(problem) for problem in error.problems]
    if isinstance(error, CannotEnsure):
        found["outcome"] = error.outcome.value
        found["candidates"] = [asdict(place) for place in error.candidates]
    if isinstance(error, TestsFailed):
        found["output"] = error.output
    if isinstance(error, Conflict):
        found["conflicts"] = [asdict(conflict) for conflict in error.conflicts]
        found["notes"] = list(error.notes)
    return found


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value
