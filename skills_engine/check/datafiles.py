"""Rule "data": TOML, JSON and YAML files must still parse, and pyproject's requirements must be
valid.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from skills_engine.bounds import beyond
from skills_engine.check.finding import Hit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.check.version import Parsed

__all__ = ["data", "is_data"]

_LINE = re.compile(r"line (\d+)")


def is_data(path: str) -> bool:
    return path.endswith((".toml", ".json", ".yaml", ".yml"))


def data(parsed: Parsed) -> Iterator[Hit]:
    """At most one hit for a file that does not parse; else one for each key that a mapping has
    twice.
    """
    try:
        text = parsed.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = parsed.data.count(b"\n", 0, error.start) + 1
        yield _hit(parsed, ("data",), line, "the file is not UTF-8")
        return
    if why := beyond(text, indented=parsed.path.endswith((".yaml", ".yml"))):
        yield _hit(parsed, ("data",), 1, f"the file cannot be read as data: {why}")
    elif parsed.path.endswith(".toml"):
        yield from _toml(parsed, text)
    elif parsed.path.endswith(".json"):
        yield from _json(parsed, text)
    else:
        yield from _yaml(parsed, text)


def _hit(parsed: Parsed, key: tuple[str, ...], line: int, message: str) -> Hit:
    return Hit(key, line, parsed.line(line), message)


def _toml(parsed: Parsed, text: str) -> Iterator[Hit]:
    import tomllib  # noqa: PLC0415  # each parser only for the files that need it

    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = _LINE.search(str(error))
        yield _hit(
            parsed, ("data",), int(found[1]) if found else 1, f"the file is not valid TOML: {error}"
        )
        return
    if parsed.path.rpartition("/")[2] == "pyproject.toml":
        yield from _requirements(parsed, document)


def _requirements(parsed: Parsed, document: dict[str, Any]) -> Iterator[Hit]:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415

    for where, written in _written(document):
        try:
            Requirement(written)
        except InvalidRequirement as error:
            number = _line_of(parsed, written)
            reason = str(error).splitlines()[0]
            yield _hit(
                parsed,
                ("requirement", written),
                number,
                f"{written!r} in {where} is no valid requirement: {reason}",
            )


def _written(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every requirement string of a pyproject, and the table that it is in."""
    project = _table(document, "project")
    tables: list[tuple[str, Any]] = [
        ("build-system.requires", _table(document, "build-system").get("requires")),
        ("project.dependencies", project.get("dependencies")),
    ]
    tables += [
        (f"project.optional-dependencies.{n}", v)
        for n, v in _table(project, "optional-dependencies").items()
    ]
    tables += [
        (f"dependency-groups.{n}", v) for n, v in _table(document, "dependency-groups").items()
    ]
    for where, values in tables:
        if isinstance(values, list):
            yield from ((where, value) for value in values if isinstance(value, str))


def _table(document: dict[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _line_of(parsed: Parsed, written: str) -> int:
    at = parsed.data.find(written.encode())
    return parsed.data.count(b"\n", 0, max(at, 0)) + 1


def _json(parsed: Parsed, text: str) -> Iterator[Hit]:
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in items:
            if key in seen:
                twice.append(key)
            seen[key] = value
        return seen

    try:
        json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        yield _hit(parsed, ("data",), error.lineno, f"the file is not valid JSON: {error.msg}")
        return
    except RecursionError:
        yield _hit(parsed, ("data",), 1, "the file is nested too deeply to parse")
        return
    for key in twice:
        at = text.rfind(json.dumps(key))
        line = text.count("\n", 0, max(at, 0)) + 1
        yield _hit(parsed, ("key", key), line, f"the key {key!r} is in an object a second time")


def _yaml(parsed: Parsed, text: str) -> Iterator[Hit]:
    """Composed, not constructed: tags of Compose and others (`!reset`) are none of our business."""
    import yaml  # noqa: PLC0415

    try:
        documents = list(
            yaml.compose_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        )
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        yield _hit(
            parsed, ("data",), mark.line + 1 if mark else 1, f"the file is not valid YAML: {reason}"
        )
        return
    except RecursionError:
        yield _hit(parsed, ("data",), 1, "the file is nested too deeply to parse")
        return
    waiting: list[tuple[yaml.Node, str]] = [(d, "") for d in documents if d is not None]
    done: set[int] = set()  # aliases make a graph of the tree
    while waiting:
        node, path = waiting.pop()
        if id(node) in done:
            continue
        done.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [(child, path) for child in node.value]
        elif isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
                if name and name in seen and name != "<<":
                    line = key.start_mark.line + 1
                    yield _hit(
                        parsed,
                        ("key", path, name),
                        line,
                        f"the key {name!r} is in a mapping a second time",
                    )
                seen.add(name)
                waiting.append((value, f"{path}/{name}"))
