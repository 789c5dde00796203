"""Tokens that an answer of the Messages API tells of."""

import json
from contextlib import suppress

LONGEST_LINE = 1 << 20


class Usage:
    """Of an event stream, line by line, or of one JSON document."""

    def __init__(self) -> None:
        self.input = self.output = 0
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest[-LONGEST_LINE:] + piece).split(b"\n")
        for line in (*lines, self._rest) if self._rest.endswith(b"}") else lines:
            with suppress(ValueError, KeyError, TypeError, AttributeError):  # it tells of none
                said = json.loads(line.removeprefix(b"data:")) if b'"usage"' in line else {}
                usage = said.get("usage") or said["message"]["usage"]
                kinds = ("", "cache_creation_", "cache_read_")
                read = sum(usage.get(f"{kind}input_tokens") or 0 for kind in kinds)
                self.input = max(self.input, read)
                self.output = max(self.output, usage.get("output_tokens") or 0)
