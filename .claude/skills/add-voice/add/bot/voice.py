"""Hearing and speaking: by programs of this machine, or by an endpoint that is as OpenAI's."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from bot.errors import BotError, Misconfigured
from bot.messages import Attachment
from bot.settings import Settings

TRANSCRIPT = "transcript"
"""The kind of an attachment that stands for a recording: its name is what was heard."""
LOCAL, ESPEAK = Path(__file__).with_name("voice_local.py"), "espeak-ng"
SECONDS, MOST_HEARD, MOST_SAID = 600.0, 20_000, 3_000
Listen = Callable[[str, Sequence[Attachment]], Awaitable[list[Attachment]]]
"""Given a group's folder and the files that came with a message: a transcript of each recording."""


async def deaf(folder: str, files: Sequence[Attachment]) -> list[Attachment]:
    """What is heard where nobody listens."""
    return []


def check_ears(settings: Settings) -> None:
    """Raises Misconfigured where nothing can be heard, with what to do."""
    if settings.voice_url:
        return
    if not settings.voice_model:
        hint = "set VOICE_MODEL to a folder with a Whisper model, or VOICE_URL; see the skill"
        raise Misconfigured("nothing is there to hear with", hint=hint)
    if not Path(settings.voice_model, "model.bin").is_file():
        hint = "set it to a folder with a Whisper model for CTranslate2"
        raise Misconfigured(f"VOICE_MODEL: no model.bin in {settings.voice_model}", hint=hint)
    if find_spec("faster_whisper") is None:
        hint = f"install it: {sys.executable} -m pip install faster-whisper"
        raise Misconfigured("faster-whisper is not there", hint=hint)


def check_mouth(settings: Settings) -> None:
    """Raises Misconfigured where nothing can be said, with what to do."""
    engine = settings.voice_speaks.partition(":")[0]
    if not engine:
        hint = "set VOICE_SPEAKS, to espeak-ng:en-us for example"
        raise Misconfigured("nothing is there to speak with", hint=hint)
    if engine == ESPEAK and shutil.which(ESPEAK) is None:
        hint = "install it (Debian: apt install espeak-ng)"
        raise Misconfigured("espeak-ng is not there", hint=hint)
    if engine != ESPEAK and not settings.voice_url:
        hint = "set VOICE_SPEAKS to espeak-ng:en-us, or VOICE_URL to an endpoint that has it"
        raise Misconfigured(f"who shall speak as {engine}?", hint=hint)


async def hear(settings: Settings, recording: bytes, name: str) -> str:
    """What is said in a recording. Raises BotError."""
    check_ears(settings)
    if settings.voice_url:
        return await _heard_there(settings, recording, name)
    said = await _ran(
        *(sys.executable, str(LOCAL), settings.voice_model, settings.voice_language),
        given=recording,
    )
    return _cut(json.loads(said)["text"])


async def speak(settings: Settings, text: str) -> bytes:
    """A text as OGG with Opus. Raises BotError."""
    check_mouth(settings)
    if len(text) > MOST_SAID:
        raise BotError(f"that is more than {MOST_SAID} characters", hint="say less")
    engine, _, voice = settings.voice_speaks.partition(":")
    if engine != ESPEAK:
        about = {"model": engine, "input": text, "response_format": "opus"}
        body = json.dumps(about | ({"voice": voice} if voice else {})).encode()
        kind = {"content-type": "application/json"}
        return await _posted(settings, "audio/speech", body, kind)
    named = ("-v", voice) if voice else ()
    wave = await _ran(ESPEAK, *named, "--stdin", "--stdout", given=text.encode())
    return await asyncio.to_thread(_as_ogg, wave)


async def _heard_there(settings: Settings, recording: bytes, name: str) -> str:
    from aiohttp import MultipartWriter  # noqa: PLC0415  # 20 MB that a bot without voice need not have

    fields = {"model": settings.voice_model or "whisper-1", "response_format": "json"}
    if settings.voice_language:
        fields["language"] = settings.voice_language
    with MultipartWriter("form-data") as form:
        for key, value in fields.items():
            form.append(value).set_content_disposition("form-data", name=key)
        part = form.append(recording, {"content-type": "application/octet-stream"})
        part.set_content_disposition("form-data", name="file", filename=name)
    said = await _posted(settings, "audio/transcriptions", form, {})
    try:
        return _cut(str(json.loads(said)["text"]))
    except (ValueError, KeyError, TypeError):
        raise BotError("VOICE_URL answers with no text", hint="does it transcribe?") from None


async def _posted(settings: Settings, path: str, body: object, headers: dict[str, str]) -> bytes:
    from aiohttp import ClientError, ClientSession, ClientTimeout  # noqa: PLC0415

    if settings.voice_key:
        headers = {**headers, "authorization": f"Bearer {settings.voice_key.value}"}
    url, timeout = f"{settings.voice_url.rstrip('/')}/{path}", ClientTimeout(SECONDS)
    try:
        async with (
            ClientSession(timeout=timeout) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            said = await answer.read()
    except (ClientError, TimeoutError) as error:
        hint = "is VOICE_URL right, and is it there?"
        raise BotError(f"{url} does not answer: {type(error).__name__}", hint=hint) from None
    if answer.status != 200:
        hint = "see VOICE_URL, VOICE_KEY and VOICE_MODEL"
        raise BotError(f"{url} refuses with {answer.status}", hint=hint)
    return said


async def _ran(*command: str, given: bytes) -> bytes:
    """What a program prints. It gets no secrets: what it reads comes from strangers."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=pipe, env=kept | {"HF_HUB_OFFLINE": "1"}
    )
    try:
        async with asyncio.timeout(SECONDS):
            said, complaint = await process.communicate(given)
    except TimeoutError:
        raise BotError(f"{Path(command[0]).name} took more than {SECONDS:g} seconds") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
        raise BotError(f"{Path(command[0]).name} failed with {process.returncode}: {last}")
    return said


def _as_ogg(wave: bytes) -> bytes:
    import av  # noqa: PLC0415  # 30 MB that only who speaks needs

    out = BytesIO()
    resample = av.AudioResampler(format="s16", layout="mono", rate=48_000)
    with av.open(BytesIO(wave), "r") as source, av.open(out, "w", format="ogg") as target:
        stream = target.add_stream("libopus", rate=48_000, layout="mono")
        for frame in (*source.decode(audio=0), None):
            for part in resample.resample(frame):
                target.mux(stream.encode(part))
        target.mux(stream.encode(None))
    return out.getvalue()


def _cut(text: str) -> str:
    return " ".join(text.split())[:MOST_HEARD]
