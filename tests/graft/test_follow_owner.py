"""What the owner renamed is followed in what a skill brings, where it is certain, and known again."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from harness import Repo, skills
from harness.merging import git_lines
from test_follow import CHANGES, USES

from skills_engine.git import Git, Objects
from skills_engine.graft.merge3 import merge_trees
from skills_engine.tree import REGULAR, Entry, Tree

pytest_plugins = ("harness.plugin",)

OWNERS = {
    what: files for what, files in CHANGES.items() if what != "a module and then a class in it"
}
OPTIONS = ("--no-install", "--no-test")


@pytest.mark.parametrize("change", OWNERS)
def test_what_the_owner_renamed_is_followed_and_taken_off_again(change: str, fork: Repo) -> None:
    fork.commit("A skill", USES)
    fork.commit("Rename", dict(OWNERS[change]))
    before = fork.tree()
    owned = skills(fork, "diff").out
    applied = skills(fork, "apply", "add-uses", *OPTIONS, "--trust", "--yes")
    assert applied.code == 0, applied.said
    script = "from parrot.uses import Settings; assert Settings().x == 1"
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, cwd=fork.path, capture_output=True, check=False)
    assert done.returncode == 0, fork.read("parrot/uses.py") + str(done.stderr)
    assert b"'/x': <class 'decimal.Decimal'>" in done.stdout
    assert "+++ b/parrot/uses.py" not in skills(fork, "diff").out
    lines = skills(fork, "blame", "parrot/uses.py", "--json").document["result"]
    assert {line["owner"] for line in lines} == {"add-uses"}
    seen = skills(fork, "status", "--json").document["result"]["files"]
    assert "parrot/uses.py" not in {each["path"] for each in seen}
    off = skills(fork, "uninstall", "add-uses", *OPTIONS)
    assert off.code == 0, off.said
    assert (fork.tree(), skills(fork, "diff").out) == (before, owned)


def test_what_was_followed_is_upgraded_and_taken_off_when_the_owner_has_gone_on(fork: Repo) -> None:
    fork.commit("A skill", USES)
    fork.commit("Rename", dict(CHANGES["a class"]))
    assert skills(fork, "apply", "add-uses", *OPTIONS, "--trust", "--yes").code == 0
    # The definition is not the old one word for word any more: what came is known by itself.
    fork.edit("parrot/settings.py", "x: int = 1", "x: int = 1\n    y: int = 2")
    fork.commit("More")
    uses = ".claude/skills/add-uses/add/parrot/uses.py"
    page = ".claude/skills/add-uses/SKILL.md"
    fork.edit(uses, "print(", "print(Settings().x, ")
    fork.edit(page, "version: 1.0.0", "version: 1.1.0")
    fork.commit("The skill, 1.1.0")
    new = skills(fork, "upgrade", "add-uses", *OPTIONS, "--trust", "--yes")
    assert new.code == 0, new.said
    assert "import Config as Settings" in fork.read("parrot/uses.py")
    assert "print(Settings().x, COMMANDS" in fork.read("parrot/uses.py")
    off = skills(fork, "uninstall", "add-uses", *OPTIONS)
    assert off.code == 0, off.said
    assert not (fork.path / "parrot/uses.py").exists()
    assert "x: int" not in fork.read("parrot/settings.py")
    assert "y: int = 2" in fork.read("parrot/settings.py")


NUMBER = "MOST = 3\n\n\ndef low(n):\n    return n < MOST\n"
LONG = "def most(n):\n    high = [each for each in n if each > 3]\n    return max(high)\n"
CERTAIN: dict[str, tuple[str, str | None, dict[str, str], str, str]] = {
    "a number whose uses say so": (NUMBER, NUMBER.replace("MOST", "LIMIT"), {}, "MOST", "a import LIMIT as MOST"),
    "a number that nothing uses": ("MOST = 3\n", "LIMIT = 3\n", {}, "MOST", "a import MOST"),
    "another number": (NUMBER, NUMBER.replace("MOST", "LIMIT").replace("3", "4"), {}, "MOST", "a import MOST"),
    "a function": (LONG, LONG.replace("most", "top"), {}, "most", "a import top as most"),
    "a function that is there twice": (LONG, LONG.replace("most", "top") + LONG.replace("most", "best"), {}, "most", "a import most"),
    "a function and what it does": (LONG, LONG.replace("most", "top").replace("max", "min"), {}, "most", "a import most"),
    "what was never there": ("", LONG.replace("most", "top"), {}, "most", "a import most"),
    "a module": (NUMBER + LONG, None, {"b.py": NUMBER + LONG}, "MOST, most", "b import MOST, most"),
    "two modules in its place": (NUMBER + LONG, None, {"b.py": NUMBER + LONG, "c.py": NUMBER + LONG}, "MOST, most", "a import MOST, most"),
    "a module that says less": (NUMBER + LONG, None, {"b.py": LONG}, "MOST, most", "a import MOST\nfrom b import most"),
}  # fmt: skip


def _tree(objects: Objects, files: dict[str, str]) -> str:
    out = Tree(objects, None)
    for path, text in files.items():
        out.put(path, Entry(REGULAR, objects.write("blob", text.encode())))
    return out.oid()


@pytest.mark.parametrize("what", CERTAIN)
def test_only_what_is_certain_is_followed(tmp_path: Path, what: str) -> None:
    was, now, more, names, due = CERTAIN[what]
    objects = Git(Repo.init(tmp_path / "repo").path).objects
    tree = partial(_tree, objects)
    base = tree({"a.py": was})
    ours = tree({**({} if now is None else {"a.py": now}), **more})
    theirs = tree({"a.py": was, "new.py": f"from a import {names}\n"})
    lines = git_lines(tmp_path)
    merged = merge_trees(objects, base, ours, theirs, lines=lines)
    assert Tree(objects, merged.tree).read("new.py") == f"from {due}\n".encode()
    followed = due != f"a import {names}"
    assert merged.notes == (
        ("new.py: imports what you renamed from where it is",) if followed else ()
    )
    off = merge_trees(objects, theirs, merged.tree, base, lines=lines)
    assert (off.conflicts, off.tree, off.notes) == ((), ours, ())


def test_what_comes_into_a_moved_definition_keeps_its_other_words(tmp_path: Path) -> None:
    """An attribute, a keyword and a text may read as the old name does."""
    objects = Git(Repo.init(tmp_path / "repo").path).objects
    tree = partial(_tree, objects)
    more = LONG.replace("    return", "    n.most(most=most, why='most')\n    return")
    base = tree({"a.py": LONG + NUMBER})
    ours = tree({"a.py": NUMBER, "b.py": LONG.replace("most", "top")})
    theirs = tree({"a.py": more + NUMBER})
    merged = merge_trees(objects, base, ours, theirs, lines=git_lines(tmp_path))
    assert merged.conflicts == ()
    due = more.replace("def most", "def top").replace("most=most", "most=top")
    assert Tree(objects, merged.tree).read("b.py") == due.encode()


def test_the_modules_of_a_package_are_followed_each_by_what_it_holds(tmp_path: Path) -> None:
    objects = Git(Repo.init(tmp_path / "repo").path).objects

    def tree(**files: str) -> str:
        modules = {f"{name.replace('_', '/')}.py": text for name, text in files.items()}
        packages = {name[0] for name in files if "_" in name} - {"r"}
        return _tree(objects, modules | {f"{name}/__init__.py": "" for name in packages})

    was, now = {"p_a": LONG, "p_b": NUMBER}, {"q_a": LONG, "r_b": NUMBER}
    new = "from p import a, b, c\nfrom p.b import MOST\n"
    trees = (tree(**was), tree(**now), tree(**was, new=new))
    merged = merge_trees(objects, *trees, lines=git_lines(tmp_path))
    due = b"from q import a\nfrom r import b\nfrom p import c\nfrom r.b import MOST\n"
    assert Tree(objects, merged.tree).read("new.py") == due
