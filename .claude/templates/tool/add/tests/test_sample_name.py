"""The tool `sample_name`: what it does, and that agents are told of it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from bot.errors import BotError
from bot.groups import Group
from bot.tools import call

GROUP = Group("main", "memory:me", "My own", None)
NOTHING: Any = None  # it needs nothing of its host yet


async def test_it_does_what_it_is_asked() -> None:
    effect = await call(NOTHING, GROUP, "sample_name", {"text": "a thing"})
    assert effect.result == "My own: a thing"
    with pytest.raises(BotError, match="text"):
        await call(NOTHING, GROUP, "sample_name", {"text": 7})


def test_the_agent_is_told_of_it() -> None:
    """The agent's half needs a library that is in the image alone, so it is read here."""
    source = Path(__file__).parents[1].joinpath("container/runner/tools.py").read_text()
    tools = [
        value
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "TOOLS"
        for key, value in zip(node.value.keys, node.value.values, strict=True)
        if key is not None and ast.literal_eval(key) == "sample_name"
    ]
    assert [ast.literal_eval(tool.elts[2]) for tool in tools] == [["text"]]
