"""Renames that overwrite nothing: what stood at the place is looked at after the move, when nobody
can change it there any more.

A look, then a rename leaves an instant in which somebody's edit would be lost. Linux can exchange
two names, and rename to a new name alone; elsewhere, and on file systems that cannot, the instant
stays.
"""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["exchange", "move_new"]

_AT_FDCWD, _NOREPLACE, _EXCHANGE = -100, 1, 2
_CANNOT = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM}


def exchange(one: Path, other: Path) -> bool:
    """Each takes the other's place; False, and nothing done, where that cannot be had."""
    return _renameat2(one, other, _EXCHANGE)


def move_new(one: Path, other: Path) -> None:
    """Rename to a name that nothing has. Raises FileExistsError if something has it, where the
    system can tell.
    """
    if not _renameat2(one, other, _NOREPLACE):
        one.rename(other)


def _renameat2(one: Path, other: Path, flags: int) -> bool:
    call = _libc()
    if call is None:
        return False
    if call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), flags) == 0:
        return True
    error = ctypes.get_errno()
    if error in _CANNOT:
        return False
    raise OSError(error, os.strerror(error), str(other))


@cache
def _libc() -> Callable[[int, bytes, int, bytes, int], int] | None:
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    found: Callable[[int, bytes, int, bytes, int], int] = call
    return found
