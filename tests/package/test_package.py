"""Reading a skill package: what is in it, and every mistake with its file and line, all at once."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from skills_engine.errors import PackageError
from skills_engine.package.decode import operations
from skills_engine.package.implied import implied
from skills_engine.package.lint import lint
from skills_engine.package.model import EnvironmentKey, Manifest, Summary
from skills_engine.package.reader import read
from skills_engine.package.summary import summary

validate = importlib.import_module("skills_ref.validator").validate  # it has no types

NAME = "add-telegram"
DESCRIPTION = "Adds Telegram as a chat channel. Use when the owner wants to talk from Telegram."
PAGE = f"""---
name: {NAME}
description: {DESCRIPTION}
---
# Telegram

```yaml manifest
version: 1.10
core: ">=0.1,<1"
depends: {{add-chat: ">=1,<2", add-base: ">=2"}}
conflicts: [add-signal]
dependencies: ["aiogram>=3.31,<4"]
environment:
  TELEGRAM_BOT_TOKEN: the token that @BotFather gives
  TELEGRAM_MODE: {{comment: how to listen, default: on}}
services:
  cache: {{image: "valkey:8", volumes: ["cache-data:/data", "./conf:/conf", /scratch]}}
volumes: {{cache-data: }}
adds:
  - bot/channels/telegram.py
  - tests/test_telegram.py
tests: [tests/test_telegram.py]
```

## Start it with the others

The assistant starts every class in `CHANNELS`. Telegram joins them.

```python
CHANNELS = [TelegramChannel]
```

```yaml codemod
- ensure: docstring
  in: bot/channels/__init__.py
  docstring: |
    The channels.

    Each is started.
- in: bot/app.py
  ensure: docstring
  docstring: Runs it.
```

```yaml codemod
- {{ensure: docstring, in: bot/main.py, docstring: "on"}}
```

### A note

~~~~markdown
An example that nothing runs:
```yaml codemod
- ensure: nothing
```
~~~~
"""
FILES = {
    "SKILL.md": PAGE.encode(),
    "add/bot/channels/telegram.py": b"x = 1\n",
    "add/tests/test_telegram.py": b"def test(): ...\n",
    "notes/why.md": b"Because.\n",
}


def line_of(text: str, page: str = PAGE) -> int:
    return page.split(text, maxsplit=1)[0].count("\n") + 1


def test_a_package() -> None:
    package = read(NAME, FILES, executable=frozenset({"notes/why.md", "elsewhere"}))
    assert (package.name, package.description) == (NAME, DESCRIPTION)
    assert package.path == f".claude/skills/{NAME}/SKILL.md"
    assert package.prose.startswith("# Telegram\n")
    assert package.manifest == Manifest(
        version="1.10",
        core=">=0.1,<1",
        depends=(("add-base", ">=2"), ("add-chat", ">=1,<2")),
        conflicts=(("add-signal", ""),),
        dependencies=("aiogram>=3.31,<4",),
        environment=(
            EnvironmentKey("TELEGRAM_BOT_TOKEN", "the token that @BotFather gives"),
            EnvironmentKey("TELEGRAM_MODE", "how to listen", "on"),
        ),
        services={
            "cache": {
                "image": "valkey:8",
                "volumes": ["cache-data:/data", "./conf:/conf", "/scratch"],
            }
        },
        volumes={"cache-data": {}},
        adds=("bot/channels/telegram.py", "tests/test_telegram.py"),
        tests=("tests/test_telegram.py",),
    )
    assert package.added() == {
        "bot/channels/telegram.py": b"x = 1\n",
        "tests/test_telegram.py": b"def test(): ...\n",
    }
    assert package.executable == {"notes/why.md"}


def test_the_steps_of_a_package_know_their_prose_and_lines() -> None:
    first, second = read(NAME, FILES).steps
    assert first.heading == second.heading == "Start it with the others"
    assert first.prose == (
        "The assistant starts every class in `CHANNELS`. Telegram joins them.\n\n"
        "```python\nCHANNELS = [TelegramChannel]\n```"
    )
    assert [entry.line for entry in first.entries] == [
        line_of("- ensure: docstring\n"),
        line_of("- in: bot/app.py"),
    ]
    assert dict(first.entries[0].keys)["docstring"] == "The channels.\n\nEach is started.\n"
    assert first.entries[1].lines["ensure"] == line_of("- in: bot/app.py") + 1
    assert second.line == line_of("```yaml codemod\n- {")
    assert second.entries[0].keys["docstring"] == "on"
    assert [operation.describe() for _, operation in operations(read(NAME, FILES))] == [
        "document bot/channels/__init__.py",
        "document bot/app.py",
        "document bot/main.py",
    ]


def test_what_a_manifest_implies() -> None:
    assert implied(read(NAME, FILES)) == (
        {"ensure": "dependency", "dependency": "aiogram>=3.31,<4"},
        {
            "ensure": "environment",
            "key": "TELEGRAM_BOT_TOKEN",
            "comment": "the token that @BotFather gives",
            "value": "",
        },
        {
            "ensure": "environment",
            "key": "TELEGRAM_MODE",
            "comment": "how to listen",
            "value": "on",
        },
        {
            "ensure": "service",
            "service": "cache",
            "spec": {
                "image": "valkey:8",
                "volumes": ["cache-data:/data", "./conf:/conf", "/scratch"],
            },
            "volumes": {"cache-data": None},
        },
    )


def test_an_instruction_only_skill() -> None:
    files = {
        "SKILL.md": b"---\nname: talk\ndescription: How to talk.\n---\nTalk plainly.\n",
        "data/x.csv": b"",
    }
    package = read("talk", files)
    assert (package.manifest, package.steps, package.prose) == (None, (), "Talk plainly.")
    assert implied(package) == ()
    assert lint("talk", files) == ()
    assert summary("talk", files) == Summary("talk", "How to talk.", None)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_line_ends_change_neither_what_is_read_nor_its_lines(newline: str) -> None:
    package = read(NAME, {**FILES, "SKILL.md": PAGE.replace("\n", newline).encode()})
    expected = read(NAME, FILES)
    assert replace(package, files={}, digest="") == replace(expected, files={}, digest="")


def test_a_summary_agrees_with_the_package() -> None:
    assert summary(NAME, FILES) == Summary(NAME, DESCRIPTION, "1.10")
    assert summary(NAME, {"SKILL.md": PAGE.replace("\n", "\r\n").encode()}) == Summary(
        NAME, DESCRIPTION, "1.10"
    )
    assert summary("broken", {"SKILL.md": b"---\nname: [\n---\n\xff"}) == Summary(
        "broken", "", None
    )
    assert summary("empty", {}) == Summary("empty", "", None)


# A page whose mistakes stand beside their lines: (line, parts of the messages expected there).
WRONG: list[tuple[str, tuple[str, ...]]] = [
    ("---", ("the frontmatter has no 'description'",)),
    ("name: Other", ("the name 'Other' is not valid", "the name is 'Other', the directory is 'wrong'")),
    ("descripton: 'x'", ("'descripton' is no key of an Agent Skill (did you mean 'description'?)",)),
    ("name: wrong", ("the key 'name' stands here a second time (keep one; the first is in line 2)",)),
    ("metadata: {a: b}", ("the standard's frontmatter has no braces or brackets",)),
    ("compatibility: []", ("'compatibility' is a list", "no braces or brackets")),
    ("---", ()),
    ("```yaml codemod", ("no heading stands above this codemod block", "the codemod block is empty")),
    ("```", ()),
    ("# Title", ()),
    ("> ```yaml codemod", ("this block is in a list, a quotation",)),
    ("", ()),
    ("<!--", ()),
    ("```yaml codemod", ("this block is in a list, a quotation, an indented block or an HTML comment",)),
    ("-->", ()),
    ("```yaml manifest", ("the manifest has no 'core' (core:",)),
    ("version: one", ("'one' is no version",)),
    ("vresion: 1", ("the manifest has no key 'vresion' (did you mean 'version'?)",)),
    ("depends:", ()),
    ("  wrong: '>=1'", ("wrong stands in its own 'depends'",)),
    ("  Bad_Name: '>=1'", ("'Bad_Name' is no name of a skill",)),
    ("  other: about 3", ("'about 3' is no range of versions",)),
    ("  empty:", ("'depends: empty' is empty",)),
    ("conflicts: [other]", ("other stands in both depends and conflicts",)),
    ("dependencies:", ()),
    ("  - aiogram>=3", ()),
    ("  - Aiogram<4", ("'Aiogram<4' repeats 'aiogram>=3'",)),
    ("  - aiogram >=> 3", ("'aiogram >=> 3' is no requirement",)),
    ("  - [x]", ("an item of 'dependencies' is a list",)),
    ("  - aiogram>=3", ("aiogram>=3 stands twice",)),
    ("environment:", ()),
    ("  lower_case: a comment", ("'lower_case' is no environment key",)),
    ("  NO_COMMENT:", ("NO_COMMENT has no comment",)),
    ("  BLANK: '  '", ("the comment of BLANK is empty",)),
    ("  KEY: {comment: yes, defualt: 3}", ("KEY has no key 'defualt' (did you mean 'default'?)",)),
    ("  LINES: {comment: x, default: \"a\\nb\"}", ("the default of LINES has several lines",)),
    ("services:", ("'volumes' does not declare data, which a service uses", "'volumes' does not declare logs",)),
    ("  'my service': {image: x}", ("'my service' is no name in a compose file",)),
    ("  cache: {ports: []}", ("the service cache has no image",)),
    ("  number: {image: x, cpus: 0.50}", ("0.50 is the number 0.5, which reads otherwise",)),
    ("  db: {image: x, volumes: ['data:/data', {type: volume, source: logs, target: /logs}]}", ()),
    ("volumes:", ()),
    ("  logs: []", ("the volume logs is a list",)),
    ("  other:", ("no service of this manifest uses the volume other",)),
    ("adds:", ("'adds' does not name bot/extra.py, which lies below add/ (- bot/extra.py)",
               "'adds' does not name manifests/x.yaml")),
    ("  - bot/missing.py", ("the package has no file add/bot/missing.py",)),
    ("  - ../outside.py", ("has the segment '..'",)),
    ("  - bot/.GIT/hooks/x", ("'bot/.GIT/hooks/x' is git's own",)),
    ("  - .git./config", ("'.git./config' is git's own",)),
    ("  - docs./x", ("begins or ends with a space, or ends with a dot",)),
    ("  - 'C:/x'", ("'C:/x' is absolute",)),
    ("  - 'a\\b'", ("has a backslash",)),
    ("  - .Claude/skills/x/SKILL.md", (".Claude/skills/x/SKILL.md is the engine's own", "has no file add/.Claude")),
    ("  - 3", ("the package has no file add/3",)),
    ("tests: [--pdb]", ("'--pdb' looks like an option of a command",)),
    ("```", ()),
    ("## Second", ()),
    ("Prose about nothing", ()),
    ("```yaml manifest", ("a second manifest block (one; the first is in line 16)",)),
    ("```", ()),
    ("```yaml codemods", ("nothing reads a block ```yaml codemods",)),
    ("```", ()),
    ("```codemod", ("nothing reads a block ```codemod (```yaml codemod)",)),
    ("```", ()),
    ("Third", ()),
    ("-----", ()),
    ("```yaml codemod", ("no prose stands between the heading 'Third' and this block",)),
    ("- ensure: nothing-like-it", ("'nothing-like-it' is no operation",)),
    ("- ensure: docstrin", ("'docstrin' is no operation (did you mean 'docstring'?",)),
    ("- ensure: docstring", ("docstring needs the key 'docstring'",)),
    ("  in: m.py", ()),
    ("- ensure: docstring", ()),
    ("  off: f", ("docstring has no key 'off' (did you mean 'of'?",)),
    ("  in: [m.py]", ("'in' is a list",)),
    ("  docstring: {a: b}", ("'docstring' is a mapping",)),
    ("- in: m.py", ("an entry has no 'ensure'",)),
    ("- ensure: 3", ("'ensure' is no text",)),
    ("- just text", ("an entry is text",)),
    ("- ensure: docstring", ("the file is not named (add `in: path/to/file.py`",)),
    ("  docstring: !!str &a x", ("the tag tag:yaml.org,2002:str", "the anchor &a")),
    ("```", ()),
    ("Enough prose for a block.", ()),
    ("```yaml codemod", ()),
    ("- ensure: docstring", ()),
    ("  docstring: *a", ("the alias *a stands for something else",)),
    ("```", ()),
    ("```yaml codemod", ()),
    ("- ensure: docstring", ()),
    ("  docstring: a: b", ("this is not YAML",)),
    ("```", ()),
    ("```yaml codemod", ("the codemod block is a mapping",)),
    ("ensure: docstring", ()),
    ("---", ("a second YAML document begins here",)),
    ("```", ()),
    ("Not what it \u202elooks like\u202c.", ("the character U+202E cannot be seen",)),
    ("```yaml codemod", ("nothing closes the block",)),
    ("- ensure: docstring", ()),
    ("  docstring: 'open", ("this is not YAML",)),
]  # fmt: skip
WRONG_FILES = {
    "SKILL.md": "\n".join(line for line, _ in WRONG).encode(),
    "add/bot/extra.py": b"",
    "add/manifests/x.yaml": b"",
    "adds/x.py": b"",
    "notes/A.md": b"",
    "notes/a.md": b"",
    "notes/../x": b"",
    "big.bin": b"\0" * 5_000_001,
}
WRONG_ELSEWHERE = {
    "add/manifests/x.yaml": "what lies there is the engine's own",
    "adds/x.py": "nothing reads the directory 'adds' (did you mean 'add'?)",
    "notes/a.md": "its name differs from notes/A.md only in case",
    "notes/../x": "has the segment '..'",
    "big.bin": "the file has 5,000,001 bytes (at most 5,000,000)",
    "link": "this is a link or a submodule (a copy of the file itself)",
}


def test_every_mistake_is_reported_with_its_file_and_line_all_at_once() -> None:
    found = [
        (problem.path.removeprefix(".claude/skills/wrong/"), problem.line, str(problem))
        for problem in lint("wrong", WRONG_FILES, links=frozenset({"link"}))
    ]
    expected = [
        ("SKILL.md", line, part) for line, (_, parts) in enumerate(WRONG, 1) for part in parts
    ]
    expected += [(file, 1, part) for file, part in WRONG_ELSEWHERE.items()]
    for file, line, part in expected:
        match = next((m for m in found if m[:2] == (file, line) and part in m[2]), None)
        assert match is not None, (
            f"{file}:{line}: {part!r} is not among {[m[2] for m in found if m[:2] == (file, line)]}"
        )
        found.remove(match)
    assert found == [], "nothing else is a mistake"


def test_an_invalid_package_is_refused_with_all_its_mistakes_in_order() -> None:
    with pytest.raises(PackageError) as caught:
        read("wrong", WRONG_FILES)
    problems = caught.value.problems
    assert len(problems) > 60
    assert list(problems) == sorted(problems)
    assert set(problems) < set(lint("wrong", WRONG_FILES))
    assert str(problems[0]) in caught.value.message
    assert "skills lint wrong" in caught.value.hint


@pytest.mark.parametrize(
    ("files", "line", "message"),
    [
        ({}, 1, "the package has no SKILL.md (write one)"),
        ({"Skill.md": b""}, 1, "the package has no SKILL.md (rename Skill.md)"),
        ({"SKILL.md": b""}, 1, "there is no frontmatter"),
        ({"SKILL.md": b"---\nname: x\n"}, 1, "there is no frontmatter"),
        (
            {"SKILL.md": b"\xef\xbb\xbf---\nname: x\ndescription: y\n---\n"},
            1,
            "the character U+FEFF cannot be seen",
        ),
        (
            {"SKILL.md": b"---\nname: x\ndescription: y\n---\n\n\xe9t\xe9\n"},
            6,
            "byte 0xe9 is not UTF-8",
        ),
        ({"SKILL.md": b"---\n- x\n---\n"}, 2, "the frontmatter is a list"),
        (
            {"SKILL.md": b"---\nname: x\ndescription: a---b\n---\n"},
            3,
            "the frontmatter holds `---`",
        ),
        (
            {"SKILL.md": b"---\nname: x\ndescription: " + b"y" * 1025 + b"\n---\n"},
            3,
            "1025 characters (at most 1024)",
        ),
        (
            {"SKILL.md": b"---\nname: x\ndescription: y\n---\n" + b"z" * 500_000},
            1,
            "(at most 500,000)",
        ),
        (
            {
                "SKILL.md": b"---\nname: x\ndescription: y\n---\n# T\n```yaml manifest\n"
                + b"[" * 999
                + b"\n```\n"
            },
            7,
            "this is nested deeper than 40 levels",
        ),
        (
            {
                "SKILL.md": b"---\nname: x\ndescription: y\n---\n# T\nProse is here.\n```yaml codemod\n- ensure: x\n```"
            },
            7,
            "the package changes the fork, but has no manifest block",
        ),
        (
            {"SKILL.md": b"---\nname: x\ndescription: y\n---\n# T\n", "add/x.py": b""},
            5,
            "the package changes the fork, but has no manifest block",
        ),
        (
            {
                "SKILL.md": b"---\nname: x\ndescription: y\n---\n<script>\n```yaml codemod\n- ensure: x\n```\n</script>"
            },
            6,
            "an HTML comment, and is not run",
        ),
    ],
)
def test_a_package_that_is_wrong_as_a_whole(
    files: dict[str, bytes], line: int, message: str
) -> None:
    with pytest.raises(PackageError) as caught:
        read("x", files)
    assert any(
        problem.line == line and message in str(problem) for problem in caught.value.problems
    ), caught.value.problems


def test_the_reference_validator_agrees(tmp_path: Path) -> None:
    for name, files in ((NAME, FILES), ("wrong", WRONG_FILES)):
        directory = tmp_path / name
        directory.mkdir()
        (directory / "SKILL.md").write_bytes(files["SKILL.md"])
        assert (validate(directory) == []) is (lint(name, files) == ())


def test_reading_a_package_does_not_import_libcst() -> None:
    code = (
        "import sys\n"
        "import skills_engine.package.implied, skills_engine.package.reader, skills_engine.package.summary\n"
        "print(sorted({'libcst', 'ruamel.yaml', 'tomlkit', 'rich'} & sys.modules.keys()))\n"
        "import skills_engine.package.lint\n"
        "print('libcst' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True"]
