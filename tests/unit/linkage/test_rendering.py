from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from chalicelib.linkage.candidates import CANDIDATE_DTYPE
from chalicelib.linkage.rendering import (
    groups_from_bytes,
    groups_to_bytes,
    pairs_from_bytes,
    render_groups,
    render_mask,
    render_permutation,
    render_similarity_scores,
)


def test_nothing_renders_as_empty_lists():
    assert b"".join(render_groups([])) == b'{"groups":[]}'
    assert b"".join(render_similarity_scores([])) == b'{"similarity_scores":[]}'
    assert groups_from_bytes(groups_to_bytes([])) == []


def test_groups_render_without_spaces():
    assert b"".join(render_groups([[(0, 1), (1, 2)], [(0, 3), (2, 4)]])) == (
        b'{"groups":[[[0,1],[1,2]],[[0,3],[2,4]]]}'
    )


def test_a_scored_pair_renders_as_two_records_and_their_score():
    block = np.array([(0.9, 0, 1, 5, 6)], dtype=CANDIDATE_DTYPE)

    assert b"".join(render_similarity_scores([block])) == b'{"similarity_scores":[[[0,5],[1,6],0.9]]}'


def test_large_results_come_in_pieces_of_some_64_kib():
    groups = [[(0, record), (1, 999_999 - record)] for record in range(100_000, 200_000)]
    block = np.zeros(20_000, dtype=CANDIDATE_DTYPE)
    block["score"] = np.linspace(0.7, 1, len(block))
    block["record_a"] = block["record_b"] = 123_456

    for pieces in (list(render_groups(groups)), list(render_similarity_scores([block]))):
        assert 16_384 < max(map(len, pieces)) < 131_072
        json.loads(b"".join(pieces))


@pytest.mark.parametrize("damage", [lambda data: data[:-8], lambda data: data + bytes(8), lambda data: b""])
def test_groups_with_bytes_missing_or_left_over_are_refused(damage):
    data = groups_to_bytes([[(0, 1), (1, 2)], [(0, 3), (1, 4), (2, 5)]])

    with pytest.raises(ValueError, match="not the groups"):
        groups_from_bytes(damage(data))


def test_importing_rendering_loads_no_anonlink():
    code = (
        "import sys, chalicelib.linkage.rendering, chalicelib.linkage.encodings;"
        "print('anonlink' in sys.modules)"
    )

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_a_permutation_and_a_mask_are_rendered_as_parties_and_owner_read_them():
    positions = np.random.default_rng(1).permutation(20_001).astype(np.uint32)

    permutation = json.loads(b"".join(render_permutation(positions, 7)))
    mask = json.loads(b"".join(render_mask(np.array([0, 1, 1], dtype=np.uint8))))

    assert permutation == {"permutation": positions.tolist(), "rows": 7}
    assert mask == {"mask": [0, 1, 1]}


def test_groups_of_two_data_sets_read_back_as_pairs():
    data = groups_to_bytes([[(0, 5), (1, 2)], [(0, 7), (1, 1)]])

    assert pairs_from_bytes(data).tolist() == [[5, 2], [7, 1]]


@pytest.mark.parametrize("groups", [[], [[(0, 5), (1, 2)]]])
def test_pairs_have_two_columns_however_few_they_are(groups):
    assert pairs_from_bytes(groups_to_bytes(groups)).shape == (len(groups), 2)


@pytest.mark.parametrize("group", [[(0, 1), (0, 2)], [(0, 1), (1, 2), (1, 3)], [(0, 1), (2, 2)]])
def test_groups_that_are_no_pairs_are_refused(group):
    with pytest.raises(ValueError, match="either data set"):
        pairs_from_bytes(groups_to_bytes([group]))
