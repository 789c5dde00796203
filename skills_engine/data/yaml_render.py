"""Values written as YAML, in the style that a file has.

Text is in quotes wherever YAML 1.1 or 1.2 would read anything else: other
programs read these files too, and they disagree about `no` and `8080:80`.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from skills_engine.data.errors import DataError

__all__ = ["Style", "block", "flow", "is_inline", "key_text", "scalar"]

_PLAIN = re.compile(r"[\w./$(][\w ./$()+%~^@=;!?*&|<>{}\[\],:#'\"\\-]*")
_BREAKING = re.compile(r": |:\Z| #|\s\Z")
_FLOW = re.compile(r"[\[\]{},]")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"}
_NUMBER = re.compile(r"\.?\d[\d_.:,xXoObBa-fA-FeE+\-TtZz ]*|\.(inf|nan)", re.IGNORECASE)
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Style:
    """How a file indents: mappings in mappings by `step`, lists in mappings by `offset`; its quotes
    and line end.

    `literal` says whether text of several lines may stand as such; at the end of a file without a
    last line end it would lose its own. `quoted` are quotes that text has in any case, as its
    neighbours do.
    """

    step: int = 2
    offset: int = 2
    quote: str = '"'
    eol: str = "\n"
    literal: bool = True
    quoted: str = ""


def is_inline(value: Any) -> bool:
    """Whether a value goes on the line of its key."""
    return not (isinstance(value, dict | list | tuple) and value)


def block(value: Any, indent: int, style: Style) -> list[str]:
    """The lines of a mapping or a list that is not empty, with their indentation."""
    pad = " " * indent
    lines: list[str] = []
    if isinstance(value, dict):
        for key, each in value.items():
            lines += _entry(f"{pad}{key_text(str(key), style)}:", each, indent, style)
        return lines
    for each in value:
        if is_inline(each):
            text = "null" if each is None else _text(each, indent + style.step, style)
            lines.append(f"{pad}- {text}")
        else:
            inner = block(each, indent + 2, style)
            lines += [f"{pad}- {inner[0].lstrip(' ')}", *inner[1:]]
    return lines


def _entry(head: str, value: Any, indent: int, style: Style) -> list[str]:
    if value is None:
        return [head]
    if is_inline(value):
        return [f"{head} {_text(value, indent + style.step, style)}"]
    return [
        head,
        *block(value, indent + (style.step if isinstance(value, dict) else style.offset), style),
    ]


def _text(value: Any, indent: int, style: Style) -> str:
    """A scalar or an empty collection; lines of text below one another where that is legible."""
    if (
        not isinstance(value, str)
        or "\n" not in value.rstrip("\n")
        or not (style.literal and _is_literal(value))
    ):
        return flow(value, style)
    lines = value.removesuffix("\n").split("\n")
    return style.eol.join(
        ["|" if value.endswith("\n") else "|-", *(" " * indent * bool(s) + s for s in lines)]
    )


def _is_literal(text: str) -> bool:
    lines = text.removesuffix("\n").split("\n")
    legible = all(line == line.rstrip() and line.isprintable() for line in lines)
    return legible and bool(lines[-1]) and bool(lines[0]) and not lines[0].startswith(" ")


def flow(value: Any, style: Style) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{key_text(str(k), style)}: {flow(v, style)}" for k, v in value.items())
            + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(each, style) for each in value) + "]"
    return scalar(value, style)


def key_text(key: str, style: Style) -> str:
    return scalar(key, replace(style, quoted=""))


def scalar(value: Any, style: Style) -> str:
    """One scalar, safe in block and in flow context. Raises DataError for what JSON would not have,
    dates excepted.
    """
    match value:
        case str():
            plain = _is_plain(value) and not style.quoted
            return value if plain else _quote(value, style.quoted or style.quote)
        case float() if not math.isfinite(value):
            return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
        case bool() | int() | float() | None:
            return json.dumps(value)
        case date():
            return value.isoformat()
    raise DataError(f"YAML has no way to write {value!r}")


def _is_plain(text: str) -> bool:
    return (
        _PLAIN.fullmatch(text) is not None
        and text.isprintable()
        and not _BREAKING.search(text)
        and not _FLOW.search(text)
        and text.lower() not in _WORDS
        and not _NUMBER.fullmatch(text)
    )


def _quote(text: str, quote: str) -> str:
    if quote == "'" and text.isprintable() and text:
        return "'" + text.replace("'", "''") + "'"
    return _UNPRINTABLE.sub(
        lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False)
    )
