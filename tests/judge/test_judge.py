"""The judge of clean merges: results broken on purpose, each by a law's kind, and right ones."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from pairs.run import graded, merged, pairs

from skills_engine.judge import doubt, doubts

BASE = '''\
import os
from shop import Thing


class Box(Thing):
    # what it holds
    size = 3

    def open(self, key, loud=False):
        """Open it."""
        first = self.find(key, 1)
        second = first.turn(os.sep, limit=2)
        if second:
            self.tell(first, second)
        return [first, second, third]
'''
OURS = BASE.replace("limit=2", "limit=2, log=1").replace("size = 3", "size = 3\n    color = RED")
THEIRS = BASE.replace("self.tell(first", "self.tell(Note(first)").replace(
    "from shop", "from json import dumps\nfrom shop"
).replace("Open it.", "Open it, with dumps.").replace("return [first", "return dumps([first").replace(
    "third]", "third])"
)  # fmt: skip
RIGHT = THEIRS.replace("limit=2", "limit=2, log=1").replace("size = 3", "size = 3\n    color = RED")

BROKEN = {
    "an edit of ours is gone": ("tok", RIGHT.replace(", log=1", "")),
    "an edit of theirs is gone": ("tok", RIGHT.replace("Note(first)", "first")),
    "a line of ours is gone": ("tok", RIGHT.replace("    color = RED\n", "")),
    "a line stands twice": ("tok", RIGHT.replace("    size = 3\n", "    size = 3\n    size = 3\n")),
    "an argument in another call": (
        "edge",
        RIGHT.replace(", log=1)", ")").replace("self.find(key, 1", "self.find(key, 1, log=1"),
    ),
    "arguments in another order": ("pair", RIGHT.replace("key, 1)", "1, key)")),
    "elements in another order": ("pair", RIGHT.replace("first, second, third", "second, first, third")),
    "statements in another order": (
        "order",
        re.sub(r"( +first = .*\n)( +second = .*\n)", r"\2\1", RIGHT),
    ),
    "a comment is gone": ("com", RIGHT.replace("    # what it holds\n", "")),
    "a comment in another definition": (
        "com",
        RIGHT.replace("    # what it holds\n", "").replace("    first =", "    # what it holds\n        first ="),
    ),
    "an import is gone": ("imp", RIGHT.replace("from json import dumps\n", "")),
    "an import that nobody wrote": ("imp", RIGHT.replace("import os\n", "import os\nimport sys\n")),
    "an import is gone that the other side's addition reads": (
        "var",
        RIGHT.replace("import os\n", ""),
    ),
    "what used a name is gone": ("dead", RIGHT.replace("dumps([", "([").replace("with dumps", "so")),
    "a text that does not parse": ("syntax", RIGHT.replace("    if second:", "    if second")),
}  # fmt: skip


def laws(base: str, ours: str, theirs: str, result: str, path: str = "m.py") -> set[str]:
    return {each.law for each in doubts(path, base, ours, theirs, result)}


def test_a_right_result_is_believed() -> None:
    assert laws(BASE, OURS, THEIRS, RIGHT) == set()
    assert laws(BASE, THEIRS, OURS, RIGHT) == set()


@pytest.mark.parametrize("what", BROKEN)
def test_each_law_sees_its_kind(what: str) -> None:
    law, result = BROKEN[what]
    assert result != RIGHT
    assert law in laws(BASE, OURS, THEIRS, result)
    assert law in laws(BASE, THEIRS, OURS, result)


SAVE = "def save(rows):\n    one(rows)\n    two(rows)\n"
CHECKED = "def save(rows):\n    one(rows)\n    check(rows)\n    two(rows)\n"
WRITES = "    write_all(rows, again=True)\n"
MOVED = f"def save(rows):\n    open_all(rows, again=True)\n    sort_all(rows, again=True)\n{WRITES}"
NEIGHBOURS = {
    "an addition falls out of what was wrapped around its neighbours": (
        "anchor",
        SAVE,
        CHECKED,
        "def save(rows):\n    with lock:\n        one(rows)\n        two(rows)\n",
        "def save(rows):\n    with lock:\n        one(rows)\n        two(rows)\n    check(rows)\n",
    ),
    "an addition whose neighbours were deleted": (
        "anchor",
        SAVE,
        CHECKED,
        "def save(rows):\n    rows.clear()\n    return rows\n",
        "def save(rows):\n    rows.clear()\n    check(rows)\n    return rows\n",
    ),
    "an addition goes along with what was moved before what it stood behind": (
        "order",
        MOVED,
        MOVED.replace("    write_all", "    check_all(rows, again=True)\n    write_all"),
        MOVED.replace(WRITES, "").replace("    open_all", f"{WRITES}    open_all"),
        MOVED.replace(WRITES, "").replace(
            "    open_all", f"    check_all(rows, again=True)\n{WRITES}    open_all"
        ),
    ),
    "an addition goes along into what was wrapped around one of its neighbours": (
        "anchor",
        SAVE,
        CHECKED,
        "def save(rows):\n    try:\n        one(rows)\n    finally:\n        close()\n    two(rows)\n",
        "def save(rows):\n    try:\n        one(rows)\n        check(rows)\n    finally:\n        close()\n    two(rows)\n",
    ),
    "an argument lands in the call that replaced its own": (
        "place",
        "def fit(key):\n    return Robot(key=key, size=3)\n",
        "def fit(key):\n    return Robot(key=key, size=3, log=True)\n",
        "def fit(key):\n    return load(key)\n",
        "def fit(key):\n    return load(key, log=True)\n",
    ),
    "one statement that both added runs twice": (
        "twice",
        "def go(x):\n    a(x)\n    if x:\n        b(x)\n    c(x)\n",
        "def go(x):\n    a(x)\n    if x:\n        x = fix(x, again=True)\n        b(x)\n    c(x)\n",
        "def go(x):\n    a(x)\n    x = fix(x, again=True)\n    if x:\n        b(x)\n    c(x)\n",
        "def go(x):\n    a(x)\n    x = fix(x, again=True)\n    if x:\n        x = fix(x, again=True)\n        b(x)\n    c(x)\n",
    ),
    "a wrapper takes the argument of what it wraps": (
        "edge",
        "def run(a):\n    x = f(a)\n",
        "def run(a):\n    x = f(a, k=1)\n",
        "def run(a):\n    x = g(f(a), n=1)\n",
        "def run(a):\n    x = g(f(a), n=1, k=1)\n",
    ),
    "an argument that was deleted is back in the wrapper": (
        "tok",
        "def run(a, b):\n    x = f(a, b)\n",
        "def run(a, b):\n    x = f(a)\n",
        "def run(a, b):\n    x = g(f(a, b))\n",
        "def run(a, b):\n    x = g(f(a, b))\n",
    ),
    "a reordering is lost": (
        "stmt",
        "def run(a):\n    x = f(a, j=1, k=2)\n",
        "def run(a):\n    x = f(a, k=2, j=1)\n",
        "def run(a):\n    x = w(f(a, j=1, k=2))\n",
        "def run(a):\n    x = w(f(a, j=1, k=2))\n",
    ),
    "an addition stands before what it stood behind": (
        "pair",
        "def run(a, b):\n    return (a, b)\n",
        "def run(a, b):\n    return (b, a)\n",
        "def run(a, b):\n    return (a, b, c)\n",
        "def run(a, b):\n    return (b, c, a)\n",
    ),
    "two variables get one name": (
        "var",
        "def run():\n    a = f()\n    b = g()\n    return a, b\n",
        "def run():\n    x = f()\n    b = g()\n    return x, b\n",
        "def run():\n    a = f()\n    x = g()\n    return a, x\n",
        "def run():\n    x = f()\n    x = g()\n    return x, x\n",
    ),
    "a variable that the other side still reads is called otherwise": (
        "var",
        "def run(a):\n    f()\n    g()\n    return a\n",
        "def run(b):\n    f()\n    g()\n    return b\n",
        "def run(a):\n    f(a)\n    g()\n    return a\n",
        "def run(b):\n    f(a)\n    g()\n    return b\n",
    ),
    "a handler's name hides what the other side reads": (
        "var",
        "def run():\n    try:\n        f()\n    except E:\n        pass\n    return 1\n",
        "def run():\n    try:\n        f()\n    except E as e:\n        log(e)\n    return 1\n",
        "def run():\n    try:\n        f()\n    except E:\n        pass\n    return e\n",
        "def run():\n    try:\n        f()\n    except E as e:\n        log(e)\n    return e\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NEIGHBOURS)
def test_what_a_side_wrote_keeps_its_place(what: str) -> None:
    law, base, ours, theirs, result = NEIGHBOURS[what]
    assert law in laws(base, ours, theirs, result)
    assert law in laws(base, theirs, ours, result)


def test_what_is_added_in_two_definitions_alike_stays_in_each() -> None:
    base = "def a(x):\n    one(x)\n    two(x)\n\n\ndef b(x):\n    one(x)\n    two(x)\n"
    ours = base.replace("    two(x)\n", "    if x:\n        log(x, again=True)\n    two(x)\n")
    theirs = base + "\n\ndef c(x): ...\n"
    assert not laws(base, ours, theirs, ours + "\n\ndef c(x): ...\n")


def test_an_addition_stays_where_what_it_stood_below_was_moved_away() -> None:
    writes = MOVED.replace(WRITES, f"    check_all(rows, again=True)\n{WRITES}")
    opens = "    open_all(rows, again=True)\n"
    ours = MOVED.replace(opens, "") + opens
    theirs = MOVED.replace(opens, f"{opens}    check_all(rows, again=True)\n")
    result = writes.replace("    check_all(rows, again=True)\n", "").replace(
        opens, "    check_all(rows, again=True)\n"
    )
    assert not laws(MOVED, ours, theirs, result + opens)


def test_a_comment_belongs_to_the_definition_that_it_is_indented_as() -> None:
    base = "class A:\n    def go(self):\n        pass\n\n    x = 1\n"
    ours = base.replace("        pass\n", "        # TODO: more\n        pass\n")
    theirs = base.replace("        pass\n", '        """Go."""\n')
    right = base.replace("        pass\n", '        """Go."""\n        # TODO: more\n')
    assert laws(base, ours, theirs, right) == set()
    assert laws(base, ours, theirs, right.replace("        # TODO", "    # TODO")) == {"com"}
    assert laws(base, ours, theirs, theirs) == {"com"}


def test_a_text_of_several_lines_is_counted_line_by_line() -> None:
    base = 'x = go("""\none\ntwo\nthree\nfour\n""")\n'
    ours, theirs = base.replace("one", "1"), base.replace("four", "4")
    assert laws(base, ours, theirs, ours.replace("four", "4")) == set()
    assert "tok" in laws(base, ours, theirs, theirs)


def test_a_definition_that_was_renamed_or_moved_keeps_its_facts() -> None:
    base = "def work(rows):\n    for row in rows:\n        row.save(again=True)\n    return rows\n"
    renamed = base.replace("def work", "def store")
    edited = base.replace("again=True", "again=True, log=1")
    assert not laws(base, renamed, edited, edited.replace("def work", "def store"))
    assert laws(base, renamed, edited, renamed)


def test_a_version_that_does_not_parse_allows_no_judgement() -> None:
    assert not laws(BASE, OURS + ")", THEIRS, "nothing of it")


def test_a_doubt_says_what_and_where() -> None:
    result = RIGHT.replace("Note(first)", "first")
    assert doubt("m.py", BASE, OURS, THEIRS, result) == "Note would be lost in Box.open"


# --- right answers of real code, broken word by word


@pytest.mark.slow
def test_what_is_right_passes_and_a_word_less_or_more_does_not() -> None:
    rng, seen, tried = random.Random(7), 0, 0  # noqa: S311
    for pair in pairs(seed=11, count=150):
        answer = merged(pair.base, pair.ours, pair.theirs)
        if graded(pair, answer) != "right":
            continue
        text = answer.data.decode()
        texts = (pair.base, pair.ours, pair.theirs)
        assert not list(doubts("m.py", *texts, text)), pair.kinds
        for broken in _mutations(rng, text):
            tried += 1
            seen += bool(list(doubts("m.py", *texts, broken)))
    assert tried > 120
    assert seen >= 0.95 * tried


def _mutations(rng: random.Random, text: str) -> list[str]:
    """A name that is another one, a line that is gone, a line twice."""
    rows = text.split("\n")
    plain = [
        at
        for at, row in enumerate(rows)
        if re.fullmatch(r" +[\w.]+(\(.*\)| = [^\"'\[{(]+)", row) and row.strip() != "pass"
    ]
    if not plain:
        return []
    at = rng.choice(plain)
    names = re.findall(r"\b[a-z_]{3,}\b", rows[at])
    out = ["\n".join([*rows[:at], rows[at], *rows[at:]])]
    if names:
        out.append(
            "\n".join([*rows[:at], rows[at].replace(names[-1], "mistaken", 1), *rows[at + 1 :]])
        )
    return [one for one in out if _parses(one)]


def _parses(text: str) -> bool:
    try:
        compile(text, "m.py", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


LONG = """\
class Box(Thing, Other):
    @cached
    def open(self, key: int, word: str = "x", *, loud=False):
        # look first
        first = self.find(key - word, slow=1, fast=2)
        # then turn
        for item in first.turn(1).shake(2):
            if item is None:
                break
        else:
            self.tell("none")
        with open(a) as c, open(b) as d:
            c.copy(d)  # type: ignore
        rows = [x for x in table if x for y in rows[1:2] if y]
        self.name = f"{key}:{item:>3}"
        left, right = right, left
        self.last = one if key else two
        return {"a": one, **rest}

    async def wait(self, key):
        if key > 3:
            self.lock(key)
        elif not key:
            self.leave()
        async for each in self.all():
            await each
"""
ELSEWHERE = {
    "a comment behind another line": ("d)  # type: ignore\n", "d)\n", "left\n", "left  # type: ignore\n"),
    "comments exchanged": ("# look first", "# then", "# then turn", "# look first", "# then\n", "# then turn\n"),
    "a keyword that may be given by place": ('"x", *, loud', '"x", loud'),
    "contexts in another order": ("open(a) as c, open(b) as d", "open(b) as d, open(a) as c"),
    "contexts called otherwise": ("open(a) as c, open(b) as d", "open(a) as d, open(b) as c"),
    "parts of a text exchanged": ("{key}:{item:>3}", "{item:>3}:{key}"),
    "a format that is gone": ("{item:>3}", "{item}"),
    "operands exchanged": ("key - word", "word - key"),
    "a decorator of another function": ("    @cached\n", "", "    async", "    @cached\n    async"),
    "types exchanged": ("key: int, word: str", "key: str, word: int"),
    "calls in another order": (".turn(1).shake(2)", ".shake(2).turn(1)"),
    "an else that is none any more": ('        else:\n            self.tell', '        if 1:\n            self.tell'),
    "an elif that is an if": ("elif not key", "if not key"),
    "a condition of another loop": ("if x for y in rows[1:2] if y", "for y in rows[1:2] if x if y"),
    "a slice that is none": ("rows[1:2]", "rows[1, 2]"),
    "targets exchanged": ("left, right = right, left", "right, left = right, left"),
    "branches exchanged": ("one if key else two", "two if key else one"),
    "a spread before what it overrides": ('"a": one, **rest', '**rest, "a": one'),
    "bases exchanged": ("Thing, Other", "Other, Thing"),
    "a loop that does not wait": ("async for", "for"),
}  # fmt: skip


@pytest.mark.parametrize("what", ELSEWHERE)
@pytest.mark.parametrize("near", [False, True])
def test_what_nobody_touched_stays_as_it_is(what: str, *, near: bool) -> None:
    """Also where both sides changed something beside it."""
    ours, theirs = LONG + "\n\nOURS = 1\n", "import theirs\n\n\n" + LONG
    right = "import theirs\n\n\n" + LONG + "\n\nOURS = 1\n"
    if near:
        ours, right = (
            text.replace("        left,", "        ours()\n        left,").replace("lock(", "ours(")
            for text in (ours, right)
        )
        theirs, right = (
            text.replace('"none"', '"theirs"').replace("self.leave()", "self.theirs()")
            for text in (theirs, right)
        )
    assert not laws(LONG, ours, theirs, right)
    result = right
    for old, new in zip(ELSEWHERE[what][::2], ELSEWHERE[what][1::2], strict=True):
        assert old in result
        result = result.replace(old, new, 1)
    compile(result, "m.py", "exec")
    assert laws(LONG, ours, theirs, result)
    assert laws(LONG, theirs, ours, result)


# --- data

JSON = '{"a": 1, "b": {"c": [1, 2]}, "d": 2}'
TOML = "# head\na = 1\nd = 2\n[b]\nc = [1, 2]  # row\n"
YAML = "# head\na: 1\nb:\n  c: [1, 2]\nd: 2\n"


@pytest.mark.parametrize(("path", "base"), [("m.json", JSON), ("m.toml", TOML), ("m.yaml", YAML)])
def test_data_is_judged_by_paths_and_values(path: str, base: str) -> None:
    ours = base.replace("2]", "2, 3]")
    theirs = re.sub(r"(a\"?(?: =|:)) 1", r"\1 7", base)
    right = theirs.replace("2]", "2, 3]")
    assert theirs != base
    assert not laws(base, ours, theirs, right, path)
    assert laws(base, ours, theirs, ours, path) == {"edge"}
    assert laws(base, ours, theirs, theirs, path) == {"edge"}
    assert "order" in laws(base, ours, theirs, right.replace("1, 2, 3", "2, 1, 3"), path)
    assert "edge" in laws(base, ours, theirs, right.replace("1, 2", "1, 1, 2"), path)
    assert laws(base, ours, theirs, right + "]", path) == {"syntax"}
    if "# head" in base:
        assert laws(base, ours, theirs, right.replace("# head\n", ""), path) == {"com"}


def test_a_variable_that_the_module_has_now_is_bound() -> None:
    base = "def run():\n    a = f()\n    g()\n    return a\n"
    ours = "a = f()\n\n\ndef run():\n    g()\n    return a\n"
    theirs = base.replace("g()", "g(a)")
    assert not laws(base, ours, theirs, ours.replace("g()", "g(a)"))


@pytest.mark.parametrize(("path", "base"), [
    ("m.yaml", "run: |\n  one\n  two\n  three\n  four\n"),
    ("m.toml", 'run = """\none\ntwo\nthree\nfour"""\n'),
])  # fmt: skip
def test_a_text_of_several_lines_is_judged_by_its_lines(path: str, base: str) -> None:
    ours, theirs = base.replace("one", "uno"), base.replace("four", "four {4}")
    right = ours.replace("four", "four {4}")
    assert not laws(base, ours, theirs, right, path)
    assert laws(base, ours, theirs, right.replace("two", "too"), path) == {"edge"}
    assert laws(base, ours, theirs, ours, path) == {"edge"}
    turned = right.replace("two", "x").replace("three", "two").replace("x", "three")
    assert "order" in laws(base, ours, theirs, turned, path)


@pytest.mark.parametrize("path", ["m.json", "m.yaml"])
def test_a_key_that_is_there_twice_is_judged_twice(path: str) -> None:
    base = '{"a": 1,\n"a": 2,\n"b": 3}\n'
    ours, theirs = base.replace("1", "4"), base.replace("3", "5")
    assert not laws(base, ours, theirs, ours.replace("3", "5"), path)
    assert laws(base, ours, theirs, theirs, path) == {"edge"}


def test_an_anchor_that_is_used_again_for_another_node() -> None:
    base = "a: &x 1\nb: *x\n"
    ours, theirs = base.replace("b:", "c: &x 2\nb:"), base + "d: *x\n"
    assert laws(base, ours, theirs, ours + "d: *x\n", "m.yaml") == {"edge"}


def test_the_judge_imports_nothing_of_what_it_judges() -> None:
    for file in Path(__file__).parents[2].glob("skills_engine/judge/*.py"):
        for found in re.findall(r"skills_engine\.(\w+)", file.read_text(encoding="utf-8")):
            assert found in {"judge", "syntax"}, file  # Python's own tree of a text


def test_what_both_took_away_alike_counts_once_whatever_else_they_did() -> None:
    """Both delete one line; ours writes the word anew at another place."""
    base = "def f(a):\n    self_check(a, word)\n    one(a)\n    two(a)\n    return three(a)\n"
    gone = base.replace("    self_check(a, word)\n", "")
    ours = gone.replace("return three(a)", "return three(a, word)")
    theirs = gone.replace("one(a)", "one(a, 1)")
    result = ours.replace("one(a)", "one(a, 1)")
    assert not list(doubts("m.py", base, ours, theirs, result))
    twice = result.replace("two(a)", "two(a, word)")
    assert {doubt.law for doubt in doubts("m.py", base, ours, theirs, twice)} >= {"tok"}


def test_a_definition_that_both_took_away_may_be_a_name_of_something_else() -> None:
    base = "def old():\n    return 1\n\n\ndef new():\n    return 2\n"
    ours = base[base.index("def new") :]
    theirs = f"{ours}\n\nold = new\n"
    assert not doubt("m.py", base, ours.replace("2", "3"), theirs, theirs.replace("2", "3"))
    assert doubt("m.py", base, ours, theirs, f"{theirs}old = new\n")
