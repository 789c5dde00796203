"""Who is meant: by name, by what the messenger says, and by whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from doubles import message

from bot.groups import Group
from bot.triggers import after_name, asks


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("@Andy hi", "@Andy", "hi"),
        (" @ANDY: which", "@Andy", "which"),
        ("@Andy", "@Andy", ""),
        ("@Andy. Hi", "@Andy", ". Hi"),
        ("@Andy's car", "@Andy", "'s car"),
        ("@Andy👋", "@Andy", "👋"),
        ("\u200e@Andy hi", "@Andy", "hi"),
        ("\u2068@Andy\u2069 hi", "@Andy", "hi"),
        ("@Andy\ufe0f hi", "@Andy", "hi"),
        ("\uff20Andy hi", "@Andy", "hi"),
        ("@Andre\u0301 hi", "@Andr\u00e9", "hi"),
        ("@Andr\u00e9 hi", "@Andre\u0301", "hi"),
        ("@Straße x", "@STRASSE", "x"),
        ("@アンディお元気", "@アンディ", "お元気"),
        ("@Andyさん", "@Andy", "さん"),
        ("@小明你好", "@小明", "你好"),
        ("@แอนดี้สวัสดี", "@แอนดี้", "สวัสดี"),
        ("@앤디야 안녕", "@앤디", "야 안녕"),
        ("@أندي، مرحبا", "@أندي", "مرحبا"),
        ("Hey Siri, now", "hey siri", "now"),
        ("@Andyman", "@Andy", None),
        ("@Andy1", "@Andy", None),
        ("@Andy_bot", "@Andy", None),
        ("@Andy-bot", "@Andy", None),
        ("@Andy\u2011bot", "@Andy", None),
        ("@andy.example", "@Andy", None),
        ("@andy@example.org", "@Andy", None),
        ("@Andr\u00e9 x", "@Andre", None),
        ("@Andre\u0301 x", "@Andre", None),
        ("@アンディー", "@アンディ", None),
        ("pizza @andy", "@Andy", None),
        ("me@andy", "@Andy", None),
        ("", "@Andy", None),
    ],
)
def test_a_name_is_a_word_in_any_script_and_form(text: str, name: str, rest: str | None) -> None:
    assert after_name(text, name) == rest


GROUP = Group("g", "memory:g", "G", "@Andy")


@pytest.mark.parametrize(
    ("group", "change", "asked"),
    [
        (GROUP, {}, False),
        (GROUP, {"called": True}, True),
        (GROUP, {"direct": True}, True),
        (GROUP, {"called": True, "bot": True}, False),
        (replace(GROUP, trigger=None), {}, True),
        (replace(GROUP, trigger=None), {"bot": True}, False),
        (replace(GROUP, options={"bots": True}), {"called": True, "bot": True}, True),
        (replace(GROUP, senders=("7",)), {"called": True, "bot": True, "sender_id": "7"}, True),
        (replace(GROUP, senders=("7",)), {"called": True, "sender_id": "8"}, False),
    ],
)
def test_who_asks(group: Group, change: dict[str, Any], *, asked: bool) -> None:
    assert asks(group, replace(message("hello", direct=False), **change)) is asked
