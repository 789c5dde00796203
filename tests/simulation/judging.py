"""What must hold when all is quiet, whatever has happened."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING

from bot.migrations import SQL
from bot.paths import Paths
from simulation.disk import Database
from simulation.engine import Agent, Engine
from simulation.messenger import Messenger
from simulation.world import World

if TYPE_CHECKING:
    from simulation.world import Accepted, Posted

NUMBER = re.compile(r"#(\d+)\.")
SORRY = "I could not answer that"
REMINDER = re.compile(r"Reminder: (task of m\d+)\n")
REPLIES: dict[str, tuple[str, ...]] = {
    "/new": ("We begin anew.",),
    "/stop": ("Stopped.", "I am not at work on anything here."),
    "/status": ("I am at work.", "I am not at work."),
    "/help": ("Write to me with", "Just write to me."),
}
WAITS = {
    "messages wait": SQL["waiting"],
    "pieces wait": SQL["undelivered"],
    "runs are under way": "SELECT id FROM tasks WHERE claimed_at IS NOT NULL",
    "files are to come": "SELECT seq FROM inbox WHERE unfetched AND asks",
    "runs are open": "SELECT id FROM runs WHERE ended_at IS NULL",
    "reminders are to come": "SELECT id FROM tasks WHERE status = 'active' AND kind = 'once'",
}
RECURRING = "UPDATE tasks SET status = 'cancelled', next_run = NULL WHERE kind != 'once'"


def quiet(world: World, messengers: Sequence[Messenger], database: Database, agent: Agent) -> str:
    """Why it is not quiet yet; nothing if it is."""
    if any(one.waiting for one in messengers):
        return "the messenger has messages"
    if database.made is None or (raw := database.made.line.raw) is None:
        return "the store is not open"
    if raw.in_transaction:
        return "a transaction is open"
    for why, sql in WAITS.items():
        if rows := raw.execute(sql).fetchall():
            return f"{why}: {rows[:5]}"
    if requests := [*Paths(world.folder).requests.source.glob("*/requests/*.json")]:
        return f"{len(requests)} requests lie there"
    if (held := agent._settings.max_containers - agent._slots._free) != len(agent._runs):
        return f"{held} slots are held for {len(agent._runs)} containers"
    return ""


def tasks_end(world: World, database: Database) -> None:
    """The owner ends what would go on for ever."""
    raw = database.made.line.raw if database.made else None
    if raw is not None and not raw.in_transaction:
        raw.execute(RECURRING)


def judge(world: World, engine: Engine) -> None:
    """Adds a problem for all that does not hold."""
    with closing(sqlite3.connect(world.folder / "bot.db")) as db:
        for check in (_store, _answers, _pieces, _commands, _requests, _tasks):
            for what in check(world, db):
                world.problem(what)
    for run in sorted(engine.left):
        world.problem(f"a container is left: {run}")
    for token in engine.doors:
        world.problem(f"a door of the proxy is left: {token}")


def _store(world: World, db: sqlite3.Connection) -> Iterator[str]:
    if (said := db.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
        yield f"the store is broken: {said}"
    for why, sql in WAITS.items():
        if rows := db.execute(sql).fetchall():
            yield f"at the end {why}: {rows}"
    stored = Counter(int(id_) for (id_,) in db.execute("SELECT id FROM inbox"))
    for number, one in world.posted.items():
        if stored[number] != 1:
            yield f"message {number} of {one.chat} is stored {stored[number]} times"


def _kept(db: sqlite3.Connection) -> dict[str, list[str]]:
    """What went out, chat by chat in order, but for what can never be delivered."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for chat, text in db.execute("SELECT chat, text FROM outbox ORDER BY seq"):
        found[chat].append(text)
    return found


def _answers(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """Each message that asks is answered, by one answer, in its chat; in the order of messages."""
    kept = _kept(db)
    named: defaultdict[int, set[int]] = defaultdict(set)
    for chat, texts in kept.items():
        last = 0
        for text in texts:
            if not text.startswith("re m") or not (found := NUMBER.search(text)):
                continue
            answer = world.answers[int(found[1])]
            for number in answer.named:
                one = world.posted[number]
                named[number].add(answer.number)
                if one.chat != chat:
                    yield f"{chat} has the answer to message {number} of {one.chat}"
                if one.asks and one.order < last:
                    yield f"message {number} of {chat} is answered after a later one"
                last = max(last, one.order) if one.asks else last
    for number, one in world.posted.items():
        if one.asks and len(named[number]) > 1:
            yield f"message {number} is answered by {sorted(named[number])}"
        if one.asks and not named[number] and not _excused(world, one, kept):
            yield f"message {number} of {one.chat} is never answered"


def _excused(world: World, one: Posted, kept: dict[str, list[str]]) -> bool:
    if one.stopped:
        return True
    return one.refused and any(text.startswith(SORRY) for text in kept[one.chat])


def _pieces(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """What was kept was delivered, in its order, and twice only where nobody could know."""
    delivered: defaultdict[str, list[Accepted]] = defaultdict(list)
    for one in world.accepted:
        delivered[one.chat].append(one)
    for chat, texts in _kept(db).items():
        wanted = [_shown(world, text) for text in texts if text not in world.undeliverable]
        known = {_shown(world, text) for text in texts}
        found = [one for one in delivered[chat] if one.text in known]  # others: past the store
        have = [one.text for one in found]
        unclear = Counter(one.text for one in found if one.unclear)
        if less := Counter(wanted) - Counter(have):
            yield f"{chat} lacks {dict(less)}"
        if more := Counter(have) - Counter(wanted) - unclear:
            yield f"{chat} has too often {dict(more)}"
        if not (less or more) and _once(have) != _once(wanted):
            yield f"{chat} has out of order: {have}"


def _shown(world: World, text: str) -> str:
    return text.replace(str(world.folder), "DATA")


def _once(texts: list[str]) -> list[str]:
    """Of each that follows itself, one."""
    return [text for text, _ in groupby(texts)]


def _commands(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """Each command is answered once."""
    kept = _kept(db)
    asked = Counter((one.chat, one.text) for one in world.posted.values() if one.command)
    for (chat, command), times in sorted(asked.items()):
        said = sum(text.startswith(REPLIES[command]) for text in kept[chat])
        if said != times:
            yield f"{chat} has said {command} {times} times, and was told {said} times"


def _requests(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """What an agent had sent is sent once."""
    kept = _kept(db)
    for text, chat in world.said.items():
        if (times := kept[chat].count(text)) != 1:
            yield f"{chat} was sent {times} times: {text}"
    for chat, texts in kept.items():
        for text in texts:
            if text.startswith("said for") and world.said.get(text) != chat:
                yield f"{chat} was sent what is of another: {text}"


def _tasks(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """A run that was due has one answer; a reminder is given."""
    kept = _kept(db)
    runs: Counter[tuple[str, str]] = Counter()
    for chat, texts in kept.items():
        for text in texts:
            if text.startswith("re task") and (found := NUMBER.search(text)):
                answer = world.answers[int(found[1])]
                runs[answer.task, answer.due] += 1
                if texts.count(text) != 1:
                    yield f"{chat} has {text!r} more than once"
    for (task, due), times in sorted(runs.items()):
        if times > 1:
            yield f"the run of {task} that was due at {due} has {times} answers"
    done = {task for task, _ in runs}
    reminded = {
        found[1] for texts in kept.values() for text in texts if (found := REMINDER.match(text))
    }
    query = "SELECT id, prompt FROM tasks WHERE kind = 'once' AND status = 'done'"
    for task, prompt in db.execute(query):
        if (task in done) + (prompt in reminded) < 1:
            yield f"the reminder {prompt!r} was never given"
