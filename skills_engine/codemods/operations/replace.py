"""ensure: replace"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.match.metavariables import find_metavariables
from skills_engine.codemods.match.pattern import Match, Pattern
from skills_engine.codemods.match.positions import check_positions
from skills_engine.codemods.match.search import left_over, no_match, whole_scope
from skills_engine.codemods.match.template import Template, region, stands_alone
from skills_engine.codemods.operation import Example, Malformed, Refusal, SourceOperation
from skills_engine.codemods.source.snippets import first_difference, first_line
from skills_engine.codemods.source.source import Edit, Splice
from skills_engine.codemods.source.syntax import extract
from skills_engine.types import Outcome, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.codemods.source.source import Source

__all__ = ["Replace"]

_SEND = """\
class Bot:
    async def send(self, chat, text):
        await self.api.send(  # the API
            chat,  # who
            text,  # what
        )
        return 2 * size(text)
"""
_LOOP = '''\
def f(items):
    for item in items:
        # Each.
        handle(item)  # slow
        """
  raw
        """
    return items
'''


@dataclass(frozen=True, kw_only=True)
class Replace(SourceOperation):
    """In `of` (a definition; the whole module without it) what matches the pattern reads `with`
    instead.

    Both are an expression, or one or more statements. A metavariable stands in `with` for the very
    bytes that it matched. The edit is the difference of the two: what both have stays as the file
    has it, with the comments and the layout between; a comment of what goes stands above. Exactly
    one place must match, unless `all: true`. A match that is already the part of a match of `with`
    that corresponds to it counts as done, so that `f($X)` may become `g(f($X))`. Where nothing
    matches, it is so already if something matches `with`; if `with` is a metavariable alone, only
    if nothing is left that is like the pattern.
    """

    ensure = "replace"
    VALID = (
        Example(
            "a call gets an argument, and keeps its comments",
            _SEND,
            {"in": "m.py", "of": "Bot.send", "pattern": "self.api.send($...ARGS)", "with": "self.api.send($...ARGS, retry=3)"},
            _SEND.replace("text,  # what", "text, retry=3,  # what"),
        ),
        Example(
            "a call is put into another",
            _SEND,
            {"in": "m.py", "pattern": "size($X)", "with": "limit(size($X))"},
            _SEND.replace("size(text)", "limit(size(text))"),
        ),
        Example(
            "the replacement gets parentheses where it needs them",
            _SEND,
            {"in": "m.py", "pattern": "size($X)", "with": "$X.size + 1"},
            _SEND.replace("size(text)", "(text.size + 1)"),
        ),
        Example(
            "what a metavariable matched gets them too",
            "x = f(a + b, c)\n",
            {"in": "m.py", "pattern": "f($A, $B)", "with": "$A * $B.d"},
            "x = (a + b) * c.d\n",
        ),
        Example(
            "everywhere, one in another",
            "a = f(f(1), 2)\nb = not f(x, (y))\n",
            {"in": "m.py", "pattern": "f($A, $...R)", "with": "g($A, $...R)", "all": True},
            "a = g(g(1), 2)\nb = not g(x, (y))\n",
        ),
        Example(
            "everywhere but where it is done",
            "a = g(f(1)) + f(2)\n",
            {"in": "m.py", "pattern": "f($X)", "with": "g(f($X))", "all": True},
            "a = g(f(1)) + g(f(2))\n",
        ),
        Example(
            "the same metavariable twice is the same code twice",
            "a = x [1] if x[ 1 ] else None\nb = x if y else None\n",
            {"in": "m.py", "pattern": "$X if $X else None", "with": "$X or None"},
            "a = x [1] or None\nb = x if y else None\n",
        ),
        Example(
            "a name, but not the attribute or keyword of that name",
            "def f(log):\n    log(a.log, log=1)\n",
            {"in": "m.py", "pattern": "log", "with": "self.log"},
            "def f(log):\n    self.log(a.log, log=1)\n",
        ),
        Example(
            "a statement by several",
            "def f():\n    if x: pass\n    a = g(1)  # why\n",
            {"in": "m.py", "of": "f", "pattern": "$A = g($X)", "with": "if $X:\n    $A = h($X)\nlog($A)"},
            "def f():\n    if x: pass\n    if 1:\n        a = h(1)  # why\n    log(a)\n",
        ),
        Example(
            "a loop's header, its body kept and moved",
            _LOOP,
            {"in": "m.py", "pattern": "for $I in items: $...BODY", "with": "with open($I) as file:\n    for $I in file: $...BODY"},
            _LOOP.replace("    for item in items", "    with open(item) as file:\n        for item in file")
            .replace("        # E", "            # E").replace("        handle", "            handle").replace('        """\n  raw', '            """\n  raw'),
        ),
        Example(
            "a run of statements by one",
            "x = 1\ny = f(x)\nz = 2\n",
            {"in": "m.py", "pattern": "$X = 1\n$Y = f($X)", "with": "$Y = f(1)"},
            "y = f(1)\nz = 2\n",
        ),
        Example(
            "elements of a dict",
            "d = {'a': 1, 'b': 2, **c}\n",
            {"in": "m.py", "of": "d", "pattern": "{'a': $A, $...REST}", "with": "{'a': $A + 1, $...REST}"},
            "d = {'a': 1 + 1, 'b': 2, **c}\n",
        ),
        Example(
            "an index, but not a tuple of one",
            "a = x[1]\nb = x[1,]\n",
            {"in": "m.py", "pattern": "x[$I]", "with": "x.get($I)"},
            "a = x.get(1)\nb = x[1,]\n",
        ),
        Example("replaced already", "a = g( x, )\n", {"in": "m.py", "pattern": "f($X)", "with": "g($X)"}, "a = g( x, )\n"),
        Example(
            "a default in a signature",
            "async def f(a, *, b: int = 3) -> None: ...\n",
            {"in": "m.py", "of": "f", "pattern": "3", "with": "4"},
            "async def f(a, *, b: int = 4) -> None: ...\n",
        ),
        Example(
            "a type in quotes where no annotation is evaluated",
            'from __future__ import annotations\n\n\ndef g(x: Optional["A"]): ...\n',
            {"in": "m.py", "pattern": "Optional[$X]", "with": "$X | None"},
            'from __future__ import annotations\n\n\ndef g(x: "A" | None): ...\n',
        ),
    )  # fmt: skip
    INVALID = (
        Refusal("no such function", "def f(): ...\n", {"in": "m.py", "of": "g", "pattern": "a", "with": "b"}, Outcome.MISSING, "does not define g"),
        Refusal("neither is there", _SEND, {"in": "m.py", "pattern": "post($X)", "with": "put($X)"}, Outcome.MISSING, "matches `post($X)`"),
        Refusal("several are", "a = f(1)\nb = f(2)\n", {"in": "m.py", "pattern": "f($X)", "with": "g($X)"}, Outcome.AMBIGUOUS, "2 places in m.py match"),
        Refusal(
            "lines where only one has room",
            "if x: f(1)\n",
            {"in": "m.py", "pattern": "f($X)", "with": "a()\nb()"},
            Outcome.DRIFTED,
            "shares its line",
        ),
        Refusal(
            "it has a clause that the pattern has not",
            "try:\n    a()\nexcept E:\n    b()\nfinally:\n    c()\n",
            {"in": "m.py", "pattern": "try: $...A\nexcept E: $...B", "with": "$...A"},
            Outcome.DRIFTED,
            "but this is like it",
        ),
        Refusal(
            "another call, where only what stands in it would be left",
            "a = f(1, k=2)\n",
            {"in": "m.py", "pattern": "f($X)", "with": "$X"},
            Outcome.DRIFTED,
            "but this is like it",
        ),
        Refusal(
            "a type in quotes beside |",
            'def g(x: Optional["A"]): ...\n',
            {"in": "m.py", "pattern": "Optional[$X]", "with": "$X | None"},
            Outcome.DRIFTED,
            "a type in quotes beside | fails",
        ),
        Refusal("what cannot be assigned to", "f = 1\n", {"in": "m.py", "pattern": "f", "with": "g()"}, Outcome.DRIFTED, "would not compile"),
        Refusal(
            "one in another, where they hold statements",
            "if a:\n    if b:\n        c()\n",
            {"in": "m.py", "pattern": "if $X: $...B", "with": "while $X: $...B", "all": True},
            Outcome.DRIFTED,
            "lies inside another match",
        ),
    )  # fmt: skip

    of: str = ""
    pattern: str
    with_: str
    all: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        pattern, template = self._parsed()
        if pattern.bare:
            raise Malformed(
                "pattern", "the pattern matches everything", "more around the metavariable"
            )
        if unknown := sorted(template.pattern.names - pattern.names):
            raise Malformed(
                "with", f"${unknown[0]} is not in the pattern", "metavariables of the pattern"
            )
        if any(variable.name == "_" for variable in find_metavariables(self.with_)):
            raise Malformed(
                "with",
                "$_ stands for nothing in particular",
                "metavariables with a name, also in the pattern",
            )
        if _is_row(template) and Pattern.parse(self.pattern).is_expression:
            raise Malformed(
                "with",
                f"{self.with_.strip()} is any number of things, and one expression stands there",
                "one of them, as `$X`, or brackets and a comma around them: `($...ARGS,)`",
            )
        if _matches_itself(pattern, template):
            raise Malformed(
                "with",
                "what matches the pattern matches `with` too, so it could never be told apart",
            )

    def describe(self) -> str:
        before, after = first_difference(self.pattern, self.with_)
        return f"replace `{before}` by `{after}` in {self.of or self.in_}"

    def edit(self, source: Source) -> Edit:
        doing, (pattern, template) = self.describe(), self._parsed()
        root = whole_scope(source, self.selected("of"), doing)
        others = [] if template.pattern.bare else _search(template.pattern, root)
        parts = [part.nodes[0] for part in _search(pattern, template.pattern.root)]
        pairs = [(other.pairs, id(part)) for other in others for part in parts]
        done = {id(those[part]) for those, part in pairs if part in those}
        found = [match for match in _search(pattern, root) if id(match.nodes[0]) not in done]
        if not found:
            self._nothing_left(source, root, pattern, template, others)
            return Edit()
        if len(found) > 1 and not self.all:
            what = (
                f"{len(found)} places in {self.of or source.path} match "
                f"`{first_line(self.pattern)}`"
            )
            hint = "match more of it, or write `all: true`"
            raise source.ambiguous(doing, what, [m.nodes[0] for m in found], hint)
        if pattern.is_expression:
            splices = _expressions(source, found, pattern, template)
            check_positions(source, found, template, splices, doing)
            return Edit(tuple(splices))
        return Edit(
            tuple(_statement(source, found, i, pattern, template, doing) for i in range(len(found)))
        )

    def _nothing_left(
        self,
        source: Source,
        root: cst.CSTNode,
        pattern: Pattern,
        template: Template,
        others: Sequence[Match],
    ) -> None:
        """Raises where nothing matches, and nothing says that it was replaced."""
        doing, where = self.describe(), self.of or source.path
        if not template.pattern.bare:
            if not others:
                raise no_match(source, root, pattern, where, doing)
        elif like := left_over(source, root, pattern):
            what = f"nothing in {where} matches `{first_line(self.pattern)}`, but this is like it"
            hint = "match it, or take the entry out if nothing is to be done"
            raise source.drifted(doing, what, *like, hint=hint)

    def _parsed(self) -> tuple[Pattern, Template]:
        pattern, template = Pattern.parse(self.pattern), Template.parse(self.with_)
        if pattern.is_expression and template.pattern.is_expression:
            return pattern, template
        return Pattern.parse(self.pattern, statements=True), Template.parse(
            self.with_, statements=True
        )


def _search(pattern: Pattern, root: cst.CSTNode) -> list[Match]:
    if pattern.is_expression:
        return list(pattern.in_expressions(root))
    blocks = (
        [root]
        if isinstance(root, cst.Module)
        else [c for c in root.children if isinstance(c, cst.BaseSuite)]
    )
    return [match for block in blocks for match in pattern.in_blocks(block, into=True)]


def _is_row(template: Template) -> bool:
    """Whether it is `$...X` and nothing else."""
    (variable, *more) = find_metavariables(template.pattern.text) or (None,)
    return template.pattern.bare and not more and variable is not None and variable.many


def _matches_itself(pattern: Pattern, template: Template) -> bool:
    other = template.pattern
    return not other.bare and pattern.fits(other.nodes, {}) and other.fits(pattern.nodes, {})


def _expressions(
    source: Source, found: Sequence[Match], pattern: Pattern, template: Template
) -> list[Splice]:
    spans = [source.span(match.nodes[0]) for match in found]

    def outermost(place: Span) -> list[int]:
        inside = [i for i, span in enumerate(spans) if _within(span, place)]
        return [i for i in inside if not any(_within(spans[i], spans[j]) for j in inside if j != i)]

    def render(index: int) -> str:
        nested = any(_within(span, spans[index]) for i, span in enumerate(spans) if i != index)
        return template.expression(source, found[index], pattern, texts if nested else None)

    def texts(nodes: tuple[cst.CSTNode, ...]) -> str:
        place = extract(source, nodes)
        out, at = [], place.start
        for index in outermost(place):
            out += [source.text(Span(at, spans[index].start)), render(index)]
            at = spans[index].end
        return "".join([*out, source.text(Span(at, place.end))]).replace(source.newline, "\n")

    everywhere = Span(0, len(source.data))
    return [Splice(spans[i].start, spans[i].end, render(i)) for i in outermost(everywhere)]


def _statement(
    source: Source,
    found: Sequence[Match],
    index: int,
    pattern: Pattern,
    template: Template,
    doing: str,
) -> Splice:
    match = found[index]
    place = region(source, match)
    if any(_within(extract(source, m.nodes), place) for m in found if m is not match):
        hint = "match more of it, so that one place is left"
        raise source.drifted(doing, "a match lies inside another match", match.nodes[0], hint=hint)
    if not stands_alone(match) and not template.is_one_line(match):
        hint = "put it on a line of its own first"
        raise source.drifted(
            doing, "the statement shares its line with others", match.nodes[0], hint=hint
        )
    return Splice(place.start, place.end, template.statements(source, match, pattern))


def _within(inner: Span, outer: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
