"""No test talks to a model, whatever credentials there are where it runs, or minds what its owner
has changed.

An owner's first edit is often another default in bot/settings.py; with it the skills' tests must
still pass.
"""

from __future__ import annotations

import os
import signal

import pytest

for key in ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"):
    os.environ.pop(key, None)
os.environ |= {"ASSISTANT_NAME": "Andy", "TIMEZONE": "UTC"}
for number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(number) is signal.SIG_IGN:  # programs inherit what `nohup` and `&` ignore
        signal.signal(
            number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A law takes a minute and more: spread among the others, every worker has its share, and none
    ends with several.
    """
    laws = [item for item in items if item.get_closest_marker("law")]
    others = [item for item in items if not item.get_closest_marker("law")]
    share = -(-len(others) // max(len(laws), 1))
    for number, law in enumerate(laws):
        others.insert(number * (share + 1), law)
    items[:] = others
