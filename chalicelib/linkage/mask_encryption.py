"""A mask encrypted bit by bit for the holder of a private key: Paillier's scheme, as ``phe`` implements it.

P. Paillier, Public-Key Cryptosystems Based on Composite Degree Residuosity Classes, EUROCRYPT 1999. Whoever
has the public key alone can add ciphertexts and multiply them by numbers, and learns of no bit what it is:
each has randomness of its own, from the operating system.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import gmpy2
from phe import util
from phe.paillier import PaillierPublicKey

BITS_A_JOB = 8  # some 70 ms of a thread with a key of 2,048 bits


def public_key(n: str) -> PaillierPublicKey:
    """The key of modulus ``n``, a base64url integer without padding as in its JWK."""
    return PaillierPublicKey(util.base64_to_int(n))


def encrypt_bits(bits: Sequence[int], key: PaillierPublicKey, threads: int) -> Iterator[str]:
    """A ciphertext for each bit, in order: a base64url integer without padding.

    It decrypts to the bit, also as an ``EncodedNumber`` of exponent 0 in whatever base.
    """
    jobs = [bits[start : start + BITS_A_JOB] for start in range(0, len(bits), BITS_A_JOB)]
    with ThreadPoolExecutor(threads) as pool:
        for texts in pool.map(lambda job: _encrypt_some(job, key), jobs):
            yield from texts


def _encrypt_some(bits: Sequence[int], key: PaillierPublicKey) -> list[str]:
    # Without the GIL threads use a core each. The setting is the thread's own.
    with gmpy2.context(gmpy2.get_context(), allow_release_gil=True):
        return [str(util.int_to_base64(key.raw_encrypt(int(bit)))) for bit in bits]
