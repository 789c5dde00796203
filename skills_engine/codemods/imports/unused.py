"""Imports that a file no longer needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.names.read import names_of
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.codemods.imports.statements import ImportStatement
    from skills_engine.codemods.names.scopes import Names, Scope
    from skills_engine.codemods.source.source import Source
    from skills_engine.import_order import ImportedName

__all__ = ["marked", "uses"]

_CODES = r"(?:\s*:(?!.*\b(?:F401|F4|F)\b)|\w)"
_ON_LINE = re.compile(
    rf"#.*(?:\bnoqa\b(?!{_CODES})|pylint:\s*disable=[\w\s,-]*\b(?:unused-import|W0611|all)\b"
    r"|\bnopycln:\s*import|\bpyflakes:ignore|ruff:\s*ignore\[[^\]]*F401)",
    re.IGNORECASE,
)
_IN_FILE = re.compile(
    rf"^\s*#\s*(?:(?:ruff|flake8)[:=]\s*noqa\b(?!{_CODES})|nopycln:\s*file|pylint:\s*skip-file"
    r"|pylint:\s*disable=[\w\s,-]*\b(?:unused-import|W0611|all)\b|ruff:\s*disable\[[^\]]*F401"
    r"|ruff:\s*file-ignore\[[^\]]*F401)",
    re.IGNORECASE | re.MULTILINE,
)
_ABOVE = re.compile(
    r"#\s*(?:pylint:\s*disable-next=[\w\s,-]*\b(?:unused-import|W0611|all)\b"
    r"|noinspection\s+PyUnresolvedReferences)",
    re.IGNORECASE,
)
_READ_BY_PYTHON = frozenset({"__all__", "__getattr__", "__dir__", "__path__", "__doc__"})
"""Names of a module that Python itself looks for."""
_COLLECTED = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$")


def uses(source: Source, name: ImportedName, statement: ImportStatement) -> list[int]:
    """The lines that use what an import binds, in order; empty if nothing does.

    A star, `import x as x` and what is marked for a linter (`# noqa: F401`, `# pylint:
    disable=unused-import`, in the line or for the file) are for others, and so count as used where
    they stand; so do names that Python reads, as `__all__`. `from __future__ import annotations`
    is used by every annotation, and by what the annotation in quotes or a type comment names it.
    A string uses a name that it is; a test, a fixture of the name of its parameter.
    """
    here = source.line(source.span(statement.node).start)
    if name.reexported or not name.bound or marked(source, name, statement):
        return [here]
    if name.bound in _READ_BY_PYTHON:
        return [here]
    names = names_of(source)
    if name.module == "__future__" and name.name:
        return sorted(set(_annotations(source))) if name.name == "annotations" else []
    scope = next((i.scope for i in names.imports if i.statement is statement.node), names.module)
    chain = name.module if not name.name and not name.alias and "." in name.module else name.bound
    if chain != name.bound and not _shared(names, name):
        chain = name.bound
    return sorted(set(_lines(names, scope, chain)))


def marked(source: Source, name: ImportedName, statement: ImportStatement) -> bool:
    """Whether a linter is told to leave the import alone, though nothing may use it."""
    text = source.data.decode("utf-8")
    if _IN_FILE.search(text):
        return True
    span = source.span(statement.node)
    start = source.line_start(span.start)
    above = source.text(Span(source.line_start(start - 1), start)) if start else ""
    if _ABOVE.match(above.strip()):
        return True
    first, last = source.line(span.start), source.line(span.end)
    own = {first, last} | _own_lines(source, name, statement)
    lines = text.split("\n")
    return any(_ON_LINE.search(lines[number - 1]) for number in own)


def _own_lines(source: Source, name: ImportedName, statement: ImportStatement) -> set[int]:
    node = statement.node
    if isinstance(node.names, cst.ImportStar):
        return set()
    span = source.span(node.names[statement.index(name)])
    return set(range(source.line(span.start), source.line(span.end) + 1))


def _annotations(source: Source) -> Iterator[int]:
    for node in source.parents:
        if isinstance(node, cst.Annotation):
            yield source.line(source.span(node).start)


def _shared(names: Names, name: ImportedName) -> bool:
    """Whether another `import a.x` binds the same package, so that only `a.b` itself says what is
    used.
    """
    others = {i.module for i in names.imports if not i.name and i.bound == i.module.split(".")[0]}
    return any(o != name.module and o.partition(".")[0] == name.bound for o in others)


def _lines(names: Names, scope: Scope, chain: str) -> Iterator[int]:
    source = names.source
    root, _, rest = chain.partition(".")
    bound = {b.name for b in scope.bound.get(root, ()) if b.kind == "import"}
    for use in names.uses[root]:
        if use.owner is scope and use.node not in bound and _whole(names, use.node, rest):
            yield source.line(names.span(use.node).start)
    word = re.compile(rf"(?<![\w.]){re.escape(chain)}\b")
    quoted = re.compile(rf"(['\"]){re.escape(chain)}\1")
    text = source.data.decode("utf-8")
    for number, line in enumerate(text.split("\n"), 1):
        if quoted.search(line):
            yield number
    for node in names.opaque:
        if word.search(source.code(node)):
            yield source.line(source.span(node).start)
    if _COLLECTED.search(source.path) and scope is names.module:
        yield from _requested(names, chain)


def _whole(names: Names, node: cst.Name, rest: str) -> bool:
    """Whether a name stands in `name.rest`."""
    for part in rest.split(".") if rest else ():
        access = next((a for a in names.accesses[part] if _first(a.value) is node), None)
        if access is None:
            return False
    return True


def _first(node: cst.BaseExpression) -> cst.BaseExpression:
    while isinstance(node, cst.Attribute):
        node = node.value
    return node


def _requested(names: Names, fixture: str) -> Iterator[int]:
    """Where a test or a fixture asks pytest for a fixture of that name."""
    for scope in names.scopes:
        function = scope.node
        if not isinstance(function, cst.FunctionDef) or fixture not in scope.bound:
            continue
        decorators = " ".join(names.source.code(d.decorator) for d in function.decorators)
        asks = function.name.value.startswith("test") or "fixture" in decorators
        parameters = [b for b in scope.bound[fixture] if b.kind == "parameter"]
        if asks and parameters and parameters[0].name is not None:
            yield names.source.line(names.source.span(parameters[0].name).start)
