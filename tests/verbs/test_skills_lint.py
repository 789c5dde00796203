"""`skills lint` sees what costs an author an hour, all of it at once."""

from __future__ import annotations

from harness import Repo, skills
from harness.forks import skill

pytest_plugins = ("harness.plugin",)

HEAD = 'version: 1.0.0\ncore: ">=0.1,<1"'
FINE = "- {ensure: docstring, in: parrot/help.py, docstring: Helps.}"


def linted(fork: Repo, *words: str) -> list[tuple[str, int, str]]:
    ran = skills(fork, "lint", *words, "--json")
    found = ran.document["result"]
    assert ran.code == (1 if found else 0), ran.said
    return [(each["path"].rpartition("add-x/")[2], each["line"], each["message"]) for each in found]


def test_a_block_that_nothing_runs(fork: Repo) -> None:
    page = skill("add-x", HEAD, FINE)[".claude/skills/add-x/SKILL.md"]
    path = ".claude/skills/add-x/SKILL.md"
    more = "\n## More\n\nAnd this must hold.\n\n```yaml\n{}\n```\n"
    for block in ("- ensure: docstring\n  in: a.py", "- {ensure: docstring, in: a.py}"):
        fork.write({path: page + more.format(block)})
        assert linted(fork) == [("SKILL.md", 24, "this block has operations, and is not run")]
    for shown in ("- other: ensure", "ensure: x"):
        fork.write({path: page + more.format(shown)})
        assert linted(fork) == []
    fork.write({path: page + "\n````markdown\n" + more.format(FINE) + "````\n"})
    assert linted(fork) == []


def test_what_nobody_has(fork: Repo) -> None:
    manifest = f"{HEAD}\ndepends: [add-dice, add-nothing]\ntests: [tests/test_x.py, parrot/help.py]"
    fork.write(skill("add-x", manifest, FINE))
    assert linted(fork, "add-x") == [
        ("SKILL.md", 12, "it depends on add-nothing, and there is no such package"),
        ("SKILL.md", 13, "the test tests/test_x.py is nowhere"),
    ]


def test_code_that_does_not_parse(fork: Repo) -> None:
    files = {"parrot/x.py": "x = 1\ny = (\n", "data/x.txt": "y = ("}
    fork.write(skill("add-x", f"{HEAD}\nadds: [parrot/x.py, data/x.txt]", FINE, **files))
    ((path, line, message),) = linted(fork, "add-x")
    assert (path, line) == ("add/parrot/x.py", 2)
    assert "does not parse" in message


def test_here_every_operation_that_finds_no_place_is_named(fork: Repo) -> None:
    entries = f"""- {{ensure: element, of: "parrot.commands:NOTHING", element: a}}
{FINE}
- {{ensure: field, of: "parrot.settings:Nobody", field: "x: int = 1"}}
- {{ensure: field, of: "parrot.dice:roll", field: "x: int = 1"}}
"""
    fork.write(
        skill(
            "add-x",
            f"{HEAD}\ndepends: [add-dice]\nadds: [parrot/help.py]",
            entries,
            **{"parrot/help.py": "x = 1\n"},
        )
    )
    assert linted(fork, "add-x") == []
    found = linted(fork, "add-x", "--here")
    assert [line for _, line, _ in found] == [1, 19, 21, 22]
    assert "something else is there already" in found[0][2]
    assert "does not define NOTHING" in found[1][2]
    assert "does not define Nobody" in found[2][2]
    assert "roll is a function, not a class" in found[3][2]
    assert linted(fork, "--here", "add-dice", "add-loud", "add-clock") == []
