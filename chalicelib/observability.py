"""The structured logger of every function: one JSON line an event, ids and numbers, never a body or token."""

from __future__ import annotations

from aws_lambda_powertools import Logger

logger = Logger()
