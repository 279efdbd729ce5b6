"""What makes a function a view: its route, its request as first argument, its errors as answers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.api.requests import Request
from chalicelib.api.responses import from_error

View = Callable[..., Response]


def endpoint(
    routes: Blueprint, method: str, path: str, content_type: str = "application/json"
) -> Callable[[View], View]:
    """Register ``view(request, **path_parameters)`` at ``path``.

    Errors are caught around each view, because Chalice would answer them in a form of its own.
    """

    def register(view: View) -> View:
        @functools.wraps(view)
        def answer(**path_parameters: Any) -> Response:
            try:
                return view(Request(routes.current_request), **path_parameters)
            except Exception as error:
                return from_error(error)

        routes.route(path, methods=[method], content_types=[content_type])(answer)
        return view

    return register
