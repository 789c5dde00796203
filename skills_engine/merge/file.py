"""The rungs of a merge, from what is certain to what declines."""

from __future__ import annotations

import gc
import importlib
from contextlib import contextmanager, suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from skills_engine.bounds import beyond
from skills_engine.judge import doubt, forget
from skills_engine.lines import split_lines
from skills_engine.merge.beside import judged
from skills_engine.merge.core.chunks import Chunk, Chunks, Conflicting
from skills_engine.merge.core.regions import changed, decidable
from skills_engine.merge.text import FileText, Form, encoding_of
from skills_engine.merge.types import LineMerge, Merged, Region, Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["is_known", "merge_file"]

T = TypeVar("T", str, bytes)

_LANGUAGES = (
    ("*.py", "python.language"),
    ("*.pyi", "python.language"),
    ("*.toml", "formats.toml"),
    ("*.json", "formats.json"),
    ("*.yaml", "formats.yaml"),
    ("*.yml", "formats.yaml"),
    (".env*", "formats.env"),
    ("*.env", "formats.env"),
    ("*requirements*.txt", "formats.requirements"),
    ("constraints*.txt", "formats.requirements"),
)

_BY_KEY = ("formats.env",)
"""Languages whose entries are known by their keys alone, also where there is no base."""

_INDENTED = (".yaml", ".yml")
_DATA = (".toml", ".json", *_INDENTED)

MAX_SIZE = 1_000_000
"""Characters of a version above which only lines are merged."""


class Language(Protocol):
    """A module that knows what files of one kind are made of. All functions take text with `\\n`
    line ends.
    """

    how: str

    def merge(self, base: str, ours: str, theirs: str, *, keeping: bool = False) -> Chunks:
        """With `keeping`, an entry of data that ours edited and theirs deletes stays, with a note.
        Raises Unsupported where a version cannot be understood.
        """

    def doubt(self, base: str, ours: str, theirs: str, result: str) -> str:
        """Why a result without conflicts is not to be believed, or ''."""

    def broken(self, text: str) -> int:
        """The line (from 1) at which a text does not parse, 0 where it parses."""


def merge_file(
    path: str,
    base: bytes,
    ours: bytes,
    theirs: bytes,
    *,
    lines: LineMerge,
    keeping: bool = False,
) -> Merged:
    """Merge what `base` became in `ours` and in `theirs`. `path` says what kind of file it is. A
    clean merge is judged, one by lines too. With `keeping` an entry of data that ours edited and
    theirs deletes stays, with a note, and is no conflict: what skills brought and take away again
    is the owner's if the owner changed it.

    Never raises for what the bytes are: what cannot be merged is a conflict, in regions as small as
    possible.
    """
    certain = _trivial(base, ours, theirs)
    if certain is not None:
        return Merged(certain, how="trivial")
    b, o, t = (FileText.decode(path, data) for data in (base, ours, theirs))
    if b is None or o is None or t is None:
        if any(b"\0" in data for data in (base, ours, theirs)):
            return _whole(base, ours, theirs, "a version is binary")
        return lines(base, ours, theirs)  # another encoding: git's own test is a NUL byte, too
    if not (b.form.newline and o.form.newline and t.form.newline):
        return lines(base, ours, theirs)
    form = Form.merged(b.form, o.form, t.form)
    try:
        with _by_itself():
            merged = _texts(path, (b.text, o.text, t.text), form, lines, keeping=keeping)
    except UnicodeEncodeError:
        merged = None
    if merged is None or (merged.clean and encoding_of(path, merged.data) != form.encoding):
        return _whole(base, ours, theirs, "the result is not in the encoding that it says")
    return merged


@contextmanager
def _by_itself() -> Iterator[None]:
    """A merge without Python's collector of cycles, which would walk its trees again and again and
    find next to nothing; what the judge has read is forgotten behind it."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        forget()
        if collects:
            gc.enable()


def _texts(
    path: str, texts: tuple[str, str, str], form: Form, lines: LineMerge, *, keeping: bool
) -> Merged:
    """The merge of three texts, in the file's form."""
    base, ours, theirs = texts
    certain = _trivial(base, ours, theirs)
    if certain is not None:
        return Merged(form.file(certain), how="trivial")
    by_lines = lines(base.encode(), ours.encode(), theirs.encode())
    small = max(map(len, texts)) <= MAX_SIZE
    if small and by_lines.clean and not is_known(path):
        doubtful = doubt(path, base, ours, theirs, by_lines.data.decode("utf-8"))
        if doubtful:
            return Chunks(changed(base, ours, theirs, doubtful)).merged(form, "whole")
        return _formed(by_lines, form)
    language = _language(path) if small else None
    if path.endswith(_DATA) and any(
        beyond(text, indented=path.endswith(_INDENTED)) for text in texts
    ):
        language = None
    if language is None or not (base.strip() or _module(path) in _BY_KEY):
        return _formed(by_lines, form)  # without a base there is nothing to tell parts by
    chunks, how = _understood(language, path, texts, by_lines, keeping=keeping)
    if chunks is None:
        return _formed(by_lines, form)
    if not chunks.clean and not chunks.decidable:
        chunks = decidable(chunks, texts, language.broken)
    if not chunks.clean:
        lined = None if by_lines.clean else _chunks(by_lines, "")
        with suppress(RecursionError):
            chunks = judged(path, chunks, lined, texts, language.broken)
    return chunks.merged(form, how)


def is_known(path: str) -> bool:
    """Whether files of that name are merged by more than lines."""
    return _module(path) is not None


def _trivial(base: T, ours: T, theirs: T) -> T | None:
    if theirs in (ours, base):
        return ours
    return theirs if base == ours else None


def _understood(
    language: Language,
    path: str,
    texts: tuple[str, str, str],
    by_lines: Merged,
    *,
    keeping: bool,
) -> tuple[Chunks | None, str]:
    """The merge by a language and how it came about; None where the line merge's clean answer
    stands.
    """
    base, ours, theirs = texts
    doubtful = "both sides changed it"
    if by_lines.clean:
        try:
            result = by_lines.data.decode("utf-8")
            doubtful = language.doubt(base, ours, theirs, result)
            if not doubtful:
                doubtful = doubt(path, base, ours, theirs, result)
        except RecursionError:
            return None, "lines"
        if not doubtful:
            return None, "lines"
    chunks, reason = _structured(language, texts, (base, ours, theirs), keeping=keeping)
    if language.how == "data" and not keeping and (chunks is None or not chunks.clean):
        mirrored, _ = _structured(language, texts, (base, theirs, ours), keeping=False)
        if mirrored is not None and mirrored.clean:  # clean either way or neither way
            chunks = mirrored
    if chunks is not None:
        return chunks, language.how
    if by_lines.clean:
        return Chunks(changed(base, ours, theirs, f"merged by lines, {doubtful}")), "whole"
    return _chunks(by_lines, reason), "lines"


def _structured(
    language: Language, texts: tuple[str, str, str], sides: tuple[str, str, str], *, keeping: bool
) -> tuple[Chunks | None, str]:
    """The merge by a language, of the sides in the given order, or None and why it is not to be
    had or believed."""
    try:
        chunks = language.merge(*sides, keeping=keeping)
        reason = language.doubt(*texts, chunks.text) if chunks.clean else ""
    except Unsupported as unsupported:
        return None, str(unsupported)
    except RecursionError:
        return None, ""
    return (None, reason) if reason else (chunks, "")


def _chunks(by_lines: Merged, reason: str) -> Chunks:
    """What a line merge answered, its regions with the reason that another merge gave."""
    lines = split_lines(by_lines.data.decode("utf-8"))
    pieces: list[Chunk] = []
    at = 0
    for region in by_lines.regions:
        sides = [side.decode("utf-8") for side in (region.base, region.ours, region.theirs)]
        pieces.append("".join(lines[at : region.line - 1]))
        pieces.append(Conflicting(sides[0], sides[1], sides[2], reason or region.reason))
        at = region.line - 1 + sum(side.count("\n") for side in sides) + 4
    return Chunks((*pieces, "".join(lines[at:])))


def _formed(by_lines: Merged, form: Form) -> Merged:
    """A merge of text with plain line ends, in the file's form."""

    def lines(data: bytes) -> bytes:
        return form.lines(data.decode("utf-8"))

    regions = tuple(
        replace(r, base=lines(r.base), ours=lines(r.ours), theirs=lines(r.theirs))
        for r in by_lines.regions
    )
    if _ends_marked(by_lines):
        form = replace(form, ends=True)
    return replace(by_lines, data=form.file(by_lines.data.decode("utf-8")), regions=regions)


def _ends_marked(merged: Merged) -> bool:
    """Whether the last line is the last marker of a conflict."""
    return merged.data[:-1].rpartition(b"\n")[2].startswith(b">>>>>>>") and not merged.clean


def _whole(base: bytes, ours: bytes, theirs: bytes, reason: str) -> Merged:
    if any(b"\0" in data for data in (base, ours, theirs)):
        return Merged(ours, (Region(1, base, ours, theirs, reason),), "whole")
    b, o, t = (data.decode("latin-1") for data in (base, ours, theirs))  # any byte is a character
    return Chunks(changed(b, o, t, reason)).merged(
        Form("\n", bom=False, encoding="latin-1"), "whole"
    )


def _language(path: str) -> Language | None:
    """Imported when first needed: trivial merges and plain text need none."""
    module = _module(path)
    if module is None:
        return None
    return cast("Language", importlib.import_module(f"skills_engine.merge.{module}"))


def _module(path: str) -> str | None:
    name = PurePosixPath(path).name.lower()
    return next((module for pattern, module in _LANGUAGES if fnmatchcase(name, pattern)), None)
