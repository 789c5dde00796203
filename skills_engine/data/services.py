"""Services in a compose file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skills_engine.data import path as paths
from skills_engine.data.errors import DataError
from skills_engine.data.yaml_document import YamlDocument
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NAMES", "ensure_service", "ensure_services", "remove_service"]

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""The names that Docker Compose looks for, in its order."""


def ensure_service(
    compose: bytes | None,
    name: str,
    spec: Mapping[str, Any],
    volumes: Mapping[str, Any] | None = None,
    networks: Mapping[str, Any] | None = None,
) -> bytes:
    """Add a service, and the named volumes and networks that it uses. None is a file that is not
    there yet.

    Raises DataError (DRIFTED) for one of that name that is otherwise.
    """
    data = compose or b""
    wanted = [(("services", name), dict(spec))]
    for section, entries in (("volumes", volumes), ("networks", networks)):
        wanted += [((section, key), value) for key, value in (entries or {}).items()]
    for path, value in wanted:
        data = _ensure(data, path, value)
    return data


def ensure_services(compose: bytes, others: bytes) -> bytes:
    """Add all services of another compose file, with its volumes and networks.

    Raises DataError (DRIFTED) where one is there otherwise, and where that file says more.
    """
    said = YamlDocument.of(others).data
    sections = ("services", "volumes", "networks")
    plain = isinstance(said, dict) and said.keys() <= {*sections}
    if not plain or b"#" in others or not all(isinstance(each, dict) for each in said.values()):
        raise DataError("it has more than services", Outcome.DRIFTED)
    data = compose
    for section in sections:
        for name, value in said.get(section, {}).items():
            data = _ensure(data, (section, name), value)
    return data


def remove_service(compose: bytes, name: str, volumes: Mapping[str, Any] | None = None) -> bytes:
    """Take out a service and those named volumes, and the sections that this leaves empty."""
    data = YamlDocument.of(compose).remove(("services", name), prune=True)
    for volume in volumes or {}:
        data = YamlDocument.of(data).remove(("volumes", volume), prune=True)
    return data


def _ensure(data: bytes, path: tuple[str, str], value: Any) -> bytes:
    doc = YamlDocument.of(data)
    done, there = (
        paths.follow(doc.data, path)
        if isinstance(doc.data, dict) and doc.data.get(path[0])
        else ((), None)
    )
    if len(done) < len(path):
        return doc.ensure_value(path, value or None)
    if paths.same(there or {}, value or {}):
        return data
    message = f"there is another {paths.show(path)} already"
    raise DataError(message, Outcome.DRIFTED, lines=doc.line(done))
