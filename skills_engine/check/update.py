"""Brings the fork's own environment up to date, after a change is published."""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.check.installer import choose, install, install_command
from skills_engine.check.process import last_lines
from skills_engine.check.requirements import added

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skills_engine.check.installer import Installer

__all__ = ["Update", "bring_up_to_date"]


@dataclass(frozen=True, slots=True)
class Update:
    """What was done. `hint` is what the owner has left to do, as an imperative; empty if nothing
    is.
    """

    installed: tuple[str, ...] = ()
    message: str = ""
    hint: str = ""


def bring_up_to_date(
    root: Path,
    before: Sequence[str],
    after: Sequence[str],
    *,
    uv: bool = False,
    installer: Installer | None = None,
    report: Callable[[str], None],
) -> Update:
    """Install what is required in `after`, and was not `before`, into `root`/.venv. Nothing is
    ever uninstalled.

    Any other environment is not the engine's to touch, a link to one
    elsewhere included: then, and when the installation fails, the hint says
    how to do it. The change is published already, so failure raises nothing.
    """
    wanted = added(before, after)
    if not wanted:
        return Update()
    python = root / ".venv" / "bin" / "python"
    listed = ", ".join(wanted)
    if (
        (root / ".venv").is_symlink()
        or not (root / ".venv" / "pyvenv.cfg").is_file()
        or not python.exists()
    ):
        return Update(
            message=f"{listed} must be installed; the fork has no environment in .venv",
            hint=f"run {_shown(['pip', 'install', *wanted])} in the environment that runs the bot",
        )
    installer = installer or choose(uv=uv)
    report(f"installing {listed} into .venv with {installer}")
    by_hand = _shown([*install_command(installer, python), *wanted])
    try:
        with tempfile.TemporaryDirectory(prefix="graftbot-install-") as folder:
            done = install(installer, python, wanted, cwd=Path(folder), report=report)
    except OSError as error:
        return Update(message=f"{listed} could not be installed: {error}", hint=f"run {by_hand}")
    if done.code != 0:
        why = "it took too long" if done.code is None else last_lines(done.output)
        return Update(
            message=f"{listed} could not be installed into .venv:\n{why}", hint=f"run {by_hand}"
        )
    relock = "run uv lock, so that uv.lock has them too" if uv else ""
    return Update(wanted, f"installed {listed} into .venv", relock)


def _shown(command: list[str]) -> str:
    return f"`{shlex.join(command)}`"
