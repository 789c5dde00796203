"""Whether a merged text keeps every edit of both sides, beside what it stood beside: by tokens, for
scoring, never for deciding.

    count        a word's surplus over the base is not ours' and theirs' together (both the same
                 way: the larger to the sum)
    moved        a word of a run that a side added stands elsewhere than in that side's order
    unanchored   neither neighbour of an added run is beside it
    twice        a clause (elif, except, decorator) that each side has once stands twice
"""

from __future__ import annotations

import ast
import contextlib
import io
import tokenize
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

__all__ = ["compare", "violations"]

_SKIPPED = {
    tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
    tokenize.ENDMARKER,
}  # fmt: skip
_LAYOUT = set("()[]{},:=\n")
_MOST = 4_000_000
"""Words of both runs multiplied, above which a replaced run is not compared word by word."""

Fact = tuple[str, ...]


def tokens(data: bytes) -> list[str] | None:
    """Words without comments and layout, a string by its value; None for what cannot be read."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    found: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text.rstrip("\n") + "\n").readline):
            if token.type in _SKIPPED:
                continue
            word = "\n" if token.type == tokenize.NEWLINE else token.string
            found.append(_value(word) if token.type == tokenize.STRING else word)
    except (tokenize.TokenError, SyntaxError):
        return None
    after = [*found[1:], ""]
    return [w for w, n in zip(found, after, strict=True) if not (w == "," and n and n in ")]}")]


def _value(word: str) -> str:
    try:
        return repr(ast.literal_eval(word))
    except (ValueError, SyntaxError):
        return word


def _pieces(words: Sequence[str]) -> list[tuple[str, ...]]:
    pieces: list[tuple[str, ...]] = []
    current: list[str] = []
    for word in words:
        current.append(word)
        if word in {"\n", "{", "[", "(", ","}:
            pieces.append(tuple(current))
            current = []
    return [*pieces, tuple(current)] if current else pieces


def _changes(a: list[str], b: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """Opcodes on words: by pieces first, then by words within what was replaced."""
    left, right = _pieces(a), _pieces(b)
    at, bt = [0], [0]
    for pieces, places in ((left, at), (right, bt)):
        for piece in pieces:
            places.append(places[-1] + len(piece))
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        w, x, y, z = at[i], at[j], bt[k], bt[m]
        if tag != "replace" or (x - w) * (z - y) > _MOST:
            yield tag, w, x, y, z
            continue
        within = SequenceMatcher(None, a[w:x], b[y:z], autojunk=False)
        for inner, p, q, r, s in within.get_opcodes():
            yield inner, w + p, w + q, y + r, y + s


def _misplaced(base: list[str], side: list[str], text: list[str]) -> list[Fact]:
    found: list[Fact] = []
    place: dict[int, int] = {}
    for tag, i, j, k, _ in _changes(side, text):
        if tag == "equal":
            place.update((i + n, k + n) for n in range(j - i))
    for tag, _, _, k, m in _changes(base, side):
        new = range(k, m) if tag in {"insert", "replace"} else range(0)
        added = [n for n in new if side[n] not in _LAYOUT]
        lost = [side[n] for n in added if n not in place]
        whole = "\n" in side[k:m]
        if lost:
            found += [("moved", word) for word in lost]
        elif (
            added
            and not _beside(side, place, k - 1, -1, whole=whole)
            and not _beside(side, place, m, 1, whole=whole)
        ):
            found.append(("unanchored", " ".join(side[n] for n in added)[:60]))
    return found


def _beside(side: list[str], place: dict[int, int], start: int, step: int, *, whole: bool) -> bool:
    at, seen = start, 0
    while 0 <= at < len(side) and (whole or seen < 2):
        if side[at] == "\n" and seen and whole:
            return True
        if side[at] not in _LAYOUT:
            if at not in place:
                return False
            seen += 1
        at += step
    return True


def _clauses(data: bytes) -> Counter[Fact]:
    found: Counter[Fact] = Counter()

    def heads(node: ast.AST, where: Fact) -> None:
        for child in ast.iter_child_nodes(node):
            defines = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            name = child.name if defines else ""  # type: ignore[attr-defined]
            for decorator in getattr(child, "decorator_list", ()):
                found[(*where, name, "@", ast.dump(decorator))] += 1
            if isinstance(child, ast.If) and len(child.orelse) == 1:
                below = child.orelse[0]
                if isinstance(below, ast.If):
                    found[(*where, "elif", ast.dump(below.test))] += 1
            if isinstance(child, ast.ExceptHandler) and child.type:
                body = ast.dump(ast.Module(child.body, []))
                found[(*where, "except", ast.dump(child.type), body)] += 1
            heads(child, (*where, name) if name else where)

    with contextlib.suppress(SyntaxError, ValueError, RecursionError):
        heads(ast.parse(data), ())
    return found


def violations(base: bytes, ours: bytes, theirs: bytes, text: bytes) -> Counter[Fact]:
    """What a text does not keep."""
    words = [tokens(data) for data in (base, ours, theirs, text)]
    read = [each for each in words if each is not None]
    if len(read) < 4:
        return Counter({("unreadable",): 1})
    b, o, t, r = map(Counter, read)
    found: Counter[Fact] = Counter()
    for word in (set(b) | set(o) | set(t) | set(r)) - _LAYOUT:
        x, y, got = o[word] - b[word], t[word] - b[word], r[word] - b[word]
        low = high = x + y
        if x * y > 0:
            low, high = sorted((x + y, max(x, y, key=abs)))
        if not low <= got <= high:
            less = got < low
            found["count", word, "less" if less else "more"] += low - got if less else got - high
    found.update(("ours", *fact) for fact in _misplaced(read[0], read[1], read[3]))
    found.update(("theirs", *fact) for fact in _misplaced(read[0], read[2], read[3]))
    kb, ko, kt, kr = map(_clauses, (base, ours, theirs, text))
    for key, n in kr.items():
        if n > 1 and max(kb[key], ko[key], kt[key]) == 1:
            found["twice", *key] += 1
    return found


def compare(base: bytes, ours: bytes, theirs: bytes, text: bytes, person: bytes) -> str:
    """How a merged text differs from a person's: "kept" if it breaks less of the sides' edits,
    "order" if both have the same words and it only stands otherwise, else "wrong".
    """
    mine, his = violations(base, ours, theirs, text), violations(base, ours, theirs, person)
    if any(fact[0] == "twice" for fact in mine):
        return "wrong"
    if not mine - his and his - mine:
        return "kept"
    same = Counter(tokens(text)) == Counter(tokens(person))
    if same and all(fact[1:2] == ("moved",) for fact in mine) and mine.total() <= his.total():
        return "order"
    return "wrong"
