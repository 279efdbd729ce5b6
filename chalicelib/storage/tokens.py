"""Ids and tokens: 24 random bytes in hex. Of a token only its SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from typing import NewType

Token = NewType("Token", str)


def new_id() -> str:
    return secrets.token_hex(24)


def new_token() -> Token:
    return Token(secrets.token_hex(24))


def token_hash(token: str) -> bytes:
    """What is stored and compared. Tokens are random, so neither salt nor stretching adds anything."""
    return hashlib.sha256(token.encode()).digest()
