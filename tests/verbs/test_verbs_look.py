"""Verbs that look, on every fork: they say what is so, and write nothing at all, not even in
`.git`.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from forkkit import Recipe, Workshop, recipes, skills, whole
from forkkit.expect import check_recipe
from forkkit.matrix import expected, looks
from harness import skills as run

pytest_plugins = ("forkkit.plugin",)

CASES = [
    pytest.param(r, line, id=f"{r}: {line}") for r in recipes() for line in dict.fromkeys(looks(r))
]


@pytest.mark.parametrize(("recipe", "line"), CASES)
def test_looking_writes_nothing(workshop: Workshop, recipe: Recipe, line: str) -> None:
    fork, before = workshop.fork(recipe), workshop.before(recipe)
    wanted = expected(recipe, line)
    ran = skills(fork, *shlex.split(line))
    assert ran.code == wanted.exit, ran.said
    for text in wanted.says:
        assert text in ran.said
    if line.split(maxsplit=1)[0] not in {"replay", "diff"} or wanted.has:
        check_recipe(fork, recipe, wanted)
    after = whole(fork.path)
    assert {
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    } == set()


@pytest.mark.parametrize("recipe", [r for r in recipes() if r.managed], ids=str)
def test_what_verbs_say_of_a_fork_fits(workshop: Workshop, recipe: Recipe) -> None:
    """`status`, `list`, `log`, `diff`, `blame` and `replay` tell the same story, and it is the
    recipe's.
    """
    fork = workshop.fork(recipe)
    status = skills(fork, "status", "--json").document["result"]
    assert [skill["name"] for skill in status["skills"]] == sorted(recipe.installed)
    listed = skills(fork, "list", "--json").document["result"]
    assert [skill["name"] for skill in listed if skill["installed"]] == sorted(recipe.installed)
    replayed = skills(fork, "replay", "--json").document["result"]
    edited = [edit["path"] for edit in replayed["edits"]]
    diff = skills(fork, "diff", "--json").document["result"]["diff"]
    for path in edited:
        assert f"b/{path}" in diff or f"a/{path}" in diff
    for path in recipe.mine:
        committed = fork.git("ls-tree", "HEAD", "--", path) and not fork.git(
            "diff", "HEAD", "--", path
        )
        if committed and "\r" not in fork.read(
            path
        ):  # whose a line is does not depend on how it ends
            assert path in edited
            blamed = skills(fork, "blame", path, "--json").document["result"]
            assert "\n".join(line["text"] for line in blamed).split() == fork.read(path).split()
            assert "you" in {line["owner"] for line in blamed}


def test_edits_that_are_not_committed_are_the_owners_too(
    workshop: Workshop, tmp_path: Path
) -> None:
    fork = workshop.copy(next(r for r in recipes() if r.name == "inside-skill-code"), tmp_path)
    skills(fork, "diff")  # whose graft `status` then finds
    page = fork.read("README.md")
    fork.write(
        {
            "README.md": page.replace("\n", "\r\n") + "Mine\r\n",
            "new.py": "x = 1\n",
            "bot/commands.py": None,
        }
    )
    fork.git("config", "core.autocrlf", "true")
    fork.git("add", "new.py")
    diff = skills(fork, "diff", "--json").document["result"]["diff"]
    assert "+Mine\n" in diff
    assert "+x = 1\n" in diff
    assert "+++ /dev/null" in diff
    assert f"-{page.splitlines()[0]}" not in diff, "git would store the same line ends"
    blamed = skills(fork, "blame", "README.md", "--json").document["result"]
    assert [line["owner"] for line in blamed] == ["upstream"] * len(page.splitlines()) + ["you"]
    assert skills(fork, "blame", "new.py").said.startswith("you")
    found = {
        (f["how"], f["path"]) for f in skills(fork, "status", "--json").document["result"]["files"]
    }
    assert {("changed", "README.md"), ("added", "new.py"), ("removed", "bot/commands.py")} <= found


def test_a_path_counts_from_the_current_directory(workshop: Workshop, tmp_path: Path) -> None:
    """As git has it: in a subdirectory, with -C, from outside as a whole path; nothing beyond the
    fork.
    """
    fork = workshop.copy(next(r for r in recipes() if r.name == "inside-skill-code"), tmp_path)
    fork.write({"docs/note.md": "# Mine\n"})
    fork.git("add", "docs/note.md")
    top = run(fork, "blame", "bot/channels/pager.py", "--json").document["result"]
    assert {line["owner"] for line in top} > {"add-pager"}
    (tmp_path / "link").symlink_to(fork.path)
    below = fork.path / "bot" / "channels"
    for where, words in (
        (below, ("blame", "pager.py")),
        (below, ("blame", "./pager.py")),
        (fork.path / "docs", ("blame", "../bot/channels/pager.py")),
        (tmp_path, ("-C", str(below), "blame", "pager.py")),
        (tmp_path, ("blame", "pager.py", "-C", str(below))),
        (below, ("blame", str(below / "pager.py"))),
        (tmp_path / "link" / "bot", ("blame", "channels/pager.py")),
        (below, ("blame", str(tmp_path / "link" / "bot" / "channels" / "pager.py"))),
    ):
        assert run(where, *words, "--json").document["result"] == top
    assert run(below, "blame", "pager.py:1").out.split()[-1] == top[0]["text"].split()[-1]
    wrong = run(below, "blame", "bot/channels/pager.py")
    assert wrong.code == 1
    assert (
        f"bot/channels/pager.py is not a file that git tracks\n  → paths count from {below}"
        in wrong.err
    )
    beyond = run(below, "blame", "../../../elsewhere.py")
    assert beyond.code == 1
    assert "../../../elsewhere.py is outside" in beyond.err
    assert run(fork, "blame", ".").code == 1
