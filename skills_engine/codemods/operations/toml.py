"""ensure: toml"""

from __future__ import annotations

from dataclasses import dataclass

from skills_engine.codemods.operation import Example, Refusal
from skills_engine.codemods.value_operation import ValueOperation
from skills_engine.data.toml_document import TomlDocument
from skills_engine.types import Outcome

__all__ = ["Toml"]


@dataclass(frozen=True, kw_only=True)
class Toml(ValueOperation):
    """The TOML file `in` has `value` at `path`, or `element` in the array there.

    Paths, `was` and `replace` are those of `ensure: yaml`. A table that is missing is made after
    its kin.
    """

    ensure = "toml"
    document = TomlDocument
    VALID = (
        Example(
            "a key goes last in its table, a table after its kin",
            {
                "pyproject.toml": "[tool.ruff]\nline-length = 120  # wide\n\n[tool.ruff.lint]\nselect = ['E']\n\n[tool.mypy]\nstrict = true"
            },
            {
                "in": "pyproject.toml",
                "path": ["tool", "ruff", "lint", "isort", "known-first-party"],
                "value": ["bot"],
            },
            {
                "pyproject.toml": "[tool.ruff]\nline-length = 120  # wide\n\n[tool.ruff.lint]\nselect = ['E']\n\n[tool.ruff.lint.isort]\nknown-first-party = [\"bot\"]\n\n[tool.mypy]\nstrict = true"
            },
        ),
        Example(
            "an element of an array with comments",
            {"a.toml": "[x]\nall = [\n  1, # one\n  2  # two\n]\n"},
            {"in": "a.toml", "path": "x.all", "element": 3},
            {"a.toml": "[x]\nall = [\n  1, # one\n  2,  # two\n  3\n]\n"},
        ),
        Example(
            "another value is replaced if it is the expected one",
            {"a.toml": 'v = """old"""   # why\n[t]\n'},
            {"in": "a.toml", "path": "v", "value": "new", "was": "old"},
            {"a.toml": 'v = "new"   # why\n[t]\n'},
        ),
    )
    INVALID = (
        Refusal(
            "another value is there",
            {"a.toml": "[x]\n\ny = 1\n"},
            {"in": "a.toml", "path": "x.y", "value": 2},
            Outcome.DRIFTED,
            "x.y is 1, not 2",
        ),
        Refusal(
            "an expected value is not there",
            {"a.toml": "[x]\n"},
            {"in": "a.toml", "path": "x.y", "value": 2, "was": 1},
            Outcome.MISSING,
            "there is no x.y",
        ),
    )  # fmt: skip
