"""A change of a Python file, as deltas of its statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.blocks import is_docstring
from skills_engine.codemods.syntax import paired
from skills_engine.record import says
from skills_engine.record.align import Item, Pair, items, pairs
from skills_engine.record.delta import Delta, Entries
from skills_engine.record.expressions import changes
from skills_engine.record.headers import class_header, decorators, function_header
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skills_engine.codemods.source import Body, Source

__all__ = ["deltas"]


def deltas(before: Source, after: Source) -> list[Delta]:
    """What turns one file into the other, in file order. Both have the same encoding and line ends."""
    return list(Differ(before, after).bodies(before.module, after.module, ""))


@dataclass(frozen=True)
class Differ:
    """Two versions of a file. `owner` is, everywhere below, the qualified name of the definition around."""

    a: Source
    b: Source

    def bodies(self, one: Body, other: Body, owner: str, limits: tuple[Span, Span] | None = None) -> Iterator[Delta]:
        """`limits` are the bytes of both blocks: all of the file without it."""
        here, there = limits or (Span(0, len(self.a.data)), Span(0, len(self.b.data)))
        row = pairs(items(self.a, one), items(self.b, other))
        at, to = here.start, there.start
        loose: list[Pair] = []
        previous: tuple[Item, Item] | None = None
        for old, new in row:
            if old is None or new is None:
                loose.append((old, new))
                continue
            gap = Gap(self, owner, one, previous, (old, new), Span(at, old.whole.start), Span(to, new.whole.start))
            yield from gap.deltas(loose)
            loose = []
            yield from self.statements(old, new, owner)
            at, to, previous = old.whole.end, new.whole.end, (old, new)
        gap = Gap(self, owner, one, previous, None, Span(at, here.end), Span(to, there.end))
        yield from gap.deltas(loose)

    def statements(self, old: Item, new: Item, owner: str) -> Iterator[Delta]:
        """A statement that became another, with its comments."""
        yield from self.literal(Span(old.whole.start, old.span.start), Span(new.whole.start, new.span.start), owner)
        if old.code != new.code:
            yield from self.changed(old, new, owner)
        yield from self.literal(Span(old.span.end, old.whole.end), Span(new.span.end, new.whole.end), owner)

    def literal(self, here: Span, there: Span, owner: str) -> Iterator[Delta]:
        """Comments and blank lines: no operation knows them, a snippet does."""
        new = self.b.data[there.start : there.end]
        if self.a.data[here.start : here.end] != new:
            yield Delta(here.start, here.end, new, about=owner)

    def changed(self, old: Item, new: Item, owner: str) -> Iterator[Delta]:
        one, other = old.node, new.node
        inner: list[Delta] | None = None
        if isinstance(one, cst.FunctionDef | cst.ClassDef) and type(one) is type(other):
            inner = self.definitions(one, other, owner)
        elif isinstance(one, cst.BaseCompoundStatement) and type(one) is type(other):
            inner = self.compounds(one, other, owner)
        elif isinstance(one, cst.SimpleStatementLine) and isinstance(other, cst.SimpleStatementLine):
            inner = changes(self.a, self.b, one, other, owner)
        if inner is not None:
            yield from inner
            return
        ways = [*says.imports(self.a, self.b, one, other), *says.replaced(self.a, [old], self.b, [new], owner)]
        turn = 2 if says.is_import(one) else 1
        yield Delta(old.span.start, old.span.end, new.code.encode(), ways, owner, turn)

    def definitions(self, one: cst.BaseStatement, other: cst.BaseStatement, owner: str) -> list[Delta] | None:
        """A function or class whose parts changed; None where its body cannot be taken apart."""
        if not isinstance(one, cst.FunctionDef | cst.ClassDef) or not isinstance(other, cst.FunctionDef | cst.ClassDef):
            return None
        blocks = self._blocks(one.body, other.body)
        if blocks is None or one.name.value != other.name.value:
            return None
        name = f"{owner}.{one.name.value}" if owner else one.name.value
        found = list(decorators(self.a, self.b, one, other, name))
        if isinstance(one, cst.FunctionDef) and isinstance(other, cst.FunctionDef):
            found += function_header(self.a, self.b, one, other, name)
        elif isinstance(one, cst.ClassDef) and isinstance(other, cst.ClassDef):
            found += class_header(self.a, self.b, one, other, name)
        return [*found, *self.bodies(*blocks[:2], name, blocks[2])]

    def compounds(self, one: cst.CSTNode, other: cst.CSTNode, owner: str) -> list[Delta] | None:
        """`if`, `for`, `with`, `try` and their clauses, part by part; None where the parts are not the same ones."""
        both = paired(one, other)
        if both is None:
            return None
        found: list[Delta] = []
        for old, new in both:
            inner = self._part(old, new, owner)
            if inner is None:
                return None
            found += inner
        return found

    def _part(self, old: object, new: object, owner: str) -> list[Delta] | None:
        if not isinstance(old, cst.CSTNode) or not isinstance(new, cst.CSTNode):
            return [] if old == new else None
        if isinstance(old, cst.BaseSuite) and isinstance(new, cst.BaseSuite):
            blocks = self._blocks(old, new)
            if blocks is None:
                return [] if self.a.code(old) == self.b.code(new) else None
            return list(self.bodies(*blocks[:2], owner, blocks[2]))
        if type(old) is not type(new):
            return None
        if isinstance(old, cst.BaseExpression):
            return [] if self.a.code(old) == self.b.code(new) else changes(self.a, self.b, old, new, owner)
        return self.compounds(old, new, owner)

    def _blocks(
        self, old: cst.BaseSuite, new: cst.BaseSuite
    ) -> tuple[cst.IndentedBlock, cst.IndentedBlock, tuple[Span, Span]] | None:
        """Two indented blocks with their bytes, from the line below the header."""
        if not isinstance(old, cst.IndentedBlock) or not isinstance(new, cst.IndentedBlock):
            return None
        spans = []
        for source, block in ((self.a, old), (self.b, new)):
            last = items(source, block)[-1]
            spans.append(Span(source.line_end(source.span(block.header).start), last.whole.end))
        heads = [source.code(block.header) for source, block in ((self.a, old), (self.b, new))]
        return (old, new, (spans[0], spans[1])) if heads[0] == heads[1] else None


@dataclass(frozen=True)
class Gap:
    """What lies between two statements that both versions have (or the ends of the block)."""

    differ: Differ
    owner: str
    body: Body
    previous: tuple[Item, Item] | None
    following: tuple[Item, Item] | None
    here: Span
    there: Span

    def deltas(self, loose: Sequence[Pair]) -> Iterator[Delta]:
        old = [one for one, _ in loose if one is not None]
        new = [other for _, other in loose if other is not None]
        if not old and not new:
            yield from self.differ.literal(self.here, self.there, self.owner)
        elif old and new and not any(map(_apart, (*old, *new))):
            data = self.differ.b.data[self.there.start : self.there.end]
            yield Delta(self.here.start, self.here.end, data, list(self._instead(old, new)), self.owner)
        else:
            at = self.here
            if old:
                yield from self._removed(old, keeps_gap=bool(new))
                at = Span(old[-1].whole.end, self.here.end)
            if new:
                yield from self._added(new, at)

    def _instead(self, old: Sequence[Item], new: Sequence[Item]) -> Iterator[Entries]:
        yield from says.wrapped(self.differ.a, old, self.differ.b, new, self.owner)
        yield from says.replaced(self.differ.a, old, self.differ.b, new, self.owner)

    def _added(self, new: Sequence[Item], at: Span) -> Iterator[Delta]:
        """One delta each; the last takes the gap below along."""
        groups = _groups(new)
        start = self.there.start
        before = self.previous[1] if self.previous else None
        for number, group in enumerate(groups):
            last = number == len(groups) - 1
            end = self.there.end if last else group[-1].whole.end
            data = self.differ.b.data[start:end]
            following = self.following[1] if self.following else None
            ways = list(says.added(group, self.differ.b, self.body, self.owner, before, following))
            about = says.named(group, self.owner)
            yield Delta(at.start, at.end if last else at.start, data, ways, about)
            start, before = end, group[-1]

    def _removed(self, old: Sequence[Item], *, keeps_gap: bool) -> Iterator[Delta]:
        a = self.differ.a
        turn = 2 if all(says.is_import(item.node) for item in old) else 0
        left = b"" if keeps_gap else self.differ.b.data[self.there.start : self.there.end]
        before = self.previous[0] if self.previous else None
        after = self.following[0] if self.following else None
        ends = [*(item.whole.start for item in old[1:]), self.here.end]
        above = a.data[self.here.start : old[0].whole.start]
        if not keeps_gap and above == left:
            for item, end in zip(old, ends, strict=True):
                ways = list(says.removed([item], a, self.owner, before, after))
                yield Delta(item.whole.start, end, b"", ways, says.named([item], self.owner), turn)
            return
        ways = [sum((w for item in old for w in list(says.removed([item], a, self.owner, before, after))[:1]), ())]
        ways += says.removed(old, a, self.owner, before, after)
        end = old[-1].whole.end if keeps_gap else self.here.end
        yield Delta(self.here.start, end, left, ways, says.named(old, self.owner), turn)


def _apart(item: Item) -> bool:
    """Whether an operation adds or removes such a statement by itself."""
    return isinstance(item.node, cst.FunctionDef | cst.ClassDef) or says.is_import(item.node)


def _groups(new: Sequence[Item]) -> list[list[Item]]:
    """Definitions and imports one by one, other statements in runs. Fields of a class are one by one, too."""
    groups: list[list[Item]] = []
    for item in new:
        alone = _apart(item) or is_docstring(item.node)
        if groups and not alone and not _apart(groups[-1][-1]):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups
