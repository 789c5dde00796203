"""Three-way merge of one file: bytes in, bytes out.

`merge_file` climbs from what is certain (a side that changed nothing) over
git's line merge, which stands where it passes the checks, to a merge that
knows what the file is made of, and declines as small a place as it can.
"""

from __future__ import annotations

from skills_engine.merge.file import is_known, merge_file
from skills_engine.merge.markers import filled, from_lines, has_markers, regions_in, size_for
from skills_engine.merge.types import LineMerge, Merged, Region

__all__ = [
    "LineMerge",
    "Merged",
    "Region",
    "filled",
    "from_lines",
    "has_markers",
    "is_known",
    "merge_file",
    "regions_in",
    "size_for",
]
