from __future__ import annotations

import pytest

from chalicelib.storage import objects

pytestmark = pytest.mark.usefixtures("service")

MIB = 1024 * 1024


@pytest.mark.parametrize(
    "size",
    [0, 1, objects.PART_BYTES - 1, objects.PART_BYTES, 2 * objects.PART_BYTES + 7, 9 * objects.PART_BYTES],
)
def test_a_stream_is_written_whole_whatever_its_size(size):
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    pieces = (content[i : i + 3 * MIB] for i in range(0, size, 3 * MIB))

    assert objects.write_stream("data", "key", pieces) == size
    assert objects.get("data", "key") == content


def test_a_stream_that_fails_leaves_neither_object_nor_parts():
    def failing():
        yield bytes(objects.PART_BYTES)
        yield bytes(objects.PART_BYTES)
        raise RuntimeError("source failed")

    with pytest.raises(RuntimeError):
        objects.write_stream("data", "key", failing())

    assert not objects.exists("data", "key")
    assert objects.delete_prefix("data", "key") == 0


def test_a_range_past_the_end_is_short():
    objects.put("data", "key", b"0123456789")

    assert objects.get_range("data", "key", 8, 20) == b"89"
    assert objects.get_range("data", "key", 10, 20) == b""


def test_what_is_not_there_is_named():
    with pytest.raises(objects.NoSuchObject, match="missing"):
        objects.get("data", "missing")
    with pytest.raises(objects.NoSuchObject):
        objects.size_of("data", "missing")
    with pytest.raises(objects.NoSuchObject):
        objects.open_object("data", "missing")


def test_deleting_a_prefix_touches_no_other_key():
    for key in ("projects/ab/1", "projects/ab/2", "projects/abc/1"):
        objects.put("data", key, b"x")

    assert objects.delete_prefix("data", "projects/ab/") == 2
    assert list(objects.list_sizes("data", "projects/")) == [("projects/abc/1", 1)]


def test_a_new_object_is_written_once():
    assert objects.put_new("data", "a", b"first")
    assert not objects.put_new("data", "a", b"second")

    assert objects.get("data", "a") == b"first"
