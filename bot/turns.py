"""The way through: what waits in a chat is asked of the agent, one turn at a time."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace

from bot import prompt
from bot.agents import Agent
from bot.budget import Budget
from bot.channels import Channel
from bot.deliveries import Deliveries
from bot.errors import NotRegistered, OverBudget, described, own_fault
from bot.groups import Group
from bot.log import log
from bot.messages import Turn
from bot.store import MOST_ASKED, Store
from bot.trouble import Trouble
from bot.workers import Backoff, MakeQueue, Work, nobody

ATTEMPTS = 5
# an attempt that fails after so long is not repeated at once: the owner should know sooner
LONG_SECONDS = 600.0
TYPING_SECONDS = 4.0
MOST_PAID = 12
"""Attempts at one turn that have cost tokens, after which it is given up."""
NO_ANSWER = (
    "I could not answer in {name} ({chat}), and have given up for now at attempt {attempts}"
    "{price}: {error}. What was written there waits, and I go on trying."
)
GIVEN_UP = "I gave up a message in {name} ({chat}) after attempt {attempts}{price}: {error}."
SORRY = (
    "I could not answer that: {why}. I have begun a new conversation; please write it in "
    "another way."
)
REFUSED, TOO_OFTEN = "the model refuses it", "it failed {attempts} times"


class _Running:
    """The turn that an agent is at work on in a chat, with what has joined it."""

    asking: asyncio.Future[Sequence[str]]

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.joining = asyncio.Lock()
        self.stopped = False

    def join(self, more: Turn) -> None:
        messages, asked = (*self.turn.messages, *more.messages), (*self.turn.asked, *more.asked)
        self.turn = replace(self.turn, messages=messages, asked=asked, until=more.until)


class Turns:
    """`wake` says that something in a chat may ask for an answer."""

    def __init__(
        self,
        store: Store,
        agent: Agent,
        deliveries: Deliveries,
        queue: MakeQueue,
        patience: Backoff,
        daily_tokens: int = 0,
    ) -> None:
        self._store, self._agent, self._deliveries = store, agent, deliveries
        self.budget = Budget(store, daily_tokens)
        self.patience = patience
        """How long a chat is left alone once the owner has been told that it has no answer."""
        self._turns = queue("the turn of", self._answer)
        self._joins = queue("the follow-up in", self._join)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._running: dict[str, _Running] = {}
        self._troubles: dict[str, Trouble] = {}
        """By the folder, which a chat keeps whatever it is called."""
        self.fetch: Work = nobody
        """Awaited before what waits in a chat is asked."""
        self.on_recovery: list[Callable[[], None]] = []
        """Called when a chat that had failed is answered: others may be, too."""
        agent.recovered = self._retry

    def wake(self, chat: str) -> None:
        """What waits there is asked, or joins the turn that is under way."""
        self._turns.wake(chat)
        if self.at_work(chat):
            self._joins.wake(chat)

    async def perform(self, turn: Turn) -> list[str]:
        """The agent's answer to a turn that comes from no message, in pieces, which the caller
        stores. Raises OverBudget where the group's tokens of the day are used up.
        """
        async with nullcontext() if turn.isolated else self._locks[turn.group.folder]:
            group = self._store.current(turn.chat, turn.group.folder)  # who was before has spent
            await self.budget.check(group)
            answers = await self._agent.answer(replace(turn, group=group))
            return await self._deliveries.chunks(turn.chat, answers)

    async def fresh(self, group: Group) -> bool:
        """Leave the group's conversation: the next turn begins a new one. False if none was."""
        known = await self._store.session(group.folder)
        await self._agent.forget(group.folder)
        await self._store.remember(group.folder, None)
        return known is not None

    def at_work(self, chat: str) -> bool:
        """Whether an agent is at work on a turn of the chat."""
        return self._under_way(chat) is not None

    def _under_way(self, chat: str) -> _Running | None:
        """The turn that is under way in a chat, whatever that was called when it began."""
        found = (one for name, one in self._running.items() if self._store.called(name) == chat)
        return next(found, None)

    def stop(self, chat: str) -> bool:
        """End the turn that is under way in a chat, which is handled then; False if none is."""
        if (running := self._under_way(chat)) is None:
            return False
        running.stopped = True
        return running.asking.cancel()

    async def _answer(self, chat: str) -> None:
        channel, group = self._deliveries.channel(chat), self._store.group(chat)
        if channel is None or group is None:
            return
        while turn := await self._store.turn(chat, most=self._most(chat)):
            began, spent = asyncio.get_running_loop().time(), await self._store.spent(group.folder)
            running = _Running(turn)
            try:
                async with self._locks[group.folder]:
                    if (latest := await self._whole(chat)) is None:
                        return  # the chat has another name meanwhile
                    group, running = self._store.current(chat, group.folder), _Running(latest)
                    await self._ask(running, group, channel)
            except sqlite3.Error:
                raise
            except NotRegistered:
                return
            except OverBudget as error:
                self._put_off(group, await self.budget.tell(group, error))
                return
            except Exception as error:  # noqa: BLE001  # whatever an agent raises: the turn waits
                trouble, turn = self._troubles.setdefault(group.folder, Trouble()), running.turn
                trouble.failed(await self._store.spent(group.folder) - spent)
                log.warning("no answer", chat=chat, attempt=trouble.attempts, error=error)
                if own_fault(error) or trouble.paid >= MOST_PAID:
                    await self._mend(turn, group, trouble, error)
                    continue
                long = asyncio.get_running_loop().time() - began > LONG_SECONDS
                if trouble.attempts >= ATTEMPTS or trouble.rounds or long:
                    await self._wait_for_better(turn, group, trouble, error)
                    return
                await asyncio.sleep(self._store.backoff.delay(trouble.attempts))
            else:
                if self._through(group, running.turn).rounds:
                    self._retry()  # others that were put off may be answered now too

    async def _whole(self, chat: str, after: int = 0) -> Turn | None:
        """What waits, with its files: what came while others were fetched has some, too."""
        turn = await self._store.turn(chat, after, self._most(chat))
        while (seen := turn) is not None:
            await self.fetch(chat)
            turn = await self._store.turn(chat, after, self._most(chat))
            if turn is None or turn.until == seen.until:
                break
        return turn

    def _most(self, chat: str) -> int:
        group = self._store.group(chat)
        trouble = self._troubles.get(group.folder) if group else None
        return 1 if trouble and trouble.alone_until else MOST_ASKED

    async def _mend(self, turn: Turn, group: Group, trouble: Trouble, error: Exception) -> None:
        """Asking again as before cannot help. Once a fresh conversation is tried; then, of several
        messages, each by itself; what fails even so is settled with a few words.
        """
        if not trouble.fresh and await self.fresh(group):
            trouble.fresh = True
            return
        trouble.fresh = True
        if len(turn.asked) > 1 and own_fault(error):
            trouble.alone_until = turn.until
            return
        why = REFUSED if own_fault(error) else TOO_OFTEN.format(attempts=trouble.attempts)
        notice = "" if group.main else trouble.told(GIVEN_UP, group, error)
        await self._store.answered(turn, [SORRY.format(why=why)], notice)
        self._through(group, turn)

    async def _ask(self, running: _Running, group: Group, channel: Channel) -> None:
        chat, written = running.turn.chat, self._written(running.turn, group)
        await self.budget.check(group)
        running.asking = asking = asyncio.ensure_future(self._agent.answer(written))
        self._running[chat] = running
        typing = asyncio.create_task(_typing(channel, chat))
        try:
            replies = await asking
        except asyncio.CancelledError:
            if not running.stopped:
                raise
            replies = []
        finally:
            typing.cancel()
            async with running.joining:
                del self._running[chat]
        await self._store.answered(running.turn, await self._deliveries.chunks(chat, replies))

    async def _join(self, chat: str) -> None:
        """What arrives while an agent is at work joins its turn, if the agent can take it."""
        while (running := self._under_way(chat)) and (group := self._store.group(chat)):
            async with running.joining:
                more = await self._whole(chat, running.turn.until)
                if self._under_way(chat) is not running or self._most(chat) == 1:
                    return  # where one is refused, each is asked by itself
                if more is None or await self.budget.used_up(group):
                    return
                if not await self._agent.follow_up(self._written(more, group)):
                    return
                running.join(more)

    def _written(self, turn: Turn, group: Group) -> Turn:
        text = prompt.conversation(turn.messages, turn.omitted, self._store.zone)
        return replace(turn, group=group, prompt=text)

    async def _wait_for_better(
        self, turn: Turn, group: Group, trouble: Trouble, error: Exception
    ) -> None:
        """Tell the owner, and come back later, or as soon as another chat is answered."""
        text = trouble.told(NO_ANSWER, group, error)
        await self._store.failed(turn, described(error, to_owner=True), text)
        trouble.rounds += 1
        self._put_off(group, self.patience.delay(trouble.rounds))

    def _put_off(self, group: Group, seconds: float) -> None:
        trouble = self._troubles.setdefault(group.folder, Trouble())
        if trouble.timer:
            trouble.timer.cancel()
        trouble.timer = asyncio.get_running_loop().call_later(seconds, self._turns.wake, group.chat)

    def _through(self, group: Group, turn: Turn) -> Trouble:
        """A turn is handled: what had become of it. What was refused with it is to come yet."""
        trouble = self._troubles.pop(group.folder, Trouble())
        if turn.until < trouble.alone_until:
            self._troubles[group.folder] = Trouble(alone_until=trouble.alone_until)
        return trouble

    def _retry(self) -> None:
        """What the agent lacked is there again: all that was put off is asked."""
        for group in self._store.groups:
            if (trouble := self._troubles.get(group.folder)) and trouble.rounds:
                self._turns.wake(group.chat)
        for call in self.on_recovery:
            call()


async def _typing(channel: Channel, chat: str) -> None:
    """Shown until cancelled. Messengers let it fade after some seconds, so it is repeated."""
    while True:
        with suppress(Exception):  # an ornament: no answer fails for it
            await channel.typing(chat)
        await asyncio.sleep(TYPING_SECONDS)
