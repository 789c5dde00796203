"""Python's own trees, walked and written: that nothing is missed beside `ast`, and what is the same
there is the same here.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from skills_engine.syntax import nodes, python_tree, walk, written

SOURCES = sorted(
    path
    for folder in ("skills_engine/codemods", "skills_engine/judge", "bot")
    for path in (Path(__file__).parents[1] / folder).rglob("*.py")
)[::12]
EVERY = """
import a.b as c, d
from . import e
@decorated(1, *two, three=3, **four)
class One(Base, metaclass=Meta):
    "said"
    field: int = 1
    async def go(self, a, /, b: str = "x", *rest, c, d=None, **more) -> None:
        async with a as (b, c), d: await e
        async for f in g: yield f
        else: return
def two():
    global x; nonlocal_ = 1
    try: raise A from b
    except (B, C) as error: pass
    except* D: pass
    finally: del x[1:2, ::3], y.z
    while a < b <= c is not d not in e: continue
    for a, *b in c: break
    if (n := 1) and not m or -o: assert p, q
    x += lambda k=1: (k, [k], {k}, {k: k, **k}, f"{k!r:>{k}}", b"", ..., None, 1.5j)
    [i async for i in j if i if k]; {i for i in j}; {i: j for i in j}; (i for i in j)
    match a:
        case [1, *rest] | {"k": v, **w} | One(1, b=2) as z if z: pass
        case None | -1 | "s" | _: pass
""".replace("    except (B, C) as error: pass\n", "")


def _plain(tree: ast.AST) -> list[ast.AST]:
    silent = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
    return [node for node in ast.walk(tree) if not isinstance(node, silent)]


@pytest.mark.parametrize("source", [EVERY, *(path.read_text(encoding="utf-8") for path in SOURCES)])
def test_a_walk_meets_what_python_meets_in_its_order(source: str) -> None:
    tree = ast.parse(source)
    assert walk(tree) == _plain(tree)
    assert [type(node) for node in nodes(source)] == [type(node) for node in _plain(tree)]


def test_what_is_no_python_has_no_tree_and_no_nodes() -> None:
    for source in ("def f(:", "\0", "(" * 300, b"# coding: nowhere\n"):
        assert python_tree(source) is None
        assert nodes(source) == ()
    assert len(nodes("")) == 1


def test_two_nodes_are_written_alike_where_python_dumps_them_alike() -> None:
    texts = [EVERY, *(path.read_text(encoding="utf-8") for path in SOURCES)]
    found = [
        node
        for text in texts
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.expr | ast.arguments | ast.stmt | ast.pattern | ast.withitem)
        and not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
    ]
    by_dump = {ast.dump(node): written(node) for node in found}
    assert {written(node): ast.dump(node) for node in found} == {
        said: dump for dump, said in by_dump.items()
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a + b", "a - b"),
        ("not a", "-a"),
        ("a < b", "a <= b"),
        ("1", "True"),
        ("1", "1.0"),
        ("'a'", "b'a'"),
        ("'a'", "u'a'"),
        ("f(a, b)", "f((a, b))"),
        ("[a, b]", "(a, b)"),
        ("lambda: 0", "lambda a=0: 0"),
        ("a.b", "a[b]"),
        ("f(x=1)", "f('x', 1)"),
        ("{**a}", "{None: a}"),
    ],
)
def test_what_python_tells_apart_is_written_in_two_ways(one: str, other: str) -> None:
    assert written(ast.parse(one)) != written(ast.parse(other))
