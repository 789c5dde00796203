"""A process that has imported the program `skills` and forks for each run of it.

What runs is a process of its own, with its own folder, environment, descriptors and end. Only the
imports, most of what a short command costs, are paid once. `skills_command` and `console` start the
program from nothing; tests/test_harness.py compares the two.

A request is one line of JSON with the three standard descriptors beside it. The answer is the exit
status as `subprocess` counts it.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["fits", "run", "serve"]

_TESTS = Path(__file__).parents[1]
_PROGRAM = """
import sys
from harness.forking import serve
serve(sys.argv[1])
from skills_engine.cli import main
main()
"""
_AT_START = ("PYTHON", "LC_", "LANG", "LD_")
"""The beginnings of variables that a process obeys as it starts."""


def fits(env: Mapping[str, str], usual: Mapping[str, str]) -> bool:
    """Whether a process that was started with one environment may stand for one with the other."""
    names = {name for name in (*env, *usual) if name.startswith(_AT_START)}
    return all(env.get(name) == usual.get(name) for name in names)


def run(args: Sequence[str], cwd: Path, env: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Exit status, output and messages of `skills ARGS`, with nothing to read."""
    with (
        Path(os.devnull).open("rb") as nothing,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        socket.socket(socket.AF_UNIX) as connection,
    ):
        connection.connect(_server())
        request = json.dumps({"args": args, "cwd": str(cwd), "env": dict(env)}).encode() + b"\n"
        socket.send_fds(connection, [request[:1]], [nothing.fileno(), out.fileno(), err.fileno()])
        connection.sendall(request[1:])
        with connection.makefile("rb") as answer:
            code = int(answer.readline())
        out.seek(0)
        err.seek(0)
        return code, out.read(), err.read()


@functools.cache
def _server() -> str:
    """The address of this process's server, which ends when this process does, however that ends."""
    folder = tempfile.mkdtemp(prefix="skills-")
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, folder],
        env={**kept, "PYTHONPATH": os.pathsep.join([str(_TESTS.parent), str(_TESTS)])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # an interrupt at the terminal is for the tests
    )
    _kept.append(process)
    assert process.stdout is not None
    return os.fsdecode(process.stdout.readline()).rstrip("\n")


_kept: list[subprocess.Popen[bytes]] = []
"""Held for their standard inputs, which the end of this process closes."""


def serve(folder: str) -> None:
    """Answer requests until standard input ends. Returns in a child, ready to be the program."""
    import skills_engine  # noqa: PLC0415

    for module in pkgutil.walk_packages(skills_engine.__path__, "skills_engine."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()  # or each child's collector would copy all that was imported
    with socket.socket(socket.AF_UNIX) as listening:
        address = Path(folder, "socket")
        listening.bind(str(address))
        listening.listen()
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        while listening in select.select([listening, sys.stdin], [], [])[0]:
            connection, _ = listening.accept()
            if not os.fork():
                break
            connection.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
        else:
            address.unlink()
            address.parent.rmdir()
            sys.exit()
    with connection:
        _answer(connection)


def _answer(connection: socket.socket) -> None:
    """Become what was asked for, in a child whose end this process tells."""
    first, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rb") as asked:
        request = json.loads(first + asked.readline())
    child = os.fork()
    if child:
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(child, 0)
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.path.remove(str(_TESTS))
    sys.argv = ["skills", *request["args"]]
    tempfile.tempdir = None  # it was found for another environment
