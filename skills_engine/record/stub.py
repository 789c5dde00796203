"""A test stub that asserts what the operations of a package make true."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.imports.statements import wanted
from skills_engine.codemods.operation import Malformed
from skills_engine.codemods.source import snippets
from skills_engine.codemods.source.code import Snippet
from skills_engine.codemods.source.snippets import bare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from skills_engine.record.delta import Entry

__all__ = ["stub"]


def stub(name: str, entries: Iterable[Entry]) -> str:
    """The source of a test module, or '' where nothing that changed can be imported and looked
    at.
    """
    imports: list[str] = []
    lines: list[str] = []
    for entry in entries:
        path = str(entry.get("in", ""))
        if path.endswith(".py"):
            module = (
                path.removeprefix("src/")
                .removesuffix(".py")
                .removesuffix("/__init__")
                .replace("/", ".")
            )
            if all(part.isidentifier() for part in module.split(".")):
                for line in _asserted(entry, module):
                    lines.append(line)
                    imports.append(module)
    if not lines:
        return ""
    title = re.sub(r"\W+", "_", name)
    body = "".join(f"    {line}\n" for line in dict.fromkeys(lines))
    wanted = "".join(f"import {module}\n" for module in sorted(set(imports)))
    doc = f'"""What {name} makes true. A draft: test what its users would miss."""'
    return f"{doc}\n\n{wanted}\n\ndef test_{title}():\n{body}"


def _asserted(entry: Entry, module: str) -> Iterator[str]:
    of = f"{module}.{entry['of']}" if entry.get("of") else module
    match entry["ensure"]:
        case "element" if entry.get("of") and not entry.get("call") and not entry.get("argument"):
            what = bare(str(entry.get("element") or entry.get("key")))
            if (text := _global(what, module)) is not None:
                yield f"assert {text} in {of}"
        case "field":
            name = re.split(r"[:=\s]", str(entry["field"]).split("\n")[-1], maxsplit=1)[0]
            if ":" in str(entry["field"]):
                yield f'assert "{name}" in {of}.__annotations__'
            else:
                yield f"assert hasattr({of}, {name!r})"
        case "function" | "method" | "class":
            node = Snippet.parse(str(entry["code"])).nodes[0]
            if isinstance(node, cst.FunctionDef | cst.ClassDef):
                yield f'assert hasattr({of}, "{node.name.value}")'
        case "import" if not entry.get("under"):
            for name in wanted("import", str(entry["import"])):
                if name.name:
                    yield f'assert hasattr({module}, "{name.bound}")'


def _global(code: str, module: str) -> str | None:
    """An element as it is written in another module: a literal, or a name of the module."""
    try:
        node = snippets.expression("element", code)
    except Malformed:
        return None
    if isinstance(node, ast.Constant):
        return code
    if isinstance(node, ast.Name):
        return f"{module}.{code}"
    return None
