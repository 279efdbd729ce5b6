"""Encrypted bits, held against phe's own decryption."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phe import paillier, util

from chalicelib.linkage.mask_encryption import encrypt_bits, public_key

PUBLIC, PRIVATE = paillier.generate_paillier_keypair(n_length=1024)
KEY = public_key(util.int_to_base64(PUBLIC.n))


def ciphertexts(bits: list[int], threads: int = 2) -> list[int]:
    return [util.base64_to_int(text) for text in encrypt_bits(bits, KEY, threads)]


def test_the_key_is_read_as_its_jwk_writes_it():
    assert KEY == PUBLIC


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 1), max_size=40), st.integers(1, 4))
def test_what_is_decrypted_is_what_was_encrypted_in_order(bits, threads):
    assert [PRIVATE.raw_decrypt(each) for each in ciphertexts(bits, threads)] == bits


@pytest.mark.parametrize("base", [2, 16, 10])
def test_it_is_an_encoded_number_in_any_base(base):
    class Encoding(paillier.EncodedNumber):
        BASE = base

    numbers = [paillier.EncryptedNumber(PUBLIC, each, 0) for each in ciphertexts([1, 0])]

    assert [PRIVATE.decrypt_encoded(number, Encoding).decode() for number in numbers] == [1, 0]


def test_parties_can_compute_on_it():
    one, zero, other = (paillier.EncryptedNumber(PUBLIC, each, 0) for each in ciphertexts([1, 0, 1]))

    assert PRIVATE.decrypt(3 * one + 5 * zero + other * 2) == 5


def test_no_two_ciphertexts_are_the_same_however_often_a_bit_is_encrypted():
    bits = [1] * 30

    assert len({*ciphertexts(bits), *ciphertexts(bits)}) == 60


def test_randomness_is_the_systems_only(monkeypatch):
    # What is drawn by another generator can be drawn again by whoever learns its state.
    import random

    def fail(*_: object) -> float:
        raise AssertionError("another generator was asked")

    for name in ("random", "getrandbits"):
        monkeypatch.setattr(random.Random, name, fail, raising=False)

    assert len(ciphertexts([0, 1])) == 2


def test_it_uses_so_many_threads_and_leaves_none():
    before = threading.active_count()
    seen: set[int] = set()
    original = KEY.raw_encrypt

    class Watched(paillier.PaillierPublicKey):
        def raw_encrypt(self, *args: object) -> int:
            seen.add(threading.get_ident())
            return original(*args)

    list(encrypt_bits([0] * 64, Watched(PUBLIC.n), 3))

    assert 2 <= len(seen) <= 3
    assert threading.active_count() == before
