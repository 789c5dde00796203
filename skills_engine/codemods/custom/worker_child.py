"""The worker process: run by path in a bare interpreter, so it imports nothing of this project.

Reads one JSON request from standard input, confines itself, runs the codemod
class on each file twice, and writes one JSON answer to what was its standard
output; from then on the code's own output goes to standard error.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import linecache
import os
import resource
import sys
import traceback
import types
from typing import Any

import libcst as cst
from libcst.codemod import Codemod, CodemodContext, SkipFile

_BOM = b"\xef\xbb\xbf"


def confine(seconds: int, memory: int) -> None:
    """No new files, no core dumps, no children, so much memory and so much time on a processor.

    A limit that the system does not have (RLIMIT_AS on macOS) is left out.
    """
    limits = {"AS": memory, "CPU": seconds, "FSIZE": 0, "CORE": 0, "NPROC": 0}
    for name, value in limits.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):
            kind = getattr(resource, f"RLIMIT_{name}")
            _, hard = resource.getrlimit(kind)
            if hard != resource.RLIM_INFINITY:
                value = min(value, hard)  # noqa: PLW2901 - a limit can only be lowered
            resource.setrlimit(kind, (value, value))


def load(code: str, name: str, class_name: str) -> type[Codemod]:
    linecache.cache[name] = (len(code), None, io.StringIO(code).readlines(), name)
    module = types.ModuleType("codemod")
    module.__file__ = name
    sys.modules["codemod"] = module
    exec(compile(code, name, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - what the worker is for
    found = getattr(module, class_name, None)
    if not (isinstance(found, type) and issubclass(found, Codemod)):
        raise TypeError(f"{class_name} is no class derived from libcst.codemod.Codemod")
    return found


def transform(codemod: type[Codemod], arguments: dict[str, Any], path: str, data: bytes) -> bytes:
    bom = _BOM if data.startswith(_BOM) else b""
    module = (
        path.removesuffix(".py").removesuffix("/__init__").removeprefix("src/").replace("/", ".")
    )
    package = module if path.endswith("/__init__.py") else module.rpartition(".")[0]
    context = CodemodContext(filename=path, full_module_name=module, full_package_name=package)
    try:
        tree = codemod(context, **arguments).transform_module(
            cst.parse_module(data.removeprefix(_BOM))
        )
    except SkipFile:
        return data
    return bom + tree.bytes


def failure(error: BaseException, name: str, path: str) -> dict[str, str]:
    """The exception, and the last line of the skill's own code in its traceback."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == name]
    where = f"{name}:{frames[-1].lineno}: {frames[-1].line}" if frames else ""
    if isinstance(error, SyntaxError) and error.filename == name:
        where = f"{name}:{error.lineno}: {(error.text or '').strip()}"
    return {
        "error": "".join(traceback.format_exception_only(error)).strip(),
        "where": where,
        "path": path,
    }


def answer(request: dict[str, Any]) -> dict[str, Any]:
    name, path = request["name"], ""
    try:
        codemod = load(request["code"], name, request["class"])
        changed = {}
        for path, text in request["files"].items():
            data = base64.b64decode(text)
            once = transform(codemod, request["arguments"], path, data)
            try:
                cst.parse_module(once.removeprefix(_BOM))
            except cst.ParserSyntaxError as error:
                return {
                    "error": f"its result does not parse: {error.message}",
                    "where": "",
                    "path": path,
                }
            if transform(codemod, request["arguments"], path, once) != once:
                return {"moving": path}
            changed[path] = base64.b64encode(once).decode("ascii")
    except BaseException as error:  # noqa: BLE001 - whatever a skill's code raises is its answer
        return failure(error, name, path)
    return {"files": changed}


def main() -> None:
    request = json.loads(sys.stdin.buffer.read())
    out = os.dup(1)
    os.dup2(2, 1)
    confine(request["seconds"], request["memory"])
    with os.fdopen(out, "wb") as stream:
        stream.write(json.dumps(answer(request)).encode("ascii"))
        stream.flush()
        os._exit(0)  # nothing that the code left behind (threads, exit handlers) runs on


if __name__ == "__main__":
    main()
