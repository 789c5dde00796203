"""Targets of the assistant: what agents write (requests, HTTP) and what a backup holds."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import re
import shutil
import socket
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random
from typing import Any

from doubles import FunctionAgent, MemoryChannel

from bot.assistant import Assistant
from bot.errors import BotError
from bot.groups import Group
from bot.ipc import Ipc, RequestLimits
from bot.messages import Turn
from bot.paths import Paths
from bot.proxy import PATHS, Proxy
from bot.proxy import ConnectionLimits as DoorLimits
from bot.settings import Secret, Settings
from bot.store import open_store
from bot.tools import Host

__all__ = ["BOT_TARGETS"]

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
KEY, COOKIE = "sk-the-real-key", "session=theirs"
NO_LIMITS = RequestLimits(rate=1e9, burst=1_000_000_000, stored=1 << 50)
BACKUP = ROOT / ".claude/skills/add-backup/add/bot/backup.py"

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 1 << 63, 10**400, 1e308, -0.0, float("nan"), float("inf")),
    *("", " ", "\x00", "\ud800", "é\u202e", "main", "ada", "bob", "memory:bob", "../main", "/etc"),
    *("x" * 60_000, "@every", "0 0 30 2 *", "9999-12-31T23:59:59", "0001-01-01T00:00+14:00"),
    *("UTC", "Europe/Berlin", "../UTC", "1e9", "99999999999999999999", "* * * * *", "1_000"),
    *([], [[]], {}, {"a": {"b": []}}, ["x"] * 1000, {"network": True}, {"mounts": [{}]}),
]


@cache
def kept(kind: str) -> tuple[bytes, ...]:
    """The corpus of a target, with the inputs that were faults once."""
    return tuple(path.read_bytes() for path in sorted((CORPUS / kind).iterdir()))


def bytes_mutated(random: Random, data: bytes, odd: Sequence[bytes]) -> bytes:
    """Bytes changed, dropped, doubled, cut off; odd ones put in."""
    for _ in range(random.choice((0, 1, 1, 1, 1, 2, 4))):
        at = random.randrange(len(data) + 1)
        end = min(len(data), at + random.choice((1, 1, 2, 8, 64)))
        match random.randrange(6):
            case 0:
                data = data[:at] + data[end:]
            case 1:
                data = data[:at] + bytes([random.randrange(256)]) + data[end:]
            case 2:
                data = data[:at] + random.choice(odd) + data[at:]
            case 3:
                data = data[:at] + data[at:end] * random.choice((2, 3, 100)) + data[end:]
            case 4:
                data = data[:at] if random.random() < 0.3 else data
            case 5:
                data = data[:at] + random.choice(odd) + data[end:]
    return data


# --- requests


class House:
    """Main and two groups, served for as long as the process lives."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="fuzz-house-"))
        self.wrong: list[str] = []
        self.stack = AsyncExitStack()
        self.runner.run(self._open())

    async def _open(self) -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: self.wrong.append(str(context))
        )
        self.store = await self.stack.enter_async_context(open_store(self.folder))
        self.paths = Paths(self.folder)
        for name in ("main", "ada", "bob"):
            group = Group(name, f"memory:{name}", name.title(), "@Andy")
            await self.store.register(group)
            self.paths.prepare(group)

        async def silent(turn: Turn) -> Sequence[str]:
            return []

        assistant = Assistant(self.store, [MemoryChannel(stays=True)], FunctionAgent(silent))
        self.ipc = Ipc(Host(self.store, assistant, self.paths, Settings()), NO_LIMITS)

    async def told(self) -> list[tuple[Any, ...]]:
        """What others than the group that asks could notice."""
        groups = await self.store.read("SELECT * FROM groups ORDER BY folder")
        sent = await self.store.read("SELECT chat, text FROM outbox WHERE chat != 'memory:ada'")
        tasks = await self.store.read("SELECT * FROM tasks WHERE folder != 'ada'")
        return [*groups, *sent, *tasks]

    async def clear(self) -> None:
        await self.store.write(
            ("DELETE FROM outbox", ()),
            ("DELETE FROM tasks", ()),
            ("DELETE FROM requests", ()),
            ("DELETE FROM groups WHERE folder NOT IN ('main', 'ada', 'bob')", ()),
        )
        await self.store.load_groups()


@cache
def house() -> House:
    return House()


def value_mutated(random: Random, value: Any) -> Any:
    """Of a JSON document: values and keys put in, exchanged, left out."""
    if isinstance(value, dict) and value and random.random() < 0.8:
        found = dict(value)
        key = random.choice(sorted(found))
        match random.randrange(4):
            case 0:
                del found[key]
            case 1:
                found[random.choice(["chat", "folder", "value", "id", "x", ""])] = random.choice(
                    VALUES
                )
            case _:
                found[key] = value_mutated(random, found[key])
        return found
    return random.choice(VALUES)


def request(random: Random) -> str:
    """Whatever lies in a folder of requests is answered or set aside, once, and by a reason that
    was meant for it; a group that is not main changes nothing of the others.
    """
    return house().runner.run(_request(house(), random))


async def _request(there: House, random: Random) -> str:
    data = random.choice(kept("request"))
    who = random.choice(("main", "ada", "ada"))
    name = "r1.json" if random.random() < 0.95 else random.choice(["r1", ".json", "r\n1.json", "x"])
    document = json.loads(data)
    for _ in range(random.randrange(4)):
        document = value_mutated(random, document)
    if random.random() < 0.9 and isinstance(document, dict):
        document["id"] = "r1"
    data = json.dumps(document).encode()
    if random.random() < 0.3:
        data = bytes_mutated(random, data, [b"[" * 5000, b"\xff", b'"', b"\\ud800", b"1" * 5000])
    base = there.paths.ipc(who).source
    group = next(one for one in there.store.groups if one.folder == who)
    before = await there.told()
    words = []
    for _ in range(2):  # the second time, its effect is there already
        (base / "requests" / name).write_bytes(data)
        assert not await there.ipc.serve(group), "it was not served"
        assert not [*(base / "requests").iterdir()], "it is still there"
        words.append(_reply(base))
    sent = await there.store.read("SELECT count(*) FROM requests")
    assert len({*words}) == 1, f"the same request twice: {words}"
    assert sent[0][0] <= 1, "its effect was stored twice"
    if who != "main":
        assert await there.told() == before, "it reached another group"
    await there.clear()
    assert not there.wrong, there.wrong
    return words[0].partition(" ")[0]


def _reply(base: Path) -> str:
    """What became of a request, in a word; raises for a reason that nobody thought of."""
    for path in (base / "refused").glob("*.reason"):
        why = path.read_text()
        assert not re.match(r"\w+(Error|Exception|Overflow)\b", why), f"a foreign exception: {why}"
    for path in (base / "refused").iterdir():
        path.unlink()
    replies = [*(base / "replies").iterdir()]
    if not replies:
        return "refused"
    text = json.loads(replies[0].read_bytes())
    replies[0].unlink()
    return "done" if text["ok"] else f"no {text['error']}"


# --- the credentials proxy

PIECES = [
    *(b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b"\r\n ", b"\x80\xff", b"0\r\n\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity, chunked\r\n"),
    *(b"transfer-encoding:\tchunked\r\n", b"Content-Length: 5\r\n", b"Content-Length: -1\r\n"),
    *(b"Content-Length: 0\r\n", b"Content-Length: +4\r\n", b"Expect: 100-continue\r\n"),
    *(b"Connection: upgrade\r\nUpgrade: websocket\r\n", b"Content-Encoding: gzip\r\n"),
    *(b"Host: evil.example\r\n", b"X-Api-Key: other\r\n", b"Authorization: Bearer other\r\n"),
    *(b"POST http://evil.example/v1/messages HTTP/1.1\r\n", b"GET /v1/messages HTTP/1.1\r\n"),
    *(b"POST /v1/messages/../../secret HTTP/1.1\r\n", b"/v1/%6dessages", b"?a=%0d%0aX:%20y"),
    *(b"POST //evil.example/v1/messages HTTP/1.1\r\n", b"#", b"%", b"%ff", b"HTTP/1.0", b"HTTP/2"),
    *(b"ffffffffffffffff\r\n", b"-5\r\n", b"5;ext=\x01\r\nhello\r\n", b"X: " + b"y" * 9000),
    *(b"X-Long: " + b"a" * 8200 + b"\r\n", b"A: b\r\n" * 200),
]


class Api:
    """The API as bytes see it: each request must be whole, alone, and meant to be passed on."""

    def __init__(self) -> None:
        self.seen = self.port = 0
        self.wrong: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if (why := self._why_not(head)) is not None:
                    self.wrong.append(f"{why}: {head!r}")
                lower = head.lower()
                if b"transfer-encoding: chunked" in lower:
                    while size := int(await self._line(reader), 16):
                        await reader.readexactly(size + 2)
                    await self._line(reader)
                elif found := re.search(rb"\r\ncontent-length: (\d+)\r\n", lower):
                    await reader.readexactly(int(found[1]))
                self.seen += 1
                body = b'{"usage": {"input_tokens": 1, "output_tokens": 1}}'
                answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: %d\r\n\r\n"
                writer.write(answer % len(body) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the container went away in the middle
        finally:
            writer.close()

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        return (await reader.readuntil(b"\r\n")).partition(b";")[0].strip()

    def _why_not(self, head: bytes) -> str | None:
        line, _, rest = head.partition(b"\r\n")
        headers = [one.partition(b":") for one in rest.lower().split(b"\r\n") if one]
        names = [name for name, _, _ in headers]
        if not re.fullmatch(rb"POST (\S+) HTTP/1\.1", line):
            return "an odd request line"
        if line.split()[1].partition(b"?")[0].decode("latin-1") not in PATHS:
            return "a path that is not passed on"
        if names.count(b"x-api-key") != 1 or KEY.encode() not in head:
            return "not the key alone"
        if {b"cookie", b"authorization", b"proxy-authorization"} & {*names}:
            return "a credential of the container"
        if re.findall(rb"\r\nHost: (.*)\r\n", head) != [b"127.0.0.1:%d" % self.port]:
            return "another host"
        framing = names.count(b"transfer-encoding") + names.count(b"content-length")
        return None if framing <= 1 else "framed twice"


class Wire:
    """A proxy, the API behind it, and a way to write bytes to a door."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.api = Api()
        self.wrong: list[str] = []
        self.used = 0
        self.folder = Path(tempfile.mkdtemp(prefix="fuzz-proxy-"))
        self.runner.run(self._open())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.wrong.append(str(context)))
        server = await asyncio.start_server(self.api.serve, "127.0.0.1", 0, limit=1 << 20)
        self.api.port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{self.api.port}"
        settings = Settings(anthropic_api_key=Secret(KEY), anthropic_base_url=url)

        async def used(group: str, tokens_in: int, tokens_out: int) -> None:
            self.used += 1

        limits = DoorLimits(connections=4, head_seconds=5, body=100_000)
        self.proxy = Proxy(settings, self.folder / "proxy", used, limits)
        await self.proxy.open()
        self.door = self.proxy.admit("ada")

    async def say(self, data: bytes, pause: int) -> bytes:
        """Write, in two pieces; all that comes back until nothing comes any more."""
        with socket.socket(socket.AF_UNIX) as one:
            one.setblocking(False)
            one.connect(str(self.door.folder / "proxy.sock"))
            reader, writer = await asyncio.open_unix_connection(sock=one)
            found = b""
            try:
                writer.write(data[:pause])
                await asyncio.sleep(0)
                writer.write(data[pause:])
                while piece := await asyncio.wait_for(reader.read(1 << 16), 0.02 if found else 0.1):
                    found += piece
            except (TimeoutError, BrokenPipeError, ConnectionResetError):
                pass  # it waits for more, or wants none
            finally:
                writer.close()
        return found


@cache
def wire() -> Wire:
    return Wire()


def head(random: Random) -> str:
    """Whatever is written to a door, what leaves the proxy is a request that may pass, and the
    answer is HTTP, has no key in it, and is no failure of ours.
    """
    return wire().runner.run(_head(wire(), random))


async def _head(there: Wire, random: Random) -> str:
    data = random.choice(kept("head")).replace(b"TOKEN", there.door.token.encode())
    if random.random() < 0.3:
        data += random.choice(kept("head")).replace(b"TOKEN", there.door.token.encode())
    data = bytes_mutated(random, data, PIECES)
    free, before = there.door._free._value, there.api.seen
    try:
        async with asyncio.timeout(20):
            answer = await there.say(data, random.randrange(len(data) + 1))
    except TimeoutError:
        raise AssertionError(f"no answer to {data[:2000]!r}") from None
    for _ in range(200):
        if there.door._free._value == free:
            break
        await asyncio.sleep(0.01)
    assert there.door._free._value == free, f"a connection is not given back: {data[:2000]!r}"
    assert KEY.encode() not in answer, "the key is in the answer"
    assert b"set-cookie" not in answer.lower(), (
        f"a cookie came back: {answer[:1000]!r} of {data[:2000]!r}"
    )
    wrong = [*there.api.wrong, *there.wrong]
    there.api.wrong.clear()
    there.wrong.clear()
    assert not wrong, f"{wrong} of {data[:2000]!r}"
    codes = re.findall(rb"(?:^|\r\n\r\n|\})HTTP/\d\.\d (\d\d\d) ", answer)
    assert not answer or codes, f"no HTTP: {answer[:200]!r}"
    assert b"500" not in codes, f"a failure of ours: {data[:2000]!r}"
    passed = there.api.seen - before
    return f"passed {passed}" if passed else (codes[0].decode() if codes else "closed")


# --- backups


@cache
def backups() -> Any:
    """The module as the skill brings it."""
    spec = spec_from_file_location("fuzz_backup", BACKUP)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@cache
def made() -> tuple[bytes, dict[str, bytes]]:
    """A backup, unzipped, and what is in it."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-backup-"))

    async def fill() -> None:
        async with open_store(folder / "data") as store:
            group = Group("main", "memory:main", "Main")
            await store.register(group)
            Paths(folder / "data").prepare(group)

    asyncio.run(fill())
    main = folder / "data/groups/main"
    (main / "notes").mkdir()
    (main / "notes/one.txt").write_text("one\n" * 50)
    with (main / "holes").open("wb") as file:
        file.truncate(3 << 20)
        file.seek(2 << 20)
        file.write(b"in the middle")
    (main / ("long" * 40)).write_bytes(os.urandom(200))
    backups().backup(folder / "data", folder / "b.tar.gz")
    data = gzip.decompress((folder / "b.tar.gz").read_bytes())
    backups().restore(folder / "b.tar.gz", folder / "again")
    found = contents(folder / "again")
    shutil.rmtree(folder)
    return data, found


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def archive(random: Random) -> str:
    """A backup that was changed is refused, or gives back what was packed; nothing else is touched,
    and nothing is left.
    """
    data, packed = made()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-")))
        (folder / "beside").mkdir()
        (folder / "beside/precious").write_text("precious")
        source = folder / "b.tar.gz"
        if random.random() < 0.5:
            source.write_bytes(_hostile(random, data, folder))
        else:
            data = bytes_mutated(random, data, [b"\0" * 512, b"../", b"/", b"7777777", b"\x80"])
            packed_again = gzip.compress(data, 1)
            if random.random() < 0.2:
                packed_again = bytes_mutated(random, packed_again, [b"\0", b"\x1f\x8b"])
            source.write_bytes(packed_again)
        try:
            backups().restore(source, folder / "data")
            word = "restored"
        except BotError:
            word = "refused"
        there = {path.name for path in folder.iterdir()}
        assert there <= {"beside", "b.tar.gz", "data"}, f"left: {there}"
        assert contents(folder / "beside") == {"precious": b"precious"}, "beside it"
        assert ("data" in there) == (word == "restored")
        if word == "restored":
            found = contents(folder / "data")
            wrong = [path for path in found.keys() | packed if found.get(path) != packed.get(path)]
            assert not wrong, f"restored, and it is another: {wrong}"
            links = [path for path in (folder / "data").rglob("*") if path.is_symlink()]
            assert not links, f"links came with it: {links}"
    return word


def _hostile(random: Random, data: bytes, folder: Path) -> bytes:
    """The archive with members put in that a tar file may have and a backup has not."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data)) as old, tarfile.open(fileobj=out, mode="w") as new:
        members = old.getmembers()
        at = random.randrange(len(members) + 1)
        for number, member in enumerate(members):
            if number == at:
                _put(random, new, folder)
            if random.random() < 0.05:
                continue
            file = old.extractfile(member) if member.isfile() else None
            plain = tarfile.TarInfo(member.name)
            plain.size = member.size
            new.addfile(plain, file)
        if at == len(members):
            _put(random, new, folder)
    return gzip.compress(out.getvalue(), 1)


def _put(random: Random, new: tarfile.TarFile, folder: Path) -> None:
    names = ["../beside/precious", "/beside/precious", str(folder / "beside/precious"), "bot.db"]
    names += [
        "groups/main/x",
        "groups/main/notes/one.txt",
        "manifest.json",
        "groups",
        ".",
        "a/../b",
    ]
    names += ["groups/main/notes", "x" * 300, "groups/main/\ud800", "bot.db/x"]
    info = tarfile.TarInfo(random.choice(names))
    info.type = random.choice([*(tarfile.REGTYPE,) * 4, *tarfile.SUPPORTED_TYPES, b"Z"])
    info.linkname = random.choice(["../beside/precious", "beside", "/etc/passwd", "bot.db", ""])
    info.mode = random.choice([0o777, 0, 0o4755, 0o600])
    body = random.choice([b"", b"theirs", b"{}", b"[]", b'{"format": 2, "files": []}'])
    info.size = len(body)
    if random.random() < 0.3:
        info.pax_headers = {
            random.choice(["path", "size", "GNU.sparse.major", "GNU.sparse.realsize", "mtime"]): (
                random.choice(["1", "-1", "x", "../x", "99999999999999"])
            )
        }
    try:
        new.addfile(info, io.BytesIO(body))
    except (ValueError, UnicodeError):
        return  # tarfile itself cannot write it


BOT_TARGETS: dict[str, Callable[[Random], str]] = {
    "request": request,
    "head": head,
    "archive": archive,
}
