"""What runs containers. `bot.runtimes.docker` is imported when it is needed; `bot.testing` has one in memory."""

from bot.runtimes.base import Container, Mount, Runtime, Spec

__all__ = ["Container", "Mount", "Runtime", "Spec"]
