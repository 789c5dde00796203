"""The worker process: what a skill's own code may do, and what is said when it does something else."""

from __future__ import annotations

import ast

import pytest

from skills_engine.codemods.custom import worker
from skills_engine.codemods.operation import Malformed
from skills_engine.codemods.operations.custom import Custom
from skills_engine.errors import CannotEnsure
from skills_engine.types import Outcome

HEAD = """
import libcst as cst
from libcst.codemod import Codemod


class C(Codemod):
    def transform_module_impl(self, tree):
"""
SAY = HEAD + "        return cst.parse_module({expression})\n"
FILES = {"a.py": b"x = 1\n"}


def run(code: str, files: dict[str, bytes] = FILES, *, seconds: float = 30) -> dict[str, bytes]:
    return worker.run(code, "C", {}, files, name="codemods/c.py", seconds=seconds)


def code(*lines: str) -> str:
    return HEAD + "".join(f"        {line}\n" for line in (*lines, "return tree"))


def test_files_come_back_as_bytes_whatever_their_encoding_and_line_ends() -> None:
    files = {
        "a.py": "\ufeffx = 'é'\r\n".encode(),
        "b.py": "# coding: latin-1\nx = 'é'\n".encode("latin-1"),
        "c.py": b"",
        "d.py": b"if x:\n\ty",
    }
    assert run(code(), files) == files


def test_the_world_of_the_worker_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    shown = run(
        SAY.format(expression="f'x = {(sorted(os.environ), os.listdir())!r}'").replace(
            "import libcst", "import os, libcst", 1
        )
    )
    names, files = ast.literal_eval(shown["a.py"].decode().removeprefix("x = "))
    assert "PATH" in names
    assert set(names) <= {"LC_CTYPE", "PATH", "PWD", "TMPDIR"}  # the last two: its room's own
    assert files == []


def test_what_the_code_prints_is_no_answer() -> None:
    assert run(code("print('{}')", "import os", "os.write(1, b'x' * 500000)")) == FILES


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{}['colour']", "failed on a.py: KeyError: 'colour' at codemods/c.py:8: {}['colour']"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("import os; os._exit(0)", "gave no answer"),
        ("import os; os.kill(os.getpid(), 11)", "was killed by SIGSEGV"),
        ("while True: pass", "did not finish within 2 seconds"),
        ("x = bytearray(1 << 34)", "MemoryError"),
        ("import pathlib; pathlib.Path('left').write_text('x')", "File too large"),
        ("return tree.with_changes(body=[*tree.body, *tree.body])", "on its own result it changes a.py"),
        ("import os; os.write(3, b'[]'); os._exit(0)", "gave no answer"),
    ],
)  # fmt: skip
def test_code_that_misbehaves_is_refused_and_what_happened_is_said(body: str, said: str) -> None:
    with pytest.raises(CannotEnsure) as caught:
        run(code(body), seconds=2 if "while" in body else 30)
    assert caught.value.outcome is Outcome.DRIFTED
    assert said in caught.value.message


def test_an_answer_for_other_files_is_refused() -> None:
    forged = """import os; os.write(3, b'{"files": {"b.py": ""}}'); os._exit(0)"""
    with pytest.raises(CannotEnsure, match=r"other files than it was given: a\.py, b\.py"):
        run(code(forged))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class C: pass\n", "C is no class derived from"),
        ("def f(:\n", "SyntaxError: invalid syntax at codemods/c.py:1: def f(:"),
        ("import nothing_like_this\n", "ModuleNotFoundError"),
    ],
)
def test_code_that_does_not_load_is_refused(text: str, said: str) -> None:
    with pytest.raises(CannotEnsure, match=said.replace("(", r"\(")):
        run(text)


def test_custom_takes_its_code_from_the_package() -> None:
    custom = Custom(class_="codemods/c.py:C", in_="a.py")
    package = {"codemods/c.py": code().encode(), "codemods/d.py": b"def"}
    assert custom.bind(package.get).code == code()
    for name in ("codemods/c.py:D", "codemods/d.py:D", "codemods/e.py:E"):
        with pytest.raises(Malformed):
            Custom(class_=name, in_="a.py").bind(package.get)
    for name in ("codemods/../c.py:C", "/codemods/c.py:C", "c.py:C", "codemods/c.py"):
        with pytest.raises(Malformed):
            Custom(class_=name, in_="a.py")
