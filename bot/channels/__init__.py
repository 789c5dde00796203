"""Every class in CHANNELS that the settings ask for is started. Their order does not matter."""

from bot.channels.base import Channel
from bot.channels.console import ConsoleChannel
from bot.channels.whatsapp import WhatsAppChannel

__all__ = ["CHANNELS", "Channel"]

CHANNELS: tuple[type[Channel], ...] = (
    ConsoleChannel,
    WhatsAppChannel,
)
