from __future__ import annotations

import numpy as np
import pytest

from chalicelib.linkage.candidates import (
    CANDIDATE_DTYPE,
    HEADER,
    PAIR_BYTES,
    InvalidCandidateFile,
    concatenate,
    empty,
    from_bytes,
    read_blocks,
    sort_candidates,
    to_bytes,
)

PAIRS = np.array(
    [(1.0, 0, 1, 5, 2), (0.9, 0, 1, 5, 3), (0.9, 0, 1, 6, 2), (0.9, 0, 2, 0, 0), (0.9, 1, 2, 0, 0)],
    dtype=CANDIDATE_DTYPE,
)


def test_pairs_are_ordered_by_score_then_datasets_then_records():
    assert sort_candidates(PAIRS[::-1]).tolist() == PAIRS.tolist()


def test_an_index_of_four_bytes_is_ordered_as_a_number():
    pairs = np.array([(0.5, 0, 1, 256, 2**32 - 1), (0.5, 0, 1, 256, 0), (0.5, 0, 1, 1, 0)], CANDIDATE_DTYPE)

    assert sort_candidates(pairs).tolist() == pairs[::-1].tolist()


def test_joining_nothing_gives_no_pairs():
    assert concatenate([]).tolist() == empty().tolist() == []
    assert concatenate([]).dtype == CANDIDATE_DTYPE


def test_a_file_is_the_header_and_24_bytes_a_pair():
    data = b"".join(to_bytes([PAIRS[:2], empty(), PAIRS[2:]]))

    assert data == HEADER + PAIRS.tobytes()
    assert len(data) == 4 + 5 * 24


def test_a_file_without_pairs_is_a_header():
    assert b"".join(to_bytes([])) == HEADER
    assert list(read_blocks([HEADER], 10)) == []
    assert len(from_bytes(HEADER)) == 0


def test_blocks_have_the_wanted_size_and_the_last_is_shorter():
    data = HEADER + PAIRS.tobytes()

    assert [block.tolist() for block in read_blocks([data], 2)] == [
        PAIRS[:2].tolist(),
        PAIRS[2:4].tolist(),
        PAIRS[4:].tolist(),
    ]


@pytest.mark.parametrize("missing", [1, 12, PAIR_BYTES - 1])
def test_a_file_that_ends_within_a_pair_is_refused(missing):
    data = HEADER + PAIRS.tobytes()[:-missing]

    with pytest.raises(InvalidCandidateFile):
        list(read_blocks([data[:30], data[30:]], 2))
    with pytest.raises(InvalidCandidateFile):
        from_bytes(data)


@pytest.mark.parametrize("data", [b"", b"\x01\x08\x04", b"\x01\x08\x02\x04" + bytes(24)])
def test_another_header_is_refused(data):
    with pytest.raises(InvalidCandidateFile):
        list(read_blocks([data], 2))
    with pytest.raises(InvalidCandidateFile):
        from_bytes(data)
