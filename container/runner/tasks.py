"""The tools for scheduled tasks, as they are told to the agent; the host carries them out."""

from __future__ import annotations

from typing import Any

__all__ = ["TASK_TOOLS"]


def _text(about: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": about, **more}


ID = {"task_id": _text("The task's identifier, from list_tasks.")}
TASK: dict[str, Any] = {
    "prompt": _text(
        "What the agent is to do each time. It sees nothing of this conversation if the task is"
        " isolated."
    ),
    "kind": _text("How `value` is read.", enum=["cron", "interval", "once"]),
    "value": _text(
        "cron: five fields. interval: seconds. once: ISO 8601 local time, such as 2030-01-31T09:00."
    ),
    "timezone": _text("IANA name such as Europe/Berlin; without one, the assistant's."),
    "isolated": {
        "type": "boolean",
        "description": "In a fresh conversation each time, not in this one.",
    },
    "script": _text(
        "Optional bash script that runs first. Its last line of output is JSON: {'wake': false}"
        " ends the run without an agent; {'wake': true, 'data': ...} wakes it with the data."
    ),
}
TASK_TOOLS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
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
