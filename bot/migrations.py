"""The store's schema, a script a version, and what is asked of it.

A script that was released is never edited: the next one goes at the end.
"""

from importlib.resources import files


def script(name: str) -> str:
    return files("bot").joinpath("schema", name).read_text("utf-8")


def statements(name: str) -> dict[str, str]:
    """The statements of a file in `bot/schema/`, each by the name that stands before it."""
    return dict(part.split("\n", 1) for part in script(name).split("--# ")[1:])


MIGRATIONS: tuple[str, ...] = tuple(script(f"{number}.sql") for number in range(1, 7))
TABLES: tuple[str, ...] = ()
"""Of skills, which come and go, so without a number: scripts that make what is not there, at every
start.
"""
SQL = statements("queries.sql")
