"""What upstream renamed or moved is followed, in operations and in the files that a skill brings."""

from __future__ import annotations

import subprocess
import sys

import pytest
from harness import Repo, skills
from harness.forks import BASE, fork_of, skill, upstream

pytest_plugins = ("harness.plugin",)

USES = skill(
    "add-uses",
    'version: 1.0.0\ncore: ">=0.1,<1"\nadds: [parrot/uses.py]',
    """- {ensure: import, in: parrot/commands.py, import: from decimal import Decimal}
- {ensure: element, of: "parrot.commands:COMMANDS", key: '"/x"', value: Decimal}
- {ensure: field, of: "parrot.settings:Settings", field: "x: int = 1"}""",
    **{
        "parrot/uses.py": '"""Uses."""\n\nfrom parrot.commands import (\n    COMMANDS,\n    answer as reply,\n)\n'
        "from parrot import settings\nfrom parrot.settings import Settings\n\n"
        "print(COMMANDS, reply, settings, Settings)\n"
    },
)

_KNOWN = 'COMMANDS = {\n    "/help": show_help,  # always first\n}\n'

CHANGES: dict[str, dict[str, str | None]] = {
    "a variable": {
        "parrot/commands.py": BASE["parrot/commands.py"].replace("COMMANDS", "KNOWN"),
    },
    "a class": {
        "parrot/settings.py": BASE["parrot/settings.py"].replace("class Settings", "class Config"),
    },
    "a function": {
        "parrot/commands.py": BASE["parrot/commands.py"].replace("def answer", "def say"),
        "parrot/channels.py": BASE["parrot/channels.py"].replace("answer", "say"),
    },
    "a module": {
        "parrot/settings.py": None,
        "parrot/config.py": BASE["parrot/settings.py"],
    },
    "a module and then a class in it": {
        "parrot/settings.py": None,
        "parrot/config.py": BASE["parrot/settings.py"],
        "later": "parrot/config.py",
    },
    "to a module of its own": {
        "parrot/settings.py": '"""What an owner can set."""\n',
        "parrot/options.py": BASE["parrot/settings.py"],
    },
    "a variable to a module of its own, and imported from there": {
        "parrot/commands.py": "from parrot.known import COMMANDS\n"
        + BASE["parrot/commands.py"].replace(_KNOWN, ""),
        "parrot/known.py": f"from parrot.help import show_help\n\n{_KNOWN}",
    },
    "to a module of its own, and imported from there": {
        "parrot/settings.py": '"""Settings."""\n\nfrom parrot.options import Settings as Settings\n',
        "parrot/options.py": BASE["parrot/settings.py"],
    },
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_renamed_is_followed(change: str, fork: Repo) -> None:
    up = Repo(fork.path.parent / "up")
    files = dict(CHANGES[change])
    later = files.pop("later", None)
    upstream(up.path)
    up.commit("Rename", files)
    if later:
        up.commit("Again", {later: BASE["parrot/settings.py"].replace("Settings", "Config")})
    here = fork_of(up, fork.path.parent / "here")
    here.commit("A skill", USES)
    applied = skills(here, "apply", "add-uses", "--no-install", "--no-test", "--trust", "--yes")
    assert applied.code == 0, applied.said
    ran = here.path / "parrot/uses.py"
    import_all = f"import sys; sys.path.insert(0, {str(here.path)!r}); import parrot.uses"
    done = subprocess.run([sys.executable, "-c", import_all], capture_output=True, check=False)
    assert done.returncode == 0, ran.read_text() + done.stderr.decode()
    assert b"'/x': <class 'decimal.Decimal'>" in done.stdout
    fields = "from parrot.uses import Settings; assert Settings().x == 1"
    assert (
        subprocess.run([sys.executable, "-c", fields], cwd=here.path, check=False).returncode == 0
    )
    off = skills(here, "uninstall", "add-uses", "--no-install", "--no-test")
    assert off.code == 0, off.said
    assert not ran.exists()


def test_what_was_made_anew_is_not_taken_for_it(fork: Repo) -> None:
    """Another class of another name is no renamed one."""
    text = BASE["parrot/settings.py"].replace("class Settings", "class Config")
    fork.commit("Anew", {"parrot/settings.py": text.replace('name: str = "Parrot"', "x: int = 2")})
    fork.commit("A skill", USES)
    ran = skills(fork, "test", "add-uses", "--no-test", "--core", "HEAD")
    assert ran.code == 4
    assert "does not define Settings" in ran.out
