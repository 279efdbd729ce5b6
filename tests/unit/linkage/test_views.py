"""Results in every form: each is held against the JSON that the standard encoder makes of the same."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from chalicelib.linkage import views
from chalicelib.linkage.candidates import CANDIDATE_DTYPE, sort_candidates
from chalicelib.linkage.grouped_pairs import TooManyPairs, groups_with, pairs_within
from chalicelib.linkage.solving import solve_groups
from tests.groups import as_groups, as_lists


def some_pairs(count: int, datasets: int = 3, records: int = 400, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    pairs = np.zeros(count, dtype=CANDIDATE_DTYPE)
    pairs["score"] = random.integers(600, 1001, count) / 1000
    pairs["dataset_a"] = random.integers(0, datasets - 1, count)
    pairs["dataset_b"] = pairs["dataset_a"] + 1
    pairs["record_a"], pairs["record_b"] = random.integers(0, records, (2, count))
    _, first = np.unique(pairs[["dataset_a", "dataset_b", "record_a", "record_b"]], return_index=True)
    return sort_candidates(pairs[first])


def text(pieces) -> str:
    return b"".join(pieces).decode()


def whole_groups(groups: list[list[tuple[int, int]]]) -> str:
    return json.dumps({"groups": groups}, separators=(",", ":"))


def whole_scores(pairs: np.ndarray) -> str:
    scored = [[[a, ra], [b, rb], score] for score, a, b, ra, rb in pairs.tolist()]
    return json.dumps({"similarity_scores": scored}, separators=(",", ":"))


@pytest.fixture(autouse=True, params=[7, 16_384], ids=["many pieces", "one piece"])
def lines_per_piece(request, monkeypatch):
    monkeypatch.setattr(views, "LINES_PER_PIECE", request.param)


PAIRS = some_pairs(900)
GROUPS = as_lists(solve_groups(PAIRS))


def test_json_of_pairs_is_that_of_a_whole_result():
    assert text(views.render_pairs([PAIRS[:400], PAIRS[400:]], "json", None)) == whole_scores(PAIRS)


def test_json_of_groups_is_that_of_a_whole_result():
    assert text(views.render_groups([as_groups(GROUPS)], 0, "json", None)) == whole_groups(GROUPS)


def test_csv_of_pairs_reads_back_to_the_bit():
    rows = list(csv.DictReader(io.StringIO(text(views.render_pairs([PAIRS], "csv", None)))))

    assert [(float(row["score"]), *(int(row[name]) for name in PAIRS.dtype.names[1:])) for row in rows] == (
        PAIRS.tolist()
    )


@pytest.mark.parametrize("form", ["json", "ndjson", "csv"])
def test_groups_in_blocks_are_rendered_as_those_in_one(form):
    blocks = [as_groups(GROUPS[start:stop]) for start, stop in ((0, 0), (0, 5), (5, 60), (60, len(GROUPS)))]

    assert text(views.render_groups(blocks, 2, form, None)) == text(
        views.render_groups([as_groups(GROUPS)], 2, form, None)
    )


def test_a_line_of_ndjson_is_one_pair():
    lines = text(views.render_pairs([PAIRS], "ndjson", None)).splitlines()

    assert [json.loads(line) for line in lines] == json.loads(whole_scores(PAIRS))["similarity_scores"]


def test_csv_and_ndjson_of_groups_have_each_record_in_its_group():
    expected = [[list(record) for record in group] for group in GROUPS]
    lines = text(views.render_groups([as_groups(GROUPS)], 0, "ndjson", None)).splitlines()
    rows = list(csv.reader(io.StringIO(text(views.render_groups([as_groups(GROUPS)], 5, "csv", None)))))

    assert [json.loads(line) for line in lines] == expected
    assert rows[0] == ["group", "dataset", "record"]
    assert [[int(cell) for cell in row] for row in rows[1:]] == [
        [5 + position, *record] for position, group in enumerate(expected) for record in group
    ]


@pytest.mark.parametrize("form", ["json", "ndjson", "csv"])
def test_nothing_is_an_empty_list_in_every_form(form):
    none = as_groups([])
    positions, within = pairs_within(none, [PAIRS], 10)
    whole = {
        text(views.render_pairs([], form, None)),
        text(views.render_groups([none], 0, form, None)),
        text(views.render_scored_groups(none, positions, within, 0, form, None)),
    }

    if form == "json":
        assert whole == {'{"similarity_scores":[]}', '{"groups":[]}', '{"groups":[],"scores":[]}'}
    else:
        assert all(len(each.splitlines()) == (form == "csv") for each in whole)


def test_the_next_page_is_told_in_json():
    assert (
        json.loads(text(views.render_groups([as_groups(GROUPS[:1])], 0, "json", "/there")))["next"]
        == "/there"
    )


def expected_scores(groups: list[list[tuple[int, int]]]) -> list[list]:
    return [
        [
            [[a, i], [b, j], score]
            for score, a, b, i, j in PAIRS.tolist()
            if (a, i) in group and (b, j) in group
        ]
        for group in groups
    ]


@pytest.mark.parametrize("form", ["json", "ndjson", "csv"])
def test_groups_come_with_the_scores_of_the_pairs_within_them(form):
    some = GROUPS[3:50]
    positions, within = pairs_within(as_groups(some), [PAIRS[:500], PAIRS[500:]], 10_000)

    found = text(views.render_scored_groups(as_groups(some), positions, within, 3, form, None))

    expected = expected_scores(some)
    groups = [[list(record) for record in group] for group in some]
    if form == "json":
        assert json.loads(found) == {"groups": groups, "scores": expected}
    elif form == "ndjson":
        assert [json.loads(line) for line in found.splitlines()] == [
            {"group": group, "scores": scores} for group, scores in zip(groups, expected, strict=True)
        ]
    else:
        rows = list(csv.reader(io.StringIO(found)))[1:]
        assert [(int(g), int(a), int(i), int(b), int(j), float(s)) for g, a, i, b, j, s in rows] == [
            (3 + position, *a, *b, score)
            for position, scores in enumerate(expected)
            for a, b, score in scores
        ]


def test_more_pairs_within_groups_than_can_be_held_are_refused():
    with pytest.raises(TooManyPairs, match="more than 5 pairs"):
        pairs_within(as_groups(GROUPS), [PAIRS], 5)


def test_groups_of_which_a_pair_scores_less_are_found():
    lower = PAIRS[PAIRS["score"] < 0.8]

    found = groups_with(as_groups(GROUPS), [lower])

    assert found.tolist() == [min(pair[2] for pair in pairs) < 0.8 for pairs in expected_scores(GROUPS)]
    assert 0 < found.sum() < len(found)


def test_groups_are_picked_and_paged_with_their_members():
    groups = as_groups(GROUPS)
    kept = np.arange(len(GROUPS)) % 3 == 0

    picked = groups.where(kept).page(2, 5)

    assert text(views.render_groups([picked], 0, "json", None)) == whole_groups(
        [group for group, is_kept in zip(GROUPS, kept, strict=True) if is_kept][2:5]
    )
