"""Events as API Gateway (REST, proxy integration, greedy route) sends them."""

from __future__ import annotations

import base64
import json as jsons
from typing import Any


def greedy_event(
    method: str,
    path: str,
    *,
    headers: dict[str, str] | None = None,
    body: str | bytes | None = None,
    query: dict[str, str] | None = None,
) -> dict[str, Any]:
    """``bytes`` arrive in base64, as bodies of a binary type do."""
    is_binary = isinstance(body, bytes)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in (headers or {}).items()} or None,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()}
        if query
        else None,
        "pathParameters": {"proxy": path[1:]} if path != "/" else None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "path": f"/api{path}",
            "stage": "api",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": is_binary,
    }


def json_event(method: str, path: str, body: Any, token: str | None = None, **options: Any) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", **({"Authorization": token} if token else {})}
    return greedy_event(method, path, headers=headers, body=jsons.dumps(body), **options)


def binary_headers(count: object, size: object) -> dict[str, str]:
    return {"Content-Type": "application/octet-stream", "Hash-Count": str(count), "Hash-Size": str(size)}


def as_text(*encodings: bytes) -> list[str]:
    return [base64.b64encode(encoding).decode() for encoding in encodings]
