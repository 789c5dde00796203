"""Publication against whoever else is at work in the fork, and recovery from what an engine left
behind.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from harness import Repo, environment, live_in, skills, state
from harness.cli import QUICK
from killpoints.points import run_skills, warm_up
from killpoints.tracer import Step, trace, why_not

from skills_engine.errors import Locked, Refused, SkillsError, Stale
from skills_engine.git import Git, Repository
from skills_engine.merge import LineMerge, Merged
from skills_engine.transaction import publish as room
from skills_engine.transaction.journal import Journal, read_journal, write_journal
from skills_engine.transaction.lock import exclusive, killed_since
from skills_engine.transaction.publish import Commit, publish
from skills_engine.transaction.recover import recover
from skills_engine.tree import Tree

pytest_plugins = ("harness.plugin",)


def no_lines(base: bytes, ours: bytes, theirs: bytes) -> Merged:
    raise AssertionError("nothing here must be merged by lines")


LINES: LineMerge = no_lines


def change(fork: Repo, files: dict[str, bytes | None]) -> tuple[Git, Commit]:
    """A commit on HEAD that writes and removes files."""
    git = Git(fork.path)
    head = git.head()
    tree = Tree(git.objects, git.tree_of(head))
    for path, data in files.items():
        if data is None:
            tree.remove(path)
        else:
            tree.write(path, data)
    return git, Commit("test", head, git.tree_of(head), tree.oid(), (head,), "A test\n")


MANY: dict[str, bytes | None] = {
    "parrot/help.py": b"HELP = 1\n",
    "parrot/settings.py": None,
    "new/deep/er.py": b"NEW = 1\n",
    "README.md": b"new\n",
}


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], *, before: str) -> None:
    """Let somebody act at a moment of a publication: just before a step of it."""
    step = getattr(room, before)

    def wrapped(*args: object, **options: object) -> object:
        monkeypatch.setattr(room, before, step)
        act()
        return step(*args, **options)

    monkeypatch.setattr(room, before, wrapped)


def test_a_publication_is_what_git_would_make_of_it(fork: Repo) -> None:
    git, commit = change(fork, MANY)
    published = publish(git, commit, lines=LINES)
    git.objects.close()
    assert fork.head == published
    assert fork.git("status", "--porcelain") == ""
    assert not (fork.path / "parrot/settings.py").exists()
    assert fork.read("new/deep/er.py") == "NEW = 1\n"
    assert fork.git("log", "-1", "--format=%s") == "A test"
    assert fork.git("reflog", "-1", "--format=%gs") == "A test"
    backup = fork.git("for-each-ref", "--format=%(objectname)", "refs/skills/backup").splitlines()[
        -1
    ]
    assert backup == fork.git("rev-parse", "HEAD^")


STALE: dict[str, Callable[[Repo], object]] = {
    "stages": lambda fork: fork.git("add", "staged.py"),
    "commits": lambda fork: fork.git("commit", "--quiet", "--allow-empty", "-m", "mine"),
    "switches": lambda fork: fork.git("checkout", "--quiet", "-b", "other"),
    "moves the branch": lambda fork: fork.git("update-ref", "refs/heads/main", "HEAD^"),
}


@pytest.mark.parametrize("who", STALE)
@pytest.mark.parametrize("step", ["stage", "write_journal"])
def test_somebody_uses_git_meanwhile(
    fork: Repo, monkeypatch: pytest.MonkeyPatch, who: str, step: str
) -> None:
    """Their work counts, not ours: nothing is published, and nothing of theirs is lost."""
    fork.commit("Mine", {"mine.py": "x = 1\n"})
    fork.write({"staged.py": "x = 1\n"})
    twin = Repo(fork.path.parent / "twin")
    subprocess.run(["cp", "-a", str(fork.path), str(twin.path)], check=True)
    STALE[who](twin)
    git, commit = change(fork, MANY)
    meanwhile(monkeypatch, lambda: STALE[who](fork), before=step)
    with pytest.raises(Stale):
        publish(git, commit, lines=LINES)
    git.objects.close()
    assert state(fork) == state(twin), state(fork).differences(state(twin))
    assert skills(fork, "doctor").code == 0


@pytest.mark.parametrize(
    "path", ["parrot/help.py", "parrot/settings.py", "README.md", "new/deep/er.py"]
)
def test_somebody_edits_a_file_meanwhile(
    fork: Repo, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Also after the commit point: the branch goes back, and their file stays."""
    fork.git("commit", "--quiet", "--allow-empty", "--amend", "--no-edit")
    git, commit = change(fork, MANY)
    before = state(fork)
    meanwhile(monkeypatch, lambda: fork.write({path: "mine\n"}), before="place_files")
    with pytest.raises(Stale, match=f"{path} was changed while"):
        publish(git, commit, lines=LINES)
    git.objects.close()
    after = state(fork)
    assert (after.head, after.refs, after.index) == (before.head, before.refs, before.index)
    assert after.files[path][1] == b"mine\n"
    ours = {
        name: what
        for name, what in after.files.items()
        if name.rstrip("/") not in {path, "new", "new/deep"}
    }
    assert ours == {name: what for name, what in before.files.items() if name != path}


def test_an_owner_who_comes_after_the_crash_is_kept(
    fork: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    git, commit = change(fork, MANY)

    def die() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "take_back", lambda *_: None)
    meanwhile(monkeypatch, die, before="_place_index")
    with pytest.raises(KeyboardInterrupt):
        publish(git, commit, lines=LINES)
    fork.write({"README.md": "mine, after the crash\n"})
    recovered = recover(git)
    git.objects.close()
    assert recovered is not None
    assert recovered.outcome == "completed"
    assert fork.read("README.md") == "mine, after the crash\n"
    assert (
        fork.git("status", "--porcelain") == "M README.md"
        or fork.git("status", "--porcelain") == " M README.md"
    )


def test_a_git_that_outlives_the_engine_comes_too_late(
    fork: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine dies once `git update-ref` runs; the doctor is faster than git: then git must not
    succeed.
    """
    git, commit = change(fork, MANY)
    late: list[tuple[list[str], str]] = []

    def die(commands: list[str], *, message: str) -> None:
        late.append((list(commands), message))
        raise KeyboardInterrupt

    real = git.update_refs
    monkeypatch.setattr(git, "update_refs", die)
    monkeypatch.setattr(room, "roll_back", lambda *_: None)
    before = state(fork)
    with pytest.raises(KeyboardInterrupt):
        publish(git, commit, lines=LINES)
    assert read_journal(git) is not None
    monkeypatch.undo()
    doctor = skills(fork, "doctor", "--json")
    assert doctor.document["result"]["recovered"]["outcome"] == "undone"
    commands, message = late[0]
    with pytest.raises(SkillsError, match="update-ref failed"):
        real(commands, message=message)
    git.objects.close()
    assert state(fork) == before


def test_the_lock_says_who_holds_it_and_remembers_who_was_killed(fork: Repo) -> None:
    repository = Git(fork.path).repository
    with exclusive(repository, "apply"):
        with (
            pytest.raises(Locked, match=rf"\(skills apply, process {os.getpid()}\)"),
            exclusive(repository, "undo"),
        ):
            raise AssertionError("two hold the lock")
        assert killed_since(repository) is None
    assert not (repository.state / "lock-holder.json").exists()
    (repository.state / "lock-holder.json").write_text("")
    with exclusive(repository, "apply"):
        assert killed_since(repository) is not None
    lock = repository.common_dir / "refs/heads/main.lock"
    lock.touch()
    assert skills(fork, "doctor").code == 0
    assert not lock.exists()
    assert killed_since(repository) is None


def test_a_lock_that_was_there_before_is_not_the_engines(fork: Repo) -> None:
    repository = Git(fork.path).repository
    lock = repository.common_dir / "packed-refs.lock"
    lock.touch()
    os.utime(lock, (1, 1))
    with exclusive(repository, "apply"):
        pass
    (repository.state / "lock-holder.json").write_text("")
    assert skills(fork, "doctor").code == 0
    assert lock.exists()


def test_a_journal_that_is_no_journal_is_not_guessed_at(fork: Repo) -> None:
    folder = fork.git_dir / "skills"
    folder.mkdir(exist_ok=True)
    (folder / "journal.json").write_text("{")
    ran = skills(fork, "doctor")
    assert ran.code == 1
    assert "journal.json cannot be read" in ran.err
    assert "→" in ran.err
    assert (folder / "journal.json").exists()


def test_a_journal_is_read_as_it_was_written(fork: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    git, commit = change(fork, MANY)
    meanwhile(monkeypatch, lambda: seen.append(read_journal(git)), before="place_files")
    seen: list[object] = []
    written: list[object] = []

    def keep(repository: Repository, journal: Journal) -> None:
        written.append(journal)
        write_journal(repository, journal)

    monkeypatch.setattr(room, "write_journal", keep)
    publish(git, commit, lines=LINES)
    git.objects.close()
    assert seen == written
    assert json.dumps(asdict(written[0]))  # type: ignore[call-overload]


# --- killed while it takes back, and between two file systems


def _kill_after_the_branch_moved(fork: Repo, every: int, check: Callable[[Repo], None]) -> int:
    """Kill `apply` at each `every`-th step after the commit point, on a copy each time; how many
    points.
    """
    warm_up()
    arguments = ("apply", *QUICK, "add-loud", "add-clock")
    env = environment(fork.path.parent / "home", PYTHONDONTWRITEBYTECODE="1")

    def copy() -> Repo:
        subprocess.run(["rm", "-rf", str(fork.path.parent / "copy")], check=True)
        subprocess.run(["cp", "-a", str(fork.path), str(fork.path.parent / "copy")], check=True)
        repo = Repo(fork.path.parent / "copy")
        repo.git("update-index", "-q", "--refresh", ok=(0, 1))
        return repo

    def kill(at: int | None) -> tuple[Repo, list[Step]]:
        repo = copy()
        stuck = repo.path / "parrot/settings.py"
        subprocess.run(["chattr", "+i", str(stuck)], check=True)
        try:
            traced = trace(
                lambda: run_skills(repo.path, arguments, env, None), repo.path, kill_before=at
            )
        finally:
            subprocess.run(["chattr", "-i", str(stuck)], check=True)
        return repo, traced.steps

    steps = kill(None)[1]
    first = next(
        n
        for n, step in enumerate(steps)
        if step.what == ".git/refs/heads/main" and step.call == "rename"
    )
    points = range(first, len(steps), every)
    for at in points:
        check(kill(at)[0])
    return len(points)


def test_killed_while_it_takes_back(fork: Repo) -> None:
    """A file that cannot be replaced, and a kill on top: before, or complete once the obstacle is
    gone.
    """
    if why := why_not():
        pytest.skip(why)
    probe = fork.path / "parrot/help.py"
    if subprocess.run(["chattr", "+i", str(probe)], capture_output=True, check=False).returncode:
        pytest.skip("this file system has no immutable files, or this user may not make them")
    subprocess.run(["chattr", "-i", str(probe)], check=True)
    live_in(fork)
    before = state(fork)
    complete = Repo(fork.path.parent / "complete")
    subprocess.run(["cp", "-a", str(fork.path), str(complete.path)], check=True)
    assert skills(complete, "apply", *QUICK, "add-loud", "add-clock").code == 0
    after = state(complete)

    def check(repo: Repo) -> None:
        doctor = skills(repo, "doctor")
        assert doctor.code == 0, doctor.said
        assert state(repo) in (before, after), (
            state(repo).differences(before),
            state(repo).differences(after),
        )

    assert _kill_after_the_branch_moved(fork, 6, check) > 10


def test_an_error_after_the_commit_point_is_told_with_its_file(
    fork: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    git, commit = change(fork, MANY)
    before = state(fork)

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error", "parrot/help.py")

    monkeypatch.setattr(room, "_place_index", fail)
    with pytest.raises(Refused, match=r"nothing was changed: Input/output error: parrot/help\.py"):
        publish(git, commit, lines=LINES)
    git.objects.close()
    assert state(fork) == before, state(fork).differences(before)
    assert [path for path in Path(fork.path / ".git/skills/staging").iterdir()] == []


@pytest.mark.parametrize("where", ["_sync_refs", "_wait_no_more"])
def test_a_disk_that_fails_beyond_the_commit_point_undoes_all_of_it(
    fork: Repo, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The branch too, once it has moved, and the index, once it is in its place."""
    fork.write({"staged.py": "x = 1\n"})
    fork.git("add", "staged.py")
    git, commit = change(fork, MANY)
    before = state(fork)

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(room, where, fail)
    with pytest.raises(Refused, match="nothing was changed: Input/output error"):
        publish(git, commit, lines=LINES)
    git.objects.close()
    assert state(fork) == before, state(fork).differences(before)
    assert skills(fork, "doctor").code == 0
