"""A run's work and the sizes of its chunks, by stored data."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.errors import Gone
from chalicelib.storage import layout, objects
from chalicelib.workflow import chunk_sizes
from chalicelib.workflow.chunk_sizes import RunWork, workers
from chalicelib.workflow.chunks import StoredDataset
from chalicelib.workflow.run_data import RunData
from chalicelib.workflow.stored_rows import load

pytestmark = pytest.mark.usefixtures("service")

ROWS = 40_000


@pytest.fixture(scope="module")
def encodings() -> list[np.ndarray]:
    """Half of the second data set are near copies of the first's, in the same order."""
    random = np.random.default_rng(5)
    a, b = (random.integers(0, 256, (ROWS, 128), dtype=np.uint8) for _ in range(2))
    b[::2] = a[::2]
    b[:, :4] = random.integers(0, 256, (ROWS, 4))
    return [a, b]


@pytest.fixture
def data(encodings) -> RunData:
    return stored(encodings)


def stored(encodings: list[np.ndarray]) -> RunData:
    datasets: list[StoredDataset] = []
    for place, rows in enumerate(encodings):
        upload_id = f"upload{place}"
        objects.put("data", layout.encodings("project", upload_id), rows.tobytes())
        datasets.append(
            {
                "project_id": "project",
                "dp_id": f"party{place}",
                "upload_id": upload_id,
                "encoding_size_bytes": 128,
                "stored_rows": len(rows),
                "is_blocked": False,
            }
        )
    return RunData(datasets, None)


def work(data: RunData, threshold: float) -> RunWork:
    counts = [dataset["stored_rows"] for dataset in data.datasets]
    return RunWork(data, threshold, {(a, b): counts[a] * counts[b] for a, b in data.pairs()})


def test_an_index_spares_most_of_the_work_at_a_high_threshold(data):
    assert work(data, 0.95).total < 0.2 * ROWS * ROWS
    assert 1.3 * ROWS * ROWS < work(data, 0.7).total < 1.6 * ROWS * ROWS
    assert work(data, 0.5).total > 1.5 * ROWS * ROWS


def test_where_it_does_the_other_side_stays_whole(data, override_settings):
    override_settings(CHUNK_MIN_SECONDS="0.1", COMPARISONS_PER_SECOND="1e8")

    index, tiles = (work(data, threshold).chunk_size(0, 1) for threshold in (0.95, 0.7))

    assert index.is_sliced
    assert index.comparisons % ROWS == 0
    assert index.comparisons > tiles.comparisons
    assert not tiles.is_sliced


def test_a_run_is_small_by_its_work_and_not_by_its_comparisons(data, override_settings):
    override_settings(COMPARISONS_PER_SECOND="1e8")  # 1.7 vCPUs, so 13 s for all pairs at 0.7

    assert work(data, 0.95).is_small
    assert not work(data, 0.7).is_small


def test_a_run_that_would_find_very_many_pairs_is_not_small_nor_are_its_chunks_large(data):
    everything = work(data, 0.3)

    assert not everything.is_small
    assert everything.chunk_size(0, 1).comparisons < 20_000_000
    assert workers(128).share(everything.total) > ROWS * ROWS / 100


def test_data_sets_in_the_same_order_are_sampled_in_other_places(data, monkeypatch):
    ranges = []
    monkeypatch.setattr(chunk_sizes, "load", lambda dataset, rows: ranges.append(rows) or load(dataset, rows))

    work(data, 0.9)

    assert all(sum(stop - start for start, stop in of_one) == 8_192 for of_one in ranges)
    assert all(0 <= start < stop <= ROWS for of_one in ranges for start, stop in of_one)
    windows_a, windows_b = ({row for window in of_one for row in range(*window)} for of_one in ranges)
    assert not windows_a & windows_b


def test_little_data_is_not_read(encodings):
    data = stored([rows[:1_000] for rows in encodings])
    objects.delete("data", layout.encodings("project", "upload0"))

    assert work(data, 0.9).is_small
    assert work(data, 0.9).chunk_size(0, 1).comparisons >= 1


def test_nothing_is_small(encodings):
    data = stored([encodings[0], encodings[1][:0]])

    assert work(data, 0.9).is_small
    assert work(data, 0.9).total == 0


def test_a_deleted_data_set_is_gone(data):
    objects.delete("data", layout.encodings("project", "upload1"))

    with pytest.raises(Gone):
        work(data, 0.9)
