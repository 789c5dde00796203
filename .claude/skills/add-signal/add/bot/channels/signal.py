"""Signal: an account of its own, through the JSON-RPC of a signal-cli daemon."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Self

from bot.channels.base import Channel
from bot.channels.signal_messages import NOT_NOW, REFUSED, chat_of, failed, styled, written
from bot.channels.signal_rpc import Daemon, Refusal
from bot.errors import Misconfigured, RefusedForNow, Undeliverable, Unfetchable
from bot.log import log
from bot.messages import Attachment, File, Receive
from bot.settings import Settings
from bot.splitting import split

__all__ = ["SignalChannel"]

LONGEST = 2000
"""What one message holds before Signal makes it a file."""
RPC_USER, RPC_NETWORK, RPC_UNTRUSTED, RPC_LIMIT, RPC_PARAMETERS = -1, -3, -4, -5, -32602
LAST_SECONDS = 5.0
"""At the end, for storing what the daemon has given: nobody brings it again."""
UNTRUSTED = "their safety number has changed"
TRUST_HINT = "compare the safety number, then: signal-cli trust"
NO_DAEMON = "start it: signal-cli daemon --tcp 127.0.0.1:7583 --receive-mode=manual"
NO_ACCOUNT = "register or link it: signal-cli -a {} register, or signal-cli link -n Andy"


class SignalChannel(Channel):
    """Private chats and groups of one account, `signal:<who>` and `signal:group.<id>`."""

    name: ClassVar[str] = "signal"

    def __init__(self, account: str, address: str, assistant_name: str) -> None:
        self._account, self._assistant_name = account, assistant_name
        self._address = address
        self._daemon: Daemon | None = None
        self._me = {account}

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        account = settings.signal_account.replace(" ", "")
        if not account:
            return None
        if not account.startswith("+") or not account[1:].isdigit():
            hint = "write the account's number with its country, like +4915112345678"
            raise Misconfigured(f"SIGNAL_ACCOUNT cannot be {account!r}", hint=hint)
        return cls(account, settings.signal_daemon, settings.assistant_name)

    async def check(self) -> str:
        daemon = await self._opened()
        await daemon.close()
        return self._account

    async def connect(self, receive: Receive) -> None:
        daemon, in_hand = await self._opened(), dict[str, Any]()
        try:
            self._daemon = daemon
            await daemon.call("subscribeReceive", account=self._account)
            while True:
                in_hand = await daemon.news()
                await self._take_in(in_hand, receive)
                in_hand = {}
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_SECONDS):
                    for news in (in_hand, *daemon.left()):
                        await self._take_in(news, receive)
            raise
        finally:
            self._daemon = None
            await daemon.close()

    async def send(self, chat: str, text: str) -> None:
        shown, styles = styled(text)
        await self._send(chat, message=shown, textStyle=styles)

    async def send_file(self, chat: str, file: File, text: str) -> None:
        shown, styles = styled(text)
        data = base64.b64encode(await asyncio.to_thread(Path(file.copy).read_bytes)).decode()
        name = file.name.translate(dict.fromkeys(map(ord, ";,"), "_"))
        given = f"data:{file.type};filename={name};base64,{data}"
        await self._send(chat, message=shown, textStyle=styles, attachments=[given])

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        if attachment.size > most:
            raise Unfetchable(f"it is larger than {most >> 20} MB")
        chat, _, number = attachment.source.partition(" ")
        try:
            found = await self._call("getAttachment", id=number, **_whom(chat, listed=False))
        except Refusal as error:
            raise Unfetchable(f"signal-cli does not give it: {error}") from None
        data = base64.b64decode(found["data"])
        if len(data) > most:
            raise Unfetchable(f"it is larger than {most >> 20} MB")
        return data

    def split(self, text: str) -> Sequence[str]:
        return split(text, LONGEST, lambda piece: styled(piece)[0])

    async def typing(self, chat: str) -> None:
        await self._call("sendTyping", **_whom(chat))

    async def groups(self) -> Mapping[str, str]:
        found = await self._call("listGroups")
        return {f"{self.name}:group.{one['id']}": one["name"] for one in found if one["isMember"]}

    async def _opened(self) -> Daemon:
        """A connection with a daemon that has the account."""
        try:
            daemon = await Daemon.at(self._address)
        except ValueError:
            hint = "write it like 127.0.0.1:7583, or as the path of a UNIX socket"
            raise Misconfigured(f"SIGNAL_DAEMON cannot be {self._address!r}", hint=hint) from None
        except OSError as error:
            log.warning("no signal-cli", address=self._address, hint=NO_DAEMON)
            raise ConnectionError(f"no signal-cli answers at {self._address}") from error
        try:
            accounts = [one["number"] for one in await daemon.call("listAccounts")]
            if self._account not in accounts:
                raise Misconfigured(
                    "signal-cli does not have the account of SIGNAL_ACCOUNT",
                    hint=NO_ACCOUNT.format(self._account),
                )
            status = await daemon.call(
                "getUserStatus", account=self._account, recipient=[self._account]
            )
            self._me |= {one["uuid"] for one in status if one.get("uuid")}
        except Refusal as error:
            await daemon.close()
            raise ConnectionError(f"signal-cli refuses: {error}") from None
        except BaseException:
            await daemon.close()
            raise
        return daemon

    async def _call(self, method: str, **parameters: Any) -> Any:
        if self._daemon is None:
            raise ConnectionError("signal-cli is not connected")
        return await self._daemon.call(method, account=self._account, **parameters)

    async def _send(self, chat: str, **what: Any) -> None:
        given = {key: value for key, value in what.items() if value}
        try:
            answer = await self._call("send", **_whom(chat), **given)
        except Refusal as error:
            if error.code == RPC_UNTRUSTED:
                raise RefusedForNow(UNTRUSTED, hint=TRUST_HINT) from None
            if error.code in {RPC_USER, RPC_PARAMETERS}:
                raise Undeliverable(f"signal-cli refuses: {error}") from None
            if error.code in {RPC_NETWORK, RPC_LIMIT}:
                raise ConnectionError(f"signal-cli could not send: {error}") from None
            raise RefusedForNow(f"signal-cli could not send: {error}") from None
        if why := failed(answer):
            if why in REFUSED:
                raise Undeliverable(f"Signal refuses: {why}")
            if why in NOT_NOW:
                raise ConnectionError(f"Signal did not take it: {why}")
            untrusted = why == "IDENTITY_FAILURE"
            said = UNTRUSTED if untrusted else f"Signal refuses for now: {why}"
            raise RefusedForNow(said, hint=TRUST_HINT if untrusted else "")

    async def _take_in(self, news: dict[str, Any], receive: Receive) -> None:
        envelope = news.get("envelope") or {}
        try:
            chat = chat_of(self.name, envelope)
            found = written(chat, envelope, self._me, self._assistant_name) if chat else None
        except Exception as error:  # noqa: BLE001  # whatever it is made of: the next is read
            await self.skip("a message", error)
            return
        while found is not None:
            try:  # Signal has been told that we have it: nobody will bring it again
                await self.hand_over(receive, found)
                return
            except Exception as error:  # noqa: BLE001  # a full disk, say
                log.warning("not stored yet", chat=found.chat, error=error)
                await asyncio.sleep(1)


def _whom(chat: str, *, listed: bool = True) -> dict[str, Any]:
    """A chat as signal-cli's methods take it."""
    who = chat.partition(":")[2]
    if who.startswith("group."):
        return {"groupId": who.removeprefix("group.")}
    return {"recipient": [who] if listed else who}
