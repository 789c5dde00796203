"""From a `codemod` entry to an operation: `ensure: no-import` is the class in
`operations/no_import.py`.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from skills_engine.codemods import operations
from skills_engine.codemods.operation import Malformed, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["decode", "operation", "words"]


def words() -> tuple[str, ...]:
    """Every word that may stand after `ensure:`, sorted; imports no operation."""
    return tuple(
        sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(operations.__path__))
    )


@cache
def operation(word: str) -> type[Operation]:
    """The class of an operation. Raises Malformed for a word that is none."""
    if word not in words():
        raise Malformed("ensure", f"{word!r} is no operation", f"one of {', '.join(words())}")
    name = f"{operations.__name__}.{word.replace('-', '_')}"
    module = importlib.import_module(name)
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Operation) and value.__module__ == name:
            return value
    raise AssertionError(f"{name} defines no operation")


def decode(entry: Mapping[str, Any]) -> Operation:
    """The operation that an entry describes. Raises Malformed with the first key that is wrong."""
    word = entry.get("ensure")
    if not isinstance(word, str):
        raise Malformed(
            "ensure", "an entry says what to ensure", f"`ensure:` and one of {', '.join(words())}"
        )
    cls = operation(word)
    known, hints = _keys(cls)
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if key == "ensure":
            continue
        if key not in known:
            raise Malformed(key, f"{word} has no key {key!r}", f"its keys are {', '.join(known)}")
        values[known[key].name] = _value(key, value, hints[known[key].name])
    for key, spec in known.items():
        if spec.name not in values and _required(spec):
            raise Malformed(key, f"{word} needs the key {key!r}", f"`{key}:` and its value")
    return cls(**values)


@cache
def _keys(cls: type[Operation]) -> tuple[dict[str, Field[Any]], dict[str, Any]]:
    """An operation's fields by key, and their types by name."""
    return {f.name.rstrip("_"): f for f in fields(cls)}, get_type_hints(cls)


def _required(spec: Field[Any]) -> bool:
    return spec.default is MISSING and spec.default_factory is MISSING


def _value(key: str, value: Any, hint: Any) -> Any:
    """A YAML value as the field's type has it; lists become tuples."""
    if hint is Any:
        return value
    origin, arms = get_origin(hint), get_args(hint)
    if origin is tuple and isinstance(value, list):
        return tuple(_value(key, item, arms[0]) for item in value)
    if origin is dict and isinstance(value, dict):
        return {_value(key, k, arms[0]): _value(key, v, arms[1]) for k, v in value.items()}
    if origin is None and isinstance(hint, type):
        if type(value) is hint:
            return value
        if hint is str and type(value) in {int, float}:
            return str(value)  # `value: 30` says what it looks like
    elif origin not in {tuple, dict}:  # a union or a literal
        for arm in arms:
            if value == arm and type(value) is type(arm):
                return value
            try:
                return _value(key, value, arm)
            except (Malformed, TypeError):
                continue
    raise Malformed(key, f"{key!r} is {_kind(value)}", f"write {_name(hint)}")


def _kind(value: Any) -> str:
    names = {
        str: "text",
        int: "a number",
        float: "a number",
        bool: "true or false",
        list: "a list",
        dict: "a mapping",
    }
    return names.get(type(value), "empty")


def _name(hint: Any) -> str:
    origin, arms = get_origin(hint), get_args(hint)
    if origin is tuple:
        return "a list"
    if origin is dict or hint is dict:
        return "a mapping"
    if hint is str:
        return "text (in quotes if it holds `: ` or begins with a special character)"
    if hint is int:
        return "a number"
    if hint is bool:
        return "true or false"
    return " or ".join(
        _name(a) if isinstance(a, type) or get_origin(a) else repr(a)
        for a in arms
        if a is not type(None)
    )
