"""ensure: docstring"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass

import libcst as cst

from skills_engine.codemods.operation import Example, Refusal, SourceOperation
from skills_engine.codemods.source.blocks import after_magic, whole_lines
from skills_engine.codemods.source.source import Edit, Source, Splice
from skills_engine.codemods.source.syntax import extract
from skills_engine.lines import bare_lines
from skills_engine.types import Outcome

__all__ = ["Docstring"]


@dataclass(frozen=True, kw_only=True)
class Docstring(SourceOperation):
    """The docstring of a function, a class or (without `of`) the module is `docstring`.

    The quotes of a docstring that is there are kept; a new one gets three double quotes.
    """

    ensure = "docstring"
    VALID = (
        Example(
            "a function without one gets one",
            "def f():\n    return 1\n",
            {"in": "m.py", "of": "f", "docstring": "One."},
            'def f():\n    """One."""\n    return 1\n',
        ),
        Example(
            "a method's is replaced, its quotes kept",
            "class A:\n    def f(self):\n        '''Old.'''  # why\n",
            {"in": "m.py", "of": "A.f", "docstring": "New.\n\nMore."},
            "class A:\n    def f(self):\n        '''New.\n\n        More.\n        '''  # why\n",
        ),
        Example(
            "the module's",
            "x = 1\n",
            {"in": "m.py", "docstring": "Says x."},
            '"""Says x."""\n\nx = 1\n',
        ),
        Example(
            "below what the file begins with",
            "#!/usr/bin/env python\n# Licence.\nx = 1\n",
            {"in": "m.py", "docstring": "Says x."},
            '#!/usr/bin/env python\n# Licence.\n"""Says x."""\n\nx = 1\n',
        ),
        Example(
            "with quotes and backslashes in it",
            "def f():\n\t'Old.'\n",
            {"in": "m.py", "of": "f", "docstring": "Says '\\n' and \"x\""},
            'def f():\n\t"""Says \'\\\\n\' and \\"x\\""""\n',
        ),
        Example(
            "with a backslash that Python would warn of",
            "def f():\n    b'no docstring'\n",
            {"in": "m.py", "of": "f", "docstring": "A \\d."},
            'def f():\n    """A \\\\d."""\n    b\'no docstring\'\n',
        ),
        Example(
            "what is so already stays",
            "def f():\n    'One.'\n",
            {"in": "m.py", "of": "f", "docstring": "One."},
            "def f():\n    'One.'\n",
        ),
        Example(
            "in the place of one in several strings",
            "def f():\n    'a' 'b'\n",
            {"in": "m.py", "of": "f", "docstring": "One."},
            'def f():\n    """One."""\n',
        ),
    )
    INVALID = (
        Refusal(
            "there is no such function",
            "def f(): ...\n",
            {"in": "m.py", "of": "g", "docstring": "G."},
            Outcome.MISSING,
            "m.py does not define g",
        ),
    )

    of: str = ""
    docstring: str

    def describe(self) -> str:
        return f"document {self.of or self.in_}"

    def edit(self, source: Source) -> Edit:
        name = self.selected("of")
        owner = source.find(name, "class", "function", doing=self.describe()) if name else None
        body = source.body_of(owner)
        first = body.body[0] if body.body else None
        literal = _docstring(first)
        indent = source.indent_at(source.span(first).start) if first is not None else ""
        if literal is not None:
            if _clean(literal.evaluated_value or "") == _clean(self.docstring):
                return Edit()
            span = extract(source, [literal])
            prefix, quote = "", '"""'
            if isinstance(literal, cst.SimpleString):
                prefix, quote = literal.prefix, literal.quote
            return Edit((Splice(span.start, span.end, self._literal(indent, prefix, quote)),))
        text = (
            indent
            + self._literal(indent, "", '"""')
            + "\n"
            + ("\n" if owner is None and first else "")
        )
        at = (
            after_magic(source)
            if first is None or owner is None
            else source.line_start(source.span(first).start)
        )
        return Edit((whole_lines(source, at, text),))

    def _literal(self, indent: str, prefix: str, quote: str) -> str:
        """The literal in the quotes that are there or, where they cannot hold the text, in others."""
        escaped = self.docstring.replace("\\", "\\\\").replace('"', '\\"')
        for text, start, end in (
            (self.docstring, prefix, quote),
            (self.docstring, "", '"""'),
            (self.docstring, "", "'''"),
        ):
            literal = _literal(text, indent, start, end)
            if _says(literal, self.docstring):
                return literal
        return _literal(escaped, indent, "", '"""')


def _literal(text: str, indent: str, prefix: str, quote: str) -> str:
    first, *more = bare_lines(text.strip())
    if not more:
        return f"{prefix}{quote}{first}{quote}"
    quote = quote if len(quote) == 3 else quote * 3
    lines = [f"{indent}{line}".rstrip() for line in more]
    return "\n".join([f"{prefix}{quote}{first}", *lines, f"{indent}{quote}"])


def _says(literal: str, text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of an escape that is none
            value = ast.literal_eval(literal)
    except (SyntaxError, ValueError):
        return False
    return _clean(value) == _clean(text)


def _docstring(
    statement: cst.CSTNode | None,
) -> cst.SimpleString | cst.ConcatenatedString | None:
    match statement:
        case cst.SimpleStatementLine(
            body=[cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString() as literal), *_]
        ) if isinstance(literal.evaluated_value, str):
            return literal
    return None


def _clean(text: str | bytes) -> str:
    return "\n".join(line.strip() for line in bare_lines(str(text).strip()))
