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


def sample_event(method: str, path: str, **changes: Any) -> dict[str, Any]:
    """With everything that AWS's documentation of proxy integrations shows of an event.

    ``path`` is what the client asked for, below the stage ``prod``.
    """
    event = {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {
            "Accept": "*/*",
            "CloudFront-Forwarded-Proto": "https",
            "Host": "70ixmpl4fl.execute-api.eu-west-1.amazonaws.com",
            "User-Agent": "python-requests/2.32.3",
            "X-Amzn-Trace-Id": "Root=1-5e66d96f-7491f09xmpl79d18acf3d050",
            "X-Forwarded-For": "52.255.255.12",
            "X-Forwarded-Port": "443",
            "X-Forwarded-Proto": "https",
        },
        "multiValueHeaders": {
            "Accept": ["*/*"],
            "Host": ["70ixmpl4fl.execute-api.eu-west-1.amazonaws.com"],
            "X-Forwarded-For": ["52.255.255.12"],
        },
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.removeprefix("/")},
        "stageVariables": None,
        "requestContext": {
            "resourceId": "2gxmpl",
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "extendedRequestId": "JJbxmplHYosFVYQ=",
            "requestTime": "10/Mar/2026:00:03:59 +0000",
            "path": f"/prod{path}",
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": "prod",
            "domainPrefix": "70ixmpl4fl",
            "requestTimeEpoch": 1583798639428,
            "requestId": "77375676-xmpl-4b79-853a-f982474efe18",
            "identity": {
                "cognitoIdentityPoolId": None,
                "accountId": None,
                "sourceIp": "52.255.255.12",
                "userAgent": "python-requests/2.32.3",
                "user": None,
            },
            "domainName": "70ixmpl4fl.execute-api.eu-west-1.amazonaws.com",
            "apiId": "70ixmpl4fl",
        },
        "body": None,
        "isBase64Encoded": False,
    }
    return event | changes
