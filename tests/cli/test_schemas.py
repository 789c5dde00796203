"""The JSON Schemas in docs are those of the types, and what this repository has fits them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from forkkit import Workshop, recipes
from forkkit import skills as in_process
from harness import Repo

from skills_engine.cli.schemas import schemas

pytest_plugins = ("forkkit.plugin",)

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob(".claude/skills/*/SKILL.md"))
KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def wrong(value: Any, schema: dict[str, Any], at: str = "") -> str:
    """Where a value does not fit a schema; nothing if it does. As much of JSON Schema as ours use."""
    if "const" in schema and value != schema["const"]:
        return f"{at} is not {schema['const']}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at} is none of {schema['enum']}"
    for key in ("oneOf", "anyOf"):
        found = [wrong(value, each, at) for each in schema.get(key, ())]
        fits = found.count("")
        if found and (fits != 1 if key == "oneOf" else not fits):
            return f"{at} fits {fits} of {key}: {found}"
    kinds = schema.get("type", list(KINDS))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    of_kind = [isinstance(value, KINDS[kind]) for kind in kinds]
    if not any(of_kind) or (isinstance(value, bool) and "boolean" not in kinds):
        return f"{at} is no {' or '.join(kinds)}"
    if isinstance(value, list):
        parts = [wrong(each, schema.get("items", {}), f"{at}[{n}]") for n, each in enumerate(value)]
    elif isinstance(value, dict):
        properties, more = schema.get("properties", {}), schema.get("additionalProperties", {})
        missing = [key for key in schema.get("required", ()) if key not in value]
        parts = [f"{at} lacks {key}" for key in missing]
        for key, each in value.items():
            if key not in properties and more is False:
                parts.append(f"{at} has {key}")
            else:
                parts.append(wrong(each, properties.get(key, more or {}), f"{at}.{key}"))
    else:
        parts = []
    return next(filter(None, parts), "")


def test_they_are_current() -> None:
    folder = ROOT / "docs/schemas"
    published = {
        p.name.removesuffix(".schema.json"): json.loads(p.read_text()) for p in folder.iterdir()
    }
    assert published == json.loads(json.dumps(schemas())), "run: make schemas"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_the_skills_here_fit_them(page: Path) -> None:
    found = 0
    for info, schema in (("manifest", "manifest"), ("codemod", "codemod")):
        for block in page.read_text().split(f"```yaml {info}\n")[1:]:
            assert not wrong(yaml.safe_load(block.split("\n```")[0]), schemas()[schema])
            found += 1
    assert found or not (page.parent / "add").exists(), "a page without code has no blocks"


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ("manifest", "version: 1.0.0"),
        ("manifest", '{version: "1", core: "1", extra: 1}'),
        ("manifest", '{version: "1", core: "1", adds: a.py}'),
        ("codemod", "- ensure: nothing"),
        ("codemod", "- {ensure: import, in: a.py}"),
        ("codemod", "- {ensure: import, in: a.py, import: import os, under: other}"),
        ("codemod", "ensure: import"),
    ],
)
def test_what_is_none_does_not_fit(schema: str, text: str) -> None:
    assert wrong(yaml.safe_load(text), schemas()[schema])


@pytest.mark.parametrize(
    "line", ["status", "list", "show add-pager", "plan add-pager", "lint", "log"]
)
def test_what_a_verb_prints_fits(workshop: Workshop, tmp_path: Path, line: str) -> None:
    fork: Repo = workshop.copy({r.name: r for r in recipes()}["inside-skill-code"], tmp_path)
    document = json.loads(in_process(fork, *line.split(), "--json").out)
    verb, every = line.split(maxsplit=1)[0], schemas()["results"]["oneOf"]
    (schema,) = [each for each in every if each["properties"]["verb"].get("const") == verb]
    assert not wrong(document, schema)
