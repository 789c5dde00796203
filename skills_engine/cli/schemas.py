"""JSON Schemas of what authors write and programs read, generated from the types themselves.

manifest   the `manifest` block of SKILL.md
codemod    a `codemod` block
plan       the file of `skills plan -o`, and its `--json`
results    what each verb prints with `--json`

    python -m skills_engine.cli.schemas docs/schemas
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from skills_engine.cli.output import SCHEMA
from skills_engine.codemods import registry
from skills_engine.package.decode import keys_of
from skills_engine.package.manifest import KEYS
from skills_engine.package.reference import table
from skills_engine.types import Outcome, Place, Problem, Stopped
from skills_engine.verbs.abort import Aborted
from skills_engine.verbs.care import Diagnosis, Replayed
from skills_engine.verbs.dev import Round
from skills_engine.verbs.history import EngineCommit
from skills_engine.verbs.inspect import Line, Shown
from skills_engine.verbs.look import Listed, Status
from skills_engine.verbs.merge_driver import Installed
from skills_engine.verbs.merging import MergeResult
from skills_engine.verbs.new import Made
from skills_engine.verbs.op import LoggedOperation, ShownOperation
from skills_engine.verbs.operations import Described
from skills_engine.verbs.plan import Plan
from skills_engine.verbs.publish import Published
from skills_engine.verbs.record import Recorded
from skills_engine.verbs.reports import ChangeReport
from skills_engine.verbs.resolve import Left
from skills_engine.verbs.supply import Outdated, Verified
from skills_engine.verbs.trials.trial import Trial

__all__ = ["RESULTS", "schemas"]

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

RESULTS: dict[str, Any] = {
    **dict.fromkeys(
        [
            "init",
            "apply",
            "uninstall",
            "upgrade",
            "rebase",
            "continue",
            "skip",
            "undo",
            "redo",
            "op restore",
            "pin",
            "unpin",
        ],
        ChangeReport,
    ),
    "plan": Plan,
    "list": list[Listed],
    "search": list[Listed],
    "show": Shown,
    "status": Status,
    "log": list[EngineCommit],
    "op log": list[LoggedOperation],
    "op show": ShownOperation,
    "outdated": list[Outdated],
    "verify": list[Verified],
    "publish": Published,
    "blame": list[Line],
    "new": Made,
    "dev": Round,
    "operations": list[Described],
    "lint": list[Problem],
    "record": Recorded,
    "test": list[Trial],
    "abort": Aborted,
    "resolve": Left,
    "doctor": Diagnosis,
    "replay": Replayed,
    "merge-file": MergeResult,
    "merge-driver install": Installed,
    "merge-driver uninstall": Installed,
}
"""What each verb's `result` is; that of `diff` and `op diff` is `_DIFF`."""

_PLAIN: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_NAMES: Schema = {
    "oneOf": [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "additionalProperties": {"type": "string"}},
    ]
}
_WORDS: Schema = {"type": "array", "items": {"type": "string"}}
_NAMED: Schema = {"type": "object", "additionalProperties": {"type": ["object", "null"]}}
_SETTING: Schema = {
    "oneOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"comment": {"type": "string"}, "default": {}},
            "required": ["comment"],
            "additionalProperties": False,
        },
    ]
}
_MANIFEST: dict[str, Schema] = {
    "version": {"type": ["string", "number"]},
    "core": {"type": "string"},
    "depends": _NAMES,
    "conflicts": _NAMES,
    "dependencies": _WORDS,
    "environment": {"type": "object", "additionalProperties": _SETTING},
    "services": _NAMED,
    "volumes": _NAMED,
    "adds": _WORDS,
    "tests": _WORDS,
    "tests-network": {"type": "boolean"},
}


_DIFF: Schema = {
    "type": "object",
    "properties": {"diff": {"type": "string"}},
    "required": ["diff"],
}


def schemas() -> dict[str, Schema]:
    """Each schema by its name."""
    results = {verb: _type(kind) for verb, kind in RESULTS.items()}
    results |= dict.fromkeys(("diff", "op diff"), _DIFF)
    documents = [_document({"const": verb}, "result", it) for verb, it in results.items()]
    documents.append(_document({"type": "string"}, "error", _error()))
    return {
        "manifest": _schema("The manifest block of SKILL.md", _manifest()),
        "codemod": _schema("A codemod block of SKILL.md", _codemod()),
        "plan": _schema("A plan", _type(Plan)),
        "results": _schema("What skills prints with --json", {"oneOf": documents}),
    }


def _schema(title: str, body: Schema) -> Schema:
    return {"$schema": _DIALECT, "title": title, **body}


def _document(verb: Schema, key: str, it: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {"schema": {"const": SCHEMA}, "verb": verb, key: it},
        "required": ["schema", "verb", key],
        "additionalProperties": False,
    }


def _error() -> Schema:
    always = {"kind": str, "exit_code": int, "message": str, "hint": str}
    more = {
        "problems": tuple[Problem, ...],
        "outcome": Outcome,
        "candidates": tuple[Place, ...],
        "output": str,
        "conflicts": tuple[Stopped, ...],
        "notes": tuple[str, ...],
    }
    keys = {key: _type(kind) for key, kind in (always | more).items()}
    return {
        "type": "object",
        "properties": keys,
        "required": [*always],
        "additionalProperties": False,
    }


def _manifest() -> Schema:
    return {
        "type": "object",
        "properties": {
            key: {"description": about, **_MANIFEST[key]} for key, about in KEYS.items()
        },
        "required": ["version", "core"],
        "additionalProperties": False,
    }


def _codemod() -> Schema:
    return {
        "type": "array",
        "minItems": 1,
        "items": {"oneOf": [_entry(word, about) for word, about in table()]},
    }


def _entry(word: str, about: str) -> Schema:
    operation = registry.operation(word)
    hints, written = get_type_hints(operation), keys_of(operation)
    keys = {spec.name.rstrip("_"): spec for spec in fields(operation)}
    needed = [
        key
        for key in written
        if keys[key].default is MISSING and keys[key].default_factory is MISSING
    ]
    return {
        "type": "object",
        "description": about,
        "properties": {
            "ensure": {"const": word},
            **{key: _type(hints[keys[key].name]) for key in written},
        },
        "required": ["ensure", *needed],
        "additionalProperties": False,
    }


def _type(kind: Any) -> Schema:
    """The schema of a type, as `--json` prints its values."""
    origin, arms = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if kind is NoneType:
        return {"type": "null"}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    if is_dataclass(kind):
        hints = get_type_hints(kind, localns={"ChangeReport": ChangeReport})
        return {
            "type": "object",
            "properties": {spec.name: _type(hints[spec.name]) for spec in fields(kind)},
            "required": [spec.name for spec in fields(kind)],
        }
    if origin is Literal:
        return {"enum": list(arms)}
    if origin in {Union, UnionType}:
        return {"anyOf": [_type(arm) for arm in arms]}
    if origin in {tuple, list}:
        if len(arms) == 2 and arms[1] is not Ellipsis:
            return {"type": "array", "prefixItems": [_type(arm) for arm in arms]}
        return {"type": "array", "items": _type(arms[0])}
    if origin is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return {"type": "object", "additionalProperties": _type(arms[1])}
    return {}


def _main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        text = json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
