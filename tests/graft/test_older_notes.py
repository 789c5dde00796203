"""What the engine keeps in the git directory outlives its version: each file as older ones wrote it
is read, and what cannot be read stands in nobody's way.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Repo, environment, skills, state
from harness.cli import QUICK
from harness.forks import advance, fork_of, upstream
from killpoints.scenarios import SCENARIOS

from skills_engine.git import Git
from skills_engine.graft.trust import is_accepted
from skills_engine.resolve.pending import Unreadable, load
from skills_engine.sandbox import unconfined

pytest_plugins = ("harness.plugin",)

_PREPARED = {scenario.name: scenario.prepare for scenario in SCENARIOS}
CUT = """
import os, runpy, sys
import skills_engine.transaction.{module} as module
module.{function} = lambda *a, **b: os._exit(9)
sys.argv = ["skills", {command!r}, *{options!r}]
runpy.run_module("skills_engine", run_name="__main__")
"""


def note(fork: Repo) -> Path:
    return fork.git_dir / "skills/pending.json"


def as_the_first_version_wrote_it(found: dict[str, Any]) -> dict[str, Any]:
    """A note of an operation that waits, without a number, its conflicts known by path alone."""
    told = found["conflicts"]
    refused = found["refused"]
    return {
        **{key: found[key] for key in ("intent", "head", "merged")},
        "paths": [] if refused else [each["path"] for each in told],
        "reason": told[0]["places"][0]["reason"],
        "refused": refused[0] if refused else None,
    }


def rewrite(fork: Repo, change: Callable[[dict[str, Any]], object]) -> None:
    note(fork).write_text(json.dumps(change(json.loads(note(fork).read_text()))))


def run(fork: Repo, *words: str) -> Any:
    return skills(fork, *words, env=environment(fork.path.parent / "home"))


def refused(path: Path) -> Repo:
    """A rebase that waits, for a skill finds no place in the new core."""
    source = upstream(path / "upstream")
    fork = fork_of(source, path / "fork", "add-loud", "add-clock")
    advance(source)
    source.git("rm", "-q", "parrot/commands.py")
    source.commit("No commands")
    assert run(fork, "rebase", *QUICK).code == 3
    assert json.loads(note(fork).read_text())["refused"]
    return fork


def test_a_waiting_operation_of_the_first_version_is_continued(tmp_path: Path) -> None:
    fork = _PREPARED["continue"](tmp_path)
    rewrite(fork, as_the_first_version_wrote_it)
    assert "waits" in run(fork, "doctor").out
    assert "parrot/help.py" in run(fork, "status").out
    ran = run(fork, "continue", *QUICK)
    assert ran.code == 0, ran.said
    assert "Say it once." in fork.read("parrot/help.py")
    assert not note(fork).exists()


def test_a_waiting_operation_of_the_first_version_is_given_up(tmp_path: Path) -> None:
    fork = _PREPARED["conflict"](tmp_path)
    before = state(fork)
    assert run(fork, "rebase", *QUICK).code == 3
    rewrite(fork, as_the_first_version_wrote_it)
    ran = run(fork, "continue", *QUICK)
    assert (ran.code, "still has conflict markers" in ran.err) == (3, True)
    assert run(fork, "abort").code == 0
    assert state(fork) == before


def test_a_skill_that_stopped_the_first_version_is_left_out(tmp_path: Path) -> None:
    fork = refused(tmp_path)
    rewrite(fork, as_the_first_version_wrote_it)
    ran = run(fork, "skip", *QUICK)
    assert ran.code == 0, ran.said
    assert not note(fork).exists()


def test_a_note_that_cannot_be_read_is_set_aside_by_abort(tmp_path: Path) -> None:
    fork = _PREPARED["continue"](tmp_path)
    before = state(fork)
    for text in ("", "{", "null", "[]", '{"schema": 2, "x": 1}', "[" * 100_000, '{"schema": 99}'):
        note(fork).write_text(text)
        with pytest.raises(Unreadable, match="cannot be read") as why:
            load(Git(fork.path).repository)
        assert "skills abort" in why.value.hint
    for verb in ("continue", "doctor", "status"):
        ran = run(fork, verb)
        assert (ran.code, "skills abort" in ran.said) == (1, True), ran.said
    ran = run(fork, "abort", "--json")
    assert ran.code == 0, ran.said
    aside = Path(ran.document["result"]["aside"])
    assert (aside / "pending.json").read_text() == text
    assert "Say it once." in (aside / "conflict/parrot/help.py").read_text()
    assert state(fork) == before
    assert run(fork, "rebase", *QUICK).code == 3, "it can be begun again"


def test_a_publication_of_the_first_version_that_was_cut_short_is_finished(fork: Repo) -> None:
    cut(fork, "publish", "place_files", "apply", *QUICK, "add-dice")
    journal = fork.git_dir / "skills/journal.json"
    found = json.loads(journal.read_text())
    found |= {"root": str(fork.path), "git_dir": str(fork.git_dir)}
    found["staging"] = str(fork.git_dir / "skills" / found["staging"])
    journal.write_text(json.dumps(found))
    ran = run(fork, "doctor", "--json")
    assert ran.code == 0, ran.said
    assert ran.document["result"]["recovered"]["outcome"] == "completed"
    assert (fork.path / "parrot/dice.py").exists()


def test_trust_that_the_first_version_kept_holds_where_there_is_a_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = f"sha256:{'0' * 64}"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "graftbot").mkdir()
    (tmp_path / "graftbot/trusted-digests").write_text(f"{digest}\n")
    assert is_accepted(digest) is not bool(unconfined())
    assert not is_accepted(digest.replace("0", "1"))


# --- published, and then killed before what waited was forgotten


def cut(fork: Repo, module: str, function: str, command: str, *options: str) -> None:
    """A verb that is killed where it would call a function of the transaction."""
    code = CUT.format(module=module, function=function, command=command, options=options)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=fork.path,
        env=environment(fork.path.parent / "home"),
        check=False,
    )
    assert done.returncode == 9


@pytest.mark.parametrize("where", ["_wait_no_more", "remove_journal"])
def test_what_was_published_is_not_taken_for_what_waits(tmp_path: Path, where: str) -> None:
    fork = _PREPARED["continue"](tmp_path)
    cut(fork, "publish", where, "continue", *QUICK)
    ran = run(fork, "continue", *QUICK)
    assert (ran.code, "run: skills doctor" in ran.err) == (1, True)
    ran = run(fork, "doctor", "--json")
    assert ran.code == 0, ran.said
    assert ran.document["result"]["recovered"]["outcome"] == "completed"
    assert "Say it once." in fork.read("parrot/help.py")
    assert not note(fork).exists()
    assert not (fork.git_dir / "skills/conflict").exists()


def test_killed_right_after_the_publication_nothing_waits(tmp_path: Path) -> None:
    """Before its worktree is removed: doctor is content, and so is the next verb without it."""
    fork = _PREPARED["continue"](tmp_path)
    code = CUT.format(module="scratch", function="x", command="continue", options=QUICK)
    code = code.replace("skills_engine.transaction.scratch", "skills_engine.verbs.running")
    code = code.replace("module.x", "module.drop")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=fork.path,
        env=environment(tmp_path / "home"),
        check=False,
    )
    assert done.returncode == 9
    ran = run(fork, "continue", *QUICK)
    assert (ran.code, "nothing to continue" in ran.err) == (1, True)
    assert run(fork, "uninstall", *QUICK, "add-clock").code == 0
    assert run(fork, "doctor").code == 0
    assert not (fork.git_dir / "skills/conflict").exists()


def test_a_skip_that_fails_or_is_killed_leaves_what_waits(tmp_path: Path) -> None:
    fork = refused(tmp_path)
    before, waits = state(fork), note(fork).read_text()
    (fork.git_dir / "index.lock").touch()
    assert run(fork, "skip", *QUICK).code == 1
    (fork.git_dir / "index.lock").unlink()
    assert state(fork) == before
    assert note(fork).read_text() == waits
    cut(fork, "publish", "write_journal", "skip", *QUICK)
    assert "waits" in run(fork, "doctor").out
    assert state(fork) == before
    assert note(fork).read_text() == waits
