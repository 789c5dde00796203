"""A live line on a terminal, by rich; what took longer than a second stays, with its time.

What it shows is data: rich gets it as `Text`, in which no markup is looked for.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from skills_engine.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["live"]

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

    with console.status("…") as status:

        def show(text: str) -> None:
            nonlocal started, last
            settle()
            started, last = time.monotonic(), one_line(text)
            status.update(Text(last))

        yield show
        settle()
