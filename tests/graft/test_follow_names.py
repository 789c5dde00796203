"""Names that code takes by way of others, followed where there is one certain answer: re-exports,
relative imports, shorter roots, attributes of modules, strings that are paths.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from harness import Repo
from harness.merging import git_lines

from skills_engine.codemods.operation import perform
from skills_engine.codemods.registry import decode
from skills_engine.errors import CannotEnsure
from skills_engine.git import Git, Objects
from skills_engine.graft.files import GraftFiles
from skills_engine.graft.follow_file import follow_bytes
from skills_engine.graft.follow_patterns import follow_patterns
from skills_engine.graft.merge3 import merge_trees
from skills_engine.graft.overrides import follow_override, renamed_overrides
from skills_engine.graft.side import as_here
from skills_engine.tree import REGULAR, Entry, Tree

TOP = "def top(n):\n    high = [each for each in n if each > 3]\n    return max(high)\n"
BEST = TOP.replace("top", "best")
LOW = "LOW = [1, 2, 3]\n\n\ndef low(n):\n    return n < min(LOW)\n"
IN = "from p.a import top\n"

Files = dict[str, str | None]
Case = tuple[Files, Files, str, str]

RENAMED: tuple[Files, Files] = ({"p/a.py": TOP + LOW}, {"p/a.py": BEST + LOW})
MOVED: tuple[Files, Files] = ({"p/a.py": TOP + LOW}, {"p/a.py": LOW, "p/b.py": TOP})
MODULE: tuple[Files, Files] = ({"p/a.py": TOP + LOW}, {"p/a.py": None, "p/b.py": TOP + LOW})
PASSED: Files = {"p/__init__.py": IN, "p/a.py": TOP}
USER: Files = {"p/a.py": TOP, "p/use.py": "from p.a import top\n\nprint(top)\n"}
USER_NOW: Files = {"p/a.py": BEST, "p/use.py": "from p.a import best\n\nprint(best)\n"}

FOLLOWED: dict[str, Case] = {
    "re-export: dropped": (PASSED, {"p/__init__.py": ""}, "from p import top\n", "from p.a import top\n"),
    "re-export: of another name": (
        {"p/__init__.py": "from .a import top\n", "p/a.py": TOP},
        {"p/__init__.py": "from .a import best\n", "p/a.py": BEST},
        "from p import top\n", "from p.a import best as top\n",
    ),
    "re-export: stays while the definition moves": (
        PASSED, {"p/__init__.py": "from .b import top\n", "p/a.py": None, "p/b.py": TOP}, "from p import top\n", "from p import top\n",
    ),
    "relative: a name": (*RENAMED, "from .a import top\n", "from .a import best as top\n"),
    "beside an attribute of anybody, which a string names": (
        *RENAMED,
        "from operator import attrgetter\nfrom p import a\n\na.top(attrgetter('top', 'low'))\n",
        "from operator import attrgetter\nfrom p import a\n\na.best(attrgetter('top', 'low'))\n",
    ),
    "an import with a comment behind it": (
        *RENAMED, "def f():\n    from p.a import top  # noqa: PLC0415\n", "def f():\n    from p.a import best as top  # noqa: PLC0415\n",
    ),
    "relative: a module": (*MODULE, "from . import a\nfrom .a import top\n", "from . import b as a\nfrom .b import top\n"),
    "relative: out of the package": (
        {"p/a.py": TOP}, {"p/a.py": None, "q.py": TOP}, "from .a import top\n", "from q import top\n",
    ),
    "shorter root: the importer's own": (
        {"c/p/__init__.py": "", "c/p/a.py": TOP}, {"c/p/a.py": None, "c/p/b.py": TOP}, "c/p/new.py:from p.a import top\n", "from p.b import top\n",
    ),
    "attribute: another name": (*RENAMED, "from p import a\n\na.top(a.LOW)\n", "from p import a\n\na.best(a.LOW)\n"),
    "attribute: of another module": (
        *MOVED, "from p import a\n\na.top(a.LOW)\n", "from p import a\nimport p.b\n\np.b.top(a.LOW)\n",
    ),
    "attribute: of a module that moved": (*MODULE, "from p import a\n\na.top()\n", "from p import b as a\n\na.top()\n"),
    "attribute: `import a.b`": (*MODULE, "import p.a\n\np.a.top(p.a)\n", "import p.b\n\np.b.top(p.b)\n"),
    "attribute: `import a.b as c`": (*RENAMED, "import p.a as c\n\nc.top()\n", "import p.a as c\n\nc.best()\n"),
    "attribute: a type in a string": (
        *RENAMED, 'from p import a\n\n\ndef f(x: "list[a.top]"): ...\n', 'from p import a\n\n\ndef f(x: "list[a.best]"): ...\n',
    ),
    "attribute: a name that hides the module": (
        *RENAMED, "from p import a\n\n\ndef f(a):\n    a.top()\n", "from p import a\n\n\ndef f(a):\n    a.top()\n",
    ),
    "attribute: the first word of the module is something else here": (
        *MOVED, "from p import a\n\np = 1\na.top()\n", "from p import a\n\np = 1\na.top()\n",
    ),
    "string: a path to a name": (*RENAMED, 'patch("p.a.top")\n', 'patch("p.a.best")\n'),
    "string: a path to a module that moved": (*MODULE, 'patch("p.a.top")\n', 'patch("p.b.top")\n'),
    "string: where it is used": (USER, USER_NOW, 'patch("p.use.top")\n', 'patch("p.use.best")\n'),
    "string: where it is used no more": (
        USER, {**USER_NOW, "p/use.py": "import p.a\n"}, 'patch("p.use.top")\n', 'patch("p.use.top")\n',
    ),
    "string: beside its owner": (
        USER, USER_NOW, 'from p import use\n\nmonkeypatch.setattr(use, "top", 1)\n', 'from p import use\n\nmonkeypatch.setattr(use, "best", 1)\n',
    ),
    "string: prose": (*RENAMED, 'log("see p.a.top for it")\n', 'log("see p.a.top for it")\n'),
    "set: in the module that uses it": (
        USER, USER_NOW, "from p import use\n\nuse.top = 1\n", "from p import use\n\nuse.best = 1\n",
    ),
    "twice there now": (
        {"p/a.py": TOP}, {"p/a.py": BEST + BEST.replace("best", "most")}, "from p import a\n\na.top()\n", "from p import a\n\na.top()\n",
    ),
}  # fmt: skip


def _tree(objects: Objects, files: Files) -> str:
    out = Tree(objects, None)
    for path, text in files.items():
        if text is not None:
            out.put(path, Entry(REGULAR, objects.write("blob", text.encode())))
    return out.oid()


def _upstream(git: Git, base: Files, now: Files) -> GraftFiles:
    commits: list[str] = []
    for files in (base, now, now | {"other.py": "from p.x import top\n"}):
        tree = _tree(git.objects, files)
        git.objects.flush(tree)
        commits.append(git.commit_tree(tree, commits[-1:], "A commit"))
    return GraftFiles(git, commits[-1], Tree(git.objects, git.tree_of(commits[-1])))


def _case(what: str) -> tuple[Files, Files, str, str, str]:
    was, now, code, due = FOLLOWED[what]
    base: Files = {"p/__init__.py": "", **was}
    path, mark, text = code.partition(".py:")
    found = (f"{path}.py", text) if mark else ("p/new.py", code)
    return base, base | now, *found, due


@pytest.mark.parametrize("what", FOLLOWED)
def test_what_the_owner_renamed(tmp_path: Path, what: str) -> None:
    base, ours, path, code, due = _case(what)
    objects = Git(Repo.init(tmp_path / "repo").path).objects
    tree, lines = partial(_tree, objects), git_lines(tmp_path)
    theirs = tree(base | {path: code})
    merged = merge_trees(objects, tree(base), tree(ours), theirs, lines=lines)
    assert (Tree(objects, merged.tree).read(path) or b"").decode() == due
    off = merge_trees(objects, theirs, merged.tree, tree(base), lines=lines)
    assert (off.conflicts, off.tree) == ((), tree(ours))


@pytest.mark.parametrize("what", FOLLOWED)
def test_what_upstream_renamed(tmp_path: Path, what: str) -> None:
    """The same, by git's history; the commit after it has nothing to do with it."""
    base, now, path, code, due = _case(what)
    git = Git(Repo.init(tmp_path / "repo").path)
    found = follow_bytes(code.encode(), _upstream(git, base, now), (), path).decode()
    git.objects.close()
    assert found == due


BASE_CLASS = '''class Channel:
    """A place."""

    def send(self, to, text):
        """Say something there, whoever listens to it now."""
        raise NotImplementedError

    def greet(self, to):
        self.send(to, "Hello")
'''
OVERRIDES = """from p.a import Channel


class Loud(Channel):
    def send(self, to, text):
        print(to, text.upper())

    def twice(self, to, text):
        self.send(to, text)
        super().send(to, text)
"""
CALLS = "from p.new import Loud\n\n\ndef test(channel: Loud):\n    Loud().send(1, 'a')\n    channel.send(2, 'b')\n"
UNCLEAR = CALLS.replace("channel: Loud", "channel")


@pytest.mark.parametrize("calls", [CALLS, UNCLEAR])
def test_a_method_that_is_overridden_follows_with_its_calls_or_is_refused(
    tmp_path: Path, calls: str
) -> None:
    base: Files = {"p/__init__.py": "", "p/a.py": BASE_CLASS}
    now = base | {"p/a.py": BASE_CLASS.replace("send(", "say(")}
    new: Files = {"p/new.py": OVERRIDES, "p/test_new.py": calls}
    due: Files = {path: text and text.replace("send(", "say(") for path, text in new.items()}
    git = Git(Repo.init(tmp_path / "repo").path)
    files = _upstream(git, base, now)
    for path, text in new.items():
        files.write(path, (text or "").encode())
    (override,) = renamed_overrides(files, new)
    said = "Channel.send, which it overrides, is say now"
    if calls == UNCLEAR:
        with pytest.raises(CannotEnsure, match=said) as caught:
            follow_override(files, override, new)
        assert [(each.path, each.line) for each in caught.value.candidates] == [
            ("p/test_new.py", 6)
        ]
        git.objects.close()
        return
    assert follow_override(files, override, new).summary == f"add p/new.py: {said}"
    assert {path: (files.read(path) or b"").decode() for path in new} == due
    git.objects.close()
    tree, lines = partial(_tree, git.objects), git_lines(tmp_path)
    merged = merge_trees(git.objects, tree(base), tree(now), tree(base | new), lines=lines)
    assert merged.tree == tree(now | due)
    assert as_here(git.objects, tree(base), tree(base | new), tree(now | due)) == tree(base | due)
    off = merge_trees(git.objects, tree(base | new), merged.tree, tree(base), lines=lines)
    assert (off.conflicts, off.tree) == ((), tree(now))


OPERATIONS: dict[str, tuple[Files, Files, str, str]] = {
    "a re-export, relative": (
        {"p/__init__.py": "from .a import top\n", "p/a.py": TOP}, {"p/__init__.py": "from .b import top\n", "p/a.py": None, "p/b.py": TOP}, "p:top", "p/b.py",
    ),
    "a re-export of another name": (
        {"p/__init__.py": "from .a import top\n", "p/a.py": TOP}, {"p/__init__.py": "from .a import best\n", "p/a.py": BEST}, "p:top", "p/a.py",
    ),
    "a re-export that was dropped": (PASSED, {"p/__init__.py": ""}, "p:top", "p/a.py"),
    "a method": ({"p/a.py": BASE_CLASS}, {"p/a.py": BASE_CLASS.replace("send(", "say(")}, "p.a:Channel.send", "p/a.py"),
    "a module in two": ({"p/a.py": TOP + LOW}, {"p/a.py": None, "p/b.py": TOP, "p/c.py": LOW}, "p.a:top", "p/b.py"),
}  # fmt: skip


@pytest.mark.parametrize("what", OPERATIONS)
def test_an_operation_follows_too(tmp_path: Path, what: str) -> None:
    was, now, of, due = OPERATIONS[what]
    base: Files = {"p/__init__.py": "", **was}
    git = Git(Repo.init(tmp_path / "repo").path)
    operation = decode({"ensure": "decorator", "of": of, "decorator": "once"})
    files = _upstream(git, base, base | now)
    change = perform(operation, files)
    assert [place.path for place in change.places] == [due]
    change = perform(decode({"ensure": "rename", "of": of, "to": "fresh"}), files)
    git.objects.close()
    assert due in {place.path for place in change.places}


MAIN = "def main():\n    z = {}([1, 5])\n    return z\n"
USES: Files = {"p/a.py": TOP, "p/use.py": IN + MAIN.format("top")}
SELF = BASE_CLASS + "        return self\n"
CALL = {"ensure": "argument", "in": "p/use.py", "of": "main", "call": "top", "argument": "key=1"}
PATTERNS: dict[str, tuple[Files, Files, dict[str, str], str | None]] = {
    "a call": (USES, {"p/a.py": BEST, "p/use.py": IN.replace("top", "best") + MAIN.format("best")}, CALL, "z = best([1, 5], key=1)"),
    "of another module, by another name": (
        USES, {"p/a.py": None, "p/b.py": BEST, "p/use.py": "from .b import best as b\n" + MAIN.format("b")}, CALL, "z = b([1, 5], key=1)",
    ),
    "of a module": (
        {"p/a.py": TOP, "p/use.py": "from . import a\n" + MAIN.format("a.top")},
        {"p/a.py": BEST, "p/use.py": "from . import a\n" + MAIN.format("a.best")},
        {"ensure": "replace", "in": "p/use.py", "pattern": "a.top($X)", "with": "len(a.top($X)) or 'top'"},
        "z = len(a.best([1, 5])) or 'top'",
    ),
    "of the file itself": (
        {"p/use.py": TOP + MAIN.format("top")}, {"p/use.py": BEST + MAIN.format("best")},
        {"ensure": "no-statement", "in": "p/use.py", "of": "main", "code": "z = top($_)"}, "def main():\n    return z",
    ),
    "of the class": (
        {"p/use.py": SELF}, {"p/use.py": SELF.replace("send(", "say(")},
        {"ensure": "statement", "in": "p/use.py", "of": "Channel.greet", "after": "self.send($...A)", "code": "self.send(to, 'Bye')"},
        "self.say(to, 'Bye')",
    ),
    "changed as well": (
        USES, {"p/a.py": BEST.replace("high", "above"), "p/use.py": IN.replace("top", "best") + MAIN.format("best")}, CALL, None,
    ),
    "imported by two names": (
        USES, {"p/a.py": BEST, "p/use.py": "from p.a import best\nfrom p.a import best as b\n" + MAIN.format("b")}, CALL, None,
    ),
    "a name that the skill gives": (
        USES, {"p/a.py": BEST, "p/use.py": IN.replace("top", "best") + MAIN.format("best")},
        {"ensure": "replace", "in": "p/use.py", "pattern": "z = top($X)", "with": "top = $X"}, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", PATTERNS)
def test_a_pattern_follows_what_it_names_or_is_refused(tmp_path: Path, what: str) -> None:
    was, now, keys, due = PATTERNS[what]
    base: Files = {"p/__init__.py": "", **was}
    git = Git(Repo.init(tmp_path / "repo").path)
    files = _upstream(git, base, base | now)
    operation = decode(keys)
    followed = follow_patterns(operation, files, ())
    if due is None:
        assert followed == operation
        with pytest.raises(CannotEnsure):
            perform(followed, files)
    else:
        perform(followed, files)
        assert due in (files.read("p/use.py") or b"").decode()
    git.objects.close()
