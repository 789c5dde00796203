"""The tools that an agent has beyond Claude Code's own: each is a request to the host, which
decides.
"""

from __future__ import annotations

import json
from typing import Any

from claude_agent_sdk import SdkMcpTool, create_sdk_mcp_server

from runner.ipc import Refused, request
from runner.tasks import TASK_TOOLS, text, yes

__all__ = ["server"]


OPTIONS = (
    "'network': true; 'model': str; 'mcp': [a server's name, as the owner has described it]; "
    "'daily_tokens': int; 'bots': true; 'mounts': [{'host': path, 'name': str, 'write': bool}]."
)
CHAT = text("The chat, as refresh_groups lists it.")

# name: (what it does, arguments, which of them must be there)
TOOLS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "send_message": (
        "Send a message now, before the answer ends. Only the main group may name another chat.",
        {"text": text("What to send."), "chat": CHAT},
        ["text"],
    ),
    "send_file": (
        "Send a file of yours to the chat, now. Only the main group may name another chat.",
        {
            "path": text("The file, below /workspace/group."),
            "text": text("What to say with it."),
            "chat": CHAT,
        },
        ["path"],
    ),
    **TASK_TOOLS,
}
MAIN_TOOLS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "register_group": (
        "Let the assistant take part in a chat, with a folder of its own.",
        {
            "chat": CHAT,
            "folder": text("Lower-case letters, digits, - and _."),
            "name": text("The name that people see."),
            "trigger": text("How a message must begin to be answered: @Andy. Empty: any is."),
            "options": {"type": "object", "description": OPTIONS},
            "remove": yes("Take part no longer; its folder stays."),
            "cancel_tasks": yes("With remove, once the owner has agreed that its tasks end."),
            "instead_of": text("A registered chat that this one takes over, tasks and all."),
        },
        ["chat"],
    ),
    "refresh_groups": ("Ask the channels for their chats; lists those that are known.", {}, []),
}


def server(*, main: bool) -> Any:
    """The MCP server. What only main may do is not shown to others, and the host refuses it whoever
    asks.
    """
    tools = TOOLS | MAIN_TOOLS if main else TOOLS
    return create_sdk_mcp_server(
        "graftbot", "1.0.0", [_tool(name, *parts) for name, parts in tools.items()]
    )


def _tool(name: str, about: str, properties: dict[str, Any], required: list[str]) -> Any:
    async def call(arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            result = await request(name, arguments)
        except (Refused, OSError, ValueError) as error:  # a TimeoutError is an OSError
            said = str(error) or "the host does not answer"
            return {"content": [{"type": "text", "text": said}], "is_error": True}
        said = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        return {"content": [{"type": "text", "text": said}]}

    given = {"properties": properties, "required": required, "additionalProperties": False}
    schema = {"type": "object", **given}
    return SdkMcpTool(name=name, description=about, input_schema=schema, handler=call)
