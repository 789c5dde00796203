"""Conflicts that are not asked for twice, and an assistant that sees nothing but them: on real
forks.
"""

from __future__ import annotations

import json
import shlex
import socket
import sys
import threading
from pathlib import Path

import pytest
from forkkit import Recipe, Workshop, recipes
from harness import Repo, skills, state
from harness.cli import environment

from skills_engine.resolve.recorded import RESOLUTIONS

pytest_plugins = ("forkkit.plugin", "harness.plugin")

BY_NAME: dict[str, Recipe] = {recipe.name: recipe for recipe in recipes()}
MINE = 'COMMANDS = {"/ping": lambda: "ours", "/help": lambda: "Help!"}\n'
REBASE = ("rebase", "--no-test", "--no-install", "--json")


@pytest.fixture
def fork(workshop: Workshop, tmp_path: Path) -> Repo:
    """A fork whose owner and whose upstream changed the same words."""
    return _copy(workshop, tmp_path / "one")


def _copy(workshop: Workshop, folder: Path) -> Repo:
    folder.mkdir()
    return workshop.copy(BY_NAME["conflict"], folder)


def _records(fork: Repo) -> list[Path]:
    return sorted((fork.path / RESOLUTIONS).glob("*.json"))


def _solved(fork: Repo) -> Path:
    assert skills(fork, *REBASE).code == 3
    fork.write({".git/skills/conflict/bot/commands.py": MINE})
    ran = skills(fork, "continue", "--no-test", "--no-install")
    assert ran.code == 0, ran.said
    (record,) = _records(fork)
    return record


def test_what_was_solved_once_is_not_asked_again(
    fork: Repo, workshop: Workshop, tmp_path: Path
) -> None:
    """The record is committed with the operation; another fork that has it goes on, and says why."""
    record = _solved(fork)
    assert str(record.relative_to(fork.path)) in fork.tree()
    other = _copy(workshop, tmp_path / "two")
    name = str(record.relative_to(fork.path))
    other.commit("A resolution", {name: record.read_bytes()})
    before, tree = state(other), other.tree()
    told = skills(other, *REBASE, "--dry-run")
    assert state(other) == before
    assert told.document["result"]["conflicts"] == []
    ran = skills(other, *REBASE)
    assert ran.code == 0, ran.said
    assert other.read("bot/commands.py") == MINE
    assert ["bot/commands.py", "a recorded resolution (you)"] in ran.document["result"]["merged"]
    assert "bot/commands.py: a recorded resolution was used" in ran.document["result"]["notes"]
    undone = skills(other, "undo", "--no-test", "--no-install")
    assert undone.code == 0, undone.said
    assert other.tree() == tree
    assert skills(other, "replay", "--json").code == 0


@pytest.mark.parametrize("spoil", ["ours", "record", "syntax"])
def test_a_resolution_of_other_inputs_is_none(
    fork: Repo, workshop: Workshop, tmp_path: Path, spoil: str
) -> None:
    """Another word on our side, a record that names other inputs, or one that does not pass the
    checks.
    """
    record = _solved(fork)
    other = _copy(workshop, tmp_path / "two")
    found = json.loads(record.read_text())
    if spoil == "ours":
        other.edit("bot/commands.py", '"mine"', '"another"')
    elif spoil == "record":
        found["regions"][0]["ours"] = "0" * 64
    else:
        found["resolved"] = "COMMANDS = {\n"
    other.commit("A resolution", {f"{RESOLUTIONS}/{record.name}": json.dumps(found)})
    before = state(other)
    ran = skills(other, *REBASE)
    assert ran.code == 3, ran.said
    assert state(other) == before


def _stand_in(fork: Repo, folder: Path, answer: str, *, needs: str = "") -> Path:
    """An assistant that says over the network what it can see, and answers every region."""
    log = folder / "seen.json"
    program = f"""\
import json, os, pathlib, socket
here = pathlib.Path.cwd()
seen = {{str(p.relative_to(here)): p.read_text() for p in sorted(here.rglob("*")) if p.is_file()}}
above = pathlib.Path(f"/proc/{{os.getppid()}}")
told = {{
    "files": seen,
    "environment": dict(os.environ),
    "parent": (above / "environ").read_text(),
    "stands": os.readlink(above / "cwd"),
    "fork": pathlib.Path({str(fork.path)!r}).exists(),
    "home": os.listdir(os.environ["HOME"]),
}}
with socket.create_connection(("127.0.0.1", {_listener(log)})) as wire:
    wire.sendall(json.dumps(told).encode())
    wire.shutdown(socket.SHUT_WR)
    wire.recv(1)
for about in here.glob("regions/*/about.json"):
    {answer}
pathlib.Path("bot").mkdir()
pathlib.Path("bot/commands.py").write_text("elsewhere")
"""
    script = folder / "assistant.py"
    script.write_text(program)
    fork.git("config", "skills.assistant", shlex.join([sys.executable, str(script)]))
    if needs:
        fork.git("config", "skills.assistantEnvironment", needs)
    return log


def _listener(log: Path) -> int:
    """A port whose first caller's words are written down."""
    listening = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        with listening, listening.accept()[0] as wire:
            log.write_bytes(b"".join(iter(lambda: wire.recv(65536), b"")))

    threading.Thread(target=listen, daemon=True).start()
    port: int = listening.getsockname()[1]
    return port


ANSWER = """\
ours = about.with_name("ours.txt").read_text()
    about.with_name("resolved.txt").write_text(ours.replace('"mine"', '"both"'))"""


def test_an_assistant_sees_the_regions_and_answers_for_them_alone(
    fork: Repo, tmp_path: Path
) -> None:
    log = _stand_in(fork, tmp_path, ANSWER)
    was = fork.read("bot/commands.py")
    ran = skills(fork, *REBASE)
    assert ran.code == 0, ran.said
    assert ran.document["result"]["merged"][-1] == [
        "bot/commands.py",
        "the assistant's resolution (assistant)",
    ]
    seen = json.loads(log.read_text())
    names = {name.rpartition("/")[2] for name in seen["files"]}
    assert names <= {
        "CONFLICT.md",
        "about.json",
        "base.txt",
        "ours.txt",
        "theirs.txt",
        "add-pager.md",
    }
    assert '"mine"' in seen["files"]["regions/001/ours.txt"]
    assert '"theirs"' in seen["files"]["regions/001/theirs.txt"]
    now = fork.read("bot/commands.py")
    assert '"both"' in now
    changed = {*was.splitlines()} ^ {*now.splitlines()}
    assert all("/ping" in line for line in changed), changed
    assert len(_records(fork)) == 1
    assert json.loads(_records(fork)[0].read_text())["by"] == "assistant"


def test_an_assistant_gets_no_secret_that_it_was_not_given(fork: Repo, tmp_path: Path) -> None:
    """Only what a program needs to run, and what the owner named for it, is in its environment."""
    log = _stand_in(fork, tmp_path, ANSWER, needs="MODEL_KEY")
    ran = skills(
        fork,
        *REBASE,
        env=environment(tmp_path / "home", TELEGRAM_BOT_TOKEN="secret", MODEL_KEY="given"),
    )
    assert ran.code == 0, ran.said
    seen = json.loads(log.read_text())
    assert seen["environment"]["MODEL_KEY"] == "given"
    assert "TELEGRAM_BOT_TOKEN" not in seen["environment"]
    assert "secret" not in seen["parent"]
    assert not seen["stands"].startswith(str(fork.path))
    assert not seen["fork"], "the checkout is not in its room"
    assert seen["home"] == []


def test_without_a_room_an_assistant_is_asked_if_its_owner_said_so(
    fork: Repo, tmp_path: Path, no_rooms: str
) -> None:
    log = _stand_in(fork, tmp_path, ANSWER)
    alone = environment(tmp_path / "home", PATH=no_rooms)
    ran = skills(fork, *REBASE, env=alone)
    assert ran.code == 3
    assert not log.exists()
    assert skills(fork, "abort").code == 0
    fork.git("config", "skills.assistantUnconfined", "true")
    ran = skills(fork, *REBASE, env=alone)
    assert ran.code == 0, ran.said
    assert log.exists()


@pytest.mark.parametrize(
    "answer",
    [
        "pass",
        """about.with_name("resolved.txt").write_text('    "/ping": lambda: (')""",
        "raise SystemExit(3)",
    ],
)
def test_an_assistant_that_fails_leaves_the_conflict_to_the_owner(
    fork: Repo, tmp_path: Path, answer: str
) -> None:
    """No answer, one that does not compile, or a crash: stopped as without it, and nothing is
    changed.
    """
    _stand_in(fork, tmp_path, answer)
    before = state(fork)
    ran = skills(fork, *REBASE)
    assert ran.code == 3, ran.said
    assert state(fork) == before
    assert skills(fork, "abort").code == 0


def test_a_dry_run_asks_nobody(fork: Repo, tmp_path: Path) -> None:
    log = _stand_in(fork, tmp_path, ANSWER)
    assert skills(fork, *REBASE, "--dry-run").document["result"]["conflicts"] != []
    assert not log.exists()


SKILL = """\
---
name: say-more
description: Answers a ping at length. Use when somebody likes long answers.
---
# Say more

```yaml manifest
version: 1.0.0
core: ">=0"
```

## The answer

It is longer than it was.

```yaml codemod
- ensure: replace
  in: bot/commands.py
  pattern: '"pong"'
  with: '"a long pong"'
```
"""


def test_a_skill_that_conflicts_is_solved_once_each_way(workshop: Workshop, tmp_path: Path) -> None:
    """Coming and going are two conflicts. Afterwards only their records are left, and neither is
    asked for again.
    """
    fork = workshop.copy(BY_NAME["untouched"], tmp_path)
    fork.edit("bot/commands.py", '"pong"', '"mine"')
    fork.commit("Mine", {".claude/skills/say-more/SKILL.md": SKILL})
    before, mine = fork.tree(), fork.read("bot/commands.py")
    quick = ("--no-test", "--no-install", "--json")
    for verb, wanted in (("apply", mine.replace('"mine"', '"my long pong"')), ("uninstall", mine)):
        trust = ("--trust", "--yes") if verb == "apply" else ()
        assert skills(fork, verb, "say-more", *trust, *quick).code == 3
        fork.write({".git/skills/conflict/bot/commands.py": wanted})
        ran = skills(fork, "continue", *quick)
        assert ran.code == 0, ran.said
    after = fork.tree()
    assert {
        path for path in before.keys() ^ after.keys() if not path.startswith(RESOLUTIONS)
    } == set()
    assert {path: after[path] for path in before} == before
    assert len(_records(fork)) == 2
    assert skills(fork, "apply", "say-more", "--trust", "--yes", *quick).code == 0
    assert '"my long pong"' in fork.read("bot/commands.py")
    assert skills(fork, "uninstall", "say-more", *quick).code == 0
    assert fork.tree() == after
