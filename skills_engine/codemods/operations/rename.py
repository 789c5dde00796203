"""ensure: rename"""

from __future__ import annotations

import keyword
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from skills_engine.codemods.operation import Example, Malformed, Operation, Refusal, module_paths
from skills_engine.codemods.refactor.attribute_references import Members
from skills_engine.codemods.refactor.name_references import variable_references
from skills_engine.codemods.refactor.private_names import private_references
from skills_engine.codemods.refactor.project import Project
from skills_engine.codemods.source.source import Source, spliced
from skills_engine.errors import CannotEnsure
from skills_engine.types import Change, Outcome, Place

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files
    from skills_engine.codemods.names.scopes import Scope
    from skills_engine.codemods.refactor.name_references import NameReferences

__all__ = ["Rename"]


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
            "unclear: keep leaves what is not clear",
            "class A:\n    def go(self): ...\n\n\ndef f(x):\n    x.go()\n",
            {"in": "m.py", "of": "A.go", "to": "start", "unclear": "keep"},
            "class A:\n    def start(self): ...\n\n\ndef f(x):\n    x.go()\n",
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
        if not self.to.isidentifier() or keyword.iskeyword(self.to) or _special(self.to):
            raise Malformed("to", f"{self.to!r} is no name to give", "a bare name: `to: run`")

    def describe(self) -> str:
        return f"rename {self.of} to {self.to}"

    def touches(self) -> tuple[str, ...]:
        return (self.in_,) if self.in_ else module_paths(self.of.partition(":")[0].strip())

    def apply(self, files: Files) -> Change:
        project = Project(files)
        path = self._locate(files)
        *around, old = self.of.rpartition(":")[2].strip().split(".")
        scope = self._scope(project, path, around)
        if scope.bound.get(self.to) and (old == self.to or not scope.bound.get(old)):
            return Change(Outcome.ALREADY, self.describe())
        self._renameable(scope, old)
        found = (
            self._members(project, scope, old)
            if around
            else variable_references(project, scope, old, self.to)
        )
        for binding in scope.bound[old]:
            if binding.kind == "class":
                private_references(project, scope.inner[binding.node], found)
        if self.unclear == "rename":
            for names, node, text in found.doubts:
                found.rename(names, node, text)
        if found.collisions:
            raise self._refuse(
                Outcome.DRIFTED, f"{self.to} has a meaning already", found.collisions
            )
        if found.unclear and self.unclear == "refuse":
            what = f"it is not clear whether these are {self.of}; nothing is guessed"
            raise self._refuse(
                Outcome.AMBIGUOUS,
                what,
                found.unclear,
                "annotate the objects, or say `unclear: keep` or `rename`",
            )
        return self._write(project, found)

    def _write(self, project: Project, found: NameReferences) -> Change:
        places: list[Place] = []
        written: dict[str, bytes] = {}
        for path, splices in sorted(found.splices.items()):
            source = project.at(path).source
            written[path] = source.splice(sorted(splices))
            Source.check(path, source.original, written[path], self.describe())
            places += [source.place(splice.start) for splice in sorted(splices)]
        for path, splices in sorted(found.configuration.items()):
            written[path] = spliced(project.files.read(path) or b"", splices)
            places += [
                Place(path, written[path].count(b"\n", 0, splice.start) + 1)
                for splice in sorted(splices)
            ]
        for path, data in written.items():
            project.files.write(path, data)
        count = f"{len(places)} place{'s' * (len(places) != 1)} in {len(written)} file{'s' * (len(written) != 1)}"
        return Change(Outcome.APPLIED, f"{self.describe()}: {count}", tuple(places))

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

    def _scope(self, project: Project, path: str, around: list[str]) -> Scope:
        names = project.at(path)
        scope = names.module
        for part in around:
            classes = [b for b in scope.bound.get(part, ()) if b.kind == "class"]
            if len(classes) != 1:
                source = names.source
                raise source.missing(
                    self.describe(), f"{path} does not define the class {'.'.join(around)}"
                )
            scope = classes[0].scope.inner[classes[0].node]
        return scope

    def _renameable(self, scope: Scope, old: str) -> None:
        source = scope.names.source
        bindings = scope.bound.get(old, [])
        if not bindings and (assigned := scope.attributes.get(old)):
            what = f"{self.of.rpartition(':')[2].strip()} is an attribute that methods assign"
            hint = "rename it by hand: callers and data may name it without saying whose it is"
            raise source.drifted(self.describe(), what, *[b.node for b in assigned], hint=hint)
        if not bindings:
            raise source.missing(
                self.describe(),
                f"{source.path} does not define {self.of.rpartition(':')[2].strip()}",
                [b[0].node for name, b in scope.bound.items() if b and name.lower() == old.lower()]
                or [
                    b[0].node
                    for b in scope.bound.values()
                    if b and b[0].kind in {"class", "function"}
                ],
            )
        at = bindings[0].node
        if all(b.kind == "import" for b in bindings):
            raise source.drifted(
                self.describe(), f"{source.path} only imports {old}", at, hint="name its own module"
            )
        if _special(old):
            raise source.drifted(self.describe(), f"{old} is a name with a meaning of its own", at)
        if scope.kind == "class" and any(b.kind not in {"function", "class"} for b in bindings):
            what = (
                f"{old} is an attribute of the class: callers may name it as a keyword or in data"
            )
            raise source.drifted(self.describe(), what, at, hint="rename it by hand")

    def _members(self, project: Project, scope: Scope, old: str) -> NameReferences:
        members = Members(project, scope, old, self.to, lookalikes=self.unclear == "rename")
        if above := members.overridden():
            what = f"it overrides {', '.join(f'{a.qualname}.{old}' for a in above)}"
            places = [a.names.source.place(a.node) for a in above]
            raise self._refuse(
                Outcome.DRIFTED, what, places, "rename the method of the class above all of them"
            )
        if self.unclear == "refuse" and (bases := members.foreign_bases()):
            what = f"{scope.qualname} inherits from {', '.join(bases)}, whose methods are not in the repository"
            raise self._refuse(
                Outcome.AMBIGUOUS,
                what,
                [scope.names.source.place(scope.node)],
                "say `unclear: rename` if it overrides none of them",
            )
        return members.references()

    def _refuse(
        self, outcome: Outcome, what: str, places: list[Place], hint: str = ""
    ) -> CannotEnsure:
        lines = "; ".join(str(place) for place in places[:20])
        return CannotEnsure(
            outcome, f"{self.describe()}: {what}: {lines}", candidates=tuple(places), hint=hint
        )


def _special(name: str) -> bool:
    """Whether Python gives the name a meaning (`__init__`) or another spelling inside classes
    (`__private`).
    """
    return name.startswith("__")
