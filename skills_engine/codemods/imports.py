"""The imports of a file: which there are, what they bind, and what an operation's `import` key asks
for.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import libcst as cst

from skills_engine.codemods import snippets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skills_engine.codemods.files import Files
    from skills_engine.codemods.source import Source

__all__ = [
    "Guard",
    "Imported",
    "Repository",
    "Statement",
    "module_of",
    "statements",
    "type_checking_blocks",
    "wanted",
]

Guard = Literal["", "TYPE_CHECKING", "block"]
"""Where an import stands: at module level, below `if TYPE_CHECKING:`, or in another block of the
module.
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """One name of an import statement. `module` has its leading dots; `name` is '' for `import
    a.b`.
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

    def means(self, other: Imported, path: str) -> bool:
        """Whether both bind the same thing to the same name, in the file at `path`."""
        ours, theirs = self._meaning(path), other._meaning(path)
        return ours == theirs

    def clashes(self, other: Imported, path: str) -> bool:
        """Whether both bind the same name, to different things."""
        if not self.bound or self.bound != other.bound or self.means(other, path):
            return False
        return bool(
            self.name or self.alias or other.name or other.alias
        )  # `import a.b` and `import a.c` go together

    def _meaning(self, path: str) -> tuple[str, str, str]:
        alias = "" if self.reexported and (self.name or "." not in self.module) else self.alias
        return (module_of(self.module, path), self.name, alias)


@dataclass(frozen=True, eq=False)
class Statement:
    """An import statement of a module, outside functions and classes."""

    node: cst.Import | cst.ImportFrom
    line: cst.SimpleStatementLine
    names: tuple[Imported, ...]
    guard: Guard
    block: cst.CSTNode
    """The body that the line stands in."""
    top: cst.CSTNode
    """The statement of the module that the line is, or is in."""

    @property
    def module(self) -> str:
        """What a from-import imports from, with its dots; '' for `import a`."""
        return self.names[0].module if isinstance(self.node, cst.ImportFrom) else ""

    def index(self, name: Imported) -> int:
        return self.names.index(name)


@dataclass(frozen=True)
class Repository:
    """Says whether a top-level name is the repository's own: a package or module at its root or in
    src/.
    """

    path: str
    files: Files | None = None

    def __call__(self, top: str) -> bool:
        if top == self.path.removeprefix("src/").partition("/")[0]:
            return True
        paths = [f"{root}{top}{tail}" for root in ("", "src/") for tail in (".py", "/__init__.py")]
        return self.files is not None and any(self.files.exists(path) for path in paths)


def wanted(key: str, text: str) -> tuple[Imported, ...]:
    """What one import statement imports. Raises Malformed for anything else."""
    return snippets.read(key, text, _wanted, "write one import statement: `from a.b import C`")


def statements(source: Source) -> list[Statement]:
    """The imports of a module in file order; not those in functions, classes and `if __name__ ==
    "__main__"`.
    """
    return list(_statements(source.module, source.module.body, ""))


def type_checking_blocks(source: Source) -> list[cst.If]:
    """The `if TYPE_CHECKING:` statements at module level that have an indented block."""
    return [
        node
        for node in source.module.body
        if isinstance(node, cst.If)
        and _is_type_checking(node.test)
        and isinstance(node.body, cst.IndentedBlock)
    ]


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


def _wanted(text: str) -> tuple[Imported, ...] | None:
    match snippets.parse(text).body:
        case [ast.Import(names=names)]:
            return tuple(Imported(alias.name, "", alias.asname or "") for alias in names)
        case [ast.ImportFrom(module=module, names=names, level=level)]:
            origin = "." * level + (module or "")
            return tuple(Imported(origin, alias.name, alias.asname or "") for alias in names)
    return None


def _statements(
    block: cst.CSTNode, body: Sequence[cst.CSTNode], guard: Guard, top: cst.CSTNode | None = None
) -> Iterator[Statement]:
    for line in body:
        above = top or line
        if isinstance(line, cst.SimpleStatementLine):
            for small in line.body:
                if isinstance(small, cst.Import | cst.ImportFrom):
                    yield Statement(small, line, _names(small), guard, block, above)
        elif isinstance(line, cst.If):
            yield from _branches(line, guard, above)
        elif isinstance(line, cst.Try | cst.TryStar):
            parts = [
                line,
                *line.handlers,
                *(part for part in (line.orelse, line.finalbody) if part),
            ]
            for part in parts:
                yield from _statements(part.body, _lines(part.body), guard or "block", above)
        elif isinstance(line, cst.With | cst.For | cst.While):
            yield from _statements(line.body, _lines(line.body), guard or "block", above)


def _branches(node: cst.If, guard: Guard, top: cst.CSTNode) -> Iterator[Statement]:
    if _is_main(node.test):
        return
    inner: Guard = guard or ("TYPE_CHECKING" if _is_type_checking(node.test) else "block")
    yield from _statements(node.body, _lines(node.body), inner, top)
    if isinstance(node.orelse, cst.If):
        yield from _branches(node.orelse, guard, top)
    elif node.orelse is not None:
        yield from _statements(node.orelse.body, _lines(node.orelse.body), guard or "block", top)


def _lines(body: cst.BaseSuite) -> Sequence[cst.CSTNode]:
    return body.body if isinstance(body, cst.IndentedBlock) else ()


def _is_type_checking(test: cst.BaseExpression) -> bool:
    match test:
        case cst.Name(value="TYPE_CHECKING") | cst.Attribute(attr=cst.Name(value="TYPE_CHECKING")):
            return True
    return False


def _is_main(test: cst.BaseExpression) -> bool:
    return (
        isinstance(test, cst.Comparison)
        and isinstance(test.left, cst.Name)
        and test.left.value == "__name__"
    )


def _names(node: cst.Import | cst.ImportFrom) -> tuple[Imported, ...]:
    if isinstance(node, cst.Import):
        return tuple(
            Imported(alias.evaluated_name, "", alias.evaluated_alias or "") for alias in node.names
        )
    module = "." * len(node.relative) + (_dotted(node.module) if node.module else "")
    if isinstance(node.names, cst.ImportStar):
        return (Imported(module, "*"),)
    return tuple(
        Imported(module, alias.evaluated_name, alias.evaluated_alias or "") for alias in node.names
    )


def _dotted(node: cst.BaseExpression) -> str:
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""
