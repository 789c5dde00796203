"""The tools for tasks: of the agent's own group, or, as main, of all."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from bot.errors import BotError
from bot.groups import Group
from bot.migrations import SQL
from bot.prompt import zone_of
from bot.rows import stamp
from bot.schedule import Schedule
from bot.tasks import COLUMNS, Task, task_of
from bot.tools.base import Arguments, Effect, Host, Tool

MOST_TASKS = 200
KEEP = f"""
    INSERT INTO tasks ({COLUMNS}, set_at) VALUES (:{COLUMNS.replace(", ", ", :")}, :set_at)
    ON CONFLICT (id) DO UPDATE SET prompt = :prompt, script = :script, kind = :kind,
    value = :value, zone = :zone, isolated = :isolated, next_run = :next_run, status = :status,
    set_at = :set_at
"""  # noqa: S608
LIVE = f"SELECT {COLUMNS} FROM tasks WHERE status IN ('active', 'paused')"  # noqa: S608
RUNS = (
    "SELECT started_at, ended_at, result, error FROM runs WHERE task = ? ORDER BY id DESC LIMIT 10"
)


async def schedule_task(host: Host, group: Group, arguments: Arguments) -> Effect:
    """`prompt`, `kind` and `value` as Schedule has them; `timezone`, `isolated`, `script`; main:
    `folder`.
    """
    folder = arguments.text("folder", group.folder)
    if folder != group.folder and not (group.main and host.store.folders.get(folder)):
        why = f"{group.folder} may not schedule for {folder[:80]!r}"
        raise BotError(why, hint="schedule for your own group")
    ((count,),) = await host.store.read(SQL["live_tasks"], (folder,))
    if count >= MOST_TASKS:
        raise BotError(f"{folder} has {count} tasks already", hint="cancel some first")
    zone = host.settings.timezone
    blank = Task(uuid4().hex[:12], folder, "", "", "", "", zone, False, "active", None)
    return _kept(host, _with(blank, arguments))


async def list_tasks(host: Host, group: Group, arguments: Arguments) -> Effect:
    """The group's own tasks; main's are all."""
    query = f"{LIVE} AND (folder = ? OR ?) ORDER BY next_run"
    rows = await host.store.read(query, (group.folder, group.main))
    return Effect([_shown(task_of(row)) for row in rows])


async def get_task(host: Host, group: Group, arguments: Arguments) -> Effect:
    """A task with its last runs."""
    task = await _find(host, group, arguments)
    names = ("started_at", "ended_at", "result", "error")
    runs = [dict(zip(names, row, strict=True)) for row in await host.store.read(RUNS, (task.id,))]
    return Effect({**_shown(task), "prompt": task.prompt, "script": task.script, "runs": runs})


async def update_task(host: Host, group: Group, arguments: Arguments) -> Effect:
    """What `schedule_task` takes, for what shall change."""
    return _kept(host, _with(await _find(host, group, arguments), arguments))


async def pause_task(host: Host, group: Group, arguments: Arguments) -> Effect:
    """A task runs no more until it is resumed."""
    return _kept(host, replace(await _find(host, group, arguments), status="paused"))


async def resume_task(host: Host, group: Group, arguments: Arguments) -> Effect:
    """A paused task goes on; what it missed is not made up."""
    task = await _find(host, group, arguments)
    due = stamp(task.schedule.check(datetime.now(UTC)))
    return _kept(host, replace(task, status="active", next_run=due))


async def cancel_task(host: Host, group: Group, arguments: Arguments) -> Effect:
    """A task is no more; its history stays."""
    task = await _find(host, group, arguments)
    return _kept(host, replace(task, status="cancelled", next_run=None))


async def _find(host: Host, group: Group, arguments: Arguments) -> Task:
    id_ = arguments.text("task_id")
    query = f"{LIVE} AND id = ? AND (folder = ? OR ?)"
    rows = await host.store.read(query, (id_, group.folder, group.main))
    if not rows:  # whether another group has it is nobody's business
        raise BotError(f"there is no task {id_[:80]!r}", hint="list_tasks has them")
    return task_of(rows[0])


def _with(task: Task, arguments: Arguments) -> Task:
    kind, value = arguments.text("kind", task.kind), arguments.text("value", task.value)
    zone = zone_of(arguments.text("timezone", task.zone)).key
    due = task.next_run
    if not task.kind or (kind, value, zone) != (task.kind, task.value, task.zone):
        due = stamp(Schedule(kind, value, zone).check(datetime.now(UTC)))
    prompt = arguments.text("prompt", task.prompt or None)
    script = arguments.text("script", task.script)
    isolated = arguments.of("isolated", bool, task.isolated)
    return Task(task.id, task.folder, prompt, script, kind, value, zone, isolated, task.status, due)


def _kept(host: Host, task: Task) -> Effect:
    async def tell() -> None:
        host.assistant.news["tasks"].set()

    values = asdict(task) | {"set_at": stamp(datetime.now(UTC))}
    return Effect(_shown(task), ((KEEP, values),), tell)


def _shown(task: Task) -> dict[str, Any]:
    keys = ("id", "folder", "kind", "value", "zone", "isolated", "status", "next_run")
    return {**{key: getattr(task, key) for key in keys}, "prompt": task.prompt[:200]}


TASK_TOOLS: dict[str, Tool] = {
    "schedule_task": schedule_task,
    "list_tasks": list_tasks,
    "get_task": get_task,
    "update_task": update_task,
    "pause_task": pause_task,
    "resume_task": resume_task,
    "cancel_task": cancel_task,
}
