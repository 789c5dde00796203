"""From the entries of a package to operations. Importing this imports LibCST."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from skills_engine.codemods import registry
from skills_engine.codemods.operation import Malformed
from skills_engine.package.paths import RESERVED, reserved, unsafe
from skills_engine.package.problems import Problems, did_you_mean
from skills_engine.package.reader import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skills_engine.codemods.operation import Operation
    from skills_engine.package.model import BlockEntry, Package, PackageFiles, Step

__all__ = ["decode_steps", "keys_of", "operations"]


def operations(package: Package) -> tuple[tuple[BlockEntry, Operation], ...]:
    """Every operation of the codemod blocks, in order. Raises PackageError with all entries that
    are none.

    Those that run code of the package's own have it with them.
    """
    problems = Problems(package.name)
    found = decode_steps(package.steps, package.files, problems)
    if mistakes := problems.found():
        raise invalid(package.name, mistakes)
    return found


def decode_steps(
    steps: Iterable[Step], files: PackageFiles, problems: Problems
) -> tuple[tuple[BlockEntry, Operation], ...]:
    """The entries that are operations; the mistakes of the others go to `problems`."""
    found = []
    for step in steps:
        for entry in step.entries:
            operation = _decode(entry, problems)
            if operation is not None:
                operation = _bound(entry, operation, files, problems)
                _check_paths(entry, operation, problems)
                found.append((entry, operation))
    return tuple(found)


def keys_of(operation: type[Operation]) -> tuple[str, ...]:
    """The keys that an entry may have beside `ensure`. A field that is not shown is the engine's to
    set.
    """
    return tuple(field.name.rstrip("_") for field in fields(operation) if field.repr)


def _bound(
    entry: BlockEntry, operation: Operation, files: PackageFiles, problems: Problems
) -> Operation:
    if operation.ensure != "custom":
        return operation
    from skills_engine.codemods.operations.custom import Custom  # noqa: PLC0415  (few packages have any)

    try:
        return operation.bind(files.get) if isinstance(operation, Custom) else operation
    except Malformed as error:
        problems.add(entry.lines.get(error.key, entry.line), error.message, error.right)
        return operation


def _check_paths(entry: BlockEntry, operation: Operation, problems: Problems) -> None:
    for path in operation.touches():
        named = (
            key
            for key, value in entry.keys.items()
            if value == path or (type(value) is list and path in value)
        )
        line = entry.lines.get(next(named, ""), entry.line)
        if (wrong := unsafe(path)) is not None:
            problems.add(line, wrong.message, wrong.right)
        elif reserved(path):
            problems.add(
                line, f"{path} is the engine's own", f"a file outside {' and '.join(RESERVED)}"
            )


def _decode(entry: BlockEntry, problems: Problems) -> Operation | None:
    """One entry; each key that is wrong is recorded, then left out to see the next."""
    keys: dict[str, Any] = dict(entry.keys)
    while True:
        try:
            _no_other_keys(keys)
            operation = registry.decode(keys)
        except Malformed as error:
            if len(keys) < len(entry.keys) and error.key not in keys:
                return None  # it may be missing because it was left out here
            line = entry.lines.get(error.key, entry.line)
            problems.add(line, error.message, _right(error, keys))
            if error.key == "ensure" or keys.pop(error.key, None) is None:
                return None
        else:
            return operation if len(keys) == len(entry.keys) else None


def _no_other_keys(keys: dict[str, Any]) -> None:
    """Raises Malformed for the first key that no author may write."""
    known = keys_of(registry.operation(keys["ensure"]))
    for key in keys:
        if key not in {"ensure", *known}:
            raise Malformed(
                key, f"{keys['ensure']} has no key {key!r}", f"its keys are {', '.join(known)}"
            )


def _right(error: Malformed, keys: dict[str, Any]) -> str:
    """What would do, with the nearest word first where one is misspelt."""
    if error.key == "ensure":
        word, known = str(keys["ensure"]), registry.words()
    else:
        word, known = error.key, keys_of(registry.operation(keys["ensure"]))
    if word in known:
        return error.right
    near = did_you_mean(word, known)
    return f"{near} {error.right}".strip() if near.startswith("did") else error.right
