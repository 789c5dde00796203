"""What outlasts the bot's process: the people, the time, the disk, the engine; and who fails when.

It knows what really happened, by which a run is judged.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from simulation.loop import Crash, Loop
from simulation.plan import CallFault, Plan, Post, TimeFault

BEGIN = 1_790_031_000.0  # 2026-09-21, a Monday, 22:50 UTC: the day soon ends
MOST_STEPS = 400_000
FOLDER = "main"


@dataclass(slots=True)
class Accepted:
    """A piece that the messenger has. `unclear`: the bot may not know that."""

    at: float
    life: int
    chat: str
    text: str
    unclear: bool = False


@dataclass(slots=True)
class Posted:
    """A message as the messenger has it. `order` is its place among those that the bot has taken
    in, from 1.
    """

    post: Post
    chat: str
    text: str
    order: int = 0
    tried: bool = False
    stopped: bool = False
    refused: bool = False

    @property
    def asks(self) -> bool:
        return self.post.does != "aside" and not self.command

    @property
    def command(self) -> bool:
        return self.post.does.startswith("/")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent said: to these messages, or for this run of a task."""

    number: int
    folder: str
    named: tuple[int, ...]
    task: str = ""
    due: str = ""


@dataclass
class World:
    """A run's."""

    plan: Plan
    folder: Path
    calm: bool = False
    life: int = 0
    step: int = 0
    offset: float = 0.0
    loop: Loop | None = None
    now: float = 0.0
    accepted: list[Accepted] = field(default_factory=list)
    posted: dict[int, Posted] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    """What agents had sent by a request, and to which chat."""
    undeliverable: set[str] = field(default_factory=set)
    used: Counter[tuple[str, str]] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = Random(f"world {self.plan.seed}")
        self._delays = {
            port: Random(f"{port} {self.plan.seed}")
            for port in ("sql", "thread", "send", "api", "start", "bring")
        }
        self._calls: Counter[str] = Counter()
        self._faults: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        self._ends: dict[int, str] = {}
        self._crash_at = 0
        for one in self.plan.faults:
            if isinstance(one, CallFault) and one.port == "step":
                self._ends[one.n] = one.kind
            elif isinstance(one, CallFault):
                self._faults[one.port, one.n].append(one.kind)
        self._until: dict[str, float] = {}
        self.full_until = -1.0
        self.on_end: Callable[[str], None] = lambda kind: None
        self.look: Callable[..., list[Any]] = lambda sql, *values: []

    @property
    def time(self) -> float:
        return self.loop.time() if self.loop else self.now

    def wall(self) -> float:
        """Seconds of the epoch, as the machine's clock says."""
        return BEGIN + self.time + self.offset

    def note(self, what: str) -> None:
        self.trace.append(f"{self.time:.3f} {what}")

    def problem(self, what: str) -> None:
        self.problems.append(what)
        self.note(f"PROBLEM {what}")

    def chat(self, number: int) -> str:
        return f"{'tele' if number % 2 == 0 else 'whats'}:{number}"

    def group(self, number: int) -> str:
        return f"group-{number}" if number else FOLDER

    def fault(self, port: str) -> str:
        """What goes wrong at this call of a port; mostly nothing."""
        self._calls[port] += 1
        kinds = () if self.calm else self._faults.get((port, self._calls[port]), ())
        for kind in kinds:
            self.inject(f"{port}: {kind}")
            return kind
        return ""

    def inject(self, what: str) -> None:
        self.injected[what] += 1
        self.note(f"fault {what}")

    def before_step(self) -> None:
        """Called before each callback of the loop."""
        self.step += 1
        if self.step > MOST_STEPS:
            self.problem("it never comes to rest")
            raise Crash
        if self.step == self._crash_at:
            self._crash_at = 0
            raise Crash
        if self.step in self._ends and not self.calm:
            kind = self._ends[self.step]
            self.inject(f"step: {kind}")
            if kind == "crash":
                raise Crash
            self.on_end(kind)

    def crash(self) -> None:
        """Before the next step. A callback that calls this should do nothing more."""
        self._crash_at = self.step + 1

    def crash_within(self, steps: int) -> None:
        """Likewise, so many steps on, unless something else ends the process before."""
        self._crash_at = self.step + steps

    def begin(self, fault: TimeFault) -> None:
        self.inject(fault.kind)
        if fault.kind in {"clock forward", "sleep"}:
            self.offset += fault.seconds
        elif fault.kind == "clock back":
            self.offset -= fault.seconds
        else:
            self._until[fault.kind] = max(
                self._until.get(fault.kind, 0.0), self.time + fault.seconds
            )

    def down(self, what: str) -> bool:
        return not self.calm and self.time < self._until.get(f"{what} down", -1.0)

    def delay(self, port: str, most: float, *, often: float = 1.0) -> float:
        chance = self._delays[port]
        return round(chance.uniform(0, most), 3) if chance.random() < often else 0.0

    def doubt(self) -> None:
        """What was sent last in each chat may not be known as sent."""
        last: dict[str, Accepted] = {}
        for one in self.accepted:
            last[one.chat] = one
        for one in last.values():
            one.unclear = True
