"""Headers of functions that lost their annotations, right beside which the other side adds.

A side whose header says less than the base's may have taken the annotations away, or may never have
had them: it may be an older line of the code. Nothing tells the two apart, and people who merge
such code mostly take the annotations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.merge.core.tree import Block, Fixed, Node, Seq

if TYPE_CHECKING:
    from skills_engine.merge.core.tree import Unit

__all__ = ["head_of", "lost_annotations", "opened"]

_ANYTHING = ("", "Any", "typing.Any")


def head_of(unit: Unit) -> tuple[int, int] | None:
    """The offsets of a function's header, from its first line to its body; None where the body is
    on the same line.
    """
    clause = _clause(unit)
    if clause is None or not isinstance(clause.shape, Fixed):
        return None
    lines, end = unit.version.starts, clause.shape.parts[-1].start
    start = lines[unit.version.line_of(clause.start)]
    return (start, end) if lines[unit.version.line_of(end)] == end else None


def opened(base: Unit, side: Unit) -> bool:
    """Whether a side's body begins with another line than the base's: right below the header."""
    first, now = (
        body[0].text.split("\n")[0].strip() if (body := _body(unit)) else ""
        for unit in (base, side)
    )
    return bool(first and now) and first != now


def lost_annotations(base: Unit, side: Unit) -> bool:
    """Whether a side's header differs from the base's by annotations only, and by those that it has
    not or has as `Any`."""
    heads = [_parts(unit) for unit in (base, side)]
    if heads[0] is None or heads[1] is None or heads[0][0] != heads[1][0]:
        return False
    changed = [(b, s) for b, s in zip(heads[0][1], heads[1][1], strict=True) if b != s]
    return bool(changed) and all(s in _ANYTHING for _, s in changed)


def _clause(unit: Unit) -> Node | None:
    shape = unit.node.shape
    if not isinstance(shape, Block) or not unit.node.kind.endswith("FunctionDef"):
        return None
    return next((part.node for part in shape.units if part.node.kind == "clause def"), None)


def _body(unit: Unit) -> list[Unit]:
    clause = _clause(unit)
    body = (
        clause.shape.parts[-1].shape
        if clause is not None and isinstance(clause.shape, Fixed)
        else None
    )
    return body.units if isinstance(body, Block) else []


def _parts(unit: Unit) -> tuple[list[str], list[str]] | None:
    """What a header says but for annotations, and each annotation, '' where there is none."""
    clause = _clause(unit)
    if clause is None or not isinstance(clause.shape, Fixed):
        return None
    name, parameters, returns = clause.shape.parts[:3]
    if not isinstance(parameters.shape, Seq):
        return None
    said, annotations = [name.text], [_bare(returns)]
    for item in parameters.shape.items:
        if not isinstance(item.node.shape, Fixed):
            said.append(item.node.text)
            continue
        word, annotation, default = item.node.shape.parts
        said += [word.text, _bare(default)]
        annotations.append(_bare(annotation))
    return said, annotations


def _bare(optional: Node) -> str:
    """An annotation or default without the token that introduces it."""
    return (
        "".join(part.text for part in optional.shape.parts)
        if isinstance(optional.shape, Fixed)
        else ""
    )
