"""A repository's settings for the order of imports, of isort or of Ruff's rule I001.

The nearest folder above a file that says anything is the one that counts, and there isort's own
files before Ruff's: `.isort.cfg`, `pyproject.toml`, `setup.cfg`, `tox.ini`; `.ruff.toml`,
`ruff.toml`, `pyproject.toml`.
"""

from __future__ import annotations

import configparser
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["SECTIONS", "ImportSettings", "settings_for"]

SECTIONS = ("future", "standard-library", "third-party", "first-party", "local-folder")
_ISORT_SECTIONS = {
    "FUTURE": "future",
    "STDLIB": "standard-library",
    "THIRDPARTY": "third-party",
    "FIRSTPARTY": "first-party",
    "LOCALFOLDER": "local-folder",
}
_PROFILES: Mapping[str, Mapping[str, Any]] = {
    "google": {
        "force_single_line": True,
        "force_sort_within_sections": True,
        "single_line_exclusions": ["typing"],
        "order_by_type": False,
    },
    "open_stack": {"force_single_line": True, "force_sort_within_sections": True},
    "plone": {"force_single_line": True, "lines_after_imports": 2},
    "django": {"combine_as_imports": True},
    "appnexus": {"force_sort_within_sections": True, "order_by_type": False},
}
"""What isort's profiles say about the order; the other ones say nothing."""


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """How imports are sorted and grouped; the defaults are those of isort and Ruff.

    `configured`: somebody said so, and it stands above what a file shows. `sections` are names in
    order; `known` gives a section's modules (`pkg`, `pkg.sub`, with `*`). `lines_after` is -1 where
    it depends on what follows.
    """

    configured: bool = False
    force_single_line: bool = False
    single_line_exclusions: frozenset[str] = frozenset()
    force_sort_within_sections: bool = False
    from_first: bool = False
    order_by_type: bool = True
    case_sensitive: bool = False
    length_sort: bool = False
    far_first: bool = True
    combine_as: bool = False
    force_to_top: frozenset[str] = frozenset()
    sections: tuple[str, ...] = SECTIONS
    no_sections: bool = False
    default_section: str = "third-party"
    known: tuple[tuple[str, tuple[str, ...]], ...] = ()
    no_lines_before: frozenset[str] = frozenset()
    lines_after: int = -1
    headings: frozenset[str] = frozenset()


def settings_for(path: str, read: Callable[[str], bytes | None]) -> ImportSettings:
    """The settings that hold for a file. What does not parse says nothing."""
    folder = path.rpartition("/")[0]
    while True:
        found = _in_folder(f"{folder}/" if folder else "", read)
        if found is not None:
            return found
        if not folder:
            return ImportSettings()
        folder = folder.rpartition("/")[0]


def _in_folder(folder: str, read: Callable[[str], bytes | None]) -> ImportSettings | None:
    project = _toml(read(folder + "pyproject.toml"))
    tool = _table(project, "tool")
    for keys in (
        _ini(read(folder + ".isort.cfg"), "settings", "isort"),
        _table(tool, "isort"),
        _ini(read(folder + "setup.cfg"), "isort", "tool:isort"),
        _ini(read(folder + "tox.ini"), "isort"),
    ):
        if keys:
            return _from_isort(keys)
    for ruff in (
        _toml(read(folder + ".ruff.toml")),
        _toml(read(folder + "ruff.toml")),
        _table(tool, "ruff"),
    ):
        if ruff:
            keys = _table(_table(ruff, "lint"), "isort") or _table(ruff, "isort")
            return _from_ruff(keys) if keys else ImportSettings()
    return None


def _toml(data: bytes | None) -> dict[str, Any]:
    try:
        return tomllib.loads((data or b"").decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}


def _table(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = table.get(key)
    return found if isinstance(found, dict) else {}


def _ini(data: bytes | None, *sections: str) -> dict[str, Any]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string((data or b"").decode("utf-8"))
    except (configparser.Error, UnicodeDecodeError):
        return {}
    return next((dict(parser[name]) for name in sections if parser.has_section(name)), {})


def _from_isort(said: Mapping[str, Any]) -> ImportSettings:
    keys = {str(key).replace("-", "_"): value for key, value in said.items()}
    keys = {**_PROFILES.get(str(keys.get("profile", "")), {}), **keys}
    known = tuple(
        (_section(key.removeprefix("known_").upper()), tuple(_words(value)))
        for key, value in keys.items()
        if key.startswith("known_")
    )
    known = tuple((_ISORT_KNOWN.get(name, name), modules) for name, modules in known)
    sections = tuple(_section(name) for name in _words(keys.get("sections"))) or SECTIONS
    return _flags(
        keys,
        known=known,
        sections=sections,
        far_first=not _truth(keys.get("reverse_relative")),
        combine_as=_truth(keys.get("combine_as_imports")),
        default_section=_section(str(keys.get("default_section", "THIRDPARTY"))),
        no_lines_before=frozenset(_section(n) for n in _words(keys.get("no_lines_before"))),
        headings=frozenset(
            str(value).strip()
            for key, value in keys.items()
            if key.startswith("import_heading_") and str(value).strip()
        ),
    )


_ISORT_KNOWN = {
    "FIRST_PARTY": "first-party",
    "THIRD_PARTY": "third-party",
    "LOCAL_FOLDER": "local-folder",
    "STANDARD_LIBRARY": "standard-library",
    "FUTURE_LIBRARY": "future",
}


def _from_ruff(said: Mapping[str, Any]) -> ImportSettings:
    keys = {str(key).replace("-", "_"): value for key, value in said.items()}
    known = [
        (name.removeprefix("known_").replace("_", "-"), tuple(_words(value)))
        for name, value in keys.items()
        if name.startswith("known_")
    ]
    known += [
        ("standard-library", tuple(_words(keys.get("extra_standard_library")))),
        *((name, tuple(_words(v))) for name, v in _table(keys, "sections").items()),
    ]
    return _flags(
        keys,
        known=tuple(known),
        sections=tuple(_words(keys.get("section_order"))) or SECTIONS,
        far_first=keys.get("relative_imports_order") != "closest-to-furthest",
        combine_as=_truth(keys.get("combine_as_imports")),
        default_section=str(keys.get("default_section", "third-party")),
        no_lines_before=frozenset(_words(keys.get("no_lines_before"))),
        headings=frozenset(map(str, _table(keys, "import_heading").values())),
    )


def _flags(keys: Mapping[str, Any], **other: Any) -> ImportSettings:
    """What both call by one name, and `other`."""
    settings = ImportSettings(configured=True, **other)
    lines = str(keys.get("lines_after_imports", -1))
    return replace(
        settings,
        force_single_line=_truth(keys.get("force_single_line")),
        single_line_exclusions=frozenset(_words(keys.get("single_line_exclusions"))),
        force_sort_within_sections=_truth(keys.get("force_sort_within_sections")),
        from_first=_truth(keys.get("from_first")),
        order_by_type=_truth(keys.get("order_by_type", True)),
        case_sensitive=_truth(keys.get("case_sensitive")),
        length_sort=_truth(keys.get("length_sort")),
        force_to_top=frozenset(_words(keys.get("force_to_top"))),
        no_sections=_truth(keys.get("no_sections")),
        lines_after=int(lines) if lines.lstrip("-").isdecimal() else -1,
    )


def _section(name: str) -> str:
    return _ISORT_SECTIONS.get(name, name)


def _truth(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in {"true", "yes", "1", "on"}
    return bool(value)


def _words(value: object) -> list[str]:
    """A list as TOML has it, or as an INI file writes it: with commas or on lines."""
    if isinstance(value, str):
        return [word.strip() for word in value.replace("\n", ",").split(",") if word.strip()]
    return [str(word) for word in value] if isinstance(value, list) else []
