"""Changes in the header of a function or a class: decorators, parameters, result, bases."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.syntax import extract, parameters
from skills_engine.lines import bare_lines
from skills_engine.record.delta import Delta, Entries, Entry
from skills_engine.record.texts import rewritten
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.codemods.source.source import Source

__all__ = ["class_header", "decorators", "function_header"]

Definition = cst.FunctionDef | cst.ClassDef


def decorators(
    a: Source, b: Source, one: Definition, other: Definition, name: str
) -> Iterator[Delta]:
    here, there = (
        Span(extract(s, [node]).start, s.span(node).start) for s, node in ((a, one), (b, other))
    )
    if a.text(here) == b.text(there):
        return
    old, new = (
        [s.code(d.decorator) for d in node.decorators] for s, node in ((a, one), (b, other))
    )
    added = [text for text in new if text not in old]
    ways: list[Entries] = []
    if len(added) == len(new) - len(old):
        base: Entry = {"ensure": "decorator", "in": a.path, "of": name}
        ways.append(tuple({**base, "decorator": text} for text in reversed(added)))
        ways.append(tuple({**base, "decorator": text, "position": "last"} for text in added))
    yield Delta(here.start, here.end, b.text(there).encode(), ways, name)


def function_header(
    a: Source, b: Source, one: cst.FunctionDef, other: cst.FunctionDef, name: str
) -> Iterator[Delta]:
    here, there = _header(a, one), _header(b, other)
    if a.text(here) == b.text(there):
        return
    ways = [*_signature(a, b, one, other, name), *_exchanged(a, b, one, other, name)]
    yield Delta(here.start, here.end, b.text(there).encode(), ways, name)


def _exchanged(
    a: Source, b: Source, one: cst.FunctionDef, other: cst.FunctionDef, name: str
) -> Iterator[Entries]:
    """The header with the decorators, whatever the body is: a parameter that goes, or has another
    name.
    """
    begin = a.span(one).start
    above, indent = a.text(Span(extract(a, [one]).start, begin)), a.indent_at(begin)
    old, new = (
        "\n".join(line.removeprefix(indent) for line in bare_lines(f"{above}{text}"))
        for text in (a.text(_header(a, one)), b.text(_header(b, other)))
    )
    owner = name.rpartition(".")[0]
    where = {"of": owner} if owner else {}
    short = [] if above.strip() else _parameters(a, b, one, other)
    for pair in (*short, (old.strip(), new.strip())):
        pattern, text = (f"{each}\n    $...BODY" for each in pair)
        yield ({"ensure": "replace", "in": a.path, **where, "pattern": pattern, "with": text},)


def _parameters(
    a: Source, b: Source, one: cst.FunctionDef, other: cst.FunctionDef
) -> list[tuple[str, str]]:
    """The headers with `$...A` for the parameters that stay; none where more than parameters
    changed.
    """
    ends = [f" -> {_code(s, n.returns)}:" if n.returns else ":" for s, n in ((a, one), (b, other))]
    begins = [
        a.text(_header(a, one)).partition("(")[0],
        b.text(_header(b, other)).partition("(")[0],
    ]
    if begins[0] != begins[1] or ends[0] != ends[1]:
        return []
    old, new = ([_bare(s, p) for p in parameters(f.params)] for s, f in ((a, one), (b, other)))
    return [(pattern + ends[0], text + ends[0]) for pattern, text in rewritten(begins[0], old, new)]


def _bare(source: Source, parameter: cst.CSTNode) -> str:
    return source.module.code_for_node(parameter).strip().removesuffix(",").strip()


def _header(source: Source, node: Definition) -> Span:
    """From `def` or `class` to the colon."""
    body = node.body
    end = (
        source.span(body.header).start
        if isinstance(body, cst.IndentedBlock)
        else source.span(body).start
    )
    return Span(source.span(node).start, end)


def _signature(
    a: Source, b: Source, one: cst.FunctionDef, other: cst.FunctionDef, name: str
) -> Iterator[Entries]:
    old, new = ([p for p in parameters(f.params) if isinstance(p, cst.Param)] for f in (one, other))
    by_name = {p.name.value: p for p in old}
    if [p.name.value for p in new if p.name.value in by_name] != [p.name.value for p in old]:
        return
    base: Entry = {"in": a.path, "of": name}
    fixed: list[Entry] = []
    choices: list[list[Entry]] = []
    keyword_only = {p.name.value for p in other.params.kwonly_params}
    for index, parameter in enumerate(new):
        word = parameter.name.value
        was = by_name.get(word)
        if was is None:
            entry: Entry = {"ensure": "parameter", **base, "parameter": _parameter(b, parameter)}
            if word in keyword_only:
                entry = {**entry, "keyword_only": True}
            options = [entry]
            if index:
                options.append({**entry, "after": new[index - 1].name.value})
            if index + 1 < len(new):
                options.append({**entry, "before": new[index + 1].name.value})
            choices.append(options)
            continue
        fixed += _retyped(a, b, was, parameter, base)
    fixed += _returns(a, b, one, other, base)
    for chosen in product(*choices) if len(choices) < 4 else [tuple(c[0] for c in choices)]:
        if entries := (*chosen, *fixed):
            yield entries


def _parameter(source: Source, node: cst.Param) -> str:
    return source.module.code_for_node(node.with_changes(comma=cst.MaybeSentinel.DEFAULT)).strip()


def _retyped(a: Source, b: Source, was: cst.Param, now: cst.Param, base: Entry) -> Iterator[Entry]:
    word = now.name.value
    old, new = _code(a, was.annotation), _code(b, now.annotation)
    if new and old != new:
        yield {
            "ensure": "annotation",
            **base,
            "parameter": word,
            "annotation": new,
            **({"was": old} if old else {}),
        }
    old, new = _code(a, was.default), _code(b, now.default)
    if new and old != new:
        yield {
            "ensure": "default",
            **base,
            "parameter": word,
            "default": new,
            **({"was": old} if old else {}),
        }


def _returns(
    a: Source, b: Source, one: cst.FunctionDef, other: cst.FunctionDef, base: Entry
) -> Iterator[Entry]:
    old, new = _code(a, one.returns), _code(b, other.returns)
    if new and old != new:
        was = {"was": old} if old else {}
        yield {"ensure": "annotation", **base, "parameter": "return", "annotation": new, **was}


def _code(source: Source, node: cst.CSTNode | None) -> str:
    if node is None:
        return ""
    inner = node.annotation if isinstance(node, cst.Annotation) else node
    return source.text(extract(source, [inner]))


def class_header(
    a: Source, b: Source, one: cst.ClassDef, other: cst.ClassDef, name: str
) -> Iterator[Delta]:
    here, there = _header(a, one), _header(b, other)
    if a.text(here) == b.text(there):
        return
    base: Entry = {"in": a.path, "of": name}
    old, new = ([_argument(s, arg) for arg in node.bases] for s, node in ((a, one), (b, other)))
    fresh: list[Entry] = [
        {"ensure": "base", **base, "base": text} for text in new if text not in old
    ]
    had, has = ([_argument(s, arg) for arg in node.keywords] for s, node in ((a, one), (b, other)))
    keywords: list[Entry] = [
        {"ensure": "keyword", **base, "keyword": text} for text in has if text not in had
    ]
    ways: list[Entries] = [
        way
        for way in (
            (*fresh, *keywords),
            (*({**entry, "position": "first"} for entry in reversed(fresh)), *keywords),
        )
        if way
    ]
    yield Delta(here.start, here.end, b.text(there).encode(), ways, name)


def _argument(source: Source, arg: cst.Arg) -> str:
    bare = arg.with_changes(
        comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=cst.SimpleWhitespace("")
    )
    return source.module.code_for_node(bare).strip()
