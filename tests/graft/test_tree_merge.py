"""The merge of whole trees where a side renamed a file: its mode, and what is no file any more."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.merging import git_lines
from harness.repos import Repo

from skills_engine.git import Git
from skills_engine.graft.merge3 import merge_trees
from skills_engine.tree import EXECUTABLE, LINK, REGULAR, Entry, Tree

CODE = "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(6))
EDITED = CODE.replace("return 2", "return 22")
Files = dict[str, tuple[int, str]]
BASE: Files = {"old.py": (REGULAR, CODE)}
RENAMED: Files = {"new.py": (REGULAR, CODE)}
ROWS: dict[str, tuple[Files, Files, Files | str]] = {
    "made executable": ({"old.py": (EXECUTABLE, EDITED)}, RENAMED, {"new.py": (EXECUTABLE, EDITED)}),
    "renamed and made executable": (
        {"old.py": (REGULAR, EDITED)},
        {"new.py": (EXECUTABLE, CODE)},
        {"new.py": (EXECUTABLE, EDITED)},
    ),
    "both renamed, one made executable": (
        {"new.py": (EXECUTABLE, CODE)},
        {"new.py": (REGULAR, EDITED)},
        {"new.py": (EXECUTABLE, EDITED)},
    ),
    "a link instead": ({"old.py": (LINK, "elsewhere.py")}, RENAMED, "type"),
}  # fmt: skip


@pytest.mark.parametrize("what", ROWS)
def test_a_renamed_file_takes_what_the_other_side_made_of_it(tmp_path: Path, what: str) -> None:
    one, other, due = ROWS[what]
    objects = Git(Repo.init(tmp_path / "repo").path).objects

    def tree(files: Files) -> str:
        out = Tree(objects, None)
        for path, (mode, text) in files.items():
            out.put(path, Entry(mode, objects.write("blob", text.encode())))
        return out.oid()

    for ours, theirs in ((one, other), (other, one)):
        lines = git_lines(tmp_path)
        made = merge_trees(objects, *map(tree, (BASE, ours, theirs)), lines=lines)
        if isinstance(due, str):
            assert [conflict.kind for conflict in made.conflicts] == [due]
        else:
            assert (made.conflicts, made.tree) == ((), tree(due))
