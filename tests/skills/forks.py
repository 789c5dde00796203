"""A copy of this repository with skills applied to it, operation by operation, as the graft does."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from skills_engine.codemods import registry
from skills_engine.codemods.files import MemoryFiles
from skills_engine.package import decode, reader
from skills_engine.package.implied import implied
from skills_engine.package.model import Package

__all__ = ["PARTS", "ROOT", "SKILLS", "apply", "edit", "fork", "package"]

ROOT = Path(__file__).parents[2]
SKILLS = ROOT / ".claude/skills"
PARTS = (
    "bot",
    "container",
    "tests/conftest.py",
    "tests/doubles.py",
    "tests/runtime_contract.py",
    "pyproject.toml",
    "README.md",
    ".env.example",
)
"""What of this repository a running bot needs."""


def package(name: str) -> Package:
    """A package of this repository, read and checked."""
    return reader.read(name, _contents(SKILLS / name))


def fork(into: Path, *skills: str) -> Path:
    """A new fork with these skills, in this order."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(
                source, into / part, ignore=shutil.ignore_patterns("__pycache__", "wheels")
            )
        else:
            (into / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, into / part)
    for name in skills:
        apply(into, package(name))
    return into


def edit(fork: Path) -> None:
    """What owners change first: other defaults in the settings."""
    settings = fork / "bot/settings.py"
    text = settings.read_text("utf-8")
    for mine in (
        'assistant_name: str = "Bea"',
        'timezone: str = "Europe/Berlin"',
        'log_level: str = "WARNING"',
    ):
        text, changed = re.subn(
            rf"^    {mine.partition(' =')[0]} = .*$", f"    {mine}", text, flags=re.MULTILINE
        )
        assert changed == 1, mine
    settings.write_text(text, "utf-8")


def apply(into: Path, skill: Package) -> None:
    """The files that a skill adds, then its operations and what its manifest implies."""
    before = _contents(into)
    files = MemoryFiles(before)
    for path, data in skill.added().items():
        assert not files.exists(path), f"{skill.name} adds {path}, which is there already"
        files.write(path, data)
    operations = [operation for _, operation in decode.operations(skill)]
    for operation in [*operations, *(registry.decode(entry) for entry in implied(skill))]:
        operation.apply(files)
    for path, data in files.contents.items():
        if before.get(path) != data:
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            (into / path).write_bytes(data)


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
