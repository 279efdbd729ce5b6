"""An object store that isn't the service's: the few answers of S3 that reading takes, over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEYS = {"AccessKeyId": "THEIRKEY", "SecretAccessKey": "their-secret"}


@dataclass
class ForeignStore:
    endpoint: str  # host:port
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)  # by bucket/path
    requests: list[dict[str, str]] = field(default_factory=list)  # the headers of each

    def put(self, path: str, content: bytes, **metadata: object) -> dict[str, Any]:
        """Put an object into "theirs" and return the reference to it."""
        headers = {f"x-amz-meta-{name.replace('_', '-')}": str(value) for name, value in metadata.items()}
        self.objects[f"/theirs/{path}"] = content, headers
        file = {"bucket": "theirs", "path": path, "endpoint": self.endpoint, "secure": False}
        return {"file": file, "credentials": KEYS}


@contextmanager
def foreign_store() -> Iterator[ForeignStore]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            store.requests.append(dict(self.headers))
            if "Credential=THEIRKEY/" not in self.headers["Authorization"]:
                self.answer(
                    403, b"<Error><Code>InvalidAccessKeyId</Code><Message>SECRET</Message></Error>", {}
                )
            elif self.path not in store.objects:
                self.answer(404, b"<Error><Code>NoSuchKey</Code><Message>SECRET</Message></Error>", {})
            else:
                self.answer(200, *store.objects[self.path])

        def answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            # An object named "short" ends before its time.
            length = len(content) + (100 if self.path.endswith("short") else 0)
            for name, value in {"Content-Length": str(length), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        store = ForeignStore(f"127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield store
        server.shutdown()
