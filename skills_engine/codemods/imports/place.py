"""The place of a new import in a file, as splices.

Which order that is says `import_order`. Here it is brought to the file's bytes: a comment above an
import stays above it, a statement whose own comment may speak of its names gets no other name, and
what `# isort: off` fences in is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.comments import attached, file_comments, is_comment, is_of_next
from skills_engine.codemods.source.edits import is_blank_at, lines_at
from skills_engine.codemods.source.sequences import Sequence as Entries
from skills_engine.codemods.source.source import Source, Splice
from skills_engine.import_order import Order, index_of, kept_apart, module_of
from skills_engine.import_order.reading import skipped
from skills_engine.lines import bare_lines, split_lines
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skills_engine.codemods.imports.statements import ImportStatement
    from skills_engine.import_order import ImportedName, ImportSettings

__all__ = ["Home", "add_to_block", "header_end", "merge", "spell"]

_HEADINGS = frozenset({
    "stdlib", "standard library", "standard library imports", "third party", "third-party",
    "third party imports", "third-party imports", "local", "local imports", "first party",
    "first-party", "ours", "own", "imports", "future", "local application imports",
})  # fmt: skip
"""What people write above a section of imports, in lower case."""


@dataclass(frozen=True)
class Home:
    """A body that holds imports: the module's before its first definition, or that of `if
    TYPE_CHECKING:`.

    `imports` are those directly in it; `every` are all of the file, from which its habits are read;
    `own` says whether a top-level name is a package or module of the repository.
    """

    source: Source
    body: Sequence[cst.CSTNode]
    imports: tuple[ImportStatement, ...]
    every: tuple[ImportStatement, ...]
    own: Callable[[str], bool]
    settings: ImportSettings
    indent: str = ""

    @cached_property
    def fences(self) -> list[range]:
        """The lines that sorters are told to leave alone."""
        return kept_apart(self.source.data.decode("utf-8"))

    @cached_property
    def free(self) -> tuple[ImportStatement, ...]:
        """The imports that sorters may move."""
        return tuple(s for s in self.imports if self.fence(s) is None and not self.skipped(s))

    @cached_property
    def paragraphs(self) -> list[list[ImportStatement]]:
        """The free imports with neither a blank line nor another statement between them."""
        source, last = self.source, -1
        groups: list[list[ImportStatement]] = []
        for statement in self.free:
            start = source.line_start(source.span(statement.line).start)
            lines = bare_lines(source.data[last:start]) if last >= 0 else []
            parted = any(not is_comment(line) or b"isort: split" in line for line in lines)
            if last < 0 or parted:
                groups.append([])
            groups[-1].append(statement)
            last = source.line_end(source.span(statement.line).end)
        return groups

    @cached_property
    def order(self) -> Order:
        rows = [[s.names for s in paragraph] for paragraph in self.paragraphs]
        free = set(map(id, self.free))
        others = [s.names for s in self.every if id(s) not in free]
        return Order.of(rows, self.settings, self.own, others=others)

    def fence(self, statement: ImportStatement) -> range | None:
        line = self.source.line(self.source.span(statement.node).start)
        return next((fence for fence in self.fences if line in fence), None)

    def skipped(self, statement: ImportStatement) -> bool:
        span = self.source.span(statement.line)
        end = self.source.line_end(span.end)
        return skipped(self.source.text(Span(span.start, end)))

    def splits(self, module: str) -> bool:
        """Whether each name of a module gets a statement of its own: so configured, or the file's
        habit.
        """
        if self.order.splits(module):
            return True
        same = self.siblings(module)
        return len(same) > 1 and all(len(s.names) == 1 for s in same)

    def siblings(self, module: str) -> list[ImportStatement]:
        """The from-imports of a module, however it is spelled."""
        path = self.source.path
        wanted = module_of(module, path)
        return [
            s
            for s in self.free
            if s.names[0].name not in {"", "*"} and module_of(s.module, path) == wanted
        ]


def spell(names: Sequence[ImportedName]) -> str:
    """The statement that imports some names from one module, or one module."""
    inside = ", ".join(str(name) for name in names)
    return f"from {names[0].module} import {inside}" if names[0].name else f"import {inside}"


# --- into a from-import that is there


def merge(home: Home, names: Sequence[ImportedName]) -> tuple[Splice, ...]:
    """Splices that add names to a from-import of the same module; none where the file would not."""
    if not names[0].name or names[0].name == "*" or home.splits(names[0].module):
        return ()
    same = [s for s in home.siblings(names[0].module) if not _commented(home, s)]
    if not _combines_aliases(home):
        same = [s for s in same if not any(name.alias for name in s.names)]
        if any(name.alias for name in names):
            return ()
    if not same or not isinstance(same[-1].node, cst.ImportFrom):
        return ()
    target = same[-1]
    present = [name.name for name in target.names]
    order = home.order.member_key(present)
    entries = Entries.of_imported(home.source, target.node)
    if order is None:
        return entries.insert(len(present), *(str(name) for name in names))
    by_index: dict[int, list[str]] = {}
    for name in sorted(names, key=lambda name: order(name.name)):
        by_index.setdefault(index_of(present, name.name, order), []).append(str(name))
    return tuple(
        splice for index, texts in by_index.items() for splice in entries.insert(index, *texts)
    )


def _commented(home: Home, statement: ImportStatement) -> bool:
    """Whether a comment may speak of all names of a statement, and so would of one more: at its
    end, at its opening bracket, or for its line.
    """
    source, node = home.source, statement.node
    span = source.span(node)
    start = source.line_start(span.start)
    above = source.data[source.line_start(start - 1) : start] if start else b""
    if is_comment(above) and is_of_next(above):
        return True
    last = source.data[span.end : source.line_end(span.end)]
    first = source.data[span.start : source.line_end(span.start)]
    opening = isinstance(node, cst.ImportFrom) and node.lpar is not None and b"\n" in first
    star = isinstance(node.names, cst.ImportStar)
    names = span.end if star else source.span(node.names[0]).start  # type: ignore[index]
    alone = opening and names >= span.start + len(first)
    return b"#" in last or (alone and b"#" in first)


def _combines_aliases(home: Home) -> bool:
    return home.settings.combine_as or any(
        s.module and len(s.names) > 1 and any(name.alias for name in s.names) for s in home.every
    )


# --- a line of its own


def add_to_block(home: Home, names: Sequence[ImportedName]) -> Splice:
    """A splice that adds an import statement in the section, and at the place in it, that the
    file's habits say.
    """
    source, order = home.source, home.order
    key = order.member_key()
    names = sorted(names, key=lambda name: key(name.name)) if key and names[0].name else names
    text = home.indent + spell(names) + "\n"
    future = names[0].module == "__future__" and bool(names[0].name)
    first = future and not any(s.module == "__future__" for s in home.imports)
    rows = [[s.names for s in paragraph] for paragraph in home.paragraphs]
    place = None if first else order.place(rows, names)
    if place is None:
        return _beside_fences(home, text) if home.imports and not first else _first(home, text)
    paragraph = home.paragraphs[place.paragraph]
    gap = "\n" if place.alone and order.separated and not home.settings.no_sections else ""
    if place.index:
        at = _below(home, paragraph[place.index - 1], fenced=place.alone)
        after = gap if source.data[at:].strip() and not is_blank_at(source, at) else ""
        return lines_at(source, at, gap + text + after)
    at = _above(home, paragraph[0], headed=not place.alone)
    return Splice(at, at, text + gap)


def _below(home: Home, statement: ImportStatement, *, fenced: bool) -> int:
    """The end of a statement's line; where a section is to follow, that of what is fenced in below
    it.
    """
    source = home.source
    at = source.line_end(source.span(statement.line).end)
    if fenced:
        fences = [f for s in home.imports if (f := home.fence(s)) is not None]
        line = source.line(at - 1)
        for fence in fences:
            between = source.data[at : _start_of(source, fence.start)]
            if fence.start > line and not between.strip():
                at = _start_of(source, fence.stop)
    return at


def _start_of(source: Source, line: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = source.line_end(at)
    return at


def _above(home: Home, statement: ImportStatement, *, headed: bool) -> int:
    """Where what comes before a statement goes: above its comments, but below a heading of its
    section (`headed`: it joins that section), and below what a file begins with.
    """
    source = home.source
    at = source.line_start(source.span(statement.line).start)
    top = attached(source, at)
    if top == 0 and top < at and not home.indent:
        lines = split_lines(source.data[:at])
        while lines and is_of_next(lines[-1]):
            at -= len(lines.pop())
        return at
    while headed and top < at and _is_heading(home, source.data[top : source.line_end(top)]):
        top = source.line_end(top)
    return top


def _is_heading(home: Home, line: bytes) -> bool:
    text = line.decode("utf-8").strip().lstrip("#").strip()
    return text in home.settings.headings or text.lower().strip(" .:-=") in _HEADINGS


def _beside_fences(home: Home, text: str) -> Splice:
    """Where all imports are left alone by sorters: below the last of them."""
    source, last = home.source, home.imports[-1]
    fence = home.fence(last)
    at = source.line_end(source.span(last.line).end)
    if fence is not None:
        at = _start_of(source, fence.stop)
    return lines_at(source, at, text)


# --- where there is no import yet


def _first(home: Home, text: str) -> Splice:
    source = home.source
    if home.indent:
        first = source.span(home.body[0])
        match home.body:
            case [cst.SimpleStatementLine(body=[cst.Pass()])]:
                return Splice(first.start, first.end, text.strip())
        at = source.line_start(first.start)
        return Splice(at, at, text)
    at = header_end(source)
    below = "\n" * max(0, _blank_lines(home, at) - _blank_at(source, at))
    return lines_at(source, at, ("\n" if at else "") + text + below)


def _blank_lines(home: Home, at: int) -> int:
    """How many blank lines follow the imports of a module."""
    source = home.source
    if not source.data[at:].strip():
        return 0
    if home.settings.lines_after >= 0:
        return home.settings.lines_after
    rest = [s for s in source.module.body if source.span(s).start >= at]
    if not rest or not isinstance(rest[0], cst.ClassDef | cst.FunctionDef):
        return 1
    gaps = {
        n
        for one in rest[1:]
        if isinstance(one, cst.ClassDef | cst.FunctionDef)
        and (n := len(one.leading_lines)) == sum(not e.comment for e in one.leading_lines)
    }
    return gaps.pop() if len(gaps) == 1 else 2


def _blank_at(source: Source, at: int) -> int:
    count = 0
    while is_blank_at(source, at):
        at, count = source.line_end(at), count + 1
    return count


def header_end(source: Source) -> int:
    """The end of the module docstring's line, or of the comments that begin a file: 0 where there
    are none.
    """
    match source.module.body:
        case [
            cst.SimpleStatementLine(
                body=[cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString()), *_]
            ),
            *_,
        ]:
            return source.line_end(source.span(source.module.body[0]).end)
    at, end = 0, file_comments(source)
    while at < len(source.data):
        line = source.data[at : source.line_end(at)]
        if line.strip() and not line.startswith(b"#"):
            break
        at = source.line_end(at)
        if line.strip() and (at == len(source.data) or is_blank_at(source, at)):
            end = max(end, at)
    return end
