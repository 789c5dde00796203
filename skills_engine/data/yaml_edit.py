"""Values in YAML, set and taken out again by splicing.

What an edit makes of a file is loaded again and compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skills_engine.data import path as paths
from skills_engine.data.errors import DataError
from skills_engine.data.path import UNSET
from skills_engine.data.text import splice
from skills_engine.data.yaml_document import YamlDocument, read
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.data.path import Path

__all__ = ["ensure_element", "ensure_value", "remove", "remove_element"]


def ensure_value(
    data: bytes,
    path: str | Sequence[str | int],
    value: Any,
    *,
    was: Any = UNSET,
    replace: bool = False,
) -> bytes:
    """Set a value. A new key goes last in its mapping.

    Another value there is replaced if it is `was`, or with `replace`; otherwise DataError
    (DRIFTED).
    """
    doc = YamlDocument.of(data)
    parts = paths.split(path)
    done, there = _follow(doc, parts)
    if len(done) < len(parts):
        if was is not UNSET:
            raise DataError(
                f"there is no {paths.show(parts)}", Outcome.MISSING, lines=doc.line(done)
            )
        missing = tuple(str(part) for part in parts[len(done) :])
        inner = paths.nested(missing[1:], value)
        base = paths.with_(doc.data, done, {}) if there is None else doc.data
        return doc.edited(
            doc.add(done, missing[0], inner), paths.with_(base, (*done, missing[0]), inner)
        )
    try:
        if not paths.settle(done, there, value, was, replace=replace):
            return data
    except DataError as error:
        raise DataError(error.message, error.outcome, lines=doc.line(done)) from None
    if doc.root is None:
        return doc.edited(doc.add((), str(parts[0]), value), value)
    return doc.edited(doc.put(done, value), paths.with_(doc.data, done, value))


def ensure_element(data: bytes, path: str | Sequence[str | int], element: Any) -> bytes:
    """Append an element to a list that does not have it; a list that is not there is made."""
    doc = YamlDocument.of(data)
    parts = paths.split(path)
    done, there = _follow(doc, parts)
    if len(done) < len(parts):
        return ensure_value(data, parts, [element])
    if there is None:
        return doc.edited(doc.add(done, None, element), paths.with_(doc.data, done, [element]))
    if not isinstance(there, list):
        raise DataError(
            f"{paths.show(done)} is {paths.kind(there)}, not a list",
            Outcome.DRIFTED,
            lines=doc.line(done),
        )
    if any(paths.same(each, element) for each in there):
        return data
    return doc.edited(
        doc.add(done, None, element), paths.with_(doc.data, (*done, len(there)), element)
    )


def remove(data: bytes, path: str | Sequence[str | int], *, prune: bool = False) -> bytes:
    """Take a value out; with `prune`, also the mappings and lists that this leaves empty."""
    doc = YamlDocument.of(data)
    parts = paths.split(path)
    done, _ = _follow(doc, parts)
    if len(done) < len(parts) or not done:
        return data
    parent = paths.follow(doc.data, done[:-1])[1]
    while prune and len(done) > 1 and len(parent) == 1:
        done = done[:-1]
        parent = paths.follow(doc.data, done[:-1])[1]
    expected = paths.with_(doc.data, done, UNSET)
    text = splice(doc.text, doc.take(done))
    _, said = read(text)
    if not paths.same(said, expected) and not (said is None and expected in ({}, [])):
        raise DataError("the edit would change more than its place", Outcome.DRIFTED)
    return (doc.bom + text).encode()


def remove_element(
    data: bytes, path: str | Sequence[str | int], element: Any, *, prune: bool = False
) -> bytes:
    """Take an element out of a list; with `prune`, also the list if it is empty then."""
    doc = YamlDocument.of(data)
    parts = paths.split(path)
    done, there = _follow(doc, parts)
    if len(done) < len(parts) or not isinstance(there, list):
        return data
    index = next((n for n, each in enumerate(there) if paths.same(each, element)), None)
    return data if index is None else remove(data, (*done, index), prune=prune)


def _follow(doc: YamlDocument, parts: Path) -> tuple[Path, Any]:
    """`follow`, where null holds as an empty mapping does: `volumes:` waits for its first key."""
    done: Path = ()
    value = doc.data
    for part in parts:
        if value is None:
            return done, None
        try:
            step, value = paths.follow(value, (part,))
        except DataError as error:
            message = error.message.replace("the top", paths.show(done), 1)
            raise DataError(message, error.outcome, lines=doc.line(done)) from None
        if not step:
            return done, value
        done = (*done, *step)
    return done, value
