"""ensure: function"""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from skills_engine.codemods.defining import DefinitionOperation
from skills_engine.codemods.operation import Example, Refusal
from skills_engine.types import Outcome

__all__ = ["Function"]

_MODULE = '''\
"""M."""
import a

LIMIT = 1


# Says hello.
def hello():
    return a


if __name__ == "__main__":
    hello()
'''
_BYE = '@cache\ndef bye():\n    return """\nBye."""'
_BYE_IN = _BYE + "\n"


@dataclass(frozen=True, kw_only=True)
class Function(DefinitionOperation):
    """The module has the function whose source is `code`, with its decorators and comments.

    It goes `before` or `after` another definition (with both, between them; where one of the two is
    gone, the other is enough), to `position: first` (after the docstring and the imports) or last
    (as it does without), which is before a closing `if __name__ == "__main__":`. Overloads of one
    function may stand in `code` together. Another function of that name is a refusal, unless
    `replace: true`.
    """

    ensure = "function"
    node = cst.FunctionDef
    noun = "function"
    neighbour = (
        "the neighbour is not at module level",
        "a definition at module level; `ensure: method` for a class",
    )
    SELECTORS = ()
    VALID = (
        Example(
            "last, before what runs the module",
            _MODULE,
            {"in": "m.py", "code": _BYE},
            _MODULE.replace("return a\n", "return a\n\n\n" + _BYE_IN),
        ),
        Example(
            "before another and its comment",
            _MODULE,
            {"in": "m.py", "code": _BYE, "before": "hello"},
            _MODULE.replace("# Says", _BYE_IN + "\n\n# Says"),
        ),
        Example(
            "after a variable",
            _MODULE,
            {"in": "m.py", "code": _BYE, "after": "LIMIT"},
            _MODULE.replace("LIMIT = 1\n", "LIMIT = 1\n\n\n" + _BYE_IN),
        ),
        Example(
            "first, after the imports",
            _MODULE,
            {"in": "m.py", "code": _BYE, "position": "first"},
            _MODULE.replace("import a\n", "import a\n\n\n" + _BYE_IN + "\n"),
        ),
        Example(
            "with one blank line where the file has one everywhere",
            "x = 1\n\ndef a(): ...\n\nasync def b(): ...\n# The end.",
            {"in": "m.py", "code": "def c(): ..."},
            "x = 1\n\ndef a(): ...\n\nasync def b(): ...\n# The end.\n\ndef c(): ...",
        ),
        Example("in an empty file", "", {"in": "m.py", "code": "# C.\ndef c(): ..."}, "# C.\ndef c(): ...\n", verbatim=True),
        Example("below a licence", "# Licence.\n", {"in": "m.py", "code": "def c(): ..."}, "# Licence.\n\n\ndef c(): ...\n"),
        Example(
            "another one is replaced where that is said",
            "def a(): ...\n\n\n# Old.\ndef c():\n    return 1",
            {"in": "m.py", "code": "# New.\ndef c():\n    return 2", "replace": True},
            "def a(): ...\n\n\n# New.\ndef c():\n    return 2",
        ),
    )  # fmt: skip
    INVALID = (
        Refusal(
            "it is there on one path only",
            "if NEW:\n    def c(): return {'a': 0x10}\n",
            {"in": "m.py", "code": 'def c():\n    return {"a": 16,}'},
            Outcome.DRIFTED,
            "c stands in a block of its own",
        ),
        Refusal(
            "the name is imported",
            "from z import c\n",
            {"in": "m.py", "code": "def c(): ..."},
            Outcome.DRIFTED,
            "c is imported already",
        ),
        Refusal("the neighbour is gone", "x = 1\n", {"in": "m.py", "code": "def f(): ...", "before": "y"}, Outcome.MISSING, "does not define y"),
        Refusal("there is another", "def f(): return 1\n", {"in": "m.py", "code": "def f(): ..."}, Outcome.DRIFTED, "already has another f"),
        Refusal(
            "the neighbour is in a block",
            "if A:\n    x = 1\n",
            {"in": "m.py", "code": "def f(): ...", "after": "x"},
            Outcome.DRIFTED,
            "x stands in a block of its own",
        ),
        Refusal(
            "several are there, apart, and one is to be replaced",
            "def f(): return 1\nx = 1\ndef f(): return 2\n",
            {"in": "m.py", "code": "def f(): return 3", "replace": True},
            Outcome.DRIFTED,
            "the definitions of f are apart",
        ),
    )  # fmt: skip
