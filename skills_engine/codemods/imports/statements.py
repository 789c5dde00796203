"""The imports of a file: which there are, what they bind, and what an operation's `import` key asks
for.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import libcst as cst

from skills_engine.codemods.source import snippets
from skills_engine.codemods.source.definitions import suites
from skills_engine.import_order import ImportedName

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skills_engine.codemods.files import Files
    from skills_engine.codemods.source.source import Source

__all__ = [
    "Guard",
    "ImportStatement",
    "ImportedName",
    "OwnModules",
    "is_type_checking",
    "names_of",
    "statements",
    "type_checking_blocks",
    "wanted",
]

Guard = Literal["", "TYPE_CHECKING", "block", "class", "function"]
"""Where an import stands: in the module's body, below `if TYPE_CHECKING:`, in another block of the
module, in a class or in a function.
"""


@dataclass(frozen=True, eq=False)
class ImportStatement:
    """An import statement of a file."""

    node: cst.Import | cst.ImportFrom
    line: cst.SimpleStatementLine | cst.SimpleStatementSuite
    names: tuple[ImportedName, ...]
    guard: Guard
    block: cst.CSTNode
    """The body that the line stands in, or the one-line suite that it is."""
    top: cst.CSTNode
    """The statement of the module that the line is, or is in."""

    @property
    def module(self) -> str:
        """What a from-import imports from, with its dots; '' for `import a`."""
        return self.names[0].module if isinstance(self.node, cst.ImportFrom) else ""

    def index(self, name: ImportedName) -> int:
        return self.names.index(name)


@dataclass(frozen=True)
class OwnModules:
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


def wanted(key: str, text: str) -> tuple[ImportedName, ...]:
    """What one import statement imports. Raises Malformed for anything else."""
    return snippets.read(key, text, _wanted, "write one import statement: `from a.b import C`")


def statements(source: Source, *, local: bool = False) -> list[ImportStatement]:
    """The imports of a module in file order; those in `if __name__ == "__main__"` left out, and
    those in functions and classes but for `local`.
    """
    found = _statements(source.module, source.module.body, "")
    return [s for s in found if local or s.guard not in {"class", "function"}]


def type_checking_blocks(source: Source) -> list[cst.If]:
    """The `if TYPE_CHECKING:` statements at module level."""
    return [
        node
        for node in source.module.body
        if isinstance(node, cst.If) and is_type_checking(node.test)
    ]


def _wanted(text: str) -> tuple[ImportedName, ...] | None:
    match snippets.parse(text).body:
        case [ast.Import(names=names)]:
            return tuple(ImportedName(alias.name, "", alias.asname or "") for alias in names)
        case [ast.ImportFrom(module=module, names=names, level=level)]:
            origin = "." * level + (module or "")
            return tuple(ImportedName(origin, alias.name, alias.asname or "") for alias in names)
    return None


def _statements(
    block: cst.CSTNode, body: Sequence[cst.CSTNode], guard: Guard, top: cst.CSTNode | None = None
) -> Iterator[ImportStatement]:
    for line in body:
        above = top or line
        match line:
            case cst.SimpleStatementLine() | cst.SimpleStatementSuite():
                for small in line.body:
                    if isinstance(small, cst.Import | cst.ImportFrom):
                        yield ImportStatement(small, line, names_of(small), guard, block, above)
            case cst.If():
                yield from _branches(line, guard, above)
            case cst.FunctionDef():
                yield from _inside(line.body, "function", above)
            case cst.ClassDef():
                yield from _inside(line.body, guard if guard == "function" else "class", above)
            case cst.BaseCompoundStatement():
                for suite in suites(line):
                    yield from _inside(suite, guard or "block", above)


def _inside(suite: cst.BaseSuite, guard: Guard, top: cst.CSTNode) -> Iterator[ImportStatement]:
    lines = suite.body if isinstance(suite, cst.IndentedBlock) else [suite]
    yield from _statements(suite, lines, guard, top)


def _branches(node: cst.If, guard: Guard, top: cst.CSTNode) -> Iterator[ImportStatement]:
    if _is_main(node.test) and not guard:
        return
    inner: Guard = guard or ("TYPE_CHECKING" if is_type_checking(node.test) else "block")
    yield from _inside(node.body, inner, top)
    if isinstance(node.orelse, cst.If):
        yield from _branches(node.orelse, guard, top)
    elif node.orelse is not None:
        yield from _inside(node.orelse.body, guard or "block", top)


def is_type_checking(test: cst.BaseExpression) -> bool:
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


def names_of(node: cst.Import | cst.ImportFrom) -> tuple[ImportedName, ...]:
    if isinstance(node, cst.Import):
        return tuple(
            ImportedName(alias.evaluated_name, "", alias.evaluated_alias or "")
            for alias in node.names
        )
    module = "." * len(node.relative) + (_dotted(node.module) if node.module else "")
    if isinstance(node.names, cst.ImportStar):
        return (ImportedName(module, "*"),)
    return tuple(
        ImportedName(module, alias.evaluated_name, alias.evaluated_alias or "")
        for alias in node.names
    )


def _dotted(node: cst.BaseExpression) -> str:
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""
