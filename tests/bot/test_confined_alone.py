"""Nothing but bot/confined.py touches what agents can write: neither by its text nor when it
runs.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    [*(ROOT / "bot").rglob("*.py"), *(ROOT / ".claude/skills").glob("*/add/bot/**/*.py")]
)
MAY_NAME = {"bot/confined.py", "bot/paths.py"}
MOUNTS = {"bot/agents/container.py", "bot/attachments.py"}
"""Where the path of a tree is used: as the source of a mount, and to tell the owner where a file
is.
"""
OF_A_TREE = re.compile(r"\b(tree|paths|group\(|session\(|ipc\()")
TREES = {"groups", "sessions", "ipc"}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_has_no_path_of_a_tree_and_makes_none(path: Path) -> None:
    """Trees come from `Paths`, and `Tree.source`, their path, is read for mounts alone."""
    if named(path) in MAY_NAME:
        return
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Attribute(attr="source") if OF_A_TREE.search(ast.unparse(node)):
                found += [] if named(path) in MOUNTS else [ast.unparse(node)]
            case ast.Constant(value=str(part)) if TREES & set(part.split("/")):
                found += [] if part.startswith("/workspace/") else [part]  # that is the container's
            case ast.Attribute(attr="walk" | "fwalk" | "copytree"):
                found.append(ast.unparse(node))
    assert found == []


AUDIT = """
import os, sys
from pathlib import Path

data = Path(sys.argv[1]).resolve()
TREES = [str(data / name) + "/" for name in ("groups", "sessions", "ipc")]
DEEDS = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.remove", "os.rmdir", "os.rename",
    "os.link", "os.symlink", "os.chmod", "os.chown", "os.truncate", "os.utime", "shutil.rmtree",
    "shutil.copyfile", "shutil.move", "os.walk", "os.fwalk", "glob.glob", "pathlib.Path.glob",
    "tempfile.mkdtemp", "tempfile.mkstemp", "os.setxattr"}
seen = []

def hook(deed, arguments):
    if deed not in DEEDS:
        return
    for one in arguments[:2]:
        if isinstance(one, (str, bytes, os.PathLike)):
            path = os.path.abspath(os.fsdecode(one)) + "/"
            below = [tree for tree in TREES if path.startswith(tree) and path != tree]
            if below and path.removeprefix(below[0]).count("/") > 1:
                frame, names = sys._getframe(1), []
                while frame:
                    names.append(frame.f_globals.get("__name__", ""))
                    frame = frame.f_back
                by = next((name for name in names if name.startswith("bot.")), "")
                if by and by != "bot.confined":
                    seen.append((deed, path, by))

sys.addaudithook(hook)
"""
WHOLE = (
    AUDIT
    + """
import asyncio, json
from bot.assistant import Assistant
from bot.agents.container import ContainerAgent
from bot.groups import Group
from bot.ipc import Ipc
from bot.paths import Paths
from bot.settings import Secret, Settings
from bot.store import open_store
from bot.tools import Host
sys.path.append("tests")
from doubles import FunctionAgent, MemoryChannel, MemoryRuntime
from bot.messages import Turn

async def echo(stdin, write):
    said = json.loads(await stdin.readline())
    answer = {"type": "result", "turn": said["turn"], "text": "hi", "session": "s"}
    write(1, b"\\n---GRAFTBOT-RESULT---\\n" + json.dumps(answer).encode() + b"\\n---END---\\n")
    await stdin.readline()
    return 0

async def main():
    settings = Settings(graftbot_data=data, anthropic_api_key=Secret("k"))
    group = Group("main", "memory:main", "Main")
    async with open_store(data) as store:
        await store.register(group)
        agent = ContainerAgent(settings, MemoryRuntime(echo))
        await agent.open(store)
        assert await agent.answer(Turn(group.chat, (), (), 1, group, "hello")) == ["hi"]
        await agent.close()
        ask = {"id": "1", "tool": "send_message", "arguments": {"text": "x"}}
        requests = data / "ipc/main/requests"
        (requests / "1.json").write_text(json.dumps(ask))
        (requests / "bad.json").mkdir()
        assistant = Assistant(store, [MemoryChannel(stays=True)], FunctionAgent(None))
        paths = Paths(data)
        ipc = Ipc(Host(store, assistant, paths, settings))
        running = asyncio.create_task(ipc.run())
        while not (data / "ipc/main/replies/1.json").exists():
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

asyncio.run(main())
assert not seen, seen
# and the hook sees what it is to see
wrong = "open(os.path.join(sys.argv[1], 'groups/main/x'), 'w').close()"
exec(wrong, {**globals(), "__name__": "bot.somewhere"})
assert [by for _, _, by in seen] == ["bot.somewhere"], seen
print("alone")
"""
)


def test_when_it_runs_no_other_module_opens_a_path_in_a_tree(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WHOLE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert ended.stdout == "alone\n", ended.stderr
