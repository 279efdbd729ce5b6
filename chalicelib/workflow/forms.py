"""The forms in which a result can be asked for: what the API reads from a query and ``views`` renders.

No numpy here, for the API's sake.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

CONTENT_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "binary": "application/octet-stream",
}


@dataclass(frozen=True)
class Form:
    """One form of a result. Of what reaches ``min_score``, ``limit`` items from position ``after`` on."""

    format: str = "json"
    min_score: float | None = None
    after: int = 0
    limit: int | None = None
    scores: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether this is the result as it is delivered unasked, or that in another format."""
        return (self.min_score, self.after, self.limit, self.scores) == (None, 0, None, False)

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[self.format]

    @property
    def name(self) -> str:
        """The name of the view: the same form has the same name, another has another."""
        parts = {name: value for name, value in self._parameters().items() if name != "format"}
        return "-".join(f"{name}-{value}" for name, value in parts.items()) + f".{self.format}"

    def query_of_next(self, position: int) -> str:
        """The query of the page that begins at ``position``."""
        return urlencode(self._parameters() | {"after": position})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def _parameters(self) -> dict[str, str | int]:
        optional: dict[str, str | int | None] = {
            "format": self.format,
            "min_score": None if self.min_score is None else repr(self.min_score),
            "scores": "true" if self.scores else None,
            "limit": self.limit,
        }
        return {name: value for name, value in optional.items() if value is not None} | {"after": self.after}
