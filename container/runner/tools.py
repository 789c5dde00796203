"""The tools that an agent has beyond Claude Code's own: each is a request to the host, which decides."""

from __future__ import annotations

import json
from typing import Any

from claude_agent_sdk import SdkMcpTool, create_sdk_mcp_server

from runner.ipc import Refused, request

__all__ = ["server"]


def _text(about: str) -> dict[str, Any]:
    return {"type": "string", "description": about}


def _one_of(about: str, *values: str) -> dict[str, Any]:
    return {**_text(about), "enum": list(values)}


ID = {"task_id": _text("The task's identifier, from list_tasks.")}
TASK: dict[str, Any] = {
    "prompt": _text("What the agent is to do each time. It sees nothing of this conversation if the task is isolated."),
    "kind": _one_of("How `value` is read.", "cron", "interval", "once"),
    "value": _text("cron: five fields. interval: seconds. once: ISO 8601 local time, such as 2030-01-31T09:00."),
    "timezone": _text("IANA name such as Europe/Berlin; without one, the assistant's."),
    "isolated": {"type": "boolean", "description": "In a fresh conversation each time, not in this one."},
    "script": _text(
        "Optional bash script that runs first. Its last line of output is JSON: {'wake': false} ends the run without"
        " an agent; {'wake': true, 'data': ...} wakes it with the data."
    ),
}
OPTIONS = "'network': true."
CHAT = _text("The chat, as refresh_groups lists it.")

# name: (what it does, arguments, which of them must be there)
TOOLS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "send_message": (
        "Send a message now, before the answer is finished. Only the main group may name another chat.",
        {"text": _text("What to send."), "chat": CHAT},
        ["text"],
    ),
    "schedule_task": (
        "Schedule a task for this group. Only the main group may name another.",
        {**TASK, "folder": _text("The folder of the group that the task is for.")},
        ["prompt", "kind", "value"],
    ),
    "list_tasks": ("The tasks of this group; for the main group, all.", {}, []),
    "get_task": ("A task with its latest runs.", ID, ["task_id"]),
    "update_task": ("Change a task; what is not named stays.", {**ID, **TASK}, ["task_id"]),
    "pause_task": ("Pause a task.", ID, ["task_id"]),
    "resume_task": ("Resume a paused task.", ID, ["task_id"]),
    "cancel_task": ("Cancel a task for good.", ID, ["task_id"]),
}
MAIN_TOOLS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "register_group": (
        "Let the assistant take part in a chat, with a folder of its own.",
        {
            "chat": CHAT,
            "folder": _text("Lower-case letters, digits, - and _."),
            "name": _text("The name that people see."),
            "trigger": _text("How a message must begin to be answered, such as @Andy; without one, all are answered."),
            "options": {"type": "object", "description": OPTIONS},
            "remove": {"type": "boolean", "description": "Take part no longer; its folder stays."},
        },
        ["chat"],
    ),
    "refresh_groups": ("Ask the channels for their chats; lists those that are known.", {}, []),
}


def server(*, main: bool) -> Any:
    """The MCP server. What only main may do is not shown to others, and the host refuses it whoever asks."""
    tools = TOOLS | MAIN_TOOLS if main else TOOLS
    return create_sdk_mcp_server("graftbot", "1.0.0", [_tool(name, *parts) for name, parts in tools.items()])


def _tool(name: str, about: str, properties: dict[str, Any], required: list[str]) -> Any:
    async def call(arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            result = await request(name, arguments)
        except (Refused, OSError, ValueError) as error:  # a TimeoutError is an OSError
            said = str(error) or "the host does not answer"
            return {"content": [{"type": "text", "text": said}], "is_error": True}
        said = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        return {"content": [{"type": "text", "text": said}]}

    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return SdkMcpTool(name=name, description=about, input_schema=schema, handler=call)
