"""The meaning of a file, whatever the order of what has none: elements, fields, imports, settings.

Two skills that each add an element to one list do not care who came first. Two that wrap the same
call do: statements, calls and arguments are compared in their order.
"""

from __future__ import annotations

import ast
import inspect
import json
import tomllib
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["meaning"]


def meaning(path: str, data: bytes | None) -> object:
    """Something that is equal for two versions of a file where they say the same. One that does not
    parse is its bytes.
    """
    if data is None:
        return None
    suffix = path.rpartition("/")[2].rpartition(".")[2]
    read = _READERS.get(suffix)
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
        if read is not None:
            return read(text)
        if ".env" in path.rpartition("/")[2]:
            return sorted(text.splitlines())
    except (UnicodeDecodeError, SyntaxError, ValueError, yaml.YAMLError, RecursionError):
        return data
    return data


def _python(text: str) -> object:
    tree = _Unordered().visit(ast.parse(text))
    return ast.dump(tree)


def _plain(value: Any) -> Any:
    """JSON, TOML and YAML alike: mappings and lists by their content."""
    if isinstance(value, dict):
        return sorted((str(key), _plain(item)) for key, item in value.items())
    if isinstance(value, list):
        return sorted((_plain(item) for item in value), key=repr)
    return repr(value)


class _Unordered(ast.NodeTransformer):
    """Puts what has no order in one: displays, imports, the fields of a class, definitions that
    stand beside each other.
    """

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        self.generic_visit(node)
        pairs = sorted(zip(node.keys, node.values, strict=True), key=lambda pair: _key(*pair))
        return ast.Dict([key for key, _ in pairs], [value for _, value in pairs])

    def visit_List(self, node: ast.List) -> ast.AST:
        self.generic_visit(node)
        return ast.List(sorted(node.elts, key=ast.dump), node.ctx)

    def visit_Set(self, node: ast.Set) -> ast.AST:
        self.generic_visit(node)
        return ast.Set(sorted(node.elts, key=ast.dump))

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Store):
            return node
        return ast.Tuple(sorted(node.elts, key=ast.dump), node.ctx)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """A docstring says what it does with any indentation."""
        value = node.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return ast.Expr(ast.Constant(inspect.cleandoc(value.value)))
        return self.generic_visit(node)

    def visit_Module(self, node: ast.Module) -> ast.AST:
        self.generic_visit(node)
        return ast.Module(_statements(node.body), [])

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        body = _statements(node.body)
        fields = [each for each in body if isinstance(each, ast.AnnAssign)]
        others = [each for each in body if not isinstance(each, ast.AnnAssign)]
        node.body = [*sorted(fields, key=ast.dump), *others]  # a method may stand between them
        return node


def _key(*nodes: ast.AST | None) -> str:
    return "|".join("" if node is None else ast.dump(node) for node in nodes)


def _statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """Imports first, a name each; runs of definitions, and of annotated names, by what they say."""
    imports: dict[str, ast.stmt] = {}
    rest: list[ast.stmt] = []
    for node in body:
        if isinstance(node, ast.ImportFrom):
            for name in node.names:
                one = ast.ImportFrom(node.module, [name], node.level)
                imports[ast.dump(one)] = one
        elif isinstance(node, ast.Import):
            for name in node.names:
                imports[ast.dump(ast.Import([name]))] = ast.Import([name])
        else:
            rest.append(node)
    return [*(imports[key] for key in sorted(imports)), *_runs(rest)]


def _runs(body: list[ast.stmt]) -> list[ast.stmt]:
    out: list[ast.stmt] = []
    run: list[ast.stmt] = []
    kind = ""
    for node in [*body, None]:
        found = _run(node)
        if found != kind or not found:
            out += sorted(run, key=ast.dump)
            run, kind = [], found
        if node is not None:
            (run if found else out).append(node)
    return out


def _run(node: ast.stmt | None) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return "definitions"
    return "fields" if isinstance(node, ast.AnnAssign) else ""


_READERS: dict[str, Callable[[str], object]] = {
    "py": _python,
    "json": lambda text: _plain(json.loads(text)),
    "toml": lambda text: _plain(tomllib.loads(text)),
    "yaml": lambda text: _plain(yaml.safe_load(text)),
    "yml": lambda text: _plain(yaml.safe_load(text)),
}
