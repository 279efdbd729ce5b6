"""Candidate files are anonlink's, byte for byte; results read back as what was rendered."""

from __future__ import annotations

import io
import json
from array import array
from itertools import chain, pairwise

import numpy as np
from anonlink import serialization
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.linkage.candidates import CANDIDATE_DTYPE, concatenate, from_bytes, read_blocks, to_bytes
from chalicelib.linkage.rendering import groups_to_bytes, render_groups, render_similarity_scores
from tests.groups import as_groups

index = st.integers(0, 2**32 - 1)
pairs = st.lists(st.tuples(st.floats(0, 1), index, index, index, index), max_size=30)
groups = st.lists(st.lists(st.tuples(index, index), min_size=2, max_size=5), max_size=20)


@given(pairs)
def test_a_candidate_file_has_the_bytes_that_anonlink_writes(rows):
    columns = list(zip(*rows, strict=True)) or [()] * 5
    scores, dataset_a, dataset_b, record_a, record_b = columns
    fields = [array("I", column) for column in (dataset_a, dataset_b, record_a, record_b)]
    written = io.BytesIO()
    serialization.dump_candidate_pairs((array("d", scores), fields[:2], fields[2:]), written)

    ours = b"".join(to_bytes([np.array(rows, dtype=CANDIDATE_DTYPE)]))

    assert ours == written.getvalue()


@given(pairs, st.lists(st.integers(0, 750), max_size=8), st.integers(1, 10))
def test_a_candidate_file_is_read_back_whatever_its_pieces(rows, edges, pairs_per_block):
    data = b"".join(to_bytes([np.array(rows, dtype=CANDIDATE_DTYPE)]))
    edges = [0, *sorted(edges), len(data)]
    chunks = [data[start:stop] for start, stop in pairwise(edges)]

    blocks = list(read_blocks(chunks, pairs_per_block))

    assert concatenate(blocks).tolist() == from_bytes(data).tolist() == rows
    assert all(len(block) == pairs_per_block for block in blocks[:-1])


@given(groups, st.integers(1, 4))
def test_groups_are_read_back_from_json(groups, repeat):
    blocks = [as_groups(groups)] * repeat

    rendered = json.loads(b"".join(render_groups(blocks)))["groups"]

    assert [[tuple(record) for record in group] for group in rendered] == groups * repeat


@given(groups)
def test_the_compact_form_of_groups_is_their_number_sizes_and_members(groups):
    numbers = np.frombuffer(groups_to_bytes(as_groups(groups)), dtype="<u4").tolist()

    members = chain.from_iterable(chain.from_iterable(groups))
    assert numbers == [len(groups), *map(len, groups), *members]


@given(st.lists(pairs, max_size=3))
def test_scores_are_read_back_as_the_same_floats(blocks):
    arrays = [np.array(rows, dtype=CANDIDATE_DTYPE) for rows in blocks]

    rendered = json.loads(b"".join(render_similarity_scores(arrays)))["similarity_scores"]

    assert [(score, a[0], b[0], a[1], b[1]) for a, b, score in rendered] == list(chain.from_iterable(blocks))
