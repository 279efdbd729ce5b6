from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chalicelib.errors import Gone, PermanentError
from chalicelib.storage import projects, uploads
from chalicelib.storage.tokens import new_token
from tests.unit.factories import new_project, new_upload

HOUR = timedelta(hours=1)

pytestmark = pytest.mark.usefixtures("database")


def test_only_one_of_two_uploads_takes_the_lock():
    _, (provider, _) = new_project()

    assert uploads.take(new_upload(provider), HOUR)
    assert not uploads.take(new_upload(provider), HOUR)


def test_of_many_simultaneous_uploads_exactly_one_takes_the_lock(separate_connections):
    _, (provider, _) = new_project()

    with ThreadPoolExecutor(8) as pool:
        taken = list(
            pool.map(separate_connections(lambda _: uploads.take(new_upload(provider), HOUR)), range(24))
        )

    assert taken.count(True) == 1


def test_taking_the_lock_again_after_a_lost_answer_is_harmless():
    _, (provider, _) = new_project()
    upload = new_upload(provider)

    assert uploads.take(upload, HOUR)
    assert uploads.take(upload, HOUR)


def test_an_expired_pending_upload_holds_nothing():
    _, (provider, _) = new_project()
    uploads.take(new_upload(provider), timedelta(seconds=-1))

    assert uploads.take(new_upload(provider), HOUR)


def test_an_upload_under_way_never_expires():
    _, (provider, _) = new_project()
    upload = new_upload(provider)
    uploads.take(upload, timedelta(seconds=-1))
    uploads.begin_ingestion(upload.upload_id, new_token())

    assert not uploads.take(new_upload(provider), HOUR)


def test_a_rejected_upload_frees_the_token_and_keeps_its_reason():
    project_id, (provider, _) = new_project()
    upload = new_upload(provider)
    uploads.take(upload, HOUR)
    uploads.begin_ingestion(upload.upload_id, new_token())

    rejected = uploads.reject(upload.upload_id, "expected 128 bytes")

    assert rejected is not None
    assert projects.data_providers(project_id)[0].error == "expected 128 bytes"
    assert projects.parties_contributed(project_id) == 0
    assert uploads.take(new_upload(provider), HOUR)


def test_the_first_data_set_fixes_the_encoding_size_of_the_project():
    project_id, (first, second) = new_project()
    ingested(first, 128)

    with pytest.raises(PermanentError, match="Mismatch in encoding sizes"):
        ingested(second, 64)

    assert projects.find(project_id).encoding_size_bytes == 128


def test_a_late_accept_of_a_replaced_upload_changes_nothing():
    project_id, (provider, _) = new_project()
    late = new_upload(provider)
    uploads.take(late, HOUR)
    uploads.begin_ingestion(late.upload_id, new_token())
    uploads.reject(late.upload_id, "given up")
    winner = ingested(provider, 128)

    with pytest.raises(Gone):
        uploads.accept(late.upload_id, 7, 128)

    assert [dataset.upload_id for dataset in projects.datasets(project_id)] == [winner]


def test_releasing_a_pending_upload_frees_the_token():
    _, (provider, _) = new_project()
    upload = new_upload(provider)
    uploads.take(upload, HOUR)

    assert uploads.release(upload.upload_id)
    assert not uploads.release(upload.upload_id)
    assert uploads.take(new_upload(provider), HOUR)


def test_of_two_reconcilers_one_starts_the_next_attempt():
    _, (provider, _) = new_project()
    upload = new_upload(provider)
    uploads.take(upload, HOUR)
    uploads.begin_ingestion(upload.upload_id, new_token())

    assert uploads.next_attempt(upload.upload_id, 1)
    assert not uploads.next_attempt(upload.upload_id, 1)


def ingested(provider: projects.DataProvider, size: int) -> str:
    upload = new_upload(provider)
    uploads.take(upload, HOUR)
    uploads.begin_ingestion(upload.upload_id, new_token())
    uploads.accept(upload.upload_id, 5, size)
    return upload.upload_id
