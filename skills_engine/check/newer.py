"""Files in newer syntax than the running Python: what LibCST, which reads it, can still judge."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from skills_engine.check.finding import Hit
from skills_engine.check.version import Parsed, is_python

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import libcst as cst

    from skills_engine.check.finding import Changed

__all__ = ["duplicates_in_newer", "unchecked"]

_SEVERAL = {"overload", "register", "dispatch", "multimethod", "setter", "getter", "deleter"}


def unchecked(changed: Sequence[Changed]) -> tuple[str, ...]:
    """A note for each changed file that this Python does not read, so that few rules apply."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return tuple(
        f"{each.path}: its syntax is not that of Python {version}; it was only checked for names "
        "that are defined twice"
        for each in changed
        if each.after is not None
        and each.after not in each.before
        and each.path.endswith(".py")
        and any(before is not None for before in each.before)
        and Parsed(each.path, each.after).tree is None
        and _module(each.after) is not None  # else it is no Python at all, which is said
    )


def _module(data: bytes) -> cst.Module | None:
    import libcst as cst  # noqa: PLC0415  (most operations meet no such file)

    from skills_engine.parsing import parse_module  # noqa: PLC0415

    try:
        return parse_module(data)
    except (cst.ParserSyntaxError, UnicodeDecodeError, LookupError, RecursionError):
        return None


def duplicates_in_newer(parsed: Parsed) -> Iterator[Hit]:
    """Functions, classes and methods that are defined a second time in their block."""
    module = _module(parsed.data) if is_python(parsed.path) else None
    if module is None:
        return
    from libcst.metadata import MetadataWrapper, PositionProvider  # noqa: PLC0415

    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    positions = wrapper.resolve(PositionProvider)
    seen: Counter[str] = Counter()
    for scope, node in _definitions(wrapper.module.body, ""):
        name = f"{scope}{node.name.value}"
        seen[name] += 1
        if seen[name] > 1:
            line = positions[node.name].start.line
            text = f"{name} is defined a second time"
            yield Hit(("name", name), line, parsed.line(line), text)


def _definitions(
    body: Iterable[cst.BaseStatement | cst.BaseSmallStatement], scope: str
) -> Iterator[tuple[str, cst.FunctionDef | cst.ClassDef]]:
    """The definitions of a module and of its classes, but for those that are one of several."""
    import libcst as cst  # noqa: PLC0415

    for node in body:
        if isinstance(node, cst.ClassDef):
            yield scope, node
            yield from _definitions(node.body.body, f"{scope}{node.name.value}.")
        elif isinstance(node, cst.FunctionDef) and not any(map(_is_one_of, node.decorators)):
            yield scope, node


def _is_one_of(decorator: cst.Decorator) -> bool:
    import libcst as cst  # noqa: PLC0415

    called = decorator.decorator
    function = called.func if isinstance(called, cst.Call) else called
    if isinstance(function, cst.Attribute):
        return function.attr.value in _SEVERAL
    return isinstance(function, cst.Name) and function.value in _SEVERAL
