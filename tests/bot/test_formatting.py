"""Markdown as it is read, its marks, and its pieces."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from bot.formatting import Rich, Span, marked, parse, utf16
from bot.splitting import split

WHATSAPP = {"bold": "*", "italic": "_", "strike": "~", "code": "`", "pre": "```"}


@pytest.mark.parametrize(
    ("markdown", "text", "spans"),
    [
        ("plain", "plain", []),
        ("a **b** c", "a b c", [("bold", "b")]),
        (
            "__b__ and *i* and ~~s~~",
            "b and i and s",
            [("bold", "b"), ("italic", "i"), ("strike", "s")],
        ),
        ("*it **bo** it*", "it bo it", [("italic", "it bo it"), ("bold", "bo")]),
        ("`a*b*c`", "a*b*c", [("code", "a*b*c")]),
        ("# Head **x**", "Head x", [("bold", "Head x")]),
        ("[w](https://a.b/c_(d))", "w", [("link", "w")]),
        ("<https://a.b>", "https://a.b", [("link", "https://a.b")]),
        ("![cat](https://a.b/c.png)", "cat", [("link", "cat")]),
        ("[](https://a.b)", "https://a.b", [("link", "https://a.b")]),
        ('[w](https://a.b "t")', "w (t)", [("link", "w")]),
        ("[w](docs/x.md)", "w (docs/x.md)", []),
        ("[w](javascript:alert(1))", "[w](javascript:alert(1))", []),
        ("[to do]: call", "[to do]: call", []),
        ("<b>x</b> & &amp;", "<b>x</b> & &", []),
        ("```py\nif x:\n    y\n```", "if x:\n    y", [("pre", "if x:\n    y")]),
        ("~~~\na\n~~~", "a", [("pre", "a")]),
        ("```py title\nx\n```", "py title\nx", [("pre", "x")]),
        ("```hello world", "hello world", []),
        ("```\nunclosed", "unclosed", [("pre", "unclosed")]),
        ("    four\nnone", "    four\nnone", [("pre", "    four")]),
        (
            "def f():\n    return 1\n    # no heading",
            "def f():\n    return 1\n    # no heading",
            [],
        ),
        ("  two\n   three", "  two\n   three", []),
        ("- a\n  - b\n    c\n- d", "• a\n  • b\n    c\n• d", []),
        ("1. a\n\n   b\n2. c", "1. a\n\n   b\n2. c", []),
        ("1986. A year", "1986. A year", []),
        ("- ```\n  x\n   y\n  ```", "• x\n y", [("pre", "x\n y")]),
        ("> a\n> b\n\nc", "a\nb\n\nc", [("quote", "a\nb")]),
        ("> a\n> > b", "a\n> b", [("quote", "a\n> b")]),
        ("a\n\n---\nb", "a\n\n———\nb", []),
        ("| a | b |\n|---|---|\n| 1 | [w](https://x.y) |", None, []),
        ("**open", "**open", []),
        ("a\r\nb", "a\nb", []),
    ],
)
def test_what_is_read_and_its_marks(
    markdown: str, text: str | None, spans: list[tuple[str, str]]
) -> None:
    rich = parse(markdown)
    if text is None:
        text = "a | b\n--+----------------\n1 | w (https://x.y)"
        spans = [("pre", text)]
    assert rich.text == text
    assert [(span.kind, rich.text[span.start : span.end]) for span in rich.spans] == spans


def test_a_link_has_its_address_and_code_its_language() -> None:
    rich = parse("[w](https://a.b)\n```py\nx\n```")
    assert rich == Rich("w\nx", (Span("link", 0, 1, "https://a.b"), Span("pre", 2, 3, "py")))


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("# H\n**b** *i* ~~s~~ `c`", "*H*\n*b* _i_ ~s~ `c`"),
        ("*it **bo** it*", "_it *bo* it_"),
        ("**two\nlines**", "*two*\n*lines*"),
        ("[w](https://a.b) <https://a.b> <a@b.c>", "w (https://a.b) https://a.b a@b.c"),
        ("```py\nx\n  y\n```", "```\nx\n  y\n```"),
        ("> a\n> **b**\n\nc", "> a\n> *b*\n\nc"),
        ("- **a**\n- b", "• *a*\n• b"),
    ],
)
def test_marks_of_a_messenger(markdown: str, shown: str) -> None:
    assert marked(parse(markdown), WHATSAPP) == shown


def test_deep_nesting_is_read_all_the_same() -> None:
    for depth in (50, 250, 5000):
        assert "end" in parse(">" * depth + " end").text
        assert (
            "end" in parse("".join("  " * n + "- x\n" for n in range(min(depth, 250))) + "end").text
        )
        assert "end" in parse("[" * depth + "end").text


@pytest.mark.parametrize(
    ("text", "longest", "pieces"),
    [
        ("", 10, []),
        (" \n ", 10, []),
        ("short", 10, ["short"]),
        ("exactly 10", 10, ["exactly 10"]),
        ("    four\nnone", 20, ["    four\nnone"]),
        ("one two three", 10, ["one two", "three"]),
        ("line 1\nline 2 x", 12, ["line 1", "line 2 x"]),
        ("line 1\n   line 2 x", 14, ["line 1", "   line 2 x"]),
        ("a b\n\nd e f g h", 12, ["a b\n\nd e f g", "h"]),
        ("a b c d\n\ne f g", 12, ["a b c d", "e f g"]),
        ("abcdefghijklm", 5, ["abcde", "fghij", "klm"]),
        ("😀" * 5, 4, ["😀😀", "😀😀", "😀"]),
        ("a" + "😀" * 3, 4, ["a😀", "😀😀"]),
        (
            "```py\na = 1\n  b = 2\nc = 3\n```",
            24,
            ["```py\na = 1\n  b = 2\n```", "```py\nc = 3\n```"],
        ),
        ("|a|b|\n|-|-|\n|1|2|\n|3|4|\n|5|6|", 20, None),
    ],
)
def test_a_text_is_split_at_the_best_border(
    text: str, longest: int, pieces: list[str] | None
) -> None:
    if pieces is None:
        head = "|a|b|\n|-|-|\n"
        pieces = [f"{head}|1|2|", f"{head}|3|4|", f"{head}|5|6|"]
    assert split(text, longest) == pieces


WORD = st.text("abcxyz", min_size=1, max_size=8)
PLAIN = st.sampled_from(
    ["äöü", "日本語です", "👨‍👩‍👧", "a_b", "2 * 3", "<b>", "&", "C:\\x", "#1", "1.", "-"]
)
INLINE = st.one_of(
    WORD,
    WORD,
    PLAIN,
    WORD.map(lambda w: f"**{w}**"),
    WORD.map(lambda w: f"*{w}*"),
    WORD.map(lambda w: f"`{w}`"),
    WORD.map(lambda w: f"[{w}](https://{w}.org)"),
)
LINE = st.lists(INLINE, min_size=1, max_size=12).map(" ".join)
BLOCK = st.one_of(
    st.lists(LINE, min_size=1, max_size=4).map("\n".join),
    LINE.map(lambda line: f"## {line}"),
    st.lists(LINE, min_size=1, max_size=5).map(lambda lines: "\n".join(f"- {x}" for x in lines)),
    st.lists(LINE, min_size=1, max_size=5).map(lambda lines: "\n".join(f"> {x}" for x in lines)),
    st.tuples(st.sampled_from(["```", "~~~", "````"]), st.lists(LINE, max_size=30)).map(
        lambda code: "\n".join([f"{code[0]}py", *(f"    {x}" for x in code[1]), code[0]])
    ),
    st.lists(st.tuples(WORD, WORD), min_size=1, max_size=9).map(
        lambda rows: "\n".join(["| p | q |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)])
    ),
)
DOCUMENT = st.lists(BLOCK, min_size=1, max_size=8).map("\n\n".join)


def letters(text: str) -> str:
    return "".join(character for character in text if character.isalpha())


@given(DOCUMENT)
@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_nothing_of_a_text_is_lost_and_spans_are_within_it(markdown: str) -> None:
    rich = parse(markdown)
    written = re.sub(
        r"\]\(https://\w+\.org\)", "", re.sub(r"^(```+|~~~)py$", "", markdown, flags=re.MULTILINE)
    )
    if "](" not in re.sub(
        r"^\|.*|^    .*", "", markdown, flags=re.MULTILINE
    ):  # code keeps links as text
        assert letters(rich.text).replace("httpsorg", "") or not letters(written)
    for word in re.findall(r"[a-z]+", written):
        assert word in rich.text
    for span in rich.spans:
        assert 0 <= span.start < span.end <= len(rich.text)
    for one in rich.spans:
        for other in rich.spans:
            assert not one.start < other.start < one.end < other.end, "spans nest"
    shown = marked(rich, WHATSAPP)
    assert all(word in shown for word in re.findall(r"[a-z]+", written))


@given(DOCUMENT, st.integers(40, 200))
@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate])
@example("```\n" + "x = 1\n" * 40 + "```", 60)
@example("| a | b |\n|---|---|\n" + "| 1 | a long cell |\n" * 20, 80)
def test_every_piece_fits_is_readable_alone_and_nothing_is_lost(markdown: str, most: int) -> None:
    pieces = split(markdown, most, lambda piece: parse(piece).text)
    for piece in pieces:
        assert piece.strip()
        assert max(utf16(piece), utf16(parse(piece).text)) <= most
        fences = re.findall(r"^(?:```+|~~~)", piece, flags=re.MULTILINE)
        assert len(fences) % 2 == 0, piece
    if not re.search(
        r"^(```|~~~|\|)", markdown, flags=re.MULTILINE
    ):  # what is repeated about a cut
        assert "".join("".join(pieces).split()) == "".join(markdown.split())
    code = [piece for piece in pieces if "    " in piece]
    for line in re.findall(r"^    .*$", markdown, flags=re.MULTILINE):
        assert utf16(line) + 16 > most or any(line in piece.split("\n") for piece in code), line


MARKUP = [
    "*",
    "**",
    "_",
    "`",
    "```",
    "~~~",
    "~~",
    "\n",
    "\n\n",
    " ",
    "    ",
    "- ",
    "1. ",
    "> ",
    "#",
]
MARKUP += ["|", "|-|\n", "[", "](", "http://a.c", ")", "!", "<i>", "&amp;", "\\", "a", "word", "ü"]
MARKUP += ["日本", "👨‍👩‍👧", "\u200d", "\t", "\0", "\r\n", "---\n", "===\n", "\u2028", "\ufeff"]


@given(st.lists(st.sampled_from(MARKUP), max_size=80).map("".join), st.integers(8, 60))
@settings(max_examples=200, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_whatever_is_written_fits_and_keeps_its_letters(text: str, most: int) -> None:
    rich = parse(text)
    assert all(0 <= span.start < span.end <= len(rich.text) for span in rich.spans)
    assert marked(rich, WHATSAPP) or not rich.text
    pieces = split(text, most, lambda piece: parse(piece).text)
    assert all(piece.strip() and utf16(piece) <= most for piece in pieces)
    sent = iter(letters("".join(pieces)))
    assert all(letter in sent for letter in letters(text)), "in order; fences may be repeated"


def test_what_is_shown_longer_than_it_is_written_fits_too() -> None:
    table = "|a|b|\n|-|-|\n" + f"|{'x' * 30}|y|\n" + "|1|2|\n" * 20
    pieces = split(table, 120, lambda piece: parse(piece).text)
    assert len(pieces) > 2
    assert all(utf16(parse(piece).text) <= 120 for piece in pieces)


@pytest.mark.parametrize(
    "text", ["|a|b|\n|-|-|\n" + "|\n" * 1_500, "![" * 6_000, "x" * 9_000, "`" * 9_000]
)
def test_a_piece_is_rendered_a_few_times_whatever_it_is_made_of(text: str) -> None:
    shown: list[str] = []
    pieces = split(text, 4_096, lambda piece: shown.append(piece) or parse(piece).text)  # type: ignore[func-returns-value]
    assert len(shown) < 40 * len(pieces)


def test_a_paragraph_of_brackets_is_shown_as_it_is() -> None:
    """The parser would read on to its end from each of them: minutes, where others wait."""
    text = "![" * 50_000
    assert parse(text) == Rich(text)
    links = "\n\n".join(["[a](https://example.org)"] * 500)
    assert len(parse(links).spans) == 500


def test_the_parser_is_loaded_by_the_first_reply_only() -> None:
    code = "import sys, bot.run; sys.exit('markdown_it' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
