"""A small upstream with three skills, its next version, and forks of it.

upstream    version 0.1.0 of a chat bot of five files, and the skills below
advance     version 0.2.0: a file reformatted, a file renamed, a command added, add-dice 1.1.0
fork_of     a clone under management, with skills applied by the real program
live_in     what an owner has about: edits committed, staged and not, files that git does not know

The skills: `add-dice` adds a file, an import, an element and a setting; `add-loud` depends on it
and changes a function that it added; `add-clock` stands alone, with a dependency, a field and an
element of a list.
"""

from __future__ import annotations

from pathlib import Path

from harness.cli import QUICK, environment, skills
from harness.repos import Repo

__all__ = [
    "ADVANCED",
    "BASE",
    "SKILLS",
    "advance",
    "fork_of",
    "live_in",
    "skill",
    "upgrade_package",
    "upstream",
]

BASE = {
    "pyproject.toml": '[project]\nname = "parrot"\nversion = "0.1.0"\ndependencies = [\n    "packaging>=24",\n]\n',
    ".env.example": "# the name that it answers to\nNAME=Parrot\n",
    "parrot/__init__.py": '"""A bot that repeats."""\n',
    "parrot/commands.py": '''"""What a person can ask for with a slash."""

from parrot.help import show_help

COMMANDS = {
    "/help": show_help,  # always first
}


def answer(text: str) -> str:
    """The reply to a message."""
    command = COMMANDS.get(text)
    return command() if command else text


def greeting(name: str) -> str:
    """What it says first."""
    return f"Hello, {name}."
''',
    "parrot/help.py": '"""Help."""\n\n\ndef show_help() -> str:\n    """All that there is to say."""\n    return "Say it."\n',
    "parrot/channels.py": '''"""Where people talk to it."""

from parrot.commands import answer


class Console:
    """A terminal."""

    def receive(self, text: str) -> str:
        return answer(text)


CHANNELS = [
    Console,
]
''',
    "parrot/settings.py": '''"""What an owner can set."""

from dataclasses import dataclass


@dataclass
class Settings:
    """One deployment."""

    name: str = "Parrot"
''',
}

_DICE = '''"""A die."""

import os
import secrets


def roll() -> str:
    """What a person reads after a roll."""
    sides = int(os.environ.get("DICE_SIDES", "6"))
    return f"You rolled {1 + secrets.randbelow(sides)}."
'''


def skill(name: str, manifest: str, codemod: str, **added: str) -> dict[str, str]:
    """The files of a package, by path in the repository. `added` are files below `add/`, dots for
    slashes.
    """
    folder = f".claude/skills/{name}"
    page = f"---\nname: {name}\ndescription: {name} for tests. Use when testing.\n---\n# {name}\n\n"
    page += f"What it needs.\n\n```yaml manifest\n{manifest.strip()}\n```\n\n"
    page += f"What must be true.\n\n```yaml codemod\n{codemod.strip()}\n```\n"
    files = {f"{folder}/add/{path}": text for path, text in added.items()}
    return {f"{folder}/SKILL.md": page, **files}


SKILLS = {
    **skill(
        "add-dice",
        """
version: 1.0.0
core: ">=0.1,<1"
environment:
  DICE_SIDES: {comment: how many sides a die has, default: 6}
adds: [parrot/dice.py]
""",
        """
- ensure: import
  in: parrot/commands.py
  import: from parrot.dice import roll
- ensure: element
  of: parrot.commands:COMMANDS
  key: '"/roll"'
  value: roll
""",
        **{"parrot/dice.py": _DICE},
    ),
    **skill(
        "add-loud",
        """
version: 1.0.0
core: ">=0.1,<1"
depends: {add-dice: ">=1,<2"}
""",
        """
- ensure: replace
  of: parrot.dice:roll
  pattern: return $X
  with: return $X.upper()
- ensure: element
  of: parrot.commands:COMMANDS
  key: '"/shout"'
  value: str.upper
""",
    ),
    **skill(
        "add-clock",
        """
version: 1.0.0
core: ">=0.1,<1"
dependencies: ["tzdata>=2025"]
adds: [parrot/clock/face.py]
""",
        """
- ensure: field
  of: parrot.settings:Settings
  field: 'zone: str = "UTC"'
- ensure: import
  in: parrot/channels.py
  import: from parrot.clock.face import Tower
- ensure: element
  of: parrot.channels:CHANNELS
  element: Tower
""",
        **{"parrot/clock/face.py": '"""A clock."""\n\n\nclass Tower:\n    """It strikes."""\n'},
    ),
}

_DICE_2 = {
    **skill(
        "add-dice",
        """
version: 1.1.0
core: ">=0.1,<1"
environment:
  DICE_SIDES: {comment: how many sides a die has, default: 6}
adds: [parrot/dice.py, parrot/coin.py]
""",
        """
- ensure: import
  in: parrot/commands.py
  import: from parrot.dice import roll
- ensure: import
  in: parrot/commands.py
  import: from parrot.coin import toss
- ensure: element
  of: parrot.commands:COMMANDS
  key: '"/roll"'
  value: roll
- ensure: element
  of: parrot.commands:COMMANDS
  key: '"/toss"'
  value: toss
""",
        **{
            "parrot/dice.py": _DICE.replace("A die.", "A fair die."),
            "parrot/coin.py": '"""A coin."""\n\n\ndef toss() -> str:\n    """Heads, always."""\n    return "Heads."\n',
        },
    ),
}

ADVANCED = {
    "pyproject.toml": BASE["pyproject.toml"].replace("0.1.0", "0.2.0"),
    "parrot/commands.py": '''"""What a person can ask for with a slash."""

from parrot.help import (
    show_help,
)

COMMANDS = {'/help': show_help, '/version': lambda: '0.2.0'}


def answer(text: str) -> str:
    """The reply to a message."""
    command = COMMANDS.get(
        text
    )
    return command() if command else text


def greeting(name: str) -> str:
    """What it says first."""
    return f'Hello, {name}.'
''',
    "parrot/channels.py": None,
    "parrot/outlets.py": BASE["parrot/channels.py"],
    **_DICE_2,
}
"""What version 0.2.0 of upstream changes."""


def upstream(path: Path) -> Repo:
    """A repository at version 0.1.0, with the three skills."""
    repo = Repo.init(path)
    repo.commit("Version 0.1.0", {**BASE, **SKILLS})
    return repo


def advance(repo: Repo) -> str:
    """Version 0.2.0 on top of 0.1.0; its commit."""
    return repo.commit("Version 0.2.0", ADVANCED)


def upgrade_package(repo: Repo) -> str:
    """Commit version 1.1.0 of add-dice to a repository; the commit."""
    return repo.commit("add-dice 1.1.0", _DICE_2)


def fork_of(source: Repo, path: Path, *installed: str, managed: bool = True) -> Repo:
    """A clone, `skills init` run in it, and skills applied. Its remote is called `upstream`."""
    source.git("clone", "--quiet", "--origin", "upstream", str(source.path), str(path))
    fork = Repo(path).known()
    verbs: list[tuple[str, ...]] = [("init", "-q")] if managed else []
    if installed:
        verbs.append(("apply", *QUICK, *installed))
    for verb in verbs:
        ran = skills(fork, *verb, env=environment(path.parent / "home"))
        assert ran.code == 0, ran.said
    return fork


def live_in(fork: Repo) -> None:
    """What an owner has about, in and beside the files that skills change.

    Committed: an edit of `parrot/commands.py`, a script, a link, a file with a name that needs
    quoting. Staged: a new file and an edit. Neither: edits in `parrot/commands.py` and
    `.env.example`, a file deleted, files not tracked and ignored, an executable bit.
    """
    fork.edit(
        "parrot/commands.py", '"""What it says first."""', '"""What it says first, loudly."""'
    )
    fork.write(
        {
            "run.sh": "#!/bin/sh\nexec parrot\n",
            "my notes/Käse & Brot.txt": "two loaves\n",
            "old.txt": "to be deleted\n",
            ".gitignore": "*.log\n",
        }
    )
    (fork.path / "run.sh").chmod(0o755)
    (fork.path / "current").symlink_to("parrot/commands.py")
    fork.commit("Make it mine")
    fork.edit("parrot/commands.py", "Hello, {name}.", "HELLO, {name}!")
    fork.edit("parrot/help.py", "All that", "Everything that")
    fork.write({"staged.py": "NEW = True\n"})
    fork.git("add", "staged.py", "parrot/help.py", "parrot/commands.py")
    fork.edit(
        "parrot/commands.py",
        '"""The reply to a message."""',
        '"""The reply to a message, or the message."""',
    )
    fork.edit(".env.example", "NAME=Parrot", "NAME=Polly")
    fork.edit("my notes/Käse & Brot.txt", "two", "three")
    fork.write(
        {
            "old.txt": None,
            "new idea.txt": "untracked\n",
            "parrot/draft/ö.py": "x = 1\n",
            "run.log": "ignored\n",
        }
    )
    (fork.path / "parrot/help.py").chmod(0o755)
