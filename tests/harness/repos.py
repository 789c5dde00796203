"""A git repository in a directory: real git, the same commits on every machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["GIT", "Repo"]

GIT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00+0000",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00+0000",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
}
"""No configuration of the machine's, and a clock that stands still."""


@dataclass(frozen=True)
class Repo:
    """A repository whose working tree is at `path`."""

    path: Path

    @classmethod
    def init(cls, path: Path, *, branch: str = "main") -> Repo:
        """A new repository, with an identity of its own."""
        path.mkdir(parents=True, exist_ok=True)
        repo = cls(path)
        repo.git("init", "--quiet", f"--initial-branch={branch}")
        return repo.known()

    def known(self) -> Repo:
        """Itself, after git was told who commits here."""
        self.git("config", "user.name", "Olive Owner")
        self.git("config", "user.email", "olive@example.org")
        return self

    def git(self, *args: str, ok: tuple[int, ...] = (0,), stdin: bytes | None = None) -> str:
        """What a git command prints, without the last line end."""
        done = subprocess.run(
            ["git", "-c", "core.quotePath=false", *args],
            cwd=self.path,
            env={**os.environ, **GIT},
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode in ok, f"git {' '.join(args)}: {done.stderr.decode()}"
        return os.fsdecode(done.stdout).removesuffix("\n")

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    @property
    def git_dir(self) -> Path:
        return Path(self.git("rev-parse", "--absolute-git-dir"))

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Files of the working tree, by path; None removes one."""
        for name, content in files.items():
            path = self.path / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def read(self, path: str) -> str:
        return (self.path / path).read_bytes().decode()

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that stands there exactly once."""
        text = self.read(path)
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
        self.write({path: text.replace(old, new)})

    def commit(self, message: str, files: Mapping[str, str | bytes | None] | None = None) -> str:
        """Write files, commit everything, and give the commit's id."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.head

    def tree(self, spec: str = "HEAD") -> dict[str, str]:
        """Mode and object id of every file of a commit, by path."""
        found = {}
        for line in self.git("ls-tree", "-r", "-z", spec).split("\0"):
            if line:
                meta, path = line.split("\t")
                mode, _, oid = meta.split()
                found[path] = f"{mode} {oid}"
        return found
