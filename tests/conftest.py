"""No test talks to a model, whatever credentials there are where it runs, or minds what its owner has changed.

An owner's first edit is often another default in bot/settings.py; with it the skills' tests must still pass.
"""

from __future__ import annotations

import os

for key in ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"):
    os.environ.pop(key, None)
os.environ |= {"ASSISTANT_NAME": "Andy", "TIMEZONE": "UTC"}
