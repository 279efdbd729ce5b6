from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.storage import layout

SIDES = st.tuples(st.integers(0, 9), st.integers(0, 10**9), st.integers(0, 10**9)).map(
    lambda side: (side[0], min(side[1:]), max(side[1:]))
)


@given(SIDES, SIDES)
def test_a_candidate_file_s_name_tells_its_comparisons(side_a, side_b):
    key = layout.candidates("p" * 48, "r" * 48, side_a, side_b)

    assert layout.comparisons_of(key) == (side_a[2] - side_a[1]) * (side_b[2] - side_b[1])


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**15))
def test_so_does_the_name_of_a_pack_s(first, stop, comparisons):
    key = layout.packed_candidates("p" * 48, "r" * 48, (0, 11), (first, stop), comparisons)

    assert key.startswith(layout.candidates_prefix("p" * 48, "r" * 48))
    assert layout.comparisons_of(key) == comparisons


def test_what_step_functions_reads_is_in_the_manifest_bucket_and_all_else_in_the_data_bucket(
    database_settings, override_settings
):
    override_settings(MANIFEST_BUCKET="manifests")
    ids = "p" * 48, "r" * 48

    assert {layout.bucket_of(key(*ids)) for key in (layout.manifest, layout.merging_manifest)} == {
        "manifests"
    }
    assert {layout.bucket_of(key(*ids)) for key in (layout.merged, layout.header, layout.failure)} == {"data"}
    assert layout.project_buckets() == {"data", "manifests"}


def test_everything_of_a_run_lies_under_its_project():
    for key in (layout.manifest, layout.merged, layout.groups, layout.result, layout.map_results_prefix):
        assert key("p", "r").startswith(layout.run_prefix("p", "r"))
        assert key("p", "r").startswith(layout.project_prefix("p"))
