"""Import statements as text: what they import, and which lines a sorter is told to leave alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from skills_engine.lines import bare_lines

__all__ = ["ImportedName", "kept_apart", "module_of", "read_statement", "skipped"]

_COMMENT = re.compile(r"#[^\n]*")
_STATEMENT = re.compile(
    r"\s*(?:from\s*(?P<module>\.[.\s]*[\w.]*|\s[\w.\s]+?)\s*\bimport\b|import\b)"
    r"[\s(]*(?P<names>[^()]*?)[\s),;]*",
)
_OFF = re.compile(r"#\s*(?:isort:\s*off|fmt:\s*off|ruff:\s*isort:\s*off|yapf:\s*disable)\b")
_ON = re.compile(r"#\s*(?:isort:\s*on|fmt:\s*on|ruff:\s*isort:\s*on|yapf:\s*enable)\b")
_SKIP = re.compile(r"#.*\b(?:isort:\s*skip\b(?!_file)|isort\s*:\s*dont-add|noreorder)")


@dataclass(frozen=True, slots=True)
class ImportedName:
    """One name of an import statement. `module` has its leading dots; `name` is '' for `import
    a.b`, '*' for all.
    """

    module: str
    name: str = ""
    alias: str = ""

    @property
    def bound(self) -> str:
        """The name in this file; '' for a star."""
        return self.alias or (
            "" if self.name == "*" else self.name or self.module.partition(".")[0]
        )

    @property
    def reexported(self) -> bool:
        """Whether it is written `x as x`, which says that it is there for others."""
        return self.alias != "" and self.alias == (self.name or self.module)

    def __str__(self) -> str:
        """As it stands in a statement: `C as D`, `a.b`."""
        return (self.name or self.module) + (f" as {self.alias}" if self.alias else "")

    def means(self, other: ImportedName, path: str) -> bool:
        """Whether both bind the same thing to the same name, in the file at `path`."""
        return self._meaning(path) == other._meaning(path)

    def clashes(self, other: ImportedName, path: str) -> bool:
        """Whether both bind the same name, to different things."""
        if not self.bound or self.bound != other.bound or self.means(other, path):
            return False
        return bool(
            self.name or self.alias or other.name or other.alias
        )  # `import a.b` and `import a.c` go together

    def _meaning(self, path: str) -> tuple[str, str, str]:
        alias = "" if self.reexported and (self.name or "." not in self.module) else self.alias
        return (module_of(self.module, path), self.name, alias)


def module_of(module: str, path: str) -> str:
    """A module's absolute name, as seen from a file: `..a` in `x/y/z.py` is `x.a`."""
    bare = module.lstrip(".")
    level = len(module) - len(bare)
    if not level:
        return module
    package = path.removeprefix("src/").split("/")[:-1]
    if level - 1 > len(package):
        return module
    return ".".join([*package[: len(package) - level + 1], *([bare] if bare else [])])


def read_statement(text: str) -> tuple[ImportedName, ...]:
    """What one import statement imports, in whatever layout it is written; () for other code."""
    plain = _COMMENT.sub("", text).replace("\\\r\n", " ").replace("\\\n", " ").strip()
    found = _STATEMENT.fullmatch(plain)
    if found is None:
        return ()
    module = found["module"]
    module = None if module is None else re.sub(r"\s+", "", module)
    names: list[ImportedName] = []
    for part in found["names"].split(","):
        words = part.split()
        if not words:
            continue
        alias = words[-1] if len(words) > 2 and words[-2] == "as" else ""
        name = "".join(words[:-2] if alias else words)
        names.append(
            ImportedName(name, "", alias) if module is None else ImportedName(module, name, alias)
        )
    return tuple(names)


def skipped(lines: str) -> bool:
    """Whether a statement's own comment tells sorters to leave it where it is."""
    return _SKIP.search(lines) is not None


def kept_apart(text: str) -> list[range]:
    """The lines (from 1) between `# isort: off` or `# fmt: off` and their `on`, both included."""
    found: list[range] = []
    start = 0
    number = 0
    for number, line in enumerate(bare_lines(text), 1):
        if not start and _OFF.search(line):
            start = number
        elif start and _ON.search(line):
            found.append(range(start, number + 1))
            start = 0
    if start:
        found.append(range(start, number + 1))
    return found
