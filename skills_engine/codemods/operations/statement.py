"""ensure: statement"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import libcst as cst

from skills_engine.codemods.match.beside import between_both, holds, insert_at, inside_run, stands
from skills_engine.codemods.match.pattern import Pattern
from skills_engine.codemods.match.search import no_match, scope
from skills_engine.codemods.operation import Example, Malformed, Refusal, SourceOperation
from skills_engine.codemods.source.blocks import append, fill, insert, prologue
from skills_engine.codemods.source.code import Snippet
from skills_engine.codemods.source.flow import leaving, word_of
from skills_engine.codemods.source.snippets import first_line
from skills_engine.codemods.source.source import Edit
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.match.pattern import Match
    from skills_engine.codemods.source.source import Source

__all__ = ["Statement"]

_RUN = '''\
async def run(items):
    """Run."""

    setup()
    # Each in turn.
    for item in items:
        await handle(item)  # slow
        # and on
    return items
'''


@dataclass(frozen=True, kw_only=True)
class Statement(SourceOperation):
    """The body of `of` (a function or class; the module without it) holds the statements `code`.

    They go to `at: start` (after the docstring, in a module after the imports too) or `at: end`, or
    `before` or `after` the one statement there that matches a pattern, in whatever `if`, `for` or
    `with` it stands; `nth` (from 1) says which, where several do. A header such as `for $X in
    items:` matches with any body.

    With both `after` and `before`, they go where the two touch, or below what others have put
    between them, unless both have to do with one variable that one of them assigns; where one of
    the two is gone, or stands there several times, the other is enough.

    Where the same statements already stand in that block, it is so already.
    """

    ensure = "statement"
    VALID = (
        Example(
            "at the start, after the docstring",
            _RUN,
            {"in": "m.py", "of": "run", "code": "log(items)", "at": "start"},
            _RUN.replace("    setup", "    log(items)\n    setup"),
        ),
        Example(
            "at the end of a module",
            "import a\n\n\ndef f(): ...\n",
            {"in": "m.py", "code": "f()\na.b()", "at": "end"},
            "import a\n\n\ndef f(): ...\n\n\nf()\na.b()\n",
        ),
        Example(
            "at the start of a module, after the imports",
            '"""M."""\nimport a\nif TYPE_CHECKING:\n    import b\nx = 1\n',
            {"in": "m.py", "code": "y = 2", "at": "start"},
            '"""M."""\nimport a\nif TYPE_CHECKING:\n    import b\n\ny = 2\nx = 1\n',
        ),
        Example(
            "in a body that stands on its header's line",
            "class A:\n    def f(self): a(); return 1  # one\n",
            {"in": "m.py", "of": "A.f", "code": "b()", "at": "start"},
            "class A:\n    def f(self):\n        b()\n        a(); return 1  # one\n",
        ),
        Example(
            "in the function that runs, behind its overloads",
            "@overload\ndef f(a: int) -> int: ...\n@overload\ndef f(a: str) -> str: ...\ndef f(a):\n    return a\n",
            {"in": "m.py", "of": "f", "code": "b()", "at": "start"},
            "@overload\ndef f(a: int) -> int: ...\n@overload\ndef f(a: str) -> str: ...\ndef f(a):\n    b()\n    return a\n",
        ),
        Example(
            "in a property's setter",
            "class A:\n    @property\n    def x(self):\n        return 1\n\n    @x.setter\n    def x(self, x):\n        pass\n",
            {"in": "m.py", "of": "A.x.setter", "code": "b()"},
            "class A:\n    @property\n    def x(self):\n        return 1\n\n    @x.setter\n    def x(self, x):\n        b()\n",
        ),
        Example(
            "in an empty file",
            "",
            {"in": "m.py", "code": "y = 2"},
            "y = 2\n",
            verbatim=True,
        ),
        Example(
            "before a loop and its comment",
            _RUN,
            {"in": "m.py", "of": "run", "code": "check(items)\n", "before": "for $X in items:"},
            _RUN.replace("    # Each", "    check(items)\n    # Each"),
        ),
        Example(
            "after a loop and all that is in it",
            _RUN,
            {
                "in": "m.py",
                "of": "run",
                "code": "if items:\n    done()",
                "after": "for $X in items: $...BODY",
            },
            _RUN.replace("    return", "    if items:\n        done()\n    return"),
        ),
        Example(
            "inside a loop, after an await",
            _RUN,
            {"in": "m.py", "of": "run", "code": "count += 1", "after": "await handle($_)"},
            _RUN.replace("# slow\n", "# slow\n        count += 1\n"),
        ),
        Example(
            "the second of several",
            "def f():\n    a(1)\n    if x:\n        a(2)\n",
            {"in": "m.py", "of": "f", "code": "b()", "before": "a($X)", "nth": 2},
            "def f():\n    a(1)\n    if x:\n        b()\n        a(2)\n",
        ),
        Example(
            "between two, of which each alone stands there twice",
            "def f():\n    a()\n    a()\n    b()\n    b()\n",
            {"in": "m.py", "of": "f", "code": "c()", "after": "a()", "before": "b()"},
            "def f():\n    a()\n    a()\n    c()\n    b()\n    b()\n",
        ),
        Example(
            "between two, of which one is gone",
            "def f():\n    x()\n    b()\n",
            {"in": "m.py", "of": "f", "code": "c()", "after": "a()", "before": "b()"},
            "def f():\n    x()\n    c()\n    b()\n",
        ),
        Example(
            "between two, below what others have put there",
            "def f():\n    a()\n    x()\n\n    y()\n    b()\n",
            {"in": "m.py", "of": "f", "code": "c()", "after": "a()", "before": "b()"},
            "def f():\n    a()\n    x()\n    c()\n\n    y()\n    b()\n",
        ),
        Example(
            "between two already, with something else",
            "def f():\n    a()\n    c()\n    x()\n    b()\n    a()\n",
            {"in": "m.py", "of": "f", "code": "c()", "after": "a()", "before": "b()"},
            "def f():\n    a()\n    c()\n    x()\n    b()\n    a()\n",
        ),
        Example(
            "between two already, but elsewhere in the block",
            "def f():\n    a()\n    b()\n    c()\n",
            {"in": "m.py", "of": "f", "code": "c()", "after": "a()", "before": "b()"},
            "def f():\n    a()\n    b()\n    c()\n",
        ),
        Example(
            "code that its own pattern matches",
            "def f():\n    log(1)\n",
            {"in": "m.py", "of": "f", "code": "log(0)", "before": "log($X)"},
            "def f():\n    log(0)\n    log(1)\n",
        ),
        Example(
            "between statements that share a line with none of it",
            "def f():\n    a(); b()\n    c()",
            {"in": "m.py", "of": "f", "code": "d()", "after": "b()"},
            "def f():\n    a(); b()\n    d()\n    c()",
        ),
        Example(
            "in place of pass",
            "class A:\n    def f(self): pass\n",
            {"in": "m.py", "of": "A.f", "code": "self.x = 1"},
            "class A:\n    def f(self):\n        self.x = 1\n",
        ),
        Example(
            "there already, in another layout",
            "def f():\n    b ( 'x', )  # why\n    a()\n",
            {"in": "m.py", "of": "f", "code": 'b("x")', "before": "a()"},
            "def f():\n    b ( 'x', )  # why\n    a()\n",
        ),
        Example(
            "there already, at the end but for what came later",
            "def f():\n    a()\n    b()\n    return 1\n",
            {"in": "m.py", "of": "f", "code": "b()"},
            "def f():\n    a()\n    b()\n    return 1\n",
        ),
    )
    INVALID = (
        Refusal("no such function", "def f(): ...\n", {"in": "m.py", "of": "g", "code": "a()"}, Outcome.MISSING, "does not define g"),
        Refusal(
            "a property has several functions",
            "class A:\n    @property\n    def x(self): ...\n\n    @x.setter\n    def x(self, x): ...\n",
            {"in": "m.py", "of": "A.x", "code": "b()"},
            Outcome.AMBIGUOUS,
            "A.x is defined 2 times",
        ),
        Refusal(
            "nothing matches",
            "def f():\n    a(1)\n    def g():\n        b(1)\n",
            {"in": "m.py", "of": "f", "code": "c()", "before": "b($X)"},
            Outcome.MISSING,
            "nothing in f matches `b($X)`",
        ),
        Refusal(
            "several match",
            "def f():\n    a(1)\n    a(2)\n",
            {"in": "m.py", "of": "f", "code": "b()", "after": "a($X)"},
            Outcome.AMBIGUOUS,
            "2 statements in f match `a($X)`",
        ),
        Refusal(
            "there are not that many",
            "def f():\n    a(1)\n",
            {"in": "m.py", "of": "f", "code": "b()", "after": "a($X)", "nth": 2},
            Outcome.MISSING,
            "only 1 statement in f matches",
        ),
        Refusal(
            "the two neighbours have changed places",
            "def f():\n    b()\n    a()\n",
            {"in": "m.py", "of": "f", "code": "c()", "after": "a()", "before": "b()"},
            Outcome.DRIFTED,
            "do not follow one another",
        ),
        Refusal(
            "what others have put between the two depends on the order",
            "def f(x):\n    a()\n    x = own(x)\n    return x\n",
            {"in": "m.py", "of": "f", "code": "x = new(x)", "after": "a()", "before": "return x"},
            Outcome.DRIFTED,
            "uses x as the code does",
        ),
        Refusal(
            "nothing after it would run",
            "def f():\n    return 1\n",
            {"in": "m.py", "of": "f", "code": "b()", "at": "end"},
            Outcome.DRIFTED,
            "the body ends in a return",
        ),
        Refusal(
            "it stands there, where it never runs",
            "def f():\n    return 1\n    b()\n",
            {"in": "m.py", "of": "f", "code": "b()"},
            Outcome.DRIFTED,
            "the body ends in a return",
        ),
        Refusal(
            "both ways leave",
            "def f(x):\n    if x:\n        return 1\n    else:\n        raise E\n",
            {"in": "m.py", "of": "f", "code": "b()"},
            Outcome.DRIFTED,
            "the body ends in an if",
        ),
        Refusal(
            "a one-line suite",
            "def f():\n    if x: a()\n",
            {"in": "m.py", "of": "f", "code": "b()", "after": "a()"},
            Outcome.DRIFTED,
            "stands on the line of its header",
        ),
        Refusal(
            "joined with a semicolon",
            "def f():\n    a(); b()\n",
            {"in": "m.py", "of": "f", "code": "c()", "after": "a()"},
            Outcome.DRIFTED,
            "shares its line with another statement",
        ),
    )  # fmt: skip

    of: str = ""
    code: str
    at: Literal["", "start", "end"] = ""
    before: str = ""
    after: str = ""
    nth: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        Snippet.parse(self.code)
        if self.at and (self.before or self.after):
            raise Malformed("at", "the place is named twice", "`at`, or `before` and `after`")
        for key in ("before", "after"):
            if text := getattr(self, key):
                Pattern.parse(text, key)
        if self.nth and not (self.before or self.after):
            raise Malformed(
                "nth",
                "`nth` counts matches, and there is no pattern",
                "`before` or `after` with a pattern",
            )
        if self.nth and self.before and self.after:
            raise Malformed(
                "nth",
                "`nth` counts the matches of one pattern, and there are two",
                "one of the two",
            )
        if self.nth < 0:
            raise Malformed("nth", "`nth` counts from 1", "1 for the first match")

    def describe(self) -> str:
        place = f"at the {self.at or 'end'} of"
        if self.before or self.after:
            word = "after" if self.after else "before"
            place = f"{word} `{first_line(self.after or self.before)}` in"
        return f"add `{first_line(self.code)}` {place} {self.of or self.in_}"

    def edit(self, source: Source) -> Edit:
        doing, snippet = self.describe(), Snippet.parse(self.code)
        owner, body = scope(source, self.selected("of"), doing)
        if self.before or self.after:
            return self._beside(source, body, snippet, doing)
        if owner is not None:
            if holds(owner.body, snippet):
                return Edit()
            if (filled := fill(source, owner, snippet)) is not None:
                return filled
        elif holds(source.module, snippet):
            return Edit()
        block = (
            source.body_of(source.find(self.selected("of"))) if owner is not None else source.module
        )
        if self.at == "start":
            index = prologue(block)
            imports = index and isinstance(block, cst.Module)
            return insert(
                source,
                block,
                index,
                snippet,
                near="after" if imports or index == len(block.body) else "before",
            )
        if (end := leaving(block)) is not None:
            what = f"the body ends in {word_of(end[1])}, so nothing after it would run"
            hint = "place it with `before:` and a pattern"
            raise source.drifted(doing, what, end[1], hint=hint)
        return append(source, block, snippet)

    def _beside(
        self, source: Source, body: cst.BaseSuite | cst.Module, snippet: Snippet, doing: str
    ) -> Edit:
        """Next to the statements that the patterns select. What is in a run equal to `code` is none
        of them.
        """
        found: dict[str, list[Match]] = {}
        for word in ("after", "before"):
            if text := getattr(self, word):
                matches = list(Pattern.parse(text, word, statements=True).in_blocks(body))
                found[word] = [m for m in matches if not inside_run(m, snippet)]
                if matches and not found[word]:
                    return Edit()
        if (
            len(found) == 2
            and (edit := between_both(source, found["after"], found["before"], snippet, doing))
            is not None
        ):
            return edit
        word = min(found, key=lambda word: (len(found[word]) != 1, not found[word]))
        anchors = found[word]
        anchor = self._chosen(source, body, word, anchors, doing)
        alone = sum(m.body is anchor.body for m in anchors) == 1
        if stands(anchor, snippet, before=word == "before", anywhere=alone):
            return Edit()
        return insert_at(source, anchor, snippet, doing, before=word == "before")

    def _chosen(
        self,
        source: Source,
        body: cst.BaseSuite | cst.Module,
        word: str,
        anchors: list[Match],
        doing: str,
    ) -> Match:
        """The one match, or the one that `nth` says. Raises CannotEnsure."""
        where, pattern = (
            self.of or source.path,
            Pattern.parse(getattr(self, word), word, statements=True),
        )
        if not anchors:
            raise no_match(source, body, pattern, where, doing)
        if len(anchors) > 1 and not self.nth:
            what = f"{len(anchors)} statements in {where} match `{first_line(pattern.text)}`"
            raise source.ambiguous(
                doing,
                what,
                [m.nodes[0] for m in anchors],
                "say which with `nth`, or match more of it",
            )
        if self.nth > len(anchors):
            count = f"{len(anchors)} statement{'s' * (len(anchors) != 1)}"
            what = f"only {count} in {where} match{'es' * (len(anchors) == 1)} `{first_line(pattern.text)}`"
            raise source.missing(doing, what, [m.nodes[0] for m in anchors])
        return anchors[max(0, self.nth - 1)]
