"""ensure: wrap"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.match.metavariables import MANY, find_metavariables
from skills_engine.codemods.match.pattern import Match, Pattern
from skills_engine.codemods.match.search import no_match, scope
from skills_engine.codemods.match.template import Template
from skills_engine.codemods.operation import Example, Malformed, Refusal, SourceOperation
from skills_engine.codemods.source.blocks import extent, whole_lines
from skills_engine.codemods.source.code import Snippet, rigid_lines
from skills_engine.codemods.source.snippets import first_line
from skills_engine.codemods.source.source import Edit, Splice
from skills_engine.codemods.source.syntax import descend, flatten, units
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.codemods.source.source import Source

__all__ = ["Wrap"]

_SEND = '''\
async def send(self, chat):
    """Send."""
    # Tell them.
    await self.api.send(
        chat,
    )  # now
    text = f"""
  {chat}
"""

    log(text)
    return text
'''
_WRAPPED = '''\
async def send(self, chat):
    """Send."""
    async with lock:
        # Tell them.
        await self.api.send(
            chat,
        )  # now
        text = f"""
  {chat}
"""

        log(text)
    return text
'''
_BODY_LINE = re.compile(rf"^(?P<indent>[ \t]*){MANY}BODY\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Wrap(SourceOperation):
    """In `of` (a function or class; the module without it) the statements that match stand inside
    the wrapper.

    `statements` is a pattern for the first of them or for all; with `to`, a pattern too, everything
    from the first to that one in the same block is wrapped. `wrapper` is source in which `$BODY`,
    alone on a line, is where they go: `with lock:\\n    $BODY`. Their comments move along; the
    inside of strings stays as it is.
    """

    ensure = "wrap"
    VALID = (
        Example(
            "from one to another",
            _SEND,
            {"in": "m.py", "of": "send", "statements": "await self.api.send($_)", "to": "log($_)", "wrapper": "async with lock:\n    $BODY"},
            _WRAPPED,
        ),
        Example(
            "the same as one pattern, header only",
            _SEND,
            {"in": "m.py", "of": "send", "statements": "await self.api.send($_)\n$...\nlog($_)", "wrapper": "async with lock:"},
            _WRAPPED,
        ),
        Example(
            "in try, deeper, in a file with tabs",
            "for x in y:\n\tif x:\n\t\tf(x)\n\t\t# end\n\tg()",
            {"in": "m.py", "statements": "if x:", "wrapper": "try:\n    with a:\n        $BODY\nexcept OSError as error:\n    log(error)\n    raise"},
            "for x in y:\n\ttry:\n\t\twith a:\n\t\t\tif x:\n\t\t\t\tf(x)\n\t\t\t\t# end\n\texcept OSError as error:\n\t\tlog(error)\n\t\traise\n\tg()",
        ),
        Example(
            "the last line of a file, without its line end",
            "a = 1\nmain()",
            {"in": "m.py", "statements": "main()", "wrapper": "try:\n    $BODY\nfinally:\n    stop()"},
            "a = 1\ntry:\n    main()\nfinally:\n    stop()",
        ),
        Example(
            "the second of several",
            "f(1)\nf(2)\n",
            {"in": "m.py", "statements": "f($X)", "wrapper": "if a: $BODY", "nth": 2},
            "f(1)\nif a:\n    f(2)\n",
        ),
        Example(
            "wrapped already, further out",
            "with lock:\n    if a:\n        b()\n    else:\n        f(1)\n",
            {"in": "m.py", "statements": "f($X)", "wrapper": "with lock:\n    $BODY"},
            "with lock:\n    if a:\n        b()\n    else:\n        f(1)\n",
        ),
        Example(
            "wrapped already, with more",
            "with  lock :\n    a()\n    f(1)\n",
            {"in": "m.py", "statements": "f($X)", "wrapper": "with lock:\n    $BODY"},
            "with  lock :\n    a()\n    f(1)\n",
        ),
    )  # fmt: skip
    INVALID = (
        Refusal("nothing matches", "g(1)\n", {"in": "m.py", "statements": "f($X)", "wrapper": "if a:\n    $BODY"}, Outcome.MISSING, "nothing in m.py matches `f($X)`"),
        Refusal("several match", "f(1)\nf(2)\n", {"in": "m.py", "statements": "f($X)", "wrapper": "if a:\n    $BODY"}, Outcome.AMBIGUOUS, "2 places in m.py match"),
        Refusal("there are not that many", "f(1)\n", {"in": "m.py", "statements": "f($X)", "wrapper": "if a:\n    $BODY", "nth": 2}, Outcome.MISSING, "matches 1 time"),
        Refusal(
            "the end is in another block",
            "f(1)\nif x:\n    g()\n",
            {"in": "m.py", "statements": "f($X)", "to": "g()", "wrapper": "if a:\n    $BODY"},
            Outcome.MISSING,
            "nothing after it in the same block matches `g()`",
        ),
        Refusal(
            "several ends",
            "f(1)\ng()\ng()\n",
            {"in": "m.py", "statements": "f($X)", "to": "g()", "wrapper": "if a:\n    $BODY"},
            Outcome.AMBIGUOUS,
            "2 statements after it match `g()`",
        ),
        Refusal(
            "wrapped already, without the end",
            "if a:\n    f(1)\ng()\n",
            {"in": "m.py", "statements": "f($X)", "to": "g()", "wrapper": "if a:\n    $BODY"},
            Outcome.DRIFTED,
            "the wrapper is there, but",
        ),
        Refusal("on one line with another", "f(1); g()\n", {"in": "m.py", "statements": "f($X)", "wrapper": "if a:\n    $BODY"}, Outcome.DRIFTED, "shares its line"),
        Refusal("a one-line suite", "if x: f(1)\n", {"in": "m.py", "statements": "f($X)", "wrapper": "if a:\n    $BODY"}, Outcome.DRIFTED, "shares its line"),
    )  # fmt: skip

    of: str = ""
    statements: str
    to: str = ""
    wrapper: str
    nth: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if Pattern.parse(self.statements, "statements", statements=True).bare:
            raise Malformed(
                "statements", "the pattern matches everything", "more around the metavariable"
            )
        if self.to:
            Pattern.parse(self.to, "to", statements=True)
        if self.nth < 0:
            raise Malformed("nth", "`nth` counts from 1", "1 for the first match")
        self._wrapper()

    def describe(self) -> str:
        return f"wrap `{first_line(self.statements)}` of {self.of or self.in_} in `{first_line(self.wrapper)}`"

    def edit(self, source: Source) -> Edit:
        doing, template = self.describe(), self._wrapper()
        owner, body = scope(source, self.selected("of"), doing)
        pattern = Pattern.parse(self.statements, "statements", statements=True)
        wrapped = {
            id(within)
            for m in template.pattern.in_blocks(body)
            for node in m.bindings.get("BODY", ())
            for within in (node, *_within(node))
        }
        found = list(pattern.in_blocks(body))
        done = [m for m in found if id(m.nodes[0]) in wrapped]
        free = [m for m in found if id(m.nodes[0]) not in wrapped]
        where = self.of or source.path
        if not found:
            raise no_match(source, owner or source.module, pattern, where, doing)
        if not free:
            for match in done if self.to else ():
                if not self._ends(match):
                    what = (
                        f"the wrapper is there, but nothing in it matches `{first_line(self.to)}`"
                    )
                    raise source.drifted(doing, what, match.nodes[0])
            return Edit()
        if len(free) > 1 and not self.nth:
            what = f"{len(free)} places in {where} match `{first_line(self.statements)}`"
            hint = "say which with `nth`, or match more of it"
            raise source.ambiguous(doing, what, [m.nodes[0] for m in free], hint)
        if self.nth > len(found):
            what = f"`{first_line(self.statements)}` matches {len(found)} time{'s' * (len(found) != 1)} in {where}"
            raise source.missing(doing, what, [m.nodes[0] for m in found])
        match = found[self.nth - 1] if self.nth else free[0]
        return Edit() if match in done else self._wrapped(source, match, template, doing)

    def _wrapper(self) -> Template:
        """The wrapper, its body a `$...BODY`. A header alone is one too."""
        text = re.sub(r"\$(\.\.\.)?BODY\b", "$...BODY", self.wrapper.rstrip())
        text = text + " $...BODY" if text.endswith(":") and "$" not in text else text
        template = Template.parse(text, "wrapper", statements=True)
        right = "source with `$BODY` alone on one line"
        if [v.name for v in find_metavariables(text)] != ["BODY"]:
            raise Malformed("wrapper", "the wrapper has no $BODY, or more than that", right)
        if len(_BODY_LINE.findall(Snippet.parse(template.spelled).lines("", "    "))) != 1:
            raise Malformed("wrapper", "$BODY stands among other code", right)
        return template

    def _ends(self, match: Match) -> list[Match]:
        """The matches of `to` at or after the last of the matched statements, in their block."""
        if match.body is None:
            return []
        order = {id(unit.node): i for i, unit in enumerate(units(match.body))}
        last = order[id(match.nodes[-1])]
        ends = Pattern.parse(self.to, "to", statements=True).in_block(match.body)
        return [end for end in ends if order[id(end.nodes[-1])] >= last]

    def _wrapped(self, source: Source, match: Match, template: Template, doing: str) -> Edit:
        last = match.units[-1]
        if self.to:
            ends = self._ends(match)
            if not ends:
                what = f"nothing after it in the same block matches `{first_line(self.to)}`"
                raise source.missing(doing, what, [match.nodes[0]])
            if len(ends) > 1:
                what = f"{len(ends)} statements after it match `{first_line(self.to)}`"
                raise source.ambiguous(doing, what, [end.nodes[0] for end in ends])
            last = ends[0].units[-1]
        first, block = match.units[0], match.body
        if not (first.first and last.last and isinstance(block, cst.IndentedBlock | cst.Module)):
            hint = "put it on a line of its own first"
            raise source.drifted(
                doing, "the statement shares its line with others", first.node, hint=hint
            )
        lines = [
            next(i for i, line in enumerate(block.body) if line is unit.line)
            for unit in (first, last)
        ]
        start, end = extent(source, block, lines[0]).start, extent(source, block, lines[1]).end
        indent = source.indent_at(source.span(first.node).start)
        code = Snippet.parse(template.spelled).lines(indent, source.indent_unit)
        at = _BODY_LINE.search(code)
        assert at is not None  # noqa: S101 - the wrapper was parsed
        deeper = at["indent"].removeprefix(indent)
        rigid = frozenset().union(
            *(rigid_lines(source, block.body[i]) for i in range(lines[0], lines[1] + 1))
        )
        splices = []
        head, line = code[: at.start()], start
        while line < end:
            moves = (
                source.data[line : source.line_end(line)].strip() and source.line(line) not in rigid
            )
            if moves or head:
                splices.append(Splice(line, line, head + (deeper if moves else "")))
            head, line = "", source.line_end(line)
        if foot := code[at.end() :]:
            splices.append(whole_lines(source, end, foot))
        return Edit(tuple(splices))


def _within(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The statements in the blocks of a statement, at any depth. What a definition holds is not
    among them: it runs another time.
    """
    if isinstance(node, cst.BaseSuite):
        for block in descend(node):
            yield from flatten(block)
    elif not isinstance(node, cst.FunctionDef | cst.ClassDef | cst.BaseExpression):
        for child in node.children:
            yield from _within(child)
