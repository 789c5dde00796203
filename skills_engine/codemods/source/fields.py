"""The fields of a class: dataclass, TypedDict, NamedTuple, enum, pydantic model or plain."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source import snippets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.codemods.source.source import Source

__all__ = ["FieldLine", "fields_of", "is_enum", "makes_fields", "orders_fields", "parse_field"]

_FIELD_CALLS = {"field", "ib", "attrib", "Factory"}
_DEFAULTS = {"default", "default_factory", "factory"}
_ORDERING_DECORATORS = {"dataclass", "define", "frozen", "mutable", "s", "attrs"}


@dataclass(frozen=True)
class FieldLine:
    """A field. `required` and `optional` are both false where its place among the others does not
    matter.
    """

    name: str
    code: str
    annotated: bool
    required: bool
    optional: bool
    keyword_only: bool = False
    """Whether it comes after `_: KW_ONLY`."""
    line: cst.SimpleStatementLine | None = None
    node: cst.CSTNode | None = None
    value: str = ""
    """The source of an unannotated one's value."""

    def anywhere(self) -> FieldLine:
        """The field where its place does not matter."""
        return replace(self, required=False, optional=False)

    def same_member(self, other: FieldLine) -> bool:
        """Whether both, as members of an enum, have one constant as value."""
        try:
            return bool(ast.literal_eval(self.value) == ast.literal_eval(other.value))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return False


def is_enum(source: Source, node: cst.ClassDef) -> bool:
    """Whether a class is one of members, by the names of its bases."""
    bases = [_last_name(source.code(base.value)) for base in node.bases]
    return any(base.endswith(("Enum", "Flag")) for base in bases)


def parse_field(key: str, text: str) -> FieldLine:
    """A field in source: `name: type = default` or `NAME = value`."""
    return snippets.read(
        key, text, _parse, "write one field: `name: type = default` or `NAME = value`"
    )


def fields_of(source: Source, body: Sequence[cst.CSTNode]) -> list[FieldLine]:
    """The fields that a class body declares, in order; `__slots__` and its like left out."""
    found = []
    keyword_only = False
    for line in body:
        smalls = line.body if isinstance(line, cst.SimpleStatementLine) else [line]
        for small in smalls:
            if not isinstance(small, cst.Assign | cst.AnnAssign):
                continue
            field = _declared(source, small)
            if field is None or (field.name.startswith("__") and field.name.endswith("__")):
                continue
            if (
                isinstance(small, cst.AnnAssign)
                and _last_name(source.code(small.annotation.annotation)) == "KW_ONLY"
            ):
                keyword_only = True
            matters = field.annotated and not keyword_only
            within = line if isinstance(line, cst.SimpleStatementLine) else None
            required, optional = field.required and matters, field.optional and matters
            declared = FieldLine(
                field.name,
                field.code,
                field.annotated,
                required,
                optional,
                keyword_only,
                within,
                small,
                field.value,
            )
            found.append(declared)
    return found


def makes_fields(source: Source, node: cst.ClassDef) -> bool:
    """Whether the class becomes one with a constructor that takes its fields."""
    return _is_named_tuple(source, node) or bool(_makers(source, node))


def orders_fields(source: Source, node: cst.ClassDef) -> bool:
    """Whether the class needs its required fields before those with a default, as positional
    parameters do.
    """
    if _is_named_tuple(source, node):
        return True
    return any(
        flags.get("kw_only") != "True" and flags.get("init") != "False"
        for flags in _makers(source, node)
    )


def _is_named_tuple(source: Source, node: cst.ClassDef) -> bool:
    return any(_last_name(source.code(base.value)) == "NamedTuple" for base in node.bases)


def _makers(source: Source, node: cst.ClassDef) -> list[dict[str, str]]:
    """The keywords of each decorator that makes a constructor of the fields."""
    found: list[dict[str, str]] = []
    for decorator in node.decorators:
        flags: dict[str, str] = {}
        match decorator.decorator:
            case cst.Call(func=func, args=args):
                named = ((arg.keyword, arg.value) for arg in args)
                flags = {key.value: source.code(value) for key, value in named if key is not None}
            case func:
                pass
        if _last_name(source.code(func)) in _ORDERING_DECORATORS:
            found.append(flags)
    return found


def _declared(source: Source, node: cst.Assign | cst.AnnAssign) -> FieldLine | None:
    """A field of the file. One for a newer Python than this one is known by its text."""
    text = source.code(node)
    try:
        return _parse(text)
    except snippets.Unread:
        targets = (
            [node.target] if isinstance(node, cst.AnnAssign) else [t.target for t in node.targets]
        )
        match targets:
            case [cst.Name(value=name)]:
                annotated, default = isinstance(node, cst.AnnAssign), node.value is not None
                return FieldLine(
                    name, text, annotated, annotated and not default, annotated and default
                )
    return None


def _last_name(code: str) -> str:
    return code.partition("[")[0].rpartition(".")[2].strip()


def _parse(text: str) -> FieldLine | None:
    match snippets.parse(text.strip()).body:
        case [ast.Assign(targets=[ast.Name(id=name)]) as node]:
            code, value = ast.dump(node), ast.unparse(node.value)
            return FieldLine(name, code, False, False, False, value=value)
        case [ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value) as node]:
            if _last_name(ast.unparse(annotation)) in {"ClassVar", "KW_ONLY"}:
                return FieldLine(name, ast.dump(node), True, False, False)
            if isinstance(value, ast.Call) and _last_name(ast.unparse(value.func)) in _FIELD_CALLS:
                flags = {k.arg: ast.unparse(k.value) for k in value.keywords if k.arg}
                if flags.get("init") == "False" or flags.get("kw_only") == "True":
                    return FieldLine(name, ast.dump(node), True, False, False)
                has_default = bool(_DEFAULTS & set(flags))
            else:
                has_default = value is not None
            return FieldLine(name, ast.dump(node), True, not has_default, has_default)
    return None
