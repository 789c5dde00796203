"""The requirements of a pyproject.toml: strings, include-groups and extras of its own resolved."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement

from skills_engine.bounds import beyond
from skills_engine.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "added",
    "document",
    "group",
    "normal",
    "parsed",
    "satisfied",
    "strings",
    "table",
    "without_itself",
]


def added(before: Iterable[str], after: Iterable[str]) -> tuple[str, ...]:
    """The requirements that are new in `after`, or have another version range there; in its
    order.
    """
    known = {_canonical(text) for text in before}
    return tuple(text for text in after if _canonical(text) not in known)


def satisfied(requirements: Iterable[str]) -> bool:
    """Whether the running interpreter's environment has them all. Extras are taken on trust, direct
    URLs are not.
    """
    return all(_installed(text) for text in requirements)


def _installed(text: str) -> bool:
    requirement = Requirement(text)
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    if requirement.url is not None:
        return False
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)


def without_itself(
    wanted: Iterable[str], own: str, extras: dict[str, Any], seen: frozenset[str]
) -> Iterator[str]:
    """`project[extra]` in the project's own lists stands for what that extra lists."""
    for text in wanted:
        requirement = parsed(text)
        if not own or normal(requirement.name) != own:
            yield text
            continue
        for extra in sorted(requirement.extras - seen):
            listed = [
                text for k, v in extras.items() if normal(k) == normal(extra) for text in strings(v)
            ]
            yield from without_itself(listed, own, extras, seen | {extra})


def group(groups: dict[str, Any], name: str, seen: tuple[str, ...] = ()) -> list[str]:
    """A dependency group with the groups that it includes (PEP 735)."""
    if name in seen:
        raise Refused(
            f"pyproject.toml: the dependency group {name!r} includes itself "
            f"({' → '.join([*seen, name])})",
            hint="take one of the include-group entries out",
        )
    listed = next((value for key, value in groups.items() if normal(key) == normal(name)), None)
    if not isinstance(listed, list):
        raise Refused(
            f"pyproject.toml: there is no dependency group {name!r}",
            hint="write the group, or take its include-group out",
        )
    found: list[str] = []
    for item in listed:
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict) and isinstance(item.get("include-group"), str):
            found += group(groups, item["include-group"], (*seen, name))
    return found


def document(data: bytes, name: str = "pyproject.toml") -> dict[str, Any]:
    """Raises Refused, with the name, for what is not TOML."""
    try:
        text = data.decode("utf-8-sig")
        if why := beyond(text):
            raise Refused(f"{name} cannot be read: {why}", hint="mend the file first")
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{name} cannot be read: {error}", hint="mend the file first") from None


def table(document: dict[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def parsed(text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise Refused(
            f"pyproject.toml: {text!r} is no valid requirement: {reason}",
            hint="write a name and a version range, as in aiogram>=3.31,<4",
        ) from None


def _name(text: str) -> str:
    return normal(parsed(text).name)


def _canonical(text: str) -> str:
    """The requirement in one spelling: `Foo_Bar >=1` and `foo-bar>=1` ask the same."""
    requirement = parsed(text)
    requirement.name = normal(requirement.name)
    return str(requirement)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
