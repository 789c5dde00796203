"""Cases of operations as data, of the kinds that their peers test: LibCST, rope, isort,
reorder-python-imports, pyupgrade, Fixit.

A line of a `*.jsonl` file is a case: the files before, the operations, and the files after or what
a refusal says. No text after was made by an operation: they are written by hand, or the case was
made by taking something out of a file that Ruff had sorted.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.operation import Malformed, perform
from skills_engine.codemods.registry import decode
from skills_engine.errors import SkillsError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Case", "Verdict", "cases", "families", "tally", "verdict"]

Verdict = Literal["bytes", "tree", "refused", "refused without need", "wrong"]
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """`after` is None where a refusal is right, and `refusal` a part of what it says."""

    family: str
    number: int
    kind: str
    before: dict[str, str]
    operations: list[dict[str, Any]]
    after: dict[str, str] | None
    refusal: str


def families() -> list[str]:
    return sorted(path.stem for path in _HERE.glob("*.jsonl"))


def cases(family: str) -> Iterator[Case]:
    lines = (_HERE / f"{family}.jsonl").read_text("utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        said = json.loads(line)
        yield Case(
            family,
            number,
            said["kind"],
            said["before"],
            said["operations"],
            said.get("after"),
            said.get("refusal", ""),
        )


def verdict(case: Case) -> tuple[Verdict, str]:
    """How the operations answer, and what they give or say.

    "bytes": the files after; "tree": files that Python reads alike; "refused": a refusal that is
    right, with its reason.
    """
    files = MemoryFiles({path: text.encode() for path, text in case.before.items()})
    try:
        for entry in case.operations:
            perform(decode(entry), files)
    except (SkillsError, Malformed) as error:
        right = case.after is None and case.refusal in error.message
        return ("refused" if right else "refused without need"), error.message
    found = {path: data.decode() for path, data in files.contents.items()}
    shown = "\n".join(f"{path}:\n{text}" for path, text in found.items())
    if case.after is None:
        return "wrong", shown
    if found == case.after:
        return "bytes", shown
    return ("tree" if _tree(found) == _tree(case.after) else "wrong"), shown


def tally(family: str) -> Counter[Verdict]:
    return Counter(verdict(case)[0] for case in cases(family))


def _tree(files: dict[str, str]) -> dict[str, str]:
    read = {}
    for path, text in files.items():
        try:
            read[path] = ast.dump(ast.parse(text.removeprefix("\ufeff")))
        except SyntaxError:
            read[path] = text
    return read
