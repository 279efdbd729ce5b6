"""What ends a trial before its time."""

from __future__ import annotations


class TrialError(Exception):
    """A step failed. The message says which, and what helps."""


class Stopped(Exception):
    """The trial is out of time or was told to stop. It is cleaned up all the same."""
