"""Data that would keep a parser busy for ever, or end it, is refused in a sentence, wherever it
comes in.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import Repo, skills
from harness.merging import git_lines

from skills_engine.bounds import DEEPEST, LARGEST, beyond
from skills_engine.check import Changed, check
from skills_engine.check.requirements import document
from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.operation import perform
from skills_engine.codemods.registry import decode
from skills_engine.data.errors import DataError
from skills_engine.data.yaml_document import YamlDocument
from skills_engine.errors import Refused, SkillsError
from skills_engine.manifest import parse_yaml
from skills_engine.merge import merge_file
from skills_engine.package.reader import examine

pytest_plugins = ("harness.plugin",)


def laughs(levels: int = 9) -> str:
    """YAML of a few lines that stands for nine to the ninth values."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


BOMBS = {
    "aliases.yaml": laughs(),
    "flow.yaml": "a: " + "[" * 5000 + "]" * 5000 + "\n",
    "open.yaml": "{" * 100_000,
    "quoted.yaml": "a: don't\nb: " + "[" * 5000 + "]" * 5000 + "\nc: won't\n",
    "blocks.yaml": "".join("  " * n + f"k{n}:\n" for n in range(3000)),
    "items.yaml": "- " * 3000 + "x\n",
    "itself.yaml": "a: &a [*a]\n",
    "number.yaml": "a: " + "9" * 9999 + "\n",
    "open.json": "[" * 100_000,
    "deep.json": '{"a":' * 3000 + "1" + "}" * 3000,
    "number.json": '{"a": ' + "9" * 9999 + "}",
    "arrays.toml": "a = " + "[" * 5000 + "]" * 5000 + "\n",
    "tables.toml": "a = " + "{a = " * 3000 + "1" + "}" * 3000 + "\n",
    "dots.toml": "a" + ".a" * 5000 + " = 1\n",
    "header.toml": "[" + ".".join("a" * 3000) + "]\n",
    "number.toml": "a = " + "9" * 9999 + "\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_told_from_its_text(name: str) -> None:
    assert beyond(BOMBS[name], indented=name.endswith(".yaml"))


@pytest.mark.parametrize("name", BOMBS)
def test_it_is_merged_by_lines_and_checked_and_not_edited(name: str, tmp_path: Path) -> None:
    data, kind = BOMBS[name].encode(), name.rpartition(".")[2]
    merged = merge_file(name, data, data + b"\n#y\n", data + b"\n#x\n", lines=git_lines(tmp_path))
    assert merged.data
    assert check(
        [Changed(name, data, (b"{}" if kind == "json" else b"",))], MemoryFiles({name: data})
    )
    edit = decode({"ensure": kind, "in": name, "path": "q.r", "value": 1})
    with pytest.raises(SkillsError):
        perform(edit, MemoryFiles({name: data}))


YAML = [name for name in BOMBS if name.endswith(".yaml")]
TOML = [name for name in BOMBS if name.endswith(".toml")]


@pytest.mark.parametrize("name", YAML)
def test_a_manifest_is_refused(name: str) -> None:
    with pytest.raises(Refused, match=r"manifests/x\.yaml"):
        parse_yaml("manifests/x.yaml", BOMBS[name].encode())


@pytest.mark.parametrize("name", YAML)
@pytest.mark.parametrize(
    "place", ["---\n{}\n---\n# X\n", "---\nname: x\n---\n\n```yaml manifest\n{}\n```\n"]
)
def test_a_page_is_not_valid(name: str, place: str) -> None:
    assert examine("x", {"SKILL.md": place.format(BOMBS[name]).encode()}).problems


@pytest.mark.parametrize("name", TOML)
def test_a_projects_settings_are_refused(name: str) -> None:
    with pytest.raises(Refused, match=r"pyproject\.toml"):
        document(BOMBS[name].encode())


def test_what_people_write_is_within(tmp_path: Path) -> None:
    compose = laughs(2) + "x: &x {a: 1}\n" + "".join(f"s{n}: *x\n" for n in range(500))
    nested = "".join("  " * n + f"k{n}:\n" for n in range(40))
    for text in (compose, nested, "- a\n  - b\n" * 10_000, "k: [1, 2, {a: [b]}]\n" * 1000):
        assert beyond(text, indented=True) == ""
    assert beyond(json.dumps({"a": list(range(10_000)), "text": ":[ " * (DEEPEST // 2)})) == ""
    assert beyond("x" * (LARGEST + 1)) != ""


def test_a_key_that_is_written_at_length_is_refused() -> None:
    with pytest.raises(DataError, match=r"\? key"):
        YamlDocument.of(b"a: 1\n? k\n: v\n").remove(("k",))
    with pytest.raises(DataError):
        YamlDocument.of(b"").ensure_value((), True)


@pytest.mark.parametrize("kind", ["commit", "blob"])
@pytest.mark.parametrize("verb", ["doctor", "status", "uninstall"])
def test_a_manifest_that_names_another_object(fork: Repo, kind: str, verb: str) -> None:
    assert skills(fork, "apply", "-q", "--no-test", "--no-install", "add-dice").code == 0
    oid = fork.head if kind == "commit" else fork.git("rev-parse", "HEAD:pyproject.toml")
    path = "manifests/add-dice.yaml"
    lines = fork.read(path).splitlines()
    changed = [f"package: {oid}" if line.startswith("package:") else line for line in lines]
    fork.commit("Damaged", {path: "\n".join(changed) + "\n"})
    ran = skills(fork, verb, *(["add-dice"] if verb == "uninstall" else []))
    assert "Traceback" not in ran.said, ran.said
    assert ran.code == (0 if verb == "status" else 1)


@pytest.mark.parametrize("how", ["files", "bytes", "deep"])
def test_a_package_that_is_beyond_the_bounds_is_refused_before_it_is_read(
    fork: Repo, tmp_path: Path, how: str
) -> None:
    """As a directory, and out of git, which packs zeros into little."""
    package = Repo.init(tmp_path / "large")
    package.write({"SKILL.md": "---\nname: large\ndescription: Large.\n---\n", "add/x.py": ""})
    if how == "files":
        package.write({f"add/{number}.py": "" for number in range(2_000)})
    elif how == "deep":
        package.write({"add/" + "d/" * 30 + "x.py": ""})
    else:
        for number in range(11):
            with (package.path / f"add/{number}.bin").open("wb") as file:
                file.truncate(4_900_000)
    package.commit("Large")
    for place in (str(package.path), f"file://{package.path}"):
        ran = skills(fork, "plan", place)
        assert ran.code == 1, ran.said
        assert f"{place} is no package that can be read" in ran.err
