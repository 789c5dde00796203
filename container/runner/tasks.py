"""The tools for scheduled tasks, as they are told to the agent; the host carries them out."""

from __future__ import annotations

from typing import Any

__all__ = ["TASK_TOOLS", "text", "yes"]


def text(about: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": about, **more}


def yes(about: str) -> dict[str, Any]:
    return {"type": "boolean", "description": about}


ID = {"task_id": text("The task's identifier, from list_tasks.")}
TASK: dict[str, Any] = {
    "prompt": text("What to do each time; an isolated task sees nothing of this conversation."),
    "kind": text("How `value` is read.", enum=["cron", "interval", "once"]),
    "value": text(
        "cron: five fields. interval: seconds. once: ISO 8601 local time, such as 2030-01-31T09:00."
    ),
    "timezone": text("IANA name such as Europe/Berlin; without one, the assistant's."),
    "isolated": yes("In a fresh conversation each time, not in this one."),
    "script": text(
        "Optional bash script that runs first. Its last line of output is JSON: {'wake': false}"
        " ends the run without an agent; {'wake': true, 'data': ...} wakes it with the data."
    ),
}
TASK_TOOLS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "schedule_task": (
        "Schedule a task for this group. Only the main group may name another.",
        {**TASK, "folder": text("The folder of the group that the task is for.")},
        ["prompt", "kind", "value"],
    ),
    "list_tasks": ("The tasks of this group; for the main group, all.", {}, []),
    "get_task": ("A task with its latest runs.", ID, ["task_id"]),
    "update_task": ("Change a task; what is not named stays.", {**ID, **TASK}, ["task_id"]),
    "pause_task": ("Pause a task.", ID, ["task_id"]),
    "resume_task": ("Resume a paused task.", ID, ["task_id"]),
    "cancel_task": ("Cancel a task for good.", ID, ["task_id"]),
}
