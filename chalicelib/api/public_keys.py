"""The key that a project's mask is encrypted with, looked at before anything is stored.

What can be told without the private key is told: a modulus that is even, prime, a square or has small
factors was not made for this, and whoever encrypts with it encrypts nothing.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from math import gcd, isqrt, prod
from typing import Any

from chalicelib.config import settings
from chalicelib.errors import BadRequest

_PRIVATE_PARTS = ("p", "q", "d", "lambda", "mu")
_SMALL_PRIMES = [n for n in range(3, 2_000) if all(n % divisor for divisor in range(2, isqrt(n) + 1))]
_SMALL_PRODUCT = prod(_SMALL_PRIMES)


def checked(public_key: dict[str, Any] | None, context: dict[str, Any] | None) -> dict[str, Any]:
    """``public_key`` and ``paillier_context`` as they are stored, for a project whose mask is encrypted.

    Raises BadRequest with what is wrong. Their form is the schema's to check; this looks at the number.
    """
    if public_key is None or context is None:
        missing = "public_key" if public_key is None else "paillier_context"
        raise BadRequest(f"Result type 'permutation' requires '{missing}'")
    if private := [name for name in _PRIVATE_PARTS if name in public_key]:
        raise BadRequest(f"This is a private key: it has {', '.join(private)}. Send the public key alone.")
    _check_modulus(_integer(public_key["n"]))
    known = ("kty", "alg", "key_ops", "n", "kid")
    return {
        "public_key": {name: public_key[name] for name in known if name in public_key},
        "paillier_context": {"base": int(context["base"]), "encoded": context["encoded"]},
    }


def _integer(text: str) -> int:
    try:
        return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except binascii.Error:
        raise BadRequest("'n' of the public key is not a base64url integer") from None


def _check_modulus(n: int) -> None:
    s = settings()
    if n.bit_length() < s.encryption_min_key_length:
        raise BadRequest(
            f"The public key has {n.bit_length()} bits, and must have {s.encryption_min_key_length} at least"
        )
    if n.bit_length() > s.encryption_max_key_length:
        raise BadRequest(
            f"The public key has {n.bit_length()} bits, and may have {s.encryption_max_key_length} at most"
        )
    if n % 2 == 0:
        raise BadRequest("The public key's 'n' is even: it is not a product of two large primes")
    if gcd(n, _SMALL_PRODUCT) > 1:
        raise BadRequest("The public key's 'n' has small factors: it is not a product of two large primes")
    if isqrt(n) ** 2 == n:
        raise BadRequest("The public key's 'n' is a square: it is not a product of two different primes")
    if pow(2, n - 1, n) == 1:  # by Fermat
        raise BadRequest("The public key's 'n' is prime: it is not a product of two large primes")
