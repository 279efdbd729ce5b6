"""Many clients at once: of those with one token exactly one wins, and nothing of the others is left."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.service import TOKEN_USED
from tests.oracle import anonlink_groups, as_sets
from tests.unit.factories import linked_encodings

PARTIES, CLIENTS = 4, 100
ROWS = linked_encodings(64, (40, 45, 50, 35))


@pytest.fixture(scope="module")
def crowd(linkage_service):
    """A hundred clients, 25 a token, by all three routes at once: the project and their answers."""
    project = linkage_service.create_project("groups", number_parties=PARTIES)

    def upload(client: int):
        party = client % PARTIES
        rows = ROWS[party]
        route = client // PARTIES % 3
        if route == 0:
            return party, linkage_service.upload_binary(project, party, rows)
        if route == 1:
            return party, linkage_service.upload_json(project, party, rows)
        begun = linkage_service.begin_upload(project, party, rows.nbytes, *rows.shape)
        return party, begun

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(upload, range(CLIENTS)))
    for party, answer in answers:
        if answer.status_code == 201 and "parts" in answer.json():
            content = ROWS[party].tobytes()
            linkage_service.put_and_complete(project, party, answer.json(), content)
    return project, answers


def test_exactly_one_client_a_token_wins(crowd):
    _, answers = crowd

    assert Counter(party for party, answer in answers if answer.status_code == 201) == Counter(range(PARTIES))


def test_every_other_client_is_told_that_the_token_is_used(crowd):
    _, answers = crowd
    refused = [answer for _, answer in answers if answer.status_code != 201]

    assert len(refused) == CLIENTS - PARTIES
    assert {(answer.status_code, answer.json()["detail"]) for answer in refused} == {(403, TOKEN_USED)}


def test_the_run_is_that_of_the_winners_data(linkage_service, crowd):
    project, _ = crowd

    assert linkage_service.describe(project)["parties_contributed"] == PARTIES
    assert as_sets(linkage_service.link(project, 0.85)["groups"]) == anonlink_groups(ROWS, 0.85)


def test_runs_posted_at_once_are_all_done(linkage_service):
    project = linkage_service.project_with(ROWS[:2])

    with ThreadPoolExecutor(10) as pool:
        groups = list(pool.map(lambda _: linkage_service.link(project, 0.85)["groups"], range(10)))

    assert {frozenset(as_sets(found)) for found in groups} == {frozenset(anonlink_groups(ROWS[:2], 0.85))}
