"""The messengers' fakes → one bot in a fork with all their skills → a real container for each chat
→ an API on loopback, and back, with a file each way. Telegram has its own test.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import docker
import pytest
from aiohttp import ClientSession
from doubles import register
from engine import IMAGE, KEY
from fake_anthropic import FakeAnthropic

from bot.store import open_store

sys.path.append(str(Path(__file__).parents[1] / "skills"))

from forks import SKILLS, fork

NAMES = ("discord", "slack", "signal", "matrix", "email", "webchat")
sys.path += [str(SKILLS / f"add-{name}/add/tests/channels") for name in NAMES]

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # discord.py's own
    from fake_discord import TOKEN, FakeDiscord, fake_discord
    from fake_email import ADDRESS, PASSWORD, SERVER, FakeMail, fake_mail, mail
    from fake_matrix import Person, matrix
    from fake_signal import ACCOUNT, ADA, FakeSignal, fake_signal
    from fake_slack import APP_TOKEN, BOT_TOKEN, FakeSlack, fake_slack

START = """
import sys, discord.gateway, discord.http, yarl
from bot.__main__ import main
from bot.channels import slack
discord.http.Route.BASE, gateway, slack.API = sys.argv[1:]
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
sys.argv = ["bot", "run"]
main()
"""
"""`bot run`, where the addresses are others that no setting names."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def asked(name: str) -> tuple[str, str]:
    """What the agent is asked for: first what is in the file that came, then for one of its own."""
    path = f"/workspace/group/{name}.txt"
    look = f"cat /workspace/group/attachments/*; echo out by {name} | tee {path}"
    calls = (("Bash", {"command": look}), ("mcp__graftbot__send_file", {"path": path}))
    first, second = (f"CALL {tool} {json.dumps(given)}" for tool, given in calls)
    return first, second


def given(name: str) -> bytes:
    return f"in by {name}\n".encode()


def told(text: str, name: str) -> None:
    assert text.startswith("tool said: "), text
    assert f"in by {name}" in text


async def on_discord(fake: FakeDiscord) -> None:
    first, second = asked("discord")
    fake.files["x.txt"] = given("discord")
    url = f"{fake.url}/files/x.txt"
    file = {"id": "5", "filename": "x.txt", "size": 9, "url": url, "proxy_url": url}
    await fake.until(identified=1)
    await fake.write(first, attachments=[file])
    told((await fake.until(1))[0][1], "discord")
    await fake.write(second)
    await fake.until(3)
    files = [found["file"] for _, found in fake.calls if "file" in found]
    assert files == [("discord.txt", b"out by discord\n")]


async def on_slack(fake: FakeSlack) -> None:
    first, second = asked("slack")
    fake.files["F1"] = given("slack")
    file = {"id": "F1", "name": "x.txt", "size": 9, "mimetype": "text/plain"}
    await fake.until(connected=1)
    await fake.write(first, files=[file], subtype="file_share")
    told((await fake.until(1))[0], "slack")
    await fake.write(second)
    await fake.until(2)
    assert fake.files["slack.txt"] == b"out by slack\n"


async def on_signal(fake: FakeSignal) -> None:
    first, second = asked("signal")
    fake.files["x.txt"] = given("signal")
    await fake.write(first, attachments=[{"id": "x.txt", "contentType": "text/plain", "size": 9}])
    told((await fake.called("send"))[0]["message"], "signal")
    await fake.write(second)
    sent = await fake.called("send", 3)
    (file,) = (one["attachments"][0] for one in sent if "attachments" in one)
    assert "filename=signal.txt" in file


async def on_matrix(ada: Person, room: str, me: str) -> None:
    first, second = asked("matrix")
    await ada.until_joined(room, me)
    about: dict[str, Any] = {"content_type": "text/plain", "filename": "x.txt", "filesize": 13}
    uploaded, _ = await ada.client.upload(BytesIO(given("matrix")), **about)
    about = {"filename": "x.txt", "url": uploaded.content_uri}
    await ada.say(room, first, msgtype="m.file", **about)
    told((await ada.until(1))[0], "matrix")
    await ada.say(room, second)
    await ada.until(3)
    assert [one["content"].get("filename") for one in ada.heard].count("matrix.txt") == 1


async def on_email(fake: FakeMail) -> None:
    first, second = asked("email")
    made = mail(first, "1")
    made.add_attachment(given("email"), maintype="text", subtype="plain", filename="x.txt")
    await fake.until(idle=True)
    fake.put(made)
    body = (await fake.until(1))[0].get_body(("plain",))
    assert body
    told(body.get_content(), "email")
    fake.put(mail(second, "2", References="<1@example.com>"))
    sent = await fake.until(3)
    files = [file.get_content() for one in sent for file in one.iter_attachments()]
    assert files == ["out by email\n"]


async def on_webchat(port: int, data: Path) -> None:
    first, second = asked("webchat")
    url, said = f"http://127.0.0.1:{port}", list[dict[str, Any]]()
    async with ClientSession() as session:
        while True:  # until it listens
            try:
                page = await session.ws_connect(f"{url}/socket")
                break
            except OSError:
                await asyncio.sleep(0.1)
        token = await asyncio.to_thread((data / "webchat/token").read_text)
        await page.send_str(token)
        right = {"Authorization": f"Bearer {token}"}
        async with session.post(f"{url}/files", data=given("webchat"), headers=right) as answer:
            file = await answer.json()

        async def until(count: int) -> list[dict[str, Any]]:
            while len(found := [one for one in said if one["from"] == "assistant"]) < count:
                said.extend((await page.receive_json()).get("said", ()))
            return found

        await page.send_json({"id": "1", "text": first, "files": [file]})
        told((await until(1))[0]["text"], "webchat")
        await page.send_json({"id": "2", "text": second})
        (out,) = (one["files"][0]["id"] for one in await until(3) if one.get("files"))
        async with session.get(f"{url}/files/{out}", headers=right) as answer:
            assert await answer.read() == b"out by webchat\n"


@asynccontextmanager
async def running(
    home: Path, discord: FakeDiscord, slack: FakeSlack, **settings: str
) -> AsyncIterator[None]:
    gateway = f"{discord.url.replace('http', 'ws')}/gw"
    addresses = (f"{discord.url}/api/v10", gateway, f"{slack.url}/api/")
    command = (sys.executable, "-c", START, *addresses)
    bot = await asyncio.create_subprocess_exec(*command, cwd=home, env=os.environ | settings)
    try:
        yield
    finally:
        bot.terminate()
        assert await bot.wait() == 0


async def test_an_agent_in_its_container_answers_on_each_channel_with_a_file_each_way(
    tmp_path: Path,
    api: FakeAnthropic,
    engine: docker.DockerClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = fork(tmp_path / "bot", *(f"add-{name}" for name in NAMES))
    data, port = tmp_path / "data", free_port()
    async with (
        fake_discord(monkeypatch) as discord,
        fake_slack() as slack,
        fake_signal() as signal,
        fake_mail() as post,
        matrix() as server,
        server.person("ada") as ada,
    ):
        me, token = await server.register("andy")
        room = await ada.room(me)
        chats = ("discord:300", "slack:D1", f"signal:{ADA['sourceUuid']}", f"matrix:{room}")
        async with open_store(data) as store:
            await register(store, *chats, "email:ada@example.com", "webchat:me", trigger=None)
        async with running(
            home,
            discord,
            slack,
            GRAFTBOT_DATA=str(data),
            CONSOLE="no",
            ANTHROPIC_API_KEY=KEY,
            ANTHROPIC_BASE_URL=api.url,
            AGENT_IMAGE=IMAGE,
            MAX_CONTAINERS=str(len(NAMES)),
            DISCORD_BOT_TOKEN=TOKEN,
            SLACK_BOT_TOKEN=BOT_TOKEN,
            SLACK_APP_TOKEN=APP_TOKEN,
            SIGNAL_ACCOUNT=ACCOUNT,
            SIGNAL_DAEMON=f"127.0.0.1:{signal.port}",
            MATRIX_SERVER=server.url,
            MATRIX_TOKEN=token,
            EMAIL_ADDRESS=ADDRESS,
            EMAIL_PASSWORD=PASSWORD,
            EMAIL_IMAP=f"127.0.0.1:{post.imap}",
            EMAIL_SMTP=f"127.0.0.1:{post.smtp}",
            EMAIL_AUTHSERV=SERVER,
            WEBCHAT_PORT=str(port),
        ):
            await asyncio.gather(
                on_discord(discord),
                on_slack(slack),
                on_signal(signal),
                on_matrix(ada, room, me),
                on_email(post),
                on_webchat(port, data),
            )
