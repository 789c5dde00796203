"""Changes that a maintainer might make where a skill has its places.

Each is made of the core, and of the core with the skill, by the names of the same places; what has
no place in a core is left out.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Final

from skills_engine.verbs.trials.edit import Definition, Edit, EditedText, display
from skills_engine.verbs.trials.rename import moved, renamed, renamed_module
from skills_engine.verbs.trials.targets import Files, Targets

__all__ = ["Perturbation", "perturbations"]

Perturbation = Callable[[Files], Files]
"""Some files to the same files changed. It changes nothing where there is nothing to change."""

_NEIGHBOUR: Final = '\n\ndef neighbour() -> None:\n    """Something else."""\n'
_MANY: Final = 3
"""So many of the names, and of the modules, that a skill imports are renamed, each alone."""


def perturbations(where: Targets) -> Iterator[tuple[str, Perturbation]]:
    """Every change with its name."""
    for name, each in _LAYOUTS.items():
        yield name, _on(where.paths, each)
    for name, edits in _EDITS.items():
        yield name, _at(edits(where))
    for path, name in (*where.classes, *where.displays, *where.functions):
        if "." not in name:
            yield f"{name} is renamed", renamed(path, name)
            yield f"{name} moves, and is imported where it was", moved(path, name)
    for path, name in [pair for pair in where.imported if pair[1][0].isupper()][:_MANY]:
        if (path, name) not in (*where.classes, *where.displays):
            yield f"{name} is renamed", renamed(path, name)
    for path in dict.fromkeys((*where.paths, *where.modules[:_MANY])):
        if not path.endswith(("__init__.py", "__main__.py")):
            yield f"{path} is renamed", renamed_module(path)


# --- how a file looks


def _on(paths: tuple[str, ...], change: Callable[[str], str]) -> Perturbation:
    def perturb(files: Files) -> Files:
        return files | {path: change(files[path]) for path in paths if path in files}

    return perturb


def _tabs(source: str) -> str:
    inside: set[int] = set()
    for token in EditedText(source).tokens():
        inside.update(range(token.start[0] + 1, token.end[0] + 1))
    lines = source.split("\n")
    for number, line in enumerate(lines, 1):
        spaces = len(line) - len(line.lstrip(" "))
        if number not in inside:
            lines[number - 1] = "\t" * (spaces // 4) + " " * (spaces % 4) + line[spaces:]
    return "\n".join(lines)


def _uncommented(source: str) -> str:
    text = EditedText(source)
    edits = []
    for token in text.tokens():
        if token.type == 64 or token.string.startswith("#"):
            end = text.at(token.start[0], 0) + token.end[1]
            start = text.at(token.start[0], 0) + token.start[1]
            edits.append((start, end, ""))
    return re.sub(r"[ \t]+$", "", text.edited(edits), flags=re.MULTILINE)


def _airy(source: str) -> str:
    text = EditedText(source)
    return text.edited(
        (text.line_start(node), text.line_start(node), "\n# What follows is as it was.\n")
        for node in text.tree.body
        if isinstance(node, Definition)
    )


def _exploded(source: str) -> str:
    """Every display of the module an element a line, with a comma after the last."""
    text = EditedText(source)
    edits: list[Edit] = []
    for node in text.tree.body:
        value = display(node)
        elements = _elements(text, value)
        if value is None or not elements:
            continue
        opening, closing = text.segment(value)[0], text.segment(value)[-1]
        if opening in "([{":
            lines = "".join(f"    {element},\n" for element in elements)
            edits.append((text.start(value), text.end(value), f"{opening}\n{lines}{closing}"))
    return text.edited(edits)


def _elements(text: EditedText, value: ast.expr | None) -> list[str]:
    if isinstance(value, ast.Dict):
        return [
            f"{text.segment(key)}: {text.segment(item)}" if key else f"**{text.segment(item)}"
            for key, item in zip(value.keys, value.values, strict=True)
        ]
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        return [text.segment(element) for element in value.elts]
    return []


_LAYOUTS: Final[dict[str, Callable[[str], str]]] = {
    "written anew": lambda source: ast.unparse(ast.parse(source)) + "\n",
    "tabs": _tabs,
    "line ends of Windows": lambda source: source.replace("\n", "\r\n"),
    "comments are taken out": _uncommented,
    "comments and blank lines come": _airy,
    "an element a line": _exploded,
    "a function at the end": lambda source: source.rstrip("\n") + "\n" + _NEIGHBOUR,
}

# --- what stands at the skill's places

At = Iterator[tuple[str, str, Callable[[EditedText, ast.stmt], Iterator[Edit]]]]
"""Paths, names, and the edits of the statement that defines one."""


def _at(edits: At) -> Perturbation:
    listed = list(edits)

    def perturb(files: Files) -> Files:
        out = dict(files)
        for path, name, change in listed:
            text = EditedText(out.get(path, ""))
            node = text.named(name)
            if node is not None:
                out[path] = text.edited(change(text, node))
        return out

    return perturb


def _first(text: EditedText, node: ast.stmt) -> Iterator[Edit]:
    value = display(node)
    if value is not None and _elements(text, value):
        new = '"neighbour": None, ' if isinstance(value, ast.Dict) else '"neighbour", '
        yield text.start(value) + 1, text.start(value) + 1, new


def _last(text: EditedText, node: ast.stmt) -> Iterator[Edit]:
    value = display(node)
    elements = _elements(text, value)
    if value is not None and elements:
        last = value.values[-1] if isinstance(value, ast.Dict) else None
        if isinstance(value, ast.List | ast.Tuple | ast.Set):
            last = value.elts[-1]
        if last is not None:
            new = ', "neighbour": None' if isinstance(value, ast.Dict) else ', "neighbour"'
            yield text.end(last), text.end(last), new


def _as_list(text: EditedText, node: ast.stmt) -> Iterator[Edit]:
    value = display(node)
    if isinstance(value, ast.Tuple) and text.segment(value).startswith("("):
        yield text.start(value), text.start(value) + 1, "["
        yield text.end(value) - 1, text.end(value), "]"


def _as_call(text: EditedText, node: ast.stmt) -> Iterator[Edit]:
    value = display(node)
    if isinstance(value, ast.Dict) and all(
        isinstance(key, ast.Constant) and str(key.value).isidentifier() for key in value.keys
    ):
        pairs = zip(value.keys, value.values, strict=True)
        words = [f"{ast.literal_eval(key)}={text.segment(item)}" for key, item in pairs if key]
        yield text.start(value), text.end(value), f"dict({', '.join(words)})"


def _unannotated(text: EditedText, node: ast.stmt) -> Iterator[Edit]:
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        yield text.end(node.target), text.end(node.annotation), ""


def _grown(text: EditedText, node: ast.stmt) -> Iterator[Edit]:
    """Something is added to it by the next statement."""
    value = display(node)
    name = text.segment(node).split(":")[0].split("=")[0].strip()
    if value is not None:
        more = f"{name} |= {{}}" if isinstance(value, ast.Dict) else f"{name} += type({name})()"
        yield text.line_end(node), text.line_end(node), f"{more}\n"


def _above(text: EditedText, node: ast.stmt) -> Iterator[Edit]:
    indent = " " * node.col_offset
    new = textwrap.indent(_NEIGHBOUR.strip("\n") + "\n\n\n", indent)
    yield text.line_start(node), text.line_start(node), new


def _inside(node: ast.stmt) -> list[ast.stmt]:
    """The statements of a definition after its docstring."""
    body = node.body if isinstance(node, Definition) else []
    first = body[0] if body else None
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if is_docstring else body


def _guarded(text: EditedText, node: ast.stmt) -> Iterator[Edit]:
    body = _inside(node)
    if body and not isinstance(node, ast.ClassDef):
        indent = " " * body[0].col_offset
        new = f"{indent}if not __debug__:\n{indent}    raise RuntimeError\n"
        yield text.line_start(body[0]), text.line_start(body[0]), new


def _redocumented(text: EditedText, node: ast.stmt) -> Iterator[Edit]:
    body = node.body if isinstance(node, Definition) else []
    if body and body[0] not in _inside(node):
        yield text.start(body[0]), text.end(body[0]), '"""What it is, in other words."""'


def _wider(text: EditedText, node: ast.stmt) -> Iterator[Edit]:
    """A parameter more."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        args = node.args
        if not args.kwonlyargs and not args.kwarg and not args.vararg and (last := args.args):
            end = args.defaults[-1] if args.defaults else last[-1].annotation
            at = text.end(end) if end else text.at(last[-1].lineno, last[-1].end_col_offset or 0)
            yield at, at, ", *, neighbour: bool = False"


def _field(text: EditedText, node: ast.stmt) -> Iterator[Edit]:
    fields = [each for each in _inside(node) if isinstance(each, ast.AnnAssign)]
    if isinstance(node, ast.ClassDef) and fields:
        indent = " " * fields[0].col_offset
        at = text.line_start(fields[0])
        yield at, at, f"{indent}neighbour: int = 0\n"


def _method(text: EditedText, node: ast.stmt) -> Iterator[Edit]:
    if isinstance(node, ast.ClassDef):
        indent = " " * node.body[0].col_offset
        new = textwrap.indent("\ndef neighbour(self) -> None:\n    pass\n", indent)
        yield text.line_end(node), text.line_end(node), new


def _reversed(text: EditedText, node: ast.stmt) -> Iterator[Edit]:
    """The methods in the other order."""
    methods = (
        [e for e in node.body if isinstance(e, Definition)]
        if isinstance(node, ast.ClassDef)
        else []
    )
    if len({method.name for method in methods}) == len(methods):
        for one, other in zip(methods, methods[::-1], strict=True):
            new = text.source[text.line_start(other) : text.line_end(other)]
            yield text.line_start(one), text.line_end(one), new


_EDITS: Final[dict[str, Callable[[Targets], At]]] = {
    "an element in front": lambda w: ((*each, _first) for each in w.displays),
    "an element after the last": lambda w: ((*each, _last) for each in w.displays),
    "a list for a tuple": lambda w: ((*each, _as_list) for each in w.displays),
    "dict(…) for a display": lambda w: ((*each, _as_call) for each in w.displays),
    "no annotation": lambda w: ((*each, _unannotated) for each in w.displays),
    "added to later": lambda w: ((*each, _grown) for each in w.displays),
    "a function above": lambda w: (
        (*each, _above) for each in (*w.displays, *w.functions, *w.classes) if "." not in each[1]
    ),
    "a guard in front": lambda w: ((*each, _guarded) for each in w.functions),
    "a parameter more": lambda w: ((*each, _wider) for each in w.functions),
    "another docstring": lambda w: ((*each, _redocumented) for each in (*w.functions, *w.classes)),
    "a field in front": lambda w: ((*each, _field) for each in w.classes),
    "a method at the end": lambda w: ((*each, _method) for each in w.classes),
    "the methods in another order": lambda w: ((*each, _reversed) for each in w.classes),
}
