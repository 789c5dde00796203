"""The tree that operations work on while a graft is folded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.git import paths_from
from skills_engine.graft.renamed import lost_functions, removals, renamed_by, renamed_name
from skills_engine.package.paths import RESERVED
from skills_engine.tree import Tree, difference

if TYPE_CHECKING:
    from skills_engine.git import Git

__all__ = ["GraftFiles"]

_PROTECTED = (*RESERVED, ".git/")


class GraftFiles:
    """A tree over a base commit, as the port `codemods.files.Files`.

    Operations may not write the manifests, the packages or the recorded
    resolutions: these say what the operations were, and what the owner decided.
    A path never leaves the tree, because a tree has no `..` and a link in it is
    an entry, not a way.
    """

    def __init__(self, git: Git, base: str, tree: Tree) -> None:
        self._git = git
        self._base = base
        self._base_tree = git.tree_of(base)
        self.tree = tree
        self.wrote: set[str] = set()
        """The paths that were written, removed or renamed since it was last cleared."""
        self._grepped: dict[tuple[bytes, str], frozenset[str]] = {}
        self._removals: dict[str, str] | None = None
        self._lost_functions: dict[str, frozenset[str]] = {}

    def read(self, path: str) -> bytes | None:
        return self.tree.read(path)

    def write(self, path: str, data: bytes) -> None:
        self._allow(path)
        self.tree.write(path, data)

    def remove(self, path: str) -> None:
        self._allow(path)
        self.tree.remove(path)

    def rename(self, old: str, new: str) -> None:
        self._allow(old)
        self._allow(new)
        self.tree.rename(old, new)

    def exists(self, path: str) -> bool:
        return self.tree.exists(path)

    def listdir(self, path: str) -> list[str]:
        return self.tree.listdir(path)

    def containing(self, needle: bytes, suffix: str) -> list[str]:
        """git greps the base, which is stored; what the fold changed since is looked at here."""
        found = set(self._in_base(needle, suffix))
        for path, _, after in difference(self.tree.objects, self._base_tree, self.tree.oid()):
            found.discard(path)
            if after is not None and after.is_file and needle in self.tree.objects.read(after.oid):
                found.add(path)
        paths = sorted(
            path for path in found if path.endswith(suffix) and not path.startswith(_PROTECTED)
        )
        entries = map(self.tree.entry, paths if needle else ())  # whoever asks reads them next
        self.tree.objects.fetch(each.oid for each in entries if each is not None and each.is_file)
        return paths

    def _in_base(self, needle: bytes, suffix: str) -> frozenset[str]:
        if (needle, suffix) not in self._grepped:
            pattern = os.fsdecode(needle)
            words = ["grep", "-l", "-z", "-F", "-e", pattern, self._base_tree, "--", f"*{suffix}"]
            out = self._git.run(*words, ok=(0, 1), globs=True)
            prefix = self._base_tree + ":"
            self._grepped[needle, suffix] = frozenset(
                path.removeprefix(prefix) for path in paths_from(out)
            )
        return self._grepped[needle, suffix]

    def follow(self, path: str) -> str | None:
        seen = {path}
        while (moved := self._renamed(path)) is not None and moved not in seen:
            if self.tree.exists(moved):
                return moved
            seen.add(moved)
            path = moved
        return None

    def _renamed(self, path: str) -> str | None:
        removed = self._removed(path)
        return None if removed is None else renamed_by(self._git, removed, path)

    def _removed(self, path: str) -> str | None:
        if self._removals is None:
            self._removals = removals(self._git, self._base)
        return self._removals.get(path)

    def follow_name(self, path: str, name: str) -> tuple[str, str] | None:
        if not self.tree.exists(path) and self._removed(path) is None:
            return None
        if "." in name and name.rpartition(".")[2] not in self._lost(path):
            return None
        return renamed_name(self._git, self._base, path, name)

    def _lost(self, path: str) -> frozenset[str]:
        """The functions on lines of a file that went since: a class is asked for many."""
        if path not in self._lost_functions:
            self._lost_functions[path] = lost_functions(self._git, self._base, path)
        return self._lost_functions[path]

    def _allow(self, path: str) -> None:
        self.wrote.add(path)
        if (path + "/").startswith(_PROTECTED):
            raise Refused(
                f"an operation may not change {path}",
                hint="packages and manifests are the engine's",
            )
