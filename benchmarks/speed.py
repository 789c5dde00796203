"""How long whole commands take, beside a yardstick that is run in turn with them (`make bench`).

Every run of `apply` gets a fresh copy of a prepared fork. The commands of a
comparison alternate, so that a machine whose speed drifts slows both; what is
printed are medians, and the ratio of the medians.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
SKILLS = str(Path(sys.executable).parent / "skills")
APPLY = [SKILLS, "apply", "add-telegram", "--no-test", "--no-install", "-q"]
WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Bench"), ("EMAIL", "bench@example.org"))
}

WHO |= {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "gc.auto",
    "GIT_CONFIG_VALUE_0": "0",
}  # no work behind our back

EXTRA_SKILL = """---
name: {name}
description: One of many skills, for a benchmark. Use when measuring.
---
# {name}

```yaml manifest
version: 1.0.0
core: ">=0.1,<1"
adds: [bot/channels/{module}.py]
```

## Start it

Its channel joins the others; these stay.

```yaml codemod
- ensure: import
  in: bot/channels/__init__.py
  import: from bot.channels.{module} import {cls}
- ensure: element
  of: bot.channels:CHANNELS
  element: {cls}
```
"""


@dataclass(frozen=True)
class Side:
    """One of two commands that are compared: `prepare` gives the directory to run it in."""

    name: str
    command: list[str]
    prepare: Callable[[], Path]


def run(*command: str, cwd: Path) -> None:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **WHO}, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")


def timed(side: Side) -> float:
    cwd = side.prepare()
    start = time.perf_counter()
    run(*side.command, cwd=cwd)
    return time.perf_counter() - start


def compare(title: str, one: Side, other: Side, runs: int, at_most: float) -> bool:
    times: dict[str, list[float]] = {one.name: [], other.name: []}
    for turn in range(runs + 1):
        for side in (one, other):
            seconds = timed(side)
            if turn:  # the first of each warms the caches
                times[side.name].append(seconds)
    a, b = (statistics.median(times[side.name]) for side in (one, other))
    print(
        f"{title}: {one.name} {a * 1000:.0f} ms, {other.name} {b * 1000:.0f} ms, ratio "
        f"{a / b:.2f} (goal: {at_most})",
        flush=True,
    )
    return a / b <= at_most


def fork(place: Path, name: str, upstream: Path, *skills: str) -> Path:
    folder = place / name
    run("git", "clone", "--quiet", "--no-hardlinks", str(upstream), str(folder), cwd=place)
    run(SKILLS, "init", "-q", cwd=folder)
    if skills:
        run(SKILLS, "apply", *skills, "--no-test", "--no-install", "-q", cwd=folder)
    return folder


def more_files(upstream: Path) -> None:
    for number in range(20_000):
        path = upstream / "data_files" / f"{number // 200:03d}" / f"{number:05d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n", encoding="utf-8")


def more_skills(upstream: Path, names: list[str]) -> None:
    for name in names:
        module, cls = name.replace("-", "_"), name.title().replace("-", "") + "Channel"
        folder = upstream / ".claude/skills" / name
        added = folder / "add/bot/channels" / f"{module}.py"
        added.parent.mkdir(parents=True)
        (folder / "SKILL.md").write_text(
            EXTRA_SKILL.format(name=name, module=module, cls=cls), encoding="utf-8"
        )
        added.write_text(
            f'"""{name}."""\n\nfrom bot.channels.base import Channel\n\n\nclass '
            f"{cls}(Channel): ...\n",
            encoding="utf-8",
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="graftbot-bench-") as temporary:
        place = Path(temporary)
        upstream, large = place / "upstream", place / "large"
        run("git", "clone", "--quiet", "--no-hardlinks", str(HERE), str(upstream), cwd=place)
        many = [f"{letter}-skill-{number}" for number in range(15) for letter in ("a", "z")]
        more_skills(upstream, many)
        run("git", "add", "--all", cwd=upstream)
        run("git", "commit", "--quiet", "--message", "many skills", cwd=upstream)
        shutil.copytree(upstream, large, symlinks=True)
        more_files(large)
        run("git", "add", "--all", cwd=large)
        run("git", "commit", "--quiet", "--message", "many files", cwd=large)

        forks = {
            "small": fork(place, "small", upstream),
            "large": fork(place, "large-fork", large),
            "thirty": fork(place, "thirty", upstream, *many),
            "three": fork(
                place, "three", upstream, "add-telegram", "telegram-reactions", "add-web-search"
            ),
        }

        def fresh(name: str) -> Callable[[], Path]:
            def prepare() -> Path:
                copy = place / "copy"
                shutil.rmtree(copy, ignore_errors=True)
                subprocess.run(["cp", "-a", str(forks[name]), str(copy)], check=True)
                run("git", "update-index", "-q", "--refresh", cwd=copy)
                return copy

            return prepare

        python = [sys.executable, "-c"]
        imports = Side(
            "import typer, git, libcst", [*python, "import typer, git, libcst"], lambda: place
        )
        apply_small = Side("apply add-telegram", APPLY, fresh("small"))
        ok = [
            compare("apply", apply_small, imports, runs, 2.0),
            compare(
                "20,000 more files", Side("large", APPLY, fresh("large")), apply_small, runs, 1.5
            ),
            compare(
                "30 skills installed",
                Side("thirty", APPLY, fresh("thirty")),
                apply_small,
                runs,
                1.5,
            ),
            compare(
                "status",
                Side("status, 3 skills", [SKILLS, "status"], lambda: forks["three"]),
                Side("import typer, yaml", [*python, "import typer, yaml"], lambda: place),
                runs,
                2.5,
            ),
        ]
    return 0 if all(ok) else 1


if __name__ == "__main__":
    sys.exit(main())
