"""A path of keys into data: mapping keys, and list elements by index, by value or as `name=web`."""

from __future__ import annotations

import copy
from enum import Enum
from typing import TYPE_CHECKING, Any

from skills_engine.data.errors import DataError
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "UNSET",
    "Path",
    "Unset",
    "element",
    "follow",
    "kind",
    "nested",
    "same",
    "settle",
    "show",
    "split",
    "with_",
]

Path = tuple[str | int, ...]


class Unset(Enum):
    """No value, where null is one."""

    UNSET = "unset"


UNSET = Unset.UNSET


def split(path: str | Sequence[str | int]) -> Path:
    """A path as its parts; in text, dots part them."""
    return tuple(path.split(".")) if isinstance(path, str) else tuple(path)


def show(path: Path) -> str:
    return ".".join(str(part) for part in path) or "the top"


def follow(value: Any, path: Path) -> tuple[Path, Any]:
    """The longest part of a path that there is, list elements as indices, and the value there.

    Raises DataError: DRIFTED where the path goes through a value that holds no others, and for list
    elements MISSING or AMBIGUOUS.
    """
    done: Path = ()
    for part in path:
        if isinstance(value, dict):
            if str(part) not in value:
                return done, value
            done, value = (*done, str(part)), value[str(part)]
        elif isinstance(value, list):
            index = element(value, part, done)
            done, value = (*done, index), value[index]
        else:
            raise DataError(f"{show(done)} is {kind(value)}, so it has no {part}", Outcome.DRIFTED)
    return done, value


def element(values: Sequence[Any], part: str | int, at: Path) -> int:
    """The index of the list element that a part of a path means."""
    if isinstance(part, int):
        found = [part] if 0 <= part < len(values) else []
    else:
        found = [
            n
            for n, value in enumerate(values)
            if not isinstance(value, dict | list) and _text(value) == part
        ]
        key, equals, wanted = part.partition("=")
        if not found and equals:
            found = [
                n
                for n, v in enumerate(values)
                if isinstance(v, dict) and key in v and _text(v[key]) == wanted
            ]
        if not found and part.isdecimal() and int(part) < len(values):
            found = [int(part)]
    if len(found) != 1:
        outcome = Outcome.AMBIGUOUS if found else Outcome.MISSING
        raise DataError(f"{show(at)} has {len(found) or 'no'} elements {part}", outcome)
    return found[0]


def same(one: Any, other: Any) -> bool:
    """Equality that tells true from 1; the order of a mapping does not count."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other or (one != one and other != other))  # noqa: PLR0124 - NaN is the same as NaN here


def settle(path: Path, there: Any, value: Any, was: Any, *, replace: bool) -> bool:
    """Whether `there` must become `value`. Raises DataError (DRIFTED) for a value that is neither
    that nor `was`.
    """
    if same(there, value):
        return False
    if replace or (was is not UNSET and same(there, was)):
        return True
    raise DataError(f"{show(path)} is {there!r}, not {value!r}", Outcome.DRIFTED)


def nested(path: Path, value: Any) -> Any:
    """`value` below the keys of a path: (a, b), 1 gives {a: {b: 1}}."""
    for part in reversed(path):
        value = {str(part): value}
    return value


def with_(data: Any, path: Path, value: Any) -> Any:
    """A copy of `data` with a value set at a path (of indices and keys), or taken out for UNSET."""
    data = copy.deepcopy(data)
    if not path:
        return value
    at = data
    for part in path[:-1]:
        at = at[part] if isinstance(part, int) else at.setdefault(part, {})
    if value is UNSET:
        del at[path[-1]]
    elif isinstance(at, list) and path[-1] == len(at):
        at.append(value)
    else:
        at[path[-1]] = value
    return data


def kind(value: Any) -> str:
    names = {
        dict: "a mapping",
        list: "a list",
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "null" if value is None else type(value).__name__)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
