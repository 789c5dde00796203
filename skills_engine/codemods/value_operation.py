"""The common part of `ensure: yaml`, `json` and `toml`: a path into a data file, and a value or an
element there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from skills_engine.codemods.data_operation import DataOperation
from skills_engine.codemods.operation import Malformed
from skills_engine.data import path as paths
from skills_engine.data.data_document import DataDocument  # noqa: TC001 - entries are read by its type
from skills_engine.data.path import UNSET

__all__ = ["ValueOperation"]


@dataclass(frozen=True, kw_only=True)
class ValueOperation(DataOperation):
    """A value (or an element of a list) at a path of keys in a data file."""

    document: ClassVar[type[DataDocument]]

    path: str | tuple[int | str, ...]
    value: Any = UNSET
    element: Any = UNSET
    was: Any = UNSET
    replace: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.value is UNSET) == (self.element is UNSET):
            raise Malformed("value", "an entry has either `value` or `element`", "keep one of them")
        if self.element is not UNSET and (self.was is not UNSET or self.replace):
            raise Malformed(
                "was", "`was` and `replace` are about a `value`", "leave them out beside `element`"
            )
        if self.was is not UNSET and self.replace:
            raise Malformed("replace", "`replace` takes any value, `was` one", "keep one of them")
        if self.value is not UNSET and not self.path:
            raise Malformed("path", "the path is empty", "name the keys: a.b.c, or a list of them")

    def describe(self) -> str:
        where = f"{self.in_}:{paths.show(self.parts)}"
        if self.element is not UNSET:
            return f"add {_brief(self.element)} to {where}"
        return f"set {where} to {_brief(self.value)}"

    @property
    def parts(self) -> paths.Path:
        return paths.split(self.path) if self.path else ()

    def edit(self, data: bytes | None) -> bytes:
        document = self.document.of(data or b"")
        if self.element is not UNSET:
            return document.ensure_element(self.parts, self.element)
        return document.ensure_value(self.parts, self.value, was=self.was, replace=self.replace)


def _brief(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
