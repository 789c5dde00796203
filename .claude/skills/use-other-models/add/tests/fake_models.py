"""Providers of models on loopback, as their documentation describes them: OpenAI's two dialects,
Google's, and Anthropic's. What one says is a pure function of what it was told last:

    CALL <tool> {json}   calls that tool
    a tool's result      "tool said: <it>"
    anything else        "<dialect> echoes: <it>"
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from aiohttp import web

Json = dict[str, Any]
CALL = re.compile(r"CALL\s+([\w.-]+)\s+(\{.*\})", re.DOTALL)
SIGNATURE = "c2lnbmVk"
"""What Google gives along with a call, and wants back with it."""


class _Fails(web.HTTPException):
    """What was wrong, with the key that was given, as some providers say it."""

    def __init__(self, status: int, key: str) -> None:
        self.status_code = status
        text = json.dumps({"error": {"message": f"{status}! {key}"}})
        super().__init__(text=text, content_type="application/json")


class FakeModels:
    """`status` is what all answer with, if it is not 200; `requests` are what they were sent."""

    def __init__(self) -> None:
        self.status = 200
        self.requests: list[tuple[str, dict[str, str], Json]] = []
        self.app = web.Application()
        self.app.router.add_post("/v1/chat/completions", self._openai)
        self.app.router.add_post("/v1/responses", self._responses)
        self.app.router.add_post("/v1beta/models/{call}", self._google)
        self.app.router.add_post("/v1/messages", self._anthropic)

    async def _taken(self, request: web.Request) -> Json:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body: Json = await request.json()
        self.requests.append((request.path_qs, headers, body))
        if self.status != 200:
            raise _Fails(self.status, headers.get("authorization") or headers.get("x-api-key", ""))
        return body

    async def _openai(self, request: web.Request) -> web.StreamResponse:
        body = await self._taken(request)
        last = body["messages"][-1]
        text, call = _said("openai", _text(last["content"]), result=last["role"] == "tool")
        usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        tools = [_openai_call(*call)] if call else []
        reason = "tool_calls" if call else "stop"
        head = {"id": "chatcmpl-1", "created": 1, "model": body["model"]}
        if not body.get("stream"):
            message = {"role": "assistant", "content": text or None, "tool_calls": tools or None}
            choice = {"index": 0, "message": message, "finish_reason": reason}
            whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
            return web.json_response(whole)

        def chunks() -> Iterator[Json]:
            deltas: list[Json] = [{"role": "assistant", "content": ""}]
            deltas += [{"content": word} for word in re.findall(r"\S+\s*", text)]
            for tool in tools:
                arguments = tool["function"]["arguments"]
                first = {**tool["function"], "arguments": arguments[:5]}
                deltas.append({"tool_calls": [{"index": 0, **tool, "function": first}]})
                rest = {"index": 0, "function": {"arguments": arguments[5:]}}
                deltas.append({"tool_calls": [rest]})
            for delta in deltas:
                yield {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
            yield {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
            if body.get("stream_options", {}).get("include_usage"):
                yield {"choices": [], "usage": usage}

        pieces = [{**head, "object": "chat.completion.chunk", **one} for one in chunks()]
        return await _streamed(request, pieces, end="[DONE]")

    async def _responses(self, request: web.Request) -> web.StreamResponse:
        body = await self._taken(request)
        last = body["input"][-1]
        result = last["type"] == "function_call_output"
        text, call = _said("responses", _text(last["output" if result else "content"]), result)
        usage = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
        part = {"type": "output_text", "text": text, "annotations": []}
        item: Json = {"type": "message", "id": "msg_1", "role": "assistant", "content": [part]}
        if call:
            item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": call[0]}
            item["arguments"] = call[1]
        item["status"] = "completed"
        head = {"id": "resp_1", "object": "response", "created_at": 1, "model": body["model"]}
        whole = {**head, "status": "completed", "output": [item], "usage": usage}
        if not body.get("stream"):
            return web.json_response(whole)
        begun = {**head, "status": "in_progress", "output": []}
        at = {"item_id": item["id"], "output_index": 0}
        blank = {**item, "arguments": ""} if call else {**item, "content": []}
        pieces: list[Json] = [
            {"type": "response.created", "response": begun},
            {"type": "response.output_item.added", "output_index": 0, "item": blank},
        ]
        if call:
            pieces += [
                {"type": "response.function_call_arguments.delta", **at, "delta": call[1]},
                {"type": "response.function_call_arguments.done", **at, "arguments": call[1]},
            ]
        else:
            inside = {**at, "content_index": 0}
            empty = {**part, "text": ""}
            words = re.findall(r"\S+\s*", text)
            pieces += [
                {"type": "response.content_part.added", **inside, "part": empty},
                *({"type": "response.output_text.delta", **inside, "delta": w} for w in words),
                {"type": "response.output_text.done", **inside, "text": text},
                {"type": "response.content_part.done", **inside, "part": part},
            ]
        pieces += [
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": whole},
        ]
        return await _streamed(request, pieces, named=True)

    async def _google(self, request: web.Request) -> web.StreamResponse:
        body = await self._taken(request)
        for content in body["contents"]:
            for part in content["parts"]:
                if "functionCall" in part and part.get("thoughtSignature") != SIGNATURE:
                    error = {"message": "Function call is missing a thought_signature"}
                    return web.json_response({"error": error}, status=400)
        (*_, last) = body["contents"][-1]["parts"]
        result = "functionResponse" in last
        told = json.dumps(last["functionResponse"]["response"]) if result else last["text"]
        text, call = _said("google", told, result)
        parts: list[Json] = [{"text": word} for word in re.findall(r"\S+\s*", text)]
        if call:
            asked = {"name": call[0], "args": json.loads(call[1])}
            parts = [{"functionCall": asked, "thoughtSignature": SIGNATURE}]
        usage = {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}

        def piece(some: list[Json], reason: str | None) -> Json:
            candidate: Json = {"content": {"role": "model", "parts": some}, "index": 0}
            if reason:
                candidate["finishReason"] = reason
            return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "g"}

        if ":generateContent" in request.path:
            return web.json_response(piece(parts, "STOP"))
        pieces = [piece([one], None) for one in parts[:-1]] + [piece(parts[-1:], "STOP")]
        return await _streamed(request, pieces)

    async def _anthropic(self, request: web.Request) -> web.StreamResponse:
        body = await self._taken(request)
        text, _ = _said("anthropic", _text(body["messages"][-1]["content"]), result=False)
        usage = {"input_tokens": 11, "output_tokens": 7}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"]}
        block = {"type": "text", "text": text}
        rest = {"content": [block], "stop_reason": "end_turn", "usage": usage}
        return web.json_response({**message, **rest})


def _said(dialect: str, told: str, result: bool) -> tuple[str, tuple[str, str] | None]:
    if result:
        return f"tool said: {told}", None
    if found := CALL.search(told):
        asked, _ = json.JSONDecoder().raw_decode(found[2])
        return "", (found[1], json.dumps(asked))
    return f"{dialect} echoes: {told}", None


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in content)


def _openai_call(name: str, arguments: str) -> Json:
    function = {"name": name, "arguments": arguments}
    return {"id": "call_1", "type": "function", "function": function}


async def _streamed(
    request: web.Request, pieces: list[Json], *, end: str = "", named: bool = False
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for piece in pieces:
        name = f"event: {piece['type']}\n" if named else ""
        await response.write(f"{name}data: {json.dumps(piece)}\n\n".encode())
    if end:
        await response.write(f"data: {end}\n\n".encode())
    await response.write_eof()
    return response
