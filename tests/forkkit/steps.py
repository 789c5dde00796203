"""What owners and upstreams do to a repository, as recipes write it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness import Repo

from forkkit.program import skills
from forkkit.recipe import Step

__all__ = ["QUICK", "perform"]

QUICK = ("--no-test", "--no-install")
"""For verbs that change a fork, where what they do to its files is the point."""

_CHANGING = {"apply", "uninstall", "upgrade", "rebase", "continue", "skip", "undo"}


def perform(repo: Repo, steps: Sequence[Step]) -> None:
    """Take the steps in a repository, one after the other."""
    for step in steps:
        word = next(iter(step))
        _STEPS[word](repo, step[word], step)


def verb(repo: Repo, line: str) -> tuple[str, ...]:
    """The arguments of a verb as recipes write it, with what makes it quick."""
    words = shlex.split(line)
    return (*words, *(QUICK if words[0] in _CHANGING else ()))


def _edit(repo: Repo, path: str, step: Step) -> None:
    text = repo.read(path)
    assert step["from"] in text, f"{path} has no {step['from']!r}:\n{text}"
    repo.write({path: text.replace(step["from"], step["to"])})


def _append(repo: Repo, path: str, step: Step) -> None:
    repo.write({path: repo.read(path) + step["text"]})


def _move(repo: Repo, path: str, step: Step) -> None:
    target = repo.path / step["to"]
    target.parent.mkdir(parents=True, exist_ok=True)
    (repo.path / path).rename(target)


def _everywhere(repo: Repo, name: str, step: Step) -> None:
    for path in repo.path.glob("**/*.py"):
        if ".claude" not in path.parts:
            text = path.read_bytes().decode()
            path.write_bytes(re.sub(rf"\b{name}\b", step["to"], text).encode())


def _reformat(repo: Repo, folders: list[str], step: Step) -> None:
    style = f"format.quote-style = '{step['quotes']}'"
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--isolated",
        "--no-cache",
        "--quiet",
        "--config",
        style,
    ]
    command += ["--line-length", str(step["columns"]), *folders]
    subprocess.run(command, cwd=repo.path, check=True)


def _crlf(repo: Repo, paths: list[str], step: Step) -> None:
    for path in paths:
        repo.write({path: repo.read(path).replace("\n", "\r\n")})


def _git(repo: Repo, line: str, step: Step) -> None:
    ok = (1,) if step.get("fails") else (0,)
    repo.git(*shlex.split(line), ok=ok)


def _skills(repo: Repo, line: str, step: Step) -> None:
    ran = skills(repo, *verb(repo, line))
    assert ran.code == step.get("exit", 0), f"skills {line}: {ran.code}\n{ran.said}"


def _upstream(repo: Repo, wanted: Any, step: Step) -> None:
    """Upstream moves on: to one of its versions, or by a commit of its own."""
    there = Repo(repo.path.parent / "upstream")
    if isinstance(wanted, str):
        there.git("reset", "--quiet", "--hard", wanted)
        return
    perform(there, wanted)
    there.commit("Something new")


_STEPS: Mapping[str, Callable[[Repo, Any, Step], object]] = {
    "append": _append,
    "commit": lambda repo, title, step: repo.commit(title),
    "crlf": _crlf,
    "delete": lambda repo, path, step: repo.write({path: None}),
    "edit": _edit,
    "everywhere": _everywhere,
    "git": _git,
    "mode": lambda repo, mode, step: (repo.path / step["path"]).chmod(int(mode, 8)),
    "move": _move,
    "reformat": _reformat,
    "skills": _skills,
    "upstream": _upstream,
    "write": lambda repo, path, step: repo.write({path: step["text"]}),
}
