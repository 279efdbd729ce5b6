"""The application behind API Gateway's greedy route: Chalice's router with the adapter of ``http`` before it.

The API function's handler is ``app``. Nothing here may import numpy or anonlink: a cold start is
what a client waits for.
"""

from __future__ import annotations

import time
from typing import Any

from chalice.app import Chalice

from chalicelib.api import (
    direct_uploads,
    documentation,
    estimates,
    external_uploads,
    http,
    projects,
    results,
    runs,
    service,
    uploads,
)
from chalicelib.api.responses import from_error
from chalicelib.observability import logger, observed

URL_PREFIX = "/api/v1"


class Application(Chalice):
    """Answers API Gateway's v1 events whatever their route says; the path alone decides."""

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        with observed("api", context, request_id=event.get("requestContext", {}).get("requestId")):
            return self._answer(event, context)

    def _answer(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        started = time.monotonic()
        route = "unknown"
        answer: dict[str, Any]
        try:
            match = http.match(event, self.routes)
            route = match.path
            answer = match.immediate or super().__call__(match.event, context)
        except Exception as error:
            answer = from_error(error).to_dict()
        method = http.method_of(event)
        seconds = round(time.monotonic() - started, 4)
        fields = {"method": method, "route": route, "status": answer["statusCode"], "seconds": seconds}
        logger.info("request", extra=fields)
        return http.without_body(answer) if method == "HEAD" else answer


app = Application(app_name="anonlink-serverless")
# One binary type, as API Gateway has it: JSON bodies arrive as text and leave as text.
app.api.binary_types = ["application/octet-stream"]
for module in (service, projects, uploads, direct_uploads, external_uploads, runs, results, estimates):
    app.register_blueprint(module.routes, url_prefix=URL_PREFIX)
app.register_blueprint(documentation.routes)
