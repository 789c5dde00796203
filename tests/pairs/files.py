"""Two edits of a file of data or lines that do not overlap, with a known answer: the text with both.

A kind is a pattern and what comes in the place of a match, `{n}` in it being a number that is used
once. Where both edits insert at one place, either order is right.
"""

from __future__ import annotations

import json
import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

__all__ = ["FILES", "FilePair", "file_pairs", "said"]

_TOML = """\
# the project
[project]
name = "thing"
version = "1.2.3"
text = \"\"\"
A thing
with lines
\"\"\"
needs = [
    "attrs>=22",
    "click",  # the command line
    "rich<14",
]
words = ["a", "b", "c"]
authors = [{ name = "Ann", mail = "a@x.org" }, { name = "Bob" }]

[project.scripts]
thing = "thing.cli:main"
"other" = 'thing.cli:other'

# --- tools

[tool.lint]
width = 100
target = "py311"  # the oldest
rules.select = ["E", "F"]
rules.ignore = ["E501"]

[[tool.check]]
module = "foo.*"
missing = true

[[tool.check]]
module = ["bar", "baz"]
missing = false

[servers.one]
ports = [80, 443]
wait = { retry = 3, after = 1.5 }
"""
_YAML = """\
# services
version: "3.9"

x-common: &common
  restart: always
  settings:
    LEVEL: info
    DEBUG: "0"  # off

services:
  web:
    <<: *common
    image: nginx:1.25
    ports:
      - "80:80"
      - "443:443"
    labels: [a, b, c]
  # the api
  api:
    image: api:latest
    command: |
      run --port 8000
      stop
    needs:
      - db
      - cache
      - queue
  db:
    volumes:
    - data:/var/lib
    - init:/init   # first
    config: {user: me, size: 10}

jobs:
  - name: build
    run: make
  - name: test
    run: pytest
    if: always
volumes:
  data: {}
"""
_JSON = """\
{
  "name": "thing",
  "version": 3,
  "scripts": {
    "build": "tsc",
    "test": "jest",
    "lint": "eslint"
  },
  "files": [
    "dist",
    "src",
    "docs"
  ],
  "list": [1, 2, 3, 4],
  "nested": [
    {
      "id": 1,
      "tags": ["x", "y"]
    },
    {
      "id": 2,
      "extra": { "a": 1, "b": null }
    }
  ],
  "end": {"one": 1, "two": {"three": 3}}
}
"""
_ENV = """\
# the bot
NAME=Andy
TOKEN="abc def"
EMPTY=

# database
URL=postgres://a:b@host/db
export POOL=5
WAIT=30
#SSL=1

KEY='single $quoted'
LEVEL=info
"""
_LINES = """\
# main
attrs>=22
click==8.1.7
rich<14  # output
socks>=2.31 ; python_version < "3.12"

# async
aiohttp
aiofiles>=23,<25
-r other.txt

# tests
pytest
ruff==0.5
"""
_ENTRY = r"^(?=[\w\"<'.-]+(?: =|:|=))"
_LINE = r"^(?=[^\n])"
Kind = tuple[str, str]

_JSON_KINDS: dict[str, Kind] = {
    "a key before": (r'(?<=[{,])(\s*)(?="\w+":)', r'\1"n{n}": {n},\1'),
    "a key gone": (r'"\w+": (?:"\w+"|\d+),\s*', ""),
    "a key of another name": (r'"\w+"(?=:)', '"n{n}"'),
    "another value": (r'(?<=: )(?:"\w+"|\d+|null)', "{n}"),
    "a value in a list": (r'(?<=: )("\w+"|\d+)', r"[\1]"),
    "an object for a value": (r'(?<=: )("\w+"|\d+)', r'{"v": \1}'),
    "an element before": (r'(?<=[\[,])(\s*)(?=["\d][^:\n]*$)', r"\1{n},\1"),
    "an element behind": (r'(?<=[\w"])(?=\s*\])', ", {n}"),
    "an element gone": (r'(?<=[\[,])\s*(?:"\w+"|\d+),(?!\s*")', ""),
    "another element": (r'(?<=[\[ ])(?:"\w+"|\d+)(?=,|\])', '"n{n}"'),
    "another kind of element": (r'(?<=[\[ ])(?:"\w+"|\d+)(?=,|\])', '{"k": {n}}'),
    "elements that change places": (r'("\w+"|\d+)(,\s*)("\w+"|\d+)(?=[,\]\n])', r"\3\2\1"),
    "keys that change places": (r'^( *"\w+": [^\n{\[]+)(,\n)( *"\w+": [^\n{\[]+?)(?=,?\n)', r"\3\2\1"),
}  # fmt: skip
_SHARED: dict[str, Kind] = {
    "a blank line": (_LINE, "\n"),
    "a blank line less": (r"(?<=\n)\n", ""),
    "a comment": (r"^(?= *[^\s#])", "# note {n}\n"),
    "another comment": (r"(?<=# )(?=\w)", "n{n} "),
    "a comment less": (r"^ *# [^\n]*\n", ""),
}
_TOML_KINDS: dict[str, Kind] = {
    **_SHARED,
    "a comment behind": (r"(?<=[\w\"'\]}])(?=\n)", "  # n{n}"),
    "a key before": (_ENTRY, "n{n} = {n}\n"),
    "a dotted key before": (_ENTRY, "n{n}.a = {n}\n"),
    "a key gone": (r"^[\w.]+ = [^\n\[{]*[\w'\"]\n", ""),
    "a key of another name": (r"^\w+(?= = )", "n{n}"),
    "another value": (r"(?<== )(?:\"[^\"\n]+\"|\d+|true|false)", "{n}"),
    "other quotes": (r"(?<= = )\"(\w+)\"", r"'\1'"),
    "a table before": (r"^(?=\[)", "[n{n}]\nk = {n}\n\n"),
    "an array's table before": (r"^(?=\[\[)", '[[tool.check]]\nmodule = "n{n}"\n\n'),
    "a table gone": (r"^\[project\.scripts\]\n(?:[^\n\[]+\n)+", ""),
    "an element before": (r"^(?=(    )\")", r'\1"n{n}",' + "\n"),
    "an element gone": (r"^    \"[^\n]*\n", ""),
    "an element in line": (r"(?<=[\"\d])(?=\]$)", ", 9{n}"),
    "an element first in line": (r"(?<= = \[)(?=[\"\d])", "9{n}, "),
    "a key in an inline table": (r"(?<=[\"\d])(?= \})", ", n{n} = 1"),
    "keys that change places": (r"^(\w+ = [^\n\[{]*\w\"?\n)(\w+ = [^\n\[{]*\w\"?\n)", r"\2\1"),
    "elements that change places": (r"^(    \"[^\n]*\n)(    \"[^\n]*\n)", r"\2\1"),
    "a word in a text": (r"(?<=thing)$", " n{n}"),
}  # fmt: skip
_YAML_KINDS: dict[str, Kind] = {
    **_SHARED,
    "a comment behind": (r"(?<=[\w\"\]}])$", "  # n{n}"),
    "a key before": (r"^(?=( *)[\w<-]+:)", r"\1n{n}: {n}" + "\n"),
    "a mapping before": (r"^(?=( *)[\w<-]+:)", r"\1n{n}:" + "\n" + r"\1  k: {n}" + "\n"),
    "a text before": (r"^(?=( *)[\w<-]+:)", r"\1n{n}: |" + "\n" + r"\1  t{n}" + "\n"),
    "a key gone": (r"^ *\w+: [^\n&|>]*\n", ""),
    "a key of another name": (r"(?<= )\w+(?=: )", "n{n}"),
    "another value": (r"(?<=\w: )[\w:.]+$", "n{n}"),
    "quotes": (r"(?<=\w: )([a-z]+)$", r'"\1"'),
    "an item before": (r"^(?=( *)- \S+$)", r"\1- n{n}" + "\n"),
    "an item gone": (r"^ *- \S+\n", ""),
    "another item": (r"(?<=- )[\w:\"]+$", "n{n}"),
    "items that change places": (r"^( *- \S+\n)( *- \S+\n)", r"\2\1"),
    "keys that change places": (r"^( *)(\w+: \w+\n)\1(\w+: \w+\n)", r"\1\3\1\2"),
    "an element in line": (r"(?<=\w)(?=\]$)", ", n{n}"),
    "a key in line": (r"(?<=\w)(?=\}$)", ", n{n}: 1"),
    "a key of an item": (r"^(  - name: \w+\n)", r"\1    n{n}: 1" + "\n"),
    "a line in a text": (r"^(?=(      )stop)", r"\1t{n}" + "\n"),
    "an anchor": (r"(?<=  db:)$", " &n{n}"),
}
_ENV_KINDS: dict[str, Kind] = {
    **_SHARED,
    "an entry before": (_ENTRY, "N{n}={n}\n"),
    "an entry gone": (r"^(?:export )?[A-Z]+=[^\n]*\n", ""),
    "an entry in a comment": (r"^([A-Z]+=[^\n]*)$", r"#\1"),
    "another value": (r"(?<=[A-Z]=)[^\n]+$", "{n}"),
    "another key": (r"^[A-Z]+(?==)", "N{n}"),
    "an export": (r"^[A-Z]+(?==)", r"export \g<0>"),
    "entries that change places": (r"^([A-Z]+=[^\n]*\n)([A-Z]+=[^\n]*\n)", r"\2\1"),
}
_LINE_KINDS: dict[str, Kind] = {
    **_SHARED,
    "a line before": (r"^(?=[a-z-])", "n{n}>=1\n"),
    "a line gone": (r"^[a-z-][^\n]*\n", ""),
    "a line in a comment": (r"^([a-z-][^\n]*)$", r"#\1"),
    "another version": (r"(?<=[a-z])[<>=]+[\d.]+", "=={n}"),
    "an extra": (r"^[a-z]+(?=[\s<>=])", r"\g<0>[n{n}]"),
    "another name": (r"^[a-z]+(?=[\s<>=])", "n{n}"),
    "lines that change places": (r"^([a-z-][^\n]*\n)([a-z-][^\n]*\n)", r"\2\1"),
}
FILES: dict[str, tuple[str, dict[str, Kind]]] = {
    "x.toml": (_TOML, _TOML_KINDS),
    "x.yaml": (_YAML, _YAML_KINDS),
    "x.json": (_JSON, _JSON_KINDS),
    ".env": (_ENV, _ENV_KINDS),
    "requirements.txt": (_LINES, _LINE_KINDS),
    "lines.cfg": (_LINES, _LINE_KINDS),
}


@dataclass(frozen=True)
class FilePair:
    """`due` are the texts with both edits: two where they insert at one place."""

    kinds: tuple[str, str]
    base: str
    ours: str
    theirs: str
    due: tuple[str, ...]


_Splice = tuple[int, int, str]


def file_pairs(path: str, seed: int, count: int) -> Iterator[FilePair]:
    """So many pairs of edits of a sample of that kind of file, most of them near one another."""
    base, kinds = FILES[path]
    rng = random.Random(seed)  # noqa: S311
    matches = {
        name: list(re.finditer(found, base, re.MULTILINE)) for name, (found, _) in kinds.items()
    }
    made = 0
    while made < count:
        edits: list[tuple[str, _Splice]] = []
        for n in (rng.randrange(10, 50), rng.randrange(50, 90)):
            name = rng.choice(sorted(kinds))
            near = [m for m in matches[name] if not edits or abs(m.start() - edits[0][1][0]) < 90]
            if near:
                match = rng.choice(near)
                new = match.expand(kinds[name][1]).replace("{n}", str(n))
                edits.append((name, (match.start(), match.end(), new)))
        if len(edits) < 2 or not _apart(edits[0][1], edits[1][1]):
            continue
        one, two = (edit for _, edit in edits)
        due = [_with(base, one, two)]
        if not base[min(one[1], two[1]) : max(one[0], two[0])].strip():
            due += [_with(base, two, one), _with(base, *_turned(one, two))]
        pair = FilePair(
            (edits[0][0], edits[1][0]), base, _with(base, one), _with(base, two), tuple(due)
        )
        texts = (pair.ours, pair.theirs, due[0])
        if len({base, *texts}) == 4 and all(said(path, text) is not None for text in texts):
            yield pair
            made += 1


def _apart(one: _Splice, two: _Splice) -> bool:
    """Whether they neither overlap nor one inserts at an end of what the other replaces."""
    first, last = sorted((one, two))
    inserts = [first[0] == first[1], last[0] == last[1]]
    return first[1] < last[0] or (first[1] == last[0] and all(inserts))


def _turned(one: _Splice, two: _Splice) -> tuple[_Splice, _Splice]:
    """The same insertions, each where the other one was."""
    inserts = one[0] == one[1] and two[0] == two[1]
    return ((*one[:2], two[2]), (*two[:2], one[2])) if inserts else (one, two)


def _with(text: str, *splices: _Splice) -> str:
    for start, end, new in sorted(splices, key=lambda s: s[0], reverse=True):
        text = text[:start] + new + text[end:]
    return text


def said(path: str, text: str) -> object:
    """What a text says, in its order, with its comments; None for what does not parse."""
    comments = [each.strip() for each in re.findall(r"(?:^|\s)#[^\n]*", text)]
    rows = [row.rstrip() for row in text.split("\n") if row.strip()]
    try:
        match path.rpartition(".")[2]:
            case "toml":
                return repr(tomllib.loads(text)), comments
            case "yaml":
                return [_node(node) for node in yaml.compose_all(text)], comments
            case "json":
                return json.loads(text, object_pairs_hook=_once)
    except (ValueError, yaml.YAMLError):
        return None
    return rows


def _once(pairs: list[tuple[str, object]]) -> object:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return pairs


def _node(node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return [(_node(key), _node(value)) for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        return ["-", *map(_node, node.value)]
    return node.tag, node.value
