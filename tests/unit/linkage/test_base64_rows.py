from __future__ import annotations

import pytest

from chalicelib.linkage.base64_rows import decode_alike
from chalicelib.linkage.encodings import Batch


@pytest.mark.parametrize(
    ("texts", "data"),
    [
        (["AAEC", "AwQF"], bytes([0, 1, 2, 3, 4, 5])),
        (["AAE=", "AwQ="], bytes([0, 1, 3, 4])),
        (["AA==", "Aw=="], bytes([0, 3])),
        (["AAF=", "Aw9="], bytes([0, 1, 3, 15])),  # bits beyond the last byte are nobody's
        (["+/+/"], bytes([251, 255, 191])),
    ],
    ids=["unpadded", "=", "==", "odd bits", "one"],
)
def test_texts_of_one_length_and_padding_are_decoded(texts, data):
    assert decode_alike(texts) == Batch(data, len(data) // len(texts))


@pytest.mark.parametrize(
    "texts",
    [
        ["AAAA", "AAAAAAAA"],
        ["AAAA", "AAA="],
        ["AAA=", "AAAA"],
        ["AAA=", "AA=="],
        ["AA==", "AAA="],
        ["AAA=", "A=A="],
        ["AAAA", "=AAA"],
        ["A==="],
        ["===="],
        ["AAAA====", "AAAA===="],
        ["", ""],
        ["AAAAA", "AAAAA"],
        ["AAA", "AAAAA"],
        ["AAAA", "A\nAA"],
        ["AAAA", "A AA"],
        ["AAAA", "A-_A"],
        ["AAAA", "A\0AA"],
        ["AAAA", "AéAA"],
        ["AAAA", "A\ud800AA"],
    ],
    ids=repr,
)
def test_other_texts_are_left_to_the_caller(texts):
    assert decode_alike(texts) is None
