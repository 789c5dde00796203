"""What happens in a run: who writes what and when, and what fails. A seed makes one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeAlias

CALLS = {
    # by the port whose n-th call it is
    "step": ("crash", "crash", "crash", "restart", "hurry"),
    "sql": ("full", "ioerr", "busy", "crash", "crash after", "full for a while"),
    "send": ("refused", "unclear", "crash before", "crash after", "slow", "undeliverable"),
    "bring": ("twice", "out of order", "lost", "lost after", "crash after"),
    "start": ("refused", "slow", "hangs", "crash before", "crash after"),
    "api": ("529", "401", "400", "silence", "dies", "half a line", "garbage", "crash", "slow"),
    "file": ("eio", "enospc", "short"),
    "fetch": ("refused", "unfetchable", "crash"),
    "session": ("refused",),
    "open": ("crash", "crash"),
}
"""Kinds of faults by what they hit: the n-th step of the loop, the n-th statement, ..."""
TIMES = (
    *("clock forward", "clock back", "sleep", "messenger down", "engine down", "api down"),
    *("restart", "crash", "two crashes", "containers gone"),
)
"""Kinds of faults that come at a time, in seconds, and last."""
REACH = {"step": 6000, "sql": 600, "send": 40, "bring": 40, "start": 12, "api": 40, "file": 60}
LONGEST = 1500.0
Fault: TypeAlias = "CallFault | TimeFault"


@dataclass(frozen=True, slots=True)
class CallFault:
    """At the `n`-th call of a port."""

    port: str
    n: int
    kind: str


@dataclass(frozen=True, slots=True)
class TimeFault:
    """At `at` seconds, for `seconds`."""

    kind: str
    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Post:
    """Somebody writes into chat number `chat` at `at` seconds; `does` says what it is about."""

    at: float
    chat: int
    number: int
    does: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run, entirely. `chats` is how many groups there are, main among them."""

    seed: int
    chats: int = 3
    slots: int = 2
    budget: int = 0
    posts: tuple[Post, ...] = ()
    faults: tuple[Fault, ...] = field(default=())

    def without(self, what: tuple[Post | CallFault | TimeFault, ...]) -> Plan:
        return replace(
            self,
            posts=tuple(one for one in self.posts if one not in what),
            faults=tuple(one for one in self.faults if one not in what),
        )

    def __str__(self) -> str:
        """As a test has it."""
        lines = [f"    {one!r}," for one in self.posts]
        more = [f"    {one!r}," for one in self.faults]
        head = f"Plan({self.seed}, {self.chats}, {self.slots}, {self.budget}, ("
        return "\n".join([head, *lines, "), (", *more, "))"])


DOES = (
    *("",) * 12,
    *("aside",) * 4,
    *("say", "once", "every", "poison", "slow", "split", "cancel", "isolated"),
    "file",
    *("/new", "/stop", "/status", "/help"),
)


def plan_of(seed: int) -> Plan:
    """The run of a seed: mostly few chats and faults, seldom many."""
    random = Random(f"plan {seed}")
    size = random.choice((1, 2, 3, 3, 4, 6, 40 if random.random() < 0.1 else 5))
    calm = random.random()
    posts = random.randint(1, 8) + (random.randint(0, 25) if random.random() < 0.3 else 0)
    posts = max(posts, size if size > 10 else 0)
    span = random.choice((5.0, 60.0, 600.0, LONGEST))
    written = tuple(
        sorted(
            (
                Post(
                    round(random.uniform(0, span), 2),
                    random.randrange(size),
                    number,
                    random.choice(DOES),
                )
                for number in range(1, posts + 1)
            ),
            key=lambda one: one.at,
        )
    )
    faults: list[Fault] = []
    for _ in range(0 if calm < 0.05 else random.choice((1, 1, 2, 3, 5, 8))):
        if random.random() < 0.3:
            length = round(random.choice((1.0, 30.0, 300.0, 4000.0)) * random.random(), 2)
            faults.append(
                TimeFault(random.choice(TIMES), round(random.uniform(0, span), 2), length)
            )
        else:
            port = random.choice([*CALLS])
            most = REACH.get(port, 3)
            number = int(most ** random.random()) if random.random() < 0.7 else 0
            number = number or random.randint(1, max(most // 3, 1))
            faults.append(CallFault(port, number, random.choice(CALLS[port])))
    budget = random.choice((0, 0, 0, 300)) if posts <= 8 else 0
    return Plan(seed, size, random.choice((1, 2, 4)), budget, written, tuple(faults))
