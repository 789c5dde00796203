"""A change of a Python file, as deltas of its statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.code import is_docstring
from skills_engine.codemods.source.syntax import paired
from skills_engine.record import says
from skills_engine.record.align import BodyStatement, Pair, items, pairs
from skills_engine.record.delta import Delta, Entries
from skills_engine.record.expressions import changes
from skills_engine.record.headers import class_header, decorators, function_header
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skills_engine.codemods.source.definitions import Body
    from skills_engine.codemods.source.source import Source

__all__ = ["deltas"]


def deltas(before: Source, after: Source) -> list[Delta]:
    """What turns one file into the other, in file order. Both have the same encoding and line
    ends.
    """
    return list(Differ(before, after).bodies(before.module, after.module, ""))


@dataclass(frozen=True)
class Differ:
    """Two versions of a file. `owner` is, everywhere below, the qualified name of the definition
    around.
    """

    a: Source
    b: Source

    def bodies(
        self, one: Body, other: Body, owner: str, limits: tuple[Span, Span] | None = None
    ) -> Iterator[Delta]:
        """`limits` are the bytes of both blocks: all of the file without it."""
        here, there = limits or (Span(0, len(self.a.data)), Span(0, len(self.b.data)))
        row = pairs(items(self.a, one), items(self.b, other))
        at, to = here.start, there.start
        loose: list[Pair] = []
        previous: tuple[BodyStatement, BodyStatement] | None = None
        for old, new in row:
            if old is None or new is None:
                loose.append((old, new))
                continue
            gap = Gap(
                self,
                owner,
                one,
                previous,
                (old, new),
                Span(at, old.whole.start),
                Span(to, new.whole.start),
            )
            yield from gap.deltas(loose)
            loose = []
            yield from self.statements(old, new, owner)
            at, to, previous = old.whole.end, new.whole.end, (old, new)
        gap = Gap(self, owner, one, previous, None, Span(at, here.end), Span(to, there.end))
        yield from gap.deltas(loose)

    def statements(self, old: BodyStatement, new: BodyStatement, owner: str) -> Iterator[Delta]:
        """A statement that became another, with its comments."""
        yield from self.literal(
            Span(old.whole.start, old.span.start), Span(new.whole.start, new.span.start), owner
        )
        end, to = old.span.end, new.span.end
        if old.code != new.code:
            inner = self.inner(old.node, new.node, owner)
            if inner is None:
                ways = [
                    *says.imports(self.a, self.b, old.node, new.node),
                    *says.replaced(self.a, [old], self.b, [new], owner),
                ]
                turn = 3 if says.is_import(old.node) else 1
                yield Delta(old.span.start, old.span.end, new.code.encode(), ways, owner, turn)
            else:
                yield from inner
                end, to = _inner_end(self.a, old), _inner_end(self.b, new)
        yield from self.literal(Span(end, old.whole.end), Span(to, new.whole.end), owner)

    def literal(self, here: Span, there: Span, owner: str) -> Iterator[Delta]:
        """Comments and blank lines: no operation knows them, a snippet does."""
        new = self.b.data[there.start : there.end]
        if self.a.data[here.start : here.end] != new:
            yield Delta(here.start, here.end, new, about=owner)

    def inner(
        self, one: cst.BaseStatement, other: cst.BaseStatement, owner: str
    ) -> list[Delta] | None:
        """What changed inside a statement; None where it cannot be taken apart."""
        if isinstance(one, cst.FunctionDef | cst.ClassDef) and type(one) is type(other):
            return self.definitions(one, other, owner)
        if isinstance(one, cst.BaseCompoundStatement) and type(one) is type(other):
            return self.compounds(one, other, owner)
        if isinstance(one, cst.SimpleStatementLine) and isinstance(other, cst.SimpleStatementLine):
            return changes(self.a, self.b, one, other, owner)
        return None

    def definitions(
        self, one: cst.BaseStatement, other: cst.BaseStatement, owner: str
    ) -> list[Delta] | None:
        """A function or class whose parts changed; None where its body cannot be taken apart."""
        if not isinstance(one, cst.FunctionDef | cst.ClassDef) or not isinstance(
            other, cst.FunctionDef | cst.ClassDef
        ):
            return None
        blocks = _both(one.body, other.body)
        if blocks is None or one.name.value != other.name.value:
            return None
        name = f"{owner}.{one.name.value}" if owner else one.name.value
        found = list(decorators(self.a, self.b, one, other, name))
        if isinstance(one, cst.FunctionDef) and isinstance(other, cst.FunctionDef):
            found += function_header(self.a, self.b, one, other, name)
        elif isinstance(one, cst.ClassDef) and isinstance(other, cst.ClassDef):
            found += class_header(self.a, self.b, one, other, name)
        return [*found, *self.blocks(*blocks, name)]

    def compounds(self, one: cst.CSTNode, other: cst.CSTNode, owner: str) -> list[Delta] | None:
        """`if`, `for`, `with`, `try` and their clauses, part by part; None where the parts are not
        the same ones.
        """
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
            blocks = _both(old, new)
            if blocks is None:
                return [] if self.a.code(old) == self.b.code(new) else None
            return list(self.blocks(*blocks, owner))
        if type(old) is not type(new):
            return None
        if isinstance(old, cst.BaseExpression):
            return (
                []
                if self.a.code(old) == self.b.code(new)
                else changes(self.a, self.b, old, new, owner)
            )
        return self.compounds(old, new, owner)

    def blocks(self, old: cst.IndentedBlock, new: cst.IndentedBlock, owner: str) -> Iterator[Delta]:
        """What is behind the headers' colons, and the lines below."""
        above, there_above = _header(self.a, old), _header(self.b, new)
        yield from self.literal(above, there_above, owner)
        here = Span(above.end, items(self.a, old)[-1].whole.end)
        there = Span(there_above.end, items(self.b, new)[-1].whole.end)
        yield from self.bodies(old, new, owner, (here, there))


def _both(
    old: cst.BaseSuite, new: cst.BaseSuite
) -> tuple[cst.IndentedBlock, cst.IndentedBlock] | None:
    if isinstance(old, cst.IndentedBlock) and isinstance(new, cst.IndentedBlock):
        return old, new
    return None


def _header(source: Source, block: cst.IndentedBlock) -> Span:
    """What follows the colon in its line, the line end included."""
    start = source.span(block.header).start
    return Span(start, source.line_end(start))


def _inner_end(source: Source, item: BodyStatement) -> int:
    """Where the lines of a statement's last block end, which its own span need not reach: a comment
    may come last.
    """
    block = _last_block(item.node)
    return (
        item.span.end if block is None else max(item.span.end, items(source, block)[-1].whole.end)
    )


def _last_block(node: cst.CSTNode) -> cst.IndentedBlock | None:
    for child in reversed(node.children):
        if isinstance(child, cst.BaseSuite):
            return child if isinstance(child, cst.IndentedBlock) else None
        if (found := _last_block(child)) is not None:
            return found
    return None


@dataclass(frozen=True)
class Gap:
    """What lies between two statements that both versions have (or the ends of the block)."""

    differ: Differ
    owner: str
    body: Body
    previous: tuple[BodyStatement, BodyStatement] | None
    following: tuple[BodyStatement, BodyStatement] | None
    here: Span
    there: Span

    def deltas(self, loose: Sequence[Pair]) -> Iterator[Delta]:
        old = [one for one, _ in loose if one is not None]
        new = [other for _, other in loose if other is not None]
        if not old and not new:
            yield from self.differ.literal(self.here, self.there, self.owner)
        elif old and new and not any(map(_apart, (*old, *new))):
            data = self.differ.b.data[self.there.start : self.there.end]
            yield Delta(
                self.here.start, self.here.end, data, list(self._instead(old, new)), self.owner
            )
        else:
            at = self.here
            if old:
                yield from self._removed(old, keeps_gap=bool(new))
                at = Span(old[-1].whole.end, self.here.end)
            if new:
                yield from self._added(new, at)

    def _instead(
        self, old: Sequence[BodyStatement], new: Sequence[BodyStatement]
    ) -> Iterator[Entries]:
        yield from says.wrapped(self.differ.a, old, self.differ.b, new, self.owner)
        yield from says.replaced(self.differ.a, old, self.differ.b, new, self.owner)

    def _added(self, new: Sequence[BodyStatement], at: Span) -> Iterator[Delta]:
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
            yield Delta(at.start, at.end if last else at.start, data, ways, about, 2)
            start, before = end, group[-1]

    def _removed(self, old: Sequence[BodyStatement], *, keeps_gap: bool) -> Iterator[Delta]:
        a = self.differ.a
        turn = 3 if all(says.is_import(item.node) for item in old) else 0
        left = b"" if keeps_gap else self.differ.b.data[self.there.start : self.there.end]
        before = self.previous[0] if self.previous else None
        after = self.following[0] if self.following else None
        ends = [*(item.whole.start for item in old[1:]), self.here.end]
        above = a.data[self.here.start : old[0].whole.start]
        plain = says.in_function(a, self.owner) and not any(map(_apart, old))
        if not keeps_gap and above == left and (len(old) == 1 or not plain):
            for item, end in zip(old, ends, strict=True):
                ways = list(says.removed([item], a, self.owner, before, after))
                yield Delta(item.whole.start, end, b"", ways, says.named([item], self.owner), turn)
            return
        ways = list(says.removed(old, a, self.owner, before, after))
        if len(old) > 1:
            each = (
                w
                for item in old
                for w in list(says.removed([item], a, self.owner, before, after))[:1]
            )
            ways.insert(len(ways) if plain else 0, sum(each, ()))
        end = old[-1].whole.end if keeps_gap else self.here.end
        yield Delta(self.here.start, end, left, ways, says.named(old, self.owner), turn)


def _apart(item: BodyStatement) -> bool:
    """Whether an operation adds or removes such a statement by itself."""
    return isinstance(item.node, cst.FunctionDef | cst.ClassDef) or says.is_import(item.node)


def _groups(new: Sequence[BodyStatement]) -> list[list[BodyStatement]]:
    """Definitions and imports one by one, other statements in runs. Fields of a class are one by
    one, too.
    """
    groups: list[list[BodyStatement]] = []
    for item in new:
        alone = _apart(item) or is_docstring(item.node)
        if groups and not alone and not _apart(groups[-1][-1]):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups
