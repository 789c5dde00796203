"""ensure: json"""

from __future__ import annotations

from dataclasses import dataclass

from skills_engine.codemods.operation import Example, Refusal
from skills_engine.codemods.value_operation import ValueOperation
from skills_engine.data.json_document import JsonDocument
from skills_engine.types import Outcome

__all__ = ["Json"]


@dataclass(frozen=True, kw_only=True)
class Json(ValueOperation):
    """The JSON file `in` has `value` at `path`, or `element` in the array there.

    Paths, `was` and `replace` are those of `ensure: yaml`. The file's indentation and key order
    stay.
    """

    ensure = "json"
    document = JsonDocument
    VALID = (
        Example(
            "a key that is missing goes last",
            {"package.json": '{\n\t"name": "x",\n\t"scripts": {"a": "b"}\n}\n'},
            {"in": "package.json", "path": "dependencies.zod", "value": "^4"},
            {
                "package.json": '{\n\t"name": "x",\n\t"scripts": {"a": "b"},\n\t"dependencies": {\n\t\t"zod": "^4"\n\t}\n}\n'
            },
        ),
        Example(
            "an element of an array on one line",
            {"a.json": '{"files": ["a", "b"]}'},
            {"in": "a.json", "path": "files", "element": "c"},
            {"a.json": '{"files": ["a", "b", "c"]}'},
        ),
        Example(
            "any value gives way to replace",
            {"a.json": '{"x":{"y":[1,2]},"z":null}'},
            {"in": "a.json", "path": "x.y", "value": {"k": True}, "replace": True},
            {"a.json": '{"x":{"y":{"k":true}},"z":null}'},
        ),
    )
    INVALID = (
        Refusal(
            "another value is there",
            {"a.json": '{\n  "x": 1\n}\n'},
            {"in": "a.json", "path": "x", "value": True},
            Outcome.DRIFTED,
            "x is 1, not True",
        ),
        Refusal(
            "the path goes through a value that holds no others",
            {"a.json": '{"x": 1}'},
            {"in": "a.json", "path": "x.y", "value": 1},
            Outcome.DRIFTED,
            "x is a number, so it has no y",
        ),
    )  # fmt: skip
