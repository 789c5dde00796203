"""The allowlist: what a group's agent may see of the host beyond its own, in a file of the owner's.

`~/.config/graftbot/mounts.toml`, which no container ever sees:

    blocked = ["*.kdbx"]             # besides BLOCKED, in every part of a path

    [[roots]]
    path = "~/projects"
    write = true                     # main may be granted writing; other groups only ever read
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from bot.errors import BotError
from bot.runtimes import Mount

ALLOWLIST = Path("~/.config/graftbot/mounts.toml")
BLOCKED = (
    ".ssh", ".gnupg", ".aws", ".azure", ".gcloud", ".kube", ".docker", ".password-store",
    ".netrc", ".npmrc", ".pypirc", ".git-credentials", ".env", ".env.*", "id_rsa*", "id_ed25519*",
    "id_ecdsa*", "*credential*", "*secret*", "*.key", "*.sock", "docker",
)  # fmt: skip
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.IGNORECASE)


def allowed(
    wanted: Iterable[Mapping[str, Any]],
    *,
    main: bool,
    never: Iterable[Path],
    allowlist: Path = ALLOWLIST,
) -> list[Mount]:
    """The mounts for `[{"host": path, "name": str, "write": bool}]`, below /workspace/extra.

    Symbolic links are resolved before anything is compared. `never` are paths that may be neither
    in a mount nor around one. Raises BotError for the first that the allowlist does not allow:
    without a file it allows nothing.
    """
    if not (wanted := list(wanted)):  # what is wrong with the file is nothing to such a group
        return []
    try:
        allowlist = allowlist.expanduser()
        roots, blocked = _rules(allowlist)
        never = [path.expanduser().resolve() for path in (*never, allowlist.parent)]
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:  # a home that is none
        hint = "correct it; until then nothing is mounted"
        raise BotError(f"{allowlist} cannot be read: {error!r}", hint=hint) from None
    mounts: dict[str, Mount] = {}
    for one in wanted:
        name, host = str(one.get("name", "")), str(one.get("host", ""))
        try:
            source = _place(host)
            within = [path.name for path in source.iterdir()] if source.is_dir() else []
            reason = "" if source.exists() else "no such path"
        except (OSError, ValueError, RuntimeError) as error:
            source, within, reason = Path("/"), [], f"no such path: {error}"
        around = [write for root, write in roots if source.is_relative_to(root)]
        # what lies deeper is the owner's to know
        hidden = next((name for name in (*source.parts, *within) if _is_of(name, blocked)), None)
        if not NAME.fullmatch(name) or name in mounts:
            reason = f"{name!r} is no name for it, or another has it"
        elif reason:
            pass
        elif any(source.is_relative_to(path) or path.is_relative_to(source) for path in never):
            reason = "the assistant's own data, code or settings are there"
        elif not around:
            reason = f"it is in no root of {allowlist}"
        elif hidden:
            reason = f"{hidden!r} is blocked"
        else:
            write = main and any(around) and one.get("write") is True
            mounts[name] = Mount(source, f"/workspace/extra/{name}", write)
            continue
        hint = "correct the group's options, or the allowlist"
        raise BotError(f"{host!r} is not mounted: {reason}", hint=hint)
    return list(mounts.values())


def _rules(allowlist: Path) -> tuple[list[tuple[Path, bool]], tuple[str, ...]]:
    """The roots, each with whether main may write there, and the patterns of names that are never
    shown. Raises ValueError and the like for what is no rule: it would allow, or hide, something
    else than was meant.
    """
    import tomllib  # noqa: PLC0415  # only those who grant something pay for it

    rules = tomllib.loads(allowlist.read_text("utf-8")) if allowlist.exists() else {}
    given, names = rules.get("roots", ()), rules.get("blocked", [])
    roots = [(_place(root["path"]), root.get("write", False)) for root in given]
    wrong = {*rules} - {"blocked", "roots"} | {key for root in given for key in root}
    # `blocked` below [[roots]] is that root's, as TOML reads it; in a text each letter is one
    if wrong - {"path", "write"} or not isinstance(names, list):
        raise ValueError("a key stands where it is no rule, or blocked is no list")
    if not all(isinstance(one, str) and one and "/" not in one for one in names):
        raise ValueError("blocked holds names, and no path is one")
    if not all(isinstance(write, bool) for _, write in roots):
        raise ValueError("write is true or false")
    return roots, (*BLOCKED, *map(_plain, names))


def _place(path: str) -> Path:
    """Where a path leads. Raises ValueError for one that is no whole path, OSError or RuntimeError
    for one that nothing can have.
    """
    if not (whole := Path(path).expanduser()).is_absolute():
        raise ValueError(f"{path!r} is no whole path; write it from / or ~ on")
    return whole.resolve()


def _is_of(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(_plain(name), pattern) for pattern in patterns)


def _plain(name: str) -> str:
    """Whatever its case, and the form of its accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
