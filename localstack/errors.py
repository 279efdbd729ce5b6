"""What stops the stack for a reason that its user can act on: shown as one line, without a trace.

StackError
├── AlreadyRunning   another supervisor holds this data directory
├── PartFailed       Postgres, Redis or the emulator did not come up, or keeps dying
└── Stopped          told to stop while starting: no failure
"""

from __future__ import annotations


class StackError(Exception):
    """The message says what is wrong and what to do about it."""


class AlreadyRunning(StackError):
    """Another supervisor holds this data directory."""


class PartFailed(StackError):
    """A part did not come up, or keeps dying."""


class Stopped(StackError):
    """A signal came while something was still starting."""
