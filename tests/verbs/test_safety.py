"""Where a command is run, and in what state git is: each has one outcome, and nothing is lost."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from harness import Repo, environment, fork_of, skills, state, upstream
from harness.cli import QUICK
from harness.verdicts import applied, refused

from skills_engine.errors import Refused
from skills_engine.git import Git

pytest_plugins = ("harness.plugin",)


# --- the place


@pytest.mark.parametrize("name", ["sp ace", "q\"'$(x)", "ü\x0c", "a\nb", "\udcff"])
def test_a_fork_may_stand_in_a_folder_of_any_name_or_is_told_so(tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    place.mkdir()
    source = upstream(place / "upstream")
    source.git("clone", "--quiet", "--origin", "upstream", ".", "../fork")
    fork = Repo(place / "fork").known()
    fork.git("remote", "set-url", "upstream", str(source.path))
    began = skills(fork, "init", "-q", env=environment(tmp_path / "home"))
    if name in {"a\nb", "\udcff"}:
        assert began.code == 1
        assert "line feed" in began.err or "is not UTF-8" in began.err
        assert fork.git("status", "--porcelain") == ""
        return
    assert began.code == 0, began.said
    applied(fork, "add-dice")


@pytest.mark.parametrize("branch", ["ü/x", "b\udcff", "@a"])
def test_a_branch_may_have_any_name(fork: Repo, branch: str) -> None:
    fork.git("checkout", "--quiet", "-b", branch)
    applied(fork, "add-dice")
    assert skills(fork, "undo", *QUICK).code == 0


def test_not_a_repository(tmp_path: Path) -> None:
    ran = skills(
        tmp_path,
        "status",
        env=environment(tmp_path / "home", GIT_CEILING_DIRECTORIES=str(tmp_path.parent)),
    )
    assert (ran.code, ran.out) == (1, "")
    assert (
        f"{tmp_path} is not inside a git repository\n  → run it in your fork, or name it with -C DIR; a downloaded copy"
        in ran.err
    )


def test_no_such_directory(tmp_path: Path) -> None:
    ran = skills(tmp_path, "-C", "nowhere", "status")
    assert ran.code == 1
    assert "nowhere is not a directory" in ran.err


def test_a_bare_repository(tmp_path: Path) -> None:
    upstream(tmp_path / "upstream").git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    ran = skills(tmp_path / "bare", "apply", "add-dice")
    assert ran.code == 1
    assert "is a bare repository\n  → run skills in a clone with a working tree" in ran.err


def test_no_commit_yet(tmp_path: Path) -> None:
    repo = Repo.init(tmp_path / "new")
    refused(repo, "init", "--upstream", str(tmp_path), says="the repository has no commit yet")


def test_inside_the_git_directory(fork: Repo) -> None:
    ran = skills(fork.path / ".git", "status")
    assert ran.code == 1
    assert "Traceback" not in ran.err


def test_a_subdirectory_will_do(fork: Repo) -> None:
    ran = skills(fork.path / "parrot", "apply", *QUICK, "add-dice")
    assert ran.code == 0, ran.said
    assert (fork.path / "parrot/dice.py").exists()


def test_a_detached_head_moves_and_no_branch_does(fork: Repo) -> None:
    fork.git("checkout", "--quiet", "--detach")
    main = fork.git("rev-parse", "main")
    applied(fork, "add-dice")
    assert fork.git("rev-parse", "main") == main
    assert fork.git("rev-parse", "HEAD^") == main
    assert fork.git("symbolic-ref", "-q", "HEAD", ok=(1,)) == ""


def test_a_linked_worktree_is_a_fork_too(fork: Repo, tmp_path: Path) -> None:
    fork.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
    before = state(fork)
    linked = Repo(tmp_path / "linked")
    applied(linked, "add-dice")
    assert linked.git("status", "--porcelain") == ""
    after = state(fork)
    assert (after.head, after.index, after.files) == (before.head, before.index, before.files)
    assert skills(linked, "undo", *QUICK).code == 0
    assert not (linked.path / "parrot/dice.py").exists()


def test_a_shallow_clone_works_and_doctor_names_it(prepared: Path, tmp_path: Path) -> None:
    source = f"file://{prepared / 'fork'}"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth", "1", source, str(tmp_path / "fork")], check=True
    )
    shallow = Repo(tmp_path / "fork").known()
    ran = skills(shallow, "doctor")
    assert ran.code == 1
    assert "git fetch --unshallow" in ran.out
    refused(shallow, "apply", *QUICK, "add-dice", says="fetch")
    shallow.git("fetch", "--quiet", "--unshallow")
    shallow.git("remote", "add", "upstream", str(prepared / "upstream"))
    applied(shallow, "add-dice")


# --- git


def test_no_identity(fork: Repo) -> None:
    fork.git("config", "--unset", "user.name")
    fork.git("config", "--unset", "user.email")
    fork.git("config", "user.useConfigOnly", "true")
    ran = refused(fork, "apply", *QUICK, "add-dice", says="git does not know who you are")
    assert "git config user.email you@example.org" in ran.err


@pytest.mark.parametrize("folder", [".git", ".git/worktrees/linked"])
def test_an_index_lock(fork: Repo, tmp_path: Path, folder: str) -> None:
    fork.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
    lock = fork.path / folder / "index.lock"
    lock.touch()
    where = fork if folder == ".git" else Repo(tmp_path / "linked")
    ran = skills(where, "apply", *QUICK, "add-dice")
    assert ran.code == 1
    assert f"{lock} exists: another git process is at work, or one was killed" in ran.err
    assert lock.read_bytes() == b""
    assert where.git("status", "--porcelain") == ""
    lock.unlink()
    applied(where, "add-dice")


def test_a_branchs_lock_is_named_with_what_to_do(fork: Repo) -> None:
    lock = fork.path / ".git/refs/heads/main.lock"
    lock.touch()
    ran = refused(fork, "apply", *QUICK, "add-dice", says=f"Unable to create '{lock}'")
    assert "→ wait for that git process, or remove the file if none is running" in ran.err
    lock.unlink()
    applied(fork, "add-dice")


def test_a_hook_that_refuses_the_branch_is_named(fork: Repo) -> None:
    hook = fork.path / ".git/hooks/reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    ran = refused(fork, "apply", *QUICK, "add-dice", says="ref updates aborted by hook")
    assert "your hook reference-transaction refuses it" in ran.err


def test_a_merge_in_progress(fork: Repo) -> None:
    fork.git("checkout", "--quiet", "-b", "side")
    fork.commit("side", {"side.txt": "x\n"})
    fork.git("checkout", "--quiet", "main")
    fork.commit("main", {"main.txt": "x\n"})
    fork.git("merge", "--quiet", "--no-commit", "side")
    ran = refused(fork, "apply", *QUICK, "add-dice", says="a merge is in progress")
    assert "→ run: git merge --continue, or git merge --abort" in ran.err


def test_an_unresolved_conflict(fork: Repo) -> None:
    fork.git("checkout", "--quiet", "-b", "side")
    fork.commit("side", {"parrot/help.py": "SIDE = 1\n"})
    fork.git("checkout", "--quiet", "main")
    fork.commit("main", {"parrot/help.py": "MAIN = 1\n"})
    fork.git("stash", "list")
    fork.git("merge", "--quiet", "side", ok=(1,))
    (fork.git_dir / "MERGE_HEAD").unlink()
    refused(fork, "apply", *QUICK, "add-dice", says="parrot/help.py has an unresolved conflict")


def test_settings_of_gits_that_change_what_it_prints(fork: Repo) -> None:
    for key, value in {
        "user.name": "Øyvind",
        "trailer.separators": "=",
        "log.showSignature": "true",
        "i18n.commitEncoding": "latin1",
        "i18n.logOutputEncoding": "latin1",
        "color.ui": "always",
        "format.pretty": "oneline",
        "diff.noprefix": "true",
        "core.abbrev": "4",
    }.items():
        fork.git("config", key, value)
    before = fork.git("rev-parse", "HEAD^{tree}")
    applied(fork, "add-dice")
    after = fork.git("rev-parse", "HEAD^{tree}")
    assert skills(fork, "undo", *QUICK).code == 0
    assert fork.git("rev-parse", "HEAD^{tree}") == before
    assert skills(fork, "redo", *QUICK).code == 0
    assert fork.git("rev-parse", "HEAD^{tree}") == after
    log = skills(fork, "op", "log", "--json").document["result"]
    assert [(each["verb"], each["who"], each["state"]) for each in log[:2]] == [
        ("redo", "Øyvind", "done"),
        ("undo", "Øyvind", "superseded"),
    ]
    assert log[2]["skills"] == [["add-dice", "1.0.0"]]


def test_gc_between_operations(fork: Repo) -> None:
    applied(fork, "add-loud")
    fork.git("reflog", "expire", "--expire=now", "--all")
    fork.git("gc", "--quiet", "--prune=now")
    assert skills(fork, "replay").code == 0
    applied(fork, "add-clock")
    fork.git("gc", "--quiet", "--prune=now")
    ran = skills(fork, "uninstall", *QUICK, "add-clock", "add-loud", "add-dice")
    assert ran.code == 0, ran.said
    assert fork.git("diff", "--stat", "HEAD~2") == fork.git("diff", "--stat", "HEAD~2", "HEAD")


def test_hooks_of_the_owner(fork: Repo) -> None:
    """A hook that rejects commits is for commits made by hand; one that guards refs is asked, and
    obeyed.
    """
    hooks = fork.git_dir / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-commit", "commit-msg", "post-checkout", "post-index-change"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    applied(fork, "add-dice")
    (hooks / "reference-transaction").write_text('#!/bin/sh\n[ "$1" != prepared ] || exit 1\n')
    (hooks / "reference-transaction").chmod(0o755)
    before = state(fork)
    ran = skills(fork, "apply", *QUICK, "add-clock")
    assert ran.code == 1, ran.said
    assert "update-ref" in ran.err
    assert state(fork) == before


def test_a_submodule_stays_as_it_is(fork: Repo, tmp_path: Path) -> None:
    other = Repo.init(tmp_path / "other")
    other.commit("one", {"lib.py": "X = 1\n"})
    fork.git(
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(other.path),
        "parrot/vendored",
    )
    fork.git("commit", "--quiet", "-m", "Vendor")
    fork.write({"parrot/vendored/lib.py": "X = 2\n", "parrot/vendored/new.py": "Y = 1\n"})
    before = state(fork)
    applied(fork, "add-clock")
    after = state(fork)
    assert "parrot/clock/face.py" in after.files
    inside = {
        path: what for path, what in before.files.items() if path.startswith("parrot/vendored")
    }
    assert inside == {
        path: what for path, what in after.files.items() if path.startswith("parrot/vendored")
    }
    assert fork.git("ls-files", "-s", "parrot/vendored").startswith("160000")


@pytest.mark.parametrize("fetched", [False, True], ids=["not-fetched", "fetched"])
def test_upstreams_submodules_move_come_and_go(tmp_path: Path, fetched: bool) -> None:
    """As `git merge` has it: their commits are the index's affair, what is inside is the owner's."""
    other = Repo.init(tmp_path / "other")
    first, second = (other.commit(f"X = {n}", {"lib.py": f"X = {n}\n"}) for n in (1, 2))
    core = upstream(tmp_path / "upstream")
    for path in ("vendor/moves", "vendor/goes"):
        core.git(
            "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), path
        )
        core.git("-C", path, "checkout", "--quiet", first)
    core.write({"inlined/lib.py": "X = 0\n"})
    core.git("add", "--all")
    core.git("commit", "--quiet", "-m", "Vendor")
    fork = fork_of(core, tmp_path / "fork", "add-dice")
    if fetched:
        fork.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init")
        fork.write({"vendor/moves/mine.py": "Y = 1\n", "vendor/goes/mine.py": "Y = 1\n"})
    core.git("-C", "vendor/moves", "checkout", "--quiet", second)
    core.git("rm", "--quiet", "--force", "vendor/goes")
    core.git("rm", "--quiet", "-r", "inlined")
    for path in ("comes", "inlined"):
        core.git(
            "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), path
        )
    core.git("add", "--all")
    core.git("commit", "--quiet", "-m", "Vendor otherwise")
    before = state(fork)
    ran = skills(fork, "rebase", *QUICK)
    assert ran.code == 0, ran.said
    linked = {
        path: line.split()[1]
        for line in fork.git("ls-files", "-s").splitlines()
        if line.startswith("160000")
        for path in [line.split("\t")[1]]
    }
    assert linked == {"comes": second, "inlined": second, "vendor/moves": second}
    assert [path for path in ("comes", "inlined") if [*(fork.path / path).iterdir()]] == []
    status = fork.git("status", "--porcelain", "--ignore-submodules=untracked").splitlines()
    assert status == (
        [" M vendor/moves", "?? vendor/goes/"] if fetched else []
    )  # as after `git merge`
    assert {
        path: what for path, what in before.files.items() if "/mine.py" in path
    }.items() <= state(fork).files.items()
    ran = skills(fork, "undo", *QUICK)
    assert ran.code == 0, ran.said
    assert state(fork).index == before.index
    assert fork.read("inlined/lib.py") == "X = 0\n"


def test_a_file_is_in_the_way_of_a_submodule(tmp_path: Path) -> None:
    other = Repo.init(tmp_path / "other")
    other.commit("one", {"lib.py": "X = 1\n"})
    core = upstream(tmp_path / "upstream")
    fork = fork_of(core, tmp_path / "fork")
    core.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), "comes"
    )
    core.git("commit", "--quiet", "-m", "Vendor")
    fork.git("fetch", "--quiet", "--all")
    fork.write({"comes": "a file of mine\n"})
    refused(
        fork, "rebase", *QUICK, says="comes is in the way: the operation adds a submodule there"
    )


def test_a_repository_of_somebody_else_is_named_with_what_to_do(
    fork: Repo,
) -> None:
    git = Git(fork.path)
    git.environment = {**git.environment, "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}  # git's own
    with pytest.raises(Refused, match="dubious ownership") as caught:
        git.repository  # noqa: B018
    assert f"safe.directory {fork.path}" in caught.value.hint


def test_upstreams_branch_may_get_another_name(fork: Repo) -> None:
    source = Repo(Path(fork.git("remote", "get-url", "upstream").strip()))
    source.git("branch", "-m", "main", "trunk")
    source.commit("On the trunk", {"trunk.md": "one\n"})
    lost = skills(fork, "rebase", *QUICK)
    assert (lost.code, "no branch main, but: trunk" in lost.err) == (1, True), lost.said
    fork.git("fetch", "-q", "upstream")
    assert skills(fork, "rebase", *QUICK, "--onto", "upstream/trunk~1").code == 0
    assert "branch: main" in fork.read("manifests/core.yaml")
    assert skills(fork, "rebase", *QUICK, "--onto", "upstream/trunk").code == 0
    assert "branch: trunk" in fork.read("manifests/core.yaml")
    source.commit("And on", {"trunk.md": "two\n"})
    assert skills(fork, "rebase", *QUICK).code == 0
    assert fork.read("trunk.md") == "two\n"
