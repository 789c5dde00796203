"""The reference of the vocabulary: `skills operations` prints it, one operation at a time, and
`python -m skills_engine.package.reference > docs/operations.md` makes the page by wish.

Everything in it comes from the operations: their docstrings, fields and examples.
"""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from dataclasses import MISSING, fields
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import yaml

from skills_engine.codemods.registry import operation, words
from skills_engine.package.decode import keys_of
from skills_engine.package.wishes import WISHES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skills_engine.codemods.operation import Example, Operation, Tree

__all__ = ["entry", "page", "section", "table"]

_INTRODUCTION = """\
# Operations

<!-- Generated: python -m skills_engine.package.reference > docs/operations.md -->

What may stand after `ensure:` in a `codemod` block of a skill package. [Writing
skills](writing-skills.md) tells how to use it; each example on this page is a test.

`skills operations WORD` prints all of one operation: its keys, every example, and what it refuses.

An operation says what must hold. If it holds already, nothing happens; if it does not, the least
that makes it hold is written, and every other byte of the file stays. If its place is missing, or
there are several, or what stands there has another shape than the operation knows, it refuses and
lists what it might have meant.

**Selectors.** A place in Python code is named by its qualified name: `CHANNELS`, `App.start`,
`main`. The file is named beside it, with `in: bot/channels/__init__.py`, or before a colon as a
module: `of: bot.channels:CHANNELS`. The functions of a property are `App.name.getter`,
`App.name.setter` and `App.name.deleter`; of overloads, the one that runs is meant.

**Paths** are relative to the repository's root, with forward slashes. What upstream has renamed
or moved since is followed: a file, as git finds it; a name that a module imports from another of
the repository, to there, or did; and a definition, or a method of a class, that the commit which
took its name away has under another one, in that file or in another, word for word. Of a short one
(a list of one element), what used it must use the new one now. So are the imports in code that a
skill brings: `from bot.settings import Settings` becomes
`from bot.settings import Config as Settings`. A pattern, or a `call`, follows where the file has a
name of it nowhere any more: `make($X)`, `bot.make($X)` and `self.make($X)`, with what is written in
its place.

**Code** in a value is written as in a file at the left margin, indented by four spaces a level;
it takes the indentation and the line ends of the file that it goes into.

**Patterns** are Python source with metavariables: `$X` is one expression, name or (alone on its
line) statement, the same code wherever it stands again; `$_` is anything; `$...X` is any number of
arguments, also after a keyword, of elements, parameters, parts of a `case` or statements. White
space, comments, quotes, redundant parentheses and trailing commas do not count. A header without a
body (`for $X in items:`) matches with any body.

**Comments** directly above a statement, an import or an entry of a list belong to it and go where
it goes, and so does the one at the end of its line. What speaks of more stays where it is: a
licence, a pragma for the whole file, `# fmt: off`, `# isort: off`, `# region` and other marks of a
region.
"""


def page() -> str:
    """The page as Markdown: every word, and for each wish the one example that answers it."""
    contents = "\n".join(f"| `{word}` | {_cell(said)} |" for word, said in table())
    wishes = "\n".join(
        f"| [{wish}](#{wish.lower().replace(' ', '-')}) | `{word}` |" for wish, word, _ in WISHES
    )
    parts = [
        _INTRODUCTION,
        f"## All operations\n\n| `ensure:` | what then holds |\n|---|---|\n{contents}\n",
        f"## By wish\n\n| I want to | with |\n|---|---|\n{wishes}\n",
    ]
    for wish, word, title in WISHES:
        op = operation(word)
        (example,) = (each for each in op.VALID if each.title == title)
        parts += [f"### {wish}\n", *tuple(_example(op, example, keys_of(op)))[1:]]
    return "\n".join(parts)


def table() -> tuple[tuple[str, str], ...]:
    """Each operation with the first sentence of what it does."""
    return tuple((word, _first_sentence(operation(word))) for word in words())


def section(word: str) -> str:
    """The reference of one operation: its keys, all its examples, and what it refuses."""
    return "\n".join(_operation(operation(word)))


def entry(word: str, keys: Mapping[str, Any]) -> str:
    """An entry of a `codemod` block, as an author would write it."""
    lines = []
    for key, value in {"ensure": word, **keys}.items():
        nested = isinstance(value, list | tuple | dict)
        lines += yaml.dump(
            {key: value},
            Dumper=_Dumper,
            sort_keys=False,
            allow_unicode=True,
            width=110,
            default_flow_style=None if nested else False,
        ).splitlines()
    return "- " + "\n".join("  " * bool(n and line) + line for n, line in enumerate(lines)) + "\n"


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block, tuples as lists, and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", data, style="|" if "\n" in data else None
    )


def _tuple(dumper: yaml.SafeDumper, data: tuple[Any, ...]) -> yaml.SequenceNode:
    return dumper.represent_list(data)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(tuple, _tuple)


def _operation(op: type[Operation]) -> Iterator[str]:
    yield f"## {op.ensure}\n"
    yield f"{inspect.cleandoc(op.__doc__ or '')}\n"
    yield "| key | what it takes | without it |\n|---|---|---|"
    hints = get_type_hints(op)
    written = keys_of(op)
    for spec in fields(op):
        key = spec.name.rstrip("_")
        if key in written:
            default = spec.default if spec.default_factory is MISSING else spec.default_factory()
            yield f"| `{key}` | {_cell(_type(hints[spec.name]))} | {_cell(_default(default))} |"
    yield ""
    codes = dict.fromkeys(
        str(v).strip() for e in op.VALID for key, v in e.keys.items() if key not in written
    )
    for code in codes:
        yield f"In the examples, the package brings this code:\n\n{_fenced('python', code)}"
    for example in op.VALID:
        yield from _example(op, example, written)
    yield "It refuses:\n"
    for refusal in op.INVALID:
        yield f"- {refusal.title}: *{refusal.outcome}*, “{refusal.message}”"
    yield ""


def _example(op: type[Operation], example: Example, written: tuple[str, ...]) -> Iterator[str]:
    yield f"**{example.title[:1].upper()}{example.title[1:]}**\n"
    yield _fenced(
        "yaml",
        entry(op.ensure, {key: value for key, value in example.keys.items() if key in written}),
    )
    before, after = _files(example.before), _files(example.after)
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) == after.get(path):
            language = "python" if path.endswith(".py") else "text"
            yield f"`{path}` stays:\n\n{_fenced(language, before[path])}"
        else:
            yield _fenced("diff", "\n".join(_diff(path, before.get(path), after.get(path))))


def _diff(path: str, before: str | None, after: str | None) -> Iterator[str]:
    """All of a file, since the examples are small."""
    old, new = (before or "").splitlines(), (after or "").splitlines()
    yield f"--- {path if before is not None else '/dev/null'}"
    yield f"+++ {path if after is not None else '/dev/null'}"
    for line in list(difflib.unified_diff(old, new, lineterm="", n=len(old) + len(new)))[3:]:
        yield line.rstrip()


def _files(tree: Tree) -> dict[str, str]:
    return {"m.py": tree} if isinstance(tree, str) else tree


def _fenced(language: str, text: str) -> str:
    marks = "`" * max([3, *(len(run) + 1 for run in re.findall("`{3,}", text))])
    return f"{marks}{language}\n{text.rstrip()}\n{marks}\n"


def _first_sentence(op: type[Operation]) -> str:
    text = " ".join(inspect.cleandoc(op.__doc__ or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s", text)[0]


def _default(default: Any) -> str:
    if default is MISSING:
        return "needed"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return "" if default in ("", None, (), {}) else f"`{default}`"


def _type(hint: Any) -> str:
    """A field's type in the words of YAML."""
    origin, arms = get_origin(hint), get_args(hint)
    plain = {
        str: "text",
        int: "a number",
        float: "a number",
        bool: "`true` or `false`",
        Any: "anything",
    }
    if hint in plain:
        return plain[hint]
    if origin is tuple:
        return "a list" if arms[0] in {str, Any} else f"a list, each {_type(arms[0])}"
    if origin is dict or hint is dict:
        return "a mapping"
    return " or ".join(_type(arm) if isinstance(arm, type) or get_origin(arm) else f"`{arm}`"
                       for arm in arms if arm is not NoneType)  # fmt: skip


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
