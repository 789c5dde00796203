"""A task's script, which runs before the agent and decides whether it is needed."""

from __future__ import annotations

import asyncio
import json

from runner.protocol import log

__all__ = ["precheck"]

PATIENCE = 300.0


async def precheck(script: str, prompt: str) -> str | None:
    """The prompt, with the script's data if it gave any; None if the agent is not to be woken.

    The last line of output is `{"wake": bool, "data": anything}`. A script that fails, takes too
    long or says something else wakes the agent, which is told so: a broken check must not go
    unnoticed.
    """
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script),
        cwd="/workspace/group",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        return f"{prompt}\n\nThe check before this task did not end within {PATIENCE:.0f} seconds."
    code = process.returncode
    lines = output.decode("utf-8", "replace").strip().splitlines()
    log(f"the check ended with {code}")
    try:
        said = json.loads(lines[-1]) if code == 0 else {}
        wake, data = bool(said["wake"]), said.get("data")
    except (ValueError, KeyError, TypeError, IndexError):
        told = "\n".join(lines[-5:])
        return f"{prompt}\n\nThe check before this task failed with {code}; it said: {told}"
    if not wake:
        return None
    more = "" if data is None else f"\n\nThe check before this task says: {json.dumps(data)}"
    return prompt + more
