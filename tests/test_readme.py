"""README.md, followed as it is written: its commands in a fresh clone with a fresh home, and its
links.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from harness.shell import USER, sh

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Shell:
    """A user's shell in a clone of a clone of this repository, as it is committed."""

    def __init__(self, folder: Path) -> None:
        self.upstream, self.fork = folder / "upstream", folder / "graftbot"
        home = folder / "home"
        home.mkdir()
        self.environment = {**USER, "HOME": str(home), "PYTHONPATH": str(self.fork)}
        self.environment |= {k: os.environ[k] for k in ("TMPDIR", "LANG") if k in os.environ}
        self.run(f"git clone -q {ROOT} {self.upstream}", folder)
        self.run("git checkout -q -B main", self.upstream)
        self.run(f"git clone -q {self.upstream} {self.fork}", folder)

    def run(self, line: str, cwd: Path | None = None, said: str = "") -> str:
        return sh(line, cwd or self.fork, self.environment, said)

    def state(self) -> str:
        """All that a verb which only looks may not change."""
        return self.run("git status --porcelain; git rev-parse HEAD; git ls-files --stage")


def commands(first: str) -> list[str]:
    """The lines typed in the block that begins with this one, without their comments."""
    (block,) = (block for block in CONSOLE.findall(README) if block.startswith(f"$ {first}"))
    return [line[2:].split("  #")[0].strip() for line in block.splitlines() if line[:2] == "$ "]


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.slow
def test_make_it_yours_from_the_first_line_to_the_last(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    lines, said, before = commands("skills init"), dict[str, str](), ""
    for typed in lines:
        line = typed.removeprefix("$EDITOR bot/…; ")
        if line != typed:
            edit(shell.fork / "bot/agents/offline.py", '"""The', '"""My own: the')
        if line == "skills rebase":
            edit(shell.upstream / "bot/settings.py", '"""', '"""Theirs: ')
            shell.run("git commit -qam Theirs", shell.upstream)
        looks = line.split()[1] in {"list", "show", "plan", "status", "blame"}
        before = shell.state()
        # `make demo` tries the skills in an environment made for it, which takes half a minute
        tries = line.startswith(("skills apply", "skills rebase", "skills undo"))
        said[line] = shell.run(f"{line} --no-test --no-install" if tries else line)
        assert (shell.state() == before) == looks, line
    assert "add-telegram" in said["skills list"]
    assert "+from bot.channels.telegram import" in said["skills plan add-telegram"]
    assert "add-telegram 1." in said["skills apply add-telegram"]
    assert "add-telegram" in said["skills status"]
    for whose in ("add-telegram", "upstream"):
        assert whose in said["skills blame bot/settings.py"]

    assert lines[-1] == "skills undo"
    assert (shell.fork / "bot/channels/telegram.py").is_file(), "undone was the uninstallation"
    shell.run("skills redo --no-test --no-install")
    changed = shell.run("git diff --name-only origin/main -- . ':!manifests'")
    assert changed.split() == ["bot/agents/offline.py"], "the edit stays, and no trace of the skill"
    shell.run('git fsck --no-dangling && test -z "$(git status --porcelain)"')


def test_what_the_assistant_says_first(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    (block,) = (block for block in CONSOLE.findall(README) if "bin/bot run" in block)
    _, asked, *answer = block.splitlines()
    said = shell.run("bot run", said=f"{asked}\n")
    assert "\n".join(answer) in said


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CLAUDE.md", "CHANGELOG.md"])
def test_each_link_leads_to_a_file(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = {link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link}
    assert [link for link in sorted(links) if not (ROOT / link).exists()] == []
    assert links or document != "README.md"
