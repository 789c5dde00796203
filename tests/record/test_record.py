"""Changes that become packages: what a person would have written, proved on the tree that they were
made on.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from harness import Repo, skills
from harness.merging import git_lines
from hypothesis import given, settings
from hypothesis import strategies as st

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.registry import decode
from skills_engine.package.decode import operations
from skills_engine.package.reader import read
from skills_engine.record.carry import Carried, carry
from skills_engine.record.file import record_file
from skills_engine.record.package import ChangedFile, record_package

ROOT = Path(__file__).parents[2]


def entries(before: str, after: str) -> list[dict[str, object]]:
    """What is recorded of a file `m.py`, without its path; applied, it must give the file after."""
    files = MemoryFiles({"m.py": before.encode()})
    said = record_file("m.py", before.encode(), after.encode(), files)
    found = []
    for one in said:
        assert one.entries is not None, one.delta
        for entry in one.entries:
            decode(entry).apply(files)
            found.append({key: value for key, value in entry.items() if key != "in"})
    assert files.contents["m.py"].decode() == after
    return found


BEFORE = '''\
"""A bot."""

import os

from bot import base

CHANNELS = [base.Console]


class App:
    """All of it."""

    name = "bot"

    def start(self, port: int = 80) -> None:
        """Start it."""
        self.open(port)
        log("started")


def main():
    app = App()
    app.start()
    return app
'''


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("[base.Console]", "[base.Console, base.Pager]", {"ensure": "element", "of": "CHANNELS", "element": "base.Pager"}),
        ("import os\n", "import os\nimport sys\n", {"ensure": "import", "import": "import sys"}),
        ("import base\n", "import base, pager\n", {"ensure": "import", "import": "from bot import pager"}),
        ("import os\n\n", "", {"ensure": "no-import", "import": "import os"}),
        ('    name = "bot"\n', '    name = "bot"\n    limit = 3\n', {"ensure": "field", "of": "App", "field": "limit = 3"}),
        (
            '        log("started")\n',
            '        log("started")\n\n    def stop(self):\n        log("stopped")\n',
            {"ensure": "method", "of": "App", "code": 'def stop(self):\n    log("stopped")'},
        ),
        (
            "    return app\n",
            "    return app\n\n\ndef other():\n    pass\n",
            {"ensure": "function", "code": "def other():\n    pass"},
        ),
        ("port: int = 80", "port: int = 8080", {"ensure": "default", "of": "App.start", "parameter": "port", "default": "8080", "was": "80"}),
        ("port: int = 80", "port: int = 80, host: str = ''", {"ensure": "parameter", "of": "App.start", "parameter": "host: str = ''"}),
        (") -> None:", ") -> int:", {"ensure": "annotation", "of": "App.start", "parameter": "return", "annotation": "int", "was": "None"}),
        ("self.open(port)", "self.open(port, wait=True)", {"ensure": "argument", "of": "App.start", "call": "self.open", "argument": "wait=True"}),
        (
            "self.open(port)",
            "retried(self.open(port))",
            {"ensure": "replace", "of": "App.start", "pattern": "self.open($...ARGS)", "with": "retried(self.open($...ARGS))"},
        ),
        (
            "self, port: int = 80",
            "self",
            {"ensure": "replace", "of": "App", "pattern": "def start($...A, port: int = 80) -> None:\n    $...BODY", "with": "def start($...A) -> None:\n    $...BODY"},
        ),
        ('"""Start it."""', '"""Start it now."""', {"ensure": "docstring", "of": "App.start", "docstring": "Start it now."}),
        ("class App:", "class App(base.Thing):", {"ensure": "base", "of": "App", "base": "base.Thing"}),
        ("def main():", "@cached\ndef main():", {"ensure": "decorator", "of": "main", "decorator": "cached"}),
        ('name = "bot"', 'name = "robot"', {"ensure": "value", "of": "App.name", "value": '"robot"', "was": '"bot"'}),
        (
            "    app.start()\n",
            "    with lock:\n        app.start()\n",
            {"ensure": "wrap", "of": "main", "statements": "app.start()", "wrapper": "with lock:\n    $BODY"},
        ),
        (
            "    app.start()\n",
            "    if ready:\n        go()\n    else:\n        app.start()\n",
            {"ensure": "wrap", "of": "main", "statements": "app.start()", "wrapper": "if ready:\n    go()\nelse:\n    $BODY"},
        ),
        (
            "    app.start()\n",
            "    app.start()\n    app.check()\n",
            {
                "ensure": "statement",
                "of": "main",
                "code": "app.check()",
                "after": "app.start()",
                "before": "return app",
            },
        ),
        (
            "    app = App()\n    app.start()\n",
            "    if ready:\n        run()\n",
            {"ensure": "replace", "of": "main", "pattern": "app = App()\napp.start()", "with": "if ready:\n    run()"},
        ),
    ],
)  # fmt: skip
def test_a_change_is_said_as_what_was_meant(old: str, new: str, wanted: dict[str, object]) -> None:
    assert old in BEFORE
    assert entries(BEFORE, BEFORE.replace(old, new, 1)) == [wanted]


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("f(a, b, c=1)\n", "f(a, b)\n", [{"ensure": "replace", "pattern": "f($...A, c=1)", "with": "f($...A)"}]),
        ("f(a, c=1, d=2)\n", "f(a, e=3, d=2)\n", [{"ensure": "replace", "pattern": "f($...A, c=1, $...B)", "with": "f($...A, e=3, $...B)"}]),
        ("f(a, b=1, c=1)\n", "f(a, d=2, b=1, c=1)\n", [{"ensure": "replace", "pattern": "f($...A, b=1, $...B)", "with": "f($...A, d=2, b=1, $...B)"}]),
        (
            "def f(a, b=1, c=1):\n    pass\n",
            "def f(b=1, c=1):\n    pass\n",
            [{"ensure": "replace", "pattern": "def f(a, $...A):\n    $...BODY", "with": "def f($...A):\n    $...BODY"}],
        ),
        (
            "setup(classes=[1, 2, 3, 4, 5, 6])\n",
            "setup(classes=[2, 3, 4, 5, 6, 7])\n",
            [
                {"ensure": "no-element", "call": "setup", "argument": "classes", "element": "1"},
                {"ensure": "element", "call": "setup", "argument": "classes", "element": "7"},
            ],
        ),
    ],
)  # fmt: skip
def test_what_goes_is_said_without_what_stays(old: str, new: str, wanted: list[object]) -> None:
    assert entries(old, new) == wanted


@pytest.fixture
def carried(tmp_path: Path) -> Callable[[str, str, str], Carried]:
    """What becomes of the second text when the change from the first to the third is recorded and
    applied to it.
    """
    lines = git_lines(tmp_path)
    return lambda base, ours, theirs: carry(
        "m.py", base.encode(), ours.encode(), theirs.encode(), lines=lines
    )


def test_of_two_neighbours_one_is_enough_where_the_other_has_gone(
    carried: Callable[[str, str, str], Carried],
) -> None:
    base = "def f():\n    a()\n    b()\n    c()\n"
    theirs = "def f():\n    a()\n    new()\n    b()\n    c()\n"
    for ours, wanted in (
        ("def f():\n    b()\n    c()\n", "def f():\n    new()\n    b()\n    c()\n"),
        ("def f():\n    a()\n    c()\n", "def f():\n    a()\n    new()\n    c()\n"),
        (
            "def f():\n    a()\n    own()\n    b()\n",
            "def f():\n    a()\n    own()\n    new()\n    b()\n",
        ),
        ("def f():\n    b()\n    a()\n", None),
    ):
        found = carried(base, ours, theirs)
        assert found.data == (wanted and wanted.encode()), found.refused


def test_what_has_drifted_is_not_taken_for_gone(
    carried: Callable[[str, str, str], Carried],
) -> None:
    base = "def f():\n    a()\n    log(1)\n    b()\n"
    theirs = "def f():\n    a()\n    b()\n"
    drifted = carried(base, base.replace("log(1)", "log(2)"), theirs)
    assert drifted.data is None
    assert "its neighbours do not touch" in drifted.refused
    assert carried(base, theirs, theirs).data == theirs.encode()


def test_what_both_moved_is_not_there_twice(carried: Callable[[str, str, str], Carried]) -> None:
    base = "def f():\n    a()\n    log(1)\n    b()\n    bb()\n    c()\n    d()\n"
    ours = "def f():\n    a()\n    b()\n    bb()\n    c()\n    d()\n    log(1)\n"
    theirs = "def f():\n    a()\n    b()\n    bb()\n    new()\n    log(1)\n    c()\n    d()\n"
    found = carried(base, ours, theirs)
    assert found.data is None
    assert "log(1) would stand twice" in found.refused


def test_two_neighbours_are_named_only_where_each_says_the_same_place() -> None:
    """What is `after` the one `a()` and what is `before` the one `b()` are two places here."""
    before = "def f():\n    a()\n\n    # Then.\n    b()\n"
    (entry,) = entries(before, before.replace("    a()\n", "    a()\n    new()\n"))
    assert "before" not in entry


def test_what_no_operation_knows_is_a_snippet() -> None:
    """A comment has no syntax that an operation could name."""
    found = entries(BEFORE, BEFORE.replace("    app.start()\n", "    # Go.\n    app.start()\n"))
    assert [entry["ensure"] for entry in found] == ["text"]


_CLEANUP = """\
class A:
    def close(self):
        try:
            return (
                self.file
            )
        except OSError:  # nobody cares
            return None  # nor here
"""


def test_layout_and_the_comments_of_headers_and_last_lines_are_a_change_too() -> None:
    for old, new in (
        ("# nobody cares", "# no cover"),
        ("# nor here", "# no cover"),
        ("(\n                self.file\n            )", "self.file"),
        ("try:", "try:  # again"),
        ("class A:", "class A:  # noqa"),
        ("return None  #", "return True  #"),
    ):
        assert len(entries(_CLEANUP, _CLEANUP.replace(old, new))) == 1
    entries(
        _CLEANUP,
        _CLEANUP.replace("# n", "# N").replace(
            "(\n                self.file\n            )", "self.other"
        ),
    )


def test_operations_that_stand_on_one_another_keep_their_order() -> None:
    """What is about one thing goes under one heading, unless a snippet names lines that another
    change makes.
    """
    before = "def f(a):\n    # one\n    x = a\n    # two\n    y = x\n    # three\n    return y\n"
    after = "def f(a):\n    x = a + 1\n    y = x + 2\n    return y\n"
    found = record_package(
        "tidy",
        {"m.py": ChangedFile(before.encode(), after.encode())},
        MemoryFiles({"m.py": before.encode()}),
        core=">=0",
    )
    assert found.differences == ()


BLOCK = "def f(a, old):\n    x = read(a)\n    use(x)\n    assert x == {\n        1: 2,\n        3: 4,\n    }\n    return x\n"
"""Changes of one block that go by way of a file that does not compile, or that would name what
another of them brings."""
LAST_GOES = "class A:\n    def f(self):\n        pass\n\n\ndef h():\n    return one(1)\n"
TWICE = "def f(a):\n    return run(copy(a))\n\n\ndef g(a):\n    return a\n"


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        pytest.param(BLOCK, BLOCK.replace("(a, old)", "(a)"), ["replace"], id="a parameter goes"),
        pytest.param(BLOCK, BLOCK.replace("old", "new"), ["replace"], id="a parameter's name"),
        pytest.param(BLOCK, BLOCK.replace("    x = read(a)\n    use(x)\n", ""), ["no-statement"], id="two go"),
        pytest.param(
            BLOCK, BLOCK[: BLOCK.index("    assert")] + "    check(x, 1=2)\n".replace("1=", "y=") + "    return x\n",
            ["statement", "no-statement"], id="another statement",
        ),
        pytest.param(
            TWICE.replace("copy(a)", "copy(a, 1), copy(a, 1)"), TWICE.replace("copy(a)", "copy(a), copy(a)"),
            ["replace"], id="the same twice",
        ),
        pytest.param(
            LAST_GOES, LAST_GOES.replace("f(", "g(").replace("one(1)", "two(1)"),
            ["replace", "text", "no-definition"], id="the only one goes",
        ),
        pytest.param(
            TWICE, TWICE.replace("    return run(copy(a))", "    b = copy(a)\n    return run(b)"),
            ["replace", "statement"], id="what is new has the code that goes",
        ),
    ],
)  # fmt: skip
def test_several_changes_of_a_block_are_told_apart(
    before: str, after: str, wanted: list[str]
) -> None:
    assert [entry["ensure"] for entry in entries(before, after)] == wanted


DATA: dict[str, tuple[str, str, list[dict[str, object]] | None]] = {
    "a.yaml": (
        "repos:\n- repo: one\n  rev: v1\n  hooks:\n  - id: a\n- repo: two\n  rev: v1\n",
        "repos:\n- repo: one\n  rev: v2\n  hooks:\n  - id: a\n  - id: b\n- repo: two\n  rev: v1\n",
        [
            {"path": ["repos", "repo=one", "rev"], "value": "v2", "was": "v1"},
            {"path": ["repos", "repo=one", "hooks"], "element": {"id": "b"}},
        ],
    ),
    "a.toml": (
        'name = "x"\n\n[tool.x]\nneeds = ["a>=1", "b"]\n',
        'name = "x"\n\n[tool.x]\nneeds = ["a>=2", "b"]\nstrict = true\n',
        [
            {"path": ["tool", "x", "needs", "a>=1"], "value": "a>=2", "was": "a>=1"},
            {"path": ["tool", "x", "strict"], "value": True},
        ],
    ),
    "a.json": (
        '{"a": [1, 2], "b": [3]}\n',
        '{"a": [2], "b": [3.5]}\n',
        [
            {"path": ["a"], "value": [2], "was": [1, 2]},
            {"path": ["b"], "value": [3.5], "was": [3]},
        ],
    ),
    "b.json": ('{"a": 1, "b": 2}\n', '{"b": 2, "a": 1}\n', None),
}


@pytest.mark.parametrize("path", DATA)
def test_data_are_told_as_values_at_paths(path: str) -> None:
    """What no operation makes, as another order is, stays a snippet."""
    before, after, wanted = DATA[path]
    files = MemoryFiles({path: before.encode()})
    said = record_file(path, before.encode(), after.encode(), files)
    found = [dict(entry) for one in said for entry in one.entries or ()]
    for entry in found:
        decode(entry).apply(files)
    assert files.contents[path].decode() == after
    kind = path.partition(".")[2]
    if wanted is None:
        assert [entry["ensure"] for entry in found] == ["text"]
    else:
        assert found == [{"ensure": kind, "in": path, **entry} for entry in wanted]


def test_a_definition_that_is_called_otherwise_is_one_entry() -> None:
    """Where it is used, too; but not where the change left it, or did more than that."""
    old = {
        "bot/app.py": "def go(n):\n    return go(n - 1) if n else 0\n",
        "bot/use.py": "from bot.app import go\n\nALL = [\n    go,\n    1,\n]\n",
    }
    new = {path: text.replace("go(", "run(").replace(" go", " run") for path, text in old.items()}

    def recorded(new: dict[str, str]) -> tuple[str, ...]:
        files = MemoryFiles({path: text.encode() for path, text in old.items()})
        changes = {
            path: ChangedFile(text.encode(), new[path].encode())
            for path, text in old.items()
            if new[path] != text
        }
        found = record_package("x", changes, files, core=">=0")
        assert found.differences == ()
        return found.operations

    assert recorded(new) == ("rename go to run",)
    other = {"bot/use.py": new["bot/use.py"].replace("    run,\n    1,", "    1,\n    run,")}
    assert "rename go to run" in recorded({**new, **other})
    left = recorded({**new, "bot/use.py": old["bot/use.py"]})
    assert not any("rename" in each for each in left)


_LINES = st.lists(
    st.sampled_from(
        [
            "a = 1", "b = [1, 2]", "b = [1, 3, 2]", "import os", "from os import path", "f(1)", "f(1, x=2)", "# why", "",
            "def g(x):\n    return x", "def g(x, y=1):\n    return x", "def h():\n    f(2)\n    # end\n    f(3)",
            "class A:\n    x: int = 1\n    def m(self): ...", "class A(B):\n    x: int = 2\n\n    def m(self):\n        f(4)",
            "if a:\n    f(5)\nelse:\n    f(6)", "if a:\n    f(5)\n    f(7)\nelse:\n    f(6)",
            "if a:  # one\n    f(5)  # two\nelse:  # three\n    f(6)  # four", "b = [\n    1,\n    4,\n]  # five",
        ]
    ),
    max_size=8,
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(_LINES, _LINES)
def test_what_is_said_gives_the_change(one: list[str], other: list[str]) -> None:
    """Whatever changes: the operations that are said make just that, and what is not said is told
    apart.
    """
    before, after = ("".join(f"{line}\n" for line in lines).encode() for lines in (one, other))
    files = MemoryFiles({"m.py": before})
    said = record_file("m.py", before, after, files)
    for one_said in said:
        for entry in one_said.entries or ():
            decode(entry).apply(files)
    if all(s.entries is not None for s in said):
        assert files.contents["m.py"] == after


def test_a_package_brings_a_test_where_the_change_has_none() -> None:
    """New files, settings and packages go where a package has them, and the draft of a test fails
    beforehand.
    """
    before = {
        "m.py": b"import os\n\nALL = []\n",
        "pyproject.toml": b'[project]\nname = "x"\ndependencies = [\n    "attrs",\n]\n',
        "old.txt": b"old\n",
    }
    after = {
        "m.py": b"import os\n\nfrom n import thing\n\nALL = [thing]\n",
        "n.py": b"thing = 1\n",
        "pyproject.toml": b'[project]\nname = "x"\ndependencies = [\n    "attrs",\n    "httpx>=0.28",\n]\n',
        ".env.example": b"# where it is\nPLACE=here\n",
    }
    changes = {p: ChangedFile(before.get(p), after.get(p)) for p in before.keys() | after.keys()}
    found = record_package(
        "add-thing", changes, MemoryFiles(before), core=">=0", about="Adds a thing"
    )
    assert found.differences == ()
    package = read("add-thing", found.files)
    assert package.manifest is not None
    assert package.manifest.dependencies == ("httpx>=0.28",)
    assert [(key.key, key.comment, key.default) for key in package.manifest.environment] == [
        ("PLACE", "where it is", "here")
    ]
    assert package.manifest.adds == ("n.py", "tests/test_add_thing.py")
    assert [op.ensure for _, op in operations(package)] == ["no-file", "import", "element"]
    test = found.files["add/tests/test_add_thing.py"].decode()
    for tree, code in ((after, 0), (before, 1)):
        sources = {path: data for path, data in tree.items() if path.endswith(".py")}
        assert _runs({**sources, "n.py": after["n.py"]}, test) == code


def _runs(files: dict[str, bytes], test: str) -> int:
    """The exit code of a test's functions in a directory of those files."""
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        program = f"{test}\ntest_add_thing()\n"
        return subprocess.run(
            [sys.executable, "-c", program], cwd=folder, capture_output=True, check=False
        ).returncode


@pytest.fixture
def by_hand(tmp_path: Path) -> Repo:
    """This repository, in which somebody built Telegram in by hand: a commit on a branch."""
    repo = Repo.init(tmp_path / "fork")
    for path in ("bot", "pyproject.toml", ".env.example", "manifests"):
        there = ROOT / path
        if there.is_dir():
            shutil.copytree(there, repo.path / path, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(there, repo.path / path)
    repo.commit("The core")
    shutil.copytree(ROOT / ".claude/skills/add-telegram/add", repo.path, dirs_exist_ok=True)
    repo.edit("bot/channels/__init__.py", "import ConsoleChannel\n", "import ConsoleChannel\nfrom bot.channels.telegram import TelegramChannel\n")  # fmt: skip
    repo.edit("bot/channels/__init__.py", "    WhatsAppChannel,\n)", "    WhatsAppChannel,\n    TelegramChannel,\n)")  # fmt: skip
    end = "\n\n    def secrets"  # of the fields of Settings
    repo.edit("bot/settings.py", end, '\n    telegram_bot_token: Secret = Secret()\n    telegram_api_server: str = ""' + end)  # fmt: skip
    repo.edit("pyproject.toml", "dependencies = [\n", 'dependencies = [\n    "aiogram>=3.31,<4",\n')
    keys = (
        "\n# Telegram's token for your bot, from @BotFather\nTELEGRAM_BOT_TOKEN=\n"
        "\n# a Bot API server of your own, as http://127.0.0.1:8081; empty for Telegram's\nTELEGRAM_API_SERVER=\n"
    )
    repo.write({".env.example": repo.read(".env.example") + keys})
    repo.commit("Talk to the assistant from Telegram")
    return repo


def test_telegram_by_hand_is_the_skill_that_a_person_wrote(by_hand: Repo) -> None:
    ran = skills(by_hand, "record", "add-telegram", "HEAD~1..HEAD", "--json")
    assert ran.code == 0, ran.said
    assert ran.document["result"]["differences"] == []
    assert ran.document["result"]["exact"] is True
    home = by_hand.path / ".claude/skills/add-telegram"
    mine, theirs = _package(home), _package(ROOT / ".claude/skills/add-telegram")
    assert mine.manifest is not None
    assert theirs.manifest is not None
    # a recorded skill begins with 1.0.0
    assert mine.manifest == replace(theirs.manifest, version="1.0.0")
    assert mine.added() == theirs.added()
    assert {_meant(op) for _, op in operations(mine)} == {
        _meant(op) for _, op in operations(theirs)
    }
    assert skills(by_hand, "lint", "add-telegram").code == 0
    validator = Path(sys.executable).parent / "agentskills"
    subprocess.run([validator, "validate", str(home)], check=True, capture_output=True)
    guide = (ROOT / "docs/writing-skills.md").read_text("utf-8")
    for step in mine.steps:
        assert step.heading in guide
        assert step.prose in " ".join(guide.split())


def _package(folder: Path):  # type: ignore[no-untyped-def]
    files = {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }
    return read(folder.name, files)


def _meant(operation: object) -> str:
    """An operation without the way in which it names its file."""
    fields = {
        k: v.rpartition(":")[2] if k == "of" else v
        for k, v in vars(operation).items()
        if k != "in_"
    }
    return f"{type(operation).__name__} {sorted(fields.items())}"


def test_a_name_that_is_taken_is_refused(by_hand: Repo) -> None:
    by_hand.write({".claude/skills/mine/SKILL.md": "x"})
    ran = skills(by_hand, "record", "mine", "HEAD~1..HEAD")
    assert ran.code == 1
    assert "is there already" in ran.said
    assert by_hand.read(".claude/skills/mine/SKILL.md") == "x"


def test_a_change_is_carried_over_where_lines_conflict(tmp_path: Path) -> None:
    """Both sides added an element to one line; what the other side deleted is refused, and nothing
    is written.
    """
    repo = Repo.init(tmp_path)
    repo.write(
        {
            "base.py": "ALL = [a]\n",
            "ours.py": "ALL = [a, mine]\n",
            "theirs.py": "ALL = [a, yours]\n",
            "gone.py": "NONE = 1\n",
        }
    )
    out = tmp_path / "out.py"
    names = {name: str(tmp_path / f"{name}.py") for name in ("base", "ours", "theirs", "gone")}
    ran = skills(
        repo,
        "merge-file",
        "--via-record",
        names["base"],
        names["gone"],
        names["theirs"],
        "-o",
        str(out),
    )
    assert ran.code == 3
    assert "does not define ALL" in ran.said
    assert not out.exists()
    ran = skills(
        repo,
        "merge-file",
        "--via-record",
        names["base"],
        names["ours"],
        names["theirs"],
        "-o",
        str(out),
    )
    assert ran.code == 0, ran.said
    assert out.read_text() == "ALL = [a, mine, yours]\n"


@pytest.mark.parametrize(
    ("before", "after", "of"),
    [
        ("L = [\n    b,\n    a,\n]\n", "L = [\n    b,\n    X,\n    a,\n]\n", "L"),
        ("D = {\n    'b': 1,\n    'a': 2,\n}\n", "D = {\n    'b': 1,\n    'a': 2,\n    'x': 3,\n}\n", "D"),
        ("__all__ = [\n    'a',\n    'c',\n]\n", "__all__ = [\n    'a',\n    'b',\n    'c',\n]\n", "__all__"),
        ("def f():\n    return [A, B]\n", "def f():\n    return [A, B, C]\n", "f"),
        ("def f():\n    return [\n        A,\n    ]\n", "def f():\n    return [\n        A,\n        C,\n    ]\n", "f"),
        ("def f():\n    x = {\n        'a': 1,\n    }\n", "def f():\n    x = {\n        'a': 1,\n        'b': 2,\n    }\n", "f.x"),
    ],
)  # fmt: skip
def test_an_entry_of_a_list_is_told_as_one_however_the_list_is_laid_out(
    before: str, after: str, of: str
) -> None:
    said = record_file("m.py", before.encode(), after.encode(), MemoryFiles({}))
    entries = [entry for each in said for entry in each.entries or ()]
    assert [(entry["ensure"], entry["of"]) for entry in entries] == [("element", of)]
