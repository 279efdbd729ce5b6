"""The errors of the service.

    EntityServiceError
    ├── RequestError            an answer to a client, as problem+json
    │   ├── BadRequest              400
    │   ├── Forbidden               403
    │   ├── NotFound                404
    │   ├── MethodNotAllowed        405
    │   ├── ContentTooLarge         413
    │   ├── UnsupportedMediaType    415
    │   └── StoreUnavailable        503: a backing store is away; clients try again
    ├── PermanentError          bad data: no retry mends it, its message is for the data provider
    ├── NothingToReuse          an earlier run's pairs were deleted meanwhile: the run compares anew
    └── Gone                    what a task worked for was deleted meanwhile
        └── Ended                   or has an end already, reached by another call

The state machines name ``PermanentError``, ``NothingToReuse`` and ``Gone`` and match by class name
alone, so a subclass of either is raised to them under its parent's name (``workflow.task``).
"""

from __future__ import annotations

from http import HTTPStatus


class EntityServiceError(Exception):
    """Root of the errors that this service raises on purpose. Messages never hold tokens or encodings."""


class RequestError(EntityServiceError):
    """An error with an HTTP status; the message is the ``detail`` that the client reads."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR


class BadRequest(RequestError):
    status = HTTPStatus.BAD_REQUEST


class Forbidden(RequestError):
    status = HTTPStatus.FORBIDDEN


class NotFound(RequestError):
    status = HTTPStatus.NOT_FOUND


class MethodNotAllowed(RequestError):
    status = HTTPStatus.METHOD_NOT_ALLOWED


class ContentTooLarge(RequestError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaType(RequestError):
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class StoreUnavailable(RequestError):
    """Postgres, S3 or Step Functions could not be reached within its retries."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class PermanentError(EntityServiceError):
    """Bad data. The message says what is wrong and is shown to data providers."""


class NothingToReuse(EntityServiceError):
    """The candidate pairs of an earlier run, which were to spare this one its comparisons, are not there."""


class Gone(EntityServiceError):
    """The project or run was deleted while a task worked for it: nothing is left to do or to report."""


class Ended(Gone):
    """The run is completed or in error: nothing is left to do, and what belongs to it stays."""
