"""`skills merge-driver`: plain git merges Python by structure, and taking it off leaves nothing
behind.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Repo, skills
from harness.repos import GIT

BASE = "LIST = [\n    'a',\n    'b',\n]\n"
OURS = "LIST = [\n    'a',\n    'b',\n    'mine',\n]\n"
THEIRS = "LIST = [\n    'a',\n    'b',\n    'theirs',\n]\n"


@pytest.fixture
def parted(tmp_path: Path) -> Repo:
    """Two branches that add to the same list."""
    repo = Repo.init(tmp_path / "repo")
    repo.commit("Base", {"m.py": BASE})
    repo.git("checkout", "--quiet", "-b", "theirs")
    repo.commit("Theirs", {"m.py": THEIRS})
    repo.git("checkout", "--quiet", "main")
    repo.commit("Ours", {"m.py": OURS})
    return repo


def test_git_merges_with_it_and_not_without(parted: Repo) -> None:
    done = _merge(parted)
    assert done.returncode == 1, done.stdout
    parted.git("merge", "--abort")
    assert skills(parted, "merge-driver", "install").code == 0
    done = _merge(parted)
    assert done.returncode == 0, done.stdout + done.stderr
    assert parted.read("m.py") == OURS.replace("    'mine',\n", "    'mine',\n    'theirs',\n")


@pytest.mark.parametrize(
    "attributes", [None, b"", b"*.md text\n", b"*.md text", b"K\xe4se* text\r\n*.c text\r\n"]
)
def test_taking_it_off_gives_back_every_byte(parted: Repo, attributes: bytes | None) -> None:
    info = parted.git_dir / "info" / "attributes"
    info.unlink(missing_ok=True)
    if attributes is not None:
        info.parent.mkdir(exist_ok=True)
        info.write_bytes(attributes)
    config = (parted.git_dir / "config").read_bytes()
    for _ in range(2):  # a second time, nothing more happens
        assert skills(parted, "merge-driver", "install").code == 0
    assert info.read_bytes().count(b"merge=skills") == 1
    for _ in range(2):
        assert skills(parted, "merge-driver", "uninstall").code == 0
    assert (info.read_bytes() if info.exists() else None) == (attributes or None)
    assert (parted.git_dir / "config").read_bytes() == config


def _merge(repo: Repo) -> subprocess.CompletedProcess[str]:
    """As a user runs it, with `skills` on the path."""
    here = str(Path(sys.executable).parent)
    env = {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}
    command = ["git", "merge", "--no-edit", "theirs"]
    return subprocess.run(
        command, cwd=repo.path, env=env, capture_output=True, text=True, check=False
    )


PLAIN = f"{Path(shutil.which('git') or '').parent}:/usr/bin:/bin"
"""A path without this interpreter's own folder: as a shell, an IDE or cron has it."""

LINES = {
    "base": "a\nb\nc\nd\ne\n",
    "ours": "a\nB ours\nsame\nd\ne\n",
    "theirs": "a\nB theirs\nsame\nd\nE\n",
}


def _parted(path: Path, name: str, base: bytes, ours: bytes, theirs: bytes) -> Repo:
    repo = Repo.init(path)
    repo.commit("Base", {name: base})
    repo.git("checkout", "--quiet", "-b", "theirs")
    repo.commit("Theirs", {name: theirs})
    repo.git("checkout", "--quiet", "main")
    repo.commit("Ours", {name: ours})
    return repo


def _git(
    repo: Repo, *args: str, path: str = PLAIN, **more: str
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **GIT, "PATH": path, **more}
    return subprocess.run(
        ["git", *args], cwd=repo.path, env=env, capture_output=True, text=True, check=False
    )


def _unnamed(text: str) -> str:
    """Conflicts without the names of versions, which git before 2.44 does not tell a driver."""
    said = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in said.split()[2].split(".")[:2])
    return text if version >= (2, 44) else re.sub(r"(?m)^([<|>]{7,}) .*", r"\1", text)


def test_it_is_found_without_its_folder_on_the_path_and_beside_another_program_of_its_name(
    parted: Repo, tmp_path: Path
) -> None:
    assert skills(parted, "merge-driver", "install").code == 0
    other = tmp_path / "bin" / "skills"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\necho Unknown command >&2\nexit 1\n")
    other.chmod(0o755)
    for path in (PLAIN, f"{other.parent}:{PLAIN}"):
        done = _git(parted, "merge", "--no-edit", "theirs", path=path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert parted.read("m.py") == OURS.replace("    'mine',\n", "    'mine',\n    'theirs',\n")
        parted.git("reset", "--hard", "--quiet", "HEAD~1")


@pytest.mark.parametrize("how", ["interpreter gone", "engine broken", "engine silent"])
def test_where_it_cannot_run_git_merges_as_without_it(
    parted: Repo, tmp_path: Path, how: str
) -> None:
    """Both sides are in the file, marked; what git can merge is merged; a person is told."""
    wanted = _git(parted, "merge", "theirs")
    marked = parted.read("m.py")
    parted.git("merge", "--abort")
    assert skills(parted, "merge-driver", "install").code == 0
    more = {}
    if how == "interpreter gone":
        command = parted.git("config", "merge.skills.driver")
        assert sys.executable in command
        parted.git(
            "config", "merge.skills.driver", command.replace(sys.executable, "/nowhere/python")
        )
    else:
        broken = tmp_path / "broken" / "skills_engine"
        broken.mkdir(parents=True)
        fault = "SystemError('no')" if how == "engine broken" else "SystemExit(0)"
        (broken / "__init__.py").write_text(f"raise {fault}\n")
        more["PYTHONPATH"] = str(broken.parent)
    done = _git(parted, "merge", "theirs", **more)
    assert done.returncode == wanted.returncode == 1
    assert "the structural merge of m.py could not run; merged by lines" in done.stderr
    assert _unnamed(parted.read("m.py")) == _unnamed(marked)
    assert "'mine'" in marked
    assert "'theirs'" in marked
    parted.git("merge", "--abort")
    parted.git("checkout", "--quiet", "-b", "apart", "HEAD~1")
    parted.commit("Apart", {"m.py": "import os\n\n\n\n" + BASE})
    done = _git(parted, "merge", "--no-edit", "theirs", **more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert parted.read("m.py") == "import os\n\n\n\n" + THEIRS


@pytest.mark.parametrize(
    ("style", "size"), [(None, None), ("merge", 12), ("diff3", None), ("zdiff3", 12)]
)
@pytest.mark.parametrize("verb", ["merge", "cherry-pick", "rebase", "stash"])
def test_what_goes_by_lines_is_marked_as_git_marks_it(
    tmp_path: Path, style: str | None, verb: str, size: int | None
) -> None:
    """Size, style and labels: byte for byte git's own, whatever verb of git's calls the driver."""
    files = [LINES[side].encode() for side in ("base", "ours", "theirs")]
    found = []
    for name in ("with", "without"):
        repo = _parted(tmp_path / name, "-x.txt", *files)
        if style is not None:
            repo.git("config", "merge.conflictStyle", style)
        if name == "with":
            assert skills(repo, "merge-driver", "install").code == 0
        attributes = repo.git_dir / "info" / "attributes"
        attributes.parent.mkdir(exist_ok=True)
        lines = ["*.txt merge=skills"] if name == "with" else []
        lines += [f"*.txt conflict-marker-size={size}"] if size else []
        attributes.write_text("".join(f"{line}\n" for line in lines))
        if verb == "stash":
            repo.git("checkout", "--quiet", "HEAD~1")
            repo.git("checkout", "--quiet", "theirs", "--", "-x.txt")
            repo.git("stash", "--quiet")
            repo.git("checkout", "--quiet", "main")
            done = _git(repo, "stash", "pop")
        else:
            done = _git(repo, verb, "theirs")
        assert done.returncode == 1, done.stdout + done.stderr
        found.append(repo.read("-x.txt"))
    assert _unnamed(found[0]) == _unnamed(found[1])
    assert "<" * (size or 7) + " " in found[0]


@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
def test_structural_conflicts_hear_style_size_and_labels(tmp_path: Path, style: str) -> None:
    base = "def f():\n    one()\n    two()\n    three()\n"
    ours = base.replace("two()", "ours(2)")
    theirs = base.replace("two()", "theirs(2)\n    theirs(3)").replace("one()", "    one()")
    files = (base, ours, theirs.replace("        one()", "    one(1)"))
    repo = _parted(tmp_path / "repo", "m.py", *(text.encode() for text in files))
    repo.git("config", "merge.conflictStyle", style)
    assert skills(repo, "merge-driver", "install").code == 0
    with (repo.git_dir / "info" / "attributes").open("a") as attributes:
        attributes.write("*.py conflict-marker-size=9\n")
    assert _git(repo, "merge", "theirs").returncode == 1
    text = repo.read("m.py")
    marks = [line for line in text.splitlines() if line[:9] in {c * 9 for c in "<|=>"}]
    middle = [] if style == "merge" else [marks[1]]
    assert _unnamed(marks[0]) == _unnamed("<" * 9 + " HEAD")
    assert marks[1:-2] == middle
    assert marks[-2] == "=" * 9
    assert _unnamed(marks[-1]) == _unnamed(">" * 9 + " theirs")
    assert all(mark.startswith("|" * 9 + " ") for mark in middle)


def test_a_criss_cross_merge_nests_markers_of_two_sizes(tmp_path: Path) -> None:
    """Whose `=======` is whose can be told, as with git alone."""
    found = []
    for name in ("with", "without"):
        repo = _parted(tmp_path / name, "m.txt", b"0\n", b"1\n", b"2\n")
        if name == "with":
            assert skills(repo, "merge-driver", "install").code == 0
            (repo.git_dir / "info" / "attributes").write_text("*.txt merge=skills\n")
        repo.git("config", "merge.conflictStyle", "diff3")
        repo.git("branch", "side", "theirs")
        _git(repo, "merge", "theirs")
        repo.commit("Merge to 3", {"m.txt": "3\n"})
        repo.git("checkout", "--quiet", "side")
        _git(repo, "merge", "main~1")
        repo.commit("Merge to 4", {"m.txt": "4\n"})
        assert _git(repo, "merge", "main").returncode == 1
        found.append(repo.read("m.txt"))
    assert _unnamed(found[0]) == _unnamed(found[1])
    assert "\n=========\n" in found[0]
    assert "\n=======\n" in found[0]


@pytest.mark.parametrize("name", ["-x.py", "a b'c$d.py", "ü.py", "--marker-size=1.py"])
def test_it_takes_any_path(tmp_path: Path, name: str) -> None:
    repo = _parted(tmp_path / "repo", name, BASE.encode(), OURS.encode(), THEIRS.encode())
    assert skills(repo, "merge-driver", "install").code == 0
    done = _git(repo, "merge", "--no-edit", "theirs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'theirs'" in repo.read(name)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1251", "shift-jis"])
def test_it_takes_what_git_takes_for_text(tmp_path: Path, encoding: str) -> None:
    """git's test is a NUL byte. Apart, two edits merge; in one place, both are in the file."""
    word = {"latin-1": "Käse", "cp1251": "сыр", "shift-jis": "チーズ"}[encoding].encode(encoding)
    base = b"".join(b"%d;" % n + word + b"\n" for n in range(9))
    ours, theirs = base.replace(b"1;", b"ours;"), base.replace(b"7;", b"theirs;")
    repo = _parted(tmp_path / "apart", "m.csv", base, ours, theirs)
    both = base.replace(b"1;", b"both;")
    torn = _parted(tmp_path / "torn", "m.csv", base, ours, both)
    for one in (repo, torn):
        assert skills(one, "merge-driver", "install").code == 0
        (one.git_dir / "info" / "attributes").write_text("*.csv merge=skills\n")
    assert _git(repo, "merge", "--no-edit", "theirs").returncode == 0
    assert (repo.path / "m.csv").read_bytes() == ours.replace(b"7;", b"theirs;")
    assert _git(torn, "merge", "theirs").returncode == 1
    marked = (torn.path / "m.csv").read_bytes()
    assert b"<<<<<<< HEAD\nours;" in marked
    assert b"=======\nboth;" in marked


@pytest.mark.parametrize(
    ("attributes", "info"),
    [
        ("*.py merge=ours\n", ""),
        ("m.py -merge\n", ""),
        ("*.py binary\n", ""),
        ("*.py merge=union\n", ""),
        ("*.py merge=text conflict-marker-size=9\n", ""),
        ("*.py merge=nobodys\n", ""),
        ("*.py merge=say\n", ""),
        ("", "*.py merge=say\n"),
        ("*.py merge=union\n", "m.py merge=ours\n"),
    ],
)
def test_what_the_repository_says_of_merging_a_file_is_done(
    tmp_path: Path, attributes: str, info: str
) -> None:
    """As without the driver, byte for byte: also a clean merge is none that was forbidden."""
    found = []
    for way in ("without", "with"):
        repo = _parted(tmp_path / way, "m.py", BASE.encode(), OURS.encode(), THEIRS.encode())
        (repo.path / ".gitattributes").write_text(attributes)
        (repo.git_dir / "info").mkdir(exist_ok=True)
        (repo.git_dir / "info" / "attributes").write_text(info)
        repo.git("config", "merge.ours.driver", "true")
        repo.git("config", "merge.say.driver", "echo %L %P %% >> %A; cat %O %B >> %A; exit 1")
        if way == "with":
            assert skills(repo, "merge-driver", "install").code == 0
        done = _git(repo, "merge", "--no-edit", "theirs")
        found.append((done.returncode, _unnamed(repo.read("m.py")), repo.git("ls-files", "-s")))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["m.txt", "m.py", "m.json"])
def test_the_last_marker_has_its_line_end(tmp_path: Path, name: str) -> None:
    """Also where the file has none at its end: `merge-file`, and the driver."""
    texts = {
        "m.txt": ("a\nb", "a\nours", "a\ntheirs"),
        "m.py": ("x = 1\ny = f(1)", "x = 1\ny = ours(1)", "x = 1\ny = theirs(1)"),
        "m.json": ('{"a": 1}', '{"a": 2}', '{"a": 3}'),
    }[name]
    for side, text in zip(("b", "o", "t"), texts, strict=True):
        (tmp_path / side).write_text(text)
    assert skills(tmp_path, "merge-file", "b", "o", "t", "-o", name).code == 3
    assert (tmp_path / name).read_text().endswith("\n>>>>>>> theirs\n")


KINDS = {
    "m.txt": ("a\n1\nb\n", "1", "ours", "theirs"),
    "README.md": ("# T\n\nword 1\n", "word 1", "ours", "theirs"),
    "m.py": ("def f():\n    return g(1)\n", "g(1)", "ours(1)", "theirs(1)"),
    "torn.py": ("def f(:\n    return g(1)\n", "g(1)", "ours(1)", "theirs(1)"),
    "m.pyi": ("X: int\nY: int\n", "X: int", "X: ours", "X: theirs"),
    "m.json": ('{\n  "a": 1\n}\n', "1", '"ours"', '"theirs"'),
    "m.toml": ("a = 1\n", "1", '"ours"', '"theirs"'),
    "m.yaml": ("a: 1\n", "1", "ours", "theirs"),
    ".env": ("A=1\n", "A=1", "A=ours", "A=theirs"),
    "requirements.txt": ("attrs==1\n", "==1", "==2.0+ours", "==2.0+theirs"),
    ".gitignore": ("1\n", "1", "ours", "theirs"),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "none"])
def test_which_text_stands_under_which_label(tmp_path: Path, name: str, ends: str) -> None:
    """Ours under ours, the base under base, theirs under theirs, in every kind of file."""
    base, old, *new = KINDS[name]
    for side, text in (
        ("b", base),
        ("o", base.replace(old, new[0])),
        ("t", base.replace(old, new[1])),
    ):
        whole = text.removesuffix("\n") if ends == "none" else text.replace("\n", ends)
        (tmp_path / side).write_bytes(whole.encode())
    assert skills(tmp_path, "merge-file", "b", "o", "t", "-o", name).code == 3
    assert_labelled((tmp_path / name).read_text(), old, *new)


def assert_labelled(text: str, base: str, ours: str, theirs: str) -> None:
    """The conflict's sides stand under their own labels."""
    found = re.search(
        r"(?ms)^<{7} ours$(.*)^\|{7} base$(.*)^={7}$(.*)^>{7} theirs$", text.replace("\r\n", "\n")
    )
    assert found, text
    for side, word in zip(found.groups(), (ours, base, theirs), strict=True):
        assert word in side, text
    assert theirs not in found[1]
    assert ours not in found[3]
