"""Control groups of the kernel, of the second version or the first, as far as this process may make
them: each sandbox gets one, with its limits.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

ROOT, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
BOT, PREFIX = "bot", "graftbot"
Values = Mapping[str, str]
"""What is written, by file: `pids.max` is of the controller `pids`."""


class Cgroups:
    """Finds by itself where groups of each of `controllers` can be made; `made` are those where
    they can.
    """

    def __init__(self, controllers: tuple[str, ...]) -> None:
        own = OWN.read_text("utf-8").splitlines() if OWN.exists() else []
        unified = "".join(line[3:] for line in own if line.startswith("0::")).lstrip("/")
        self.second = (ROOT / "cgroup.controllers").exists()
        self._base = ROOT / unified
        if not self.second and (ROOT / "unified").exists():
            self._base = ROOT / "unified" / unified
        self.made = {one: there for one in controllers if (there := self._place(one))}

    def _place(self, controller: str) -> Path | None:
        with suppress(OSError):
            if controller in (self._base / "cgroup.controllers").read_text("utf-8").split():
                files = (self._base, self._base / "cgroup.procs")
                return self._base if all(os.access(one, os.W_OK) for one in files) else None
        first = ROOT / controller
        return first if (first / "tasks").exists() and os.access(first, os.W_OK) else None

    def make(self, name: str, values: Values) -> list[Path]:
        """The directories of a new group, with these values. Raises OSError, and leaves nothing,
        where one of them does not hold.
        """
        made: list[Path] = []
        wanted = {file: value for file, value in values.items() if _controller(file) in self.made}
        if self._base in self.made.values():
            self._enable()
        try:
            for controller in dict.fromkeys(map(_controller, wanted)):
                place = self.made[controller] / name
                place.mkdir(exist_ok=True)
                made += [place] if place not in made else []
            for file, value in wanted.items():
                self._write(self.made[_controller(file)] / name / file, value)
        except OSError:
            self.remove(name)
            raise
        return made

    def _enable(self) -> None:
        """A group that has children of its own holds no process: ours go into a child."""
        (self._base / BOT).mkdir(exist_ok=True)
        for process in (self._base / "cgroup.procs").read_text("utf-8").split():
            with suppress(ProcessLookupError):
                (self._base / BOT / "cgroup.procs").write_text(process, "utf-8")
        unified = [one for one, place in self.made.items() if place == self._base]
        switch = " ".join(f"+{one}" for one in unified)
        (self._base / "cgroup.subtree_control").write_text(switch, "utf-8")

    @staticmethod
    def _write(file: Path, value: str) -> None:
        if not file.exists() and "sw" in file.name:
            return  # this kernel does not count swap
        file.write_text(value, "utf-8")
        if (now := file.read_text("utf-8").strip()) != value:
            raise OSError(f"{file} is {now} and not {value}")

    def names(self) -> set[str]:
        """The groups that are there, whoever made them."""
        return {
            group.name for place in set(self.made.values()) for group in place.glob(f"{PREFIX}.*")
        }

    def killed(self, name: str) -> bool:
        """Whether the kernel ended a process of the group for want of memory."""
        place = self.made.get("memory", Path("/nowhere")) / name
        for file in ("memory.events", "memory.oom_control"):
            with suppress(OSError):
                lines = (place / file).read_text("utf-8").splitlines()
                return any(line.startswith("oom_kill ") and line[-2:] != " 0" for line in lines)
        return False

    def remove(self, name: str) -> None:
        """Kill what is in the group, and remove it. Raises OSError if it does not end."""
        for place in {place / name for place in self.made.values()}:
            for left in range(100, -1, -1):
                with suppress(FileNotFoundError, ProcessLookupError):
                    for process in _processes(place):
                        os.kill(process, 9)
                try:
                    place.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:  # what was killed is still ending
                    if not left:
                        raise
                    time.sleep(0.02)


def _processes(place: Path) -> Iterator[int]:
    yield from map(int, (place / "cgroup.procs").read_text("utf-8").split())


def _controller(file: str) -> str:
    return file.partition(".")[0]
