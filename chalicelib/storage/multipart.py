"""Writing an object in parts, some at a time. It is there when all of them are, or not at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from chalicelib.storage.clients import store_of

PARTS_AT_ONCE = 4

Part = Callable[..., str]
"""Sends one part to the place that its keywords say (``Bucket``, ``Key``, ``UploadId``, ``PartNumber``), and
returns its ETag."""


def write(bucket: str, key: str, parts: Iterable[Part], options: dict[str, str]) -> None:
    """Write the object of ``parts``, in their order, each sent by a thread; ``options`` are the object's.

    The next part is taken from the iterable when less than PARTS_AT_ONCE are on their way. Whatever is
    raised there or while sending is raised here, and nothing of the upload is left. Raises botocore's errors.
    """
    store = store_of(bucket)
    upload_id = store.create_multipart_upload(Bucket=bucket, Key=key, **options)["UploadId"]
    address = {"Bucket": bucket, "Key": key, "UploadId": upload_id}
    try:
        tags = enumerate(_sent(address, parts), start=1)
        listed = [{"PartNumber": number, "ETag": tag} for number, tag in tags]
        store.complete_multipart_upload(**address, MultipartUpload={"Parts": listed})
    except BaseException:
        store.abort_multipart_upload(**address)
        raise


def _sent(address: dict[str, str], parts: Iterable[Part]) -> Iterator[str]:
    """The parts' ETags. No part is on its way any more when this has ended, well or not."""
    under_way: deque[Future[str]] = deque()
    with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
        for number, part in enumerate(parts, start=1):
            under_way.append(pool.submit(part, **address, PartNumber=number))
            if len(under_way) == PARTS_AT_ONCE:
                yield under_way.popleft().result()
        for future in under_way:
            yield future.result()
