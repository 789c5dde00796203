"""The Messages API on this machine, answered by the models that the owner has described."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, StreamReader, web

from bot.bounds import Seldom
from bot.dialects import Question, Refused
from bot.errors import BotError
from bot.log import log
from bot.model_list import MODELS, Model, chain, models
from bot.tools import Host

ADDRESS = "127.0.0.1"
MOST_BODY = 64 << 20
TIMEOUT = ClientTimeout(total=None, sock_connect=30, sock_read=600)
ITS_OWN_FAULT = frozenset({400, 413, 422})
"""What a provider refuses with these, it refuses whoever asks; all else is asked of the next."""
PASSING = frozenset({401, 403, 408, 429})


class OtherModels:
    """A service; without a port it has nothing to do."""

    def __init__(self, host: Host) -> None:
        self._port = host.settings.other_models_port
        self._base = host.settings.anthropic_base_url
        self._password = host.settings.anthropic_api_key.value
        self._seldom = Seldom()

    async def run(self) -> None:
        if not self._port:
            await asyncio.Event().wait()
        self._look()
        from llm_rosetta.gateway.proxy import ProviderMetadataStore  # noqa: PLC0415  # a second

        self._kept = ProviderMetadataStore(ttl=86_400)
        app = web.Application(client_max_size=MOST_BODY)
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/messages/count_tokens", self._count)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            async with ClientSession(timeout=TIMEOUT) as self._session:
                await web.TCPSite(runner, ADDRESS, self._port).start()
                await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    def _look(self) -> None:
        """Say at the start what will not do; it may be mended while we run."""
        own = f"http://{ADDRESS}:{self._port}"
        if self._base.rstrip("/") != own or not self._password:
            hint = f"set ANTHROPIC_BASE_URL={own}, and ANTHROPIC_API_KEY to a password of yours"
            log.error("other models are not asked", why="nothing leads to them", hint=hint)
        try:
            log.info("models", there=", ".join(models()))
        except BotError as error:
            log.error("other models cannot answer", why=error.message, hint=error.hint)

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        if not self._admitted(request):
            return _refusal(401, "this is not the password of ANTHROPIC_API_KEY")
        body = await request.json()
        try:
            asked = chain(models(), str(body.get("model", "")))
        except BotError as error:  # 403: the owner mends it, and the message waits
            return _refusal(403, repr(error))
        status, why = 502, ""
        for model in asked:
            try:
                return await self._ask(model, body, request)
            except _NotNow as error:
                status, why = error.status, f"{model.name}: {error}"
                if count := self._seldom.count(f"{model.name} {status}"):
                    about = {"model": model.name, "status": status, "since_the_last": count}
                    log.warning("a model does not answer", **about)
                if status in ITS_OWN_FAULT:
                    break
        return _refusal(status, why)

    async def _ask(
        self, model: Model, body: dict[str, Any], request: web.Request
    ) -> web.StreamResponse:
        """Its answer. Raises _NotNow as long as nothing of one has been passed on."""
        response: web.StreamResponse | None = None
        try:
            question = Question(model, body, self._kept)
            own = question.headers(request.headers)
            async with self._session.post(
                question.url, json=question.body, headers=own, allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    said = (await answer.content.read(4_096)).decode("utf-8", "replace")
                    said = said.replace(model.key or "\0", "***")  # the agent is told what it says
                    raise _NotNow(answer.status, f"{answer.status} {said[:300]}")
                if not question.streams:
                    return web.json_response(question.answer(await answer.json(content_type=None)))
                async for piece in question.events(_lines(answer.content)):
                    if response is None:
                        headers = {"Content-Type": "text/event-stream"}
                        response = web.StreamResponse(headers=headers)
                        await response.prepare(request)
                    await response.write(piece)
                if response is None:
                    raise _NotNow(502, "it answered with nothing")
                await response.write_eof()
                return response
        except _NotNow:
            raise
        except (ClientError, TimeoutError, Refused) as error:
            if response is not None:  # who asks sees that the answer broke off
                raise
            raise _NotNow(502, f"{type(error).__name__} {error}"[:300]) from None
        except Exception as error:
            if response is not None:
                raise
            # the converters raise of many kinds; their texts may hold what people wrote
            raise _NotNow(502, f"its words are not understood ({type(error).__name__})") from None

    async def _count(self, request: web.Request) -> web.Response:
        """About so many: a provider that is not Anthropic counts only what it answers."""
        if not self._admitted(request):
            return _refusal(401, "this is not the password of ANTHROPIC_API_KEY")
        size = len(json.dumps(await request.json(), ensure_ascii=False))
        return web.json_response({"input_tokens": max(1, size // 4)})

    def _admitted(self, request: web.Request) -> bool:
        given = request.headers.get("x-api-key", "")
        return bool(self._password) and secrets.compare_digest(
            given.encode(errors="replace"), self._password.encode()
        )


class _NotNow(Exception):
    """A model gives no answer; another may."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        kept = status in ITS_OWN_FAULT | PASSING or status >= 500
        self.status = status if kept else 502


async def _lines(content: StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length, with their ends."""
    rest = b""
    async for piece in content.iter_any():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest


def _refusal(status: int, text: str) -> web.Response:
    kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "api_error" if status >= 500 else "invalid_request_error")
    error = {"type": kind, "message": text}
    return web.json_response({"type": "error", "error": error}, status=status)


__all__ = ["MODELS", "OtherModels"]
