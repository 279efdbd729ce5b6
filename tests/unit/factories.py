"""Projects, uploads and encodings in the states that tests begin from."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from chalicelib.storage import projects, uploads
from chalicelib.storage.tokens import new_id, new_token


def create_project(
    number_parties: int = 2, result_type: str = "groups", *, uses_blocking: bool = False, modulus: str = ""
) -> projects.NewProject:
    encryption = {"public_key": {"n": modulus}, "paillier_context": {"base": 2, "encoded": True}}
    return projects.create(
        name="",
        notes="",
        schema={},
        result_type=result_type,
        number_parties=number_parties,
        uses_blocking=uses_blocking,
        encoding_size_bytes=None,
        **(encryption if modulus else {}),
    )


def new_project(
    number_parties: int = 2, result_type: str = "groups", *, uses_blocking: bool = False, modulus: str = ""
) -> tuple[str, list[projects.DataProvider]]:
    project = create_project(number_parties, result_type, uses_blocking=uses_blocking, modulus=modulus)
    return project.project_id, projects.data_providers(project.project_id)


def new_upload(provider: projects.DataProvider, **fields: object) -> uploads.NewUpload:
    upload_id = new_id()
    defaults: dict[str, object] = {
        "format": "binary",
        "bucket": "data",
        "object_key": f"projects/{provider.project_id}/uploads/{upload_id}",
        "size_bytes": 640,
        "encodings_count": 5,
        "encoding_size_bytes": 128,
    }
    ids = {"upload_id": upload_id, "dp_id": provider.dp_id, "project_id": provider.project_id}
    return uploads.NewUpload(**{**ids, **defaults, **fields})  # type: ignore[arg-type]


def begun_upload(provider: projects.DataProvider, **fields: object) -> uploads.NewUpload:
    upload = new_upload(provider, **fields)
    assert uploads.take(upload, timedelta(hours=1))
    assert uploads.begin_ingestion(upload.upload_id, new_token())
    return upload


def ready_project(counts: tuple[int, ...] = (5, 5), result_type: str = "groups", modulus: str = "") -> str:
    project_id, providers = new_project(len(counts), result_type, modulus=modulus)
    for provider, count in zip(providers, counts, strict=True):
        upload = begun_upload(provider)
        uploads.accept(upload.upload_id, count, 128)
    return project_id


def linked_encodings(seed: int, counts: tuple[int, ...], size: int = 128) -> list[np.ndarray]:
    """Random encodings of which about half resemble one of the first data set's, a few bits flipped."""
    random = np.random.default_rng(seed)
    base = random.integers(0, 256, (max(counts), size), dtype=np.uint8)
    datasets = []
    for count in counts:
        rows = random.integers(0, 256, (count, size), dtype=np.uint8)
        shared = random.permutation(count)[: count // 2]
        noise = random.random((len(shared), size * 8)) < random.random((len(shared), 1)) * 0.1
        rows[shared] = base[shared] ^ np.packbits(noise, axis=1)
        datasets.append(rows)
    return datasets
