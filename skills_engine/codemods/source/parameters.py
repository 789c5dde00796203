"""The parameters of a function: what each is, and where one of a kind can go."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import libcst as cst

from skills_engine.codemods.source import snippets
from skills_engine.codemods.source.sequences import Sequence, skip
from skills_engine.codemods.source.syntax import extract
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.codemods.source.source import Source

__all__ = ["Kind", "Signature", "SignatureParameter", "parse_parameter"]

Kind = Literal["positional only", "/", "positional", "*", "*args", "keyword only", "**"]


@dataclass(frozen=True)
class SignatureParameter:
    """A parameter, or the lone `/` or `*`. `code` is its code without layout; of a lone one, ''."""

    kind: Kind
    name: str = ""
    code: str = ""
    required: bool = False
    node: cst.CSTNode | None = None


@dataclass(frozen=True)
class Signature:
    """A function's parameters in order, and their layout. Index n of one is index n of the
    other.
    """

    parameters: tuple[SignatureParameter, ...]
    layout: Sequence

    @classmethod
    def of(cls, source: Source, node: cst.FunctionDef) -> Signature:
        found = list(_parameters(node.params))
        spans = tuple(_span(source, part) for _, part in found)
        opening = skip(source, source.span(node.type_parameters or node.name).end)
        closing = skip(source, spans[-1].end if spans else opening + 1)
        if source.data[closing : closing + 1] == b",":
            closing = skip(source, closing + 1)
        parameters = []
        for (kind, part), span in zip(found, spans, strict=True):
            if kind in {"/", "*"} or not isinstance(part, cst.Param):
                parameters.append(SignatureParameter(kind, node=part))
                continue
            parameters.append(_declared(kind, part, source.text(span)))
        return cls(tuple(parameters), Sequence(source, spans, opening + 1, closing))

    def index(self, name: str) -> int | None:
        return next((n for n, p in enumerate(self.parameters) if p.name == name), None)

    def kind(self, *kinds: Kind) -> list[int]:
        return [n for n, p in enumerate(self.parameters) if p.kind in kinds]


def parse_parameter(key: str, text: str) -> SignatureParameter:
    """A parameter in source: `name: int = 3`, `*args` or `**options`. Its kind is as if it stood
    alone.
    """
    return snippets.read(
        key, text, _parse, "write one parameter: `name: type = default`, `*args` or `**options`"
    )


def _declared(kind: Kind, node: cst.Param, text: str) -> SignatureParameter:
    """A parameter of the file. One for a newer Python than this one is known by its text."""
    try:
        parsed = _parse(text.strip())
    except snippets.Unread:
        parsed = None
    if parsed is None:
        return SignatureParameter(kind, node.name.value, text, node.default is None, node)
    return SignatureParameter(kind, parsed.name, parsed.code, parsed.required, node)


def _parse(text: str) -> SignatureParameter | None:
    match snippets.parse(f"def _({text}): ...").body:
        case [ast.FunctionDef(args=args)] if not text.endswith(","):
            code = ast.dump(args)
            match args:
                case ast.arguments(
                    posonlyargs=[], args=[only], vararg=None, kwonlyargs=[], kwarg=None
                ):
                    return SignatureParameter("positional", only.arg, code, not args.defaults)
                case ast.arguments(
                    posonlyargs=[], args=[], vararg=ast.arg(arg=name), kwonlyargs=[], kwarg=None
                ):
                    return SignatureParameter("*args", name, code)
                case ast.arguments(
                    posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kwarg=ast.arg(arg=name)
                ):
                    return SignatureParameter("**", name, code)
    return None


def _parameters(params: cst.Parameters) -> Iterator[tuple[Kind, cst.CSTNode]]:
    for param in params.posonly_params:
        yield "positional only", param
    if isinstance(params.posonly_ind, cst.ParamSlash):
        yield "/", params.posonly_ind
    for param in params.params:
        yield "positional", param
    if isinstance(params.star_arg, cst.ParamStar):
        yield "*", params.star_arg
    elif isinstance(params.star_arg, cst.Param):
        yield "*args", params.star_arg
    for param in params.kwonly_params:
        yield "keyword only", param
    if params.star_kwarg is not None:
        yield "**", params.star_kwarg


def _span(source: Source, part: cst.CSTNode) -> Span:
    if isinstance(part, cst.Param):
        return extract(source, [part])
    start = source.span(part).start
    return Span(start, start + 1)
