"""An index of skills: one JSON file, at a path, a URL or in a folder or git repository (there
`index.json`, or the one beside its skills in `.claude/skills/`).

    {"format": 1, "skills": [{"name": …, "version": …, "digest": …, "description": …,
                              "source": …, "asks": […]}]}

`source` is what `apply` takes: a git address, or a folder counted from the index.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skills_engine.bounds import beyond
from skills_engine.errors import Refused
from skills_engine.graft.clone import URL, cloned, without_user
from skills_engine.tree import Tree

if TYPE_CHECKING:
    from skills_engine.git import Git

__all__ = ["INDEX", "IndexEntry", "index_at", "indexes", "is_index", "read_index", "write_index"]

INDEX = "index.json"
_HOMES = (INDEX, f".claude/skills/{INDEX}")
"""Where a folder or a repository has its index."""
_FORMAT = 1
_LARGEST = 20_000_000
_SECONDS = 30
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A skill as an index has it; `asks` are the lines that its owner is asked to accept."""

    name: str
    version: str
    digest: str
    description: str
    source: str
    core: str = ""
    asks: tuple[str, ...] = ()


def indexes(git: Git) -> tuple[str, ...]:
    """Those that the owner looks into: `git config --add skills.index WHERE`."""
    return git.settings.values("skills.index")


def is_index(where: str) -> bool:
    return where.endswith(".json")


def index_at(where: str) -> str:
    """An index by its file: where `where` is a folder's or a repository's, what it is there."""
    if is_index(where):
        return where
    return f"{where.rstrip('/')}{'#' if URL.match(where) else '/'}{INDEX}"


def read_index(where: str) -> tuple[IndexEntry, ...]:
    """All entries, their sources as they can be asked for from here. Raises Refused for what cannot
    be had, or is no index.
    """
    address, _, inside = where.partition("#")
    if re.match(r"https?://", address) and is_index(address):
        return _entries(where, _fetched(address), address.rpartition("/")[0])
    if URL.match(address):
        with cloned(address) as (there, commit):
            tree = Tree(there.objects, there.tree_of(commit))
            homes = _HOMES if inside in {"", INDEX} else (inside,)
            inside = next((home for home in homes if tree.exists(home)), homes[0])
            data = tree.read(inside)
        if data is None:
            raise Refused(f"{without_user(where)} has no file {inside}")
        return _entries(where, data, f"{address}#{posixpath.dirname(inside)}")
    path = Path(where).expanduser()
    path = path / INDEX if path.is_dir() else path
    if path.name == INDEX and not path.exists():
        path = next((at for home in _HOMES if (at := path.parent / home).exists()), path)
    try:
        return _entries(where, path.read_bytes(), str(path.resolve().parent))
    except OSError as error:
        raise Refused(
            f"the index {path} cannot be read: {error.strerror}",
            hint="name an index by its file, its folder or its URL",
        ) from None


def write_index(path: Path, entries: list[IndexEntry]) -> None:
    """With these entries, and those of other names that it has already. Raises Refused where it
    cannot be read or written.
    """
    names = {entry.name for entry in entries}
    try:
        known = _document(str(path), path.read_bytes()) if path.exists() else []
        rest = [each for each in known if each.get("name") not in names]
        new = [
            {field.name: getattr(entry, field.name) for field in fields(entry)} for entry in entries
        ]
        skills = sorted([*rest, *new], key=lambda each: str(each["name"]))
        text = json.dumps({"format": _FORMAT, "skills": skills}, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise Refused(f"the index {path} cannot be written: {error.strerror}") from None


def _fetched(address: str) -> bytes:
    import urllib.error  # noqa: PLC0415  (an HTTP client, and its TLS)
    import urllib.request  # noqa: PLC0415

    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310  (http, above)
            data: bytes = answer.read(_LARGEST + 1)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise Refused(
            f"{without_user(address)} cannot be fetched: {error}",
            hint="check the address and the network",
        ) from None
    if len(data) > _LARGEST:
        raise Refused(f"{without_user(address)} is larger than {_LARGEST:,} bytes")
    return data


def _document(where: str, data: bytes) -> list[dict[str, Any]]:
    try:
        text = data.decode("utf-8")
        found = {} if beyond(text) else json.loads(text)
        if found["format"] != _FORMAT:
            raise ValueError(f"its format is {found['format']}")
        skills = found["skills"]
        if not all(isinstance(each, dict) for each in skills):
            raise ValueError("its skills are no objects")
        return list(skills)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(
            f"{without_user(where)} is no index of skills: {error}",
            hint="make one: skills publish -o index.json",
        ) from None


def _entries(where: str, data: bytes, below: str) -> tuple[IndexEntry, ...]:
    found = []
    for each in _document(where, data):
        keys = {field.name: each.get(field.name, "") for field in fields(IndexEntry)}
        asks = keys.pop("asks") or ()
        texts = all(isinstance(value, str) for value in [*keys.values(), *asks])
        if not texts or not _NAME.fullmatch(keys["name"]) or not keys["source"]:
            raise Refused(f"{without_user(where)}: an entry is none: {str(each)[:80]}")
        entry = IndexEntry(**keys, asks=tuple(asks))
        found.append(replace(entry, source=_from_here(entry.source, below)))
    return tuple(found)


def _from_here(source: str, below: str) -> str:
    """A source that counts from the index, counted from where everything does; `below` is the
    index's folder, of a git repository behind its address and a #.
    """
    if URL.match(source):
        return source
    address, inside, folder = below.partition("#")
    if inside and URL.match(address):
        return f"{address}#{posixpath.normpath(posixpath.join(folder, source))}"
    if re.match(r"https?://", below):
        raise Refused(
            f"the index names the folder {source}, which cannot be fetched",
            hint="an index at a URL names git addresses: tell its maker",
        )
    return str(Path(below, source))
