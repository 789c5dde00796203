"""`python tests/simulation/mutants.py`: mistakes in the message path, made from its code one at a
time; each must be seen by the simulation. 1 if one is not that is not explained.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import inspect
import json
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from hashlib import sha256
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

MODULES = (
    *("assistant", "turns", "store", "transactions", "deliveries", "workers", "tasks", "scheduler"),
    *("budget", "pairing", "attachments"),
)
SEEDS, SAMPLE = 300, 80
SECONDS = 30.0
"""Of the processor, for one seed: more is an endless loop."""
SOME = 40
"""Seeds before the plans that have tests of their own; the others come after those."""
EXPLAINED = {
    "assistant.Assistant.receive: never returns early: if not accepts(group, message):": (
        "no group of the simulation drops what strangers write: tests/bot/test_assistant.py::"
        "test_only_registered_chats_and_trusted_senders_are_answered"
    ),
    "assistant.Assistant.receive: not called: self._albums.append((chat, message.album))": (
        "the simulation has no albums: tests/bot/test_attachments.py::"
        "test_the_parts_of_an_album_are_one_turn_if_one_of_them_asks"
    ),
    "assistant.Assistant.__init__: not kept: agent.tell = self._alarms.tell": (
        "the simulation's engine has its image, and an agent tells of nothing else: tests/containers/"
        "test_defaults.py::test_a_bot_that_was_not_set_up_says_so_before_anybody_writes"
    ),
    "assistant.Assistant.__init__: not kept: self.wake_delivery = self._deliveries.wake": (
        "skills call it, and what they have stored has woken the delivery by then"
    ),
    "assistant.Assistant._met: never returns early: if message.bot or channel is None or "
    "(not channel.pairs):": (
        "no bot writes in the simulation, and each of its messengers pairs: tests/bot/test_pairing.py"
        "::test_a_bot_and_the_owners_own_account_show_no_code"
    ),
    "assistant.Assistant.receive: skipped: await self._store.load_groups()": (
        "the instant between a registration's write and its being read is too short for it: tests/bot/"
        "test_assistant.py::test_who_is_registered_in_that_very_instant_is_answered"
    ),
    "assistant.Assistant._let_in: skipped: await self._store.load_groups()": (
        "who does not find a chat reads registrations again if they have changed"
    ),
    "assistant.Assistant.receive: unlocked: async with self._pairing.lock:": (
        "no two codes are typed in one instant: tests/bot/test_pairing.py::"
        "test_two_codes_that_are_typed_at_once_let_two_in"
    ),
    "assistant.Assistant.run: moved down: await asyncio.gather(*(queue.stop(grace) for queue in "
    "self._queues))": "what an agent answers in the last seconds is then sent after the next start",
    "turns._typing: skipped: await channel.typing(chat)": (
        "no message is one: tests/bot/test_assistant.py::"
        "test_typing_is_kept_alive_while_the_agent_works_and_its_failure_costs_nothing"
    ),
    "turns.Turns._join: never returns early: if self._under_way(chat) is not running or "
    "self._most(chat) == 1:": (
        "what joins a message that is asked by itself is refused with it at worst, and asked by "
        "itself then; a turn that is over takes nothing, unless another begins in that very step"
    ),
    "assistant.Assistant.receive: not called: self._fetches.wake(chat)": (
        "who asks fetches what is not there yet; each file of the simulation comes with a question: "
        "tests/bot/test_attachments.py::test_a_file_is_fetched_though_nobody_asks_yet"
    ),
    "turns.Turns.fresh: moved down: await self._agent.forget(group.folder)": (
        "an answer would have to look for the conversation within the same few steps: tests/bot/"
        "test_commands.py::test_new_ends_what_runs_and_forgets_the_session"
    ),
    "assistant.Assistant.registered: not called: self._deliveries.wake(name)": (
        "what was to be sent under the old name is under way there, and goes on under the new one; "
        "only where the old name's messenger is not there at all nothing is under way"
    ),
    "store.Store.register: moved down: await self.write(*self.registered(group))": (
        "who does not find a chat reads registrations again if they have changed"
    ),
    "store.Store.register: skipped: await self.load_groups()": "likewise",
    "store.Store._transact: not kept: self._changes += changes": (
        "the second of the two: it is for two changes at once, of which one is read while the other "
        "is written; then that other one is read by whoever made it"
    ),
    "store.Store.obeyed: split at 1: await self.write((SQL['counted_anew'], identity_of(message))"
    ", *sends, *more, taken)": (
        "what comes first gives an older message another identifier, and changes nothing when it "
        "is done again, as it is when the message is brought again"
    ),
    "store.open_store: skipped: await store.write()": (
        "nobody else holds the simulation's store when it is opened: tests/bot/test_database.py::"
        "test_a_store_that_another_program_holds_is_waited_for"
    ),
    "store.open_store: moved down: await store.write()": "likewise",
    "deliveries.Deliveries._deliver: skipped: await self._store.load_groups()": (
        "who reads registrations wakes chats and topics that are registered; another topic's piece "
        "is sought in that very moment: tests/bot/test_pairing.py::"
        "test_a_chat_that_has_another_name_by_now_has_its_code_still"
    ),
    "store.open_store: never returns early: if code(error) not in LOCKED or waited > PATIENCE:": (
        "a disk that has failed once is well again here, and waiting for it helps: "
        "tests/bot/test_as_people_run_it.py::test_what_cannot_hold_the_data_is_named"
    ),
    "tasks.Tasks.recover: split at 1: await self._store.write(*ended, *begun)": (
        "a run that was only ended in the history is claimed still, and begun at the next start"
    ),
    "scheduler.Scheduler._run: not called: self._trials.pop(id_, None)": (
        "attempts of a task that is over stay in memory, where nobody asks for them"
    ),
    "attachments.Files._one: skipped: await asyncio.sleep(self.backoff.delay(attempt) * "
    "(attempt < ATTEMPTS))": "three attempts without a pause between them are three attempts",
    "attachments.Files._one: never returns early: if one.size > self._most or not self._most:": (
        "its files are small: tests/bot/test_attachments.py::"
        "test_what_cannot_be_fetched_says_why_and_the_message_is_answered"
    ),
    "pairing.Pairing.typed: never returns early: if code in self._used_up:": (
        "whether a code is answered as done or as unknown is not looked at: tests/bot/test_pairing.py"
        "::test_the_owner_types_the_code_and_the_chat_is_answered"
    ),
    "attachments.Files.fetch: unlocked: async with self._locks[chat]:": (
        "two who fetch the same file at once write the same; it is fetched twice, that is all"
    ),
}
"""By name, why the simulation cannot see it, or which test does."""
CALLS = {"wake", "_wake", "set", "add", "discard", "cancel", "append", "pop", "clear", "close"}


@dataclass(frozen=True)
class Mutant:
    """A statement by module, function and line, and what becomes of it."""

    module: str
    where: str
    line: int
    kind: str
    code: str
    source: str

    @property
    def name(self) -> str:
        """What stays when lines move."""
        return f"{self.module}.{self.where}: {self.kind}: {self.code}"


def mutants(module: str) -> Iterator[Mutant]:
    """All that can be made of a module."""
    text = (ROOT / f"bot/{module}.py").read_text("utf-8")
    tree = ast.parse(text)
    for body, where in _bodies(tree, ""):
        for index, statement in enumerate(body):
            for kind, new, count in _changes(body, index):
                old = body[:]
                body[index : index + count] = new
                source = ast.unparse(ast.fix_missing_locations(copy.deepcopy(tree)))
                body[:] = old
                code = ast.unparse(statement).split("\n")[0][:90]
                yield Mutant(module, where, statement.lineno, kind, code, source)


def _bodies(node: ast.AST, where: str) -> Iterator[tuple[list[ast.stmt], str]]:
    for name in ("body", "orelse", "finalbody", "handlers"):
        found = getattr(node, name, None)
        if not isinstance(found, list):
            continue
        if name != "handlers" and not isinstance(node, ast.Module | ast.ClassDef):
            yield found, where
        for child in found:
            inner = where
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                inner = f"{where}.{child.name}".strip(".")
            yield from _bodies(child, inner)


def _changes(body: Sequence[ast.stmt], index: int) -> Iterator[tuple[str, list[ast.stmt], int]]:
    one = body[index]
    call = _call(one)
    if call is not None and isinstance(one, ast.Expr):
        awaited = isinstance(one.value, ast.Await)
        name = _name(call)
        if awaited or name.split(".")[-1] in CALLS:
            yield "skipped" if awaited else "not called", [ast.Pass()], 1
        if awaited and name.endswith("write") and len(call.args) > 1:
            for at in range(1, len(call.args)):
                parts = [_with(one, call.args[:at]), _with(one, call.args[at:])]
                yield f"split at {at}", parts, 1
                break
        after = body[index + 1] if index + 1 < len(body) else None
        if awaited and isinstance(after, ast.Expr | ast.Assign | ast.Delete):
            yield "moved down", [after, one], 2
    if _state(one):
        yield "not kept", [ast.Pass()], 1
    if isinstance(one, ast.AsyncWith):
        yield "unlocked", [ast.If(ast.Constant(True), one.body, [])], 1
    if isinstance(one, ast.Return) and isinstance(one.value, ast.Await | ast.Compare):
        inner = copy.deepcopy(one)
        for node in ast.walk(inner):
            if isinstance(node, ast.Await) and _shield(node.value):
                assert isinstance(node.value, ast.Call)
                node.value = node.value.args[0]
                yield "not shielded", [inner], 1
    if (
        isinstance(one, ast.If)
        and not one.orelse
        and any(isinstance(last, ast.Return | ast.Continue | ast.Raise) for last in one.body)
    ):
        yield "never returns early", [ast.Pass()], 1


def _state(one: ast.stmt) -> bool:
    """Whether a statement changes what something else looks at later."""
    if isinstance(one, ast.AugAssign):
        return isinstance(one.target, ast.Attribute | ast.Subscript)
    if isinstance(one, ast.Assign) and not isinstance(one.value, ast.Await):
        return all(isinstance(target, ast.Attribute | ast.Subscript) for target in one.targets)
    return isinstance(one, ast.Delete)


def _shield(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _name(node) == "asyncio.shield"


def _call(statement: ast.stmt) -> ast.Call | None:
    value = statement.value if isinstance(statement, ast.Expr) else None
    value = value.value if isinstance(value, ast.Await) else value
    return value if isinstance(value, ast.Call) else None


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func)


def _with(statement: ast.Expr, arguments: list[ast.expr]) -> ast.stmt:
    new = copy.deepcopy(statement)
    call = _call(new)
    assert call is not None
    call.args = arguments
    return new


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads the module of a mutant in the place of the bot's own."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != f"bot.{self._mutant.module}":
            return None
        return importlib.util.spec_from_loader(name, self)

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(ROOT / f"bot/{self._mutant.module}.py")
        exec(compile(self._mutant.source, module.__file__, "exec"), vars(module))  # noqa: S102


def sample(all_: Sequence[Mutant], most: int) -> list[Mutant]:
    """So many, the same ones each time, however lines move; as they stand in the code."""
    chosen = sorted(all_, key=lambda one: sha256(one.name.encode()).digest())[:most]
    return [one for one in all_ if one in chosen]


def order(seeds: int) -> list[int]:
    """Seeds, those first in which most happens that no earlier one has, for what they cost."""
    from simulation.plan import plan_of  # noqa: PLC0415

    plans = {seed: plan_of(seed) for seed in range(seeds)}
    seen: Counter[str] = Counter()
    chosen: list[int] = []
    while plans:

        def worth(seed: int) -> float:
            new = sum(0.5 ** seen[kind] for kind in plans[seed].kinds)
            return new / (5 + len(plans[seed].posts))

        chosen.append(best := max(plans, key=worth))
        seen.update(plans.pop(best).kinds)
    return chosen


def tried(mutant: Mutant, seeds: Sequence[int]) -> str:
    """How it was killed; nothing if it was not. It lives in a process of its own."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.close(reading)
        os.write(writing, _in_child(mutant, seeds).encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read()
    _, status = os.waitpid(child, 0)
    return said if not status else f"seed ?: ended by signal {status}"


def _in_child(mutant: Mutant, seeds: Sequence[int]) -> str:
    for name in [*sys.modules]:
        if name.split(".")[0] in {"bot", "simulation", "doubles"}:
            del sys.modules[name]  # what they import themselves stays
    sys.meta_path.insert(0, Finder(mutant))
    seed = -1
    try:
        from simulation.plan import plan_of  # noqa: PLC0415  # not before the mutant is there
        from simulation.run import simulate  # noqa: PLC0415

        for seed in seeds[:SOME]:
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)  # whose end is the process's
            if problems := simulate(plan_of(seed)).problems:
                return f"seed {seed}: {problems[0]}"
        for name, scenario in _scenarios():
            signal.setitimer(signal.ITIMER_VIRTUAL, 4 * SECONDS)
            try:
                scenario()
            except AssertionError as error:
                return f"{name}: {_problem(error)}"
        for seed in seeds[SOME:]:
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            if problems := simulate(plan_of(seed)).problems:
                return f"seed {seed}: {problems[0]}"
    except BaseException as error:  # noqa: BLE001  # a mutant may raise anything
        return f"seed {seed}: {error!r}"
    return ""


def _problem(error: AssertionError) -> str:
    found = re.search(r"PROBLEM (.*)", str(error))
    return found[1] if found else "it does not hold"


def _scenarios() -> Iterator[tuple[str, Callable[[], None]]]:
    """The plans that have a test of their own."""
    import test_simulation  # noqa: PLC0415

    for name, found in vars(test_simulation).items():
        plain = inspect.isfunction(found) and not inspect.iscoroutinefunction(found)
        if plain and name.startswith("test_") and not inspect.signature(found).parameters:
            yield name, found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python tests/simulation/mutants.py", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help="default: 300")
    parser.add_argument("--only", default="", metavar="TEXT", help="of those whose name has this")
    parser.add_argument(
        "--sample", type=int, default=SAMPLE, metavar="N", help=f"0 is all (default: {SAMPLE})"
    )
    parser.add_argument("--list", action="store_true", help="name them, and try none")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="what was killed before needs one seed"
    )
    options = parser.parse_args(arguments)
    all_ = [one for module in MODULES for one in mutants(module) if options.only in one.name]
    chosen, began = sample(all_, options.sample or len(all_)), time.monotonic()
    if options.list:
        print("\n".join(one.name for one in chosen))
        return 0
    if not options.only and (gone := EXPLAINED.keys() - {one.name for one in all_}):
        print(f"explained, and not there: {sorted(gone)}")
        return 1
    known: dict[str, int] = {}
    if options.state and options.state.exists():
        lines = options.state.read_text("utf-8").splitlines()
        known = {name: seed for name, seed in map(json.loads, lines)}
    found: Counter[str] = Counter()
    for one, how in _all(chosen, order(options.seeds), known, options.jobs):
        verdict = "killed" if how else "explained" if one.name in EXPLAINED else "SURVIVED"
        found[verdict] += 1
        print(f"{verdict:9} {one.name}  [{how[:120]}]", flush=True)
        number = how.partition(":")[0].removeprefix("seed ")
        if options.state and number.isdigit():
            with options.state.open("a") as file:
                file.write(json.dumps([one.name, int(number)]) + "\n")
    print(f"{len(chosen)} mutants: {dict(found)}; {time.monotonic() - began:.0f} s")
    return bool(found["SURVIVED"])


def _all(
    chosen: Sequence[Mutant], seeds: Sequence[int], known: dict[str, int], jobs: int
) -> Iterator[tuple[Mutant, str]]:
    """Each with how it was killed, as it comes."""
    from simulation import run  # noqa: F401, PLC0415  # what it imports is there when we fork

    with ThreadPoolExecutor(jobs) as pool:
        trials = {}
        for one in chosen:
            first = [known[one.name]] if one.name in known else []
            trials[pool.submit(tried, one, [*first, *seeds])] = one
        for trial in as_completed(trials):
            yield trials[trial], trial.result()


if __name__ == "__main__":
    sys.exit(main())
