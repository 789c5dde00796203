"""The kind `plain` where a repository has no template of it: a module in its own package, and a
test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skills_engine.tree import Tree

__all__ = ["packages", "plain"]

_PAGE = """\
---
name: sample-name
description: Adds Sample name. Use when the owner wants it.
---
# Sample name

Say here what it is for.

```yaml manifest
version: 0.1.0
core: ">=0"
adds:
  - {module}
  - tests/test_sample_name.py
tests: [tests/test_sample_name.py]
```

`{module}` is added whole. Say here what must stay true in it.

## Use it

Say here what to do with it. What it changes in code that is there already is an operation, in a
block `yaml codemod` under a heading of its own: `skills operations` lists them.
"""

_MODULE = '''\
"""Sample name: to be written."""

__all__ = ["sample_name"]


def sample_name() -> str:
    """What it is."""
    return "Sample name"
'''

_TEST = '''\
"""Sample name: it is what it says."""

from {dotted} import sample_name


def test_it_is_what_it_says() -> None:
    assert sample_name() == "Sample name"
'''


def packages(tree: Tree) -> list[str]:
    """The folders of the packages at the top of a repository, and below src/: `src/parrot/`."""
    return [
        f"{folder}{name}"
        for folder in ("", "src/")
        for name in tree.listdir(folder.rstrip("/"))
        if name.endswith("/") and name != "tests/" and tree.exists(f"{folder}{name}__init__.py")
    ]


def plain(tree: Tree) -> dict[str, str]:
    """Its files by path. The module is at the top where the repository has no package there, or
    several.
    """
    found = packages(tree)
    folder = found[0] if len(found) == 1 else ""
    module = f"{folder}sample_name.py"
    dotted = module.removeprefix("src/").removesuffix(".py").replace("/", ".")
    return {
        "SKILL.md": _PAGE.format(module=module),
        f"add/{module}": _MODULE,
        "add/tests/test_sample_name.py": _TEST.format(dotted=dotted),
    }
