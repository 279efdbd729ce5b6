"""Runs as they are asked for with a token. One query each, for a status is asked several times a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.storage.database import Cursor, transactional
from chalicelib.storage.projects import PERMUTED
from chalicelib.storage.runs import COLUMNS, Run
from chalicelib.storage.tokens import token_hash


@dataclass(frozen=True)
class OwnedRun:
    """A run with what the answers about it depend on."""

    run: Run
    result_type: str
    number_parties: int
    key_bits: int | None = None  # of the key that the mask is encrypted with, where it is


# A base64url character has six bits; the first may have zeros.
_KEY_BITS = "length(p.public_key->>'n') * 6 as key_bits"
_OWNED_RUN = f"{COLUMNS}, p.result_type, p.number_parties, {_KEY_BITS}"
_OF_ITS_PROJECT = (
    "r.run_id = %(run_id)s and p.project_id = %(project_id)s"
    " and r.deleted_at is null and p.deleted_at is null"
)


@transactional
def find_by_result_token(cursor: Cursor, project_id: str, run_id: str, token: str) -> OwnedRun | None:
    """The run, if the token is its project's owner's."""
    cursor.execute(
        f"select {_OWNED_RUN} from runs r join projects p using (project_id)"
        f" where {_OF_ITS_PROJECT} and p.result_token_hash = %(hash)s",
        {"run_id": run_id, "project_id": project_id, "hash": token_hash(token)},
    )
    row: Any = cursor.fetchone()
    return _owned(row) if row else None


@transactional
def find_by_reading_token(
    cursor: Cursor, project_id: str, run_id: str, token: str
) -> tuple[OwnedRun, int | None] | None:
    """The run, if the token is its project's owner's or, of a project of permutations, a valid receipt
    token; with the dataset index of the receipt's party, None for the owner."""
    cursor.execute(
        f"select {_OWNED_RUN}, d.dataset_index from runs r join projects p using (project_id)"
        " left join data_providers d on d.project_id = p.project_id"
        " and d.receipt_token_hash = %(hash)s and p.result_type in %(permuted)s"
        f" where {_OF_ITS_PROJECT} and (p.result_token_hash = %(hash)s or d.dp_id is not null)",
        {"run_id": run_id, "project_id": project_id, "hash": token_hash(token), "permuted": PERMUTED},
    )
    row: Any = cursor.fetchone()
    if row is None:
        return None
    dataset_index: int | None = row.pop("dataset_index")
    return _owned(row), dataset_index


def _owned(row: dict[str, Any]) -> OwnedRun:
    others = {name: row.pop(name) for name in ("result_type", "number_parties", "key_bits")}
    return OwnedRun(Run(**row), **others)
