"""Commands to the assistant itself, before any agent: `/new`, `/stop`, `/status`, `/help`."""

import re
from collections.abc import Awaitable, Callable
from inspect import getdoc
from typing import TypeAlias

from bot.groups import Group
from bot.messages import Message
from bot.migrations import SQL
from bot.store import Store
from bot.triggers import after_name
from bot.turns import Turns

Command: TypeAlias = Callable[[Turns, Store, Group], Awaitable[str]]
"""What is done at once, and what is said to it. It may be done twice: a crash before it is said
repeats it. The docstring is its line of the help.
"""
_COMMAND = re.compile(r"/(\w+)[\s.!]*", re.ASCII)


async def new(turns: Turns, store: Store, group: Group) -> str:
    """begins a new conversation; what the agent has noted in its memory stays"""
    stopped = turns.stop(group.chat)
    await turns.fresh(group)
    return "We begin anew." + (" What I was at work on has ended." if stopped else "")


async def stop(turns: Turns, store: Store, group: Group) -> str:
    """ends what I am at work on"""
    return "Stopped." if turns.stop(group.chat) else "I am not at work on anything here."


async def status(turns: Turns, store: Store, group: Group) -> str:
    """says what waits, and what was used today"""
    ((waiting, unsent),) = await store.read(SQL["status"], {"chat": group.chat})
    session, tokens = await store.session(group.folder), await store.spent(group.folder)
    at_work = "I am at work." if turns.at_work(group.chat) else "I am not at work."
    return "\n".join(
        (
            at_work,
            f"Messages that wait for an answer: {waiting}; parts of answers to be sent: {unsent}.",
            f"Conversation: {session[:8] if session else 'a new one'}.",
            f"Tokens used today: {tokens:,}.",
        )
    )


async def help_(turns: Turns, store: Store, group: Group) -> str:
    """says what you can ask of me"""
    how = f"Write to me with {group.trigger} before it." if group.trigger else "Just write to me."
    return "\n".join([how, *(f"/{name} {getdoc(one)}" for name, one in COMMANDS.items())])


COMMANDS: dict[str, Command] = {"new": new, "stop": stop, "status": status, "help": help_}


def command(group: Group, message: Message) -> Command | None:
    """The command that a message is, if it is one and nothing else, from somebody who may ask."""
    text = message.text.strip()
    if group.trigger and (rest := after_name(text, group.trigger)) is not None:
        text = rest
    found = _COMMAND.fullmatch(text)
    if found is None or message.bot or not group.trusts(message.sender_id):
        return None
    return COMMANDS.get(found[1].lower())
