"""ensure: no-statement"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.codemods.match.anchors import follow, line_of, position
from skills_engine.codemods.match.pattern import Match, Pattern
from skills_engine.codemods.match.search import scope
from skills_engine.codemods.operation import Example, Malformed, Refusal, SourceOperation
from skills_engine.codemods.source.blocks import remove
from skills_engine.codemods.source.snippets import first_line
from skills_engine.codemods.source.source import Edit
from skills_engine.types import Outcome

if TYPE_CHECKING:
    import libcst as cst

    from skills_engine.codemods.source.source import Source

__all__ = ["NoStatement"]

_RUN = '''\
def run(items):
    """Run."""
    setup()

    # Each in turn.
    for item in items:
        handle(item)
    return items
'''


@dataclass(frozen=True, kw_only=True)
class NoStatement(SourceOperation):
    """The body of `of` (a function or class; the module without it) holds no statements that match
    `code`.

    `code` is a pattern. What it matches goes, in whatever `if`, `for` or `with` it stands, with the
    comments above it.

    `after` and `before` are patterns of the statements around it. Of several matches the one
    between them is meant. Where the two touch, it is gone already; where nothing matches and they
    do not touch, what stands between them may be what `code` has become, and that is a refusal.
    """

    ensure = "no-statement"
    VALID = (
        Example(
            "a call",
            _RUN,
            {"in": "m.py", "of": "run", "code": "setup()"},
            _RUN.replace("    setup()\n", ""),
        ),
        Example(
            "a loop and its comment",
            _RUN,
            {"in": "m.py", "of": "run", "code": "for $X in items:"},
            'def run(items):\n    """Run."""\n    setup()\n\n    return items\n',
        ),
        Example(
            "two in a row, wherever they stand",
            "def f():\n    if x:\n        a(1)\n        b()\n        c()\n",
            {"in": "m.py", "of": "f", "code": "a($X)\nb()"},
            "def f():\n    if x:\n        c()\n",
        ),
        Example(
            "all that a block has",
            "if x:\n    a()\nb()\n",
            {"in": "m.py", "code": "a()"},
            "if x:\n    pass\nb()\n",
        ),
        Example(
            "the one between its neighbours",
            "def f():\n    a()\n    log()\n    b()\n    log()\n    c()\n",
            {"in": "m.py", "of": "f", "code": "log()", "after": "b()", "before": "c()"},
            "def f():\n    a()\n    log()\n    b()\n    c()\n",
        ),
        Example(
            "it is not there",
            "def f():\n    a()\n",
            {"in": "m.py", "of": "f", "code": "b()"},
            "def f():\n    a()\n",
        ),
        Example(
            "it is not between its neighbours",
            "def f():\n    a()\n    c()\n",
            {"in": "m.py", "of": "f", "code": "b()", "after": "a()", "before": "c()"},
            "def f():\n    a()\n    c()\n",
        ),
    )
    INVALID = (
        Refusal(
            "no such function",
            "def f(): ...\n",
            {"in": "m.py", "of": "g", "code": "a()"},
            Outcome.MISSING,
            "does not define g",
        ),
        Refusal(
            "several match",
            "def f():\n    a(1)\n    a(2)\n",
            {"in": "m.py", "of": "f", "code": "a($X)"},
            Outcome.AMBIGUOUS,
            "2 places in f match `a($X)`",
        ),
        Refusal(
            "something else stands between its neighbours",
            "def f():\n    a()\n    b(1)\n    c()\n",
            {"in": "m.py", "of": "f", "code": "b()", "after": "a()", "before": "c()"},
            Outcome.DRIFTED,
            "nothing in f matches `b()`, and its neighbours do not touch",
        ),
        Refusal(
            "it shares its line",
            "def f():\n    a(); b()\n",
            {"in": "m.py", "of": "f", "code": "a()"},
            Outcome.DRIFTED,
            "shares its line with another statement",
        ),
        Refusal(
            "on the line of its header",
            "def f():\n    if x: a()\n",
            {"in": "m.py", "of": "f", "code": "a()"},
            Outcome.DRIFTED,
            "stands on the line of its header",
        ),
    )

    of: str = ""
    code: str
    after: str = ""
    before: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("code", "after", "before"):
            if text := getattr(self, key):
                Pattern.parse(text, key, statements=True)
        if not self.code.strip():
            raise Malformed(
                "code", "there is no code", "a pattern of the statements that are to go"
            )
        if bool(self.after) != bool(self.before):
            raise Malformed(
                "after", "one neighbour tells nothing", "`after` and `before`, or neither"
            )

    def describe(self) -> str:
        return f"remove `{first_line(self.code)}` from {self.of or self.in_}"

    def edit(self, source: Source) -> Edit:
        doing, where = self.describe(), self.of or source.path
        _, body = scope(source, self.selected("of"), doing)
        found = self._matches(body, "code")
        if self.after:
            one, other = self._matches(body, "after"), self._matches(body, "before")
            touching, apart = follow(one, other)
            between = [match for match in found if any(_between(match, *pair) for pair in apart)]
            if len(between) == 1:
                return _without(source, between[0], doing)
            if touching and not between:
                return Edit()
            if not found:
                what = f"nothing in {where} matches `{first_line(self.code)}`, and its neighbours do not touch"
                hint = "see what it has become, and remove that by hand or change the skill"
                raise source.drifted(
                    doing, what, *[match.nodes[0] for match in (*one, *other)], hint=hint
                )
        if len(found) > 1:
            what = f"{len(found)} places in {where} match `{first_line(self.code)}`"
            hint = "match more of it, or name its neighbours with `after` and `before`"
            raise source.ambiguous(doing, what, [match.nodes[0] for match in found], hint)
        return _without(source, found[0], doing) if found else Edit()

    def _matches(self, body: cst.BaseSuite | cst.Module, key: str) -> list[Match]:
        return list(Pattern.parse(getattr(self, key), key, statements=True).in_blocks(body))


def _between(match: Match, one: Match, other: Match) -> bool:
    """Whether a match stands in their block directly between two others."""
    here = position(match)
    return (
        match.body is one.body
        and position(one).stop == here.start
        and here.stop == position(other).start
    )


def _without(source: Source, match: Match, doing: str) -> Edit:
    block, first = line_of(source, match, doing, first=True)
    _, last = line_of(source, match, doing, first=False)
    return remove(source, block, first, last)
