"""Whether a file still needs a name that it imports."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.codemods.imports import Imported, Statement
    from skills_engine.codemods.source import Source

__all__ = ["uses"]

_NOQA = re.compile(rb"#.*\bnoqa\b(?!:(?!.*\bF401\b))", re.IGNORECASE)


def uses(source: Source, name: Imported, statement: Statement) -> list[int]:
    """The lines that use what an import binds, in order; empty if nothing does.

    A star, `import x as x` and `# noqa: F401` are for others, and so count as used where they
    stand. A string uses a name that it is (as in `__all__`), and an annotation that is a string
    uses the names in it.
    """
    start, end = source.span(statement.node).start, source.line_end(source.span(statement.line).end)
    here = source.line(start)
    if name.reexported or not name.bound or _NOQA.search(source.data[start:end]):
        return [here]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.data.decode("utf-8"))
    except SyntaxError as error:
        what = f"this Python cannot say what {source.path} uses: {error.msg} in line {error.lineno}"
        hint = "run skills with the Python that the file is written for"
        raise source.drifted("", what, statement.node, hint=hint) from None
    chain = name.module if not name.name and not name.alias and "." in name.module else name.bound
    if chain != name.bound and not _shared(tree, name):
        chain = name.bound
    return sorted(set(_lines(tree, chain)))


def _shared(tree: ast.Module, name: Imported) -> bool:
    """Whether another `import a.x` binds the same package, so that only `a.b` itself says what is
    used.
    """
    others = {
        a.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for a in node.names
        if not a.asname
    }
    return any(o != name.module and o.partition(".")[0] == name.bound for o in others)


def _lines(tree: ast.Module, chain: str) -> Iterator[int]:
    word = re.compile(rf"(?<![\w.]){re.escape(chain)}\b")
    for node in ast.walk(tree):
        match node:
            case ast.Name() | ast.Attribute() if _dotted(node) == chain:
                yield node.lineno
            case ast.Constant(value=str(text)) if text == chain:
                yield node.lineno
            case ast.Global(names=names) | ast.Nonlocal(names=names) if chain in names:
                yield node.lineno
            case (
                ast.arg(annotation=ast.expr() as annotation) | ast.AnnAssign(annotation=annotation)
            ):
                yield from _strings(annotation, word)
            case (
                ast.FunctionDef(returns=ast.expr() as annotation)
                | ast.AsyncFunctionDef(returns=ast.expr() as annotation)
            ):
                yield from _strings(annotation, word)
            case ast.Call(func=func, args=args) if _dotted(func).rpartition(".")[2] in {
                "cast",
                "TypeVar",
                "NewType",
            }:
                for argument in args:
                    yield from _strings(argument, word)


def _strings(node: ast.expr, word: re.Pattern[str]) -> Iterator[int]:
    for below in ast.walk(node):
        if (
            isinstance(below, ast.Constant)
            and isinstance(below.value, str)
            and word.search(below.value)
        ):
            yield below.lineno


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        front = _dotted(node.value)
        return f"{front}.{node.attr}" if front else ""
    return node.id if isinstance(node, ast.Name) else ""
