"""The order that a file keeps its imports in, read off its settings and its own statements."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from skills_engine.import_order.reading import ImportedName
    from skills_engine.import_order.settings import ImportSettings

    Key = Callable[[str], Any]
    Names = Sequence[ImportedName]
    Paragraph = Sequence[Names]

__all__ = ["ImportPlace", "Order", "by_kind", "by_natural", "by_text", "in_order", "index_of"]


def by_text(name: str) -> Any:
    return name


def by_natural(name: str) -> Any:
    """Case ignored, and numbers by value: `a2` before `a10`. Ties are broken by text."""
    return (_numbered(name.lower()), name)


def by_kind(name: str) -> Any:
    """Constants, then classes, then the rest: isort's `order_by_type`, ruff's default for names and
    `__all__`.
    """
    bare = name.strip("\"'")
    return (_kind(bare), by_natural(bare))


def _by_case(name: str) -> Any:
    return _numbered(name)


def _by_kind_and_case(name: str) -> Any:
    return (_kind(name), _numbered(name))


def _by_length(name: str) -> Any:
    return (len(name), by_natural(name))


def _by_kind_and_length(name: str) -> Any:
    return (_kind(name), _by_length(name))


def _kind(name: str) -> int:
    return 0 if len(name) > 1 and name.isupper() else 1 if name[:1].isupper() else 2


def _numbered(text: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", text)
    return [(int(part), "") if at % 2 else (-1, part) for at, part in enumerate(parts)]


def in_order(texts: Sequence[str], key: Key) -> bool:
    return _sorted([key(text) for text in texts])


def index_of(texts: Sequence[str], new: str, key: Key) -> int:
    """Before the first that is greater. In any order of insertion, several new texts end up in the
    same places.
    """
    wanted = key(new)
    return next((index for index, text in enumerate(texts) if key(text) > wanted), len(texts))


@dataclass(frozen=True, slots=True)
class _Style:
    """How statements are sorted within a section: `import` before `from` (1), after it (-1) or
    among them (0); the far relative ones first or last; names, and modules, by a key.
    """

    straight_first: int
    far_first: bool
    module: Key
    member: Key
    top: frozenset[str] = frozenset()
    by_length: bool = False

    def key(self, names: Names) -> Any:
        first = names[0]
        bare = first.module.lstrip(".")
        dots = len(first.module) - len(bare)
        return (
            (1 if first.name else -1) * self.straight_first,
            first.module not in self.top,
            len(first.module) if self.by_length else 0,
            -dots if self.far_first else dots,
            self.module(bare),
            bool(first.name),
            self.member(first.name),
            first.alias,
        )


@dataclass(frozen=True, slots=True)
class ImportPlace:
    """Where a new statement goes: before statement `index` of `paragraph` (its length: below the
    last); `alone`, as a paragraph of its own there.
    """

    paragraph: int
    index: int
    alone: bool = False


class Order:
    """The order of one file. Make it with `Order.of`."""

    def __init__(
        self,
        settings: ImportSettings,
        own: Callable[[str], bool],
        style: _Style | None,
        members: tuple[Key, ...],
        lists: Sequence[Sequence[str]],
        separated: bool,
    ) -> None:
        self.settings = settings
        self.separated = separated
        """Whether a blank line stands between two sections."""
        self._own, self._style, self._members, self._lists = own, style, members, lists

    @classmethod
    def of(
        cls,
        paragraphs: Sequence[Paragraph],
        settings: ImportSettings,
        own: Callable[[str], bool],
        *,
        others: Iterable[Names] = (),
    ) -> Order:
        """Read off paragraphs of imports. `others` stand elsewhere in the file, and show the order
        of names only.
        """
        members = _member_orders(settings)
        every = [names for paragraph in paragraphs for names in paragraph] + list(others)
        lists = [[name.name for name in names] for names in every if names[0].name]
        order = cls(settings, own, None, members, lists, True)
        runs = [run for paragraph in paragraphs for run in order._runs(paragraph)]
        order._style = next(
            (s for s in _styles(settings) if all(_sorted([s.key(n) for n in r]) for r in runs)),
            None,
        )
        order.separated = all(
            len({order.section(names[0].module) for names in paragraph}) == 1
            for paragraph in paragraphs
        )
        return order

    def section(self, module: str) -> int:
        """The index of a module's section."""
        sections = self.settings.sections
        if self.settings.no_sections:
            return int(module != "__future__")
        name = self._section(module)
        if name not in sections:
            name = self.settings.default_section
        return sections.index(name) if name in sections else len(sections)

    def _section(self, module: str) -> str:
        top = module.partition(".")[0]
        if not top:
            return "local-folder"
        if top == "__future__":
            return "future"
        parts = module.split(".")
        for length in range(len(parts), 0, -1):
            prefix = ".".join(parts[:length])
            for section, patterns in self.settings.known:
                if any(fnmatchcase(prefix, pattern) for pattern in patterns):
                    return section
        if top in sys.stdlib_module_names:
            return "standard-library"
        return "first-party" if self._own(top) else self.settings.default_section

    def member_key(self, present: Sequence[str] = ()) -> Key | None:
        """The order that all from-imports of the file keep, or else this one; None if it keeps
        none.
        """
        for scope in (self._lists, [present]):
            for key in self._members:
                if in_order(present, key) and all(in_order(names, key) for names in scope):
                    return key
        return None

    def splits(self, module: str) -> bool:
        """Whether each name of that module has a statement of its own."""
        settings = self.settings
        return settings.force_single_line and module not in settings.single_line_exclusions

    def place(self, paragraphs: Sequence[Paragraph], names: Names) -> ImportPlace | None:
        """Where a statement goes among those that are there; None where there is none."""
        if not any(paragraphs):
            return None
        kind = self.section(names[0].module)
        if (found := self._siblings(paragraphs, names[0], kind)) is not None:
            return self._among(paragraphs[found], found, kind, names)
        below = [
            (at, index)
            for at, paragraph in enumerate(paragraphs)
            for index, other in enumerate(paragraph)
            if self.section(other[0].module) < kind
        ]
        if below:
            at, index = below[-1]
            return ImportPlace(at, index + 1, alone=True)
        return ImportPlace(next(at for at, p in enumerate(paragraphs) if p), 0, alone=True)

    def _runs(self, paragraph: Paragraph) -> list[list[Names]]:
        kinds = sorted({self.section(names[0].module) for names in paragraph})
        return [[n for n in paragraph if self.section(n[0].module) == k] for k in kinds]

    def _siblings(
        self, paragraphs: Sequence[Paragraph], name: ImportedName, kind: int
    ) -> int | None:
        """The paragraph that has imports of that section, of that package if there is one."""
        top = name.module.partition(".")[0]
        tops = [
            {n[0].module.partition(".")[0] for n in p if self.section(n[0].module) == kind}
            for p in paragraphs
        ]
        alike = [at for at, found in enumerate(tops) if top in found]
        return next(iter(alike or [at for at, found in enumerate(tops) if found]), None)

    def _among(self, paragraph: Paragraph, at: int, kind: int, names: Names) -> ImportPlace:
        mine = [i for i, n in enumerate(paragraph) if self.section(n[0].module) == kind]
        style = self._style
        if style is None:
            rows = [paragraph[i] for i in mine]
            fits = (s for s in _styles(self.settings) if _sorted([s.key(n) for n in rows]))
            style = next(fits, None)
        if style is not None:
            new = style.key(names)
            for i in mine:
                if style.key(paragraph[i]) > new:
                    return ImportPlace(at, i)
        return ImportPlace(at, mine[-1] + 1)


def _sorted(keys: Sequence[Any]) -> bool:
    return all(one <= other for one, other in pairwise(keys))


def _member_orders(settings: ImportSettings) -> tuple[Key, ...]:
    """The settings' own first."""
    plain: Key = _by_case if settings.case_sensitive else by_natural
    if settings.length_sort:
        plain = _by_kind_and_length if settings.order_by_type else _by_length
    elif settings.order_by_type:
        plain = _by_kind_and_case if settings.case_sensitive else by_kind
    return (plain, by_kind, by_natural, by_text)


def _styles(settings: ImportSettings) -> tuple[_Style, ...]:
    """The settings' own first, then the ones that people have without any."""
    straight = 0 if settings.force_sort_within_sections else -1 if settings.from_first else 1
    module = _by_case if settings.case_sensitive else by_natural
    members = dict.fromkeys(_member_orders(settings))
    first = _Style(
        straight,
        settings.far_first,
        module,
        next(iter(members)),
        settings.force_to_top,
        settings.length_sort,
    )
    known = tuple(
        _Style(straight, far, case, member)
        for case, straight, far, member in product(
            (by_natural, by_text), (1, 0), (True, False), members
        )
    )
    return (first, *known)
