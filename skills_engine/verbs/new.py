"""The verb `new`: a package to begin with, made of the repository's template for its kind; of the
engine's own for `plain`, where the repository has none.

A template is a package that works, of a thing called *sample name*: in its text and in its paths
each spelling of that (`sample-name`, `sample_name`, `SampleName`, `SAMPLE_NAME`, `Sample name`,
`sample name`) becomes that of the thing which is wanted, and `core` this fork's version.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.graft.fork import Fork
from skills_engine.graft.project import read_project
from skills_engine.manifest import SKILLS
from skills_engine.package.frontmatter import NAME
from skills_engine.types import Event
from skills_engine.verbs.plain import plain
from skills_engine.verbs.record import core_range, write_package

if TYPE_CHECKING:
    from pathlib import Path

    from skills_engine.types import Progress

__all__ = ["Made", "kinds", "new"]

_CORE = re.compile(r"^core:.*$", re.MULTILINE)
_DECLARED = re.compile(r"^name:.*$", re.MULTILINE)
_TO_DO = re.compile(r"(?i)\bsay here\b|\bto be written\b")


@dataclass(frozen=True, slots=True)
class Made:
    """A package that was begun: where, its files, and each line in which something is left to
    write.
    """

    name: str
    kind: str
    folder: str
    files: tuple[str, ...]
    to_write: tuple[str, ...]


def kinds(fork: Fork) -> tuple[str, ...]:
    """The kinds that the repository has templates for, and `plain`."""
    folder = fork.repository.root / read_project(fork.tree).templates
    return tuple(sorted({"plain", *(path.parent.name for path in folder.glob("*/SKILL.md"))}))


def new(directory: Path, kind: str, name: str, out: Path | None = None) -> Progress[Made]:
    """Begin a skill of a kind, in `.claude/skills/NAME` or `out`. Writes the package only.

    Raises Refused for a kind that the repository has no template for, a name that is none or that
    Python has a meaning of its own for, and where a file that it would add is there already.
    """
    fork = Fork.open(directory)
    try:
        yield Event(f"begin {name}")
        words = _words(name)
        template = _template(fork, kind)
        folder = (out or fork.repository.root / SKILLS / name).absolute()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise Refused(f"{folder} is there already", hint="choose another name, or -o DIR")
        spelt = _spellings(words)
        files = {_put(inside, spelt): _put(text, spelt) for inside, text in template.items()}
        core = core_range(fork.version_at(fork.head))
        page = _DECLARED.sub(f"name: {name}", files["SKILL.md"], count=1)
        files["SKILL.md"] = _CORE.sub(f'core: "{core}"', page, count=1)
        for inside in files:
            added = inside.removeprefix("add/")
            if inside != added and fork.tree.exists(added):
                raise Refused(
                    f"{added} is there already", hint="choose a name that this fork has not"
                )
        write_package(folder, {path: text.encode() for path, text in files.items()}, frozenset())
        return Made(name, kind, str(folder), tuple(sorted(files)), _to_write(files))
    finally:
        fork.close()


def _template(fork: Fork, kind: str) -> dict[str, str]:
    """Its files by path."""
    folder = read_project(fork.tree).templates
    there = kinds(fork)
    if kind not in there:
        raise Refused(
            f"there is no kind {kind} of skill",
            hint=f"there are: {', '.join(there)}; or write one, a package of its own: "
            f"{folder}/{kind}/SKILL.md (docs/writing-skills.md)",
        )
    template = fork.repository.root / folder / kind
    if not (template / "SKILL.md").is_file():
        return plain(fork.tree)
    return {
        path.relative_to(template).as_posix(): path.read_text()
        for path in sorted(template.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _words(name: str) -> list[str]:
    """The words of the thing: those of the skill's name without the verb in front."""
    if not NAME.fullmatch(name) or len(name) > 64:
        raise Refused(
            f"{name} is no name of a skill",
            hint="lower-case letters, digits and single hyphens: add-thing",
        )
    verb, _, rest = name.partition("-")
    words = (rest if rest and verb in {"add", "use"} else name).split("-")
    module = "_".join(words)
    if not module.isidentifier() or keyword.iskeyword(module):
        raise Refused(
            f"{module} cannot be the name of a module in Python", hint="choose another name"
        )
    return words


def _spellings(words: list[str]) -> dict[str, str]:
    """By what stands in the template."""
    return {
        "sample-name": "-".join(words),
        "sample_name": "_".join(words),
        "SampleName": "".join(word.capitalize() for word in words),
        "SAMPLE_NAME": "_".join(words).upper(),
        "Sample name": " ".join(words).capitalize(),
        "sample name": " ".join(words),
    }


def _put(text: str, spelt: dict[str, str]) -> str:
    """All at once: what one spelling gave is not read as another."""
    return re.sub("|".join(spelt), lambda found: spelt[found[0]], text)


def _to_write(files: dict[str, str]) -> tuple[str, ...]:
    return tuple(
        f"{path}:{number}"
        for path, text in files.items()
        for number, line in enumerate(text.split("\n"), 1)
        if _TO_DO.search(line)
    )
