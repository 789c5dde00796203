"""A git without a repository: commits and files in memory, renames unknown, and nothing else.

The engine computes on it what it would publish. A command that this git does not
know fails the test: what is said to be pure may not run it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from hashlib import sha1
from pathlib import Path

from skills_engine.git import Git, Objects, Repository
from skills_engine.tree import Tree

__all__ = ["Memory", "lines"]

_NOWHERE = Path(os.devnull) / "nowhere"


class Memory(Git):
    """The port that the engine has to git."""

    def __init__(self) -> None:
        super().__init__(_NOWHERE)
        self.refs: dict[str, str] = {}
        self.objects = _Objects(self)
        self.repository = Repository(_NOWHERE, _NOWHERE, _NOWHERE, shallow=False)

    def store(self, files: Mapping[str, bytes], tree: str | None = None) -> str:
        """A tree with these files, on top of another one."""
        found = Tree(self.objects, tree)
        for path, data in files.items():
            found.write(path, data)
        return found.oid()

    def files(self, tree: str) -> dict[str, bytes]:
        return {
            path: self.objects.read(entry.oid) for path, entry in Tree(self.objects, tree).walk()
        }

    def record(self, tree: str, *parents: str) -> str:
        """A commit, which HEAD is then at."""
        above = "".join(f"parent {parent}\n" for parent in parents)
        who = "Olive <olive@example.org> 1767225600 +0000"
        text = f"tree {tree}\n{above}author {who}\ncommitter {who}\n\nA commit\n"
        self.refs["HEAD"] = self.objects.write("commit", text.encode())
        return self.refs["HEAD"]

    def parents(self, commit: str) -> list[str]:
        head = self.objects.read(commit).decode().partition("\n\n")[0]
        return [
            line.removeprefix("parent ") for line in head.splitlines() if line.startswith("parent ")
        ]

    def run(
        self,
        *args: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        ok: Sequence[int] = (0,),
        globs: bool = False,
    ) -> bytes:
        match args:
            case ("grep", "-l", "-z", "-F", "-e", needle, tree, "--", suffix):
                found = self.files(tree).items()
                named = (
                    path
                    for path, data in found
                    if path.endswith(suffix[1:]) and os.fsencode(needle) in data
                )
                return b"".join(os.fsencode(f"{tree}:{path}") + b"\0" for path in named)
            case ("log", *_) | ("config", "--list", "-z"):
                return b""
        raise AssertionError(f"what is pure ran git {' '.join(args)}")

    def text_or_none(self, *args: str) -> str | None:
        match args:
            case ("config", *_):
                return None
            case ("log", "-1", "--first-parent", "--format=%H", commit, "--", *paths):
                return self._last_change(commit, paths)
        raise AssertionError(f"what is pure ran git {' '.join(args)}")

    def _last_change(self, commit: str, paths: Sequence[str]) -> str | None:
        """The commit that last changed any of the paths."""
        while parents := self.parents(commit):
            now, then = (Tree(self.objects, self.tree_of(each)) for each in (commit, parents[0]))
            if any(now.entry(path) != then.entry(path) for path in paths):
                return commit
            commit = parents[0]
        return None

    def is_ancestor(self, one: str, other: str) -> bool:
        return one == other or any(self.is_ancestor(one, parent) for parent in self.parents(other))

    def merge_lines(
        self,
        base: bytes,
        ours: bytes,
        theirs: bytes,
        labels: tuple[str, str, str] = ("ours", "base", "theirs"),
        size: int = 7,
        style: str = "diff3",
    ) -> tuple[bytes, int]:
        assert (size, style) == (7, "diff3")
        return lines(base, ours, theirs, labels)


class _Objects(Objects):
    """Everything is pending, for ever."""

    def __init__(self, git: Memory) -> None:
        super().__init__(git)
        self._refs, self._above = git.refs, git.parents

    def resolve(self, spec: str) -> str | None:
        name, *kinds = spec.split("^")
        name, _, path = name.partition(":")
        found = self._refs.get(name, name)
        if found not in self._pending:
            return None
        if kinds and kinds[0].isdigit():
            parents, number = self._above(found), int(kinds.pop(0))
            if number > len(parents):
                return None
            found = parents[number - 1]
        kind = kinds[0] if kinds else ""
        if (kind == "{tree}" or path) and self._pending[found][0] == "commit":
            found = self._pending[found][1].decode().partition("\n")[0].removeprefix("tree ")
        if path:
            entry = Tree(self, found).entry(path)
            return entry.oid if entry else None
        return found

    def flush(self, *roots: str) -> int:
        raise AssertionError("what is pure wrote objects")

    def write(self, kind: str, data: bytes) -> str:
        oid = sha1(
            b"%s %d\0" % (kind.encode(), len(data)) + data, usedforsecurity=False
        ).hexdigest()
        self._pending[oid] = (kind, data)
        return oid

    def _ask(self, spec: str) -> tuple[str, bytes] | None:
        return None


def lines(
    base: bytes, ours: bytes, theirs: bytes, labels: tuple[str, str, str]
) -> tuple[bytes, int]:
    """A line merge as git's is: changes that touch each other conflict."""
    b, o, t = (
        data.splitlines(keepends=True) if b"\r" not in data else _split(data)
        for data in (base, ours, theirs)
    )
    changes = sorted(
        (start, end, side, low, high)
        for side, other in ((0, o), (1, t))
        for tag, start, end, low, high in SequenceMatcher(
            None, b, other, autojunk=False
        ).get_opcodes()
        if tag != "equal"
    )
    out: list[bytes] = []
    at = conflicts = 0
    n = 0
    while n < len(changes):
        start, end = changes[n][:2]
        group = [changes[n]]
        while n + 1 < len(changes) and changes[n + 1][0] <= end:
            n += 1
            group.append(changes[n])
            end = max(end, changes[n][1])
        n += 1
        out += b[at:start]
        mine, yours = (
            _region(group, side, start, end, b, other) for side, other in ((0, o), (1, t))
        )
        if mine == yours or all(change[2] == 0 for change in group):
            out += mine
        elif all(change[2] == 1 for change in group):
            out += yours
        else:
            conflicts += 1
            mark = [b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"]
            names = [labels[0], labels[1], "", labels[2]]
            m = [
                f"{word.decode()} {name}".rstrip().encode() + b"\n"
                for word, name in zip(mark, names, strict=True)
            ]
            out += [m[0], *_ended(mine), m[1], *_ended(b[start:end]), m[2], *_ended(yours), m[3]]
        at = end
    return b"".join([*out, *b[at:]]), conflicts


def _region(
    group: list[tuple[int, int, int, int, int]],
    side: int,
    start: int,
    end: int,
    base: list[bytes],
    other: list[bytes],
) -> list[bytes]:
    out, at = [], start
    for low, high, whose, first, last in group:
        if whose == side:
            out += [*base[at:low], *other[first:last]]
            at = high
    return [*out, *base[at:end]]


def _ended(region: list[bytes]) -> list[bytes]:
    return [line if line.endswith(b"\n") else line + b"\n" for line in region]


def _split(data: bytes) -> list[bytes]:
    """Lines as git has them: a carriage return alone ends none."""
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + [part for part in parts[-1:] if part]
