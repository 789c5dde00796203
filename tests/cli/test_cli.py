"""The program `skills`: its documents, its exit codes, its options, and what it loads."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from forkkit import Workshop, recipes
from forkkit import skills as in_process
from harness import Repo, environment, skills, skills_command
from jsonschema import Draft202012Validator, ValidationError

from skills_engine.cli.complete import available, installed
from skills_engine.cli.schemas import RESULTS, schemas
from skills_engine.transaction.lock import exclusive
from skills_engine.verbs.reports import ChangeReport

pytest_plugins = ("forkkit.plugin",)

BY_NAME = {recipe.name: recipe for recipe in recipes()}
SCHEMA = Draft202012Validator(schemas()["results"])
PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")


@pytest.fixture
def fork(workshop: Workshop, tmp_path: Path) -> Repo:
    """A fork with three skills, to do with as a test likes."""
    return workshop.copy(BY_NAME["inside-skill-code"], tmp_path)


# --- one document, whatever happens

DONE = {
    "list": "list",
    "search": "search pager",
    "show": "show add-pager",
    "plan": "plan add-pager",
    "status": "status",
    "log": "log",
    "op log": "op log",
    "outdated": "outdated",
    "verify": "verify",
    "publish": "publish -o ../index.json",
    "op show": "op show @",
    "op diff": "op diff",
    "op restore": "op restore @",
    "diff": "diff",
    "blame": "blame README.md:1",
    "lint": "lint",
    "operations": "operations element",
    "test": "test add-pager --no-test",
    "upgrade": "upgrade --no-test --no-install",
    "rebase": "rebase --dry-run",
    "doctor": "doctor",
    "replay": "replay",
    "merge-file": "merge-file README.md README.md README.md -o /dev/null",
    "merge-driver install": "merge-driver install",
    "merge-driver uninstall": "merge-driver uninstall",
}

REFUSED = {
    "init": (1, "init"),
    "search": (2, "search"),
    "show": (1, "show nothing-of-that-name"),
    "plan": (1, "plan nothing-of-that-name"),
    "diff": (1, "diff nothing-of-that-name"),
    "blame": (2, "blame README.md:0"),
    "new": (1, "new nothing-of-that-kind add-it"),
    "dev": (1, "dev nothing-of-that-name --once"),
    "lint": (1, "lint nothing-of-that-name"),
    "operations": (1, "operations nothing-of-that-name"),
    "test": (2, "test"),
    "apply": (2, "apply"),
    "uninstall": (1, "uninstall nothing-of-that-name"),
    "upgrade": (1, "upgrade nothing-of-that-name"),
    "rebase": (1, "rebase --onto nothing-of-that-name"),
    "continue": (1, "continue"),
    "skip": (1, "skip"),
    "abort": (1, "abort"),
    "resolve": (1, "resolve"),
    "undo": (3, "undo --no-test"),
    "redo": (1, "redo"),
    "pin": (1, "pin nothing-of-that-name"),
    "unpin": (1, "unpin nothing-of-that-name"),
    "outdated": (2, "outdated too many words"),
    "verify": (1, "verify nothing-of-that-name"),
    "publish": (1, "publish nothing-of-that-name"),
    "op log": (2, "op log -n few"),
    "op show": (1, "op show nothing-of-that-name"),
    "op diff": (1, "op diff --to nothing-of-that-name"),
    "op restore": (1, "op restore nothing-of-that-name"),
    "log": (2, "log -n few"),
    "list": (2, "list --nonsense"),
    "status": (2, "status too many words"),
    "doctor": (2, "doctor --nonsense"),
    "replay": (2, "replay too many words"),
    "merge-file": (1, "merge-file gone gone gone -o gone"),
}


@pytest.mark.parametrize("verb", DONE)
def test_a_result_is_one_document_with_the_documented_keys(fork: Repo, verb: str) -> None:
    ran = in_process(fork, *_inside(fork, DONE[verb]), "--json")
    assert ran.code == 0, ran.said
    document = json.loads(ran.out)
    assert list(document) == ["schema", "verb", "result"]
    assert (document["schema"], document["verb"]) == (1, verb)
    assert set(_found(document["result"])) <= _documented(verb)
    SCHEMA.validate(document)


@pytest.mark.parametrize("verb", REFUSED)
def test_an_error_is_one_document_too(fork: Repo, verb: str) -> None:
    code, line = REFUSED[verb]
    ran = in_process(fork, *_inside(fork, line), "--json")
    assert ran.code == code, ran.said
    document = json.loads(ran.out)
    assert list(document) == ["schema", "verb", "error"]
    assert document["verb"] == verb
    assert document["error"]["exit_code"] == code
    assert document["error"]["message"]
    assert set(document["error"]) <= _keys("An error")
    SCHEMA.validate(document)
    with pytest.raises(ValidationError):
        SCHEMA.validate({**document, "error": {**document["error"], "message": 1}})


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("nope", "skills --help"),
        ("op nope", "skills op --help"),
        ("apply --nope", "skills apply --help"),
    ],
)
def test_wrong_usage_names_a_help_that_is_there(fork: Repo, line: str, hint: str) -> None:
    document = json.loads(in_process(fork, *line.split(), "--json").out)
    assert document["error"]["hint"] == f"see: {hint}"
    SCHEMA.validate(document)


@pytest.mark.parametrize("verb", [*RESULTS])
def test_the_documentation_has_every_key_and_no_other(verb: str) -> None:
    real = set(_declared(RESULTS[verb]))
    if verb == "plan":
        real = {key for key in real if not key.startswith("report.")}  # `as above`
    assert _keys(verb) == real


def test_every_verb_is_documented() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "skills_engine", "--help"], capture_output=True, check=True
    )
    commands = re.search(r"\nCommands:\n(.*)", listed.stdout.decode(), re.DOTALL)
    assert commands is not None
    verbs = {line.split()[0] for line in commands[1].splitlines() if re.match(r"  \S", line)}
    assert verbs == {verb.split()[0] for verb in [*RESULTS, "diff"]}


def _inside(fork: Repo, line: str) -> list[str]:
    """The words of a command; paths of `merge-file` are the fork's."""
    words = line.split()
    return [
        str(fork.path / word) if words[0] == "merge-file" and word == "README.md" else word
        for word in words
    ]


def _keys(verb: str) -> set[str]:
    """The keys in the table below the heading that names a verb."""
    for heading, body in re.findall(r"^## (.+)\n((?:(?!^## ).*\n?)*)", PAGE, re.MULTILINE):
        if verb in heading.replace("`", "").split(", "):
            return {
                re.sub(r"^\[\]\.", "", key)
                for key in re.findall(r"^\| `([^`]+)` \|", body, re.MULTILINE)
            }
    raise AssertionError(f"docs/json.md has no section on {verb}")


def _documented(verb: str) -> set[str]:
    more = {f"report.{key}" for key in _keys("apply")} if verb == "plan" else set[str]()
    return _keys(verb) | more


def _declared(hint: Any, prefix: str = "") -> Iterator[str]:
    """The keys that a type has in JSON, as paths."""
    origin, arms = get_origin(hint), get_args(hint)
    if origin is list:
        yield from _declared(arms[0], prefix)
    elif isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint, localns={"ChangeReport": ChangeReport})
        for field in fields(hint):
            yield from _key(prefix + field.name, hints[field.name])


def _key(name: str, hint: Any) -> Iterator[str]:
    arms = get_args(hint)
    if get_origin(hint) is tuple and is_dataclass(arms[0]):
        yield from _declared(arms[0], f"{name}[].")
        return
    yield name
    if get_origin(hint) is UnionType:
        hint = next(arm for arm in arms if arm is not NoneType)
    if is_dataclass(hint):
        yield from _declared(hint, f"{name}.")


def _found(value: Any, prefix: str = "") -> Iterator[str]:
    """The keys that a document has, as paths; the key of an array of objects is that of its
    objects.
    """
    if isinstance(value, list):
        for item in value:
            yield from _found(item, prefix)
    elif isinstance(value, dict):
        for key, inner in value.items():
            objects = isinstance(inner, list) and inner and isinstance(inner[0], dict)
            if objects:
                yield from _found(inner, f"{prefix}{key}[].")
            elif inner != []:
                yield prefix + key
                yield from _found(inner, f"{prefix}{key}.")


# --- exit codes and options, as a process of its own


def test_exit_codes(fork: Repo) -> None:
    assert skills(fork, "status").code == 0
    assert skills(fork, "apply", "nothing-of-that-name").code == 1
    assert skills(fork, "no-such-verb").code == 2
    assert skills(fork, "uninstall", "add-metrics", "--no-test", "--no-install").code == 3
    assert skills(fork, "abort").code == 0
    from skills_engine.git import Git  # noqa: PLC0415  (beside its only use)

    with exclusive(Git(fork.path).repository, "a test"):
        held = skills(fork, "uninstall", "pager-receipts", "--no-test")
    assert held.code == 5
    assert "--wait" in held.err


def test_the_directory_may_stand_before_or_after_the_verb(fork: Repo, tmp_path: Path) -> None:
    inside = skills(fork, "status", "--json").out
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for words in (
        ["-C", str(fork.path), "status", "--json"],
        ["status", "--json", "-C", str(fork.path)],
    ):
        assert skills(elsewhere, *words).out == inside
    below = skills(fork.path / "bot", "status", "--json")
    assert below.out == inside
    nowhere = skills(elsewhere, "status", "-C", str(tmp_path / "nowhere"))
    assert nowhere.code == 1
    assert "is not a directory" in nowhere.err


def test_paths_count_from_the_directory_that_was_named(fork: Repo, tmp_path: Path) -> None:
    """As with git's -C: what lies in the current directory under the same name is not meant."""
    for place in (fork.path / "bot", tmp_path):
        (place / "one.py").write_text(f"# {place.name}\n")
    merged = skills(
        tmp_path,
        "-C",
        str(fork.path / "bot"),
        "merge-file",
        "one.py",
        "one.py",
        "one.py",
        "-o",
        "out.py",
    )
    assert merged.code == 0, merged.said
    assert (fork.path / "bot" / "out.py").read_text() == "# bot\n"
    planned = skills(tmp_path, "plan", "add-pager", "-o", "plan.json", "-C", str(fork.path / "bot"))
    assert planned.code == 0, planned.said
    assert (fork.path / "bot" / "plan.json").is_file()
    assert not (tmp_path / "plan.json").exists()


def test_results_and_progress_are_apart(fork: Repo) -> None:
    """Results on standard output; a line for each step on standard error, where that is no
    terminal.
    """
    ran = skills(fork, "rebase", "--preview")
    assert ran.code == 0
    assert "· fetch upstream" in ran.err.splitlines()
    assert "· " not in ran.out
    assert "files would change" in ran.out
    assert "\x1b[" not in ran.said
    quiet = skills(fork, "rebase", "--preview", "-q")
    assert (quiet.code, quiet.said) == (0, "")
    assert "merged with your edits" in skills(fork, "rebase", "--preview", "-v").out
    assert "merged with your edits" not in ran.out
    assert skills(fork, "rebase", "--preview", "--json").err == ""


def test_a_quiet_verb_still_says_what_went_wrong(fork: Repo) -> None:
    ran = skills(fork, "uninstall", "add-pager", "-q")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "skills uninstall: pager-receipts needs add-pager",
        "  → take both off: skills uninstall add-pager pager-receipts",
    ]


# --- what it loads, and what the shell completes

HEAVY = ("libcst", "docker", "aiosqlite", "neonize")


@pytest.mark.parametrize("line", ["--help", "list", "status"])
def test_quick_verbs_load_nothing_heavy(fork: Repo, line: str) -> None:
    code = f"import sys; sys.argv = ['skills', {line!r}]\nfrom skills_engine.cli import main\n"
    code += (
        f"try:\n    main()\nfinally:\n    sys.exit(str([m for m in {HEAVY!r} if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=fork.path,
        env=environment(fork.path.parent / "home"),
        capture_output=True,
        check=False,
    )
    assert done.stderr.decode().strip() == "[]"


def test_names_are_completed(fork: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fork.path / "bot")
    assert available("add-") == ["add-metrics", "add-pager"]
    assert installed("") == ["add-metrics", "add-pager", "pager-receipts"]
    assert installed("x") == []


def test_the_shell_gets_them(fork: Repo) -> None:
    env = environment(fork.path.parent / "home")
    env |= {
        "_SKILLS_COMPLETE": "complete_bash",
        "COMP_WORDS": "skills uninstall pag",
        "COMP_CWORD": "2",
    }
    code = "import sys; sys.argv = ['skills']; from skills_engine.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=fork.path, env=env, capture_output=True, check=False
    )
    assert os.fsdecode(done.stdout).split() == ["pager-receipts"]


def test_a_reader_that_is_gone_refuses_nothing(fork: Repo) -> None:
    """Progress that nobody reads stops no operation, and what is cut short says so as git does."""
    env = environment(fork.path.parent / "home")
    pinned = []
    for verb, gone, code in (("pin", "stderr", 0), ("unpin", "stdout", 141)):
        reader, writer = os.pipe()
        os.close(reader)
        heard = "stdout" if gone == "stderr" else "stderr"
        streams: Any = {gone: writer, heard: subprocess.PIPE}
        command = skills_command(verb, "add-pager")
        done = subprocess.run(command, cwd=fork.path, env=env, check=False, **streams)
        os.close(writer)
        assert done.returncode == code, done
        pinned.append("pinned" in fork.read("manifests/add-pager.yaml"))
    assert pinned == [True, False]


def test_an_interrupt_says_where_to_look_and_leaves_all(fork: Repo) -> None:
    """As Ctrl-C does, the signal reaches git and what it runs as well."""
    key = fork.path.parent / "key"
    key.write_text("#!/bin/sh\nkill -INT 0\n")
    key.chmod(0o755)
    fork.git("config", "commit.gpgSign", "true")
    fork.git("config", "gpg.program", str(key))
    before = fork.head
    done = subprocess.run(
        skills_command("pin", "add-pager"),
        cwd=fork.path,
        env=environment(fork.path.parent / "home"),
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert (done.returncode, fork.head) == (130, before)
    assert done.stderr.splitlines()[-1] == "skills: interrupted; see: skills status"
    assert "Traceback" not in done.stderr


def test_a_plan_may_have_any_name_that_is_no_skills(fork: Repo) -> None:
    assert skills(fork, "plan", "add-pager", "-o", "my.plan").code == 0
    assert "there is no skill" not in skills(fork, "apply", "my.plan", "--dry-run").err
    assert "is not a plan" in skills(fork, "apply", "README.md", "--dry-run").err


def test_where_there_is_nothing_it_says_so(fork: Repo) -> None:
    fork.git("rm", "-rq", ".claude/skills", "manifests")
    fork.commit("Nothing")
    assert "no skills here" in skills(fork, "list").out
    ran = skills(fork, "lint")
    assert (ran.code, ran.err.splitlines()[0][:35]) == (1, "skills lint: there are no skills in")


def test_a_signature_that_cannot_be_made_is_named(fork: Repo) -> None:
    fork.git("config", "commit.gpgSign", "true")
    fork.git("config", "gpg.program", "false")
    before = fork.head
    ran = skills(fork, "pin", "add-pager")
    assert (ran.code, fork.head) == (1, before)
    assert "git config commit.gpgSign false" in ran.err
