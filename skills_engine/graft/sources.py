"""Sources of a skill: a name in the fork or upstream, a directory, or a git repository."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.errors import PackageError, Refused
from skills_engine.graft.clone import URL, cloned, without_user
from skills_engine.graft.index import is_index, read_index
from skills_engine.manifest import AGENTS, SKILLS, PackageSource, Pin, package_folder
from skills_engine.tree import EXECUTABLE, LINK, REGULAR, Entry, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.git import Git
    from skills_engine.graft.fork import Fork
    from skills_engine.package.model import Package

__all__ = ["FoundPackage", "at_source", "find", "found", "on_disk", "read_directory"]

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_AT = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)@(.+)")
_LARGEST = 5_000_000
_MOST_FILES, _MOST_BYTES, _DEEPEST = 2_000, 50_000_000, 30
"""Of a whole package: what its author decides, and this machine has to hold."""


@dataclass(frozen=True, slots=True)
class FoundPackage:
    """A package and the pin that it would have."""

    package: Package
    pin: Pin


def find(fork: Fork, wanted: str, base: Tree) -> FoundPackage:
    """A package by NAME, PATH, GIT-URL or NAME@SOURCE. Raises Refused with names that look alike,
    PackageError for a bad one.
    """
    at = _AT.fullmatch(wanted)
    if at is not None and (
        URL.match(at[2]) or is_index(at[2]) or Path(at[2]).expanduser().is_dir()
    ):
        return _asked(fork, wanted, _named_at(fork, at[1], at[2], base))
    if URL.match(wanted):
        return _asked(fork, wanted, _from_git(fork, wanted))
    if _NAME.fullmatch(wanted):
        for tree in (fork.tree, base):
            oid = fork.package_tree(wanted, tree)
            if oid is not None:
                return found(fork, wanted, oid, base, PackageSource("fork"))
        beside = fork.repository.root / SKILLS / wanted
        if beside.is_symlink() or (fork.repository.root / AGENTS / wanted).is_dir():
            raise Refused(
                f"{wanted} was put into this fork by another tool, and is not committed",
                hint=f"commit it first: git add {SKILLS} {AGENTS}",
            )
        if beside.is_dir():
            return _from_directory(fork, beside, base)
    directory = Path(wanted).expanduser()
    if directory.is_dir():
        return _asked(fork, wanted, _from_directory(fork, directory.resolve(), base))
    if at is not None and _is_path(at[2]):
        raise Refused(
            f"{wanted}: there is no index or folder {at[2]}",
            hint="a source is a folder, a git URL or an index",
        )
    if _is_path(wanted):
        raise Refused(f"there is no folder {wanted}", hint="name the directory of a package")
    raise Refused(
        f"there is no skill {wanted}{_alike(fork, wanted)}", hint="see what there is: skills list"
    )


def _is_path(words: str) -> bool:
    """Whether words can only be meant as a path."""
    return os.sep in words or words.startswith((".", "~"))


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
    fork.found_in[name] = directory
    with _lying_in(name, str(directory)):
        return found(fork, name, oid, base, PackageSource("local"))


def on_disk(fork: Fork, name: str) -> str | None:
    """The git tree of a skill's package as it lies in the fork's folder, where that has edits that
    are not committed.
    """
    place = package_folder(fork.tree, name)
    folder = fork.repository.root / place
    if not (folder / "SKILL.md").is_file():
        return None
    edits = fork.git.text("status", "--porcelain", "--", place)
    return read_directory(fork, folder) if edits else None


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


def _from_git(fork: Fork, wanted: str, commit: str = "") -> FoundPackage:
    address, _, inside = wanted.partition("#")
    with cloned(address, commit) as (there, found_at):
        tree = Tree(there.objects, there.tree_of(found_at))
        place = _place_inside(tree, inside, wanted)
        _check_sizes(there, found_at, place, without_user(wanted))
        oid = _copy(there, fork, tree, place)
    name = _declared_name(fork, oid, place.rpartition("/")[2])
    source = PackageSource("git", without_user(wanted), found_at)
    with _lying_in(name, source.url, hint="its author must mend it"):
        return found(fork, name, oid, Tree(fork.objects, None), source)


def at_source(fork: Fork, pin: Pin) -> FoundPackage:
    """The package that an installed one's git source has at the commit that was recorded."""
    return _from_git(fork, pin.source.url, pin.source.commit)


def _named_at(fork: Fork, name: str, source: str, base: Tree) -> FoundPackage:
    """NAME@SOURCE: a skill of that name in a folder, a git repository or an index, as that has it
    now.
    """
    if is_index(source):
        entry = next((each for each in read_index(source) if each.name == name), None)
        if entry is None:
            raise Refused(f"{without_user(source)} has no skill {name}")
        choice = find(fork, entry.source, base)
        if (choice.pin.name, choice.pin.digest) != (name, entry.digest):
            raise Refused(
                f"{name} is not what the index says: {without_user(entry.source)} has "
                f"{choice.pin.name} {choice.pin.version}, {choice.pin.digest}",
                hint="tell the index's maker; to take it as it is: skills apply "
                + without_user(entry.source),
            )
        return choice
    if URL.match(source):
        choice = _from_git(fork, source if "#" in source else _inside(source, name))
    else:
        top = Path(source).expanduser()
        folders = (top / name, top / SKILLS / name, top / AGENTS / name, top)
        there = next((folder for folder in folders if (folder / "SKILL.md").is_file()), None)
        if there is None:
            raise Refused(f"{source} has no skill {name}", hint="name the folder that holds it")
        choice = _from_directory(fork, there.resolve(), base)
    if choice.pin.name != name:
        raise Refused(f"the skill in {without_user(source)} is {choice.pin.name}, not {name}")
    return choice


def _inside(url: str, name: str) -> str:
    """The folder of a skill in a repository, which may be one skill itself."""
    with cloned(url) as (there, commit):
        tree = Tree(there.objects, there.tree_of(commit))
        places = (f"{folder}{name}/SKILL.md" for folder in ("", f"{SKILLS}/", f"{AGENTS}/"))
        below = any(map(tree.exists, places))
    return f"{url}#{name}" if below else url


def _place_inside(tree: Tree, inside: str, wanted: str) -> str:
    inside = inside.removeprefix("subdirectory=").strip("/")
    for place in (inside, f"{SKILLS}/{inside}", f"{AGENTS}/{inside}") if inside else ("",):
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
