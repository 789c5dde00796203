"""From the bytes of a package to a `Package`, or to every mistake in it.

What stands in the codemod blocks is read here as plain data; whether each entry
is an operation is for `decode`, which imports LibCST.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import PackageError
from skills_engine.package import strict_yaml
from skills_engine.package.digest import digest
from skills_engine.package.frontmatter import NAME, read_frontmatter
from skills_engine.package.layout import LARGEST_PAGE, check_adds, check_files
from skills_engine.package.manifest import ManifestReader
from skills_engine.package.markdown import Fence, Heading, Prose, normalised, split
from skills_engine.package.model import ADD, BlockEntry, Package, Step
from skills_engine.package.problems import Problems, moved
from skills_engine.package.strict_yaml import Items, Keys

if TYPE_CHECKING:
    from skills_engine.package.markdown import Document
    from skills_engine.package.model import Manifest, PackageFiles
    from skills_engine.types import Problem

__all__ = ["Examined", "examine", "invalid", "read"]

_MANIFEST = ["yaml", "manifest"]
_CODEMOD = ["yaml", "codemod"]
_LOOKS_LIKE_OURS = re.compile(
    r"[\s>]*([-*+]|\d+[.)])?[\s>]*(`{3,}|~{3,})\s*(ya?ml\s+)?(codemod|manifest)\b"
)
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u061c\u2028-\u202e\u2060-\u206f\ufeff"
    r"\U000e0000-\U000e0fff]"
)
_WORDS_OF_A_SENTENCE = 3


@dataclass(frozen=True, slots=True)
class Examined:
    """What could be read; `package` is there when there are no problems. `steps` are those that are
    whole.
    """

    package: Package | None
    steps: tuple[Step, ...]
    problems: tuple[Problem, ...]


def read(
    name: str,
    files: PackageFiles,
    *,
    links: frozenset[str] = frozenset(),
    executable: frozenset[str] = frozenset(),
) -> Package:
    """The package in the directory `.claude/skills/<name>/`. Raises PackageError with all its
    mistakes.

    `links` are the entries that are no regular files (symbolic links, submodules);
    `executable` the files with the executable bit.
    """
    found = examine(name, files, links=links, executable=executable)
    if found.package is None:
        raise invalid(name, found.problems)
    return found.package


def invalid(
    name: str, problems: tuple[Problem, ...], place: str = "", hint: str = ""
) -> PackageError:
    """The error for a package with these mistakes; its message shows the first, `problems` has all.

    `place` is the directory or address where the package lies, if that is not
    `.claude/skills/<name>` in the fork.
    """
    if place:
        problems = tuple(moved(problem, name, place) for problem in problems)
    rest = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    return PackageError(
        f"the package {name} is not valid: {problems[0]}{rest}",
        problems,
        hint=hint or f"`skills lint {place or name}` shows every mistake",
    )


def examine(
    name: str,
    files: PackageFiles,
    *,
    links: frozenset[str] = frozenset(),
    executable: frozenset[str] = frozenset(),
) -> Examined:
    """As `read`, but what can be read is given with the mistakes."""
    problems = Problems(name)
    if not NAME.fullmatch(name):
        problems.add(
            1,
            f"the directory {name!r} is no name of a skill",
            "lowercase letters, digits, single hyphens",
        )
    check_files(files, links, problems)
    text = _text(files, problems)
    if text is None:
        return Examined(None, (), problems.found())
    page = split(text)
    front = read_frontmatter(page.frontmatter, name, problems)
    reader = _MachinePart(name, page, problems)
    manifest, steps = reader.manifest, tuple(reader.steps)
    check_adds(reader.added, reader.adds_line, files, links, problems)
    if reader.manifest_line == 0 and (
        reader.codemods or any(path.startswith(ADD) for path in files)
    ):
        problems.add(
            reader.codemods or page.body_line,
            "the package changes the fork, but has no manifest block",
            "a block ```yaml manifest with at least `version:` and `core:`",
        )
    found = problems.found()
    if found:
        return Examined(None, steps, found)
    package = Package(
        name=name,
        description=front.description,
        prose=page.body.strip("\n"),
        manifest=manifest,
        steps=steps,
        files=dict(files),
        digest=digest(files, executable),
        executable=executable & files.keys(),
    )
    return Examined(package, steps, ())


def _text(files: PackageFiles, problems: Problems) -> str | None:
    """SKILL.md with `\\n` line ends, or None with the mistake recorded."""
    data = files.get("SKILL.md")
    if data is None:
        near = next((path for path in files if path.casefold() == "skill.md"), "")
        problems.add(1, "the package has no SKILL.md", f"rename {near}" if near else "write one")
        return None
    if len(data) > LARGEST_PAGE:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problems.add(
            line, f"byte {error.object[error.start]:#04x} is not UTF-8", "save the file as UTF-8"
        )
        return None
    text = normalised(text)
    for number, line_text in enumerate(text.split("\n"), 1):
        if hidden := _UNSEEN.search(line_text):
            what = f"the character U+{ord(hidden[0]):04X} cannot be seen"
            problems.add(number, what, "leave it out, so that the page is what it looks like")
    # YAML takes some of them for line ends; without them the lines of its mistakes are those of the
    # page.
    return _UNSEEN.sub(" ", text.removeprefix("\ufeff"))


class _MachinePart:
    """The manifest and the steps of a page."""

    def __init__(self, name: str, page: Document, problems: Problems) -> None:
        self.problems = problems
        self.manifest: Manifest | None = None
        self.manifest_line = 0
        self.added: dict[str, int] = {}
        self.adds_line = page.body_line
        self.steps: list[Step] = []
        self.codemods = 0
        """The line of the first codemod block."""
        heading = ""
        section: list[str] = []
        fenced: set[int] = set()
        for block in page.blocks():
            match block:
                case Heading(title=title):
                    heading, section = title, []
                case Fence(info=info, indent=0) if info.split() == _MANIFEST:
                    self._manifest(name, block)
                case Fence(info=info, indent=0) if info.split() == _CODEMOD:
                    self._codemod(heading, section, block)
                case Fence(raw=raw):
                    self._other(block)
                    section.append(raw)
                case Prose(text=text):
                    section.append(text)
            if isinstance(block, Fence):
                if not block.closed:
                    problems.add(
                        block.line, f"nothing closes the block ```{block.info}", "a line ```"
                    )
                if not block.indent:
                    fenced.update(range(block.line, block.line + block.raw.count("\n") + 1))
        for number, line in enumerate(page.body.split("\n"), page.body_line):
            if number not in fenced and _LOOKS_LIKE_OURS.match(line):
                what = (
                    "this block is in a list, a quotation, an indented block or an HTML "
                    "comment, and is not run"
                )
                problems.add(number, what, "begin it at the left margin, or leave it out")

    def _manifest(self, name: str, block: Fence) -> None:
        if self.manifest_line:
            self.problems.add(
                block.line,
                "a second manifest block",
                f"one; the first is in line {self.manifest_line}",
            )
            return
        reader = ManifestReader(name, self.problems)
        self.manifest = reader.read(block.text, block.line)
        self.manifest_line = block.line
        self.added = reader.added
        self.adds_line = reader.lines.get("adds", block.line)

    def _codemod(self, heading: str, section: list[str], block: Fence) -> None:
        self.codemods = self.codemods or block.line
        prose = "\n\n".join(section)
        if not heading:
            self.problems.add(
                block.line,
                "no heading stands above this codemod block",
                "`## What the change is for`",
            )
        elif len(re.findall(r"\w+", prose)) < _WORDS_OF_A_SENTENCE:
            right = "a sentence: what it adds, and what must stay true"
            self.problems.add(
                block.line, f"no prose stands between the heading {heading!r} and this block", right
            )
        entries = self._entries(block)
        if entries:
            self.steps.append(Step(heading, prose, block.line, entries))

    def _entries(self, block: Fence) -> tuple[BlockEntry, ...]:
        node = strict_yaml.parse(block.text, block.line + 1, self.problems)
        if node is None:
            return ()
        right = "a list, each item beginning with `- ensure:`"
        if not isinstance(node, Items) or not node.items:
            what = "empty" if isinstance(node, Items) else strict_yaml.kind(node)
            self.problems.add(block.line, f"the codemod block is {what}", right)
            return ()
        entries = []
        for item in node.items:
            if not isinstance(item, Keys):
                self.problems.add(item.line, f"an entry is {strict_yaml.kind(item)}", right)
                continue
            keys = strict_yaml.value(item, self.problems)
            lines = {key: line for key, (line, _) in item.items.items()}
            word = keys.get("ensure")
            if "ensure" not in keys:
                self.problems.add(item.line, "an entry has no 'ensure'", right)
            elif not isinstance(word, str):
                self.problems.add(
                    lines["ensure"], "'ensure' is no text", "the name of an operation"
                )
            else:
                entries.append(BlockEntry(item.line, keys, lines))
        return tuple(entries)

    def _other(self, block: Fence) -> None:
        """A block that is an example, unless it is ours misspelt."""
        words = block.info.casefold().split()
        if words[:1] in (["yaml"], ["yml"]) and difflib.get_close_matches(
            "".join(words[1:2]), ("manifest", "codemod")
        ):
            right = "```yaml manifest or ```yaml codemod"
        elif words in (["manifest"], ["codemod"], ["codemods"]):
            right = f"```yaml {words[0].removesuffix('s')}"
        else:
            return
        self.problems.add(block.line, f"nothing reads a block ```{block.info}", right)
