"""Sources of a skill: a name in the fork or upstream, a directory, or a git repository."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.errors import PackageError, Refused
from skills_engine.git import Git, GitError
from skills_engine.manifest import SKILLS, PackageSource, Pin
from skills_engine.tree import EXECUTABLE, LINK, REGULAR, Entry, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.graft.fork import Fork
    from skills_engine.package.model import Package

__all__ = ["FoundPackage", "find", "found", "read_directory"]

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_URL = re.compile(r"^([a-z][a-z0-9+]*://|[\w.-]+@[\w.-]+:)")
_LARGEST = 5_000_000
_MOST_FILES, _MOST_BYTES, _DEEPEST = 2_000, 50_000_000, 30
"""Of a whole package: what its author decides, and this machine has to hold."""


@dataclass(frozen=True, slots=True)
class FoundPackage:
    """A package and the pin that it would have."""

    package: Package
    pin: Pin


def find(fork: Fork, wanted: str, base: Tree) -> FoundPackage:
    """A package by NAME, PATH or GIT-URL. Raises Refused with names that look alike, PackageError
    for a bad one.
    """
    if _URL.match(wanted):
        return _asked(fork, wanted, _from_git(fork, wanted))
    if _NAME.fullmatch(wanted):
        for tree in (fork.tree, base):
            oid = fork.package_tree(wanted, tree)
            if oid is not None:
                return found(fork, wanted, oid, base, PackageSource("fork"))
        beside = fork.repository.root / SKILLS / wanted
        if beside.is_dir():
            return _from_directory(fork, beside, base)
    directory = Path(wanted).expanduser()
    if directory.is_dir():
        return _asked(fork, wanted, _from_directory(fork, directory.resolve(), base))
    raise Refused(
        f"there is no skill {wanted}{_alike(fork, wanted)}", hint="see what there is: skills list"
    )


def _asked(fork: Fork, wanted: str, choice: FoundPackage) -> FoundPackage:
    fork.asked_for[choice.pin.name] = wanted
    return choice


def found(fork: Fork, name: str, oid: str, base: Tree, otherwise: PackageSource) -> FoundPackage:
    """A package that is in the object database; its source is upstream when upstream has these very
    bytes.
    """
    package = fork.load(name, oid)
    source = PackageSource() if fork.package_tree(name, base) == oid else otherwise
    version = package.manifest.version if package.manifest else ""
    return FoundPackage(package, Pin(name, version, package.digest, oid, source))


def _alike(fork: Fork, wanted: str) -> str:
    import difflib  # noqa: PLC0415

    near = difflib.get_close_matches(wanted, fork.names(), n=3)
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def _from_directory(fork: Fork, directory: Path, base: Tree) -> FoundPackage:
    oid = read_directory(fork, directory)
    name = _declared_name(fork, oid, directory.name)
    if directory == fork.repository.root / SKILLS / name:
        return found(fork, name, oid, base, PackageSource("local"))
    with _lying_in(name, str(directory)):
        return found(fork, name, oid, base, PackageSource("local"))


@contextlib.contextmanager
def _lying_in(name: str, place: str, hint: str = "") -> Iterator[None]:
    """Mistakes in a package are reported where it lies, and not where it would go."""
    try:
        yield
    except PackageError as error:
        from skills_engine.package.reader import invalid  # noqa: PLC0415

        raise invalid(name, error.problems, place, hint) from None


def read_directory(fork: Fork, directory: Path) -> str:
    """A directory as a git tree. Links are kept as links, for the package reader to report."""
    tree, bounds = Tree(fork.objects, None), _Bounds(str(directory))
    for folder, folders, files in os.walk(directory):
        folders[:] = sorted(name for name in folders if name not in {".git", "__pycache__"})
        for name in sorted(files) + [name for name in folders if Path(folder, name).is_symlink()]:
            path = Path(folder, name)
            found = path.lstat()
            relative = path.relative_to(directory).as_posix()
            bounds.admit(relative, found.st_size)
            if stat.S_ISLNK(found.st_mode):
                tree.put(
                    relative, Entry(LINK, fork.objects.write("blob", os.fsencode(path.readlink())))
                )
            elif stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST:
                mode = EXECUTABLE if found.st_mode & 0o100 else REGULAR
                tree.put(relative, Entry(mode, fork.objects.write("blob", path.read_bytes())))
            else:
                raise Refused(
                    f"{path} does not belong in a package: it is a device, or larger than 5 MB"
                )
    return tree.oid()


def _declared_name(fork: Fork, oid: str, otherwise: str) -> str:
    """The name in the frontmatter: a clone's directory may have any name."""
    data = Tree(fork.objects, oid).read("SKILL.md")
    if data is None:
        raise Refused("there is no SKILL.md in that place", hint="name the directory that holds it")
    match = re.search(rb"^name:[ \t]*[\"']?([a-z0-9-]+)", data, re.MULTILINE)
    return match[1].decode() if match else otherwise


def _from_git(fork: Fork, wanted: str) -> FoundPackage:
    address, _, inside = wanted.partition("#")
    url, revision = _split_revision(address)
    with tempfile.TemporaryDirectory(prefix="skills-") as folder:
        clone = Path(folder, "clone")
        only = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh", "GIT_LFS_SKIP_SMUDGE": "1"}
        git = Git(Path(folder), only)
        branch = ["--branch", revision] if revision else []
        try:
            git.run(
                "clone", "--quiet", "--depth", "1", "--no-checkout", *branch, "--", url, str(clone)
            )
        except GitError as error:
            raise Refused(
                f"{_without_user(url)} cannot be fetched: {_without_user(error.message)}",
                hint=(
                    "check the address, the revision after @ and your access; git must be "
                    "able to clone it"
                ),
            ) from None
        there = Git(clone, only)
        commit = there.head()
        tree = Tree(there.objects, there.tree_of(commit))
        try:
            place = _place_inside(tree, inside, wanted)
            _check_sizes(there, commit, place, _without_user(wanted))
            oid = _copy(there, fork, tree, place)
        finally:
            there.objects.close()
    name = _declared_name(fork, oid, place.rpartition("/")[2])
    source = PackageSource("git", _without_user(wanted), commit)
    with _lying_in(name, source.url, hint="its author must mend it"):
        return found(fork, name, oid, Tree(fork.objects, None), source)


def _without_user(text: str) -> str:
    """Without the names and passwords in the addresses that a text has."""
    return re.sub(r"//[^/@\s]*@", "//", text)


def _split_revision(address: str) -> tuple[str, str]:
    head, at, tail = address.rpartition("@")
    if at and "/" in head and "/" not in tail and ":" not in tail:
        return head, tail
    return address, ""


def _place_inside(tree: Tree, inside: str, wanted: str) -> str:
    inside = inside.removeprefix("subdirectory=").strip("/")
    for place in (inside, f"{SKILLS}/{inside}") if inside else ("",):
        if tree.exists(f"{place}/SKILL.md".lstrip("/")):
            return place
    skills = [n.rstrip("/") for n in tree.listdir(SKILLS) if n.endswith("/")]
    if len(skills) == 1 and not inside:
        return f"{SKILLS}/{skills[0]}"
    raise Refused(
        f"{wanted}: there is no SKILL.md {'in ' + inside if inside else 'at the top'}",
        hint=f"name one after a #: {', '.join(skills)}"
        if skills
        else "name its directory after a #",
    )


class _Bounds:
    """Counts the files of a package. Raises Refused for one that is beyond the bounds."""

    def __init__(self, place: str) -> None:
        self.place, self.files, self.bytes = place, 0, 0

    def admit(self, path: str, size: int) -> None:
        self.files += 1
        self.bytes += size
        why = ""
        if path.count("/") >= _DEEPEST:
            why = f"{path[:80]}… lies deeper than {_DEEPEST} folders"
        elif self.files > _MOST_FILES:
            why = f"it has more than {_MOST_FILES:,} files"
        elif self.bytes > _MOST_BYTES:
            why = f"it has more than {_MOST_BYTES:,} bytes"
        if why:
            raise Refused(
                f"{self.place} is no package that can be read: {why}",
                hint="name the directory that holds SKILL.md, and what belongs to it alone",
            )


def _check_sizes(there: Git, commit: str, place: str, named: str) -> None:
    """Before a byte of it is read: what git packs into little may be large."""
    bounds = _Bounds(named)
    listed = there.run("ls-tree", "-r", "-l", "-z", commit, "--", *([f"{place}/"] if place else []))
    for line in listed.split(b"\0")[:-1]:
        about, _, path = line.partition(b"\t")
        size = about.split()[3]
        bounds.admit(os.fsdecode(path), int(size) if size.isdigit() else 0)


def _copy(there: Git, fork: Fork, tree: Tree, place: str) -> str:
    copy = Tree(fork.objects, None)
    prefix = place + "/" if place else ""
    for path, entry in tree.walk(place):
        if entry.is_file or entry.mode == LINK:
            copy.put(
                path.removeprefix(prefix),
                Entry(entry.mode, fork.objects.write("blob", there.objects.read(entry.oid))),
            )
    return copy.oid()
