"""`skills blame`: each line's owner, by one fold of the graft."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path

from harness import skills
from harness.forks import fork_of, upstream

from skills_engine.graft.fold import canonical_order, fold
from skills_engine.graft.fork import Fork
from skills_engine.graft.intent import Goal
from skills_engine.tree import Tree
from skills_engine.types import result


def test_one_fold_says_what_a_fold_for_each_skill_says(tmp_path: Path) -> None:
    fork = fork_of(upstream(tmp_path / "up"), tmp_path / "fork", "add-loud", "add-clock")
    fork.edit("parrot/commands.py", "Hello, {name}.", "HELLO, {name}!")
    fork.commit("Mine", {"mine.py": "x = 1\n"})
    opened = Fork.open(fork.path)
    order = canonical_order(opened.goal, opened.applicable)
    trees = [("upstream", Tree(opened.objects, opened.git.tree_of(opened.core.base)))]
    for count, pin in enumerate(order, 1):
        graft = result(fold(opened.git, Goal(opened.core, order[:count]), opened.applicable))
        trees.append((pin.name, Tree(opened.objects, graft.tree)))
    trees.append(("you", Tree(opened.objects, opened.tree_oid)))
    for path in [*fork.tree(), "mine.py"]:
        owners: list[str] = []
        text: list[bytes] = []
        for owner, tree in trees:
            lines = (tree.read(path) or b"").splitlines()
            now = [owner] * len(lines)
            blocks = SequenceMatcher(None, text, lines, autojunk=False).get_matching_blocks()
            for a, b, size in blocks:
                now[b : b + size] = owners[a : a + size]
            owners, text = now, lines
        told = skills(fork, "blame", path, "--json").document["result"]
        assert [line["owner"] for line in told] == owners, path
    opened.close()
    said = skills(fork, "blame", "parrot/commands.py").err.splitlines()
    assert [line for line in said if "graft " in line] == [
        f"· graft {pin.name} {pin.version}" for pin in order
    ]
