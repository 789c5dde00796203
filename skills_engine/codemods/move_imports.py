"""What a move does to import statements: names taken out, modules changed in place, lines added."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.comments import attached
from skills_engine.codemods.source import Splice
from skills_engine.codemods.type_strings import dotted
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from skills_engine.codemods.scopes import Imported, Names
    from skills_engine.codemods.source import Source

__all__ = ["after", "alone", "module_span", "place", "prune", "relative", "written"]


def module_span(source: Source, statement: cst.ImportFrom) -> Span:
    """What stands between `from` and `import`."""
    parts = [*statement.relative, *([statement.module] if statement.module else [])]
    return Span(source.span(parts[0]).start, source.span(parts[-1]).end)


def written(imported: Imported, module: str) -> str:
    """An import of one name as a statement of its own, with its module as `module`."""
    renamed = imported.alias is not None and imported.alias.asname is not None
    tail = f" as {imported.bound}" if renamed else ""
    return (
        f"from {module} import {imported.name}{tail}" if imported.name else f"import {module}{tail}"
    )


def relative(importer: str, stem: str) -> str | None:
    """A module as a file of the same top package names it with dots, or None where it cannot."""
    folder = importer.split("/")[:-1]
    target = stem.split("/")
    common = 0
    while common < min(len(folder), len(target) - 1) and folder[common] == target[common]:
        common += 1
    if not common or folder[:common] == ["src"]:
        return None
    return "." * (1 + len(folder) - common) + ".".join(target[common:])


def after(source: Source, statement: cst.CSTNode, line: str) -> Splice:
    """A new line below a statement's last line, indented as its first."""
    span = source.span(statement)
    at = source.line_end(span.end)
    start = "" if source.data[at - 1 : at] == b"\n" else "\n"
    return Splice(at, at, f"{start}{source.indent_at(span.start)}{line}\n")


def alone(source: Source, statement: cst.CSTNode) -> bool:
    """Whether the statement has its lines for itself."""
    span = source.span(statement)
    before = source.text(Span(source.line_start(span.start), span.start))
    behind = source.text(Span(span.end, source.line_end(span.end)))
    if source.data[span.end - 1 : span.end] == b"\n":  # a block takes its line end with it
        behind = ""
    return not before.strip() and (not behind.strip() or behind.lstrip().startswith("#"))


def prune(
    source: Source, statement: cst.Import | cst.ImportFrom, gone: Collection[cst.ImportAlias | None]
) -> list[Splice]:
    """Take names out of an import; the whole statement if none is left."""
    aliases: Sequence[cst.ImportAlias] = (
        () if isinstance(statement.names, cst.ImportStar) else statement.names
    )
    kept = [n for n, alias in enumerate(aliases) if alias not in gone]
    if not kept:
        return [_without(source, statement)]
    splices: list[Splice] = []
    tail = Span(source.span(aliases[kept[-1]]).end, source.span(aliases[-1]).end)
    lines = [n for n in range(len(aliases)) if n not in kept and _on_its_line(source, aliases[n])]
    for n in range(len(aliases)):
        if n in kept:
            continue
        span = source.span(aliases[n])
        if n in lines:
            splices.append(Splice(source.line_start(span.start), source.line_end(span.end), ""))
        elif n < kept[-1]:
            splices.append(Splice(span.start, source.span(aliases[n + 1]).start, ""))
        elif not any(m in lines for m in range(kept[-1] + 1, len(aliases))):
            splices.append(Splice(tail.start, tail.end, ""))
        else:
            splices.append(Splice(source.span(aliases[n - 1]).end, span.end, ""))
    return sorted(set(splices))


def _on_its_line(source: Source, alias: cst.ImportAlias) -> bool:
    span = source.span(alias)
    line = source.text(Span(source.line_start(span.start), source.line_end(span.end)))
    return line.split("#")[0].strip().rstrip(",").strip() == source.code(alias)


def _without(source: Source, statement: cst.Import | cst.ImportFrom) -> Splice:
    span = source.span(statement)
    around = source.parents[source.parents[statement]]
    block = isinstance(around, cst.IndentedBlock | cst.Module)
    if (
        not block
        or not alone(source, statement)
        or (isinstance(around, cst.IndentedBlock) and len(around.body) == 1)
    ):
        return Splice(span.start, span.end, "pass")
    return Splice(source.line_start(span.start), source.line_end(span.end), "")


def place(names: Names, lines: Sequence[str], guarded: Sequence[str]) -> list[Splice]:
    """Import lines for a file: below its first imports; `guarded` ones in its `if TYPE_CHECKING:`,
    made if need be.
    """
    source = names.source
    top, last, guard = _leading(source)
    future = "".join(f"{line}\n" for line in lines if line.startswith("from __future__"))
    block = "".join(f"{line}\n" for line in lines if not line.startswith("from __future__"))
    splices = []
    if guarded and guard is not None and isinstance(guard.body, cst.IndentedBlock):
        splices += [after(source, guard.body.body[-1], line) for line in guarded]
    elif guarded:
        if not names.module.bound.get("TYPE_CHECKING"):
            block += "from typing import TYPE_CHECKING\n"
        block += "\nif TYPE_CHECKING:\n" + "".join(
            f"{source.indent_unit}{line}\n" for line in guarded
        )
    if future:
        splices.append(_block(source, top, future, grouped=last > top))
    if block:
        splices.append(_block(source, last, block, grouped=last > top or bool(future)))
    return splices


def _block(source: Source, at: int, block: str, *, grouped: bool) -> Splice:
    """Lines at a line's start; with blank lines around them unless they join a group of imports."""
    before, behind = source.data[:at], source.data[at:]
    lead = "" if not before or before.endswith(b"\n") else "\n"
    if not grouped:
        lead += "" if not before.strip() or before.replace(b"\r", b"").endswith(b"\n\n") else "\n"
        apart = not behind or behind.lstrip(b"\r").startswith(b"\n")
        block += (
            ""
            if apart
            else "\n\n"
            if behind.startswith((b"def ", b"class ", b"async def ", b"@"))
            else "\n"
        )
    return Splice(at, at, lead + block)


def _leading(source: Source) -> tuple[int, int, cst.If | None]:
    """Where a future import would stand, the end of the last import of the file's head, and its
    TYPE_CHECKING block.
    """
    first = source.module.body[0] if source.module.body else None
    top = (
        len(source.data)
        if first is None
        else attached(source, source.line_start(source.span(first).start))
    )
    if first is not None and _docstring(first):
        top = source.line_end(source.span(first).end)
    last, guard = top, None
    for statement in source.module.body:
        match statement:
            case cst.SimpleStatementLine(body=[cst.Import() | cst.ImportFrom(), *_]):
                last = last if guard else source.line_end(source.span(statement).end)
            case cst.If(test=test) if dotted(test).endswith("TYPE_CHECKING"):
                guard = guard or statement
            case _ if not _docstring(statement):
                break
    return top, last, guard


def _docstring(statement: cst.CSTNode) -> bool:
    match statement:
        case cst.SimpleStatementLine(
            body=[cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString())]
        ):
            return True
    return False
