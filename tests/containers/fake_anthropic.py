"""A small Messages API on loopback, which the real Claude Code program talks with.

Replies are a pure function of the last user turn, without system reminders:

    CALL <tool> {json}       a tool_use block for that tool
    a tool_result            "tool said: <its first 2,000 characters>"
    ERROR <status>           an API error with that HTTP status
    FLAKY <status> <n>       n errors with that status, then a reply
    SLOW <seconds> <text>    streams <text> word by word over that time
    NEVER                    nothing, until the client has had enough
    anything else            "echo: <that text>"
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Block = dict[str, Any]
Reply = Callable[[dict[str, Any]], "list[Block] | int"]

_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
_CALL = re.compile(r"CALL\s+(?P<tool>[\w.-]+)\s+(?P<json>\{.*\})", re.DOTALL)
_ERROR = re.compile(r"ERROR\s+(\d{3})")
_FLAKY = re.compile(r"FLAKY\s+(\d{3})\s+(\d+)")
_SLOW = re.compile(r"SLOW\s+([\d.]+)\s+(.*)", re.DOTALL)
_flaky_seen: Counter[str] = Counter()


def _last_user_blocks(body: dict[str, Any]) -> list[Block]:
    for message in reversed(body.get("messages", [])):
        if message.get("role") == "user":
            content = message.get("content")
            return (
                [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
            )
    return []


def last_user_text(body: dict[str, Any]) -> str:
    """What the last user turn says, without what Claude Code adds."""
    text = "\n".join(b.get("text", "") for b in _last_user_blocks(body) if b.get("type") == "text")
    return _REMINDER.sub("", text).strip()


def default_reply(body: dict[str, Any]) -> list[Block] | int:
    blocks = _last_user_blocks(body)
    results = [b for b in blocks if b.get("type") == "tool_result"]
    if results:
        content = results[-1].get("content")
        if isinstance(content, list):
            content = " ".join(str(c.get("text", "")) for c in content)
        return [{"type": "text", "text": f"tool said: {str(content).strip()[:2000]}"}]
    text = last_user_text(body)
    if m := _FLAKY.search(text):
        _flaky_seen[text] += 1
        if _flaky_seen[text] <= int(m.group(2)):
            return int(m.group(1))
    elif m := _ERROR.search(text):
        return int(m.group(1))
    if m := _CALL.search(text):
        payload, _ = json.JSONDecoder().raw_decode(m.group("json"))
        return [
            {"type": "text", "text": f"calling {m.group('tool')}"},
            {
                "type": "tool_use",
                "id": f"toolu_{uuid.uuid4().hex[:20]}",
                "name": m.group("tool"),
                "input": payload,
            },
        ]
    if "NEVER" in text:
        return []
    if m := _SLOW.search(text):
        return [{"type": "text", "text": m.group(2), "_seconds": float(m.group(1))}]
    return [{"type": "text", "text": f"echo: {text[:400]}"}]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeAnthropic

    def log_message(self, *_: Any) -> None:  # quiet: we keep our own log
        pass

    # -- requests ------------------------------------------------------
    def do_GET(self) -> None:
        self._record(None)
        self._json(404, _error("not_found_error", f"no {self.path} here"))

    def do_HEAD(self) -> None:
        self._record(None)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        raw = self._read_body()
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = {"_unparsed_bytes": len(raw)}
        self._record(body)
        path = self.path.split("?", 1)[0]
        if path == "/v1/messages/count_tokens":
            self._json(200, {"input_tokens": max(1, len(raw) // 4)})
        elif path == "/v1/messages":
            self._messages(body, raw)
        else:
            self._json(404, _error("not_found_error", f"no {path} here"))

    def _messages(self, body: dict[str, Any], raw: bytes) -> None:
        reply = self.server.reply(body)
        if isinstance(reply, int):
            kind = {
                400: "invalid_request_error",
                401: "authentication_error",
                429: "rate_limit_error",
                529: "overloaded_error",
            }.get(reply, "api_error")
            self._json(reply, _error(kind, f"scripted {reply}"))
            return
        if not reply:
            self.server.stopping.wait()
            return
        stop = "tool_use" if any(b["type"] == "tool_use" for b in reply) else "end_turn"
        message = {
            "id": f"msg_{uuid.uuid4().hex[:20]}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", "claude-fake"),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": max(1, len(raw) // 4),
                "output_tokens": 1,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                **(reply[-1].get("_usage", {}) if reply else {}),
            },
        }
        if not body.get("stream"):
            message["content"] = [
                {k: v for k, v in b.items() if not k.startswith("_")} for b in reply
            ]
            message["stop_reason"] = stop
            message["usage"]["output_tokens"] = 10
            self._json(200, message)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("request-id", f"req_{uuid.uuid4().hex[:20]}")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._event("message_start", {"message": message})
        for index, block in enumerate(reply):
            if block["type"] == "text":
                self._event(
                    "content_block_start",
                    {"index": index, "content_block": {"type": "text", "text": ""}},
                )
                words = re.findall(r"\S+\s*|\s+", block["text"]) or [""]
                pause = block.get("_seconds", 0) / len(words)
                for word in words:
                    self._event(
                        "content_block_delta",
                        {"index": index, "delta": {"type": "text_delta", "text": word}},
                    )
                    if pause:
                        time.sleep(pause)
            else:
                start = {"type": "tool_use", "id": block["id"], "name": block["name"], "input": {}}
                self._event("content_block_start", {"index": index, "content_block": start})
                self._event(
                    "content_block_delta",
                    {
                        "index": index,
                        "delta": {
                            "type": "input_json_delta",
                            "partial_json": json.dumps(block["input"]),
                        },
                    },
                )
            self._event("content_block_stop", {"index": index})
        self._event(
            "message_delta",
            {"delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 10}},
        )
        self._event("message_stop", {})
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    # -- plumbing ------------------------------------------------------
    def _read_body(self) -> bytes:
        if (self.headers.get("Transfer-Encoding") or "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _event(self, name: str, data: dict[str, Any]) -> None:
        chunk = f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()
        self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        self.wfile.flush()

    def _json(self, status: int, data: dict[str, Any]) -> None:
        payload = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _record(self, body: dict[str, Any] | None) -> None:
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.server.keys |= {headers.get("x-api-key", ""), headers.get("authorization", "")} - {""}
        self.server.record(
            {
                "at": round(time.time(), 3),
                "method": self.command,
                "path": self.path,
                "headers": headers,
                "body": body,
            }
        )


def _error(kind: str, text: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": text}}


class FakeAnthropic(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, reply: Reply = default_reply) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply = reply
        self.keys: set[str] = set()
        self.requests: list[dict[str, Any]] = []
        self.stopping = threading.Event()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def record(self, entry: dict[str, Any]) -> None:
        with self._lock:
            self.requests.append(entry)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that interrupts a turn drops the socket mid-stream: not news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def __enter__(self) -> FakeAnthropic:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()
