"""A live line on a terminal, by rich; what took longer than a second stays, with its time.

What it shows is data: rich gets it as `Text`, in which no markup is looked for.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Column, Table
from rich.text import Text

from skills_engine.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["live", "table"]

T = TypeVar("T")

_WORTH_KEEPING = 1.0


@contextmanager
def live() -> Iterator[Callable[[str], None]]:
    console = Console(stderr=True, highlight=False)
    started = time.monotonic()
    last = ""

    def settle() -> None:
        spent = time.monotonic() - started
        if last and spent >= _WORTH_KEEPING:
            console.print(Text.assemble(("✓", "green"), f" {last} ", (f"{spent:.1f} s", "dim")))

    screen = Live(
        Spinner("dots", text="…"),
        console=console,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )
    with screen:

        def show(text: str) -> None:
            nonlocal started, last
            settle()
            started, last = time.monotonic(), one_line(text)
            screen.update(Spinner("dots", text=Text(last)))

        yield show
        settle()


@contextmanager
def table(
    cell: Callable[[T], tuple[str, str, str]],
) -> Iterator[Callable[[T], None]]:
    """How many of what is shown fall into which row, column and kind; gone when all is there."""
    counts: dict[str, dict[str, Counter[str]]] = {}
    columns: dict[str, None] = {}

    def drawn() -> Table:
        shown = Table("", *(Column(Text(one_line(column))) for column in columns), box=None)
        for row, cells in counts.items():
            texts = (
                Text(", ".join(f"{n} {kind}" for kind, n in sorted(cells[column].items())))
                if column in cells
                else Text()
                for column in columns
            )
            shown.add_row(Text(one_line(row)), *texts)
        return shown

    screen = Live(
        console=Console(stderr=True, highlight=False),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )
    with screen:

        def show(item: T) -> None:
            row, column, kind = cell(item)
            columns.setdefault(column)
            counts.setdefault(row, {}).setdefault(column, Counter())[kind] += 1
            screen.update(drawn())

        yield show
