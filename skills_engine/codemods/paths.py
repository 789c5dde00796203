"""The paths that a skill package may name: files of the repository, never git's own. And the
modules that Python files are.

The rule is for text alone. That no link leads outside is for whoever writes.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["UnsafePath", "checked", "dotted", "module_paths"]

_RELATIVE = "write a path relative to the repository's root, like bot/app.py"
_DRIVE = re.compile(r"[A-Za-z]:")
_GIT = re.compile(r"\.git|git~\d+", re.IGNORECASE)


class UnsafePath(ValueError):
    """A path that no package may name: what is wrong (`message`), and what would be right
    (`right`).
    """

    def __init__(self, message: str, right: str = _RELATIVE) -> None:
        super().__init__(message)
        self.message = message
        self.right = right


def checked(path: str) -> str:
    """The path itself, if it is relative, in normal form and not inside a `.git`. Raises
    UnsafePath.

    File systems that ignore case, trailing dots and spaces, short names (`git~1`), streams
    (`.git::$DATA`) or invisible characters see `.git` in more than one spelling; all are refused,
    whatever this machine has.
    """
    if not path:
        raise UnsafePath("the path is empty")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in path):
        raise UnsafePath(f"{path!r} has a control character", "leave it out")
    if "\\" in path:
        raise UnsafePath(f"{path!r} has a backslash", "part folders with /")
    if path.startswith(("/", "~")) or _DRIVE.match(path):
        raise UnsafePath(f"{path!r} is absolute")
    for segment in path.split("/"):
        if not segment.strip(". "):
            raise UnsafePath(
                f"{path!r} has {f'the segment {segment!r}' if segment else 'an empty segment'}"
            )
        if _is_git(segment):
            raise UnsafePath(f"{path!r} is git's own", "name a file outside .git")
    return path


def _is_git(segment: str) -> bool:
    visible = "".join(
        c for c in unicodedata.normalize("NFKC", segment) if unicodedata.category(c) != "Cf"
    )
    return _GIT.fullmatch(visible.partition(":")[0].rstrip(". ")) is not None


def module_paths(module: str) -> tuple[str, ...]:
    """The files that can hold a module: `a.b` may be a/b.py, a/b/__init__.py or either below
    src/.
    """
    stem = module.replace(".", "/")
    return tuple(f"{root}{stem}{tail}" for root in ("", "src/") for tail in (".py", "/__init__.py"))


def dotted(path: str) -> str:
    """The module that a file is: `a.b` for src/a/b.py or a/b/__init__.py."""
    stem = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
    return stem.replace("/", ".")
