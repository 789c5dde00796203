"""What an agent may do through the host: messages, tasks, and for main groups. A tool says what to commit."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from bot.assistant import Assistant
from bot.errors import BotError
from bot.groups import MAIN, Group, Places
from bot.log import log
from bot.migrations import SQL
from bot.schedule import Schedule, zone_of
from bot.store import Statement, Store, stamp
from bot.tasks import COLUMNS, Task, task_of

MOST_TASKS = 200
LONGEST_TEXT = 50_000
ADD = f"INSERT INTO tasks ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'active', ?)"  # noqa: S608
CHANGE = """
    UPDATE tasks SET prompt = ?, script = ?, kind = ?, value = ?, zone = ?, isolated = ?, next_run = ?, status = ?
    WHERE id = ?
"""
LIVE = f"SELECT {COLUMNS} FROM tasks WHERE status IN ('active', 'paused')"  # noqa: S608
RUNS = "SELECT started_at, ended_at, result, error FROM runs WHERE task = ? ORDER BY id DESC LIMIT 10"


async def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Effect:
    """What is committed together with the request, what is done once that is certain, and what the agent is told."""

    result: Any = None
    statements: tuple[Statement, ...] = ()
    afterwards: Callable[[], Awaitable[None]] = _nothing


@dataclass(frozen=True, slots=True)
class Arguments:
    """What an agent sent, each value checked when it is read. Raises BotError for one that does not fit."""

    given: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it has to be there."""
        value = self.given.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or len(value) > LONGEST_TEXT or not (value.strip() or default is not None):
            raise BotError(f"{name} is no text", hint=f"give up to {LONGEST_TEXT} characters")
        return value

    def of(self, name: str, kind: type, default: Any) -> Any:
        """A value of a kind, or the default."""
        value = self.given.get(name, default)
        if not isinstance(value, kind):
            raise BotError(f"{name} is no {kind.__name__}")
        return value


class Tools:
    """Carries out what a group's agent asks. A group acts on itself; main on all."""

    def __init__(self, store: Store, assistant: Assistant, places: Places, zone: str) -> None:
        self._store = store
        self._assistant = assistant
        self._places = places
        self._zone = zone

    async def call(self, group: Group, tool: str, arguments: Mapping[str, Any]) -> Effect:
        """What a tool does for a group. Raises BotError with what the agent is told if it is refused."""
        if (handler := TOOLS.get(tool)) is None:
            raise BotError(f"there is no tool {tool[:80]!r}", hint=f"there are {', '.join(TOOLS)}")
        return await handler(self, group, Arguments(arguments))

    async def send_message(self, group: Group, arguments: Arguments) -> Effect:
        """`text`, to the group's own chat; main may name another `chat`."""
        chat = arguments.text("chat", group.chat)
        if self._store.group(chat) is None or (chat != group.chat and not group.main):
            raise BotError(f"{group.folder} may not write to {chat[:80]!r}", hint="write to your own chat")
        pieces = self._assistant.pieces(chat, [arguments.text("text")])

        async def deliver() -> None:
            self._assistant.post(chat)

        return Effect({"pieces": len(pieces)}, tuple((SQL["send"], (chat, piece)) for piece in pieces), deliver)

    async def schedule_task(self, group: Group, arguments: Arguments) -> Effect:
        """`prompt`, `kind` and `value` as Schedule has them; `timezone`, `isolated`, `script`; main: `folder`."""
        folder = arguments.text("folder", group.folder)
        if folder != group.folder and not (group.main and any(one.folder == folder for one in self._store.groups)):
            raise BotError(f"{group.folder} may not schedule for {folder[:80]!r}", hint="schedule for your own group")
        ((count,),) = await self._store.read(
            "SELECT count(*) FROM tasks WHERE folder = ? AND status IN ('active', 'paused')", (folder,)
        )
        if count >= MOST_TASKS:
            raise BotError(f"{folder} has {count} tasks already", hint="cancel some first")
        blank = Task(uuid4().hex[:12], folder, "", "", "", "", self._zone, False, "active", None)
        task = self._changed(blank, arguments)
        row = (task.id, folder, task.prompt, task.script, task.kind, task.value, task.zone, task.isolated)
        return self._tasks_changed(task, (ADD, (*row, task.next_run)))

    async def list_tasks(self, group: Group, arguments: Arguments) -> Effect:
        """The group's own tasks; main's are all."""
        rows = await self._store.read(f"{LIVE} AND (folder = ? OR ?) ORDER BY next_run", (group.folder, group.main))
        return Effect([_shown(task_of(row)) for row in rows])

    async def get_task(self, group: Group, arguments: Arguments) -> Effect:
        """A task with its last runs."""
        task = await self._task(group, arguments)
        names = ("started_at", "ended_at", "result", "error")
        runs = [dict(zip(names, row, strict=True)) for row in await self._store.read(RUNS, (task.id,))]
        return Effect({**_shown(task), "prompt": task.prompt, "script": task.script, "runs": runs})

    async def update_task(self, group: Group, arguments: Arguments) -> Effect:
        """What `schedule_task` takes, for what shall change."""
        return self._kept(self._changed(await self._task(group, arguments), arguments))

    async def pause_task(self, group: Group, arguments: Arguments) -> Effect:
        """A task runs no more until it is resumed."""
        return self._kept(replace(await self._task(group, arguments), status="paused"))

    async def resume_task(self, group: Group, arguments: Arguments) -> Effect:
        """A paused task goes on; what it missed is not made up."""
        task = await self._task(group, arguments)
        return self._kept(replace(task, status="active", next_run=stamp(task.schedule.check(datetime.now(UTC)))))

    async def cancel_task(self, group: Group, arguments: Arguments) -> Effect:
        """A task is no more; its history stays."""
        return self._kept(replace(await self._task(group, arguments), status="cancelled", next_run=None))

    async def register_group(self, group: Group, arguments: Arguments) -> Effect:
        """`chat`, `folder`, `name`, `trigger` ("" for none), `senders`, `drop`, `options`; or `chat` and `remove`."""
        _only_main(group)
        chat, now = arguments.text("chat"), self._store.group(arguments.text("chat"))
        if arguments.of("remove", bool, False):
            if now is None or now.main:
                raise BotError(f"{chat[:80]!r} cannot be removed", hint="name a registered chat other than main's")
            stop = ("UPDATE tasks SET status = 'cancelled', next_run = NULL WHERE folder = ?", (now.folder,))
            return Effect(None, (("DELETE FROM groups WHERE chat = ?", (chat,)), stop), self._groups_changed)
        folder = arguments.text("folder", now.folder if now else "")
        taken = next((one for one in self._store.groups if one.folder == folder and one.chat != chat), None)
        if (now and now.folder != folder) or (taken and folder != MAIN):
            raise BotError(f"{folder!r} or {chat!r} is registered otherwise", hint="remove that registration first")
        senders = arguments.of("senders", list, list(now.senders) if now else [])
        word = arguments.text("trigger", (now.trigger or "") if now else "")
        new = Group(
            folder,
            chat,
            arguments.text("name", now.name if now else folder),
            word.strip() or None,
            tuple(str(sender) for sender in senders),
            arguments.of("drop", bool, now.drop if now else False),
            arguments.of("options", dict, dict(now.options) if now else {}),
        )
        return Effect({"folder": folder}, ((SQL["register"], new.row()),), self._groups_changed)

    async def refresh_groups(self, group: Group, arguments: Arguments) -> Effect:
        """All chats that are known, registered or not, after every channel was asked for its groups."""
        _only_main(group)
        for channel in self._assistant.channels.values():
            try:
                found = await channel.groups()
            except Exception as error:  # noqa: BLE001  # whatever a messenger's library raises: the others are known
                log.warning("no groups", channel=channel.name, error=repr(error))
            else:
                await self._store.met(*found.items())
        known = await self._store.read("SELECT chat, name, seen_at FROM known ORDER BY seen_at DESC LIMIT 500")
        folders = {one.chat: one.folder for one in self._store.groups}
        return Effect([{"chat": c, "name": n, "seen_at": at, "folder": folders.get(c)} for c, n, at in known])

    async def _groups_changed(self) -> None:
        await self._store.load_groups()
        for group in self._store.groups:
            self._places.prepare(group)

    async def _task(self, group: Group, arguments: Arguments) -> Task:
        id_ = arguments.text("task_id")
        rows = await self._store.read(f"{LIVE} AND id = ? AND (folder = ? OR ?)", (id_, group.folder, group.main))
        if not rows:  # whether another group has it is nobody's business
            raise BotError(f"there is no task {id_[:80]!r}", hint="list_tasks has them")
        return task_of(rows[0])

    def _changed(self, task: Task, arguments: Arguments) -> Task:
        kind, value = arguments.text("kind", task.kind), arguments.text("value", task.value)
        zone = zone_of(arguments.text("timezone", task.zone)).key
        due = task.next_run
        if (kind, value, zone) != (task.kind, task.value, task.zone):
            due = stamp(Schedule(kind, value, zone).check(datetime.now(UTC)))
        prompt = arguments.text("prompt", task.prompt or None)
        script, isolated = arguments.text("script", task.script), arguments.of("isolated", bool, task.isolated)
        return Task(task.id, task.folder, prompt, script, kind, value, zone, isolated, task.status, due)

    def _kept(self, task: Task) -> Effect:
        row = (task.prompt, task.script, task.kind, task.value, task.zone, task.isolated, task.next_run, task.status)
        return self._tasks_changed(task, (CHANGE, (*row, task.id)))

    def _tasks_changed(self, task: Task, statement: Statement) -> Effect:
        async def wake() -> None:
            self._assistant.scheduler.changed()

        return Effect(_shown(task), (statement,), wake)


def _only_main(group: Group) -> None:
    if not group.main:
        raise BotError("only main may do that", hint="ask the owner")


def _shown(task: Task) -> dict[str, Any]:
    keys = ("id", "folder", "kind", "value", "zone", "isolated", "status", "next_run")
    return {**{key: getattr(task, key) for key in keys}, "prompt": task.prompt[:200]}


TOOLS: dict[str, Callable[[Tools, Group, Arguments], Awaitable[Effect]]] = {
    "send_message": Tools.send_message,
    "schedule_task": Tools.schedule_task,
    "list_tasks": Tools.list_tasks,
    "get_task": Tools.get_task,
    "update_task": Tools.update_task,
    "pause_task": Tools.pause_task,
    "resume_task": Tools.resume_task,
    "cancel_task": Tools.cancel_task,
    "register_group": Tools.register_group,
    "refresh_groups": Tools.refresh_groups,
}
