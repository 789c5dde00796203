"""Which blocks of a page are run: exactly those that a reader of the rendered page sees. CommonMark
is the judge.
"""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from skills_engine.package.markdown import Fence, Heading, Prose, split
from skills_engine.package.reader import examine

OURS = "yaml codemod"
FRONT = "---\nname: x\ndescription: y\n---\n"
LINES = st.sampled_from(
    [
        f"{indent}{marks}{OURS}"
        for indent in ("", "  ", "    ", "\t", "> ", "- ")
        for marks in ("```", "~~~", "````")
    ]
    + ["```", "~~~", "````", "```python", "  ```", "    ```", "``` a`b", "`code` text"]
    + [
        "",
        "text",
        "  text",
        "    code",
        "- item",
        "1. item",
        "> quoted",
        "# Heading",
        "---",
        "===",
        "- ensure: x",
    ]
    + [
        "<!--",
        "-->",
        "<!-- c -->",
        "<div>",
        "</div>",
        "<details><summary>x</summary>",
        "<b>x</b> y",
    ]
    + ["<script>", "</script>", "<pre>", "</pre>", "<?php", "?>", "<!X", "<![CDATA[", "]]>"]
)


@given(st.lists(LINES, max_size=9).map("\n".join))
@settings(max_examples=500, deadline=None)
@example("<!--\n```yaml codemod\n- a\n```\n-->")
@example("- item\n  ```\n\n```yaml codemod\n- a\n```")
@example("- item\n\t```yaml codemod\n===")
def test_a_block_is_run_if_it_is_seen_or_else_it_is_a_mistake(body: str) -> None:
    page = FRONT + body
    run = {
        block.line: block.text
        for block in split(page).blocks()
        if isinstance(block, Fence) and block.info == OURS and not block.indent
    }
    first = FRONT.count("\n") + 1
    seen = {
        token.map[0] + first: token.content
        for token in MarkdownIt("commonmark").parse(body)
        if token.type == "fence" and token.info.strip() == OURS and token.map
    }
    mistakes = {
        problem.line
        for problem in examine("x", {"SKILL.md": page.encode()}).problems
        if "is not run" in problem.message or "nothing closes" in problem.message
    }
    for line in run.keys() | seen.keys():
        # Behind a block that nothing closes, nothing is certain; the package is refused for it.
        assert run.get(line) == seen.get(line) or min(mistakes, default=line + 1) <= line


def test_headings_and_prose() -> None:
    page = split(
        "# One #\n\n\nText\nmore\n\nTwo\nlines\n-----\n#no heading\n##\n- item\n---\n\n  ###  Three\n<!-- c -->\nlast\n"
    )
    assert page.frontmatter is None
    assert list(page.blocks())[:3] == [
        Heading(1, "One"),
        Prose(4, "Text\nmore"),
        Heading(7, "Two lines"),
    ]
    assert [(b.line, b.title) for b in page.blocks() if isinstance(b, Heading)] == [
        (1, "One"),
        (7, "Two lines"),
        (11, ""),
        (15, "Three"),
    ]
    assert [(b.line, b.text) for b in page.blocks() if isinstance(b, Prose)][1:] == [
        (10, "#no heading"),
        (12, "- item\n---"),
        (17, "last"),
    ]


def test_a_fence_takes_its_indentation_and_its_marks_with_it() -> None:
    [fence] = split("  ````x y\n    a\n b\n```\n  `````  \n").blocks()
    assert isinstance(fence, Fence)
    assert (fence.info, fence.text, fence.closed, fence.indent) == ("x y", "  a\nb\n```\n", True, 2)
