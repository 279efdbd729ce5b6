from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from chalicelib.linkage import views
from chalicelib.linkage.candidates import CANDIDATE_DTYPE
from chalicelib.linkage.rendering import (
    groups_to_bytes,
    pairs_from_bytes,
    render_groups,
    render_mask,
    render_permutation,
    render_similarity_scores,
)
from tests.groups import as_groups


def test_nothing_renders_as_empty_lists():
    for nothing in ([], [as_groups([])]):
        assert b"".join(render_groups(nothing)) == b'{"groups":[]}'
    assert b"".join(render_similarity_scores([])) == b'{"similarity_scores":[]}'
    assert groups_to_bytes(as_groups([])) == bytes(4)


def test_groups_render_without_spaces():
    blocks = [as_groups([[(0, 1), (1, 2)]]), as_groups([[(0, 3), (2, 4)]])]

    assert b"".join(render_groups(blocks)) == b'{"groups":[[[0,1],[1,2]],[[0,3],[2,4]]]}'


def test_a_scored_pair_renders_as_two_records_and_their_score():
    block = np.array([(0.9, 0, 1, 5, 6)], dtype=CANDIDATE_DTYPE)

    assert b"".join(render_similarity_scores([block])) == b'{"similarity_scores":[[[0,5],[1,6],0.9]]}'


def test_large_results_come_in_pieces():
    groups = as_groups([[(0, record), (1, 999_999 - record)] for record in range(100_000, 200_000)])
    block = np.zeros(100_000, dtype=CANDIDATE_DTYPE)
    block["score"] = np.linspace(0.7, 1, len(block))
    block["record_a"] = block["record_b"] = 123_456

    for pieces in (list(render_groups([groups])), list(render_similarity_scores([block]))):
        assert 131_072 < max(map(len, pieces)) < 1_048_576
        json.loads(b"".join(pieces))


@pytest.mark.parametrize("lines_per_piece", [3, 16_384])
def test_json_is_that_of_the_standard_encoder(monkeypatch, lines_per_piece):
    monkeypatch.setattr(views, "LINES_PER_PIECE", lines_per_piece)
    random = np.random.default_rng(3)
    groups = [random.integers(0, 2**32, (size, 2)).tolist() for size in random.integers(2, 6, 200)]
    block = np.zeros(300, dtype=CANDIDATE_DTYPE)
    block["score"] = random.random(300) ** 30  # some so small that they have an exponent
    block["record_a"], block["record_b"] = random.integers(0, 2**32, (2, 300))
    pairs = [[[a, ra], [b, rb], score] for score, a, b, ra, rb in block.tolist()]

    rendered = [
        b"".join(render_groups([as_groups(groups[:70]), as_groups(groups[70:])])),
        b"".join(render_similarity_scores([block[:70], block[70:]])),
    ]

    expected = ({"groups": groups}, {"similarity_scores": pairs})
    assert rendered == [json.dumps(document, separators=(",", ":")).encode() for document in expected]


@pytest.mark.parametrize("damage", [lambda data: data[:-8], lambda data: data + bytes(8), lambda data: b""])
def test_groups_with_bytes_missing_or_left_over_are_refused(damage):
    data = groups_to_bytes(as_groups([[(0, 1), (1, 2)], [(0, 3), (1, 4)]]))

    with pytest.raises(ValueError, match="not the groups"):
        pairs_from_bytes(damage(data))


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
    data = groups_to_bytes(as_groups([[(0, 5), (1, 2)], [(0, 7), (1, 1)]]))

    assert pairs_from_bytes(data).tolist() == [[5, 2], [7, 1]]


@pytest.mark.parametrize("groups", [[], [[(0, 5), (1, 2)]]])
def test_pairs_have_two_columns_however_few_they_are(groups):
    assert pairs_from_bytes(groups_to_bytes(as_groups(groups))).shape == (len(groups), 2)


@pytest.mark.parametrize("group", [[(0, 1), (0, 2)], [(0, 1), (1, 2), (1, 3)], [(0, 1), (2, 2)]])
def test_groups_that_are_no_pairs_are_refused(group):
    with pytest.raises(ValueError, match="either data set"):
        pairs_from_bytes(groups_to_bytes(as_groups([group])))
