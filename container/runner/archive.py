"""The conversation as people read it, kept in the group's folder before Claude Code shortens its
own memory of it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.protocol import log

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["archive", "before_compaction"]

PLACE = Path("/workspace/group/conversations")


async def before_compaction(
    hook: dict[str, Any], _tool: str | None, _context: object
) -> dict[str, Any]:
    """The PreCompact hook. An archive that cannot be written does not stop the agent."""
    try:
        log(f"archived {archive(Path(hook['transcript_path']))}")
    except (OSError, ValueError, KeyError) as error:
        log(f"the transcript could not be archived: {error!r}")
    return {}


def archive(transcript: Path, place: Path = PLACE) -> Path:
    """Write what was said in a transcript, JSON lines, as Markdown; the path of the file."""
    place.mkdir(parents=True, exist_ok=True)
    target = place / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}-{transcript.stem[:8]}.md"
    with transcript.open(encoding="utf-8") as lines:
        target.write_text("\n".join(_said(lines)), "utf-8")
    return target


def _said(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        entry = json.loads(line)
        if entry.get("type") not in {"user", "assistant"} or not isinstance(
            entry.get("message"), dict
        ):
            continue
        content = entry["message"].get("content", "")
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        text = "\n".join(part["text"] for part in parts if part.get("type") == "text").strip()
        if text:
            yield f"## {entry['type']} · {entry.get('timestamp', '')}\n\n{text}\n"
