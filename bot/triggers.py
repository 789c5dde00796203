"""Which messages are taken in, and which of them ask for an answer."""

from bot.groups import Group, trigger
from bot.messages import Message


def accepts(group: Group, message: Message) -> bool:
    """Whether a message is stored at all."""
    return not group.drop or group.trusts(message.sender_id)


def asks(group: Group, message: Message) -> bool:
    """Whether a message asks for an answer."""
    word = group.trigger
    return group.trusts(message.sender_id) and (
        message.direct or word is None or trigger(word).match(message.text) is not None
    )
