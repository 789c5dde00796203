"""LibCST's parser, behind a look at how deep the code is nested: what is too deep ends the process,
or takes it for years.

Nothing else in this process gives code to LibCST's parser.
"""

from __future__ import annotations

import libcst as cst

from skills_engine.nesting import too_deep

__all__ = ["parse_expression", "parse_module"]


def parse_module(text: str | bytes) -> cst.Module:
    """Raises ParserSyntaxError for what is no Python, or is nested too deeply; for bytes also
    UnicodeDecodeError and LookupError.
    """
    # Brackets, operators and quotes are the same bytes in every encoding that Python reads.
    _check(text if isinstance(text, str) else text.decode("latin-1"))
    return cst.parse_module(text)


def parse_expression(text: str) -> cst.BaseExpression:
    """Raises ParserSyntaxError for what is no expression, or is nested too deeply."""
    _check(text)
    return cst.parse_expression(text)


def _check(text: str) -> None:
    line = too_deep(text)
    if line is not None:
        raise cst.ParserSyntaxError(
            "it is nested too deeply", lines=text.splitlines(), raw_line=line, raw_column=0
        )
