"""The three things that a listing shows, read fast and without judging the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.package import strict_yaml
from skills_engine.package.markdown import Fence, normalised, split
from skills_engine.package.model import Summary
from skills_engine.package.problems import Problems
from skills_engine.package.strict_yaml import Keys

if TYPE_CHECKING:
    from skills_engine.package.model import PackageFiles
    from skills_engine.package.strict_yaml import Node

__all__ = ["summary"]


def summary(name: str, files: PackageFiles) -> Summary:
    """What can be said of a package without reading all of it; never raises, so that one bad skill
    hides no other.

    `name` is the directory's. A description or version that cannot be read is '' or None.
    """
    page = split(normalised(files.get("SKILL.md", b"").decode("utf-8", "replace")))
    ignored = Problems(name)
    description = ""
    if page.frontmatter is not None:
        description = _text(strict_yaml.parse(page.frontmatter, 2, ignored), "description")
    for block in page.blocks():
        if isinstance(block, Fence) and block.info.split() == ["yaml", "manifest"]:
            return Summary(
                name,
                description,
                _text(strict_yaml.parse(block.text, 1, ignored), "version") or None,
            )
    return Summary(name, description, None)


def _text(node: Node | None, key: str) -> str:
    if not isinstance(node, Keys) or key not in node.items:
        return ""
    return (strict_yaml.text(node.items[key][1]) or "").strip()
