"""The fenced blocks of a page."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def fenced(page: str, fence: str) -> list[str]:
    """What stands between "```fence" and the next fence, block after block, of ``docs/page``."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{fence}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
