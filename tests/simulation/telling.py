"""What people and the owner must have been told, and what holds of registrations."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from bot.migrations import SQL
from simulation.owner import Desk
from simulation.world import FAILURES, SOON, World

NUMBER = re.compile(r"#(\d+)\.")
SORRY = "I could not answer that"
GIVEN_UP, NO_ANSWER = "I gave up a message in {} (", "I could not answer in {} ("
USED_UP = "tokens for today are used up"
FULL = "I cannot write to my store"
HOUR = 3600.0
WAITS = "I cannot deliver to"
LATE, LONGEST_PAUSE = 400.0, 1900.0
LOST = re.compile(r".* \((\S+)\) (?:can never be delivered|has taken no message for days):")


def kept(
    world: World, db: sqlite3.Connection, *, given_up: bool = True
) -> defaultdict[str, list[str]]:
    """What went out, chat by chat in order; also what was given up, or not."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    query = "SELECT chat, text, file FROM outbox WHERE error IS NULL OR ? ORDER BY seq"
    for chat, text, file in db.execute(query, (given_up,)):
        made = f"[{Path(json.loads(file)['origin']).read_text()}]" if file else ""
        found[world.key(chat)].append(text + made)
    return found


def _told(world: World, there: dict[str, list[str]]) -> list[str]:
    """All that the owner was told: main passes from chat to chat."""
    return [text for chat in world.mains for text in there[chat]]


def _in_time(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """What had to be told, where nothing came between."""
    told = _told(world, kept(world, db))
    for due in world.dues:
        found = any(due.what in text and due.about in text for text in told)
        if not found and world.undisturbed(due.at, due.at + SOON):
            yield f"the owner was never told: {due.what} {due.about}"


def _failures(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """What failed is told once until it is answered; what was given up is told."""
    there = kept(world, db)
    told = _told(world, there)
    for chat in {one.chat for one in world.posted.values()}:
        title, given_up = world.title(chat), 0
        times = sum(NO_ANSWER.format(title) in text for text in told)
        answers = sum(text.startswith(("re m", SORRY)) for text in there[chat])
        stopped = any(one.stopped for one in world.posted.values())
        if times > answers + 1 and not stopped:
            yield f"the owner was told {times} times that {chat} has no answer"
        if chat not in world.mains:
            sorry = sum(text.startswith(SORRY) for text in there[chat])
            given_up = sum(GIVEN_UP.format(title) in text for text in told)
            if sorry != given_up:
                yield f"{chat} was told {sorry} times of no answer, the owner {given_up} times"


def _budgets(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """When the tokens are used up, the chat is told and the owner is."""
    there = kept(world, db)
    told = _told(world, there)
    for chat, texts in there.items():
        if chat in world.mains:
            continue
        times = sum(USED_UP in text and text.startswith("My ") for text in texts)
        known = sum(USED_UP in text and text.startswith(f"{world.title(chat)} (") for text in told)
        if times != known:
            yield f"{chat} was told {times} times of its budget, the owner {known} times"
    if not any("clock" in kind or kind == "sleep" for kind in world.injected):
        query = "SELECT chat, text, date(settled_at) FROM outbox WHERE text LIKE 'My %'"
        for one, times in Counter(db.execute(query)).items():
            if USED_UP in one[1] and times > 1:
                yield f"{one[0]} was told {times} times on one day of its budget"
    for at, _, chat in world.over_budget:
        told_there = any(USED_UP in text for text in there[chat])
        if not told_there and world.undisturbed(at, at + SOON):
            yield f"{chat} waits for another day, and was not told"


def _lost(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """Pieces that were given up, and runs that were, are told."""
    told = _told(world, kept(world, db))
    lost = {world.key(found[1]) for text in told if (found := LOST.match(text))}
    for chat, error in db.execute("SELECT chat, error FROM outbox WHERE error IS NOT NULL"):
        key = world.key(chat)
        if key not in world.mains and key not in lost:
            yield f"the owner was not told that {chat} lacks a piece: {error}"
    query = "SELECT task, error FROM runs WHERE error IS NOT NULL"
    for task, error in db.execute(query):
        past = error in {"interrupted", "ended meanwhile"} or USED_UP in error
        if not past and "400" not in error and len(world.asked_at[task]) < FAILURES:
            yield f"the task {task} was given up early: {error}"
        if not past and not any(text.startswith(f"The task {task} of") for text in told):
            yield f"the owner was not told that the task {task} failed: {error}"


def _full(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """A store that cannot be written is told past it, once an hour by each process."""
    told = [one for one in world.accepted if one.text.startswith(FULL)]
    for one, again in pairwise(told):
        if again.at - one.at < HOUR / 2 and one.life == again.life:
            yield f"the owner is told of the store at {one.at} and {again.at}"


def _missed(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """That a chat cannot be reached is told when five attempts in a row have failed."""
    told = _told(world, kept(world, db))
    for key in {one.chat for one in world.posted.values()} - {*world.mains}:
        times = sum(f"{WAITS} {world.title(key)} (" in text for text in told)
        if times > world.missed[key]:
            yield f"the owner was told {times} times that {key} cannot be reached"


def _soon(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """What comes into the outbox is delivered, and who was put off is asked, where nothing is in
    the way.
    """
    query = "SELECT seq, chat, text FROM outbox WHERE error IS NULL AND file IS NULL"
    for seq, chat, text in db.execute(query):
        key, at = world.key(chat), world.stored_at.get(seq, -1.0)
        if at < 0 or not world.well(at - LONGEST_PAUSE, at + LATE):
            continue
        shown = text.replace(str(world.folder), "DATA")
        if not any(
            one.chat == key and one.text == shown and one.at <= at + LATE for one in world.accepted
        ):
            yield f"{chat} has not been sent {text!r} for long"
    ended = "cancel" in str(world.plan) or "pause" in str(world.plan)
    tasks = dict(db.execute("SELECT id, folder FROM tasks"))
    for at, key in world.expected:
        asked = any(at <= one <= at + LATE for one in world.asked_at[key])
        folder = tasks.get(key, world.registered.get(key))
        asked |= any(at <= one <= at + LATE for one, over, _ in world.over_budget if over == folder)
        there = key in world.registered or (key.isalnum() and not key.isdigit() and not ended)
        if not asked and there and world.well(at, at + LATE):
            yield f"{key} could be answered at {at}, and is not asked"


def _met(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """The owner can find who is not registered: the chat, or the one that the topic is in."""
    known = {world.key(chat) for (chat,) in db.execute("SELECT chat FROM known")}
    for key in {one.chat for one in world.posted.values() if one.met and one.order}:
        if not {key, key.partition("/")[0]} & known:
            yield f"{key} wrote, and is not known"


def _copies(world: World, db: sqlite3.Connection) -> Iterator[str]:
    """What was to be sent in an earlier life, and is not to be sent any more, is removed."""
    waiting = {json.loads(file)["copy"] for (file,) in db.execute(SQL["files"])}
    for copy in (world.folder / "sent").glob("*"):
        if copy.stat().st_mtime < world.wall() - HOUR and str(copy) not in waiting:
            yield "the copy of a file that was sent is left"


TOLD = (_in_time, _failures, _budgets, _lost, _full, _missed, _soon, _met, _copies)


def registrations(world: World, db: sqlite3.Connection, desk: Desk) -> Iterator[str]:
    """What the owner was told is done is done, unless it was changed since."""
    carried_out: defaultdict[int, list[tuple[str, bool, float, float]]] = defaultdict(list)
    for deed, said in desk.done.values():
        if deed.kind in {"register", "unregister", "grant", "revoke", "instead of"}:
            one = deed.kind, bool(said.get("ok")), *desk.spans[deed.number]
            carried_out[deed.chat].append(one)
    for number, done in carried_out.items():
        there = str(number) in world.registered
        if str(number) in world.mains and len(world.mains) > 1:
            continue
        begun = max(since for _, _, since, _ in done)
        last = {(kind, ok) for kind, ok, _, until in done if until >= begun}  # at once, it may be
        if all(ok and there == (kind == "unregister") for kind, ok in last):
            yield f"chat {number} is {'' if there else 'not '}registered after {sorted(last)}"
    prompts = Counter(prompt for (prompt,) in db.execute("SELECT prompt FROM tasks"))
    for deed, said in desk.done.values():
        if deed.kind == "schedule" and said.get("ok"):
            times = prompts[f"task of m{deed.number}"]
            if not 1 <= times <= desk.asked[deed.number]:
                yield f"the owner's task {deed.number} is there {times} times"
    for (rest,) in db.execute("SELECT rest FROM groups"):
        if not json.loads(rest):
            yield "a registration is empty"
