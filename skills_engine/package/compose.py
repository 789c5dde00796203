"""Compose files, as far as a manifest needs to know them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NAME", "named_volumes"]

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
"""A service's or a volume's name."""


def named_volumes(spec: Mapping[str, Any]) -> frozenset[str]:
    """The volumes that a service uses by name; paths on the host are none.

    Both forms of the compose specification: `data:/var/lib` and `{type: volume, source: data}`.
    """
    used = set()
    mounts = spec.get("volumes")
    for mount in mounts if isinstance(mounts, list) else ():
        match mount:
            case str() if ":" in mount:
                used.add(mount.partition(":")[0])
            case {"type": "volume", "source": str(source)}:
                used.add(source)
    return frozenset(name for name in used if NAME.fullmatch(name))
