"""What the demo cannot go on from: one line for its user, saying what to do."""

from __future__ import annotations


class DemoError(Exception):
    """The message is all that the user sees."""
