"""The order of a file's imports: one reader for operations, `move` and the merge.

Pure and cheap: text and settings in, a place out; it imports neither LibCST nor git. Settings are
isort's and Ruff's (`settings.py`); what a file's own imports show stands above Ruff's defaults, and
below what its repository has configured.

    settings = settings_for("bot/app.py", read)            # read(path) -> bytes | None
    order = Order.of(paragraphs, settings, own)            # own(top) -> is it the repository's
    order.place(paragraphs, names)                         # -> Place(paragraph, index, alone)
    order.member_key(present)                              # a key for `sorted`, or None

A paragraph is a list of import statements between which there is neither a blank line nor other
code; a statement is the tuple of what it imports: `read_statement("from a import b, c as d")`. The
merge calls it so: `read_statement(unit.node.text)` for each import unit, unit.gap parts paragraphs,
`Order.of` over those that both sides have, then `order.place` for what one side added. Whoever has
no settings passes `ImportSettings()`; lines that a sorter is told to leave alone
(`kept_apart(text)`) belong to no paragraph.
"""

from skills_engine.import_order.order import (
    ImportPlace,
    Order,
    by_kind,
    by_natural,
    by_text,
    in_order,
    index_of,
)
from skills_engine.import_order.reading import (
    ImportedName,
    kept_apart,
    module_of,
    read_statement,
)
from skills_engine.import_order.settings import ImportSettings, settings_for

__all__ = [
    "ImportPlace",
    "ImportSettings",
    "ImportedName",
    "Order",
    "by_kind",
    "by_natural",
    "by_text",
    "in_order",
    "index_of",
    "kept_apart",
    "module_of",
    "read_statement",
    "settings_for",
]
