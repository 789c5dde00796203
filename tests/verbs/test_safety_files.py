"""Files as people have them: links, strange names, other encodings, line ends, things in the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Repo, skills, state
from harness.cli import QUICK
from harness.forks import skill
from harness.verdicts import applied, refused

pytest_plugins = ("harness.plugin",)


def test_an_untracked_file_in_the_way(fork: Repo) -> None:
    fork.write({"parrot/dice.py": "mine = 1\n"})
    refused(
        fork, "apply", *QUICK, "add-dice", says="parrot/dice.py is in the way: it is not tracked"
    )


def test_an_ignored_file_in_the_way(fork: Repo) -> None:
    fork.commit("Ignore", {".gitignore": "dice.py\n"})
    fork.write({"parrot/dice.py": "mine = 1\n"})
    refused(fork, "apply", *QUICK, "add-dice", says="parrot/dice.py is in the way")


def test_a_folder_that_is_a_link(fork: Repo, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (fork.path / "parrot/clock").symlink_to(tmp_path / "outside")
    refused(
        fork, "apply", *QUICK, "add-clock", says="parrot/clock is not a folder of the repository"
    )
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_tracked_link_where_a_skill_edits(fork: Repo, tmp_path: Path) -> None:
    outside = tmp_path / "settings.py"
    (fork.path / "parrot/settings.py").rename(outside)
    (fork.path / "parrot/settings.py").symlink_to(outside)
    fork.commit("Link")
    text = outside.read_bytes()
    ran = skills(fork, "apply", *QUICK, "add-clock")
    assert ran.code == 3, ran.said
    assert skills(fork, "abort", "-q").code == 0
    assert outside.read_bytes() == text
    assert (fork.path / "parrot/settings.py").is_symlink()


def test_uncommitted_links_and_strange_names_stay(fork: Repo) -> None:
    names = [
        "two words.txt",
        "Ärger/naïve ☃.py",
        "-dash",
        'quote".txt',
        "back\\slash",
        "tab\t.txt",
        "$HOME;.txt",
        "#x",
    ]
    fork.commit("Names", dict.fromkeys(names, "one\n"))
    fork.write(dict.fromkeys(names[::2], "two\n"))
    (fork.path / "link ö").symlink_to("two words.txt")
    before = state(fork)
    applied(fork, "add-dice")
    after = state(fork)
    for name in (*names, "link ö"):
        assert after.files[name] == before.files[name]
    assert {path for path in after.files if after.files[path] != before.files.get(path)} == {
        ".env.example",
        "manifests/add-dice.yaml",
        "parrot/commands.py",
        "parrot/dice.py",
    }


def test_a_skill_may_add_a_name_that_needs_quoting(fork: Repo) -> None:
    adds = {"my notes/Käse & Brot.txt": "two\n", "parrot/-dash.txt": "x\n"}
    manifest = 'version: 1.0.0\ncore: ">=0.1"\nadds: [my notes/Käse & Brot.txt, parrot/-dash.txt]'
    files = skill("add-names", manifest, "", **adds)
    page = files[".claude/skills/add-names/SKILL.md"].partition("What must be true")[0]
    fork.commit("Names", {**files, ".claude/skills/add-names/SKILL.md": page})
    ran = skills(fork, "apply", *QUICK, "--yes", "--trust", "add-names")
    assert ran.code == 0, ran.said
    assert fork.read("my notes/Käse & Brot.txt") == "two\n"
    assert skills(fork, "uninstall", *QUICK, "add-names").code == 0
    assert not (fork.path / "my notes").exists()


def test_latin_1_by_its_cookie(fork: Repo) -> None:
    text = fork.read("parrot/settings.py").replace("One deployment.", "Grüße.")
    fork.commit(
        "Latin", {"parrot/settings.py": b"# -*- coding: latin-1 -*-\n" + text.encode("latin-1")}
    )
    ran = skills(fork, "apply", *QUICK, "add-clock")
    assert ran.code in {0, 1}, ran.said
    data = (fork.path / "parrot/settings.py").read_bytes()
    assert "Grüße.".encode("latin-1") in data
    if ran.code:
        assert "parrot/settings.py" in ran.err
    else:
        assert b"zone" in data


def test_bytes_that_are_no_text_in_a_file_that_a_skill_edits(fork: Repo) -> None:
    text = fork.read("parrot/settings.py").replace("One deployment.", "Gr\udcfc\udcdfe.")
    fork.commit("Broken", {"parrot/settings.py": text.encode("utf-8", "surrogateescape")})
    before = state(fork)
    ran = skills(fork, "apply", *QUICK, "add-clock")
    assert ran.code == 0, ran.said  # by lines, as git merges what has no NUL byte
    data = (fork.path / "parrot/settings.py").read_bytes()
    assert b"Gr\xfc\xdfe." in data
    assert b"zone" in data
    skills(fork, "uninstall", *QUICK, "add-clock")
    assert state(fork).files == before.files


def test_bytes_that_are_no_text_elsewhere_stay(fork: Repo) -> None:
    fork.commit("Bytes", {"parrot/odd.py": b"# \xff\xfe\n", "picture.bin": bytes(range(256))})
    before = state(fork)
    applied(fork, "add-clock")
    after = state(fork)
    assert all(after.files[path] == before.files[path] for path in ("parrot/odd.py", "picture.bin"))


def test_a_file_that_does_not_parse(fork: Repo) -> None:
    fork.commit("Break", {"parrot/settings.py": fork.read("parrot/settings.py") + "\ndef (\n"})
    before = state(fork)
    ran = skills(fork, "apply", *QUICK, "add-clock")
    assert ran.code in {1, 3}, ran.said
    assert "parrot/settings.py" in ran.err
    skills(fork, "abort", "-q")
    assert state(fork) == before


def test_a_file_elsewhere_that_does_not_parse_is_no_obstacle(fork: Repo) -> None:
    fork.commit("Break", {"parrot/broken.py": "def (\n"})
    applied(fork, "add-clock")
    assert fork.read("parrot/broken.py") == "def (\n"


def test_a_checkout_with_crlf(fork: Repo) -> None:
    fork.commit("Attributes", {".gitattributes": "* text=auto eol=crlf\n"})
    fork.git("config", "core.autocrlf", "true")
    fork.git("rm", "--quiet", "--cached", "-r", ".")
    fork.git("reset", "--quiet", "--hard")
    assert b"\r\n" in (fork.path / "parrot/commands.py").read_bytes()
    fork.write(
        {
            "parrot/help.py": (fork.path / "parrot/help.py")
            .read_bytes()
            .replace(b"Say it", b"Tell it")
        }
    )
    before = state(fork)
    applied(fork, "add-loud", "add-clock")
    for path in ("parrot/commands.py", "parrot/dice.py", "parrot/settings.py", ".env.example"):
        data = (fork.path / path).read_bytes()
        assert data.count(b"\n") == data.count(b"\r\n"), path
    assert fork.git("status", "--porcelain") == " M parrot/help.py"
    ran = skills(fork, "uninstall", *QUICK, "add-loud", "add-dice", "add-clock")
    assert ran.code == 0, ran.said
    assert state(fork).files == before.files


def test_an_executable_bit_that_only_the_working_tree_has(fork: Repo) -> None:
    (fork.path / "parrot/commands.py").chmod(0o755)
    applied(fork, "add-dice")
    assert (fork.path / "parrot/commands.py").stat().st_mode & 0o111 == 0o111
    assert fork.git("ls-files", "-s", "parrot/commands.py").startswith("100644")


def test_a_file_that_was_moved_and_git_not_told(fork: Repo) -> None:
    """Its change would go nowhere: the operation is refused, and done once the move is committed."""
    applied(fork, "add-clock")
    fork.write({"parrot/moved.py": fork.read("parrot/settings.py"), "parrot/settings.py": None})
    refused(
        fork,
        "uninstall",
        *QUICK,
        "add-clock",
        says="parrot/settings.py is gone and parrot/moved.py is much like it",
    )


MARKS = ["--assume-unchanged", "--skip-worktree"]


@pytest.mark.parametrize("mark", MARKS)
def test_what_git_was_told_not_to_look_at_is_still_the_owners(fork: Repo, mark: str) -> None:
    path = "parrot/commands.py"
    fork.git("update-index", mark, path)
    marked = fork.git("ls-files", "-v", path)
    edited = "# Mine.\n" + (fork.path / path).read_text(encoding="utf-8")
    fork.write({path: edited})
    applied(fork, "add-dice")
    found = (fork.path / path).read_text(encoding="utf-8")
    assert found.startswith("# Mine.\n")
    assert "dice" in found
    assert fork.git("ls-files", "-v", path) == marked
    assert "# Mine." not in fork.git("show", f"HEAD:{path}")

    fork.write({path: found.replace("dice", "cube")})
    refused(fork, "uninstall", *QUICK, "add-dice", says=path)
    assert "cube" in (fork.path / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("mark", MARKS)
def test_a_marked_file_that_the_owner_deleted_stays_away(fork: Repo, mark: str) -> None:
    fork.git("update-index", mark, "parrot/commands.py")
    (fork.path / "parrot/commands.py").unlink()
    skills(fork, "apply", *QUICK, "add-dice")
    there = (fork.path / "parrot/commands.py").exists()
    assert there is (mark == "--skip-worktree"), "what git leaves out is written when it changes"


COMMANDS = "parrot/commands.py"


def test_a_file_that_git_was_told_to_forget_is_looked_at_where_it_lies(fork: Repo) -> None:
    """`git rm --cached`: it is in the working tree only, and its edits in no other place."""
    fork.git("rm", "--quiet", "--cached", COMMANDS)
    fork.edit(COMMANDS, "Hello", "Mine")
    applied(fork, "add-dice")
    assert "Mine" in fork.read(COMMANDS)
    assert "dice" in fork.read(COMMANDS)
    assert fork.git("ls-files", COMMANDS) == ""


def test_what_is_staged_as_gone_stays_away(fork: Repo) -> None:
    fork.git("rm", "--quiet", COMMANDS)
    applied(fork, "add-dice")
    assert not (fork.path / COMMANDS).exists()
    assert fork.git("status", "--porcelain") == f"D  {COMMANDS}"


def test_a_rename_that_is_staged_is_to_be_committed_first(fork: Repo) -> None:
    """The skill's change would be in neither of the two files."""
    fork.git("mv", COMMANDS, "parrot/orders.py")
    before = state(fork)
    refused(fork, "apply", *QUICK, "add-dice", says="parrot/orders.py")
    assert state(fork) == before


@pytest.mark.parametrize("how", [("--cone",), ("--sparse-index",)])
def test_what_a_sparse_checkout_leaves_out_stays_out(fork: Repo, how: tuple[str, ...]) -> None:
    fork.commit("More", {"docs/a.txt": "a"})
    fork.git("sparse-checkout", "set", *how, "docs")
    listed = fork.git("ls-files", "-v", "--", "parrot")
    applied(fork, "add-dice")
    assert "dice" in fork.git("show", f"HEAD:{COMMANDS}")
    assert not (fork.path / COMMANDS).exists()
    assert fork.git("status", "--porcelain") == ""
    assert skills(fork, "uninstall", *QUICK, "add-dice").code == 0
    assert fork.git("ls-files", "-v", "--", "parrot") == listed
    assert not (fork.path / "parrot").exists()


def test_files_may_have_the_names_of_revisions(fork: Repo) -> None:
    fork.commit("Names", {name: name for name in ("HEAD", "main", "upstream/main", "refs/x", "--")})
    applied(fork, "add-dice")
    assert skills(fork, "diff").code == 0
    assert skills(fork, "uninstall", *QUICK, "add-dice").code == 0
