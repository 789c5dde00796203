"""Keys of an environment example: added under a comment, set apart as the file sets its entries
apart.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skills_engine.data import environment
from skills_engine.data.errors import DataError

LINES = st.sampled_from(
    ["A=1", "# B=2", "export C='x y'", "# a comment", "", "  ", 'D = "e" # f', "nonsense", "#"]
)
KEYS = st.sampled_from(["A", "B", "C", "NEW", "D_2"])
COMMENTS = st.sampled_from(["", "what it is", "two\nlines"])


@settings(deadline=None)
@given(
    st.lists(LINES, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\n\n"]),
    st.booleans(),
    KEYS,
    st.sampled_from(["", "v", "a b", "it's # x"]),
    COMMENTS,
)
def test_a_key_is_all_that_is_added_and_goes_again(
    lines: list[str], eol: str, end: str, bom: bool, key: str, value: str, comment: str
) -> None:
    text = ("\ufeff" if bom else "") + ("\n".join(lines) + end).replace("\n", eol)
    before = text.encode()
    after = environment.ensure(before, key, value, comment)
    assert environment.ensure(after, key, "other", comment) == after
    if key in environment.keys(text):
        assert after == before
    else:
        assert environment.keys(after.decode()) == (*environment.keys(text), key)
        assert environment.remove(after, key, comment) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "# new\nN=\n"),
        ("A=1\nB=2\n", "A=1\nB=2\n# new\nN=\n"),
        ("A=1\n\nB=2\n", "A=1\n\nB=2\n\n# new\nN=\n"),
        ("# Settings of the bot.\n", "# Settings of the bot.\n\n# new\nN=\n"),
        ("# a\nA=1", "# a\nA=1\n\n# new\nN="),
        ("# N=commented out\n", "# N=commented out\n"),
        ("  export N = x\n", "  export N = x\n"),
    ],
)
def test_places(before: str, after: str) -> None:
    assert environment.ensure(before.encode(), "N", "", "new").decode() == after


def test_refusals() -> None:
    with pytest.raises(DataError, match="no name of an environment variable"):
        environment.ensure(b"", "A-B")
    with pytest.raises(DataError, match="line 2 is not UTF-8") as caught:
        environment.ensure(b"A=1\n\xff", "B")
    assert caught.value.lines == (2,)
