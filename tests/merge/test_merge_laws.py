"""The laws of the merge, on generated modules, edits of an owner and additions of a skill.

`GRAFTBOT_LAW_EXAMPLES` says how many examples a law gets (100 if unset).
"""

from __future__ import annotations

import ast
import io
import os
import re
import tokenize
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import TypeVar

from harness.merge_examples import (
    NAMES,
    Module,
    Part,
    Tape,
    added,
    at,
    edited,
    forks,
    modules,
    places,
    put,
    tapes,
    text,
)
from hypothesis import HealthCheck, assume, given, settings

from skills_engine.merge import Merged, Region, merge_file
from skills_engine.merge.python import language as python

T = TypeVar("T")
laws = settings(
    max_examples=int(os.environ.get("GRAFTBOT_LAW_EXAMPLES", "100")),
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
    ],
)


# --- a line merge as git's is: changes that touch conflict


def lines(base: bytes, ours: bytes, theirs: bytes) -> Merged:
    b, o, t = (data.splitlines(keepends=True) for data in (base, ours, theirs))
    changes = sorted(
        (start, end, side, there)
        for side, other in ((0, o), (1, t))
        for tag, start, end, low, high in SequenceMatcher(
            None, b, other, autojunk=False
        ).get_opcodes()
        if tag != "equal"
        for there in [tuple(other[low:high])]
    )
    out: list[bytes] = []
    at = 0
    for k, (start, end, _, there) in enumerate(changes):
        if k and start <= changes[k - 1][1]:
            if changes[k - 1][:2] + changes[k - 1][3:] == (start, end, there):
                continue
            return Merged(ours, (Region(1, base, ours, theirs, "the same lines"),), "lines")
        out += [*b[at:start], *there]
        at = end
    return Merged(b"".join([*out, *b[at:]]), how="lines")


def merge(base: str, ours: str, theirs: str) -> Merged:
    return merge_file("bot/m.py", base.encode(), ours.encode(), theirs.encode(), lines=lines)


# --- laws


def tokens(code: str) -> Counter[str]:
    skipped = {tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER}
    return Counter(
        t.string
        for t in tokenize.generate_tokens(io.StringIO(code).readline)
        if t.type not in skipped
    )


@laws
@given(tapes.map(forks))
def test_a_side_that_changed_nothing_takes_the_other(fork: tuple[str, str, str]) -> None:
    base, ours, _ = fork
    assert merge(base, ours, base).data == ours.encode()
    assert merge(base, base, ours).data == ours.encode()
    assert merge(base, ours, ours).data == ours.encode()


def assume_not_both_took_a_comma(graft: str, head: str, graft2: str) -> None:
    """What both sides did alike is one change. Who takes the skill out takes it back for both."""
    before, mine, skills = (len(re.findall(r",\s*[)\]}]", code)) for code in (graft, head, graft2))
    assume(not (mine < before and skills < before))


@laws
@given(tapes.map(forks))
def test_what_was_added_can_be_taken_out(fork: tuple[str, str, str]) -> None:
    graft, head, graft2 = fork
    assume_not_both_took_a_comma(*fork)
    there = merge(graft, head, graft2)
    assume(there.clean)
    back = merge(graft2, there.data.decode(), graft)
    assert back.clean
    assert back.data.decode() == head


def later(codes: tuple[str, str], tape: Tape) -> tuple[str, str]:
    """The same further edit of two texts: around what both have, or around a name that both have
    once.
    """
    changes: list[Callable[[str], str]] = [
        lambda code: code + "\n\n# later\n",
        lambda code: code + "\n\ndef later():\n    return 1\n",
    ]
    if all(code.startswith(("import", "from")) for code in codes):
        changes.append(lambda code: "import later\n" + code)
    shared = [
        name for name in [*NAMES, "mine0", "mine1"] if all(code.count(name) == 1 for code in codes)
    ]
    unfit = ("def {}", "{}=", "{},)")  # a text edit there would not be the same edit in both
    shared = [
        name
        for name in shared
        if not any(form.format(name) in code for form in unfit for code in codes)
    ]
    if shared:
        name = tape.one(shared)
        changes += [
            lambda code: code.replace(name, f"{name}, later"),
            lambda code: code.replace(name, f"(later.{name})"),
        ]
    change = tape.one(changes)
    made = change(codes[0]), change(codes[1])
    try:
        for code in made:
            ast.parse(code)
    except SyntaxError:
        assume(False)
    return made


@laws
@given(tapes.map(forks), tapes)
def test_what_was_added_can_be_taken_out_after_more_edits(
    fork: tuple[str, str, str], tape: Tape
) -> None:
    graft, head, graft2 = fork
    assume_not_both_took_a_comma(*fork)
    there = merge(graft, head, graft2)
    assume(there.clean)
    now, wanted = later((there.data.decode(), head), tape)
    back = merge(graft2, now, graft)
    assume(back.clean)
    assert back.data.decode() == wanted


@laws
@given(tapes.map(forks))
def test_a_clean_merge_is_made_of_what_the_sides_have(fork: tuple[str, str, str]) -> None:
    base, ours, theirs = fork
    merged = merge(base, ours, theirs)
    assume(merged.clean)
    ast.parse(merged.data)
    found, b, o, t = (tokens(code) for code in (merged.data.decode(), base, ours, theirs))
    assert set(found) <= set(o) | set(t) | {","}, (
        "two elements need a comma between them that neither side had"
    )
    for word in (o - b) | (t - b):
        if word.isidentifier() or word.startswith("#"):
            assert found[word], f"{word} is lost"


@laws
@given(tapes)
def test_additions_commute(tape: Tape) -> None:
    module = modules(tape)
    one, two = text(added(tape, module, "One")), text(added(tape, module, "Two"))
    there, back = merge(text(module), one, two), merge(text(module), two, one)
    assert there.clean == back.clean
    if there.clean:
        assert tokens(there.data.decode()) == tokens(back.data.decode())


# --- the merge by structure itself, without the rungs that answer before it


def deleted(tape: Tape, module: Module) -> Module:
    """The module without one of the statements of a body that has more."""
    inner = [
        path for path in places(module) if len(path) > 1 and len(at(module, path[:-1]).body) > 1
    ]
    return put(module, tape.one(inner), ()) if inner else module


def wrapped(tape: Tape, module: Module) -> str:
    """The module's text with a statement of a function in a block of its own, or in a function of
    its own.
    """
    calling = [
        path
        for path in places(module)
        if len(path) > 1 and not at(module, path).head.startswith("def ")
    ]
    if not calling:
        return text(module)
    path = tape.one(calling)
    part, indent = at(module, path), "    " * (len(path) - 1)
    body = replace(part, blank=0, comment="").text(indent + "    ")
    if tape.number(0, 2):
        header = tape.one(["with lock", "if ready", "try"])
        after = f"\n{indent}finally:\n{indent}    done()" if header == "try" else ""
        return text(put(module, path, (Part(f"{header}:\n{body.rstrip()}{after}"),)))
    name = f"apart_{len(path)}"
    apart = f"\n\ndef {name}():\n" + replace(part, blank=0, comment="").text("    ")
    return text(put(module, path, (Part(f"{name}()"),))) + apart


def sides(
    tape: Tape, ways: Sequence[str] = ("edit", "edit", "edit", "delete", "wrap")
) -> tuple[str, str, str]:
    """A module, and two versions of it that were edited apart: elements, statements, definitions,
    comments.
    """
    base = modules(tape)
    made = []
    for who in ("One", "Two"):
        side, last = base, ""
        for k in range(tape.number(1, 3)):
            how = tape.one(ways)
            if how != "wrap":
                side = deleted(tape, side) if how == "delete" else edited(tape, side, f"{who}{k}")
            last = wrapped(tape, side) if how == "wrap" else text(side)
        made.append(last)
    for version in (text(base), *made):
        ast.parse(version)
    return text(base), made[0], made[1]


@laws
@given(tapes.map(sides))
def test_the_structural_merge_takes_a_change_that_only_one_side_made(
    versions: tuple[str, str, str],
) -> None:
    """merge(b, x, b) = x and merge(b, x, x) = x, byte for byte, and merge(b, b, x) = x but for
    ours' layout and order of imports."""
    base, one, _ = versions
    for ours, theirs in ((one, base), (one, one)):
        draft = python.merge(base, ours, theirs)
        assert draft.clean
        assert draft.text == one
    draft = python.merge(base, base, one)
    assert draft.clean
    assert plain(draft.text) == plain(one)


def plain(code: str) -> Counter[str]:
    """The words of code; commas may come and go with its layout."""
    return Counter({word: count for word, count in tokens(code).items() if word != ","})


@laws
@given(tapes)
def test_the_sides_may_change_places(tape: Tape) -> None:
    """The same words, whatever the order of what both add at one place; no word is new.

    Whether it is a conflict may differ: ours decides the layout, so a comment that theirs adds
    within a list that ours extends has no place, while one of ours has.
    """
    base, one, two = sides(tape, ["edit"])
    there, back = merge(base, one, two), merge(base, two, one)
    assume(there.clean and back.clean)
    assert plain(there.data.decode()) == plain(back.data.decode())
    assert set(plain(there.data.decode())) <= set(tokens(one)) | set(tokens(two))


@laws
@given(tapes.map(sides))
def test_what_a_side_deleted_stays_deleted(versions: tuple[str, str, str]) -> None:
    """A call that the base has once, one side nowhere and the other once, wherever it put it, is
    not in a clean merge.
    """
    base, one, two = versions
    merged = merge(base, one, two)
    assume(merged.clean)
    b, o, t, found = (called(code) for code in (base, one, two, merged.data.decode()))
    for call, count in b.items():
        if count == 1 and sorted((o[call], t[call])) == [0, 1]:
            assert not found[call], f"{call} came back"


def called(code: str) -> Counter[str]:
    """How often each call stands as a statement."""
    walk = ast.walk(ast.parse(code))
    return Counter(
        ast.unparse(n) for n in walk if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call)
    )
