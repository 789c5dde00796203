"""Definitions in Python that is newer than the one that runs: read by LibCST, which knows all."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import libcst as cst

__all__ = ["definitions"]


def definitions(text: str) -> Counter[tuple[str, str]]:
    """How often each function, class, type and constant is defined in its module or class. Raises
    Unsupported for what LibCST cannot read."""
    import libcst as cst  # noqa: PLC0415  (few files need it, and it is large)

    from skills_engine.parsing import parse_module  # noqa: PLC0415  (likewise)

    try:
        return Counter(_names(parse_module(text).body, ""))
    except (cst.ParserSyntaxError, RecursionError) as error:
        raise Unsupported("a version does not parse") from error


def _names(body: Sequence[cst.CSTNode], place: str) -> Iterator[tuple[str, str]]:
    import libcst as cst  # noqa: PLC0415

    for stmt in body:
        match stmt:
            case cst.FunctionDef(name=name) if not stmt.decorators:
                yield place, f"def {name.value}"
            case cst.ClassDef(name=name):
                yield place, f"def {name.value}"
                yield from _names(stmt.body.body, f"{place}.{name.value}".lstrip("."))
            case cst.SimpleStatementLine(body=[cst.TypeAlias(name=name)]):
                yield place, f"def {name.value}"
            case cst.SimpleStatementLine(
                body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=known))])]
            ):
                yield place, f"{known} ="
