"""The models that the owner has described in a file, each with how it is reached.

`~/.config/graftbot/models.toml`, which no container ever sees:

    [local]                                    # what MODEL, or the option `model` of a group, says
    dialect = "openai"
    url = "http://127.0.0.1:11434/v1"
    model = "qwen3:30b"
    otherwise = ["claude"]                     # asked in its place where it cannot answer

    [claude]
    dialect = "anthropic"
    url = "https://api.anthropic.com"
    key = "sk-ant-..."
    model = "claude-sonnet-4-5"
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.errors import BotError

MODELS = Path("~/.config/graftbot/models.toml")
DIALECTS = ("anthropic", "openai", "responses", "google")
CLAUDE = "claude"


@dataclass(frozen=True, slots=True)
class Model:
    """A model by its `name` here; `model` is what its provider calls it."""

    name: str
    dialect: str
    url: str
    model: str
    key: str = field(default="", repr=False)
    otherwise: Sequence[str] = ()


def models(place: Path | None = None) -> dict[str, Model]:
    """All of them, by name, in the file's order. Raises BotError for what describes none."""
    place = place or MODELS.expanduser()
    try:
        found = tomllib.loads(place.read_text("utf-8"))
        known = {name: _model(name, about) for name, about in found.items()}
        for one in known.values():
            if unknown := [name for name in one.otherwise if name not in known]:
                raise ValueError(f"{one.name}: otherwise names {unknown[0]!r}, which is not there")
    except (OSError, ValueError, TypeError) as error:
        hint = "correct it, as docs and skill `use-other-models` say; it is read at every request"
        raise BotError(f"{place} cannot be read: {error}", hint=hint) from None
    if not known:
        raise BotError(f"{place} describes no model", hint="describe one, under its name in [ ]")
    return known


def chain(known: Mapping[str, Model], name: str) -> list[Model]:
    """Who is asked, in order: the one of that name, and who stands for it. What Claude Code asks
    for by itself, a name that begins with "claude", goes to the first of the file if it is not in
    it. Raises BotError for another name.
    """
    first = known.get(name)
    if first is None and name.startswith(CLAUDE):
        first = next(iter(known.values()))
    if first is None:
        there = ", ".join(known)
        hint = f"set MODEL, or the group's option model, to one of {MODELS}"
        raise BotError(f"there is no model {name[:80]!r}; there are: {there}", hint=hint)
    return [first, *(known[one] for one in first.otherwise if one != first.name)]


def _model(name: str, about: Any) -> Model:
    """Raises ValueError or TypeError for what describes none."""
    if not isinstance(about, Mapping):
        raise TypeError(f"{name!r} stands outside of a [name]")
    model = Model(name, **about)
    texts = (model.dialect, model.url, model.model, model.key, *model.otherwise)
    if isinstance(model.otherwise, str) or not all(isinstance(one, str) for one in texts):
        raise TypeError(f"{name}: otherwise is a list of texts, and all else is text")
    if model.dialect not in DIALECTS:
        raise ValueError(f"{name}: dialect is one of {', '.join(DIALECTS)}")
    if not model.url.startswith(("http://", "https://")):
        raise ValueError(f"{name}: its url is none of http or https")
    return replace(model, url=model.url.rstrip("/"))
