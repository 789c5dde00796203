"""The part of a change that belongs into a manifest: Python packages, keys of the environment,
compose services.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from skills_engine.lines import bare_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ManifestKeys", "asked"]

_KEY = re.compile(r"^(?:export\s+)?([A-Za-z_]\w*)=(.*)$")
_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")


@dataclass(frozen=True)
class ManifestKeys:
    """Keys of a manifest, as a page writes them."""

    dependencies: tuple[str, ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    services: Mapping[str, Any] = field(default_factory=dict)
    volumes: Mapping[str, Any] = field(default_factory=dict)


def asked(changes: Mapping[str, tuple[bytes | None, bytes | None]]) -> ManifestKeys:
    """What the changed files ask for that they did not before; what does not parse asks for
    nothing.
    """
    services: dict[str, Any] = {}
    volumes: dict[str, Any] = {}
    for path in _COMPOSE:
        if path in changes:
            old, new = (_yaml(data) for data in changes[path])
            services |= _fresh(old.get("services"), new.get("services"))
            volumes |= _fresh(old.get("volumes"), new.get("volumes"))
    old_env, new_env = (_environment(data) for data in changes.get(".env.example", (None, None)))
    old_deps, new_deps = (
        _dependencies(data) for data in changes.get("pyproject.toml", (None, None))
    )
    return ManifestKeys(
        tuple(wanted for wanted in new_deps if wanted not in old_deps),
        {key: value for key, value in new_env.items() if key not in old_env},
        services,
        volumes if services else {},
    )


def _fresh(old: Any, new: Any) -> dict[str, Any]:
    if not isinstance(new, dict):
        return {}
    known = old if isinstance(old, dict) else {}
    return {key: value for key, value in new.items() if key not in known}


def _yaml(data: bytes | None) -> dict[str, Any]:
    try:
        found = yaml.safe_load(data or b"")
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _dependencies(data: bytes | None) -> list[str]:
    try:
        project = tomllib.loads((data or b"").decode()).get("project", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return []
    found = project.get("dependencies", []) if isinstance(project, dict) else []
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def _environment(data: bytes | None) -> dict[str, Any]:
    """Keys with their comments, and their defaults where they have one."""
    found: dict[str, Any] = {}
    comment: list[str] = []
    for line in bare_lines((data or b"").decode("utf-8", "replace")):
        if line.startswith("#"):
            comment.append(line.lstrip("# ").rstrip())
            continue
        if (key := _KEY.match(line)) is not None:
            text = " ".join(comment) or f"what {key[1]} is"
            value = key[2].strip().strip("\"'")
            found[key[1]] = {"comment": text, "default": value} if value else text
        comment = []
    return found
