"""The command line: parses, prints, nothing else."""

from __future__ import annotations

import gc
import sys

__all__ = ["main"]


def main() -> None:
    """The console script `skills`."""
    gc.set_threshold(
        100_000, 20, 20
    )  # imports make many objects and no garbage; a short process need not look
    try:
        from skills_engine.cli.app import run  # noqa: PLC0415

        run()
    except (KeyboardInterrupt, RuntimeError) as error:
        if not isinstance(error, KeyboardInterrupt) and not isinstance(
            error.__cause__,
            KeyboardInterrupt,  # in a class body, as of a library that is imported
        ):
            raise
        sys.stderr.write("skills: interrupted; see: skills status\n")
        sys.exit(130)
    finally:
        # or the interpreter, as it ends, looks for cycles in all that it is about to drop: 100 ms
        gc.freeze()
