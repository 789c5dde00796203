"""The rules that a clean merge must pass: each sees what the merge broke, and only that."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skills_engine.check import Changed, check
from skills_engine.codemods.files import MemoryFiles

Texts = dict[str, str | bytes | None]


def as_bytes(text: str | bytes | None) -> bytes | None:
    return dedent(text).encode() if isinstance(text, str) else text


def found(owner: Texts, after: Texts, graft: Texts | None = None) -> list[str]:
    """The findings of an operation. Texts that `after` does not have are the owner's; None is no
    file.
    """
    graft = graft or {}
    old = {path: as_bytes(text) for path, text in owner.items()}
    new = old | {path: as_bytes(text) for path, text in after.items()}
    changed = [
        Changed(p, new[p], (old.get(p), as_bytes(graft.get(p))))
        for p in after
        if new[p] != old.get(p)
    ]
    theirs = {path: as_bytes(text) for path, text in graft.items()}
    tree, base = (
        MemoryFiles({p: data for p, data in texts.items() if data is not None})
        for texts in (new, theirs)
    )
    return [f"{f.rule} {f}" for f in check(changed, tree, base)]


ONE_FILE = [
    # before, after, what is found
    ("x = 1\n", "x = (\n", ["syntax m.py:1: the file does not compile: '(' was never closed"]),
    (
        "x = 1\n",
        "x = 1\nreturn x\n",
        ["syntax m.py:2: the file does not compile: 'return' outside function"],
    ),
    (
        "def f(a): ...\n",
        "def f(a, a): ...\n",
        ["syntax m.py:1: the file does not compile: duplicate argument"],
    ),
    (
        "f(a=1)\n",
        "f(a=1, a=1)\n",
        ["syntax m.py:1: the file does not compile: keyword argument repeated"],
    ),
    (b"x = 1\n", b"x = 1\ny = '\0'\n", ["syntax m.py:"]),
    (b"x = 1\n", b"x = '\xff'\n", ["syntax m.py:"]),
    (b"x = 1\n", b"# coding: no-such\nx = 1\n", ["syntax m.py:"]),
    (b"x = 1\n", b"# coding: latin-1\nx = '\xff'\n", []),
    (b"x = 1\n", b"\xef\xbb\xbfx = 2\r\n", []),
    ("x = 1\n", "x = 1 is 1\nassert (x, 'always')\ny = '\\d'\n", []),
    (
        "x = 1\n",
        "x = " + "(" * 300 + ")" * 300 + "\n",
        ["syntax m.py:1: the file does not compile: "],
    ),
    (
        "x = 1\n",
        "x = " + "+".join("1" * 50_000) + "\n",
        ["syntax m.py:1: the file does not compile: "],
    ),
    ("x = (\n", "x = (\ny = 2\n", []),
    (
        "x = 1\n",
        "<<<<<<< ours\nx = 1\n=======\nx = 2\n>>>>>>> theirs\n",
        ["syntax m.py:1: a conflict marker", "syntax m.py:5: a conflict marker"],
    ),
    ("x = 1\n", "x = '''\nTitle\n=======\n'''\n", []),
    # duplicate
    (
        "def f(): ...\n",
        "def f(): ...\ndef f(): ...\n",
        ["duplicate m.py:2: f is defined a second time (first in line 1)"],
    ),
    ("def f(): ...\ndef f(): ...\n", "def f(): ...\ndef f(): ...\n# more\n", []),
    ("", "class A:\n    def f(self): ...\n    async def f(self): ...\n", ["duplicate m.py:3: A.f"]),
    ("", "class A: ...\nclass A: ...\n", ["duplicate m.py:2: A "]),
    ("", "def f():\n    def g(): ...\n    def g(): ...\n", ["duplicate m.py:3: f.g "]),
    ("", "class A:\n    x: int = 1\n    y: int = 2\n    x: int = 3\n", ["duplicate m.py:4: A.x"]),
    ("TIMEOUT = 5\n", "TIMEOUT = 5\nx = 1\nTIMEOUT = 9\n", ["duplicate m.py:3: TIMEOUT"]),
    ("", "from a import x\nfrom b import x\n", ["duplicate m.py:2: x "]),
    ("", "def f():\n    x = 1\n    x = 2\n    return x\n", []),
    ("", "def f():\n    def g(): ...\n    yield g\n    def g(): ...\n", []),
    ("", "from a import *\nfrom b import *\nif __name__ == 'm':\n    x = 1\n    x = 2\n", []),
    ("", "x = 1\nx = x + 1\nx: int\n", []),
    ("", "import a.b\nimport a.c\nimport a.b\nfrom d import e\nfrom d import e\n", []),
    ("", "if 1:\n    def f(): ...\nelse:\n    def f(): ...\n", []),
    ("", "try:\n    from a import f\nexcept ImportError:\n    def f(): ...\n", []),
    ("", "import sys\ndef f(): ...\nif sys.platform == 'x':\n    def f(): ...\n", []),
    (
        "",
        "class A:\n    @property\n    def f(self): ...\n    @f.setter\n    def f(self, v): ...\n",
        [],
    ),
    (
        "",
        "from typing import overload\n@overload\ndef f(a: int): ...\n@overload\ndef f(a: str): ...\ndef f(a): ...\n",
        [],
    ),
    (
        "",
        "from m import show\n@show.register\ndef _(a: int): ...\n@show.register\ndef _(a: str): ...\n",
        [],
    ),
    ("", "def f(): ...\nf = staticmethod(f)\n", []),
    (
        "d = {1: 2}\n",
        "d = {1: 2, 3: 4, 1: 2}\n",
        ["duplicate m.py:1: the key 1 is in the dict a second time"],
    ),
    ("", "K = 1\nd = {K: 2, **{}, K: 3}\n", ["duplicate m.py:2: the key K"]),
    ("", "d = [{'a': 1}, {'a': 2}, {**{}, **{}}]\n", []),
    # undefined
    ("x = 1\n", "x = y\n", ["undefined m.py:1: the name 'y' is not defined"]),
    ("x = y\n", "x = [y]\n", []),
    ("x = y\n", "x = y\n\nz = y\n", ["undefined m.py:3: the name 'y' is not defined"]),
    ("", "__all__ = ['a']\n", ["undefined m.py:1: __all__ names 'a'"]),
    (
        "x = 1\n",
        "x = 1\ndef f():\n    print(x)\n    x = 2\n",
        ["undefined m.py:3: the local variable 'x'"],
    ),
    ("import os\nprint(os)\n", "print(os)\n", ["undefined m.py:1: the name 'os' is not defined"]),
    ("", "from a import *\nx = y\n", []),
    ("", "def f(): return g()\ndef g(): ...\nprint(__file__, __name__)\n", []),
]


@pytest.mark.parametrize(("before", "after", "expected"), ONE_FILE, ids=lambda v: repr(v)[:60])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_one_file(
    before: str | bytes, after: str | bytes, expected: list[str], newline: str
) -> None:
    versions = [v.encode() if isinstance(v, str) else v for v in (before, after)]
    old, new = (v.replace(b"\r\n", b"\n").replace(b"\n", newline.encode()) for v in versions)
    lines = found({"m.py": old}, {"m.py": new})
    assert len(lines) == len(expected), lines
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(start)


def test_what_either_version_had_stays_allowed() -> None:
    owner, graft = (
        "def f(): return mine\n\n\n\n",
        "def f(): return 1\n\n\n\ndef g(): return theirs\n",
    )
    merged = "def f(): return mine\n\n\n\ndef g(): return theirs\n"
    assert found({"m.py": owner}, {"m.py": merged}, {"m.py": graft}) == []
    again = merged + "def h(): return theirs\n"
    assert found({"m.py": owner}, {"m.py": again}, {"m.py": graft}) == [
        "undefined m.py:6: the name 'theirs' is not defined"
    ]


def test_what_upstream_broke_itself_is_not_the_operations_doing() -> None:
    """Upstream renamed a module, and another of its modules still imports the old one."""
    owner: Texts = {"a.py": "from b import x\n", "b.py": "x = 1\n"}
    moved: Texts = {"b.py": None, "c.py": "x = 1\n"}
    assert found(owner, moved, {**moved, "a.py": "from b import x\n"}) == []
    assert found(owner, moved, {**moved, "a.py": "from c import x\n"}) == [
        "import a.py:1: there is no module b"
    ]


def test_a_definition_from_each_side_is_found() -> None:
    owner = "def a(): ...\n\n\ndef help(): return 'mine'\n"
    graft = "def help(): return 'theirs'\n\n\ndef a(): ...\n"
    merged = "def help(): return 'theirs'\n\n\ndef a(): ...\n\n\ndef help(): return 'mine'\n"
    assert found({"m.py": owner}, {"m.py": merged}, {"m.py": graft}) == [
        "duplicate m.py:7: help is defined a second time (first in line 1)"
    ]


PACKAGE: Texts = {
    "bot/__init__.py": "",
    "bot/base.py": """\
        from dataclasses import dataclass, field, KW_ONLY
        from typing import ClassVar

        LIMIT = 5


        def send(to, text, *, quiet=False): ...


        class Channel:
            def __init__(self, name): ...

            def start(self, loop=None): ...

            @classmethod
            def make(cls, name): ...

            @staticmethod
            def check(name): ...

            def run(self):
                self.start()
                self.start(1)
                self.make("x")
                self.check("x")


        @dataclass
        class Message:
            kind: ClassVar[str] = "m"
            text: str
            to: str = ""
            tags: list = field(default_factory=list)
            _: KW_ONLY
            quiet: bool = False
        """,
    "bot/app.py": """\
        import bot.base
        import bot.base as b
        from bot import base
        from bot.base import Channel, Message, send as post
        from .base import LIMIT


        class Console(Channel):
            def __init__(self):
                super().__init__("console")

            def go(self):
                self.start(LIMIT)
                super().start()


        def main(args, send):
            bot.base.send(1, 2)
            b.send(1, text=2)
            base.send(1, 2, quiet=True)
            post(1, 2)
            post(*args)
            post(**args)
            send(9)
            Message("x", "y", quiet=True)
            Channel("x")
            Channel.make("x").start(1, 2, 3)
            Console()
        """,
}
BASE = str(PACKAGE["bot/base.py"])


def base(*replacements: tuple[str, str]) -> Texts:
    text = BASE
    for old, new in replacements:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return {"bot/base.py": text}


REACH = [
    # a parameter more, less, renamed, reordered
    (
        ("def send(to, text, *, quiet=False)", "def send(to, text, when, *, quiet=False)"),
        [(name, "'when'") for name in ("bot.base.send", "b.send", "base.send", "post")],
    ),
    (
        ("def send(to, text, *, quiet=False)", "def send(to, body)"),
        [("b.send", "no parameter 'text'"), ("base.send", "no parameter 'quiet'")],
    ),
    (("def send(to, text, *, quiet=False)", "def send(to, text, when=None, **more)"), []),
    (("def send(to, text, *, quiet=False)", "def send(to, text, /, *, quiet=False)"), [("b.send", "'text'")]),
    (("def __init__(self, name)", "def __init__(self)"), [("super().__init__", ""), ("Channel", "")]),
    (("def start(self, loop=None)", "def start(self)"), [("self.start", "no positional")]),
    (("def make(cls, name)", "def make(cls, name, kind)"), [("Channel.make", "'kind'")]),
    (("text: str\n", "text: str\n            when: int\n"), []),
    (("    to: str = \"\"\n            tags", "    tags"), []),
    (("            quiet: bool = False", "            loud: bool = False"), [("Message", "no parameter 'quiet'")]),
    (("@dataclass\n", "@dataclass(kw_only=True)\n"), [("Message", "no positional")]),
    (("@dataclass\n", "@dataclass(init=False)\n"), []),
    (("class Channel:", "class Channel(metaclass=Meta):"), []),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "expected"), REACH, ids=lambda v: repr(v)[:70])
def test_calls_elsewhere_must_fit_a_changed_signature(
    edit: tuple[str, str], expected: list[tuple[str, str]]
) -> None:
    lines = [
        line
        for line in found(PACKAGE, base(edit))
        if line.startswith("signature") and not line.startswith("signature bot/base.py")
    ]
    assert len(lines) == len(expected), lines
    for line, (name, reason) in zip(lines, expected, strict=True):
        assert line.startswith("signature bot/app.py:")
        assert f": the call of {name} does not fit: " in line
        assert reason in line


def test_calls_on_self_in_the_class_itself_must_fit() -> None:
    assert found(PACKAGE, base(("def check(name)", "def check()"))) == [
        "signature bot/base.py:25: the call of self.check does not fit: it takes no positional arguments and got 1"
    ]


def test_a_constructor_reaches_subclasses_of_subclasses() -> None:
    tree = PACKAGE | {
        "x/deep.py": "from bot.app import Console\nclass Deep(Console): ...\nDeep()\n"
    }
    app = str(PACKAGE["bot/app.py"]).replace("def __init__(self)", "def __init__(self, prompt)")
    assert found(tree, {"bot/app.py": app}) == [
        "signature bot/app.py:28: the call of Console does not fit: it needs 'prompt'",
        "signature x/deep.py:3: the call of Deep does not fit: it needs 'prompt'",
    ]


GONE_METHODS = [
    (
        "from bot.base import Channel\nclass A(Channel):\n  def f(self): self.start()\n",
        ["x.py:3: the call of self.start: "],
    ),
    (
        "from bot.base import Channel\nclass A(Channel):\n  def f(self): super().start()\n",
        ["x.py:3: "],
    ),
    (
        "from bot.base import Channel\nclass A(Channel):\n  def start(self): ...\n  def f(self): self.start()\n",
        [],
    ),
    ("from bot.base import Channel\nclass A(Channel, Mixin):\n  def f(self): self.start()\n", []),
    (
        "from bot.base import Channel\nclass A(Channel):\n  def f(self, s): self.start = s; self.start()\n",
        [],
    ),
    ("from bot.base import Message\nclass A(Message):\n  def f(self): self.start()\n", []),
    ("class A:\n  def f(self): self.start()\n", []),
]


@pytest.mark.parametrize(("text", "expected"), GONE_METHODS)
def test_a_method_that_disappeared_is_called_no_more(text: str, expected: list[str]) -> None:
    lines = found(
        PACKAGE | {"x.py": text}, base(("def start(self, loop=None)", "def begin(self, loop=None)"))
    )
    here = [line for line in lines if line.startswith("signature x.py")]
    assert len(here) == len(expected), lines
    for line, start in zip(here, expected, strict=True):
        assert line.startswith(f"signature {start}")


def test_tests_may_call_wrongly_on_purpose() -> None:
    text = """\
        import pytest
        from bot.base import send
        def test():
            with pytest.raises(TypeError):
                send()
            try:
                send(1)
            except (ValueError, TypeError):
                pass
        """
    assert found(PACKAGE, {"tests/test_x.py": text}) == []


def test_a_call_that_did_not_fit_before_is_left_alone() -> None:
    tree = PACKAGE | {"x.py": "from bot.base import send\nsend()\n"}
    assert [
        f
        for f in found(tree, base(("def send(to, text,", "def send(to, text, when,")))
        if "x.py" in f
    ] == []


def test_a_new_call_must_fit_what_the_owner_made_of_the_function() -> None:
    # the skill's author knew send(to, text); the owner added a parameter, and the file it is in
    # does not change
    tree = (
        PACKAGE
        | base(("def send(to, text,", "def send(to, text, when,"))
        | {"x.py": "import os\nprint(os)\n"}
    )
    new = "import os\nfrom bot.base import send\nprint(os)\nsend(1, 2)\n"
    assert found(tree, {"x.py": new}, {"x.py": new}) == [
        "signature x.py:4: the call of send does not fit: it needs 'when'"
    ]


UNCLEAR = [
    "send = lambda *a: None\nsend(1)\n",
    "from other import send\nsend(1)\n",
    "from bot.base import send\ndef f(send): send(1)\n",
    "from bot.base import send\ndef f():\n    send = print\n    send(1)\n",
    "from bot.base import send\n[send(1) for send in ()]\n",
    "from bot.base import send\nsend = wrap(send)\nsend(1)\n",
    "from bot.base import send\nf = lambda send: send(1)\n",
    "from bot.base import send\ndef f():\n    global send\n    send = print\nsend(1)\n",
    "import bot.base\nbot = object()\nbot.base.send(1)\n",
    "from bot.base import Channel\nclass A(Channel):\n  def f(self):\n    self.start = p\n    self.start(1, 2, 3)\n",
    "from bot.base import Channel\nclass A(Channel):\n  def f(self):\n    self = other\n    self.start(1, 2, 3)\n",
    "from bot.base import Channel\nclass A(Channel, Mixin):\n    def f(self): self.start(1, 2, 3)\n",
    "class send: ...\ntry:\n    from bot.base import send\nexcept ImportError: pass\nsend(1)\n",
]


@pytest.mark.parametrize("text", UNCLEAR)
def test_a_call_that_may_be_of_something_else_is_left_alone(text: str) -> None:
    assert [f for f in found(PACKAGE, {"x.py": text}) if f.startswith("signature")] == []


IMPORTS = [
    # file, its text, what is found after LIMIT, send and bot/app.py are gone
    ("from bot.base import LIMIT\n", ["x/y.py:1: bot/base.py does not define LIMIT"]),
    ("def f():\n    from bot.base import send, Message\n", ["x/y.py:2: bot/base.py does not define send"]),
    ("import bot.app\n", ["x/y.py:1: there is no module bot.app"]),
    ("import bot.app as a\n", ["x/y.py:1: there is no module bot.app"]),
    ("from bot.app import main\n", ["x/y.py:1: there is no module bot.app"]),
    ("from bot import app\n", ["x/y.py:1: bot/__init__.py does not define app"]),
    ("from bot import base, __doc__\nfrom bot.base import Channel, __name__ as n\n", []),
    ("try:\n    import bot.app\nexcept ImportError:\n    pass\n", []),
    ("try:\n    from bot.base import LIMIT\nexcept (ValueError, ModuleNotFoundError, ImportError):\n    pass\n", []),
    ("import contextlib\nwith contextlib.suppress(ImportError):\n    import bot.app\n", []),
    ("from bot.base import *\n", []),
    ("import bot.base as b\nb.LIMIT\nb.send(1, 2)\n", ["x/y.py:2: bot/base.py does not define LIMIT", "x/y.py:3: "]),
    ("import bot.base\nprint(bot.base.LIMIT, bot.base.Channel)\n", ["x/y.py:2: bot/base.py does not define LIMIT"]),
    ("from bot import base\ndef f(base): return base.LIMIT\n", []),
    ("from elsewhere.app import main\nfrom .app import main as m\n", []),
]  # fmt: skip
LESS: Texts = {
    **base(("LIMIT = 5\n", ""), ("def send(to, text, *, quiet=False): ...\n", "")),
    "bot/app.py": None,
}


@pytest.mark.parametrize(("text", "expected"), IMPORTS)
@pytest.mark.parametrize("new", [False, True], ids=["unchanged", "new"])
def test_imports_of_what_disappeared(text: str, expected: list[str], *, new: bool) -> None:
    lines = (
        found(PACKAGE, LESS | {"x/y.py": text}) if new else found(PACKAGE | {"x/y.py": text}, LESS)
    )
    assert len(lines) == len(expected), lines
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(f"import {start}")


def test_imports_that_never_worked_or_still_work_are_left_alone() -> None:
    tree = PACKAGE | {
        "x.py": "from bot.base import nothing\nimport bot.nowhere\nfrom bot.base import LIMIT\n",
        "bot/lazy.py": "def __getattr__(name): ...\nA = 1\n",
        "y.py": "from bot.lazy import A\nfrom bot.space.inner import f\nfrom bot import space\n",
        "bot/space/inner.py": "def f(): ...\nB = 1\n",
    }
    after = base(("LIMIT = 5", "LIMIT: int = 6")) | {
        "bot/lazy.py": "def __getattr__(name): ...\n",
        "bot/space/inner.py": "def f(): ...\n",
        "z.py": "from bot.lazy import B\nfrom bot import space\nimport bot.space\nimport os.path, yaml.nodes\n",
    }
    assert found(tree, after) == []


def test_a_module_may_become_a_package_or_be_reexported() -> None:
    moved: Texts = {"bot/base.py": None, "bot/base/__init__.py": BASE}
    assert found(PACKAGE, moved) == []
    shared: Texts = {"bot/base.py": "from bot.core import *\n", "bot/core.py": BASE}
    assert found(PACKAGE, shared) == []


def test_a_skill_that_imports_what_the_owner_renamed() -> None:
    tree = PACKAGE | base(("class Channel:", "class Wire:")) | {"bot/app.py": ""}
    new = (
        "from bot.base import Channel\nfrom bot.other import x\n\n\nclass Telegram(Channel): ...\n"
    )
    assert found(tree, {"bot/telegram.py": new}, {"bot/telegram.py": new}) == [
        "import bot/telegram.py:1: bot/base.py does not define Channel, which is imported from it",
        "import bot/telegram.py:2: there is no module bot.other",
    ]


def test_src_layout_and_scripts_beside_their_modules() -> None:
    tree: Texts = {
        "src/pkg/__init__.py": "",
        "src/pkg/a.py": "def f(): ...\n",
        "tests/test_a.py": "from pkg.a import f\nf()\n",
        "tools/helper.py": "def g(): ...\n",
        "tools/run.py": "from helper import g\ng()\n",
    }
    assert found(
        tree, {"src/pkg/a.py": "def f(x): ...\n", "tools/helper.py": "def h(): ...\n"}
    ) == [
        "signature tests/test_a.py:2: the call of f does not fit: it needs 'x'",
        "import tools/run.py:1: tools/helper.py does not define g, which is imported from it",
    ]


# --- an edit that breaks nothing is never stopped

STATEMENTS = [
    "import json",
    "from os import path as ospath",
    "LIMIT_{n} = {n}",
    "x_{n}: int = {n}",
    "def f_{n}(a, b=1, *c, d, **e):\n    return a, b, c, d, e, len(str(a))",
    "async def g_{n}(a):\n    async with a as b:\n        return [c async for c in b if c]",
    """class C_{n}:
    limit = {n}

    def __init__(self, a=1):
        self.a = a

    def f(self):
        return self.g(1)

    def g(self, x):
        return type(self)(x)""",
    "for i_{n} in range(3):\n    print(i_{n})",
    "try:\n    import tomllib\nexcept ImportError:\n    tomllib = None",
    "if LATE:\n    def late_{n}(): ...\nelse:\n    def late_{n}(x): ...",
    "match LATE:\n    case [a_{n}, *b_{n}]: print(a_{n}, b_{n})\n    case {{'k': c_{n}, **d_{n}}}: print(c_{n}, d_{n})",
    "lambda_{n} = lambda q, *r: (q, r, {{k: v for k, v in r}})",
    "TABLE_{n} = {{'a': 1, 'b': 2, **{{}}}}",
    "with open(__file__) as h_{n}:\n    first_{n} = h_{n}.read()",
]  # fmt: skip


@st.composite
def modules(draw: st.DrawFn) -> list[str]:
    kinds = draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=8))
    return ["LATE = ()", *(text.format(n=number) for number, text in enumerate(kinds))]


@settings(deadline=None)
@given(
    modules(),
    modules(),
    st.sampled_from(["comment", "reorder", "merge", "blank", "use"]),
    st.randoms(),
)
def test_a_neutral_edit_has_no_findings(
    owner: list[str], theirs: list[str], edit: str, rng: random.Random
) -> None:
    graft = [
        text.replace("_", "_t") if not text.startswith(("LATE", "import", "from")) else text
        for text in theirs
    ]
    after = list(owner)
    if edit == "comment":
        after.insert(rng.randrange(len(after) + 1), "# é: a remark")
    elif edit == "reorder":
        after[1:] = rng.sample(after[1:], len(after) - 1)
    elif edit == "merge":
        after += [text for text in graft[1:] if text not in after]
    elif edit == "blank":
        after = [text + "\n" * rng.randrange(4) for text in after]
    else:
        after.append(
            "import string\n\n\ndef added(value):\n    return string.capwords(value), LATE"
        )
    texts = ["\n".join(part) + "\n" for part in (owner, after, graft)]
    for text in texts:
        ast.parse(text)
    use = "from pkg import m\nfrom pkg.m import LATE\nprint(m, LATE)\n"
    tree: Texts = {"pkg/__init__.py": "", "pkg/m.py": texts[0], "use.py": use}
    assert found(tree, {"pkg/m.py": texts[1]}, {"pkg/m.py": texts[2]}) == []


def test_nothing_heavy_is_imported() -> None:
    heavy = {"libcst", "pyflakes", "yaml", "packaging", "filelock"}
    code = f"import sys, skills_engine.check; print(*{heavy} & {{*sys.modules}})"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "\n"
    )
