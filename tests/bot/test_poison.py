"""Nothing poisons a chat: what can never be answered is settled, what may be answered waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from doubles import FunctionAgent, MemoryChannel, message, register

from bot.assistant import Assistant
from bot.budget import Budget
from bot.errors import AgentFailed, OverBudget
from bot.groups import Group
from bot.messages import Turn
from bot.store import Store, open_store
from bot.turns import MOST_PAID
from bot.workers import Backoff

REFUSAL = "the agent cannot answer: API Error: 400 invalid_request_error"
QUICK = Backoff(0.001, 0.002)
FAM = Group("fam", "memory:fam", "Fam")


class Agent(FunctionAgent):
    """Has a conversation that can be left."""

    def __init__(self, answer: Callable[[Turn], Sequence[str]]) -> None:
        self.asked: list[str] = []
        self.left = 0

        async def answers(turn: Turn) -> Sequence[str]:
            self.asked.append(" ".join(m.text for m in turn.asked))
            return answer(turn)

        super().__init__(answers)

    async def forget(self, folder: str) -> None:
        self.left += 1


async def chat(
    store: Store,
    agent: Agent,
    texts: Sequence[str],
    until: Callable[[list[str]], bool],
    daily: int = 0,
) -> tuple[list[str], list[str]]:
    """What the family's chat and the owner are sent until it is enough."""
    channel = MemoryChannel([message(text, FAM.chat) for text in texts], stays=True)
    stop, patience = asyncio.Event(), Backoff(0.01, 0.02)
    assistant = Assistant(store, [channel], agent, QUICK, patience=patience, daily_tokens=daily)
    running = asyncio.create_task(assistant.run(stop, 1))

    def sent(chat: str) -> list[str]:
        return [text for to, text in channel.sent if to == chat]

    async with asyncio.timeout(30):
        while not until(sent(FAM.chat)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    stop.set()
    await running
    return sent(FAM.chat), sent("memory:owner")


async def prepared(store: Store) -> None:
    await register(store, "memory:owner")
    await store.register(FAM)


async def test_a_message_that_the_model_refuses_is_settled_and_the_others_are_answered(
    tmp_path: Path,
) -> None:
    def answer(turn: Turn) -> list[str]:
        if any("FORBIDDEN" in m.text for m in turn.messages):
            raise AgentFailed(REFUSAL)
        return ["fine"] * len(turn.asked)

    agent = Agent(answer)
    async with open_store(tmp_path) as store:
        await prepared(store)
        await store.remember("fam", "session")
        family, owner = await chat(
            store, agent, ["hello?", "FORBIDDEN", "anybody?"], lambda sent: sent.count("fine") == 2
        )
        assert next(text for text in family if text != "fine").startswith("I could not answer that")
        assert len(family) == 3
        assert len(agent.asked) <= 7, "no attempt without end"
        assert [text for text in owner if "I gave up a message in Fam" in text]


async def test_a_conversation_that_the_model_refuses_is_left_and_the_message_answered(
    tmp_path: Path,
) -> None:
    def answer(turn: Turn) -> list[str]:
        if not agent.left:
            raise AgentFailed(REFUSAL)
        return ["fine"]

    agent = Agent(answer)
    async with open_store(tmp_path) as store:
        await prepared(store)
        await store.remember("fam", "poisoned")
        assert (await chat(store, agent, ["hi"], bool))[0] == ["fine"]
        assert await store.session("fam") is None
        assert agent.asked == ["hi", "hi"]


async def test_an_outage_is_waited_out_however_often_it_takes(tmp_path: Path) -> None:
    for status in (401, 403, 408, 429, 500, 529):
        agent = Agent(partial(_later, status, iter(range(30))))
        async with open_store(tmp_path / str(status)) as store:
            await prepared(store)
            family, owner = await chat(store, agent, ["hi"], bool)
            assert family == ["fine"], status
            assert len(owner) == 1, "told once"


async def test_a_turn_that_costs_tokens_and_fails_is_given_up_and_its_price_is_told(
    tmp_path: Path,
) -> None:
    async with open_store(tmp_path) as store:
        await prepared(store)

        async def costs(turn: Turn) -> Sequence[str]:
            agent.asked.append("")
            await store.used("fam", 900, 100)
            raise ConnectionError("reset")

        agent = Agent(lambda turn: [])
        agent._answer = costs
        family, owner = await chat(store, agent, ["hi"], bool)
        assert len(agent.asked) == MOST_PAID
        assert f"it failed {MOST_PAID} times" in family[0]
        assert f"({MOST_PAID * 1000:,} tokens)" in owner[-1]


async def test_a_group_pauses_when_its_tokens_of_the_day_are_used_up(tmp_path: Path) -> None:
    agent = Agent(lambda turn: ["fine"])
    async with open_store(tmp_path) as store:
        await prepared(store)
        await store.used("fam", 90, 10)
        family, owner = await chat(store, agent, ["hi", "hello"], bool, daily=100)
        assert family == [
            "My 100 tokens for today are used up; I go on tomorrow. What is written until then waits."
        ]
        assert len(owner) == 1
        assert agent.asked == []
        await Budget(store, 100).tell(FAM, OverBudget(family[0]))  # as after a restart
        ((notices,),) = await store.read("SELECT count(*) FROM outbox")
        assert notices == 2
        await store.register(Group("fam", FAM.chat, "Fam", options={"daily_tokens": 200}))
        assert (await chat(store, agent, [], bool, daily=100))[0] == ["fine"]


async def test_half_a_surrogate_pair_is_mended_at_every_door(tmp_path: Path) -> None:
    agent = Agent(lambda turn: [f"{turn.asked[0].text} \ud83d out \ud83d\ude00"])
    async with open_store(tmp_path) as store:
        await prepared(store)
        family, _ = await chat(store, agent, ["in \udc00"], bool)
        assert family == ["in \ufffd \ufffd out \U0001f600"]
        await store.saw_chats(("memory:x", "half \ud83d"))
        await store.tell("half \ud83d")


async def test_a_running_turn_is_stopped_and_a_new_conversation_begun(tmp_path: Path) -> None:
    async def slow(turn: Turn) -> Sequence[str]:
        await asyncio.sleep(600)
        return []

    async with open_store(tmp_path) as store:
        await prepared(store)
        await store.remember("fam", "session")
        channel, stop = MemoryChannel([message("hi", FAM.chat)], stays=True), asyncio.Event()
        assistant = Assistant(store, [channel], FunctionAgent(slow), QUICK)
        running = asyncio.create_task(assistant.run(stop, 1))
        async with asyncio.timeout(20):
            while not assistant.turns.stop(FAM.chat):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            while await store.waiting():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await assistant.turns.fresh(FAM)
        assert not await assistant.turns.fresh(FAM)
        stop.set()
        await running


def _later(status: int, tries: Iterator[int], turn: Turn) -> list[str]:
    if next(tries) > 20:
        return ["fine"]
    raise AgentFailed(f"API Error: {status} later")
