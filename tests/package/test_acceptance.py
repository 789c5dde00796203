"""What a package from elsewhere makes the engine do is accepted before it happens, whichever verb
does it.
"""

from __future__ import annotations

from importlib.machinery import all_suffixes
from pathlib import Path

import pytest
from harness import Ran, Repo, fork_of, skills, state
from harness.forks import skill

from skills_engine.package.capabilities import beyond, capabilities
from skills_engine.package.reader import read
from skills_engine.package.toolfiles import NAMES, is_tool_file

CORE = {
    "pyproject.toml": '[project]\nname = "bot"\nversion = "0.1.0"\ndependencies = []\n',
    "bot/__init__.py": '"""A bot."""\n',
    "bot/words.py": '"""Words."""\n\n\ndef hello() -> str:\n    """A greeting."""\n    return "hello"\n',
    "tools/greet.py": "from bot.words import hello\n\nhello()\n",
}
TESTED = skill(
    "add-tested",
    'version: 1.0.0\ncore: ">=0.1,<1"\nadds: [tests/test_words.py]\ntests: [tests/test_words.py]',
    "- {ensure: import, in: bot/words.py, import: import os}\n"
    "- {ensure: replace, of: 'bot.words:hello', pattern: return $X, with: return $X + os.sep}",
    **{
        "tests/test_words.py": "from bot.words import hello\n\n\ndef test() -> None:\n    assert hello()\n"
    },
)
OTHER = skill(
    "add-other",
    'version: 1.0.0\ncore: ">=0.1,<1"\nadds: [bot/other.py]',
    "- {ensure: docstring, in: bot/other.py, docstring: Other.}",
    **{"bot/other.py": '"""Another."""\n'},
)
QUIET = ("--no-install", "-q")


@pytest.fixture
def fork(tmp_path: Path) -> Repo:
    """A fork with an upstream skill that has a test, and another that is not applied."""
    core = Repo.init(tmp_path / "upstream")
    core.commit("Core", {**CORE, **TESTED, **OTHER})
    return fork_of(core, tmp_path / "fork", "add-tested")


def elsewhere(tmp_path: Path, codemod: str = "", *, manifest: str = "", **added: str) -> Path:
    """A package that upstream does not have, and that stays below bot/ unless told otherwise."""
    listed = f"adds: [{', '.join(added)}]" if added else ""
    codemod = codemod or "- {ensure: import, in: bot/words.py, import: import bot.small}"
    files = skill(
        "small", f'version: 1.0.0\ncore: ">=0.1,<1"\n{listed}\n{manifest}', codemod, **added
    )
    Repo(tmp_path).write(
        {path.removeprefix(".claude/skills/"): text for path, text in files.items()}
    )
    return tmp_path / "small"


def spying(tmp_path: Path) -> tuple[Path, Path]:
    """A package whose code leaves a mark where it runs, and the mark."""
    mark = tmp_path / "mark"
    return elsewhere(tmp_path, **{"bot/small.py": f'open({str(mark)!r}, "w").close()\n'}), mark


def trusted(fork: Repo) -> str:
    store = fork.path.parent / "home/config/graftbot/trusted-digests"
    return store.read_text() if store.exists() else ""


def refused(fork: Repo, *words: str, needs: str = "--trust") -> Ran:
    """A verb that wants something accepted: nothing changed, nothing kept."""
    before, store = state(fork), trusted(fork)
    ran = skills(fork, *words, *QUIET)
    assert ran.code == 1, ran.said
    assert "is not from upstream, and it:" in ran.err
    assert ran.err.rstrip().endswith(f"then accept it with {needs}"), ran.err
    assert state(fork) == before
    assert trusted(fork) == store
    return ran


def test_code_that_other_skills_tests_will_run_is_accepted_first(
    fork: Repo, tmp_path: Path
) -> None:
    package, mark = spying(tmp_path)
    for options in ((), ("--yes",)):
        ran = refused(fork, "apply", str(package), *options)
        assert "has its code run by the tests of add-tested" in ran.err
    assert not mark.exists()
    assert skills(fork, "apply", str(package), "--trust", *QUIET).code == 0
    assert trusted(fork)


def test_what_was_not_run_is_asked_about_when_it_first_would_be(fork: Repo, tmp_path: Path) -> None:
    package, mark = spying(tmp_path)
    assert skills(fork, "apply", str(package), "--no-test", "--yes", *QUIET).code == 0
    assert trusted(fork) == "", "nobody accepted code"
    refused(fork, "apply", "add-other")
    assert skills(fork, "apply", "add-other", "--no-test", *QUIET).code == 0
    refused(fork, "undo")
    refused(fork, "uninstall", "add-other")
    assert skills(fork, "uninstall", "small", *QUIET).code == 0, "it goes, and is not run"
    refused(fork, "undo")
    assert not mark.exists()
    assert skills(fork, "undo", "--trust", *QUIET).code == 0
    assert trusted(fork)
    assert skills(fork, "uninstall", "add-other", *QUIET).code == 0, "trust was kept"


def test_accepting_what_is_no_code_is_no_trust(fork: Repo, tmp_path: Path) -> None:
    package = elsewhere(
        tmp_path, **{"bot/small.py": "", "docs/small.md": "Small.\n", "README.txt": "Small.\n"}
    )
    refused(fork, "apply", str(package), "--no-test", needs="--yes")
    assert skills(fork, "apply", str(package), "--no-test", "--yes", *QUIET).code == 0
    assert trusted(fork) == ""
    refused(fork, "apply", "add-other")


def test_what_runs_no_test_runs_nobody(fork: Repo, tmp_path: Path) -> None:
    package, mark = spying(tmp_path)
    assert skills(fork, "uninstall", "add-tested", *QUIET).code == 0
    assert skills(fork, "apply", str(package), *QUIET).code == 0
    assert not mark.exists()
    assert trusted(fork) == ""
    refused(fork, "apply", "add-tested")


def test_a_rename_is_asked_about_where_it_reaches(fork: Repo, tmp_path: Path) -> None:
    package = elsewhere(tmp_path, "- {ensure: rename, of: 'bot.words:hello', to: greet}")
    ran = refused(fork, "apply", str(package), "--no-test")
    assert "changes tools/greet.py" in ran.err
    said = skills(fork, "plan", str(package)).out
    assert "small needs --trust, for it: changes tools/greet.py" in said
    assert skills(fork, "apply", str(package), "--no-test", "--trust", *QUIET).code == 0
    assert "greet()" in fork.read("tools/greet.py")


def test_plan_and_show_say_what_will_be_asked(fork: Repo, tmp_path: Path) -> None:
    package = elsewhere(
        tmp_path,
        manifest="environment: {A: b}\ntests: [tests/test_small.py]\ntests-network: true",
        **{"bot/small.py": "", "tests/test_small.py": "", "bot/.gitattributes": "* -text\n"},
    )
    code = (
        "changes bot/.gitattributes",
        "gives the network to tests/test_small.py",
        "has its code run by the tests of add-tested",
        "runs the tests in tests/test_small.py",
    )
    before = state(fork)
    planned = skills(fork, "plan", str(package), "--json").document["result"]["report"]
    asked = [(item["option"], item["what"]) for item in planned["asks"]]
    assert sorted(asked) == [
        *(("--trust", line) for line in code),
        ("--yes", "changes .env.example"),
    ]
    shown = skills(fork, "show", str(package), "--json").document["result"]
    assert (tuple(shown["code"]), shown["other"]) == (code, ["changes .env.example"])
    assert (
        "code: has its code run by the tests of add-tested"
        in skills(fork, "show", str(package)).out
    )
    assert "* -text" in skills(fork, "show", "-v", str(package)).out
    assert (state(fork), trusted(fork)) == (before, "")


def test_what_upstream_had_once_is_upstreams(fork: Repo, tmp_path: Path) -> None:
    core = Repo(tmp_path / "upstream")
    core.git("rm", "-rq", ".claude/skills/add-tested")
    core.commit("No add-tested any more")
    assert skills(fork, "rebase", *QUIET).code == 0
    ran = skills(fork, "apply", "add-other", *QUIET)
    assert ran.code == 0, ran.said
    assert trusted(fork) == ""


PLACES = ("", "bot/", "bot/channels/", "src/bot/", "docs/", "tests/", "BOT/")
"""Where a file may lie, and be read by a tool all the same."""

EXAMPLES = (
    *(name.replace("*", "x").replace("y*ml", "yml") for name in NAMES),
    *(".gitattributes", ".gitignore", ".gitmodules", ".envrc", ".env", ".npmrc", ".coveragerc"),
    *(".github/workflows/x.yml", ".vscode/tasks.json", ".claude/settings.json", ".mcp.json"),
    *(".pre-commit-config.yaml", ".python-version", ".hidden.py", ".github/readme.md"),
    *(
        "Makefile",
        "Dockerfile",
        "CLAUDE.md",
        "CONFTEST.PY",
        "setup.CFG",
        "x.PTH",
        "__pycache__/x.pyc",
    ),
    *("zz.pth", "sitecustomize.py", "usercustomize.py", "requirements-dev.txt", "compose.yaml"),
)


@pytest.mark.parametrize("place", PLACES)
def test_what_tools_read_is_never_only_the_bot(place: str) -> None:
    paths = [place + name for name in EXAMPLES]
    asked = [*beyond(paths)]
    assert [item.what for item in asked if item.code] == paths


def test_whatever_python_would_import_for_a_source_is_asked_for() -> None:
    """It is preferred to the source of that name, and no diff shows what it does."""
    others = [suffix for suffix in all_suffixes() if suffix != ".py"]
    assert [s for s in others if not is_tool_file(f"bot/settings{s}")] == []


@pytest.mark.parametrize("path", ["bot/.gitattributes", "bot/conftest.py", "docs/CLAUDE.md"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_package_that_brings_one_asks_for_it(path: str, listed: bool) -> None:
    """Also where it passes it off as a test."""
    page = skill(
        "x",
        f'version: 1.0.0\ncore: ">=0"\nadds: [{path}]' + (f"\ntests: [{path}]" if listed else ""),
        "- {ensure: docstring, in: bot/main.py, docstring: X.}",
    )
    files = {"SKILL.md": page[".claude/skills/x/SKILL.md"].encode(), f"add/{path}": b""}
    assert f"changes {path}" in capabilities(read("x", files)).code


@pytest.mark.parametrize("path", ["bot/app.py", "bot/channels/__init__.py", "src/bot/x/y.py"])
def test_the_bot_itself_is_where_skills_are_at_home(path: str) -> None:
    assert not is_tool_file(path)
    assert [*beyond([path])] == []
