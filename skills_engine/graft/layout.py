"""The difference in layout: whether two versions of a Python file differ only as a formatter makes
them differ.
"""

from __future__ import annotations

import ast
import io
import tokenize

__all__ = ["same_code"]


def same_code(one: bytes, other: bytes) -> bool:
    """Whether both parse, to the same syntax tree, and say the same in their comments, in the same
    order.
    """
    if one == other:
        return True
    try:
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other)) and _comments(
            one
        ) == _comments(other)
    except (
        SyntaxError,
        ValueError,
        RecursionError,
        MemoryError,
    ):  # ValueError: a NUL; the others: nested too deep
        return False


def _comments(data: bytes) -> list[str]:
    return [
        t.string for t in tokenize.tokenize(io.BytesIO(data).readline) if t.type == tokenize.COMMENT
    ]
