"""The words that Python code is written in: every name that it defines, uses, passes or reads as an
attribute.
"""

from __future__ import annotations

import ast
import builtins
import symtable
import sys
import warnings
from typing import TYPE_CHECKING

from skills_engine.judge.known import kept
from skills_engine.merge.python.source import every, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["missed", "resurrected", "undefined", "vocabulary", "words_of"]

_BUILTINS = frozenset(dir(builtins))
_KNOWN = _BUILTINS | {
    "__file__",
    "__path__",
    "__annotations__",
    "__module__",
    "__qualname__",
    "__class__",
}


@kept
def vocabulary(text: str) -> frozenset[str]:
    """Raises Unsupported for what does not parse."""
    return frozenset(word for node in every(text) for word in words_of(node))


def resurrected(base: str, ours: str, theirs: str, result: str, common: str = "") -> str:
    """A word that the base had, a side uses nowhere any more, and the result has again; '' if there
    is none.

    That side replaced what the word stands for, and the other side's code was written without
    knowing it. A side without a word of its own replaced nothing: what it deleted, the other side
    may use. A variable that only functions know which assign it themselves needs nothing of the
    other side either, and a word of the language or its library stands for what it always did.
    Nor did a side take away what a word stands for that the base only uses: an attribute or keyword
    that is another object's.
    `common` is code that all have besides.
    """
    b, o, t, found = (vocabulary(text) for text in (base, ours, theirs, result))
    if not (b & found) - (o & t):
        return ""
    found = (found & _given(base)) - _variables(result) - vocabulary(common)
    for side, words in (("ours", o), ("theirs", t)):
        back = sorted((b & found) - words)
        back = [word for word in back if not _of_the_language(word, result)]
        if back and words - b:
            return f"{side} no longer uses {back[0]}, which the other side's change needs"
    return ""


def _of_the_language(word: str, text: str) -> bool:
    """Whether a word is a builtin that the text only reads, or is only read from modules of the
    standard library."""
    known = word in _BUILTINS
    library: set[str] = set()
    for node in every(text):
        if isinstance(node, ast.Import):
            library |= {alias.asname or alias.name for alias in node.names if _standard(alias.name)}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if word == (alias.asname or alias.name):
                    if node.level or not _has(node.module or "", alias.name):
                        return False
                    known = True
    for node in every(text):
        if isinstance(node, ast.alias) or word not in words_of(node):
            continue
        match node:
            case ast.Name(ctx=ast.Load()):
                pass
            case ast.Attribute(value=ast.Name(id=module)) if module in library:
                if not _has(module, word):
                    return False
                known = True
            case _:
                return False
    return known


def _standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _has(module: str, name: str) -> bool:
    """Whether a module of the library has a name, as far as it is loaded; others may have it."""
    known = sys.modules.get(module)
    return _standard(module) and (known is None or hasattr(known, name))


@kept
def _given(text: str) -> frozenset[str]:
    """The words that a text gives a meaning, or a module does that it imports: what it defines,
    imports, assigns, takes as a parameter, or reads from a module."""
    given: set[str] = set()
    modules: set[str] = set()
    for node in every(text):
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    for node in every(text):
        match node:
            case ast.keyword() | ast.Name(ctx=ast.Load()):
                pass
            case ast.Attribute(value=value, ctx=ast.Load()):
                while isinstance(value, ast.Attribute):
                    value = value.value
                if isinstance(value, ast.Name) and value.id in modules:
                    given.add(node.attr)
            case _:
                given.update(words_of(node))
    return frozenset(given)


@kept
def _variables(text: str) -> frozenset[str]:
    """Names that stand for nothing but variables of functions which assign them."""
    tables = [symtable.symtable(text, "merged", "exec")]
    known: set[str] = set()
    other = {
        word for node in every(text) if not isinstance(node, ast.Name) for word in words_of(node)
    }
    while tables:
        table = tables.pop()
        for symbol in table.get_symbols():
            within = symbol.is_free() or (
                symbol.is_local() and symbol.is_assigned() and not symbol.is_parameter()
            )
            plain = within and not symbol.is_imported() and table.get_type() == "function"
            (known if plain else other).add(symbol.get_name())
        tables += table.get_children()
    return frozenset(known - other)


def missed(
    base: frozenset[str], ours: frozenset[str], theirs: frozenset[str], result: frozenset[str]
) -> frozenset[str]:
    """The words that `resurrected` looks at: of these texts' words, those that come back against a
    side which has words of its own."""
    sides = (side for side in (ours, theirs) if side - base)
    return frozenset().union(*((base & result) - side for side in sides))


def undefined(ours: str, theirs: str, result: str, common: str = "") -> str:
    """Why a result uses a name that nothing defines although each side knows what it means; '' if
    none. `common` is code that all have besides.
    """
    (used_o, bound_o), (used_t, bound_t), (used, bound) = map(_globals, (ours, theirs, result))
    fresh = (used - bound) - (used_o - bound_o) - (used_t - bound_t)
    lost = (bound_o & bound_t) - bound
    if lost:
        fresh |= lost & _globals(common)[0]
    return f"nothing would define {min(fresh)}" if fresh else ""


@kept
def _globals(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Names that are read as globals, and names that the module binds; none where it imports all of
    a module.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            top = symtable.symtable(text, "merged", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(), _KNOWN
    tables = [top]
    used: set[str] = set()
    bound = set(_KNOWN)
    while tables:
        table = tables.pop()
        for symbol in table.get_symbols():
            binds = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
            if binds and (table is top or symbol.is_declared_global()):
                bound.add(symbol.get_name())
            if symbol.is_referenced() and (table is top or symbol.is_global()):
                name = symbol.get_name()
                if not name.startswith("__folded_"):
                    used.add(name)
        tables += table.get_children()
    if any(
        isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in parse(text).body
    ):
        return frozenset(), frozenset(bound)
    return frozenset(used), frozenset(bound)


def words_of(node: ast.AST) -> Iterator[str]:
    """What a node itself defines, uses, passes or reads."""
    match node:
        case ast.Name():
            yield node.id
        case ast.Attribute():
            yield node.attr
        case ast.arg() | ast.keyword():
            if node.arg is not None:
                yield node.arg
        case ast.alias():
            yield from node.name.split(".")
            if node.asname is not None:
                yield node.asname
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
