"""A name that is put somewhere hides none that is there, and a place that only looks free is
refused.
"""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest
from harness.cli import environment, skills_command

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.registry import decode
from skills_engine.errors import CannotEnsure
from skills_engine.types import Change, Outcome


def ensure(before: str, /, **keys: object) -> tuple[Change, str]:
    files = MemoryFiles({"m.py": before.encode()})
    entry = {key.rstrip("_"): value for key, value in keys.items()}
    change = decode({"in": "m.py", **entry}).apply(files)
    return change, files.contents["m.py"].decode()


LEAVES = [
    "return 1",
    "raise E",
    "if x:\n        return 1\n    else:\n        raise E",
    "if x:\n        return 1\n    elif y:\n        return 2\n    else:\n        raise E",
    "try:\n        return f()\n    except E:\n        raise",
    "try:\n        f()\n    finally:\n        return 1",
    "while True:\n        f()",
    "match x:\n        case 1:\n            return 1\n        case _:\n            raise E",
]
GOES_ON = [
    "if x:\n        return 1",
    "if x:\n        return 1\n    elif y:\n        return 2",
    "try:\n        return f()\n    except E:\n        pass",
    "while True:\n        if x:\n            break",
    "while x:\n        return 1",
    "for y in x:\n        return y",
    "with suppress(E):\n        raise E",
    "match x:\n        case 1:\n            return 1",
]


@pytest.mark.parametrize("end", LEAVES)
def test_what_never_runs_is_neither_put_nor_held(end: str) -> None:
    for code in (f"def f(x, y):\n    {end}\n", f"def f(x, y):\n    {end}\n    log()\n"):
        with pytest.raises(CannotEnsure, match="nothing after it would run") as refused:
            ensure(code, ensure="statement", of="f", code="log()")
        assert refused.value.outcome is Outcome.DRIFTED


@pytest.mark.parametrize("end", GOES_ON)
def test_what_may_run_is(end: str) -> None:
    code = f"def f(x, y):\n    {end}\n"
    assert ensure(code, ensure="statement", of="f", code="log()")[1] == f"{code}    log()\n"


AROUND = [
    "c = 1\n\n\ndef f(a):\n    return c\n",
    "c = 1\n\n\ndef f(a):\n    return [c for _ in a]\n",
    "def c(): ...\n\n\ndef f(a):\n    def g():\n        return c()\n\n    return g\n",
    "from z import c\n\n\ndef f(a):\n    return f'{c}'\n",
    "def o(c):\n    def f(a):\n        return c\n\n    return f\n",
]


@pytest.mark.parametrize("code", AROUND)
def test_a_parameter_takes_no_name_that_the_function_reads(code: str) -> None:
    of = "o.f" if code.startswith("def o") else "f"
    with pytest.raises(CannotEnsure, match="c has a meaning in it already"):
        ensure(code, ensure="parameter", of=of, parameter="c=3")


@pytest.mark.parametrize(
    "code",
    [
        "c = 1\n\n\ndef f(a):\n    return a\n",
        "c = 1\n\n\ndef f(a, b=c):\n    return a.c\n",
        "def f(a):\n    return g(c)\n",
        "c = 1\n\n\ndef f(a):\n    return lambda c: c\n",
    ],
)
def test_a_parameter_may_have_a_name_that_nothing_loses(code: str) -> None:
    assert "c=3)" in ensure(code, ensure="parameter", of="f", parameter="c=3")[1]


@pytest.mark.parametrize(
    ("code", "keys"),
    [
        ("from z import f\n", {"ensure": "function", "code": "def f(): ..."}),
        ("import f.g\n", {"ensure": "function", "code": "def f(): ..."}),
        ("if x:\n    from z import f\n", {"ensure": "class", "code": "class f: ..."}),
        ("if x:\n    def f(): ...\n", {"ensure": "function", "code": "def f(): ..."}),
        ("if x:\n    class f: ...\n", {"ensure": "class", "code": "class f: ..."}),
        (
            "class A:\n    def __init__(self):\n        self.f = 1\n",
            {"ensure": "method", "of": "A", "code": "def f(self): ..."},
        ),
        ("class A:\n    def f(self): ...\n", {"ensure": "field", "of": "A", "field": "f: int = 1"}),
        ("class A(Enum):\n    X = 1\n", {"ensure": "field", "of": "A", "field": "Y = 0x1"}),
        ("class A(m.Flag):\n    X = 'a'\n", {"ensure": "field", "of": "A", "field": 'Y = "a"'}),
    ],
)
def test_a_name_or_value_that_is_taken_is_refused(code: str, keys: dict[str, str]) -> None:
    with pytest.raises(CannotEnsure) as refused:
        ensure(code, **keys)
    assert refused.value.outcome is Outcome.DRIFTED


@pytest.mark.parametrize("value", ["2", "auto()", "X", "(1,)"])
def test_a_member_with_a_value_of_its_own_is_added(value: str) -> None:
    code = "class A(Enum):\n    X = 1\n"
    assert ensure(code, ensure="field", of="A", field=f"Y = {value}")[1].endswith(f"Y = {value}\n")


@pytest.mark.parametrize("new", ["{'a': 1}", "{1, 2}", "{k: v for k, v in x}", "{'a': 1}['a']"])
@pytest.mark.parametrize("code", ['x = f"{f(1)}"\n', 'x = f"{f(1)!r:>5}"\n', 'x = f"{f(1).y}"\n'])
def test_braces_in_an_f_string_are_code(code: str, new: str) -> None:
    after = ensure(code, ensure="replace", pattern="f($X)", with_=new)[1]
    fields = [n for n in ast.walk(ast.parse(after)) if isinstance(n, ast.FormattedValue)]
    value = fields[0].value.value if ".y" in code else fields[0].value  # type: ignore[attr-defined]
    assert ast.dump(value) == ast.dump(ast.parse(new, mode="eval").body)


@pytest.mark.parametrize("new", ["b()", "b", "[b]", "x or y"])
def test_what_a_case_compares_with_does_not_become_another_pattern(new: str) -> None:
    code = 'match x:\n    case "a":\n        pass\n'
    with pytest.raises(CannotEnsure, match="another kind of pattern"):
        ensure(code, ensure="replace", pattern='"a"', with_=new)
    assert "case K.A:" in ensure(code, ensure="replace", pattern='"a"', with_="K.A")[1]


@pytest.mark.parametrize("out", ["merged", "merged.txt", "merged.orig"])
def test_a_versions_name_says_the_kind_where_the_results_does_not(tmp_path: Path, out: str) -> None:
    for side, text in (
        ("base", "def f(a):\n    return a\n"),
        ("ours", "def f(a) -> int:\n    return a\n"),
        ("theirs", "def f(a, b=1):\n    return a\n"),
    ):
        (tmp_path / f"{side}.py").write_text(text, encoding="utf-8")
    command = skills_command("merge-file", "base.py", "ours.py", "theirs.py", "-o", out)
    subprocess.run(command, cwd=tmp_path, env=environment(tmp_path / "home"), check=True)
    assert (tmp_path / out).read_text(encoding="utf-8").startswith("def f(a, b=1) -> int:")


def test_a_current_directory_that_is_gone_is_said(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    inside = f"cd {gone} && rmdir {gone} && exec {' '.join(skills_command('status'))}"
    env = environment(tmp_path / "home")
    ran = subprocess.run(["sh", "-c", inside], env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "the current directory is gone" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_result_is_in_one_encoding(tmp_path: Path) -> None:
    head = "# -*- coding: latin-1 -*-\n"
    body = 'a = "é"\nb = 1\n\nc = 2\n'
    for side, data in (
        ("base", f"{head}{body}".encode("latin-1")),
        ("ours", body.encode()),
        ("theirs", f'{head}{body}d = "è"\n'.encode("latin-1")),
    ):
        (tmp_path / f"{side}.py").write_bytes(data)
    command = skills_command("merge-file", "base.py", "ours.py", "theirs.py", "-o", "out.py")
    env = environment(tmp_path / "home")
    subprocess.run(command, cwd=tmp_path, env=env, check=True)
    assert (tmp_path / "out.py").read_bytes() == f'{body}d = "è"\n'.encode()
