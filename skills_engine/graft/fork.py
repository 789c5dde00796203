"""A fork as it is: HEAD, what it stands on, which skills it has, and where packages are found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from skills_engine.errors import Refused, Untrusted
from skills_engine.git import Git
from skills_engine.graft.intent import Goal
from skills_engine.graft.project import places
from skills_engine.graft.trust import is_accepted, runs_own_code
from skills_engine.manifest import (
    AGENTS,
    CORE,
    SKILLS,
    Core,
    Pin,
    package_place,
    read_core,
    read_pins,
    render,
    skill_path,
)
from skills_engine.tree import DIRECTORY, EXECUTABLE, LINK, SUBMODULE, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from skills_engine.git import Objects
    from skills_engine.package.model import Package, Summary

__all__ = ["Fork", "PackageFiles", "package_files"]


@dataclass(frozen=True, slots=True)
class PackageFiles:
    """A package's bytes, as the package reader takes them."""

    files: dict[str, bytes]
    links: frozenset[str]
    executable: frozenset[str]


class Fork:
    """One look at a repository. Nothing here writes; a new look is a new Fork."""

    def __init__(self, git: Git, at: str | None = None) -> None:
        self.git = git
        self.repository = git.repository
        self.head = at or git.head()
        self.tree_oid = git.tree_of(self.head)
        self.tree = Tree(git.objects, self.tree_oid)
        self.accepted: set[str] = set()
        """Digests of packages whose code the owner has accepted for this operation."""
        self.asked_for: dict[str, str] = {}
        """The path or URL by which a package was asked for, by its name."""
        self.found_in: dict[str, Path] = {}
        """The folder outside the fork that a package was read from, by its name."""
        self.begun: str | None = None
        """HEAD's tree, where this look adds the record of a core to it."""
        self._packages: dict[str, Package] = {}

    def begin(self, core: Core) -> None:
        """Look at a repository that is not under management as if `init` had recorded that core."""
        tree = Tree(self.objects, self.tree_oid)
        tree.write(CORE, render(core))
        self.begun, self.tree_oid = self.tree_oid, tree.oid()
        self.tree = Tree(self.objects, self.tree_oid)
        for name in ("recorded", "managed", "pins", "core", "remote", "upstream_commit"):
            self.__dict__.pop(name, None)

    @classmethod
    def open(cls, directory: Path, at: str | None = None) -> Fork:
        """With `at`, the fork as it was at that commit. Raises Refused where there is no working
        tree with a commit.
        """
        git = Git(directory)
        git.directory = git.repository.root
        return cls(git, at)

    def close(self) -> None:
        self.git.objects.close()

    @property
    def objects(self) -> Objects:
        return self.git.objects

    @cached_property
    def branch(self) -> str | None:
        return self.git.branch()

    # --- what it stands on

    @cached_property
    def recorded(self) -> Core:
        """What manifests/core.yaml says. Raises Refused before `skills init`."""
        core = read_core(self.tree)
        if core is None:
            raise Refused(
                "this repository is not under management yet: it has no manifests/core.yaml",
                hint="run: skills init",
            )
        return core

    @cached_property
    def managed(self) -> bool:
        return self.tree.exists(CORE)

    @cached_property
    def pins(self) -> dict[str, Pin]:
        return read_pins(self.tree)

    @cached_property
    def core(self) -> Core:
        """What the fork really stands on: the recorded base, or a later one that the owner merged
        by hand since.

        The owner has pulled when the merge base of HEAD and upstream is newer
        than the recorded base, and newer than it was when the record was
        written (an undone rebase leaves the newer one in the history, too).
        """
        core = self.recorded
        upstream = self.upstream_commit
        if upstream is None:
            return core
        common = self.git.merge_base(self.head, upstream)
        if common is None or common == core.base or self.git.is_ancestor(common, core.base):
            return core
        written = self.git.text_or_none("log", "-1", "--format=%H", self.head, "--", CORE)
        if written and self.git.merge_base(written, upstream) == common:
            return core
        return self.core_at(common, core.upstream, core.branch)

    def core_at(self, commit: str, upstream: str = "", branch: str = "") -> Core:
        """What the fork stands on if that is a commit."""
        core = Core(upstream, branch, commit, self.version_at(commit))
        return places(core, self.tree, Tree(self.objects, self.git.tree_of(commit)))

    def version_at(self, commit: str) -> str:
        """The version of the core that a commit is, by what this fork says of where it stands."""
        from skills_engine.graft.version import core_version  # noqa: PLC0415

        return core_version(self.git, commit, self.tree)

    @property
    def goal(self) -> Goal:
        """What the fork is now: what it really stands on, and its skills."""
        return Goal(self.core, tuple(self.pins[name] for name in sorted(self.pins)))

    @cached_property
    def remote(self) -> str | None:
        """The name of the remote that is upstream's, if there is one."""
        for key, urls in self.git.settings.entries.items():
            remote = _REMOTE.fullmatch(key)
            if remote and any(_same_url(url, self.recorded.upstream) for url in urls):
                return remote[1]
        return None

    @cached_property
    def upstream_commit(self) -> str | None:
        """Upstream's branch as it was last fetched, or None."""
        if self.remote is None:
            return None
        return self.git.commit(f"refs/remotes/{self.remote}/{self.recorded.branch}")

    # --- packages

    def names(self, tree: Tree | None = None) -> tuple[str, ...]:
        """The skills whose packages a tree (HEAD's) has."""
        tree = tree or self.tree
        there = {
            name.rstrip("/")
            for folder in (SKILLS, AGENTS)
            for name in tree.listdir(tree.real(folder) or folder)
        }
        return tuple(sorted(name for name in there if self.package_place(name, tree)))

    def package_place(self, name: str, tree: Tree | None = None) -> str | None:
        return package_place(tree or self.tree, name)

    def package_tree(self, name: str, tree: Tree | None = None) -> str | None:
        """The git tree of a package, by where it stands."""
        place = self.package_place(name, tree)
        entry = (tree or self.tree).entry(place) if place else None
        return entry.oid if entry is not None and entry.mode == DIRECTORY else None

    def load(self, name: str, oid: str) -> Package:
        """A package by its git tree, read strictly. Raises PackageError with all its mistakes."""
        if oid not in self._packages:
            from skills_engine.package.reader import read  # noqa: PLC0415

            raw = package_files(Tree(self.objects, oid))
            self._packages[oid] = read(name, raw.files, links=raw.links, executable=raw.executable)
        return self._packages[oid]

    def pinned(self, pin: Pin) -> Package:
        """An installed package as it was applied, out of the fork's own history. Raises Refused
        when it is gone.
        """
        if not self.objects.has(pin.package):
            raise Refused(
                f"the package of {pin.name} {pin.version} as it was applied is not in this "
                "fork's history",
                hint=f"if it was squashed away, run: skills upgrade {pin.name}",
            )
        package = self.load(pin.name, pin.package)
        if package.digest != pin.digest:
            raise Refused(
                f"{pin.path}: the digest does not fit the package that it names",
                hint=f"restore it: git log --oneline -- {pin.path}",
            )
        return package

    def applicable(self, pin: Pin) -> Package:
        """An installed package whose operations may be run. Raises Untrusted when that means code
        nobody accepted.
        """
        package = self.pinned(pin)
        if runs_own_code(package) and not (
            pin.digest in self.accepted
            or self.is_from_base(pin, self.core.base)
            or is_accepted(pin.digest)
        ):
            raise Untrusted(
                f"{pin.name} {pin.version} runs codemod code of its own, and this package was "
                "not accepted here",
                hint=(
                    f"read it (skills show -v {pin.name}), then accept it: skills upgrade "
                    f"{pin.name} --trust"
                ),
            )
        return package

    def is_from_base(self, pin: Pin, base: str) -> bool:
        """Whether a base commit has that very package, or had it once: it is upstream's, whatever
        the manifest says.
        """
        if self.package_tree(pin.name, Tree(self.objects, self.git.tree_of(base))) == pin.package:
            return True
        paths = (skill_path(pin.name), f"{AGENTS}/{pin.name}")
        commits = self.git.text_or_none("log", "--format=%H", base, "--", *paths) or ""
        return any(
            self.objects.resolve(f"{commit}:{path}") == pin.package
            for commit in commits.split()
            for path in paths
        )

    def summaries(self, tree: Tree | None = None) -> Iterator[tuple[Summary, str]]:
        """What a listing needs of each package, and its git tree."""
        from skills_engine.package.summary import summary  # noqa: PLC0415

        for name in self.names(tree):
            oid = self.package_tree(name, tree)
            data = (tree or self.tree).read(f"{self.package_place(name, tree)}/SKILL.md")
            if oid is None or data is None:
                continue
            yield summary(name, {"SKILL.md": data}), oid


def package_files(tree: Tree) -> PackageFiles:
    files: dict[str, bytes] = {}
    links, executable = set(), set()
    for path, entry in tree.walk():
        if entry.mode in {LINK, SUBMODULE}:
            links.add(path)
            continue
        files[path] = tree.objects.read(entry.oid)
        if entry.mode == EXECUTABLE:
            executable.add(path)
    return PackageFiles(files, frozenset(links), frozenset(executable))


_REMOTE = re.compile(r"remote\.(.*)\.url")


def _same_url(one: str, other: str) -> bool:
    return _bare(one) == _bare(other)


def _bare(url: str) -> str:
    return re.sub(r"^([a-z+]+://)[^/@]*@", r"\1", url).removesuffix("/").removesuffix(".git")
