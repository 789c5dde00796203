"""What providers of models speak: a request of the Messages API in their words, and their answer in
its words, as a whole or as it comes.
"""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

from llm_rosetta import ConversionPipeline
from llm_rosetta.gateway.proxy import ProviderMetadataStore

from bot.model_list import Model

Json = dict[str, Any]
UNDERSTOOD = (
    *("max_tokens", "messages", "stop_sequences", "stream", "system"),
    *("temperature", "tool_choice", "tools", "top_p"),
)
"""What of a request others than Anthropic understand."""
THOUGHTS = frozenset({"thinking", "redacted_thinking"})
ROSETTA = {"openai": "openai_chat", "responses": "openai_responses", "google": "google"}
PASSED_ON = ("anthropic-version", "anthropic-beta")


class Question:
    """One request, in the words of one model."""

    def __init__(self, model: Model, body: Json, kept: ProviderMetadataStore) -> None:
        """Raises llm_rosetta's ConversionError, or ValueError, for what cannot be said there."""
        self._model, self._kept = model, kept
        self.streams = bool(body.get("stream"))
        self._pipeline: ConversionPipeline | None = None
        if model.dialect == "anthropic":
            self.body = {**body, "model": model.model, "messages": _without_foreign_thoughts(body)}
            return
        self._pipeline = ConversionPipeline(
            "anthropic", ROSETTA[model.dialect], upstream_model=model.model, metadata_mode="strip"
        )
        plain = {"model": model.model, **_plain(body)}
        self.body = self._pipeline.convert_request(plain, on_ir_ready=kept.inject_into_request)
        if model.dialect == "openai" and self.streams:
            self.body["stream_options"] = {"include_usage": True}  # or nobody knows what it cost

    @property
    def url(self) -> str:
        """Where it is asked."""
        base, name = self._model.url, self._model.model
        how = "streamGenerateContent?alt=sse" if self.streams else "generateContent"
        paths = {
            "anthropic": "/v1/messages",
            "openai": "/chat/completions",
            "responses": "/responses",
            "google": f"/v1beta/models/{name}:{how}",
        }
        return base + paths[self._model.dialect]

    def headers(self, given: Mapping[str, str]) -> dict[str, str]:
        """With the owner's key, and of the request's own what is Anthropic's."""
        key = self._model.key
        if self._model.dialect == "anthropic":
            own = {name: given[name] for name in PASSED_ON if name in given}
            return {**own, "x-api-key": key} if key else own
        if not key:
            return {}
        if self._model.dialect == "google":
            return {"x-goog-api-key": key}
        return {"authorization": f"Bearer {key}"}

    def answer(self, said: Json) -> Json:
        """A whole answer in the words of the Messages API. Raises as the constructor does."""
        if self._pipeline is None:
            return said
        keep = self._kept.cache_from_response
        answer = self._pipeline.convert_response(said, on_ir_ready=keep)
        calls = any(block.get("type") == "tool_use" for block in answer.get("content", ()))
        return _ended_as_it_is(answer, calls=calls)

    async def events(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """An answer as it comes, as server-sent events of the Messages API. One that breaks off, or
        is an error, ends in an event that says so. Raises Refused where the first is an error.
        """
        if self._pipeline is None:
            async for line in lines:
                yield line
            return
        keep = self._kept.cache_from_stream_event
        processor = self._pipeline.create_stream_processor(on_ir_event=keep)
        begun = calls = False
        async for line in lines:
            data = line.removeprefix(b"data:").strip()
            if not line.startswith(b"data:") or data == b"[DONE]":
                continue
            chunk = json.loads(data)
            if error := chunk.get("error") or (chunk.get("type") == "error" and chunk):
                if not begun:
                    raise Refused(str(error)[:300])
                break
            for part in _parts(chunk):
                for event in processor.process_chunk(part):
                    begun = True
                    calls |= event.get("content_block", {}).get("type") == "tool_use"
                    if calls and "delta" in event:
                        event["delta"] = _ended_as_it_is(event["delta"], calls=True)
                    yield _event(event)
        if not processor.source_context.is_ended:
            if not begun:
                raise Refused("it answered with nothing")
            broken = {"type": "api_error", "message": f"{self._model.name} broke off"}
            yield _event({"type": "error", "error": broken})


class Refused(Exception):
    """The provider says no; the text says what it says."""


def _parts(chunk: Json) -> Iterator[Json]:
    """A chunk of a stream as llm-rosetta understands it. Google's last one has words, the reason of
    the end and all tokens at once, of which the words would be lost, and each other one has the
    tokens so far, which would be added up.
    """
    if "candidates" not in chunk:
        yield chunk
        return
    candidates = [{**one, "finishReason": None} for one in chunk["candidates"]]
    yield {**chunk, "candidates": candidates, "usageMetadata": None}
    if ended := [one for one in chunk["candidates"] if one.get("finishReason")]:
        yield {**chunk, "candidates": [{**one, "content": {}} for one in ended]}


def _ended_as_it_is(said: Json, *, calls: bool) -> Json:
    """With the reason of its end that a call of a tool has, which not every dialect tells."""
    ended = calls and said.get("stop_reason") == "end_turn"
    return {**said, "stop_reason": "tool_use"} if ended else said


def _event(event: Json) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _plain(body: Json) -> Json:
    """Of a request what every provider has: no others' thoughts, no tools of Anthropic's own, and
    what the system says at the beginning alone.
    """
    plain = {key: body[key] for key in UNDERSTOOD if key in body}
    messages = [_thoughtless(one, THOUGHTS) for one in body.get("messages", ())]
    within = [one["content"] for one in messages if one["role"] == "system"]
    if within:
        whole = (body.get("system") or [], *within)
        plain["system"] = [part for text in whole for part in _texts(text)]
    plain["messages"] = [one for one in messages if one["role"] != "system"]
    if "tools" in plain:
        plain["tools"] = [one for one in plain["tools"] if "input_schema" in one]
    return plain


def _texts(content: str | list[Json]) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _without_foreign_thoughts(body: Json) -> list[Json]:
    """Messages in which each thought is signed: Anthropic takes no others."""
    return [_thoughtless(one, frozenset({"thinking"}), "signature") for one in body["messages"]]


def _thoughtless(message: Json, kinds: Iterable[str], unless: str = "") -> Json:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    kept = [one for one in content if one.get("type") not in kinds or (unless and one.get(unless))]
    return {**message, "content": kept}
