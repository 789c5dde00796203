"""A statement or header that became another: the smallest expressions that did, each a delta of its
own.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.code import is_docstring
from skills_engine.codemods.source.syntax import extract, paired, same
from skills_engine.record.delta import Delta, Entries, Entry
from skills_engine.record.says import of
from skills_engine.record.texts import at_margin, comments_above, rewritten
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skills_engine.codemods.source.source import Source

__all__ = ["changes"]

_MOST = 4
"""Expressions of one statement that may change apart; with more, the statement is exchanged whole.
"""
_Display = cst.List | cst.Tuple | cst.Set | cst.Dict


def changes(
    a: Source, b: Source, one: cst.CSTNode, other: cst.CSTNode, owner: str
) -> list[Delta] | None:
    """Deltas within a simple statement or the expression of a header; None where it changed beyond
    that.
    """
    if (told := _docstring(a, b, one, other, owner)) is not None:
        return told
    found = ExpressionWalk(a, b, owner).differing(one, other, ())
    if found is None or not found or len(found) > _MOST:
        return None
    if (
        len(found) > 1
        and isinstance(one, cst.SimpleStatementLine)
        and not any(map(_telling, found))
    ):
        return None  # each would name the others as they were, and they are no longer
    return found


def _telling(delta: Delta) -> bool:
    """Whether a delta is known by more than the code that goes and comes."""
    return any(entry["ensure"] != "replace" for way in delta.ways for entry in way)


def _docstring(
    a: Source, b: Source, one: cst.CSTNode, other: cst.CSTNode, owner: str
) -> list[Delta] | None:
    if not (is_docstring(one) and is_docstring(other)):
        return None
    match other:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString() as literal)]):
            value = literal.evaluated_value
            if isinstance(value, str):
                span = extract(a, [one])
                lines = value.split("\n")
                pad = a.indent_at(span.start)
                text = "\n".join([lines[0], *(line.removeprefix(pad) for line in lines[1:])])
                ways: list[Entries] = [
                    ({"ensure": "docstring", "in": a.path, **of(owner), "docstring": said},)
                    for said in dict.fromkeys((text.strip(), text))
                ]
                return [
                    Delta(span.start, span.end, b.text(extract(b, [other])).encode(), ways, owner)
                ]
    return None


class ExpressionWalk:
    """Two versions of one statement, walked side by side."""

    def __init__(self, a: Source, b: Source, owner: str) -> None:
        self.a, self.b, self.owner = a, b, owner

    def differing(
        self, one: cst.CSTNode, other: cst.CSTNode, above: tuple[cst.CSTNode, ...]
    ) -> list[Delta] | None:
        """None: they differ in more than expressions. `above` are the nodes around `one`, outermost
        first.
        """
        if self._text(self.a, one) == self._text(self.b, other):
            return []
        if same(one, other):
            return None  # laid out in another way: only the whole can say that
        if type(one) is type(other):
            if isinstance(one, cst.Call) and isinstance(other, cst.Call):
                found = self._call(one, other, above)
            elif (
                isinstance(one, _Display)
                and isinstance(other, _Display)
                and self._shifted(one, other)
            ):
                found = self._display(one, other, above)
            else:
                found = self._parts(one, other, above)
            if found is not None:
                return found
        if isinstance(one, cst.BaseExpression) and isinstance(other, cst.BaseExpression):
            return [self._exchanged(one, other, above)]
        return None

    def _shifted(self, one: _Display, other: _Display) -> bool:
        """Whether elements came or went: there are more, or fewer, or the others have moved up."""
        old, new = (
            [self._element(s, e) for e in d.elements] for s, d in ((self.a, one), (self.b, other))
        )
        if len(old) != len(new):
            return True
        kept = sum(each.size for each in SequenceMatcher(None, old, new).get_matching_blocks())
        return kept > sum(x == y for x, y in zip(old, new, strict=True))

    def _parts(
        self, one: cst.CSTNode, other: cst.CSTNode, above: tuple[cst.CSTNode, ...]
    ) -> list[Delta] | None:
        both = paired(one, other)
        if both is None:
            return None
        found: list[Delta] = []
        for x, y in both:
            if not isinstance(x, cst.CSTNode) or not isinstance(y, cst.CSTNode):
                if x != y:
                    return None
                continue
            inner = self.differing(x, y, (*above, one))
            if inner is None:
                return None
            found += inner
        return found or None

    def _call(
        self, one: cst.Call, other: cst.Call, above: tuple[cst.CSTNode, ...]
    ) -> list[Delta] | None:
        """Arguments that were added, went, or have another keyword; else what changed inside."""
        if self._text(self.a, one) in [self._text(self.b, arg.value) for arg in other.args]:
            return [self._exchanged(one, other, above)]
        words = [[arg.keyword and arg.keyword.value for arg in call.args] for call in (one, other)]
        if words[0] == words[1]:
            found = self._parts(one, other, above)
            if found is not None:
                return found
        if not same(one.func, other.func):
            return None
        old, new = (
            [self._argument(s, arg) for arg in call.args]
            for s, call in ((self.a, one), (self.b, other))
        )
        matcher = SequenceMatcher(None, old, new, autojunk=False)
        entry: Entry = {"ensure": "replace", "in": self.a.path, **of(self.owner)}
        inner = self.b.indent_at(self.b.span(other.args[-1]).start) if other.args else ""
        indent = inner.removeprefix(self.b.indent_at(self.b.span(other).start))
        ways: list[Entries] = [
            ({**entry, "pattern": pattern, "with": text},)
            for pattern, text in rewritten(self.a.code(one.func), old, new, indent)
        ]
        if any(tag in {"replace", "delete"} for tag, *_ in matcher.get_opcodes()):
            return [self._delta(one, other, above, ways)]
        entries: list[Entry] = []
        callee = self.a.code(one.func)
        base: Entry = {"ensure": "argument", "in": self.a.path, **of(self.owner), "call": callee}
        for tag, _, _, start, stop in matcher.get_opcodes():
            if tag == "insert":
                for index in range(start, stop):
                    arg = other.args[index]
                    positional = arg.keyword is None and not arg.star
                    last = not any(
                        x.keyword is None and not x.star for x in other.args[index + 1 :]
                    )
                    place = {"position": index} if positional and not last else {}
                    entries.append({**base, "argument": new[index], **place})
        return [self._delta(one, other, above, [tuple(entries), *ways])]

    def _argument(self, source: Source, arg: cst.Arg) -> str:
        bare = arg.with_changes(
            comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=cst.SimpleWhitespace("")
        )
        return at_margin(
            source.module.code_for_node(bare).strip(), source.indent_at(source.span(arg).start)
        )

    def _display(
        self, one: _Display, other: _Display, above: tuple[cst.CSTNode, ...]
    ) -> list[Delta] | None:
        """Elements that came and went in a literal that has a name, or is an argument of a call."""
        where = self._where(one, above)
        if where is None:
            return None
        base = {"in": self.a.path, **where}
        old, new = (
            [self._element(s, e) for e in d.elements] for s, d in ((self.a, one), (self.b, other))
        )
        gone: list[Entry] = []
        plain: list[Entry] = []
        between: list[Entry] = []
        beside: list[Entry] = []
        ahead: list[Entry] = []
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag in {"replace", "delete"}:
                gone += [
                    {"ensure": "no-element", **base, **self._key(old[i], key_only=True)}
                    for i in range(i1, i2)
                ]
            if tag in {"replace", "insert"}:
                for j in range(j1, j2):
                    key, value = new[j]
                    above_it = comments_above(self.b, other.elements[j])
                    entry = {"ensure": "element", **base, **self._key((above_it + key, value))}
                    plain.append(entry)
                    last = {"after": new[j - 1][0]} if j else {}
                    following = {"before": new[j2][0]} if j2 < len(new) else {}
                    between.append({**entry, **last, **following})
                    beside.append({**entry, **(last or {"position": "first"})})
                    ahead.append({**entry, **following})
        in_order = [{**entry, "position": "sorted"} for entry in plain]
        ways: list[Entries] = [
            (*gone, *added) for added in (plain, in_order, between, beside, ahead)
        ]
        return [self._delta(one, other, above, ways)]

    def _element(
        self, source: Source, element: cst.BaseElement | cst.BaseDictElement
    ) -> tuple[str, str]:
        if isinstance(element, cst.DictElement):
            indent = source.indent_at(source.span(element).start)
            return source.code(element.key), at_margin(self._text(source, element.value), indent)
        bare = element.with_changes(comma=cst.MaybeSentinel.DEFAULT)
        return at_margin(
            source.module.code_for_node(bare).strip(), source.indent_at(source.span(element).start)
        ), ""

    @staticmethod
    def _key(element: tuple[str, str], *, key_only: bool = False) -> Entry:
        key, value = element
        if not value:
            return {"element": key}
        return {"key": key} if key_only else {"key": key, "value": value}

    def _where(self, node: cst.CSTNode, above: tuple[cst.CSTNode, ...]) -> Entry | None:
        """How `element` names a literal."""
        up = list(reversed(above))
        if up and isinstance(up[0], cst.Assign | cst.AnnAssign) and (name := _bound(up[0])):
            return {"of": f"{self.owner}.{name}" if self.owner else name}
        if up and isinstance(up[0], cst.Return) and self.owner:
            return {"of": self.owner}
        if len(up) > 1 and isinstance(up[0], cst.Arg) and isinstance(up[1], cst.Call):
            arg, call = up[0], up[1]
            index = next(i for i, a in enumerate(call.args) if a is arg)
            key: str | int = arg.keyword.value if arg.keyword else index
            return {**of(self.owner), "call": self.a.code(call.func), "argument": key}
        return None

    def _exchanged(
        self, one: cst.BaseExpression, other: cst.BaseExpression, above: tuple[cst.CSTNode, ...]
    ) -> Delta:
        return self._delta(one, other, above, [])

    def _delta(
        self,
        one: cst.CSTNode,
        other: cst.CSTNode,
        above: tuple[cst.CSTNode, ...],
        ways: Sequence[Entries],
    ) -> Delta:
        span = extract(self.a, [one])
        data = self._text(self.b, other)
        new = at_margin(data, self.b.indent_at(extract(self.b, [other]).start))
        about = self.owner
        target = next(
            (_bound(node) for node in above if isinstance(node, cst.Assign | cst.AnnAssign)), None
        )
        if target:
            about = f"{self.owner}.{target}" if self.owner else target
        more = [
            *ways,
            *self._values(one, new, above),
            *self._expressions(one, span, (new, data), above),
        ]
        return Delta(span.start, span.end, data.encode(), more, about)

    def _values(
        self, one: cst.CSTNode, new: str, above: tuple[cst.CSTNode, ...]
    ) -> Iterator[Entries]:
        """A keyword's value, a variable's, or its annotation."""
        up = list(reversed(above))
        old = at_margin(self._text(self.a, one), self.a.indent_at(extract(self.a, [one]).start))
        path = self.a.path
        if (
            len(up) > 1
            and isinstance(up[0], cst.Arg)
            and up[0].keyword
            and isinstance(up[1], cst.Call)
        ):
            callee = self.a.code(up[1].func)
            text = f"{up[0].keyword.value}={new}"
            yield (
                {
                    "ensure": "argument",
                    "in": path,
                    **of(self.owner),
                    "call": callee,
                    "argument": text,
                },
            )
        if (
            up
            and isinstance(up[0], cst.Assign | cst.AnnAssign)
            and up[0].value is one
            and (name := _bound(up[0]))
        ):
            where = f"{self.owner}.{name}" if self.owner else name
            yield ({"ensure": "value", "in": path, "of": where, "value": new, "was": old},)
        if len(up) > 1 and isinstance(up[0], cst.Annotation) and isinstance(up[1], cst.AnnAssign):
            name = _bound(up[1])
            if name:
                where = f"{self.owner}.{name}" if self.owner else name
                yield (
                    {
                        "ensure": "annotation",
                        "in": path,
                        "of": where,
                        "annotation": new,
                        "was": old,
                    },
                )

    def _expressions(
        self, one: cst.CSTNode, span: Span, texts: tuple[str, str], above: tuple[cst.CSTNode, ...]
    ) -> Iterator[Entries]:
        """The expression itself, or one around it that says more, or the statement."""
        new, raw = (text.replace("\r\n", "\n") for text in texts)
        if (
            isinstance(one, cst.Call) and one.args
        ):  # the call goes into something, whatever it is of
            whole = at_margin(self._text(self.a, one), self.a.indent_at(span.start))
            bare = f"{self.a.code(one.func)}($...ARGS)"
            if new.count(whole) == 1 and new != whole:
                where: Entry = {"ensure": "replace", "in": self.a.path, **of(self.owner)}
                yield ({**where, "pattern": bare, "with": new.replace(whole, bare)},)
        chain = [
            n
            for n in (one, *reversed(above))
            if isinstance(n, cst.BaseExpression | cst.BaseSmallStatement)
        ]
        for node in chain:
            if isinstance(node, cst.Name | cst.Integer | cst.Float) or (
                node is one and len(self._text(self.a, node)) < 8
            ):
                continue
            around = extract(self.a, [node])
            indent = self.a.indent_at(around.start)
            head, tail = (
                self.a.text(Span(around.start, span.start)),
                self.a.text(Span(span.end, around.end)),
            )
            pattern = at_margin(self.a.text(around), indent)
            text = at_margin(head, indent) + new + at_margin(tail, indent)
            entry: Entry = {
                "ensure": "replace",
                "in": self.a.path,
                **of(self.owner),
                "pattern": pattern,
            }
            yield ({**entry, "with": text},)
            if "\n" in new:  # an expression's later lines are written as they are
                yield ({**entry, "with": head + raw + tail},)

    @staticmethod
    def _text(source: Source, node: cst.CSTNode) -> str:
        return source.text(extract(source, [node]))


def _bound(node: cst.CSTNode) -> str | None:
    match node:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            return name
        case cst.AnnAssign(target=cst.Name(value=name)):
            return name
    return None
