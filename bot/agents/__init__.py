"""The first class in AGENTS that has what it needs answers; the last needs nothing."""

from bot.agents.base import Agent
from bot.agents.container import ContainerAgent
from bot.agents.offline import OfflineAgent

__all__ = ["AGENTS", "Agent", "ContainerAgent", "OfflineAgent"]

AGENTS: tuple[type[Agent], ...] = (ContainerAgent, OfflineAgent)
