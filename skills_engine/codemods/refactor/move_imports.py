"""The import statements of a move: names taken out, modules changed in place, lines added."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.imports.edit import add, drop, missing_from
from skills_engine.codemods.imports.statements import statements, wanted
from skills_engine.codemods.imports.unused import uses
from skills_engine.codemods.source.edits import Draft
from skills_engine.codemods.source.source import Splice
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from skills_engine.codemods.imports.statements import Guard
    from skills_engine.codemods.names.scopes import Imported
    from skills_engine.codemods.source.source import Source
    from skills_engine.import_order import ImportSettings

__all__ = ["after", "alone", "module_span", "prune", "relative", "settled", "written"]


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


def settled(
    source: Source,
    fresh: Sequence[tuple[str, Guard]],
    idle: Sequence[str],
    own: Callable[[str], bool],
    settings: ImportSettings,
) -> bytes:
    """The file with import lines that it needs, each where `ensure: import` puts it, and without
    those `idle` ones that nothing in it uses.
    """
    draft = Draft(source)
    for line, guard in fresh:
        names = wanted("import", line)
        missing = missing_from(draft.source, names, guard, "")
        if missing:
            add(draft, missing, guard, own, settings)
    for line in idle:
        for name in wanted("import", line):
            found = next(
                (
                    (statement, theirs)
                    for statement in statements(draft.source, local=True)
                    for theirs in statement.names
                    if theirs == name and statement.guard not in {"block", "class"}
                ),
                None,
            )
            if found is not None and not uses(draft.source, found[1], found[0]):
                drop(draft, *found)
    return draft.source.original
