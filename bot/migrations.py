"""The store's schema, a script a version, and what is asked of it.

A script that was released is never edited: the next one goes at the end.
"""

import re
from importlib.resources import files

WHOLE = "substr({0}, 1, length(rtrim({0}, replace({0}, ':', ''))) - 1)"
WORDS = {
    "whole": WHOLE,  # all before the last colon
    "called": "COALESCE((SELECT now FROM moved WHERE chat = {0}), (SELECT now || "  # noqa: S608
    "substr({0}, length(chat) + 1) FROM moved WHERE chat = " + WHOLE + "), {0})",
    "within": "({0} = :old OR ({0} > :old || ':' AND {0} < :old || ';'))",
    "renamed": ":new || substr({0}, length(:old) + 1)",
}
"""What statements say of the names of chats, once for all of them; {0} is what is in brackets."""


def script(name: str) -> str:
    return files("bot").joinpath("schema", name).read_text("utf-8")


def statements(name: str) -> dict[str, str]:
    """The statements of a file in `bot/schema/`, each by the name that stands before it. WORDS in
    them are written out.
    """
    text = re.sub(
        rf"\b({'|'.join(WORDS)})\(([^()]+)\)",
        lambda found: WORDS[found[1]].format(found[2]),
        script(name),
    )
    return dict(part.split("\n", 1) for part in text.split("--# ")[1:])


MIGRATIONS: tuple[str, ...] = tuple(script(f"{number}.sql") for number in range(1, 7))
SQL = statements("queries.sql")
