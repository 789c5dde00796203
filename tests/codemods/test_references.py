"""Renaming and moving keep what a program does: generated packages are run before and after."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import symtable
import sys
from collections import Counter
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.names.read import names_of
from skills_engine.codemods.operation import Operation
from skills_engine.codemods.operations.move import Move
from skills_engine.codemods.operations.rename import Rename
from skills_engine.codemods.source.source import Source
from skills_engine.errors import CannotEnsure, Unparsable
from skills_engine.types import Outcome

# --- running a tree of modules


class Tree(MetaPathFinder, Loader):
    """Imports modules from a dict of files."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        stem = name.replace(".", "/")
        for file, package in ((f"{stem}/__init__.py", True), (f"{stem}.py", False)):
            if file in self.files:
                spec = importlib.util.spec_from_loader(name, self, origin=file, is_package=package)
                assert spec is not None
                return spec
        return None

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        path = module.__spec__.origin
        assert path is not None
        code = compile(self.files[path], path, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - that is how a program is run


def outcome(files: dict[str, bytes]) -> Any:
    """What `main` logs; or the kind of error that it ends with."""
    finder = Tree(files)
    before = set(sys.modules)
    sys.meta_path.insert(0, finder)
    try:
        log = importlib.import_module("main").log
        assert isinstance(log, list)
        return [
            re.sub(r"<(?:class '[^']*'|function .*? at 0x\w+)>", "<it>", repr(entry))
            for entry in log
        ]
    except Exception as error:  # noqa: BLE001 - a generated program may end in any
        return type(error)
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - before:
            del sys.modules[name]


# --- generated packages

IMPORTS = {
    "from": ("from pkg.core import {n}", "{n}"),
    "as": ("from pkg.core import {n} as other_{i}", "other_{i}"),
    "same as": ("from pkg.core import {n} as {n}", "{n}"),
    "several": ("from pkg.core import BASE, {n}, unused", "{n}"),
    "in parentheses": (
        "from pkg.core import (\n    unused,  # one\n    {n},  # two\n    BASE\n)",
        "{n}",
    ),
    "module": ("import pkg.core", "pkg.core.{n}"),
    "module as": ("import pkg.core as c_{i}", "c_{i}.{n}"),
    "submodule": ("from pkg import core", "core.{n}"),
    "re-exported": ("from pkg import {n}", "{n}"),
    "through the package": ("import pkg", "pkg.{n}"),
    "relative": ("from .{up}core import {n}", "{n}"),
    "relative module": ("from .{up} import core as r_{i}", "r_{i}.{n}"),
    "star": ("from pkg.core import *", "{n}"),
    "chained": ("from pkg.hub import {n}", "{n}"),
    "fallback": ("try:\n    from pkg.core import {n}\nexcept ImportError:\n    {n} = None", "{n}"),
    "guarded": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pkg.core import {n}",
        "None and {n}",
    ),
}
USES = (
    "log.append({e}{call})",
    "def f_{i}():\n    return {e}{call}\nlog.append(f_{i}())",
    "def f_{i}({n}=1):\n    return {n}\nlog.append(f_{i}(2))",
    "def f_{i}():\n    {n} = 3\n    return [{n} for _ in '12']\nlog.append(f_{i}())",
    "log.append([{n} for {n} in (1, 2)])",
    "log.append(f'{{{e}{call}!r:>20}} {n}')",
    "class K_{i}:\n    {n} = {e}\n    def m(self):\n        return self.{n}\nlog.append('k')",
    "def f_{i}(x: '{e} | None' = None) -> 'list[{e}]': ...\nlog.append('annotated')",
    "log.append((lambda {n}: {n})(4))",
    "def f_{i}():\n    def g():\n        return {e}{call}\n    return g\nlog.append(f_{i}()())",
    "match {{'{n}': 1}}:\n    case {{'{n}': x_{i}}}:\n        log.append(x_{i})",
    "log.append(dict({n}=1))  # {n}",
    "def f_{i}():\n    from pkg.core import {n} as inner, {n}\n    return inner{call}, {n}{call}\nlog.append(f_{i}())",
    "def f_{i}():\n    import pkg.core\n    return pkg.core.{n}{call}\nlog.append(f_{i}())",
    "if (w_{i} := {e}):\n    log.append(w_{i}{call})",
    "def f_{i}():\n    global {n}\n    return 5\nlog.append(f_{i}())",
    "renamed_{i} = 'renamed'\nlog.append(renamed_{i})",
    "renamed = 6\nlog.append(renamed)",
    "def f_{i}(renamed):\n    return {e}{call}, renamed\nlog.append(f_{i}(7))",
)
CORE = {
    "function": ("def {n}():\n    # why\n    return unused() + BASE + len(json.dumps([1]))\n", "()"),
    "recursive": ("def {n}(k=2):\n    return {n}(k - 1) + 1 if k else 0\n", "()"),
    "class": ("class {n}:\n    self_: '{n}'\n    def __repr__(self):\n        return 'it'\n", "().__repr__()"),
    "decorated": ("# two\n@(lambda f: lambda: [f(), json.dumps(2)])\ndef {n}():\n    return BASE\n", "()"),
    "variable": ("{n} = BASE + 1  # {n}\n", ""),
    "twice": ("if BASE:\n    def {n}():\n        return 1\nelse:\n    def {n}():\n        return 2\n", "()"),
}  # fmt: skip
HUBS = (
    "from pkg.core import {n}\n",
    "from .core import *\n",
    "from . import {n} as {n}\n",
    "from pkg.core import {n} as {n}\n",
)
INITS = (
    "from .core import {n}\n",
    "from pkg.core import {n}, BASE\n__all__ = ['{n}', \"BASE\"]\n",
    "from .core import *\n",
)


@st.composite
def packages(draw: st.DrawFn) -> dict[str, bytes]:
    """A package whose `pkg.core` defines `thing`; other modules import it in all ways and log what
    they get.
    """
    n = "thing"
    definition, call = CORE[draw(st.sampled_from(sorted(CORE)))]
    exports = draw(
        st.sampled_from(
            [
                "",
                "__all__ = ['{n}', 'BASE', 'unused']\n",
                "__all__ = ('BASE',)\n__all__ += ('{n}',)\n",
            ]
        )
    )
    tail = draw(
        st.sampled_from(["", "\n\nlog = [{n}{call}]\n", "\n\ndef late():\n    return {n}{call}\n"])
    )
    core = (
        f"import json\n\nBASE = 1\n{exports}\n\ndef unused():\n    return 0\n\n\n{definition}{tail}"
    )
    files = {
        "pkg/core.py": core,
        "pkg/__init__.py": draw(st.sampled_from(INITS)),
        "pkg/hub.py": draw(st.sampled_from(HUBS)),
        "pkg/other.py": draw(
            st.sampled_from(
                ["", "import json\n", "X = 1\n\n\nif __name__ == '__main__':\n    print(X)\n"]
            )
        ),
        "pkg/sub/__init__.py": "",
        "main.py": "import pkg.user\nimport pkg.sub.user\nlog = pkg.user.log + pkg.sub.user.log\n",
    }
    for path, up in (("pkg/user.py", ""), ("pkg/sub/user.py", ".")):
        lines = ["log = []"]
        for i in range(draw(st.integers(1, 3))):
            imported, expression = IMPORTS[draw(st.sampled_from(sorted(IMPORTS)))]
            lines.append(imported.format(n=n, i=i, up=up))
            for j, use in enumerate(
                draw(st.lists(st.sampled_from(USES), min_size=1, max_size=2, unique=True))
            ):
                shown = expression.format(n=n, i=i)
                lines.append(
                    use.format(n=n, e=shown, i=f"{i}{j}", call="" if "None" in shown else call)
                )
        files[path] = "\n".join(lines) + "\n"
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    return {
        path: text.replace("{n}", n).replace("{call}", call).replace("\n", newline).encode()
        for path, text in files.items()
    }


def applied(operation: Operation, tree: MemoryFiles) -> CannotEnsure | None:
    """Why it was refused, or None; a refusal leaves the files as they were."""
    before = dict(tree.contents)
    try:
        operation.apply(tree)
    except CannotEnsure as refusal:
        if tree.contents != before:
            raise AssertionError("refused, and yet something changed") from refusal
        return refusal
    return None


LAW = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@LAW
@given(packages(), st.sampled_from(["renamed", "fresh"]))
def test_a_renamed_definition_does_what_it_did(files: dict[str, bytes], to: str) -> None:
    before = outcome(files)
    assume(isinstance(before, list))
    tree = MemoryFiles(files)
    if (refusal := applied(Rename(of="pkg.core:thing", to=to), tree)) is not None:
        assert refusal.outcome is Outcome.DRIFTED
        if any(b"import *" in d and b"thing = None" in d for d in files.values()):
            return  # a star import cannot give one of two bindings its old name
        assert to == "renamed", f"nothing is called {to}: {refusal.message}"
        assert any(b"renamed = 6" in d or b"(renamed)" in d for d in files.values()), (
            refusal.message
        )
        return
    assert outcome(tree.contents) == before
    core = ast.parse(tree.contents["pkg/core.py"])
    assert not [
        node
        for node in ast.walk(core)
        if "thing" in (getattr(node, "id", ""), getattr(node, "name", ""))
    ]
    back = MemoryFiles(
        {p: re.sub(rb"\b%s\b" % to.encode(), b"thing", d) for p, d in tree.contents.items()}
    )
    if to == "fresh" and b"fallback" not in b"".join(files.values()) and not _kept(tree.contents):
        assert back.contents == files, "only the name's own bytes differ"
    assert Rename(of="pkg.core:thing", to=to).apply(tree).outcome is Outcome.ALREADY


def _kept(files: dict[str, bytes]) -> bool:
    return any(b"fresh as thing" in data for data in files.values())


@LAW
@given(packages(), st.sampled_from(["pkg.other", "pkg.new", "pkg/sub/far.py", "pkg.user", "top"]))
def test_a_moved_definition_does_what_it_did(files: dict[str, bytes], to: str) -> None:
    before = outcome(files)
    assume(isinstance(before, list))
    tree = MemoryFiles(files)
    if (refusal := applied(Move(of="pkg.core:thing", to=to), tree)) is not None:
        assert refusal.outcome in {Outcome.DRIFTED, Outcome.AMBIGUOUS}
        return
    assert outcome(tree.contents) == before
    assert not re.search(
        rb"^(def|class) thing|^thing =", tree.contents["pkg/core.py"], re.MULTILINE
    )
    moved = dict(tree.contents)
    assert Move(of="pkg.core:thing", to=to).apply(tree).outcome is Outcome.ALREADY
    assert tree.contents == moved


OBJECTS = (
    "log.append({c}().go())",
    "x_{i} = {c}()\nlog.append(x_{i}.go())",
    "def f_{i}(x: {c}):\n    return x.go()\nlog.append(f_{i}({c}()))",
    "def f_{i}(x: '{c} | None', y=1):\n    return x and x.go()\nlog.append(f_{i}({c}()))",
    "class S_{i}({c}):\n    def go(self):\n        return [super().go(), self.kind()]\nlog.append(S_{i}().twice())",
    "class S_{i}({c}): ...\nclass T_{i}(S_{i}):\n    def go(self):\n        return 't'\nlog.append(T_{i}().twice())",
    "log.append({c}.go({c}()))",
    (
        "class H_{i}:\n    def __init__(self):\n        self.c = {c}()\n"
        "    def run(self):\n        return self.c.go()\nlog.append(H_{i}().run())"
    ),
    (
        "class H_{i}:\n    c: {c}\n    def __init__(self, c):\n        self.c = c\n"
        "    def run(self):\n        return self.c.go()\nlog.append(H_{i}({c}()).run())"
    ),
    "log += [x.go() for x in [{c}(), {c}()]]",
    "def f_{i}(xs: 'list[{c}]'):\n    for x in xs:\n        yield x.go()\nlog += f_{i}([{c}()])",
    (
        "def f_{i}(xs: dict[str, {c}]):\n    return [xs['a'].go()] + [x.go() for x in xs.values()]\n"
        "log += f_{i}({{'a': {c}()}})"
    ),
    "def make_{i}() -> {c}:\n    return {c}()\nlog.append(make_{i}().go())",
    "class O_{i}:\n    def go(self):\n        return 'other'\nlog.append(O_{i}().go())\nlog.append('go')",
    "def go():\n    return 'function'\nlog.append(go())",
    "log.append({c}.made().go())",
    "log.append({c}().twin.go())",
    "def f_{i}(x):\n    return x.go()\nlog.append(f_{i}({c}()))",
    "class B_{i}:\n    def start(self):\n        return 0\nclass S_{i}(B_{i}, {c}): ...\nlog.append(S_{i}().go())",
    "log.append([f() for f in ({c}().go,)])",
)
CLASS = """
from __future__ import annotations
from typing import Self
class Thing:
    def go(self):
        return 'go'
    def twice(self):
        return [self.go(), type(self).go(self)]
    def kind(self):
        return 'thing'
    @classmethod
    def made(cls) -> Self:
        return cls()
    @property
    def twin(self) -> Thing:
        return Thing()
"""


@LAW
@given(
    st.lists(st.sampled_from(OBJECTS), min_size=1, max_size=4, unique=True),
    st.sampled_from(["Thing", "t.Thing"]),
)
def test_a_renamed_method_is_called_as_before_or_what_is_unclear_is_listed(
    uses: list[str], c: str
) -> None:
    head = "from thing import Thing" if c == "Thing" else "import thing as t"
    lines = [use.format(c=c, i=i) for i, use in enumerate(uses)]
    files = {
        "thing.py": CLASS.encode(),
        "main.py": "\n".join([head, "log = []", *lines, ""]).encode(),
    }
    before = outcome(files)
    assert isinstance(before, list), before
    tree = MemoryFiles(files)
    unclear = any("f_{i}(x)" in use for use in uses)
    collides = any("def start" in use for use in uses)
    if (refusal := applied(Rename(of="thing:Thing.go", to="start"), tree)) is not None:
        assert refusal.outcome is (Outcome.DRIFTED if collides else Outcome.AMBIGUOUS)
        assert collides or unclear, refusal.message
        return
    assert not unclear
    assert outcome(tree.contents) == before
    assert b"go" not in re.sub(rb"'\w+'", b"", tree.contents["thing.py"])


# --- what the generators do not reach


def rename(files: dict[str, str], **keys: Any) -> dict[str, str]:
    tree = MemoryFiles({path: text.encode() for path, text in files.items()})
    Rename(**keys).apply(tree)
    return {path: data.decode() for path, data in tree.contents.items()}


def test_a_file_that_sees_the_class_only_through_its_caller_is_not_overlooked() -> None:
    files = {
        "a.py": "class A:\n    def go(self): ...\n",
        "main.py": "import a\nimport util\n\nutil.run(a.A())\n",
        "util.py": "def run(x):\n    x.go()\n",
        "apart.py": "def run(x):\n    x.go()\n",
    }
    with pytest.raises(CannotEnsure, match=r"util\.py:2: x\.go\(\)") as caught:
        rename(files, of="a:A.go", to="start")
    assert [place.path for place in caught.value.candidates] == ["util.py"]
    assert (
        rename(files, of="a:A.go", to="start", unclear="rename")["util.py"]
        == "def run(x):\n    x.start()\n"
    )


def test_a_protocol_and_the_classes_that_follow_it_stay_together() -> None:
    files = {
        "a.py": "from typing import Protocol\n\n\nclass P(Protocol):\n    def go(self): ...\n",
        "b.py": "import a\n\n\nclass B:\n    def go(self):\n        self.go()\n\n\ndef f(p: a.P):\n    p.go()\n",
    }
    with pytest.raises(CannotEnsure, match=r"b\.py:5: def go"):
        rename(files, of="a:P.go", to="start")
    after = rename(files, of="a:P.go", to="start", unclear="rename")
    assert "go" not in after["b.py"] + after["a.py"]


def test_a_file_that_does_not_parse_but_has_the_name_is_named() -> None:
    files = {"a.py": "def go(): ...\n", "b.py": "from a import go\ndef (\n", "c.py": "def (\n"}
    with pytest.raises(Unparsable, match=r"b\.py:2"):
        rename(files, of="a:go", to="run")


def test_bytes_around_the_name_stay_with_any_encoding() -> None:
    before = {
        "a.py": "\ufeffdef go(é): ...\r\n\r\nü = 'ü'; go(ü)\r\n".encode(),
        "b.py": "# coding: latin-1\nfrom a import go  # ä\nä = 'ä', go\n".encode("latin-1"),
    }
    tree = MemoryFiles(before)
    Rename(of="a:go", to="größer").apply(tree)
    for path, encoding in (("a.py", "utf-8"), ("b.py", "latin-1")):
        assert tree.contents[path].decode(encoding) == before[path].decode(encoding).replace(
            "go", "größer"
        )


def test_a_builtin_that_the_new_name_would_hide_is_a_collision() -> None:
    with pytest.raises(CannotEnsure, match=r"a\.py:4"):
        rename({"a.py": "def go(): ...\n\n\nprint(go())\n"}, of="a:go", to="print")


@pytest.mark.parametrize(
    "module", ["dataclasses", "typing", "asyncio.base_events", "ast", "contextlib"]
)
def test_scopes_bind_what_the_compiler_says(module: str) -> None:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin)
    names = names_of(Source.parse(path.name, path.read_bytes()))
    tables: list[symtable.SymbolTable] = []
    todo = [symtable.symtable(path.read_text(encoding="utf-8"), path.name, "exec")]
    while todo:
        tables.append(todo.pop())
        todo += tables[-1].get_children()
    theirs = Counter(
        _symbols(table)
        for table in tables
        if str(table.get_type()).endswith(("module", "class", "function"))
    )
    mine = Counter(
        (
            s.kind if s.kind in {"module", "class"} else "function",
            frozenset(n for n, b in s.bound.items() if b),
        )
        for s in names.scopes
        if s.kind != "type"
    )
    if sys.version_info < (3, 12):  # comprehensions have tables of their own
        assert mine == theirs


def _symbols(table: symtable.SymbolTable) -> tuple[str, frozenset[str]]:
    module = table.get_type() == "module"
    bound = (
        s.get_name()
        for s in table.get_symbols()
        if (s.is_assigned() or s.is_imported() or s.is_namespace() if module else s.is_local())
    )
    return str(table.get_type()), frozenset(name for name in bound if not name.startswith("."))
