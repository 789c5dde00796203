"""Skills on the real histories of repositories of other projects, of different make.

    python benchmarks/foreign.py [NAME[=CLONE] ...] [--steps 12]

Each repository is cloned by plain git from its address, or from a clone (or git directory) on this
machine. A fork stands where upstream was three years ago, with edits of its owner's; two skills are
applied, upstream's history is followed in steps, and both are taken off. A step is right if

    apply      both skills' places hold, and their tests pass
    rebase     the same, on the newer upstream; the owner's edits are there; the manifests give it
    uninstall  the fork is upstream with the owner's edits, byte for byte

`refused` is a step at which an operation found no place and said so, and all else was right; the
skill is left out from there on. Everything else is wrong. Each step is one of the three.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from foreign_skills import REPOSITORIES, Repository, Skill

_NOTE = "\nKept by its owner.\n"


@dataclass
class Figures:
    """What became of one repository's steps; `seconds` are those of its rebases."""

    repository: Repository
    since: str = ""
    commits: int = 0
    right: int = 0
    refused: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    tests: int = 0
    seconds: list[float] = field(default_factory=list)


def git(where: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=where, capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Fork:
    """A fork, and the upstream that it follows from commit to commit."""

    def __init__(self, folder: Path, source: str, start: str) -> None:
        self.home, self.up, self.path = folder / "home", folder / "up.git", folder / "fork"
        self.home.mkdir()
        git(folder, "clone", "-q", "--bare", source, str(self.up))
        for line in git(self.up, "for-each-ref", "--format=%(refname)", "refs/heads").splitlines():
            git(self.up, "update-ref", "-d", line)
        self.move(start)
        git(self.up, "symbolic-ref", "HEAD", "refs/heads/main")
        git(folder, "clone", "-q", "--origin", "upstream", str(self.up), str(self.path))
        for key, value in (("user.name", "Owner"), ("user.email", "owner@example.org")):
            git(self.path, "config", key, value)

    def move(self, commit: str) -> None:
        git(self.up, "update-ref", "refs/heads/main", commit)

    def skills(self, *words: str) -> subprocess.CompletedProcess[str]:
        here = str(Path(__file__).parents[1])
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
        pip = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "UV_"))}
        env = {**kept, **pip, "HOME": str(self.home), "PYTHONPATH": here}
        return subprocess.run(
            [sys.executable, "-m", "skills_engine", *words],
            cwd=self.path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )

    def edit(self, table: str) -> None:
        """The owner's own: the table of the engine, and a line at the end of the licence."""
        named = "pyproject.toml" if (self.path / "pyproject.toml").exists() else "skills.toml"
        text = f"\n[tool.skills]\n{table}\n" if named == "pyproject.toml" else table + "\n"
        licence = next(path.name for path in sorted(self.path.glob("LICENSE*")))
        for name, more in ((named, text), (licence, _NOTE)):
            with (self.path / name).open("a", encoding="utf-8") as file:
                file.write(more)
        git(self.path, "add", "-A")
        git(self.path, "commit", "-qm", "Mine")

    def lacks(self, skills: list[Skill]) -> list[str]:
        """What should stand in the fork and does not."""
        missing = []
        for skill in skills:
            for glob, text in skill.holds.items():
                found = [
                    path
                    for top in self.path.glob(glob)
                    for path in ([top] if top.is_file() else top.rglob("*.py"))
                ]
                texts = [path.read_text(encoding="utf-8") for path in found]
                if not any(text in each for each in texts):
                    missing.append(f"{skill.name}: {glob} has no {text!r}")
        if not any(_NOTE.strip() in path.read_text() for path in self.path.glob("LICENSE*")):
            missing.append("the owner's line in the licence is gone")
        return missing


def follow(repository: Repository, source: str, steps: int, folder: Path) -> Figures:
    """All of one repository's steps, printed as they come."""
    figures = Figures(repository)
    tip = git_of(source, "rev-parse", "HEAD")
    last = int(git_of(source, "log", "-1", "--format=%ct", tip))
    until = repository.since or f"@{last - 3 * 365 * 86400}"
    start = git_of(source, "rev-list", "-1", "--first-parent", f"--before={until}", tip)
    figures.since = git_of(source, "log", "-1", "--format=%as", start)
    way = git_of(source, "rev-list", "--first-parent", "--reverse", f"{start}..{tip}").split()
    figures.commits = len(way)
    fork = Fork(folder, source, start)
    fork.edit(repository.table)
    skills = list(repository.skills)
    places = []
    for skill in skills:
        for path, text in skill.files().items():
            place = folder / "packages" / skill.name / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        places.append(str(folder / "packages" / skill.name))
    ran = fork.skills("apply", *places, "--trust", "--yes", "--no-install")
    judged(figures, "apply", ran, fork.lacks(skills))
    if ran.returncode:
        return figures
    for number in range(1, steps + 1):
        fork.move(way[len(way) * number // steps - 1])
        began = time.perf_counter()
        ran = fork.skills("rebase", "--trust", "--no-install")
        figures.seconds.append(time.perf_counter() - began)
        refused = []
        while ran.returncode == 3:
            gone = [skill for skill in skills if f"{skill.name}/SKILL.md" in ran.stderr]
            if not gone:
                break
            refused.append(said(ran))
            skills = [skill for skill in skills if skill not in gone]
            ran = fork.skills("skip", "--trust", "--no-install")
        lacks = fork.lacks(skills)
        if not ran.returncode and fork.skills("replay").returncode:
            lacks.append("the manifests do not give the fork")
        judged(figures, f"rebase {number}", ran, lacks, "; ".join(refused))
        if ran.returncode:
            fork.skills("abort")
    if skills:
        ran = fork.skills("uninstall", *(skill.name for skill in skills), "--no-install")
        judged(figures, "uninstall", ran, left(fork))
    return figures


def git_of(source: str, *words: str) -> str:
    return git(Path(source), *words)


def judged(
    figures: Figures,
    step: str,
    ran: subprocess.CompletedProcess[str],
    lacks: list[str],
    refused: str = "",
) -> None:
    if ran.returncode == 0 and not lacks:
        figures.tests += "passed" in ran.stdout
        verdict = f"refused: {refused}" if refused else "right"
        figures.right += not refused
        figures.refused += [f"{step}: {refused}"] if refused else []
    else:
        why = "; ".join(lacks) if ran.returncode == 0 else said(ran)
        figures.wrong.append(f"{step}: {why}")
        verdict = f"WRONG: {why}"
    print(f"{figures.repository.name:<10} {step:<10} {verdict}", flush=True)


def said(ran: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in ran.stderr.splitlines() if not line.startswith("·")]
    return " ".join(line.strip() for line in lines[-12:])[-1500:]


def left(fork: Fork) -> list[str]:
    """What is not upstream's, and not the owner's: his are lines in two files."""
    differ = git(fork.path, "diff", "--numstat", "upstream/main", "HEAD").splitlines()
    found = []
    for line in differ:
        added, removed, path = line.split("\t")
        his = path.startswith(("LICENSE", "pyproject.toml", "skills.toml")) and removed in "01"
        if path != "manifests/core.yaml" and not his:
            found.append(f"{path}: +{added} -{removed}")
    return found


def main() -> None:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("names", nargs="*", metavar="NAME[=CLONE]")
    parser.add_argument("--steps", type=int, default=12)
    asked = parser.parse_args()
    clones = dict(name.partition("=")[::2] for name in asked.names)
    every = [each for each in REPOSITORIES if not clones or each.name in clones]
    rows = []
    for repository in every:
        with tempfile.TemporaryDirectory(prefix="foreign-") as name:
            source = clones.get(repository.name) or str(Path(name) / "source.git")
            if not clones.get(repository.name):
                git(Path(name), "clone", "-q", "--bare", repository.url, source)
            rows.append(follow(repository, source, asked.steps, Path(name)))
    print()
    print("| repository | make | from, commits | right | refused | wrong | tests ran | a rebase |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        median = f"{statistics.median(row.seconds):.1f} s" if row.seconds else ""
        print(
            f"| {row.repository.name} | {row.repository.make} | {row.since}, {row.commits} "
            f"| {row.right} | {len(row.refused)} | {len(row.wrong)} | {row.tests} | {median} |"
        )
    for row in rows:
        for why in row.refused:
            print(f"{row.repository.name}: refused: {why}")
    sys.exit(any(row.wrong for row in rows))


if __name__ == "__main__":
    main()
