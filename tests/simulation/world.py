"""What outlasts the bot's process: the people, the time, the disk, the engine; and who fails when.

It knows what really happened, by which a run is judged.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from simulation.loop import Crash, Loop
from simulation.plan import STRANGER, CallFault, Plan, Post, TimeFault

BEGIN = 1_790_031_000.0  # 2026-09-21, a Monday, 22:50 UTC: the day soon ends
MOST_STEPS, MORE_STEPS = 400_000, 4_000
"""A run's, and a chat's, which sees for as long as it waits that somebody types."""
FOLDER = "main"
FAILURES = 5
GRACE = 10.0
"""Seconds that what is under way has at the end."""
SOON = 60.0
"""Seconds in which a process that is let alone does what is due."""


@dataclass(slots=True)
class Accepted:
    """A piece that the messenger has. `unclear`: the bot may not know that."""

    at: float
    life: int
    chat: str
    text: str
    unclear: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """The owner must have been told what begins with `what` and names `about`, if nothing has come
    between soon after `at`.
    """

    at: float
    what: str
    about: str


@dataclass(slots=True)
class Posted:
    """A message as the messenger has it, under the name that its chat had. `chat` is the key of the
    chat, whatever it is called. `order` is its place among those that the bot has taken in, from 1;
    `taken` is when. `unknown`: the chat was not registered when it was brought; `removed`: it has
    lost its registration since; `met`: it was not registered, neither before nor after that.
    """

    post: Post
    chat: str
    name: str
    id: str
    text: str
    order: int = 0
    taken: float = -1.0
    sessions: int = 0
    tried: bool = False
    offered: bool = False
    stopped: bool = False
    refused: bool = False
    unknown: bool = False
    removed: bool = False
    met: bool = False

    @property
    def asks(self) -> bool:
        return self.post.does != "aside" and not self.command and not self.pairs

    @property
    def command(self) -> bool:
        return self.post.does.startswith("/")

    @property
    def pairs(self) -> bool:
        return self.post.does.startswith("pair ")


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
    sent: dict[str, str] = field(default_factory=dict)
    """What agents had sent as a file, by its name, and to which chat."""
    undeliverable: set[str] = field(default_factory=set)
    names: dict[int, list[str]] = field(default_factory=dict)
    """What a chat is called, and before it what it was called."""
    numbers: dict[str, int] = field(default_factory=dict)
    registered: dict[str, str] = field(default_factory=dict)
    """Folders by the key of the chat, as the store has them."""
    folders: dict[str, str] = field(default_factory=dict)
    """The chat that a folder was first of."""
    mains: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    """Channels that only the owner can mend, and a new start."""
    refusing: Counter[str] = field(default_factory=Counter)
    abandoned: set[str] = field(default_factory=set)
    """Names of chats that people have left, and whose registration no other has taken over."""
    fresh: Counter[str] = field(default_factory=Counter)
    """By folder, how many sessions there were when the last conversation was left."""
    replies: dict[str, bool] = field(default_factory=dict)
    """What the host has said to requests."""
    over_budget: list[tuple[float, str, str]] = field(default_factory=list)
    """When somebody was to be asked beyond the budget, and was not: the folder, and the chat."""
    failed_requests: bool = False
    groups_at: float = -1.0
    dues: list[Due] = field(default_factory=list)
    disturbed: list[float] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)
    """From when to when something was down."""
    stored_at: dict[int, float] = field(default_factory=dict)
    """When pieces came into the outbox, by their number."""
    apart: set[int] = field(default_factory=set)
    """Pieces that were stored while others waited for a chat of which nobody had told the bot that
    it is the same: it knew of no order.
    """
    asked_at: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """When agents were asked, by the key of the chat."""
    expected: list[tuple[float, str]] = field(default_factory=list)
    """When it was known that a chat that was put off can be answered, and which."""
    conversing: set[str] = field(default_factory=set)
    """Folders whose conversation is to be gone on with."""
    freshes: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)
    """Failures to deliver, in a row, by the key of the chat."""
    missed: Counter[str] = field(default_factory=Counter)
    """How many times there were five of them."""
    stopping_at: float = float("inf")
    hurried: bool = False
    used: Counter[tuple[str, str]] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = Random(f"world {self.plan.seed}")
        self._delays = {
            port: Random(f"{port} {self.plan.seed}")
            for port in ("sql", "thread", "send", "api", "start", "bring", "owner")
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
        self.sessions: Callable[[], int] = lambda: 0
        self.on_end: Callable[[str], None] = lambda kind: None
        self.look: Callable[..., list[Any]] = lambda sql, *values: []

    @property
    def time(self) -> float:
        return self.loop.time() if self.loop else self.now

    @property
    def cut_short(self) -> bool:
        """Whether what is cancelled now should have had more time, at the end."""
        since = self.time - self.stopping_at
        return 0 <= since < GRACE - 0.5 and not self.hurried

    def wall(self) -> float:
        """Seconds of the epoch, as the machine's clock says."""
        return BEGIN + self.time + self.offset

    def note(self, what: str) -> None:
        self.trace.append(f"{self.time:.3f} {what}")

    def problem(self, what: str) -> None:
        self.problems.append(what)
        self.note(f"PROBLEM {what}")

    def chat(self, number: int, topic: int = 0) -> str:
        """What a chat, or a topic in it, is called now."""
        names = self.names.setdefault(number, [])
        if not names:
            self.rename(number)
        return f"{names[-1]}:{topic}" if topic else names[-1]

    def rename(self, number: int) -> None:
        names = self.names.setdefault(number, [])
        again = f".{len(names)}" if names else ""
        names.append(f"{'tele' if number % 2 == 0 else 'whats'}:{number}{again}")
        self.numbers[names[-1]] = number

    def key(self, chat: str) -> str:
        """What stays when a chat is called otherwise."""
        whole, topic = (chat, "") if chat.count(":") < 2 else chat.rsplit(":", 1)
        if whole not in self.numbers:
            self.rename(int(whole.partition(":")[2]))
        return f"{self.numbers[whole]}/{topic}" if topic else str(self.numbers[whole])

    def title(self, key: str) -> str:
        """The name of the group whose chat it is."""
        number, _, topic = key.partition("/")
        name = f"{'Person' if int(number) >= STRANGER else 'Chat'} {number}"
        return f"{name}, topic {topic}" if topic else name

    def group(self, number: int) -> str:
        return f"group-{number}" if number else FOLDER

    def read_groups(self) -> None:
        """Registrations were committed."""
        self.groups_at = self.time
        found = self.look("SELECT chat, folder FROM groups")
        now = {self.key(chat): folder for chat, folder in found}
        now = {key: now[key] for key in now if key.partition("/")[0] in now}
        gone = self.registered.keys() - now.keys()
        self.conversing -= {self.registered[key] for key in gone}
        for one in self.posted.values():
            one.removed |= one.chat in gone
        for key, folder in now.items():
            if folder == FOLDER and key not in self.mains:
                self.mains.append(key)
        self.registered = now

    def knows(self, chat: str) -> bool:
        """Whether a chat, or the one that a topic is in, is registered by the name that it has."""
        whole = chat if chat.count(":") < 2 else chat.rpartition(":")[0]
        where = "chat = ?1 OR chat = (SELECT now FROM moved WHERE chat = ?1)"
        return bool(self.look(f"SELECT 1 FROM groups WHERE {where}", whole))  # noqa: S608

    def servers(self, key: str) -> tuple[bool, tuple[str, ...]]:
        """Whether a chat, or the one that a topic is in, is registered; the MCP servers that it is
        granted.
        """
        whole = self.registered.get(key.partition("/")[0])
        found = self.look("SELECT rest FROM groups WHERE folder = ?", whole)
        named = json.loads(found[0][0])["options"].get("mcp", ()) if found else ()
        return bool(found), tuple(named)

    def of(self, folder: str, chat: str) -> None:
        """A folder is used for a chat; main passes from one to another."""
        key = self.key(chat)
        if folder != FOLDER and self.folders.setdefault(folder, key) != key:
            self.problem(f"{folder} of {self.folders[folder]} is used for {key}")

    def again(self, keys: Iterable[str]) -> None:
        """These had been put off, and there is reason to try again."""
        self.expected += [(self.time, key) for key in keys]
        for key in keys:
            self.note(f"{key} can be tried again")

    def stored(self, seq: int, chat: str, waiting: Iterable[tuple[str]]) -> None:
        """A piece came into the outbox, where others were waiting for these chats."""
        self.stored_at[seq] = self.time
        if any(one != chat and self.key(one) == self.key(chat) for (one,) in waiting):
            self.apart.add(seq)

    def miss(self, chat: str, times: int) -> None:
        """Something could not be delivered there, or again it could."""
        key = self.key(chat)
        self.misses[key] = self.misses[key] + 1 if times else 0
        if self.misses[key] == FAILURES:
            self.missed[key] += 1
            if self.registered.get(key) not in {FOLDER, None} and self.knows(chat):
                self.due("I cannot deliver to", f"{self.title(key)} (")

    def stopped(self, chat: str) -> bool:
        """Whether somebody has ended a turn in a chat."""
        key = self.key(chat)
        return any(one.stopped for one in self.posted.values() if one.chat == key)

    def left(self, key: str, sessions: int) -> None:
        """The conversation of a chat was left, when there had been so many."""
        if folder := self.registered.get(key):
            self.fresh[folder] = max(self.fresh[folder], sessions)

    def due(self, what: str, about: str) -> None:
        """What the owner has to be told."""
        self.dues.append(Due(self.time, what, about))

    def undisturbed(self, since: float, until: float) -> bool:
        return not any(since <= one <= until for one in self.disturbed)

    def well(self, since: float, until: float) -> bool:
        """Whether nothing was down either."""
        down = any(begun <= until and since <= ended for begun, ended in self.outages)
        return not down and self.undisturbed(since, until)

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
        self.disturbed.append(self.time)
        self.note(f"fault {what}")

    def before_step(self) -> None:
        """Called before each callback of the loop."""
        self.step += 1
        if self.step > MOST_STEPS + MORE_STEPS * self.plan.chats:
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
        self.outages.append((self.time, self.time + fault.seconds))
        if fault.kind in {"clock forward", "sleep"}:
            self.offset += fault.seconds
        elif fault.kind == "clock back":
            self.offset -= fault.seconds
        else:
            what = fault.kind.removesuffix(" down")
            self._until[what] = max(self._until.get(what, 0.0), self.time + fault.seconds)

    def down(self, what: str) -> bool:
        """Whether it is, or whether the messengers are `muted`."""
        return not self.calm and self.time < self._until.get(what, -1.0)

    def delay(self, port: str, most: float, *, often: float = 1.0) -> float:
        chance = self._delays[port]
        return round(chance.uniform(0, most), 3) if chance.random() < often else 0.0

    def doubt(self) -> None:
        """What was sent last in each chat may not be known as sent."""
        self.disturbed.append(self.time)
        last: dict[str, Accepted] = {}
        for one in self.accepted:
            last[one.chat] = one
        for one in last.values():
            one.unclear = True
