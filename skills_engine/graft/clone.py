"""A git repository elsewhere, cloned for a look: shallow, without a checkout, and gone again."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.git import Git, GitError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["URL", "cloned", "split_revision", "without_user"]

URL = re.compile(r"^([a-z][a-z0-9+]*://|[\w.-]+@[\w.-]+:)")
_ONLY = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh", "GIT_LFS_SKIP_SMUDGE": "1"}


@contextmanager
def cloned(address: str, commit: str = "") -> Iterator[tuple[Git, str]]:
    """The clone of `URL[@REVISION]` and its commit; with `commit`, that very one, where the other
    side gives it. Raises Refused with git's words.
    """
    url, revision = split_revision(address)
    with tempfile.TemporaryDirectory(prefix="skills-") as folder:
        clone = Path(folder, "clone")
        git = Git(Path(folder), _ONLY)
        branch = ["--branch", revision] if revision and not commit else []
        words = ["--quiet", "--depth", "1", "--no-checkout", *branch, "--", url, str(clone)]
        try:
            git.run("clone", *words)
            there = Git(clone, _ONLY)
            if commit and there.head() != commit:
                there.run("fetch", "--quiet", "--depth", "1", "origin", commit)
        except GitError as error:
            raise Refused(
                f"{without_user(url)} cannot be fetched: {without_user(error.message)}",
                hint=(
                    "check the address, the revision after @ and your access; git must be "
                    "able to clone it"
                ),
            ) from None
        try:
            yield there, commit or there.head()
        finally:
            there.objects.close()


def split_revision(address: str) -> tuple[str, str]:
    head, at, tail = address.rpartition("@")
    if at and "/" in head and "/" not in tail and ":" not in tail:
        return head, tail
    return address, ""


def without_user(text: str) -> str:
    """Without the names and passwords in the addresses that a text has."""
    return re.sub(r"//[^/@\s]*@", "//", text)
