"""The Python files of a tree and how they import one another. Files are parsed when first asked
for.

A module is known by its stem: its path without `.py` or `/__init__.py`. A name
in an import is looked up as Python would in a checkout: below the root, below
`src/`, and beside a file that is in no package (a script, a test).
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.names.read import names_of
from skills_engine.codemods.refactor.by_name import by_name
from skills_engine.codemods.source.source import Source
from skills_engine.syntax import nodes, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.codemods.files import Files
    from skills_engine.codemods.names.scopes import Imported, Names, Scope

__all__ = ["Links", "Project", "stem_of"]


def stem_of(path: str) -> str:
    """`bot/app.py` and `bot/app/__init__.py` are both `bot/app`."""
    return path.removesuffix(".py").removesuffix("/__init__")


class Project:
    """A tree of Python files. Raises Unparsable, from whatever needs a file that does not parse."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self._names: dict[str, Names] = {}

    def at(self, path: str) -> Names:
        if path not in self._names:
            self._names[path] = names_of(Source.parse(path, self.files.read(path) or b""))
        return self._names[path]

    def mentioning(self, *words: str) -> list[Names]:
        """The files in which one of the words stands, as a whole word, wherever."""
        found: set[str] = set()
        for word in words:
            whole = re.compile(
                rb"(?<![\w\x80-\xff])" + re.escape(word.encode()) + rb"(?![\w\x80-\xff])"
            )
            found |= {
                p
                for p in self.files.containing(word.encode(), ".py")
                if whole.search(self.files.read(p) or b"")
            }
        return [self.at(path) for path in sorted(found)]

    def inheriting(self, *words: str) -> list[Names]:
        """The files with a class that may have a base of one of these names. The others are read by
        `ast`, which is many times quicker.
        """
        found: set[str] = set()
        for word in words:
            for path in self.files.containing(word.encode(), ".py"):
                if _may_inherit(self.files.read(path) or b"", frozenset(words)):
                    found.add(path)
        return [self.at(path) for path in sorted(found)]

    # --- modules

    def file_of(self, stem: str) -> str | None:
        for path in (f"{stem}/__init__.py", f"{stem}.py"):
            if self.files.read(path) is not None:
                return path
        return None

    def module(self, stem: str) -> Names | None:
        path = self.file_of(stem)
        return None if path is None else self.at(path)

    def is_module(self, stem: str) -> bool:
        return bool(stem) and (self.file_of(stem) is not None or bool(self.files.listdir(stem)))

    def stem(self, importer: str, module: str) -> str | None:
        """Where `import module` in that file leads, leading dots included; None outside the
        tree.
        """
        name = module.lstrip(".")
        level = len(module) - len(name)
        folder = importer.rpartition("/")[0]
        tail = name.replace(".", "/")
        if level:
            base = folder.split("/") if folder else []
            if level - 1 > len(base):
                return None
            return "/".join([*base[: len(base) - level + 1], *([tail] if tail else [])])
        roots = ["", "src/"]
        if folder and self.files.read(f"{folder}/__init__.py") is None:
            roots.insert(0, folder + "/")
        return next((root + tail for root in roots if self.is_module(root + tail)), None)

    def dotted(self, stem: str) -> str:
        """The name to import a module by."""
        return stem.removeprefix("src/").replace("/", ".")

    def package(self, expression: cst.BaseExpression, scope: Scope) -> str | None:
        """The stem of the module that an expression is: `bot.app` after `import bot.app`,
        `importlib.import_module("bot.app")`.
        """
        found = self.packages(expression, scope)
        return next(iter(found)) if len(found) == 1 else None

    def packages(
        self, expression: cst.BaseExpression, scope: Scope, *, seen: frozenset[str] = frozenset()
    ) -> frozenset[str | None]:
        """The stems of the modules that an expression may be; None is among them if it may be
        something else.
        """
        match expression:
            case cst.Name(value=name):
                return self._of_variable(scope.owner(name), name, seen)
            case cst.Attribute(value=value, attr=cst.Name(value=name)):
                around = self.packages(value, scope, seen=seen)
                return frozenset(None if a is None else self._member(a, name) for a in around)
            case cst.Call() | cst.Subscript():
                module = by_name(expression, scope)
                return frozenset({None if module is None else self.stem(scope.names.path, module)})
        return frozenset({None})

    def package_variable(self, scope: Scope, name: str) -> str | None:
        found = self._of_variable(scope, name, frozenset())
        return next(iter(found)) if len(found) == 1 else None

    def _of_variable(self, scope: Scope, name: str, seen: frozenset[str]) -> frozenset[str | None]:
        key = f"{scope.names.path}:{scope.qualname}:{name}"
        found: set[str | None] = set()
        for binding in scope.bound.get(name, ()) if key not in seen else ():
            value = binding.value if binding.kind == "assignment" else None
            if binding.imported:
                found.add(self._imported(binding.imported))
            elif value is None:
                found.add(None)
            elif not (isinstance(value, cst.Name) and value.value == "None"):  # which has nothing
                found |= self.packages(value, binding.scope, seen=seen | {key})
        return frozenset(found or {None})

    def _imported(self, imported: Imported) -> str | None:
        path = imported.scope.names.path
        if imported.name:
            around = self.stem(path, imported.module)
            return None if around is None else self._member(around, imported.name)
        renamed = imported.alias is not None and imported.alias.asname is not None
        return self.stem(path, imported.module if renamed else imported.module.split(".")[0])

    def _member(self, stem: str, name: str) -> str | None:
        names = self.module(stem)
        if names is not None and name in names.module.bound:
            inside = names.module.bound[name]
            looped = any(
                b.imported and b.imported.name == name and self._self(b.imported, stem)
                for b in inside
            )
            if not looped:
                return self.package_variable(names.module, name)
        inner = f"{stem}/{name}" if stem else name
        return inner if self.is_module(inner) else None

    def _self(self, imported: Imported, stem: str) -> bool:
        """`from . import app` in a package's own file: the submodule, not a variable of it."""
        return self.stem(imported.scope.names.path, imported.module) == stem

    # --- who imports whom

    def imports(self, path: str, *, at_import_time: bool = False) -> set[str]:
        """The files that a file imports, packages around them included; `at_import_time`: only when
        it is imported.
        """
        found: set[str] = set()
        for imported in self.at(path).imports:
            if at_import_time and (
                imported.guarded or any(s.kind == "function" for s in imported.scope.chain())
            ):
                continue
            stem = self.stem(path, imported.module)
            if stem is None:
                continue
            stems = [stem, f"{stem}/{imported.name}" if stem else imported.name]
            around = (stem.rsplit("/", n)[0] for n in range(1, stem.count("/") + 1))
            stems += [
                package for package in around if not path.startswith(package + "/")
            ]  # its own are there before it
            found |= {f for s in stems if (f := self.file_of(s)) is not None}
        return found - {path}

    def reach(self, path: str, *, at_import_time: bool = False) -> set[str]:
        """The files that a file imports, and those that they import, and so on; itself only in a
        cycle.
        """
        found: set[str] = set()
        todo = [path]
        while todo:
            fresh = self.imports(todo.pop(), at_import_time=at_import_time) - found
            found |= fresh
            todo += fresh
        return found


class Links:
    """Which variables of a project are one variable: a definition, and what from-imports give its
    name to.
    """

    def __init__(self, project: Project, scope: Scope, name: str) -> None:
        self.project = project
        self.name = name
        self._known: dict[Scope, bool] = {scope: True}

    def bound(self, scope: Scope) -> bool:
        """Whether `name` in that scope is the definition and nothing else."""
        if scope not in self._known:
            self._known[scope] = False  # what a circle of imports leads back to adds nothing
            bindings = scope.bound.get(self.name)
            if bindings:
                links = (
                    b.imported is not None and b.imported.links and self.taken(b.imported)
                    for b in bindings
                )
                self._known[scope] = all(links)
            elif scope.kind == "module":
                self._known[scope] = any(self.taken(star) for star in scope.names.stars)
        return self._known[scope]

    def taken(self, imported: Imported) -> bool:
        """Whether an import takes the definition out of a module of the project."""
        stem = self.project.stem(imported.scope.names.path, imported.module)
        names = None if stem is None else self.project.module(stem)
        if names is None or imported.name not in {self.name, "*"} or names is imported.scope.names:
            return False
        return (imported.name != "*" or names.public(self.name)) and self.bound(names.module)

    def scopes(self, names: Names) -> Iterator[Scope]:
        """The scopes of a file that have the variable."""
        for scope in names.scopes:
            if (self.name in scope.bound or scope.kind == "module") and self.bound(scope):
                yield scope


@lru_cache(500)
def _may_inherit(data: bytes, words: frozenset[str]) -> bool:
    """Whether a class has a base in which one of the words stands, or another name for it."""
    named = _named_in_bases(data)
    if named is not None and named.isdisjoint(words) and not _bound(data, named):
        return False
    every = nodes(data)
    if not every:
        return True
    aliases, bases = set(words), set[str]()
    for node in every:
        match node:
            case ast.alias(name=name, asname=str(alias)) if name.rpartition(".")[2] in words:
                aliases.add(alias)
            case ast.Assign(targets=targets, value=value) if _identifiers(value) & aliases:
                aliases |= {name for target in targets for name in _identifiers(target)}
            case ast.AnnAssign(target=ast.Name(id=alias), value=ast.expr() as value) if (
                _identifiers(value) & aliases
            ):
                aliases.add(alias)
            case ast.ClassDef(bases=each):
                bases |= {name for base in each for name in _identifiers(base)}
    return not aliases.isdisjoint(bases)


_HEADER = re.compile(r"\bclass[\s\\]+\w+[\s\\]*([\[(][^'\"#:]*)(:?)")
_WORD = re.compile(r"[^\W\d]\w*")


def _named_in_bases(data: bytes) -> frozenset[str] | None:
    """The words between the brackets after `class NAME`; None where only a parser can tell."""
    try:
        headers = _HEADER.findall(data.decode())
    except UnicodeDecodeError:
        return None
    found: set[str] = set()
    for header, colon in headers:
        opened, closed = (sum(map(header.count, each)) for each in ("([{", ")]}"))
        if not colon or opened != closed:
            return None
        found.update(_WORD.findall(header))
    return frozenset(found)


def _bound(data: bytes, names: frozenset[str]) -> bool:
    """Whether one of the names may stand for something else here: assigned, or after `as`."""
    every = "|".join(map(re.escape, sorted(names)))
    text = data.decode()
    return bool(names) and bool(
        re.search(rf"\bas[\s\\]+(?:{every})\b", text)
        or re.search(rf"\b(?:{every})\b{_TARGETS}", text)
    )


_TARGETS = (
    r"(?:(?:[ \t\w.*)\]]|\\\r?\n|,(?:\s|#[^\n]*)*|\s+(?=[,)\]]))*+"
    r"|[ \t]*[:\[](?:[^\n]|(?<=[\[(,|\\])\r?\n|(?<=[\[(,|])[ \t]*\#[^\n]*\n|\n\s*(?=[\]),|]))*?)"
    r"(?<![-+*/%&|^@<>=!:])=(?!=)"
)
"""What may stand between a name that is assigned to and the first `=`: other targets of the same
statement, or its annotation.
"""


def _identifiers(node: ast.AST) -> set[str]:
    inside = walk(node)
    names = {each.id for each in inside if isinstance(each, ast.Name)}
    return names | {each.attr for each in inside if isinstance(each, ast.Attribute)}
