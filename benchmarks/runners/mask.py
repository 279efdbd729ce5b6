"""Encrypting the bits of a mask, by one thread and by all, beside phe called bit by bit."""

from __future__ import annotations

import os
from typing import Any

from phe import util
from phe.paillier import PaillierPublicKey, generate_paillier_keypair

from benchmarks.measuring import least_seconds
from chalicelib.linkage.mask_encryption import BITS_A_JOB, encrypt_bits
from chalicelib.prices import usd
from chalicelib.storage.costs import MB_A_VCPU

_RATED_SECONDS_A_BIT = 0.0085  # about, with 2,048 bits: it only tells how many bits to measure
# What is modelled: a mask, on so many functions of so much memory.
_BITS, _FUNCTIONS, _MEMORY_MB = 1_000_000, 1_000, 3_008


def run(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """For each length of a key: bits a second, and what a million bits take on a thousand functions.

    Each measurement is of about so many ``seconds`` of one thread's work.
    """
    return [_row(bits, experiment["seconds"], experiment["repetitions"]) for bits in experiment["key_bits"]]


def _row(key_bits: int, seconds: float, repetitions: int) -> dict[str, Any]:
    key, private_key = generate_paillier_keypair(n_length=key_bits)
    threads = len(os.sched_getaffinity(0))
    # As many for each thread, which gets them by the job.
    least = BITS_A_JOB * threads
    number = least * max(1, round(seconds / (least * _RATED_SECONDS_A_BIT * (key_bits / 2048) ** 2.85)))
    bits = [position % 2 for position in range(number)]
    texts: list[str] = []

    def here(threads: int) -> None:
        texts[:] = encrypt_bits(bits, key, threads)

    took = least_seconds(
        {"phe": lambda: _by_phe(key, bits), "one": lambda: here(1), "all": lambda: here(threads)}, repetitions
    )
    seconds_a_bit = took["one"] / number
    function_seconds = _BITS / _FUNCTIONS * seconds_a_bit * MB_A_VCPU / _MEMORY_MB
    return {
        "key_bits": key_bits,
        "characters_a_bit": max(map(len, texts)),
        "threads": threads,
        "phe_bits_per_second": number / took["phe"],
        "bits_per_second": number / took["one"],
        "bits_per_second_by_all": number / took["all"],
        "speed_up": took["one"] / took["all"],
        "model_seconds": function_seconds,
        "model_usd": usd(_FUNCTIONS * function_seconds * _MEMORY_MB / 1024, _FUNCTIONS),
        "same_bits": [private_key.raw_decrypt(util.base64_to_int(text)) for text in texts] == bits,
    }


def _by_phe(key: PaillierPublicKey, bits: list[int]) -> None:
    for bit in bits:
        util.int_to_base64(key.encrypt(bit).ciphertext())
