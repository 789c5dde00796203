"""Every operation's VALID and INVALID examples, also with CRLF and tabs, and each VALID one a second time."""

from __future__ import annotations

import pytest

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.operation import Example, Operation, Refusal, Tree
from skills_engine.codemods.registry import decode, operation, words
from skills_engine.errors import CannotEnsure
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
