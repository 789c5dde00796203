"""The assistant's rung: a command that the owner configured sees a conflict's regions and the
skills' prose.

`git config skills.assistant 'COMMAND'` names it, for example
`claude -p "Do what CONFLICT.md says" --allowedTools "Read(./**),Write(./**)"`. It runs in
a directory of its own, in a room (`sandbox`) that holds nothing else but the
system and the program itself, with the network and an empty home; it answers in
one file a region. Prose of skills that nobody trusted is among what it reads.
Where this machine can make no room, it is asked only if the owner said that it
may be: `git config skills.assistantUnconfined true`.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.check.process import last_lines, run
from skills_engine.errors import Refused
from skills_engine.lines import bare_lines, split_lines
from skills_engine.merge import filled, regions_in
from skills_engine.resolve.recorded import Resolution, make
from skills_engine.sandbox import Room, enclosed, python_files, unconfined
from skills_engine.tree import Tree
from skills_engine.visible import in_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.graft.fork import Fork
    from skills_engine.graft.operation import Computed
    from skills_engine.merge import Region

__all__ = ["AssistantCommand"]

_ALLOWED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TERM", "USER", "LOGNAME", "SYSTEMROOT")
"""What a program needs to run at all; all else of the environment is named by the owner."""
_ACCEPT = "git config skills.assistantUnconfined true"
_ORDER = ("ours", "base", "theirs", "end")
"""The marker lines of a region."""
_LONGEST = 1800.0
"""Seconds after which an assistant that has not answered is ended."""
_TASK = """\
# A merge stopped

Each folder below `regions/` is one place where two changes meet: `base.txt` is what stood there,
`ours.txt` what the owner of this fork made of it, `theirs.txt` what a skill or a new version of
the program made of it. `about.json` names the file, and why the engine could not decide. The
pages in `skills/` say what must stay true.

Write `resolved.txt` into each folder: the lines that stand there from now on, with what both
sides meant, and no conflict markers. Leave a folder without it if you cannot know. Nothing else
that you write is read.
"""


@dataclass(frozen=True, slots=True)
class AssistantCommand:
    """The command, the environment that it gets, and the fork whose conflicts it sees."""

    fork: Fork
    command: tuple[str, ...]
    environment: dict[str, str]
    files: tuple[Path, ...] = ()
    """What it may read besides the program itself: `skills.assistantFiles`."""
    may_be_unconfined: bool = False

    @classmethod
    def of(cls, fork: Fork) -> AssistantCommand | None:
        """As configured: `skills.assistant`, and in `skills.assistantEnvironment` the variables
        that it needs.
        """
        configured = fork.git.settings.value("skills.assistant")
        if not configured:
            return None
        try:
            command = tuple(shlex.split(configured))
        except ValueError as error:
            raise Refused(
                f"skills.assistant is no command: {error}",
                hint="git config skills.assistant 'COMMAND'",
            ) from None
        names = (*_ALLOWED, *(fork.git.settings.value("skills.assistantEnvironment") or "").split())
        more = shlex.split(fork.git.settings.value("skills.assistantFiles") or "")
        return cls(
            fork,
            command,
            {name: os.environ[name] for name in names if name in os.environ},
            tuple(Path(name).expanduser() for name in more),
            fork.git.settings.is_on("skills.assistantUnconfined"),
        )

    def resolve(self, computed: Computed) -> list[Resolution]:
        """Its answers, for the files of which it resolved every region. Raises OSError if it cannot
        be started, or if this machine has no room for it and the owner has not accepted that.
        """
        if (why := unconfined()) and not self.may_be_unconfined:
            raise OSError(f"{why}; to let it see all that you can: {_ACCEPT}")
        tree = Tree(self.fork.objects, computed.tree)
        reasons = {
            conflict.path: conflict for conflict in computed.merge.conflicts if conflict.regions
        }
        files = {path: data for path in reasons if (data := tree.read(path)) is not None}
        with tempfile.TemporaryDirectory(prefix="skills-conflict-") as name:
            folder = Path(name)
            (folder / "CONFLICT.md").write_text(_TASK, encoding="utf-8")
            self._pages(folder / "skills", computed)
            places: list[tuple[str, Path]] = []
            for path, data in files.items():
                for number, region in enumerate(regions_in(data)):
                    told = reasons[path].regions
                    reason = told[number].reason if number < len(told) else reasons[path].reason
                    place = folder / "regions" / f"{len(places) + 1:03}"
                    _lay_out(place, path, region, reason)
                    places.append((path, place))
            self._run(folder)
            answers = {
                path: [_answer(place) for other, place in places if other == path] for path in files
            }
        return [
            made
            for path, data in files.items()
            if (resolved := _filled(data, answers[path])) is not None
            and (made := make(path, data, resolved, "assistant")) is not None
        ]

    def _run(self, folder: Path) -> None:
        with tempfile.TemporaryDirectory(
            prefix="graftbot-home-", ignore_cleanup_errors=True
        ) as home:
            path = self.environment.get("PATH", os.defpath)
            reads = (*_program(self.command, path), *self.files)
            room = Room(folder, reads, (folder, Path(home)), network=True)
            confined = {} if unconfined() else {"HOME": home}
            with enclosed(self.command, room, self.environment | confined) as inside:
                done = run(inside.command, cwd=folder, env=inside.env, timeout=_LONGEST)
            if done.code and not any(folder.glob("regions/*/resolved.txt")):
                raise OSError(last_lines(done.output, 1) or f"it ended with {done.code}")

    def _pages(self, folder: Path, computed: Computed) -> None:
        """The prose of the skills that take part."""
        folder.mkdir()
        for pin in computed.intent.skills:
            package = self.fork.pinned(pin)
            (folder / f"{pin.name}.md").write_text(package.prose, encoding="utf-8")


def _program(command: tuple[str, ...], path: str) -> Iterator[Path]:
    """What a program consists of, as far as that can be told: its file, the folder of programs that
    it lies in (an interpreter may stand beside it), its package of node's, and files that its
    arguments name.
    """
    found = shutil.which(command[0], path=path)
    for file in (Path(found), Path(found).resolve()) if found else ():
        yield file
        if file.name.startswith("python") or (file.parent.parent / "pyvenv.cfg").exists():
            yield from python_files(file)
        if file.parent.name == "bin":
            yield file.parent
        if "node_modules" in file.parts:
            yield file.parent
    yield from (Path(word) for word in command[1:] if word.startswith("/") and Path(word).is_file())


def _lay_out(place: Path, path: str, region: Region, reason: str) -> None:
    place.mkdir(parents=True)
    about = {"path": path, "line": region.line, "reason": reason}
    page = in_json(json.dumps(about, indent=2, ensure_ascii=False))
    (place / "about.json").write_text(page + "\n", encoding="utf-8")
    for name, data in (("base", region.base), ("ours", region.ours), ("theirs", region.theirs)):
        (place / f"{name}.txt").write_bytes(data)


def _answer(place: Path) -> bytes | None:
    """A regular file in the very folder: a link could lead to what the owner has elsewhere."""
    path = place / "resolved.txt"
    if place.is_symlink() or path.is_symlink() or not path.is_file():
        return None
    return path.read_bytes()


def _filled(conflict: bytes, answers: list[bytes | None]) -> bytes | None:
    """The file with an answer in the place of each region, markers included; None where one is
    missing.
    """
    if None in answers:
        return None
    lines, regions = split_lines(conflict), regions_in(conflict)
    texts: dict[int, bytes] = {}
    for region, answer in zip(regions, answers, strict=True):
        marker = lines[region.line - 1]
        end = marker[len(marker.rstrip(b"\r\n")) :]
        text = b"".join(line + b"\n" for line in bare_lines(answer or b""))
        texts[region.line] = text.replace(b"\n", end)
    return filled(conflict, regions, lambda region: texts[region.line])
