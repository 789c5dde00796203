"""The author of a package, a file or a commit does not decide what its reader sees."""

from __future__ import annotations

import ast
import json
import os
import pty
import select
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from harness import Repo, advance, environment, fork_of, skills, skills_command, upstream
from harness.cli import QUICK
from harness.forks import skill

from skills_engine.visible import hidden, in_json, one_line, several_lines

ENGINE = Path(__file__).parents[1] / "skills_engine"
BAD = "\x1b]0;owned\x07\x1b[2K\x9b1A\r\u202e\u200b\U000e0041[/x][bold]"
"""What a terminal would obey, what turns or hides text, and what rich would take for markup."""
NAME = BAD.replace("/", ":")
"""The same as part of a path."""


def unseen(text: str) -> list[str]:
    """The characters of a text that should have been made visible."""
    odd = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return [c for c in text if c not in "\n\t" and unicodedata.category(c) in odd]


def test_every_character_that_cannot_be_seen_becomes_visible() -> None:
    seen = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2}
    """Number signs of Arabic and Syriac, which have a shape."""
    everything = "".join(chr(c) for c in range(sys.maxunicode + 1) if c not in seen)
    assert unseen(several_lines(everything)) == []
    assert unseen(in_json(everything)) == []


def test_what_can_be_seen_stays() -> None:
    text = "Käse 日本語 العربية ❤️ e\u0301 \\x1b {}[]'\" \t|\n"
    assert several_lines(text) == text
    assert one_line(text) == text.replace("\n", "\\n")
    assert several_lines("a\x1b\u202e\U000e0041\x85") == "a\\x1b\\u202e\\U000e0041\\x85"
    assert hidden("👩\u200d💻 soft\xadhyphen") is None


def test_json_means_the_same() -> None:
    value = {BAD: [BAD, "\udcff", "ä"]}
    assert json.loads(in_json(json.dumps(value, ensure_ascii=False))) == value


def test_there_is_one_way_to_print() -> None:
    """Nothing but the terminal's own module writes to standard output or error, or knows rich."""
    found = []
    for path in sorted(ENGINE.rglob("*.py")):
        name = path.relative_to(ENGINE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="print")):
                    found.append((name, "print"))
                case ast.Attribute(
                    value=ast.Name(id="sys"), attr="stdout" | "stderr" | "__stdout__" | "__stderr__"
                ):
                    found.append((name, node.attr))
                case ast.Attribute(value=ast.Name(id="typer"), attr="echo" | "secho" | "style"):
                    found.append((name, node.attr))
                case ast.ImportFrom(module=str(module)) if module.split(".")[0] in {
                    "rich",
                    "click",
                }:
                    found.append((name, module))
                case ast.Import(names=names):
                    found += [
                        (name, a.name) for a in names if a.name.split(".")[0] in {"rich", "click"}
                    ]
    allowed = {
        ("cli/terminal.py", "stdout"),
        ("cli/terminal.py", "stderr"),
        ("cli/live.py", "rich.console"),
        ("cli/live.py", "rich.live"),
        ("cli/live.py", "rich.spinner"),
        ("cli/live.py", "rich.table"),
        ("cli/live.py", "rich.text"),
        ("cli/live.py", "stdout"),  # whether it is a terminal
        ("cli/output.py", "stderr"),  # likewise
        ("cli/options.py", "stderr"),  # likewise
        ("cli/change.py", "stderr"),  # likewise
        ("cli/trying.py", "stderr"),  # likewise
        ("cli/__init__.py", "stderr"),  # its own words, when nothing is imported yet
        ("cli/app.py", "stdout"),  # a pipe that was closed
        ("cli/resolve.py", "stdout"),  # whether it is a terminal
        ("cli/resolve.py", "click"),  # reads a key
        ("package/reference.py", "stdout"),  # writes a page of the engine's own text
    }
    assert {*found} <= allowed


HOSTILE = skill(
    "add-odd",
    'version: 1.0.0\ncore: ">=0.1,<9"\nadds: [parrot/odd.py, tests/test_odd.py]\n'
    "tests: [tests/test_odd.py]",
    "- {ensure: docstring, in: parrot/help.py, docstring: Odd.}",
    **{
        "parrot/odd.py": f'"""Odd."""\nX = 1  # {BAD.replace(chr(13), "")}\n# one\x0c two\x1c three\x85 four\u2028five\n',
        "tests/test_odd.py": f'from sys import stderr\n\n\ndef test_{{}}() -> None:\n    print("""{BAD}""")\n'
        f'    assert "{BAD}" == ""\n'.replace("\r", "").format("odd"),
    },
)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A fork in which whatever is data is hostile: names of files and folders, titles, people,
    addresses, descriptions, contents, versions.
    """
    place = tmp_path_factory.mktemp("odd")
    source = upstream(place / "upstream")
    source.git("config", "user.name", f"A{BAD.replace(chr(10), '')}")
    source.commit(
        f"Odd {BAD}", {**HOSTILE, f"parrot/{NAME}.txt": BAD, f"parrot/line\nfeed{NAME}": "x\n"}
    )
    fork = fork_of(source, place / "fork", "add-dice")
    source.commit(f"New {BAD}", {f"parrot/new {NAME}": "x\n"})
    fork.git("config", "user.name", f"Olive {BAD}")
    fork.commit(
        f"Mine {BAD}\n\nSkills-Operation: apply\nSkill: {BAD}",
        {f"mine {NAME}.txt": f"{BAD}\n", f"{NAME}/x.py": "x = 1\n"},
    )
    fork.edit(
        "parrot/help.py", "Say it.", f"Say it. {BAD.replace(chr(13), '')}".replace("\x1b", "\\x1b")
    )
    fork.write({f"untracked {NAME}": BAD, f"mine {NAME}.txt": f"{BAD}\n{BAD}\n"})
    page = place / f"a folder {NAME}" / "SKILL.md"
    page.parent.mkdir()
    page.write_text(
        '---\nname: add-bad\ndescription: "a\\e[31m\\u202e[/x]\\x9b"\n---\n# Bad\n\n'
        '```yaml manifest\nversion: "1\\e"\ncore: ">=0"\nenvironment: {A: "c\\u202e\\e"}\n```\n'
    )
    return fork


def verbs(fork: Repo) -> dict[str, tuple[str, ...]]:
    """Each verb as it prints most of what it was given."""
    bad = str(fork.path.parent / f"a folder {NAME}")
    plain = fork.path.parent / "plain"
    return {
        "list": ("list",),
        "search": ("search", "for"),
        "show": ("show", "-v", "add-odd"),
        "show a bad one": ("show", bad),
        "plan": ("plan", "add-odd"),
        "status": ("status", "-v"),
        "log": ("log",),
        "diff": ("diff",),
        "diff of one": ("diff", "add-dice"),
        "blame": ("blame", f"mine {NAME}.txt"),
        "blame nothing": ("blame", f"none {NAME}"),
        "lint": ("lint", bad),
        "test": ("test", "add-odd"),
        "apply": ("apply", "--no-install", "add-odd"),
        "apply a bad one": ("apply", bad),
        "apply nothing": ("apply", f"none {BAD}"),
        "apply a bad plan": ("apply", f"{bad}/plan.json"),
        "dry run": ("apply", "-v", *QUICK[:2], "--dry-run", "add-odd"),
        "preview": ("rebase", "-v", "--preview"),
        "rebase": ("rebase", "--onto", f"x{BAD}"),
        "replay": ("replay", "--into", str(plain / NAME)),
        "uninstall": ("uninstall", f"x{BAD}"),
        "upgrade": ("upgrade", f"x{BAD}"),
        "record": ("record", "add-mine", "HEAD~1..HEAD", "-v", "-o", str(plain / f"r{NAME}")),
        "record nothing": ("record", "add-mine", f"x{BAD}"),
        "merge-file": ("merge-file", *(f"untracked {NAME}",) * 3, "-o", f"{bad}/none/out"),
        "undo": ("undo", "--dry-run", *QUICK[:2]),
        "init": ("init", "--upstream", f"x{BAD}"),
        "doctor": ("doctor",),
        "continue": ("continue",),
        "-C": ("status", "-C", f"x{NAME}"),
        "no such verb": (f"x{BAD}",),
    }


SILENT = {"list", "search", "diff of one", "dry run", "init", "continue"}
"""They show nothing of what is odd here."""
VERBS = [*verbs(Repo(Path("x")))]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_shows_what_there_is(odd: Repo, verb: str) -> None:
    words = verbs(odd)[verb]
    for more in ((), ("--json",)):
        if verb == "no such verb" and more:
            continue
        ran = skills(odd, *words, *more)
        assert "Traceback" not in ran.said, ran.said
        assert unseen(ran.said) == [], ran.said
        assert more or verb in SILENT or "\\x1b" in ran.said, "nothing hostile was shown"
        for line in ran.out.splitlines() if not more else ():
            assert not line.startswith("feed"), "a line feed in a name begins no line"


@pytest.mark.parametrize("verb", VERBS)
def test_on_a_terminal_too(odd: Repo, verb: str) -> None:
    """There, rich's live line and our styles are the only things that a terminal obeys."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        skills_command(*verbs(odd)[verb]),
        cwd=odd.path,
        env=environment(odd.path.parent / "home", TERM="xterm"),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    while True:
        select.select([ours], [], [])
        try:
            said += (more := os.read(ours, 65536))
        except OSError:  # Linux says so when the last writer has closed it
            break
        if not more:
            break
    os.close(ours)
    process.wait()
    text = said.decode("utf-8")
    assert "Traceback" not in text, text
    for mark in ("\x1b]", "\x07", "\x9b", "\u202e", "\u200b", "\U000e0041"):
        assert mark not in text, text


def test_the_diff_is_complete(tmp_path: Path) -> None:
    """Every byte that a package brings can be told from its diff: form feeds, lone carriage
    returns, bytes that are no UTF-8, a NUL, a link's target.
    """
    source = upstream(tmp_path / "upstream")
    source.write(
        {
            "parrot/nul.py": b"X = 1\n# \0\nY = 2\n" + b"# more\n" * 20,
            "parrot/data.bin": b"\0" * 500,
        }
    )
    source.write(
        {"parrot/latin.py": b"# \xe4\n", "parrot/form.py": "A = 1\x0cB = 2\rC = 3\u2028D = 4\n"}
    )
    (source.path / "link").symlink_to("/etc/passwd")
    source.commit("More")
    fork = fork_of(upstream(tmp_path / "other"), tmp_path / "fork")
    fork.git("fetch", "-q", str(source.path), "main")
    fork.git("checkout", "-q", "FETCH_HEAD", "--", "parrot", "link")
    said = skills(fork, "diff").out
    for line in (
        "+# \\x00",
        "+Y = 2",
        "+# \\xe4",
        "+A = 1\\x0cB = 2\\x0dC = 3\\u2028D = 4",
        "+/etc/passwd",
        "link: mode 100644 → 120000",
        "Binary file: nothing → 500 bytes, sha256 e6304a473c65ecd0",
    ):
        assert f"\n{line}\n" in f"\n{said}", said


def test_a_commit_message_is_of_the_engines_making(tmp_path: Path) -> None:
    """A version of the core is upstream's to choose, and may look like a trailer."""
    source = upstream(tmp_path / "upstream")
    fork = fork_of(source, tmp_path / "fork", "add-dice")
    advance(source)
    source.edit("pyproject.toml", 'version = "0.2.0"', f'version = "0.2.0+{"x"}"')
    project = source.read("pyproject.toml").replace(
        'version = "0.2.0+x"',
        'version = """0.2.0\n\nSkills-Operation: undo\nSkill: owned\\u001b\\u202e"""',
    )
    source.commit("Odd", {"pyproject.toml": project})
    ran = skills(fork, "rebase", *QUICK)
    message = fork.git("log", "-1", "--format=%B")
    assert unseen(message) == [], ran.said
    assert "\nSkill: owned" not in message


def test_a_page_says_what_it_looks_like(tmp_path: Path) -> None:
    fork = fork_of(upstream(tmp_path / "upstream"), tmp_path / "fork")
    page = ".claude/skills/add-dice/SKILL.md"
    fork.edit(page, "description: add-dice for tests.", 'description: "add\\e[2K\\u202e dice')
    fork.edit(page, "Use when testing.\n", 'Use."\n')
    fork.edit(page, "how many sides", '"how\\u200b many sides')
    fork.edit(page, "a die has, default", 'a die has", default')
    found = skills(fork, "lint", "add-dice", "--json").document["result"]
    assert [p["message"].split(" ")[2] for p in found] == ["U+001B", "U+200B"], found
