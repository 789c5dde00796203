"""ensure: move"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.codemods.operation import Example, Malformed, Operation, Refusal
from skills_engine.codemods.paths import module_paths
from skills_engine.codemods.refactor.move import Mover
from skills_engine.codemods.refactor.project import Project
from skills_engine.errors import CannotEnsure
from skills_engine.types import Change, Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["Move"]


@dataclass(frozen=True, kw_only=True)
class Move(Operation):
    """The function, class or module-level variable `of` is defined in the module `to`, a name or a
    path.

    Its bytes go to the end of the module (before an `if __name__` block), which is created if it is
    not there. The imports that it needs come with it, and those go that nothing needs any longer;
    names of the new module that it has by `module.name` it has by name there. Every import of it in
    the repository follows, and the old module imports it where it still uses it. So do strings that
    are its whole path, and in pyproject.toml and other configuration such a path with a colon. What
    would make modules import each other in a circle refuses; so does a definition whose decorator may
    register it, where nothing would load the new module, and one that has a stub.
    """

    ensure = "move"
    VALID = (
        Example(
            "a function, with the imports it needs, to a new module",
            {
                "bot/__init__.py": "",
                "bot/app.py": "import json\nimport re\n\n\n# Says x.\ndef say(x):\n    return json.dumps(x)\n\n\ndef stay():\n    return re\n",
                "main.py": "from bot.app import say, stay\n\nsay(stay())\n",
            },
            {"of": "bot.app:say", "to": "bot.talk"},
            {
                "bot/__init__.py": "",
                "bot/app.py": "import re\n\n\ndef stay():\n    return re\n",
                "bot/talk.py": "import json\n\n\n# Says x.\ndef say(x):\n    return json.dumps(x)\n",
                "main.py": "from bot.app import stay\nfrom bot.talk import say\n\nsay(stay())\n",
            },
        ),
        Example(
            "a class to the end of a module, where the old one still uses it",
            {
                "a.py": "class A:\n    pass\n\n\ndef make():\n    return A()\n",
                "b.py": "import os\n\nprint(os)\n\nif __name__ == '__main__':\n    print(1)\n",
                "c.py": "import a\n\nx = a.A()\ny = a.make()\n",
            },
            {"in": "a.py", "of": "A", "to": "b.py"},
            {
                "a.py": "from b import A\n\n\ndef make():\n    return A()\n",
                "b.py": "import os\n\nprint(os)\n\n\nclass A:\n    pass\n\n\nif __name__ == '__main__':\n    print(1)\n",
                "c.py": "import a\nimport b\n\nx = b.A()\ny = a.make()\n",
            },
        ),
        Example(
            "a variable that a package re-exports with a relative import",
            {
                "p/__init__.py": "from .a import LIMIT as L\n",
                "p/a.py": "LIMIT = 3  # why\n",
                "p/b.py": "X = 1\n",
            },
            {"of": "p.a:LIMIT", "to": "p.b"},
            {
                "p/__init__.py": "from .b import LIMIT as L\n",
                "p/a.py": "",
                "p/b.py": "X = 1\nLIMIT = 3  # why\n",
            },
        ),
        Example(
            "where its whole path is named: in a script's entry point, in a test",
            {
                "a.py": "def f(): ...\n",
                "b.py": "X = 1\n",
                "pyproject.toml": '[project.scripts]\nf = "a:f"  # f\n',
                "test_a.py": 'from unittest.mock import patch\n\nwith patch("a.f"):\n    print("a.f is in a")\n',
            },
            {"of": "a:f", "to": "b"},
            {
                "a.py": "",
                "b.py": "X = 1\n\n\ndef f(): ...\n",
                "pyproject.toml": '[project.scripts]\nf = "b:f"  # f\n',
                "test_a.py": 'from unittest.mock import patch\n\nwith patch("b.f"):\n    print("a.f is in a")\n',
            },
        ),
        Example(
            "with its decorators, and the imports that they need",
            {
                "a.py": "import re\nfrom functools import cache, wraps\n\n\n# Cached.\n@cache\n# Twice.\n@wraps(\n    re,\n)\ndef f(): ...\n\n\ndef g():\n    return f(), re\n",
            },
            {"of": "a:f", "to": "b"},
            {
                "a.py": "import re\n\nfrom b import f\n\n\ndef g():\n    return f(), re\n",
                "b.py": "import re\nfrom functools import cache, wraps\n\n\n# Cached.\n@cache\n# Twice.\n@wraps(\n    re,\n)\ndef f(): ...\n",
            },
        ),
        Example(
            "one import, where several of the old module lead to it, which nothing needs any longer",
            {
                "c.py": "import p\nimport p.a as a\nfrom p import a as b\n\nx = [p.a.f, a.f, b.f]\n",
                "p/__init__.py": "",
                "p/a.py": "def f(): ...\n",
                "p/z.py": "X = 1\n",
            },
            {"of": "p.a:f", "to": "p.z"},
            {
                "c.py": "from p import z\n\nx = [z.f, z.f, z.f]\n",
                "p/__init__.py": "",
                "p/a.py": "",
                "p/z.py": "X = 1\n\n\ndef f(): ...\n",
            },
        ),
        Example(
            "what it takes from the new module by name is there",
            {"a.py": "import b\n\n\ndef f():\n    return b.X\n", "b.py": "X = 1\n"},
            {"of": "a:f", "to": "b"},
            {"a.py": "", "b.py": "X = 1\n\n\ndef f():\n    return X\n"},
        ),
        Example(
            "what is there already stays",
            {"a.py": "from b import f\n", "b.py": "def f(): ...\n"},
            {"of": "a:f", "to": "b"},
            {"a.py": "from b import f\n", "b.py": "def f(): ...\n"},
        ),
    )
    INVALID = (
        Refusal(
            "no such name",
            {"a.py": "x = 1\n"},
            {"of": "a:f", "to": "b"},
            Outcome.MISSING,
            "a.py does not define f",
        ),
        Refusal(
            "modules that would import each other",
            {"a.py": "def g(): ...\n\n\ndef f():\n    return g()\n\n\nf()\n", "b.py": ""},
            {"of": "a:f", "to": "b"},
            Outcome.DRIFTED,
            "import each other",
        ),
        Refusal(
            "a decorator that may register it, in a module that nothing loads",
            {
                "a.py": "from app import route\n\n\n@route('/')\ndef f(): ...\n",
                "app.py": "def route(path): ...\n",
                "main.py": "import a\n",
            },
            {"of": "a:f", "to": "b"},
            Outcome.DRIFTED,
            "nothing would load b.py",
        ),
        Refusal(
            "a module that nothing would load any more, and that does something",
            {
                "a.py": "from m import on\n\non('x')\n\n\ndef f(): ...\n",
                "main.py": "from a import f\n",
            },
            {"of": "a:f", "to": "b"},
            Outcome.DRIFTED,
            "nothing would load a.py any more",
        ),
        Refusal(
            "a definition that a stub declares",
            {"a.py": "def f(): ...\n", "a.pyi": "def f() -> None: ...\n"},
            {"of": "a:f", "to": "b"},
            Outcome.DRIFTED,
            "the stub a.pyi",
        ),
        Refusal(
            "a name that is taken in the target",
            {"a.py": "def f(): ...\n", "b.py": "f = 1\n"},
            {"of": "a:f", "to": "b"},
            Outcome.DRIFTED,
            "b.py has another f",
        ),
        Refusal(
            "a name that a global statement ties to its module",
            {"a.py": "n = 0\n\n\ndef f():\n    global n\n    n += 1\n"},
            {"of": "a:f", "to": "b"},
            Outcome.DRIFTED,
            "`global n`",
        ),
    )

    of: str
    to: str
    in_: str = ""

    def __post_init__(self) -> None:
        if (":" in self.of) == bool(self.in_):
            raise Malformed(
                "of",
                "the file must be named once",
                "`of: package.module:name`, or `in` and `of: name`",
            )
        if not self._name().isidentifier():
            raise Malformed(
                "of", f"{self._name()!r} is no module-level name", "a bare name after the colon"
            )
        parts = self._stem().split("/")
        if not all(part.isidentifier() for part in parts):
            raise Malformed(
                "to", f"{self.to!r} is no module", "`to: package.module` or `to: package/module.py`"
            )

    def describe(self) -> str:
        return f"move {self.of} to {self.to}"

    def touches(self) -> tuple[str, ...]:
        new = (self.to,) if self.to.endswith(".py") else module_paths(self.to)
        return (*self._olds(), *new)

    def apply(self, files: Files) -> Change:
        project = Project(files)
        old, new = self._old(files), self._new(files)
        mover = Mover(project, old, new, self._name(), self.describe())
        return mover.move()

    def _name(self) -> str:
        return self.of.rpartition(":")[2].strip()

    def _stem(self) -> str:
        return self.to.removesuffix(".py") if self.to.endswith(".py") else self.to.replace(".", "/")

    def _olds(self) -> tuple[str, ...]:
        return (self.in_,) if self.in_ else module_paths(self.of.partition(":")[0].strip())

    def _old(self, files: Files) -> str:
        for path in self._olds():
            if files.read(path) is not None:
                return path
        for path in self._olds():
            if (moved := files.follow(path)) is not None:
                return moved
        named = " or ".join(self._olds())
        raise CannotEnsure(
            Outcome.MISSING,
            f"{self.describe()}: there is no file {named}",
            hint="name the file that holds it now",
        )

    def _new(self, files: Files) -> str:
        if self.to.endswith(".py"):
            return self.to
        there = [path for path in module_paths(self.to) if files.read(path) is not None]
        root = "src/" if self._old(files).startswith("src/") else ""
        return there[0] if there else f"{root}{self._stem()}.py"
