"""A shipment: what another machine needs to try skills as this one does, as bytes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import skills_engine
from skills_engine.errors import Refused
from skills_engine.manifest import SKILLS
from skills_engine.tree import EXECUTABLE, Tree
from skills_engine.verbs.trials.spread import Bench

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Shipment", "engine", "pack", "unpack"]


@dataclass(frozen=True, slots=True)
class Shipment:
    """History and tags of the commits that skills are tried on, the packages as they are on disk
    (contents and whether they are programs, by path), and what was asked for.
    """

    name: str
    """The digest of all that is in it."""
    engine: str
    objects: bytes
    head: str
    base: str
    tags: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, bytes, bool], ...]
    asked: tuple[str, ...]
    run_tests: bool
    accepted: tuple[str, ...]


@cache
def engine() -> str:
    """Which engine this is: its code, and the Python that runs it."""
    digest = sha256(repr(sys.version_info[:2]).encode())
    for path in sorted(Path(skills_engine.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def pack(bench: Bench, cores: Iterable[str]) -> Shipment:
    """What the cases of a bench need on these commits. Raises Refused in a shallow clone."""
    subjects = bench.subjects("")
    git = subjects.fork.git
    if git.repository.shallow:
        raise Refused(
            "other machines need the history, which a shallow clone does not have",
            hint="git fetch --unshallow",
        )
    commits = {subjects.base.base, *(bench.subjects(core).base.base for core in cores)}
    refs = ["refs/tags", "--format=%(objectname) %(refname)", *(f"--merged={c}" for c in commits)]
    tags = [line.split(" ", 1) for line in git.text("for-each-ref", *refs).splitlines()]
    wanted = [git.commit("HEAD") or "", *commits, *(oid for oid, _ in tags)]
    files = []
    for name, found in subjects.skills.items():
        tree = Tree(subjects.fork.objects, found.pin.package)
        for path, entry in tree.walk():
            content = subjects.fork.objects.read(entry.oid)
            files.append((f"{SKILLS}/{name}/{path}", content, entry.mode == EXECUTABLE))
    revisions = "".join(f"{oid}\n" for oid in wanted).encode()
    shipment = Shipment(
        name="",
        engine=engine(),
        objects=git.run("pack-objects", "--revs", "--stdout", "-q", stdin=revisions),
        head=wanted[0],
        base=subjects.base.base,
        tags=tuple((ref, oid) for oid, ref in tags),
        files=tuple(files),
        asked=subjects.asked if bench.names else (),
        run_tests=bench.run_tests,
        accepted=tuple(sorted(bench.accepted)),
    )
    said = repr((sorted(wanted), replace(shipment, objects=b"")))
    return replace(shipment, name=sha256(said.encode()).hexdigest())


def unpack(shipment: Shipment, into: Path) -> Bench:
    """The bench in an empty folder; a case without a core is to be tried on `shipment.base`."""

    def git(*args: str, data: bytes = b"") -> None:
        subprocess.run(["git", *args], cwd=into, input=data, check=True, capture_output=True)

    git("init", "--quiet")
    git("index-pack", "--stdin", data=shipment.objects)
    refs = (*shipment.tags, ("HEAD", shipment.head))
    orders = "".join(f"update {ref} {oid}\n" for ref, oid in refs)
    git("update-ref", "--no-deref", "--stdin", data=orders.encode())
    for path, content, program in shipment.files:
        file = into / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o755 if program else 0o644)
    return Bench(into, shipment.asked, shipment.run_tests, frozenset(shipment.accepted))
