"""Reading rows of stored data sets: which requests it takes, what is kept of them, and for whom."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import boto3
import numpy as np
import pytest

from chalicelib.errors import Gone
from chalicelib.storage import cache, layout, objects
from chalicelib.storage.clients import s3
from chalicelib.storage.tokens import new_id
from chalicelib.workflow import stored_rows
from chalicelib.workflow.chunks import StoredDataset
from chalicelib.workflow.stored_rows import Range, Rows, load

pytestmark = pytest.mark.usefixtures("service")

SIZE_BYTES = 128
ROWS = 2_000
MB = 1024 * 1024


@dataclass(frozen=True)
class Stored:
    """A data set in S3, and what is in it."""

    dataset: StoredDataset
    encodings: np.ndarray
    records: np.ndarray

    def rows(self, ranges: list[Range]) -> tuple[list, list]:
        at = [row for start, stop in ranges for row in range(start, stop)]
        return self.encodings[at].tolist(), self.records[at].tolist()

    def delete(self) -> None:
        objects.delete_prefix("data", layout.project_prefix(self.dataset["project_id"]))


@dataclass
class Requests:
    """The GETs that were sent: how many bytes each asked for, and how many were under way at once."""

    sizes: list[int] = field(default_factory=list)
    most_at_once: int = 0
    meet: Callable[[], object] = lambda: None
    _under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, params: dict, **_: object) -> None:
        start, stop = params["headers"]["Range"].removeprefix("bytes=").split("-")
        with self._lock:
            self.sizes.append(int(stop) + 1 - int(start))
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        self.meet()

    def end(self, **_: object) -> None:
        with self._lock:
            self._under_way -= 1

    def new(self) -> list[int]:
        """Those since the last call, the largest first."""
        sizes, self.sizes = sorted(self.sizes, reverse=True), []
        return sizes


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch) -> None:
    monkeypatch.setattr(stored_rows, "_kept", stored_rows._Kept())


@pytest.fixture
def sent(service) -> Iterator[Requests]:
    requests, events = Requests(), s3().meta.events
    events.register("before-call.s3.GetObject", requests.begin)
    events.register("after-call.s3.GetObject", requests.end)
    return requests


def stored(
    rows: int = ROWS, size_bytes: int = SIZE_BYTES, project_id: str = "", *, is_blocked: bool = False
) -> Stored:
    random = np.random.default_rng(rows)
    encodings = random.integers(0, 256, (rows, size_bytes), dtype=np.uint8)
    records = np.arange(rows, dtype=np.uint32)
    dataset = StoredDataset(
        project_id=project_id or new_id(),
        dp_id=new_id(),
        upload_id=new_id(),
        encoding_size_bytes=size_bytes,
        stored_rows=rows,
        is_blocked=is_blocked,
    )
    place = dataset["project_id"], dataset["upload_id"]
    objects.put("data", layout.encodings(*place), encodings.tobytes())
    if is_blocked:
        records = random.integers(0, 2**32, rows, dtype=np.uint32)
        objects.put("data", layout.rows(*place), records.astype("<u4").tobytes())
    return Stored(dataset, encodings, records)


def as_lists(rows: Rows) -> tuple[list, list]:
    return rows.encodings.tolist(), rows.records.tolist()


@pytest.mark.parametrize("is_blocked", [False, True], ids=["in order", "in block order"])
@pytest.mark.parametrize("gap_bytes", [0, 5 * SIZE_BYTES, MB])
@pytest.mark.parametrize("request_bytes", [1, 7 * SIZE_BYTES, MB])
def test_any_ranges_are_read_as_they_were_stored(monkeypatch, is_blocked, gap_bytes, request_bytes):
    monkeypatch.setattr(stored_rows, "_GAP_BYTES", gap_bytes)
    monkeypatch.setattr(stored_rows, "_REQUEST_BYTES", request_bytes)
    made, random = stored(120, is_blocked=is_blocked), np.random.default_rng(1)

    for edges in (2, 10, 40):
        places = np.sort(random.choice(121, edges, replace=False)).tolist()
        ranges = list(zip(places[::2], places[1::2], strict=True))
        assert as_lists(load(made.dataset, ranges)) == made.rows(ranges)


@pytest.mark.parametrize("is_blocked", [False, True], ids=["in order", "in block order"])
@pytest.mark.parametrize("ranges", [[], [(7, 7)]], ids=["no range", "an empty one"])
def test_no_rows_take_no_request(sent, ranges, is_blocked):
    rows = load(stored(is_blocked=is_blocked).dataset, ranges)

    assert (rows.encodings.shape, rows.records.shape) == ((0, SIZE_BYTES), (0,))
    assert sent.new() == []


def test_rows_are_arrays_as_the_comparison_takes_them_and_read_only():
    for is_blocked in (False, True):
        rows = load(stored(is_blocked=is_blocked).dataset, [(3, 9)])

        assert (rows.encodings.dtype, rows.records.dtype) == (np.uint8, np.uint32)
        assert rows.encodings.flags.c_contiguous
        for array in rows:
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0


def test_small_gaps_are_read_over_and_large_ones_left_out(sent):
    made = stored(20_000)
    gap = stored_rows._GAP_BYTES // SIZE_BYTES
    near = [(0, 10), (10 + gap, 20 + gap)]
    far = [(0, 10), (11 + gap, 21 + gap)]

    assert as_lists(load(made.dataset, near)) == made.rows(near)
    assert sent.new() == [(20 + gap) * SIZE_BYTES]
    assert as_lists(load(made.dataset, far)) == made.rows(far)
    assert sent.new() == [10 * SIZE_BYTES] * 2


def test_ranges_that_touch_are_one_request(sent):
    made = stored()
    ranges = [(5, 10), (10, 20), (20, 21)]

    assert as_lists(load(made.dataset, ranges)) == made.rows(ranges)
    assert sent.new() == [16 * SIZE_BYTES]


def test_a_long_range_is_cut_into_requests_of_8_mb(sent):
    made = stored(20_000, 1_024)

    rows = load(made.dataset, [(0, 20_000)])

    assert np.array_equal(rows.encodings, made.encodings)
    assert sent.new() == [8 * MB, 8 * MB, 20_000 * 1_024 - 16 * MB]


def test_eight_requests_are_under_way_at_once_and_never_more(sent, monkeypatch):
    monkeypatch.setattr(stored_rows, "_REQUEST_BYTES", 100 * SIZE_BYTES)
    monkeypatch.setattr(stored_rows, "_GAP_BYTES", 0)
    made = stored(10_000, is_blocked=True)
    barrier = threading.Barrier(8)  # it breaks unless eight meet, twice for the encodings alone
    sent.meet = lambda: barrier.wait(30)
    ranges = [(start, start + 100) for start in range(0, 3_200, 200)]

    rows = load(made.dataset, ranges)

    assert as_lists(rows) == made.rows(ranges)
    assert sent.most_at_once == 8
    assert len(sent.sizes) == 32  # 16 of encodings, 16 of record indexes


def test_threads_share_one_client(monkeypatch):
    monkeypatch.setattr(stored_rows, "_REQUEST_BYTES", 10 * SIZE_BYTES)
    made, clients = stored(10_000), []
    make = boto3.client
    monkeypatch.setattr(
        boto3, "client", lambda *args, **options: clients.append(args) or make(*args, **options)
    )
    s3.cache_clear()

    load(made.dataset, [(0, 1_000)])

    assert clients == [("s3",)]


def test_an_error_of_one_request_is_the_error_of_all(monkeypatch):
    monkeypatch.setattr(stored_rows, "_REQUEST_BYTES", 10 * SIZE_BYTES)
    made, fetch = stored(10_000), objects.get_range

    def broken(bucket: str, key: str, start: int, stop: int) -> bytes:
        if start == 500 * SIZE_BYTES:
            raise ConnectionError("broken")
        return fetch(bucket, key, start, stop)

    monkeypatch.setattr(objects, "get_range", broken)
    with pytest.raises(ConnectionError):
        load(made.dataset, [(0, 1_000)])
    monkeypatch.setattr(objects, "get_range", fetch)

    assert as_lists(load(made.dataset, [(0, 1_000)])) == made.rows([(0, 1_000)])


def test_the_same_range_again_takes_no_request(sent):
    made = stored()
    first = load(made.dataset, [(0, 100)])
    sent.new()

    assert load(made.dataset, [(0, 100)]) is first
    assert sent.new() == []


@pytest.mark.parametrize("ranges", [[(0, 99)], [(1, 100)], [(0, 101)]], ids=str)
def test_another_range_is_read(sent, ranges):
    made = stored()
    load(made.dataset, [(0, 100)])
    sent.new()

    assert as_lists(load(made.dataset, ranges)) == made.rows(ranges)
    assert len(sent.new()) == 1


def test_the_same_range_of_another_upload_is_read():
    made = stored()
    other = stored(ROWS - 1, project_id=made.dataset["project_id"])
    load(made.dataset, [(0, 100)])

    assert as_lists(load(other.dataset, [(0, 100)])) == other.rows([(0, 100)])


def test_several_ranges_are_not_kept(sent):
    made = stored()
    ranges = [(0, 100), (200, 300)]

    for _ in range(2):
        assert as_lists(load(made.dataset, ranges)) == made.rows(ranges)
        assert len(sent.new()) == 1


@pytest.mark.parametrize("ranges", [[(0, 10)], [(0, 10), (20, 30)]], ids=["one range", "several"])
def test_reading_another_projects_rows_lets_go_of_what_was_kept(sent, ranges):
    made, other = stored(), stored()
    load(made.dataset, [(0, 100)])

    load(other.dataset, ranges)
    sent.new()
    load(made.dataset, [(0, 100)])

    assert len(sent.new()) == 1


def test_what_was_used_last_is_kept_up_to_so_many_bytes(sent, monkeypatch):
    monkeypatch.setattr(stored_rows, "KEPT_BYTES", 300 * (SIZE_BYTES + 4))
    made = stored()
    a, b, c, d = ([(start, start + 100)] for start in (0, 100, 200, 300))
    for ranges in (a, b, c, a, d):  # b was used the longest ago
        load(made.dataset, ranges)
    sent.new()

    for ranges in (a, c, d):
        load(made.dataset, ranges)
    assert sent.new() == []
    load(made.dataset, b)
    assert len(sent.new()) == 1


def test_a_range_too_large_to_be_kept_is_read_again(sent, monkeypatch):
    monkeypatch.setattr(stored_rows, "KEPT_BYTES", 100 * (SIZE_BYTES + 4) - 1)
    made = stored()

    for _ in range(2):
        assert as_lists(load(made.dataset, [(0, 100)])) == made.rows([(0, 100)])
        assert len(sent.new()) == 1


@pytest.mark.parametrize("is_blocked", [False, True], ids=["in order", "in block order"])
def test_memory_is_the_rows_eight_requests_and_what_may_be_kept(monkeypatch, is_blocked):
    monkeypatch.setattr(stored_rows, "_REQUEST_BYTES", MB // 8)
    monkeypatch.setattr(stored_rows, "KEPT_BYTES", 6 * MB)
    monkeypatch.setattr(objects, "get_range", lambda _bucket, _key, start, stop: bytes(stop - start))
    dataset = stored(is_blocked=is_blocked).dataset | {"stored_rows": 1_000_000}
    step = 4 * MB // (SIZE_BYTES + 4)  # so that two of them are more than may be kept
    load(dataset, [(0, 1)])

    tracemalloc.start()
    try:
        for start in range(0, 8 * step, step):
            load(dataset, [(start, start + step)])
        peak, kept = tracemalloc.get_traced_memory()[1], tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert kept < 5 * MB
    assert peak < 4 * MB + 8 * 2 * MB // 8 + MB  # bytes of a request are there twice for a moment


def cached(made: Stored, **changed: object) -> None:
    """Keep the data set in Redis, with other bytes than S3 has: they tell where rows came from."""
    copy = {"encodings": (255 - made.encodings).tobytes(), "rows": (made.records + 1).astype("<u4").tobytes()}
    names = ("encodings", "rows") if made.dataset["is_blocked"] else ("encodings",)
    fields = {"upload_id": made.dataset["upload_id"], **{name: copy[name] for name in names}, **changed}
    cache.put_encodings(made.dataset["dp_id"], fields)


@pytest.mark.parametrize("is_blocked", [False, True], ids=["in order", "in block order"])
def test_a_small_data_set_is_read_from_redis(sent, is_blocked):
    made = stored(is_blocked=is_blocked)
    cached(made)
    ranges = [(5, 20), (900, 1_000)]

    rows = load(made.dataset, ranges)

    encodings, records = made.rows(ranges)
    assert (255 - rows.encodings).tolist() == encodings
    assert (rows.records - (1 if is_blocked else 0)).tolist() == records
    assert sent.new() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"encodings": bytes(ROWS * SIZE_BYTES - 1)},
        {"encodings": bytes(ROWS * SIZE_BYTES + SIZE_BYTES)},
        {"encodings": "0" * ROWS * SIZE_BYTES},
        {"encodings": None},
        {"rows": bytes(ROWS * 4 - 4)},
        {"rows": b""},
        {"rows": None},
        {"upload_id": "0" * 48},
    ],
    ids=lambda changed: " ".join(f"{name} {str(value)[:5]}" for name, value in changed.items()),
)
def test_what_redis_has_of_a_wrong_length_or_kind_or_upload_is_not_used(changed):
    made = stored(is_blocked=True)
    cached(made, **changed)

    assert as_lists(load(made.dataset, [(5, 20)])) == made.rows([(5, 20)])


def test_redis_is_not_asked_for_a_large_data_set(override_settings):
    made = stored()
    cached(made)
    override_settings(CACHED_DATASET_MAX_BYTES=str(ROWS * SIZE_BYTES - 1))

    assert as_lists(load(made.dataset, [(5, 20)])) == made.rows([(5, 20)])


@pytest.mark.parametrize("is_blocked", [False, True], ids=["in order", "in block order"])
@pytest.mark.parametrize("ranges", [[(0, 100)], [(0, 100), (10_000, 10_100)]], ids=["one range", "several"])
def test_a_deleted_data_set_is_gone(ranges, is_blocked):
    made = stored(20_000, is_blocked=is_blocked)
    made.delete()

    with pytest.raises(Gone, match="the data set was deleted"):
        load(made.dataset, ranges)


def test_a_blocked_data_set_of_which_only_the_records_are_deleted_is_gone():
    made = stored(is_blocked=True)
    objects.delete("data", layout.rows(made.dataset["project_id"], made.dataset["upload_id"]))

    with pytest.raises(Gone):
        load(made.dataset, [(0, 100)])


def test_rows_that_are_at_hand_outlive_the_data_set_until_another_project_is_read():
    made = stored()
    load(made.dataset, [(0, 100)])
    made.delete()

    assert as_lists(load(made.dataset, [(0, 100)])) == made.rows([(0, 100)])
    load(stored().dataset, [(0, 1)])
    with pytest.raises(Gone):
        load(made.dataset, [(0, 100)])


def test_an_object_that_is_shorter_than_its_data_set_is_no_result():
    made = stored()

    with pytest.raises(ValueError, match="reshape"):
        load(made.dataset | {"stored_rows": ROWS + 10}, [(ROWS - 5, ROWS + 5)])
