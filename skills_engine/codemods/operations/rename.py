"""ensure: rename"""

from __future__ import annotations

import keyword
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from skills_engine.codemods.operation import (
    Example,
    Malformed,
    Operation,
    Refusal,
    defined_elsewhere,
)
from skills_engine.codemods.paths import module_paths
from skills_engine.codemods.refactor.rename import QualifiedName, Renamer, is_special
from skills_engine.codemods.source.source import Source
from skills_engine.errors import CannotEnsure
from skills_engine.types import Change, Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["Rename"]

_STEPS = 5
"""How many re-exports and renames one after another lead to a definition."""


@dataclass(frozen=True, kw_only=True)
class Rename(Operation):
    """The function, class, method or module-level name `of` is called `to`, in every Python file of
    the repository.

    Followed are imports of every kind, re-exports, `__all__`, string annotations, strings that are
    its whole path (`patch("bot.app.go")`; in pyproject.toml and other configuration with a colon:
    `bot.app:go`), names in strings beside their module or class (`getattr(app, "go")`,
    `monkeypatch.setattr(app, "go", …)`, `patch.object(App, "run")`), and for a method the overrides in subclasses and accesses through objects whose
    class the code states. An access of that name on an object of unknown class
    (`methodcaller("go")`; for a class `x._App__go`, its private name) refuses, and
    `unclear: keep` or `unclear: rename` decides for all of them. Other strings and comments stay.
    """

    ensure = "rename"
    VALID = (
        Example(
            "a function, its calls and an import of it",
            {
                "bot/app.py": "def go(n):\n    return go(n - 1) if n else 0  # go\n",
                "main.py": "from bot.app import go\n\nprint(go(1), 'go')\n",
            },
            {"of": "bot.app:go", "to": "run"},
            {
                "bot/app.py": "def run(n):\n    return run(n - 1) if n else 0  # go\n",
                "main.py": "from bot.app import run\n\nprint(run(1), 'go')\n",
            },
        ),
        Example(
            "a class, through a package that re-exports it, relative imports, __all__ and string annotations",
            {
                "bot/__init__.py": 'from .app import App\n\n__all__ = [\n    "App",\n]\n',
                "bot/app.py": "class App: ...\n",
                "a.py": "import bot.app as b\nfrom bot import App as A\n\nx: 'b.App | None' = A()\n",
                "b.py": "import bot\n\n\ndef f(app: 'list[bot.App]', App=1):\n    return App\n",
            },
            {"of": "bot.app:App", "to": "Server"},
            {
                "bot/__init__.py": 'from .app import Server\n\n__all__ = [\n    "Server",\n]\n',
                "bot/app.py": "class Server: ...\n",
                "a.py": "import bot.app as b\nfrom bot import Server as A\n\nx: 'b.Server | None' = A()\n",
                "b.py": "import bot\n\n\ndef f(app: 'list[bot.Server]', App=1):\n    return App\n",
            },
        ),
        Example(
            "a method, its overrides, and calls on objects whose class is clear",
            {
                "bot/app.py": "class App:\n\tdef go(self): ...\n\n\tdef twice(self):\n\t\tself.go()\n",
                "sub.py": "from bot.app import App\n\n\nclass Sub(App):\n    def go(self):\n        super().go()\n",
                "use.py": "import bot.app\nfrom threading import Thread\n\n\ndef f(a: bot.app.App):\n    a.go()\n    Thread().go()\n",
            },
            {"of": "bot.app:App.go", "to": "start"},
            {
                "bot/app.py": "class App:\n\tdef start(self): ...\n\n\tdef twice(self):\n\t\tself.start()\n",
                "sub.py": "from bot.app import App\n\n\nclass Sub(App):\n    def start(self):\n        super().start()\n",
                "use.py": "import bot.app\nfrom threading import Thread\n\n\ndef f(a: bot.app.App):\n    a.start()\n    Thread().go()\n",
            },
        ),
        Example(
            "where its whole path is named: in a script's entry point, in a test",
            {
                "bot/app.py": "def go(): ...\n",
                "pyproject.toml": '[project.scripts]\nbot = "bot.app:go"  # go\nother = "other:go"\n',
                "test_app.py": 'from unittest.mock import patch\n\nwith patch("bot.app.go"):\n    print("see bot.app.go")\n',
            },
            {"of": "bot.app:go", "to": "run"},
            {
                "bot/app.py": "def run(): ...\n",
                "pyproject.toml": '[project.scripts]\nbot = "bot.app:run"  # go\nother = "other:go"\n',
                "test_app.py": 'from unittest.mock import patch\n\nwith patch("bot.app.run"):\n    print("see bot.app.go")\n',
            },
        ),
        Example(
            "an import that falls back to another definition keeps its local name",
            {
                "a.py": "LIMIT = 3\n",
                "b.py": "try:\n    from a import LIMIT\nexcept ImportError:\n    LIMIT = 1\n",
            },
            {"in": "a.py", "of": "LIMIT", "to": "MAXIMUM"},
            {
                "a.py": "MAXIMUM = 3\n",
                "b.py": "try:\n    from a import MAXIMUM as LIMIT\nexcept ImportError:\n    LIMIT = 1\n",
            },
        ),
        Example(
            "a class whose private names are spelled outside it",
            "class A:\n    def __f(self): ...\n\n\nA()._A__f()\n",
            {"in": "m.py", "of": "A", "to": "B"},
            "class B:\n    def __f(self): ...\n\n\nB()._B__f()\n",
        ),
        Example(
            "a method, by what the package's file imports",
            {
                "bot/__init__.py": "from .app import App as Bot\n",
                "bot/app.py": "class App:\n    def go(self): ...\n",
            },
            {"of": "bot:Bot.go", "to": "run"},
            {
                "bot/__init__.py": "from .app import App as Bot\n",
                "bot/app.py": "class App:\n    def run(self): ...\n",
            },
        ),
        Example(
            "unclear: keep leaves what is not clear",
            "class A:\n    def go(self): ...\n\n\ndef f(x):\n    x.go()\n",
            {"in": "m.py", "of": "A.go", "to": "start", "unclear": "keep"},
            "class A:\n    def start(self): ...\n\n\ndef f(x):\n    x.go()\n",
        ),
        Example(
            "in stubs",
            {
                "m.py": "def go(): ...\n",
                "m.pyi": "def go() -> None: ...\n",
                "n.pyi": "from m import go as go\n",
            },
            {"of": "m:go", "to": "run"},
            {
                "m.py": "def run(): ...\n",
                "m.pyi": "def run() -> None: ...\n",
                "n.pyi": "from m import run as run\n",
            },
        ),
        Example(
            "what has its name already stays",
            "def run(): ...\n",
            {"in": "m.py", "of": "go", "to": "run"},
            "def run(): ...\n",
        ),
    )
    INVALID = (
        Refusal(
            "no such name",
            "def f(): ...\n",
            {"in": "m.py", "of": "go", "to": "run"},
            Outcome.MISSING,
            "m.py does not define go",
        ),
        Refusal(
            "it has its name already, and an import of the old one is left",
            {"m.py": "def run(): ...\n", "n.py": "from m import go\n"},
            {"of": "m:go", "to": "run"},
            Outcome.DRIFTED,
            "n.py:1: from m import go",
        ),
        Refusal(
            "its stub mentions it and defines something else",
            {"m.py": "def go(): ...\n", "m.pyi": "from z import go\n\nx = go\n"},
            {"of": "m:go", "to": "run"},
            Outcome.DRIFTED,
            "m.pyi",
        ),
        Refusal(
            "an object of unknown class",
            "class A:\n    def go(self): ...\n\n\ndef f(x):\n    x.go()\n",
            {"in": "m.py", "of": "A.go", "to": "start"},
            Outcome.AMBIGUOUS,
            "m.py:6: x.go()",
        ),
        Refusal(
            "a string that names a method of unknown objects",
            'class A:\n    def go(self): ...\n\n\nf = methodcaller("go")\n',
            {"in": "m.py", "of": "A.go", "to": "start"},
            Outcome.AMBIGUOUS,
            "m.py:5",
        ),
        Refusal(
            "a private name of the class on an object of unknown class",
            "class A:\n    def __f(self): ...\n\n\ndef g(x):\n    x._A__f()\n",
            {"in": "m.py", "of": "A", "to": "B"},
            Outcome.AMBIGUOUS,
            "m.py:6: x._A__f()",
        ),
        Refusal(
            "the new name is taken",
            "def go(): ...\n\n\ndef run(): ...\n",
            {"in": "m.py", "of": "go", "to": "run"},
            Outcome.DRIFTED,
            "m.py:4",
        ),
        Refusal(
            "the new name is taken where the old one is imported",
            {"a.py": "def go(): ...\n", "b.py": "from a import go\n\nrun = go\n"},
            {"of": "a:go", "to": "run"},
            Outcome.DRIFTED,
            "b.py:3",
        ),
        Refusal(
            "a method that overrides another",
            "class B:\n    def go(self): ...\n\n\nclass A(B):\n    def go(self): ...\n",
            {"in": "m.py", "of": "A.go", "to": "start"},
            Outcome.DRIFTED,
            "B.go",
        ),
    )

    of: str
    to: str
    in_: str = ""
    unclear: Literal["refuse", "keep", "rename"] = "refuse"

    def __post_init__(self) -> None:
        if (":" in self.of) == bool(self.in_):
            raise Malformed(
                "of",
                "the file must be named once",
                "`of: package.module:Name`, or `in` and `of: Name`",
            )
        if not self.to.isidentifier() or keyword.iskeyword(self.to) or is_special(self.to):
            raise Malformed("to", f"{self.to!r} is no name to give", "a bare name: `to: run`")

    def describe(self) -> str:
        return f"rename {self.of} to {self.to}"

    def touches(self) -> tuple[str, ...]:
        return (self.in_,) if self.in_ else module_paths(self.of.partition(":")[0].strip())

    def apply(self, files: Files) -> Change:
        path, name = self._locate(files), self.of.rpartition(":")[2].strip()
        for _ in range(_STEPS):
            source = Source.parse(path, files.read(path) or b"")
            found = defined_elsewhere(source, files, name)
            if found is None or files.read(found[0]) is None:
                break
            path, name = found
        *around, old = name.split(".")
        return Renamer(
            files, QualifiedName(path, tuple(around), old), self.to, self.describe(), self.unclear
        ).rename()

    def _locate(self, files: Files) -> str:
        for path in self.touches():
            if files.read(path) is not None:
                return path
        for path in self.touches():
            if (moved := files.follow(path)) is not None:
                return moved
        named = " or ".join(self.touches())
        raise CannotEnsure(
            Outcome.MISSING,
            f"{self.describe()}: there is no file {named}",
            hint="name the file that holds it now",
        )
