"""The fixtures of `engine`, for all tests here."""

from __future__ import annotations

from engine import api, engine, world

__all__ = ["api", "engine", "world"]
