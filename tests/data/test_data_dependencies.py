"""Requirements merged by what they mean, and written without touching their neighbours."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from skills_engine.data import dependencies, versions
from skills_engine.data.errors import DataError
from skills_engine.types import Outcome

NAMES = st.sampled_from(["aiogram", "Rich", "ruamel.yaml", "ruamel_yaml", "a", "zope.interface"])
BOUNDS = ["1", "1.0", "1.4.2", "2", "2.0rc1", "2.1.dev3", "3", "1.4.post1", "1!1"]
SPECIFIERS = st.lists(
    st.builds(
        "{}{}".format, st.sampled_from([">=", "<", "<=", ">", "!=", "=="]), st.sampled_from(BOUNDS)
    )
    | st.sampled_from(["~=1.4.2", "~=2.0", "==1.*", "!=1.4.*", "==2.0.*"]),
    max_size=3,
    unique=True,
).map(",".join)
MARKERS = st.sampled_from(["", "; python_version < '3.12'", '; sys_platform=="linux"'])
REQUIREMENTS = st.builds(
    "{}{}{}{}".format, NAMES, st.sampled_from(["", "[x]", "[b,a]"]), SPECIFIERS, MARKERS
)
VERSIONS = [
    Version(text)
    for bound in BOUNDS
    for text in (bound, bound + "+l", bound.split(".dev")[0] + ".dev0", "1.5")
]


@st.composite
def projects(draw: st.DrawFn) -> str:
    """A pyproject.toml with a list of any layout."""
    quote = draw(st.sampled_from("'\""))
    wanted = draw(
        st.lists(
            REQUIREMENTS, max_size=4, unique_by=lambda r: canonicalize_name(Requirement(r).name)
        )
    )
    if draw(st.booleans()):
        wanted.sort(key=lambda r: canonicalize_name(Requirement(r).name))
    items = [
        quote + r.replace("'" if quote == "'" else '"', '"' if quote == "'" else "'") + quote
        for r in wanted
    ]
    match draw(st.sampled_from(["line", "lines", "ragged", "none"])):
        case "line":
            array = "dependencies = [" + ", ".join(items) + "]  # all\n"
        case "lines":
            end = draw(st.sampled_from([",", ",  # why", ",\n\n  # above the next ]"]))
            array = (
                "dependencies = ["
                + "".join(f"\n  {item}{end}" for item in items)
                + "\n]\n" * bool(items)
            )
            array += "" if items else "]\n"
        case "ragged":
            array = (
                "dependencies=["
                + "\n  , ".join(items)
                + ("]" if not items else " # last\n ]")
                + "\n"
            )
        case _:
            array = "# dependencies = []\n"
    text = f'# head\n[project]\nname = "x"\n{array}\n[project.urls]\na = "b"\n'
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def listed(data: bytes) -> list[str]:
    found = tomllib.loads(data.decode())["project"].get("dependencies", [])
    return [str(each) for each in found]


@settings(deadline=None)
@given(projects(), REQUIREMENTS)
def test_what_is_required_after_is_what_both_require(text: str, requirement: str) -> None:
    before, wanted = text.encode(), Requirement(requirement)
    alike = [r for r in map(Requirement, listed(before)) if _alike(r, wanted)]
    if any(
        versions.empty(r.specifier & wanted.specifier) for r in alike if not _implied(r, wanted)
    ):
        with pytest.raises(DataError, match="which contradicts"):
            dependencies.ensure(before, requirement)
        return
    after = dependencies.ensure(before, requirement)
    assert dependencies.ensure(after, requirement) == after
    alike = [
        r
        for r in map(Requirement, listed(after))
        if canonicalize_name(r.name) == canonicalize_name(wanted.name)
    ]
    old = [
        r
        for r in map(Requirement, listed(before))
        if canonicalize_name(r.name) == canonicalize_name(wanted.name)
    ]
    others = [
        r
        for r in listed(after)
        if canonicalize_name(Requirement(r).name) != canonicalize_name(wanted.name)
    ]
    assert others == [
        r
        for r in listed(before)
        if canonicalize_name(Requirement(r).name) != canonicalize_name(wanted.name)
    ]
    assert any(
        versions.implies(r.specifier, wanted.specifier) and wanted.extras <= r.extras for r in alike
    )
    for entry in old:
        assert any(
            versions.implies(r.specifier, entry.specifier) and entry.extras <= r.extras
            for r in alike
        )
    assert text.count("#") == after.decode().count("#")
    if not old:
        assert dependencies.remove(after, requirement, prune="# dependencies" in text) == before


def _alike(one: Requirement, other: Requirement) -> bool:
    names = {canonicalize_name(one.name), canonicalize_name(other.name)}
    return len(names) == 1 and str(one.marker or "") == str(other.marker or "")


def _implied(one: Requirement, other: Requirement) -> bool:
    return versions.implies(one.specifier, other.specifier) and other.extras <= one.extras


@settings(deadline=None)
@given(SPECIFIERS, SPECIFIERS)
def test_sets_of_versions_agree_with_packaging_itself(left: str, right: str) -> None:
    one, other = SpecifierSet(left), SpecifierSet(right)
    assert versions.empty(one) == one.is_unsatisfiable()
    if not versions.empty(one):
        assert versions.implies(one, other) == one.is_subset(other)
    both = SpecifierSet(versions.intersection(one, other))
    for version in VERSIONS:
        assert both.contains(version, prereleases=True) == (one & other).contains(
            version, prereleases=True
        )
    assert versions.intersection(one, other) == versions.intersection(other, one)


@pytest.mark.parametrize(
    ("dependencies_before", "requirement", "dependencies_after"),
    [
        ('["a", "c"]', "B>=1", '["a", "B>=1", "c"]'),
        ('["c", "a"]', "B", '["c", "a", "B"]'),
        ('["b", "c"]', "a", '["a", "b", "c"]'),
        ('[\n  "b",\n  "c",\n]', "a", '[\n  "a",\n  "b",\n  "c",\n]'),
        ('["x>=1"]', "x==1.5", '["x==1.5"]'),
        ('["x>=1,<3"]', "x>=2,!=2.5", '["x>=2,<3,!=2.5"]'),
        ('["x ~= 1.2"]', "X>=1", '["x ~= 1.2"]'),
        ("[\"x; python_version < '3'\"]", "x>=1", '["x; python_version < \'3\'", "x>=1"]'),
        ('["x>2"]', "x>1; python_version < '3'", '["x>2"]'),
        ('["x @ git+https://a/x"]', "x", '["x @ git+https://a/x"]'),
        ('["no requirement !", "x"]', "y", '["no requirement !", "x", "y"]'),
        ("[ 'x' ]", "y; os_name == 'nt'", "[ 'x', 'y; os_name == \"nt\"' ]"),
    ],
)
def test_places(dependencies_before: str, requirement: str, dependencies_after: str) -> None:
    before = f"[project]\ndependencies = {dependencies_before}\n"
    assert (
        dependencies.ensure(before.encode(), requirement).decode()
        == f"[project]\ndependencies = {dependencies_after}\n"
    )


def test_the_list_of_a_hook_of_hatch_stands_for_dynamic_ones() -> None:
    head = '[project]\nname = "x"\ndynamic = ["version", "dependencies"]\n\n'
    hook = "[tool.hatch.metadata.hooks.{}]\ndependencies = [\n{}]\n"
    before = head + hook.format("uv-dynamic-versioning", '    "a>=1",\n')
    after = head + hook.format("uv-dynamic-versioning", '    "a>=1",\n    "b>=2",\n')
    assert dependencies.ensure(before.encode(), "b>=2").decode() == after
    assert dependencies.remove(after.encode(), "b").decode() == before
    two = before + hook.format("another", "")
    with pytest.raises(DataError, match="dynamic"):
        dependencies.ensure(two.encode(), "b>=2")


@pytest.mark.parametrize(
    ("before", "requirement", "outcome", "message"),
    [
        ("", "x", Outcome.MISSING, "no [project] table"),
        (
            "[tool.poetry.dependencies]\nx = { git = 'y' }\n",
            "x>1",
            Outcome.DRIFTED,
            "no version range says",
        ),
        ('[project]\ndynamic = ["dependencies"]\n', "x", Outcome.DRIFTED, "dynamic"),
        (
            '[project]\ndependencies = ["x==1"]\n',
            "x==2",
            Outcome.DRIFTED,
            "line 2 requires 'x==1', which contradicts 'x==2'",
        ),
        ('[project]\ndependencies = ["x<2"]\n', "x>=3", Outcome.DRIFTED, "contradicts"),
        (
            '[project]\ndependencies = ["x @ git+https://a/x"]\n',
            "x>=3",
            Outcome.DRIFTED,
            "not 'x>=3'",
        ),
        ('[project]\ndependencies = "x"\n', "x", Outcome.DRIFTED, "is text, not a list"),
        ("[project\n", "x", None, "line 1 is not TOML"),
    ],
)
def test_refusals(before: str, requirement: str, outcome: Outcome | None, message: str) -> None:
    with pytest.raises(DataError) as caught:
        dependencies.ensure(before.encode(), requirement)
    assert caught.value.outcome is outcome
    assert message in caught.value.message


def test_groups_are_found_by_their_normalised_name_and_keep_what_they_include() -> None:
    before = b"""[project]
name = "x"

[dependency-groups]
test = ["pytest"]
dev = [
    { include-group = "test" },  # all of it
    "mypy",
    "ruff>=0.9",
    "skills-ref",
]

[tool.x]
"""
    after = dependencies.ensure(before, "ruff-lsp", "Dev")
    assert after == before.replace(b'    "ruff>=0.9",\n', b'    "ruff>=0.9",\n    "ruff-lsp",\n')
    made = dependencies.ensure(before, "sphinx>=8", "docs")
    assert made == before.replace(b"]\n\n[tool.x]", b']\ndocs = [\n    "sphinx>=8",\n]\n\n[tool.x]')
    assert dependencies.remove(made, "sphinx", "docs", prune=True) == before
