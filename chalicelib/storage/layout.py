"""Where everything lies: the one place that spells object keys, and knows their buckets.

Data bucket:

    projects/{project}/uploads/{upload}                   raw body of an inline upload, until ingested
    projects/{project}/datasets/{upload}/encodings.bin    count * size bytes, row order = record index
    projects/{project}/datasets/{upload}/header.json      count, size, stored rows
    projects/{project}/datasets/{upload}/rows.u32         blocked: the record index of each stored row
    projects/{project}/datasets/{upload}/blocks.bin       blocked: where each block's rows are
    projects/{project}/runs/{run}/manifest.jsonl          one line a chunk
    projects/{project}/runs/{run}/common/{a}-{b}.u32      blocked: the blocks that two data sets share
    projects/{project}/runs/{run}/candidates/{a}-{start}-{stop}-{b}-{start}-{stop}.bin
    projects/{project}/runs/{run}/candidates/pack-{a}-{b}-{first}-{stop}-{comparisons}.bin
    projects/{project}/runs/{run}/merging/manifest.jsonl  one line a part, where candidate files are many
    projects/{project}/runs/{run}/merging/{digest}.bin    some candidate files, merged
    projects/{project}/runs/{run}/failure.txt             why a chunk can't be compared
    projects/{project}/runs/{run}/map/…                   written by Step Functions' ResultWriter
    projects/{project}/runs/{run}/merged.bin              candidate pairs, sorted, each once
    projects/{project}/runs/{run}/groups.bin
    projects/{project}/runs/{run}/permutation.bin         both permutations and the mask
    projects/{project}/runs/{run}/mask/manifest.jsonl     one line a slice, where the mask is to be encrypted
    projects/{project}/runs/{run}/mask/{start}-{stop}.txt  a slice of it, encrypted
    projects/{project}/runs/{run}/result.json             as it is delivered to the owner
    projects/{project}/runs/{run}/permutation-{i}.json    as it is delivered to party i
    projects/{project}/runs/{run}/views/…                 other forms of the result, made when asked for

``encodings.bin`` of a blocked project is in block order: the rows of one block after those of another,
a record as often as it has blocks (``linkage.blocking`` describes the three files).

Manifests and what the ResultWriter writes are Step Functions' own business: it reaches S3 only, so they are
in the manifest bucket, which is the data bucket where that is in S3.

Upload bucket: ``{project}/{data provider}/{upload}``, blocks beside it under ``{upload}.blocks``; and
whatever a client puts under ``{project}/{data provider}`` with temporary credentials. A data set's key
holds the upload that made it, so a late worker of an upload that was given up can never write over
its successor.
"""

from __future__ import annotations

from chalicelib.config import settings

Side = tuple[int, int, int]  # dataset index, first record, record after the last

_MANIFEST = "manifest.jsonl"


def bucket_of(key: str) -> str:
    """The bucket of anything of a project but what clients put into the upload bucket."""
    is_manifest = key.rpartition("/")[2] == _MANIFEST
    return settings().manifest_bucket if is_manifest else settings().data_bucket


def project_buckets() -> set[str]:
    """Those with something of a project under ``project_prefix``."""
    return {settings().data_bucket, settings().manifest_bucket}


def project_prefix(project_id: str) -> str:
    return f"projects/{project_id}/"


def inline_upload(project_id: str, upload_id: str) -> str:
    return f"projects/{project_id}/uploads/{upload_id}"


def direct_upload(project_id: str, dp_id: str, upload_id: str) -> str:
    return f"{project_id}/{dp_id}/{upload_id}"


def direct_upload_blocks(project_id: str, dp_id: str, upload_id: str) -> str:
    return f"{project_id}/{dp_id}/{upload_id}.blocks"


def party_folder(project_id: str, dp_id: str) -> str:
    """In the upload bucket: what this data provider's temporary credentials are for."""
    return f"{project_id}/{dp_id}"


def upload_prefix(project_id: str) -> str:
    """In the upload bucket: all that a project's data providers put there."""
    return f"{project_id}/"


def encodings(project_id: str, upload_id: str) -> str:
    return f"projects/{project_id}/datasets/{upload_id}/encodings.bin"


def header(project_id: str, upload_id: str) -> str:
    return f"projects/{project_id}/datasets/{upload_id}/header.json"


def rows(project_id: str, upload_id: str) -> str:
    return f"projects/{project_id}/datasets/{upload_id}/rows.u32"


def blocks(project_id: str, upload_id: str) -> str:
    return f"projects/{project_id}/datasets/{upload_id}/blocks.bin"


def run_prefix(project_id: str, run_id: str) -> str:
    return f"projects/{project_id}/runs/{run_id}/"


def manifest(project_id: str, run_id: str) -> str:
    return run_prefix(project_id, run_id) + _MANIFEST


def common_blocks(project_id: str, run_id: str, dataset_a: int, dataset_b: int) -> str:
    return run_prefix(project_id, run_id) + f"common/{dataset_a}-{dataset_b}.u32"


def map_results_prefix(project_id: str, run_id: str) -> str:
    # Without a slash at the end: Step Functions adds one.
    return run_prefix(project_id, run_id) + "map"


def candidates_prefix(project_id: str, run_id: str) -> str:
    return run_prefix(project_id, run_id) + "candidates/"


def candidates(project_id: str, run_id: str, side_a: Side, side_b: Side) -> str:
    """Named by what was compared, so that a listing alone tells a run's progress, and a file that
    an earlier attempt left serves the next one, however that one is cut."""
    sides = "-".join(str(number) for number in (*side_a, *side_b))
    return f"{candidates_prefix(project_id, run_id)}{sides}.bin"


def packed_candidates(
    project_id: str, run_id: str, datasets: tuple[int, int], blocks: tuple[int, int], comparisons: int
) -> str:
    """As ``candidates``, for common blocks ``blocks[0]`` to ``blocks[1]`` (exclusive) of two data sets."""
    numbers = "-".join(str(number) for number in (*datasets, *blocks, comparisons))
    return f"{candidates_prefix(project_id, run_id)}pack-{numbers}.bin"


def comparisons_of(candidates_key: str) -> int:
    name = candidates_key.rpartition("/")[2].removesuffix(".bin")
    if name.startswith("pack-"):
        return int(name.rpartition("-")[2])
    _, start_a, stop_a, _, start_b, stop_b = map(int, name.split("-"))
    return (stop_a - start_a) * (stop_b - start_b)


def merging_prefix(project_id: str, run_id: str) -> str:
    return run_prefix(project_id, run_id) + "merging/"


def merging_manifest(project_id: str, run_id: str) -> str:
    return merging_prefix(project_id, run_id) + _MANIFEST


def merged_part(project_id: str, run_id: str, digest: str) -> str:
    """Named by what it is made of, so that a part that is there is the right one."""
    return merging_prefix(project_id, run_id) + f"{digest}.bin"


def failure(project_id: str, run_id: str) -> str:
    return run_prefix(project_id, run_id) + "failure.txt"


def merged(project_id: str, run_id: str) -> str:
    return run_prefix(project_id, run_id) + "merged.bin"


def groups(project_id: str, run_id: str) -> str:
    return run_prefix(project_id, run_id) + "groups.bin"


def result(project_id: str, run_id: str) -> str:
    return run_prefix(project_id, run_id) + "result.json"


def permutation(project_id: str, run_id: str) -> str:
    return run_prefix(project_id, run_id) + "permutation.bin"


def permutation_result(project_id: str, run_id: str, dataset_index: int) -> str:
    return run_prefix(project_id, run_id) + f"permutation-{dataset_index}.json"


def mask_prefix(project_id: str, run_id: str) -> str:
    return run_prefix(project_id, run_id) + "mask/"


def mask_manifest(project_id: str, run_id: str) -> str:
    return mask_prefix(project_id, run_id) + "manifest.jsonl"


def mask_slice(project_id: str, run_id: str, start: int, stop: int) -> str:
    """Named by the positions in it, so that a listing alone tells how far encrypting is."""
    return f"{mask_prefix(project_id, run_id)}{start}-{stop}.txt"


def positions_of(mask_key: str) -> tuple[int, int]:
    """The positions (start, stop) of an encrypted slice; of any other key under the prefix, none (0, 0)."""
    name = mask_key.rpartition("/")[2]
    if not name.endswith(".txt"):
        return 0, 0
    start, stop = map(int, name.removesuffix(".txt").split("-"))
    return start, stop


def view(project_id: str, run_id: str, name: str) -> str:
    return run_prefix(project_id, run_id) + f"views/{name}"
