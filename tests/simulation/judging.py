"""What must hold when all is quiet, whatever has happened."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from bot.migrations import SQL
from bot.paths import Paths
from simulation.disk import Database
from simulation.engine import Agent, Engine
from simulation.messenger import Messenger
from simulation.owner import Desk
from simulation.plan import STRANGER
from simulation.telling import NUMBER, SORRY, TOLD, kept, registrations
from simulation.world import SOON, World

if TYPE_CHECKING:
    from simulation.world import Accepted, Posted

REMINDER = re.compile(r"Reminder: (task of m\d+)\n")
REPLIES: dict[str, tuple[str, ...]] = {
    "/new": ("We begin anew.",),
    "/stop": ("Stopped.", "I am not at work on anything here."),
    "/status": ("I am at work.", "I am not at work."),
    "/help": ("Write to me with", "Just write to me."),
}
PAIRS: dict[str, Callable[[str], bool]] = {
    "paired": lambda text: text.startswith("I answer in "),
    "unknown": lambda text: text.startswith("I know no such code"),
    "again": lambda text: text.startswith("That is done already"),
    "refused": lambda text: "is registered otherwise" in text,
    "hello": lambda text: text.startswith("I am Andy, and I answer here"),
    "code": lambda text: text.startswith("I am Andy, and I do not know this chat"),
}
OF_REGISTERED = {"messages wait", "files are to come"}
WAITS = {
    "messages wait": SQL["waiting"],
    "pieces wait": SQL["undelivered"],
    "runs are under way": "SELECT id FROM tasks WHERE claimed_at IS NOT NULL",
    "files are to come": "SELECT chat FROM inbox WHERE unfetched AND asks",
    "runs are open": "SELECT id FROM runs WHERE ended_at IS NULL",
    "reminders are to come": "SELECT id FROM tasks WHERE status = 'active' AND kind = 'once'",
}
PARKED = """SELECT id FROM tasks WHERE status = 'active' AND value = '60'
AND next_run > :later AND COALESCE(last_due, '') < :now"""
RECURRING = "UPDATE tasks SET status = 'cancelled', next_run = NULL WHERE kind != 'once'"


def quiet(
    world: World, messengers: Sequence[Messenger], database: Database, agent: Agent, desk: Desk
) -> str:
    """Why it is not quiet yet; nothing if it is."""
    if any(one.waiting for one in messengers):
        return "the messenger has messages"
    if database.made is None or (raw := database.made.line.raw) is None:
        return "the store is not open"
    if raw.in_transaction:
        return "a transaction is open"
    if desk.waiting:
        return f"the owner waits: {desk.waiting}"
    for why in waits(world, raw):
        return why
    for folder in world.registered.values():
        place = Paths(world.folder).ipc(folder).source / "requests"
        if requests := [*place.glob("*.json")]:
            return f"{len(requests)} requests lie there"
    if (held := agent._settings.max_containers - agent._slots._free) != len(agent._runs):
        return f"{held} slots are held for {len(agent._runs)} containers"
    return ""


def waits(world: World, db: sqlite3.Connection) -> Iterator[str]:
    for why, sql in WAITS.items():
        rows = [one for (one,) in db.execute(sql)]
        if why in OF_REGISTERED:
            there = [chat for chat in rows if world.key(chat) in world.registered]
            rows = [chat for chat in there if ":".join(chat.split(":")[:2]) not in world.abandoned]
        if rows:
            yield f"{why}: {rows[:5]}"


def tasks_end(world: World, database: Database) -> None:
    """The owner ends what would go on for ever, of which nothing waits for a time that was never
    meant.
    """
    raw = database.made.line.raw if database.made else None
    if raw is None or raw.in_transaction:
        return
    if world.undisturbed(world.time - 2 * SOON, world.time):
        now, later = (datetime.fromtimestamp(world.wall() + more, UTC) for more in (0.0, 600.0))
        for (id_,) in raw.execute(PARKED, {"now": now.isoformat(), "later": later.isoformat()}):
            world.problem(f"the task {id_} waits for a time that was never meant")
    raw.execute(RECURRING)


def judge(world: World, engine: Engine, desk: Desk) -> None:
    """Adds a problem for all that does not hold."""
    with closing(sqlite3.connect(world.folder / "bot.db")) as db:
        checks = (_store, _answers, _pieces, _commands, _requests, _tasks)
        for check in (*checks, *TOLD):
            for what in check(world, db):
                world.problem(what)
        for what in registrations(world, db, desk):
            world.problem(what)
    for run in sorted(engine.left):
        world.problem(f"a container is left: {run}")
    for token in engine.doors:
        world.problem(f"a door of the proxy is left: {token}")


def _store(world: World, db: sqlite3.Connection) -> Iterator[str]:
    if (said := db.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
        yield f"the store is broken: {said}"
    for why in waits(world, db):
        yield f"at the end {why}"
    stored = Counter(int(id_) for (id_,) in db.execute("SELECT sender_id FROM inbox"))
    for number, one in world.posted.items():
        fits = stored[number] <= 1 if one.unknown else stored[number] == 1
        if not fits and not (one.pairs and not stored[number]):
            yield f"message {number} of {one.chat} is stored {stored[number]} times"


def _answers(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """Each message that asks is answered, by one answer, in its chat; in the order in which they were
    stored, which a messenger that brings one again after a crash may not know.
    """
    there = kept(world, db)
    stored = {int(id_): seq for seq, id_ in db.execute("SELECT seq, sender_id FROM inbox")}
    named: defaultdict[int, set[int]] = defaultdict(set)
    for chat, texts in there.items():
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
                order = stored.get(number, 0)
                if one.asks and order < last:
                    yield f"message {number} of {chat} is answered after a later one"
                last = max(last, order) if one.asks else last
    for number, one in world.posted.items():
        if one.asks and len(named[number]) > 1:
            yield f"message {number} is answered by {sorted(named[number])}"
        if one.asks and not named[number] and not _excused(one, there):
            yield f"message {number} of {one.chat} is never answered"


def _excused(one: Posted, there: dict[str, list[str]]) -> bool:
    if one.stopped or one.unknown or one.removed:
        return True
    return one.refused and any(text.startswith(SORRY) for text in there[one.chat])


def _pieces(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """What was kept was delivered, in its order, and twice only where nobody could know. What was
    given up when it was sent again may be there all the same.
    """
    delivered: defaultdict[str, list[Accepted]] = defaultdict(list)
    to_come = kept(world, db, given_up=False)
    texts_of = dict(db.execute("SELECT seq, text FROM outbox"))
    apart = {_shown(world, texts_of[seq]) for seq in world.apart if seq in texts_of}
    for one in world.accepted:
        delivered[one.chat].append(one)
    for chat, texts in kept(world, db).items():
        to_be = (text for text in to_come[chat] if text not in world.undeliverable)
        wanted = [_shown(world, text) for text in to_be]
        known = {_shown(world, text) for text in texts}
        found = [one for one in delivered[chat] if one.text in known]  # others: past the store
        have = [one.text for one in found]
        unclear = Counter(one.text for one in found if one.unclear)
        if less := Counter(wanted) - Counter(have):
            yield f"{chat} lacks {dict(less)}"
        if more := Counter(have) - Counter(wanted) - unclear:
            yield f"{chat} has too often {dict(more)}"
        ordered = {*wanted} - apart
        have, wanted = ([one for one in of if one in ordered] for of in (have, wanted))
        if not (less or more) and _once(have) != _once(wanted):
            yield f"{chat} has out of order: {have}"


def _shown(world: World, text: str) -> str:
    return text.replace(str(world.folder), "DATA")


def _once(texts: list[str]) -> list[str]:
    """Of each that follows itself, one."""
    return [text for text, _ in groupby(texts)]


def _commands(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """Each command is answered once, and each code that the owner types."""
    there = kept(world, db)
    asked = Counter((one.chat, one.text) for one in world.posted.values() if one.command)
    unknown = {one.chat for one in world.posted.values() if one.unknown}
    for (chat, command), times in sorted(asked.items()):
        said = sum(text.startswith(REPLIES[command]) for text in there[chat])
        if said > times or (said < times and chat not in unknown):
            yield f"{chat} has said {command} {times} times, and was told {said} times"
    typed = [one for one in world.posted.values() if one.pairs and one.order]
    told = Counter(
        kind for texts in there.values() for text in texts for kind in PAIRS if PAIRS[kind](text)
    )
    if not any(one.unknown or one.removed for one in typed):
        answers = sum(told[kind] for kind in ("paired", "unknown", "refused", "again"))
        if answers != len(typed):
            yield f"{len(typed)} codes were typed, and {answers} were answered: {told}"
        if typed and not world.disturbed and told["unknown"] == answers:
            yield f"of {len(typed)} codes, none let anybody in"
    if told["paired"] != told["hello"]:
        yield f"{told['paired']} chats were let in, and {told['hello']} were told"
    for one in world.posted.values():
        greeted = any(PAIRS["code"](text) for text in there[one.chat])
        alone = one.post.chat >= STRANGER and not world.registered.get(one.chat)
        if alone and one.asks and one.unknown and not one.post.topic and not greeted:
            yield f"{one.chat} was shown no code"


def _requests(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """What an agent had sent is sent once."""
    there = kept(world, db)
    gone = {one.chat for one in world.posted.values() if one.removed}
    whole = there.keys() - gone
    for text, chat in world.said.items():
        times = there[chat].count(text)
        if times > 1 or (chat in whole and times < 1):
            yield f"{chat} was sent {times} times: {text}"
    for data, chat in world.sent.items():
        times = sum(text.endswith(f"[{data}]") for text in there[chat])
        if times > 1 or (chat in whole and times < 1 and not world.failed_requests):
            yield f"{chat} was sent the file {times} times: {data}"
    for chat, texts in there.items():
        for text in texts:
            if text.startswith("said for") and world.said.get(text) not in {chat, *gone}:
                yield f"{chat} was sent what is of another: {text}"
    waiting = db.execute("SELECT count(*) FROM outbox WHERE file IS NOT NULL").fetchone()[0]
    copies = len([*(world.folder / "sent").glob("*")])
    if copies and not world.disturbed:
        yield f"{copies} copies of {waiting} files that were sent are left"


def _tasks(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """A run that was due has one answer; a reminder is given."""
    there = kept(world, db)
    runs: Counter[tuple[str, str]] = Counter()
    for chat, texts in there.items():
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
        found[1] for texts in there.values() for text in texts if (found := REMINDER.match(text))
    }
    query = "SELECT id, prompt FROM tasks WHERE kind = 'once' AND status = 'done'"
    query += " AND folder IN (SELECT folder FROM groups)"  # or its chat was removed meanwhile
    for task, prompt in db.execute(query):
        if (task in done) + (prompt in reminded) < 1:
            yield f"the reminder {prompt!r} was never given"
