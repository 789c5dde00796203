"""Every class in CHANNELS that the settings ask for is started. Their order does not matter."""

from bot.channels.base import Channel
from bot.channels.console import ConsoleChannel

__all__ = ["CHANNELS", "Channel"]

CHANNELS: tuple[type[Channel], ...] = (ConsoleChannel,)
