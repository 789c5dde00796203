"""What happens in a run: who writes what and when, and what fails. A seed makes one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeAlias

CALLS = {
    # by the port whose n-th call it is
    "step": ("crash", "crash", "crash", "restart", "hurry"),
    "sql": ("full", "ioerr", "busy", "crash", "crash after", "full for a while"),
    "send": (
        *("refused", "unclear", "crash before", "crash after", "slow", "undeliverable"),
        *("refused for now", "refused six times"),
    ),
    "bring": ("twice", "out of order", "lost", "lost after", "crash after"),
    "start": ("refused", "slow", "hangs", "crash before", "crash after"),
    "api": ("529", "401", "400", "silence", "dies", "half a line", "garbage", "crash", "slow"),
    "file": ("eio", "enospc", "short"),
    "fetch": ("refused", "unfetchable", "crash"),
    "session": ("refused", "poisoned"),
    "open": ("crash", "crash"),
    "connect": ("misconfigured",),
    "owner": ("crash before", "crash after", "hangs up"),
}
"""Kinds of faults by what they hit: the n-th step of the loop, the n-th statement, ..."""
TIMES = (
    *("clock forward", "clock back", "sleep", "messenger down", "engine down", "api down"),
    *("restart", "crash", "two crashes", "containers gone", "muted", "hurry"),
)
"""Kinds of faults that come at a time, in seconds, and last."""
DEEDS = (
    *("move", "move", "move unsaid", "new token", "pair", "pair", "pair as main"),
    *("register", "unregister", "unregister", "instead of", "grant", "revoke", "grant"),
    *("schedule", "cancel", "pause", "list", "refresh", "backup", "status"),
)
"""What messengers do beside bringing messages, and what owners do on the command line."""
STRANGER = 500
"""From this number on, chats are not registered."""
DAYS = 86_400.0
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
    """Somebody writes into chat number `chat`, or its `topic`, at `at` seconds; `does` says what it
    is about.
    """

    at: float
    chat: int
    number: int
    does: str = ""
    topic: int = 0


@dataclass(frozen=True, slots=True)
class Deed:
    """One of DEEDS about a chat, at `at` seconds; `number` tells it from others."""

    kind: str
    at: float
    chat: int
    number: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A run, entirely. `chats` is how many groups there are, main among them."""

    seed: int
    chats: int = 3
    slots: int = 2
    budget: int = 0
    posts: tuple[Post, ...] = ()
    faults: tuple[Fault, ...] = field(default=())
    deeds: tuple[Deed, ...] = field(default=())

    def without(self, what: tuple[Post | CallFault | TimeFault | Deed, ...]) -> Plan:
        return replace(
            self,
            posts=tuple(one for one in self.posts if one not in what),
            faults=tuple(one for one in self.faults if one not in what),
            deeds=tuple(one for one in self.deeds if one not in what),
        )

    @property
    def kinds(self) -> set[str]:
        """What happens in it, by name."""
        found = {f"does {one.does}" for one in self.posts}
        found |= {f"{one.port}: {one.kind}" for one in self.faults if isinstance(one, CallFault)}
        found |= {one.kind for one in self.faults if isinstance(one, TimeFault)}
        return found | {f"deed {one.kind}" for one in self.deeds} | {f"budget {bool(self.budget)}"}

    def __str__(self) -> str:
        """As a test has it."""
        lines = [f"    {one!r}," for one in self.posts]
        more = [f"    {one!r}," for one in self.faults]
        last = [f"    {one!r}," for one in self.deeds]
        head = f"Plan({self.seed}, {self.chats}, {self.slots}, {self.budget}, ("
        return "\n".join([head, *lines, "), (", *more, "), (", *last, "))"])


DOES = (
    *("",) * 12,
    *("aside",) * 4,
    *("say", "once", "every", "poison", "slow", "slow", "split", "cancel", "isolated"),
    *("file", "send"),
    *("/new", "/stop", "/status", "/help"),
)


def plan_of(seed: int) -> Plan:
    """The run of a seed: mostly few chats and faults, seldom many."""
    random = Random(f"plan {seed}")
    size = random.choice((1, 2, 3, 3, 4, 6, 40 if random.random() < 0.1 else 5))
    size = random.randint(150, 300) if random.random() < 0.004 else size
    posts = random.randint(1, 8) + (random.randint(0, 25) if random.random() < 0.3 else 0)
    posts = max(posts, size if size > 10 else 0)
    span = random.choice((5.0, 60.0, 600.0, LONGEST))
    written = [_post(random, size, span, number) for number in range(1, posts + 1)]
    faults = [_fault(random, span) for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 5, 8)))]
    deeds = [
        _deed(random, size, span, number)
        for number in range(900, 900 + random.choice((0, 0, 1, 1, 2, 3, 6)))
    ]
    for deed in deeds:
        if deed.kind in {"pair", "pair as main"}:
            number = len(written) + 1
            written.append(Post(deed.at, deed.chat, number))
            later = round(deed.at + random.uniform(20.0, 120.0), 2)
            written.append(Post(later, deed.chat, number + 1, random.choice(DOES)))
    if posts <= 20 and random.random() < 0.2:
        written, more, last = _theme(random, written, span)
        faults, deeds = faults + more, deeds + last
    written.sort(key=lambda one: one.at)
    budget = random.choice((0, 0, 0, 100, 200, 300)) if posts <= 8 else 0
    if any(one.seconds > DAYS for one in faults if isinstance(one, TimeFault)):
        never = {"every": "say"}  # or it would run thousands of times
        written = [replace(one, does=never.get(one.does, one.does)) for one in written]
    slots = random.choice((1, 2, 4))
    return Plan(seed, size, slots, budget, tuple(written), tuple(faults), tuple(deeds))


def _theme(
    random: Random, written: list[Post], span: float
) -> tuple[list[Post], list[Fault], list[Deed]]:
    """What seldom comes together by chance, about the chat of the first message."""
    chat, at = written[0].chat, round(random.uniform(0, span), 2)
    kind = random.choice(("moves", "moves", "refused", "opening", "muted"))
    if kind == "refused":  # all of its channels
        return written, [CallFault("connect", n, "misconfigured") for n in (1, 2)], []
    if kind == "opening":
        n = random.randint(1, 30)
        more = [CallFault("sql", n + step, random.choice(CALLS["sql"])) for step in range(3)]
        return written, [*more], []
    length = round(random.choice((100.0, 1000.0, 4000.0)) * random.random(), 2)
    if kind == "muted":
        return (
            written,
            [TimeFault("muted", 0.0, 3.2 * DAYS if random.random() < 0.2 else length)],
            [],
        )
    down = random.choice(("messenger down", "api down", "engine down", "muted"))
    moves = [
        Deed(
            random.choice(("move", "move unsaid")),
            round(at + random.uniform(0, length), 2),
            chat,
            n,
        )
        for n in range(990, 990 + random.choice((1, 1, 2)))
    ]
    topics = [replace(one, chat=chat, topic=random.choice((0, 7))) for one in written]
    return topics, [TimeFault(down, at, length)], moves


def _post(random: Random, size: int, span: float, number: int) -> Post:
    chat, topic = random.randrange(size), random.choice((0,) * 7 + (7,))
    return Post(round(random.uniform(0, span), 2), chat, number, random.choice(DOES), topic)


def _fault(random: Random, span: float) -> Fault:
    if random.random() < 0.3:
        kind = random.choice(TIMES)
        length = round(random.choice((1.0, 30.0, 300.0, 4000.0)) * random.random(), 2)
        if kind == "muted" and random.random() < 0.04:
            length = 3.2 * DAYS
        return TimeFault(kind, round(random.uniform(0, span), 2), length)
    port = random.choice([*CALLS])
    most = REACH.get(port, 3)
    number = int(most ** random.random()) if random.random() < 0.7 else 0
    number = number or random.randint(1, max(most // 3, 1))
    return CallFault(port, number, random.choice(CALLS[port]))


def _deed(random: Random, size: int, span: float, number: int) -> Deed:
    kind = random.choice(DEEDS)
    chat = random.randrange(size)
    if kind in {"pair", "pair as main"}:
        chat = STRANGER + number
    elif kind in {"unregister", "instead of"}:
        chat = random.randrange(1, size) if size > 1 else STRANGER
    return Deed(kind, round(random.uniform(0, span), 2), chat, number)
