"""Changes of a YAML, TOML or JSON file, as values at paths and elements of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skills_engine.data import path as paths
from skills_engine.data.errors import DataError
from skills_engine.data.json_document import JsonDocument
from skills_engine.data.toml_document import TomlDocument
from skills_engine.data.yaml_document import YamlDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.record.delta import Entries, Entry

__all__ = ["ways"]

_KINDS = {"yml": "yaml", "yaml": "yaml", "toml": "toml", "json": "json"}
_DOCUMENTS: dict[str, type[YamlDocument | TomlDocument | JsonDocument]] = {
    "yaml": YamlDocument,
    "toml": TomlDocument,
    "json": JsonDocument,
}


def ways(path: str, before: bytes, after: bytes) -> Iterator[Entries]:
    """The entries that say how the data of two versions differ; none where no operation can."""
    kind = _KINDS.get(path.rpartition(".")[2])
    if kind is None:
        return
    try:
        old, new = (_DOCUMENTS[kind].of(data).data for data in (before, after))
    except (DataError, RecursionError):
        return
    for whole in (False, True):
        try:
            found = list(_differences(old, new, (), whole=whole))
        except (_NoOperation, RecursionError):
            continue
        yield tuple({"ensure": kind, "in": path, **entry} for entry in found)


class _NoOperation(Exception):
    """Data that differ in a way that no operation makes."""


def _differences(old: Any, new: Any, at: paths.Path, *, whole: bool) -> Iterator[Entry]:
    """`whole` lists of texts and numbers are exchanged, rather than added to."""
    if paths.same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() <= new.keys():
        for key, value in new.items():
            if not isinstance(key, str):
                raise _NoOperation
            if key not in old:
                yield {"path": [*at, key], "value": _plain(value)}
            else:
                yield from _differences(old[key], value, (*at, key), whole=whole)
    elif isinstance(old, list) and isinstance(new, list) and at:
        if whole and not any(isinstance(each, dict | list) for each in (*old, *new)):
            yield {"path": list(at), "value": _plain(new), "was": _plain(old)}
        else:
            yield from _elements(old, new, at, whole=whole)
    elif at and not isinstance(old, dict | list):
        yield {"path": list(at), "value": _plain(new), "was": _plain(old)}
    else:
        raise _NoOperation


def _elements(old: list[Any], new: list[Any], at: paths.Path, *, whole: bool) -> Iterator[Entry]:
    if len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            if not paths.same(one, other):
                part = _named(old, index, other)
                yield from _differences(one, other, (*at, part), whole=whole)
        return
    left = list(old)
    for value in new:
        if left and paths.same(left[0], value):
            left.pop(0)
        else:
            yield {"path": list(at), "element": _plain(value)}
    if left:
        raise _NoOperation


def _named(values: list[Any], index: int, new: Any) -> str | int:
    """How a path names an element: by its value or, of a mapping, by a key that it alone has and
    keeps; else a number that stands once by its place, where `was` looks for it. What else has no
    name could be another one later.
    """
    value = values[index]
    keys = value.items() if isinstance(value, dict) else ()
    names = [value] if isinstance(value, str) else []
    names += [
        f"{key}={each}"
        for key, each in keys
        if isinstance(each, str) and isinstance(new, dict) and new.get(key) == each
    ]
    for name in names:
        try:
            if paths.element(values, name, ()) == index:
                return name
        except DataError:
            continue
    if isinstance(value, dict | list) or sum(paths.same(value, each) for each in values) > 1:
        raise _NoOperation
    return index


def _plain(value: Any) -> Any:
    """A value that a page writes and reads back as it is."""
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise _NoOperation
