"""Every operation's VALID and INVALID examples, also with CRLF and tabs, and each VALID one a
second time.
"""

from __future__ import annotations

import pytest

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.operation import Example, Operation, Refusal, Tree
from skills_engine.codemods.registry import decode, operation, words
from skills_engine.errors import CannotEnsure, Refused
from skills_engine.types import Outcome

OPERATIONS = [operation(word) for word in words()]
VALID = [(op, example) for op in OPERATIONS for example in op.VALID]
INVALID = [(op, refusal) for op in OPERATIONS for refusal in op.INVALID]


def as_files(tree: Tree, newline: str = "\n") -> dict[str, bytes]:
    by_path = {"m.py": tree} if isinstance(tree, str) else tree
    return {path: text.replace("\n", newline).encode() for path, text in by_path.items()}


def name(case: object) -> str:
    return str(getattr(case, "ensure", None) or getattr(case, "title", ""))


def make(op: type[Operation], case: Example | Refusal) -> Operation:
    return decode({"ensure": op.ensure, **case.keys})


@pytest.mark.parametrize("op", OPERATIONS, ids=name)
def test_an_operation_has_examples_of_both_kinds_and_a_page(op: type[Operation]) -> None:
    assert op.VALID
    assert op.INVALID
    assert op.__doc__
    assert op.ensure in words()


@pytest.mark.parametrize(("op", "example"), VALID, ids=name)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_valid(op: type[Operation], example: Example, newline: str) -> None:
    if newline != "\n" and example.verbatim:
        return
    files = MemoryFiles(as_files(example.before, newline))
    change = make(op, example).apply(files)
    assert {p: d.decode() for p, d in files.contents.items()} == {
        p: d.decode() for p, d in as_files(example.after, newline).items()
    }
    assert change.outcome is (Outcome.ALREADY if example.already else Outcome.APPLIED)
    assert change.summary
    assert "\n" not in change.summary

    again = make(op, example).apply(files)
    assert again.outcome is Outcome.ALREADY, "an ensure-operation is idempotent"
    assert files.contents == as_files(example.after, newline)


@pytest.mark.parametrize(("op", "refusal"), INVALID, ids=name)
def test_invalid(op: type[Operation], refusal: Refusal) -> None:
    files = MemoryFiles(as_files(refusal.before))
    with pytest.raises(CannotEnsure) as caught:
        make(op, refusal).apply(files)
    assert caught.value.outcome is refusal.outcome
    assert refusal.message in caught.value.message
    assert files.contents == as_files(refusal.before), "a refusal leaves the files as they were"


def test_what_may_be_meant_stands_where_the_missing_name_would() -> None:
    code = b"X = 1\n\n\ndef f():\n    y = 1\n\n\nclass A:\n    z = 1\n"
    for of, near in (("Q", [1]), ("A.q", [9]), ("f.z", [9])):
        with pytest.raises(CannotEnsure) as caught:
            decode({"ensure": "value", "in": "m.py", "of": of, "value": "2"}).apply(
                MemoryFiles({"m.py": code})
            )
        assert [place.line for place in caught.value.candidates] == near


NEWER = 'import os\n\n\nclass A[T]:\n    def f[U](self, u: U) -> T:\n        return f"{u["a"]!r}"\n\n\ntype X = int\n'
EDITS: list[tuple[dict[str, str], str, str]] = [
    ({"ensure": "base", "of": "A", "base": "B"}, "A[T]", "A[T](B)"),
    ({"ensure": "parameter", "of": "A.f", "parameter": "v=1"}, "u: U)", "u: U, v=1)"),
    ({"ensure": "replace", "pattern": 'u["a"]', "with": 'u["b"]'}, '"a"', '"b"'),
    ({"ensure": "rename", "of": "X", "to": "Y"}, "X", "Y"),
]


@pytest.mark.parametrize(("keys", "old", "new"), EDITS)
def test_a_file_for_a_newer_python_than_this_one_is_edited(
    keys: dict[str, str], old: str, new: str
) -> None:
    files = MemoryFiles({"m.py": NEWER.encode()})
    assert decode({"in": "m.py", **keys}).apply(files).outcome is Outcome.APPLIED
    assert files.contents["m.py"].decode() == NEWER.replace(old, new)


UTF_8, LATIN_1 = (f"# -*- coding: {name} -*-\n# x = 1 if é\n" for name in ("utf-8", "latin-1"))
OF_PYTHON = [
    (op, example)
    for op, example in VALID
    if isinstance(example.before, str) and op.ensure != "custom"
]


@pytest.mark.parametrize(("op", "example"), OF_PYTHON, ids=name)
def test_a_file_in_another_encoding_is_edited_as_one_in_utf_8(
    op: type[Operation], example: Example
) -> None:
    made = []
    for cookie, encoding in ((UTF_8, "utf-8"), (LATIN_1, "latin-1")):
        files = MemoryFiles({"m.py": f"{cookie}{example.before}".encode(encoding)})
        try:
            make(op, example).apply(files)
        except CannotEnsure as error:
            made.append(error.message)
        else:
            data = files.contents.get("m.py", b"")
            made.append(data.decode(encoding).replace(cookie, UTF_8))
    assert made[0] == made[1]


NOT_IN_LATIN_1 = [
    {"ensure": "element", "of": "X", "element": '"€"'},
    {"ensure": "statement", "code": "print('€')"},
    {"ensure": "docstring", "docstring": "€"},
    {"ensure": "function", "code": "def f():\n    return '€'"},
    {"ensure": "rename", "of": "X", "to": "ж"},
    {"ensure": "replace", "pattern": "[1]", "with": "['€']"},
    {"ensure": "text", "before": "X = [1]\n", "after": "X = ['€']\n"},
]


@pytest.mark.parametrize("keys", NOT_IN_LATIN_1, ids=lambda keys: keys["ensure"])
def test_what_the_files_encoding_cannot_write_is_refused(keys: dict[str, str]) -> None:
    files = MemoryFiles({"m.py": f"{LATIN_1}X = [1]\n".encode("latin-1")})
    before = dict(files.contents)
    with pytest.raises(Refused, match="which cannot write"):
        decode({"in": "m.py", **keys}).apply(files)
    assert files.contents == before


def test_whether_an_import_is_used_is_not_guessed_in_a_file_for_a_newer_python() -> None:
    files = MemoryFiles({"m.py": NEWER.encode()})
    try:
        decode({"ensure": "no-import", "in": "m.py", "import": "import os"}).apply(files)
    except CannotEnsure as error:
        assert "this Python cannot say" in error.message
    else:
        assert "import os" not in files.contents["m.py"].decode()


def test_what_is_written_for_a_newer_python_may_stand_between_two_neighbours() -> None:
    """On an older one, whether it assigns what the new statement reads cannot be told."""
    files = MemoryFiles({"m.py": b"def f():\n    a()\n    type X = int\n    b()\n"})
    keys = {
        "ensure": "statement",
        "in": "m.py",
        "of": "f",
        "code": "c()",
        "after": "a()",
        "before": "b()",
    }
    decode(keys).apply(files)
    assert files.contents["m.py"] == b"def f():\n    a()\n    type X = int\n    c()\n    b()\n"
