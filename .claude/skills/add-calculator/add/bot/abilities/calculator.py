"""Arithmetic, exactly: parsed as Python, but nothing is evaluated except numbers and operators, by
hand.
"""

import ast
import operator
import re
from fractions import Fraction

from bot.settings import Settings

_QUESTION = re.compile(
    r"(?:what is|what's|calculate)?\s*([\d\s.()e+*/%-]+?)\s*[=?.]*", re.IGNORECASE
)
_SIGNS = str.maketrans(
    {"\N{MULTIPLICATION SIGN}": "*", "\N{DIVISION SIGN}": "/", "\N{MINUS SIGN}": "-", "^": "**"}
)
_LONGEST = 200
_MOST_BITS = 1000
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_OPERATORS |= {ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod}


async def calculator(request: str, settings: Settings) -> str | None:
    """2 * (3 + 4)"""
    match = _QUESTION.fullmatch(request.strip().translate(_SIGNS))
    if match is None or len(request) > _LONGEST:
        return None
    try:
        tree = ast.parse(match[1].strip(), mode="eval").body
        value = _value(tree) if isinstance(tree, ast.BinOp) else None
    except ZeroDivisionError:
        return "That divides by zero."
    except OverflowError:
        return "That number is too big for me."
    except (SyntaxError, ValueError):
        return None
    if value is None:
        return None
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.12g}"


def _value(node: ast.expr) -> Fraction:
    """Raises ValueError for all that is not arithmetic, OverflowError for what would take long."""
    match node:
        case ast.Constant(value=int() | float() as number):
            value = Fraction(repr(number))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = -_value(operand)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            value = _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            value = Fraction(_OPERATORS[type(op)](_value(left), _value(right)))
        case _:
            raise ValueError(node)
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
        raise OverflowError
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if exponent.denominator != 1:
        raise ValueError("only whole powers are exact")
    if abs(base) not in {0, 1} and bits * abs(exponent) > 2 * _MOST_BITS:
        raise OverflowError
    return Fraction(base**exponent.numerator)
