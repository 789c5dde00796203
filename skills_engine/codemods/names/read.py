"""The names of a file, read in one walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.codemods.names.binder import Binder
from skills_engine.codemods.names.scopes import Names
from skills_engine.errors import Unparsable

if TYPE_CHECKING:
    from skills_engine.codemods.source.source import Source

__all__ = ["names_of"]


def names_of(source: Source) -> Names:
    """Raises Unparsable for a file that is nested too deeply to be walked."""
    names = Names(source)
    try:
        Binder(names).walk()
    except RecursionError:
        raise Unparsable(f"{source.path}: the file is nested too deeply to be understood") from None
    return names
