"""No test talks to a model, whatever credentials there are where it runs."""

from __future__ import annotations

import os

for key in ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"):
    os.environ.pop(key, None)
