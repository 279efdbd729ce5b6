"""Projects and their data providers in Postgres, and who may see what of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg2.extras import Json, execute_values

from chalicelib.errors import Gone
from chalicelib.storage.database import Cursor, only_row, transactional
from chalicelib.storage.tokens import Token, new_id, new_token, token_hash


@dataclass(frozen=True)
class NewProject:
    """A project with its tokens in clear: this is the only time that they exist."""

    project_id: str
    result_token: Token
    update_tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Project:
    project_id: str
    time_added: datetime
    name: str
    notes: str
    schema: dict[str, Any]
    result_type: str
    number_parties: int
    uses_blocking: bool
    encoding_size_bytes: int | None
    public_key: dict[str, Any] | None = None  # a JWK; of result type permutation alone
    paillier_context: dict[str, Any] | None = None

    @property
    def has_permutations(self) -> bool:
        """Whether the parties get results of their own and the matches are nobody's."""
        return self.result_type in PERMUTED

    @property
    def has_encrypted_mask(self) -> bool:
        return self.result_type == ENCRYPTED

    @property
    def modulus(self) -> str:
        """Of the public key, as in its JWK; only where the mask is encrypted."""
        assert self.public_key is not None
        return str(self.public_key["n"])

    @property
    def key_bits(self) -> int:
        """The length of the public key, to a few bits; only where the mask is encrypted."""
        return 6 * len(self.modulus)


@dataclass(frozen=True)
class DataProvider:
    dp_id: str
    project_id: str
    dataset_index: int
    upload_state: str
    upload_id: str | None
    encodings_count: int | None
    error: str | None


@dataclass(frozen=True)
class Dataset:
    """One data provider's encodings, ingested and ready to be compared."""

    dataset_index: int
    dp_id: str
    upload_id: str
    count: int
    encoding_size_bytes: int


PERMUTED = ("permutations", "permutation")
ENCRYPTED = "permutation"

_PROJECT = (
    "project_id, time_added, name, notes, schema, result_type, number_parties, uses_blocking,"
    " encoding_size_bytes, public_key, paillier_context"
)
_DATA_PROVIDER = "dp_id, project_id, dataset_index, upload_state, upload_id, encodings_count, error"


def create(
    *,
    name: str,
    notes: str,
    schema: dict[str, Any],
    result_type: str,
    number_parties: int,
    uses_blocking: bool,
    encoding_size_bytes: int | None,
    public_key: dict[str, Any] | None = None,
    paillier_context: dict[str, Any] | None = None,
) -> NewProject:
    """Add a project with ``number_parties`` data providers; their order is the dataset index."""
    project = NewProject(new_id(), new_token(), tuple(new_token() for _ in range(number_parties)))
    values = {
        "project_id": project.project_id,
        "name": name,
        "notes": notes,
        "schema": Json(schema),
        "result_type": result_type,
        "number_parties": number_parties,
        "uses_blocking": uses_blocking,
        "encoding_size_bytes": encoding_size_bytes,
        "public_key": None if public_key is None else Json(public_key),
        "paillier_context": None if paillier_context is None else Json(paillier_context),
        "result_token_hash": token_hash(project.result_token),
    }
    providers = [
        (new_id(), project.project_id, i, token_hash(t)) for i, t in enumerate(project.update_tokens)
    ]
    _insert(values, providers)
    return project


@transactional
def _insert(cursor: Cursor, project: dict[str, Any], providers: list[tuple[Any, ...]]) -> None:
    # A connection lost during the commit makes this run again with the same ids.
    columns = ", ".join(project)
    placeholders = ", ".join(f"%({column})s" for column in project)
    cursor.execute(
        f"insert into projects ({columns}) values ({placeholders}) on conflict do nothing", project
    )
    execute_values(
        cursor,
        "insert into data_providers (dp_id, project_id, dataset_index, update_token_hash) values %s"
        " on conflict do nothing",
        providers,
    )


@transactional
def list_active(cursor: Cursor) -> list[dict[str, Any]]:
    """``project_id`` and ``time_added`` of every project that isn't deleted, oldest first."""
    cursor.execute("select project_id, time_added from projects where deleted_at is null order by time_added")
    return [dict(row) for row in cursor]


@transactional
def count_active(cursor: Cursor) -> int:
    cursor.execute("select count(*) as n from projects where deleted_at is null")
    return int(only_row(cursor)["n"])


@transactional
def find(cursor: Cursor, project_id: str) -> Project:
    """The project. Raises Gone when there is none or it was deleted."""
    cursor.execute(
        f"select {_PROJECT} from projects where project_id = %s and deleted_at is null", (project_id,)
    )
    row = cursor.fetchone()
    if row is None:
        raise Gone(f"project {project_id} does not exist or was deleted")
    return Project(**row)


@transactional
def find_by_result_token(cursor: Cursor, project_id: str, token: str) -> Project | None:
    """The project, if it exists and the token is its owner's. One query either way, so that an
    unknown id and a wrong token take the same time."""
    cursor.execute(
        f"select {_PROJECT} from projects"
        " where project_id = %s and result_token_hash = %s and deleted_at is null",
        (project_id, token_hash(token)),
    )
    row = cursor.fetchone()
    return Project(**row) if row else None


@transactional
def find_by_reading_token(cursor: Cursor, project_id: str, token: str) -> Project | None:
    """The project, if the token is its owner's or, of a project of permutations, a valid receipt token."""
    cursor.execute(
        f"select {_PROJECT} from projects p where project_id = %(id)s and deleted_at is null"
        " and (result_token_hash = %(hash)s or (result_type in %(permuted)s and exists (select"
        " from data_providers d where d.project_id = p.project_id and d.receipt_token_hash = %(hash)s)))",
        {"id": project_id, "hash": token_hash(token), "permuted": PERMUTED},
    )
    row = cursor.fetchone()
    return Project(**row) if row else None


@transactional
def find_by_update_token(cursor: Cursor, project_id: str, token: str) -> tuple[Project, DataProvider] | None:
    """The project and the data provider whose update token this is."""
    project_columns = ", ".join(f"p.{column}" for column in _PROJECT.split(", "))
    cursor.execute(
        f"select {project_columns} from projects p join data_providers d using (project_id)"
        " where project_id = %s and d.update_token_hash = %s and p.deleted_at is null",
        (project_id, token_hash(token)),
    )
    project = cursor.fetchone()
    if project is None:
        return None
    cursor.execute(
        f"select {_DATA_PROVIDER} from data_providers where update_token_hash = %s", (token_hash(token),)
    )
    return Project(**project), DataProvider(**only_row(cursor))


@transactional
def data_providers(cursor: Cursor, project_id: str) -> list[DataProvider]:
    """All data providers, in the order of their dataset index."""
    cursor.execute(
        f"select {_DATA_PROVIDER} from data_providers where project_id = %s order by dataset_index",
        (project_id,),
    )
    return [DataProvider(**row) for row in cursor]


@transactional
def parties_contributed(cursor: Cursor, project_id: str) -> int:
    """How many data providers have delivered an upload that wasn't refused (so far)."""
    cursor.execute(
        "select count(*) as n from data_providers d join uploads u using (upload_id)"
        " where d.project_id = %s and u.state in ('ingesting', 'ready')",
        (project_id,),
    )
    return int(only_row(cursor)["n"])


@transactional
def datasets(cursor: Cursor, project_id: str) -> list[Dataset]:
    """The data sets that are ready, in the order of their dataset index."""
    cursor.execute(
        "select d.dataset_index, d.dp_id, d.upload_id, d.encodings_count as count, u.encoding_size_bytes"
        " from data_providers d join uploads u using (upload_id)"
        " where d.project_id = %s and d.upload_state = 'done' order by d.dataset_index",
        (project_id,),
    )
    return [Dataset(**row) for row in cursor]


@transactional
def mark_deleted(cursor: Cursor, project_id: str) -> None:
    """From now on nobody finds the project, and every task that works for it stops."""
    cursor.execute(
        "update projects set deleted_at = utc_now() where project_id = %s and deleted_at is null",
        (project_id,),
    )


@transactional
def marked_deleted(cursor: Cursor) -> list[tuple[str, int]]:
    """The projects that wait to be purged, with the attempt that should be at it."""
    cursor.execute(
        "select project_id, purge_attempt from projects where deleted_at is not null order by deleted_at"
    )
    return [(row["project_id"], row["purge_attempt"]) for row in cursor]


@transactional
def next_purge_attempt(cursor: Cursor, project_id: str, attempt: int) -> bool:
    """Claim the right to start attempt ``attempt + 1``; of two callers one gets it."""
    cursor.execute(
        "update projects set purge_attempt = purge_attempt + 1"
        " where project_id = %s and purge_attempt = %s and deleted_at is not null",
        (project_id, attempt),
    )
    return cursor.rowcount == 1


@transactional
def forget(cursor: Cursor, project_id: str) -> None:
    """Remove every row of a project marked deleted, leaving a line of audit that identifies nothing."""
    cursor.execute(
        "insert into deletions (kind, time_requested, data_providers, runs, encodings)"
        " select 'project', deleted_at,"
        " (select count(*) from data_providers d where d.project_id = p.project_id),"
        " (select count(*) from runs r where r.project_id = p.project_id),"
        " (select coalesce(sum(encodings_count), 0) from data_providers d where d.project_id = p.project_id)"
        " from projects p where project_id = %s and deleted_at is not null",
        (project_id,),
    )
    cursor.execute("delete from projects where project_id = %s and deleted_at is not null", (project_id,))
