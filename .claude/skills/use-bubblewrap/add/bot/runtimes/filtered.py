"""The filter of system calls as a program for the kernel, by libseccomp."""

import ctypes
import os
from typing import Any

from bot.runtimes.seccomp import profile

ALLOW, REFUSE, PERMISSION = 0x7FFF0000, 0x00050000, 1
COMPARE = {"SCMP_CMP_EQ": 4, "SCMP_CMP_MASKED_EQ": 7}
UNKNOWN = -1  # to a library that is older than the call


class Argument(ctypes.Structure):
    """scmp_arg_cmp of seccomp.h."""

    _fields_ = (
        ("number", ctypes.c_uint),
        ("compare", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def program() -> bytes:
    """The core's profile, compiled for this machine. Raises OSError without the library."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(REFUSE | PERMISSION))
    try:
        for rule in profile()["syscalls"]:
            refused = rule["action"] != "SCMP_ACT_ALLOW"
            action = REFUSE | rule["errnoRet"] if refused else ALLOW
            arguments = [_argument(one) for one in rule.get("args", ())]
            array = (Argument * len(arguments))(*arguments)
            for name in rule["names"]:
                call = library.seccomp_syscall_resolve_name(name.encode())
                if call == UNKNOWN:
                    continue
                add = library.seccomp_rule_add_array
                if call >= 0 and (why := add(context, action, call, len(array), array)):
                    raise OSError(-why, f"no filter of system calls: {name}")
        file = os.memfd_create("seccomp")
        try:
            if library.seccomp_export_bpf(context, file):
                raise OSError("no filter of system calls")
            return os.pread(file, os.fstat(file).st_size, 0)
        finally:
            os.close(file)
    finally:
        library.seccomp_release(context)


def _argument(one: dict[str, Any]) -> Argument:
    return Argument(one["index"], COMPARE[one["op"]], one["value"], one.get("valueTwo", 0))
