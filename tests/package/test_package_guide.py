"""The skill in docs/writing-skills.md is a valid package, and does what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.registry import decode
from skills_engine.errors import CannotEnsure
from skills_engine.package.capabilities import capabilities
from skills_engine.package.decode import operations
from skills_engine.package.frontmatter import KEYS as FRONTMATTER_KEYS
from skills_engine.package.implied import implied
from skills_engine.package.lint import lint
from skills_engine.package.manifest import KEYS
from skills_engine.package.reader import read
from skills_engine.types import Outcome

GUIDE = (Path(__file__).parents[2] / "docs" / "writing-skills.md").read_text("utf-8")
PACKAGE = ".claude/skills/add-dice/"
HELP = b'def show_help() -> str:\n    return "Ask away."\n'


def shown() -> dict[str, list[bytes]]:
    """The fenced blocks that name a file, by path."""
    blocks: dict[str, list[bytes]] = {}
    for match in re.finditer(r"^(`{3,})\w+ (\S+/\S+)\n(.*?)^\1$", GUIDE, re.MULTILINE | re.DOTALL):
        blocks.setdefault(match[2], []).append(match[3].encode())
    return blocks


@pytest.fixture
def package_files() -> dict[str, bytes]:
    return {
        path.removeprefix(PACKAGE): text
        for path, [text, *_] in shown().items()
        if path.startswith(PACKAGE)
    }


def test_the_worked_example(package_files: dict[str, bytes], tmp_path: Path) -> None:
    assert lint("add-dice", package_files) == ()
    package = read("add-dice", package_files)
    before, after = shown()["bot/commands.py"]
    files = MemoryFiles(
        {"bot/__init__.py": b"", "bot/help.py": HELP, "bot/commands.py": before, **package.added()}
    )
    for _ in range(2):
        found = [
            *map(decode, implied(package)),
            *(operation for _, operation in operations(package)),
        ]
        outcomes = {operation.apply(files).outcome for operation in found}
        assert files.contents["bot/commands.py"].decode() == after.decode()
    assert outcomes == {Outcome.ALREADY}
    assert files.contents[".env.example"] == b"# how many sides a die has\nDICE_SIDES=6\n"

    for path, data in files.contents.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    tests = package.manifest.tests if package.manifest else ()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, check=False
    )
    assert b"2 passed" in done.stdout, done.stdout.decode()


def test_the_worked_example_on_code_that_its_author_never_saw(
    package_files: dict[str, bytes],
) -> None:
    package = read("add-dice", package_files)
    text = shown()["bot/commands.py"][0].decode()
    one_line = text.replace('{\n    "/help": show_help,  # always first\n}', '{"/help": show_help}')
    for before, after in (
        (text.replace("answer", "reply"), '    "/roll": roll,\n}'),
        (one_line, 'COMMANDS = {"/help": show_help, "/roll": roll}\n'),
    ):
        assert before != text
        files = MemoryFiles({"bot/commands.py": before.encode()})
        for _, operation in operations(package):
            operation.apply(files)
        assert after in files.contents["bot/commands.py"].decode()

    files = MemoryFiles({"bot/commands.py": b"def answer(text): ...\n"})
    with pytest.raises(CannotEnsure, match="COMMANDS"):
        operations(package)[1][1].apply(files)


def test_the_worked_example_asks_for_little(package_files: dict[str, bytes]) -> None:
    asked = capabilities(read("add-dice", package_files))
    assert asked.code == ("runs the tests in tests/test_dice.py",)
    assert asked.other == ("changes .env.example",)


def test_the_guide_names_every_key() -> None:
    assert all(f"| `{key}` |" in GUIDE for key in KEYS)
    assert all(f"`{key}`" in GUIDE for key in FRONTMATTER_KEYS)
