from __future__ import annotations

import pytest

from chalicelib.errors import Gone
from chalicelib.storage import database, projects
from chalicelib.storage.tokens import new_id, token_hash
from tests.unit.factories import create_project, ready_project

pytestmark = pytest.mark.usefixtures("database")


def test_an_owner_is_found_by_token_and_nobody_else_is():
    project, other = create_project(), create_project()

    assert projects.find_by_result_token(project.project_id, project.result_token)
    assert projects.find_by_result_token(project.project_id, other.result_token) is None
    assert projects.find_by_result_token(project.project_id, project.update_tokens[0]) is None
    assert projects.find_by_result_token(new_id(), project.result_token) is None


def test_a_data_provider_is_found_in_its_own_project_only():
    project, other = create_project(), create_project()

    found = projects.find_by_update_token(project.project_id, project.update_tokens[1])

    assert found is not None
    assert found[1].dataset_index == 1
    assert projects.find_by_update_token(other.project_id, project.update_tokens[1]) is None


def test_no_token_is_stored_in_clear():
    project = create_project()

    @database.transactional
    def rows(cursor):
        cursor.execute("select p::text, d::text from projects p join data_providers d using (project_id)")
        return str(cursor.fetchall())

    stored = rows()

    assert not any(token in stored for token in (project.result_token, *project.update_tokens))
    assert token_hash(project.result_token).hex() in stored


def test_a_deleted_project_is_found_by_nobody():
    project = create_project()

    projects.mark_deleted(project.project_id)

    assert projects.find_by_result_token(project.project_id, project.result_token) is None
    assert projects.find_by_update_token(project.project_id, project.update_tokens[0]) is None
    assert project.project_id not in [row["project_id"] for row in projects.list_active()]
    with pytest.raises(Gone):
        projects.find(project.project_id)


def test_a_project_that_is_not_marked_is_not_forgotten():
    project = create_project()

    projects.forget(project.project_id)

    assert projects.find(project.project_id)


def test_forgetting_leaves_a_line_of_audit_that_identifies_nothing():
    project_id = ready_project(counts=(5, 7))
    projects.mark_deleted(project_id)

    projects.forget(project_id)
    projects.forget(project_id)

    @database.transactional
    def audit(cursor):
        cursor.execute("select * from deletions order by deletion_id desc limit 1")
        return dict(cursor.fetchone())

    line = audit()
    assert (line["data_providers"], line["encodings"]) == (2, 12)
    assert project_id not in str(line)
