"""The frontmatter of SKILL.md, as the Agent Skills standard has it.

Stricter than the standard nowhere but in names, which are also directory names
and branch names here; what we accept, `agentskills validate` accepts.
<https://agentskills.io/specification>
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.package import strict_yaml
from skills_engine.package.problems import did_you_mean
from skills_engine.package.strict_yaml import Items, Keys, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.package.problems import Problems

__all__ = ["NAME", "Frontmatter", "read_frontmatter"]

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
KEYS = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")
_LONGEST = {"name": 64, "description": 1024, "compatibility": 500}
_FIRST_LINE = 2


@dataclass(frozen=True, slots=True)
class Frontmatter:
    """The two keys that the engine reads; '' where one is missing or wrong."""

    name: str = ""
    description: str = ""


def read_frontmatter(source: str | None, directory: str, problems: Problems) -> Frontmatter:
    """Check everything; `source` is None where SKILL.md has no frontmatter."""
    if source is None:
        problems.add(
            1,
            "there is no frontmatter",
            "begin with a line `---`, then name and description, then `---`",
        )
        return Frontmatter()
    if "---" in source:
        line = _FIRST_LINE + source[: source.index("---")].count("\n")
        problems.add(
            line,
            "the frontmatter holds `---`, which other readers take for its end",
            "another dash",
        )
    for number, text in enumerate(source.split("\n"), _FIRST_LINE):
        if "\t" in text:
            problems.add(number, "the frontmatter holds a tab", "spaces")
    node = strict_yaml.parse(source, _FIRST_LINE, problems)
    if node is None:
        return Frontmatter()
    if not isinstance(node, Keys):
        problems.add(
            node.line, f"the frontmatter is {strict_yaml.kind(node)}", "`name:` and `description:`"
        )
        return Frontmatter()
    strict_yaml.check_seen(node, problems)
    for part in _nodes(node):
        if isinstance(part, Items | Keys) and part.flow:
            problems.add(
                part.line,
                "the standard's frontmatter has no braces or brackets",
                "a line a key or item",
            )
    for key, (line, _) in node.items.items():
        if key not in KEYS:
            problems.add(line, f"{key!r} is no key of an Agent Skill", did_you_mean(key, KEYS))
    values = {key: _value(node, key, problems) for key in ("name", "description", "compatibility")}
    name = values["name"]
    line = node.items["name"][0] if "name" in node.items else _FIRST_LINE
    if name and not NAME.fullmatch(name):
        problems.add(
            line,
            f"the name {name!r} is not valid",
            "lowercase letters and digits, with single hyphens",
        )
    if name and name != directory:
        problems.add(
            line, f"the name is {name!r}, the directory is {directory!r}", f"name: {directory}"
        )
    return Frontmatter(name, values["description"])


def _value(node: Keys, key: str, problems: Problems) -> str:
    if key not in node.items:
        if key != "compatibility":
            problems.add(1, f"the frontmatter has no {key!r}", f"`{key}:` and its text")
        return ""
    line, item = node.items[key]
    found = item.text.strip() if isinstance(item, Scalar) else ""
    if not found:
        problems.add(
            line,
            f"{key!r} is {'empty' if isinstance(item, Scalar) else strict_yaml.kind(item)}",
            "text",
        )
    elif len(found) > _LONGEST[key]:
        problems.add(line, f"{key!r} has {len(found)} characters", f"at most {_LONGEST[key]}")
    return found


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Items(items=items):
            for item in items:
                yield from _nodes(item)
        case Keys(items=keys):
            for _, item in keys.values():
                yield from _nodes(item)
