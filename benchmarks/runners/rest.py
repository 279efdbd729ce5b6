"""The requests of a benchmark: a project with two uploads by presigned URLs, and runs with their stages."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from chalicelib.linkage.encodings import Encodings

_POLL_SECONDS = 0.02
_STAGES = {
    "time_started": "plan",
    "time_compared": "compare",
    "time_merged": "merge",
    "time_solved": "solve",
    "time_completed": "render",
}


@dataclass
class Linkage:
    """A project on the service at ``api_url`` that uploads ``sides`` and then runs."""

    api_url: str
    sides: Sequence[Encodings]
    upload_format: str = "binary"
    blocks: Sequence[Sequence[str]] | None = None  # of each side a block for each record
    upload_seconds: float = 0
    ingest_seconds: float = 0
    _session: requests.Session = field(default_factory=requests.Session)

    def upload(self) -> None:
        """Both data sets, and waits until they have been ingested; sets both times."""
        self._session.trust_env = False  # the service is on this machine
        project = {"schema": {}, "result_type": "groups", "uses_blocking": self.blocks is not None}
        self._project = self._call("POST", "/projects", json=project)
        self._path = f"/projects/{self._project['project_id']}"
        started = time.perf_counter()
        pending = [self._put(party) for party in range(2)]
        uploaded = time.perf_counter()
        for token, path in pending:
            while (state := self._call("GET", path, token)["state"]) != "ready":
                if state == "error":
                    raise RuntimeError("an upload was refused")
                time.sleep(_POLL_SECONDS)
        self.upload_seconds, self.ingest_seconds = uploaded - started, time.perf_counter() - uploaded

    def run(self, threshold: float) -> dict[str, Any]:
        """A run: its seconds as the client waits, those of each stage, and what it used."""
        token, started = self._project["result_token"], time.perf_counter()
        run_id = self._call("POST", f"{self._path}/runs", token, json={"threshold": threshold})["run_id"]
        self._run_path = f"{self._path}/runs/{run_id}"
        while True:
            status = self._call("GET", f"{self._run_path}/status", token)
            if status["state"] == "completed":
                break
            if status["state"] == "error":
                raise RuntimeError(f"the run failed: {status['message']}")
            time.sleep(_POLL_SECONDS)
        return {
            "seconds": time.perf_counter() - started,
            "stages": stages(status),
            "comparisons": status["total_number_comparisons"],
            "cost": status["cost"],
        }

    def groups(self) -> list[Any]:
        """The result of the last run."""
        groups: list[Any] = self._call("GET", f"{self._run_path}/result", self._project["result_token"])[
            "groups"
        ]
        return groups

    def delete(self) -> None:
        self._call("DELETE", self._path, self._project["result_token"])

    def _put(self, party: int) -> tuple[str, str]:
        token, encodings = self._project["update_tokens"][party], self.sides[party]
        content = encodings.tobytes() if self.upload_format == "binary" else as_json(encodings)
        names = None if self.blocks is None else blocks_file(self.blocks[party])
        body = {
            "format": self.upload_format,
            "bytes": len(content),
            "count": len(encodings),
            "encoding_size": encodings.shape[1],
            **({} if names is None else {"blocks": {"bytes": len(names)}}),
        }
        upload = self._call("POST", f"{self._path}/uploads", token, json=body)
        path, at = f"{self._path}/uploads/{upload['upload_id']}", 0
        for part in self._parts(token, upload):
            self._send(part, content[at : at + part["bytes"]])
            at += part["bytes"]
        if names is not None:
            self._send({"method": "PUT", **upload["blocks"]}, names)
        self._call("POST", f"{path}/complete", token, json={})
        return token, path

    def _parts(self, token: str, upload: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while True:
            yield from upload.get("parts", upload.get("missing", []))
            if "next" not in upload:
                return
            upload = self._call("GET", upload["next"].removeprefix("/api/v1"), token)

    def _send(self, part: dict[str, Any], content: bytes) -> None:
        answer = self._session.request(part["method"], part["url"], headers=part["headers"], data=content)
        answer.raise_for_status()

    def _call(self, method: str, path: str, token: str = "", **options: Any) -> dict[str, Any]:
        headers = {"Authorization": token} if token else {}
        answer = self._session.request(
            method, f"{self.api_url}/api/v1{path}", headers=headers, timeout=600, **options
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found


def stages(status: dict[str, Any]) -> dict[str, float]:
    """Seconds of each stage of a completed run, by the service's clock; a stage that wasn't is left out."""
    times = {"time_added": status["time_added"], **status["stage_times"]}
    last, found = datetime.fromisoformat(times["time_added"]), {}
    for name, stage in _STAGES.items():
        if name in times:
            reached = datetime.fromisoformat(times[name])
            found[stage] = (reached - last).total_seconds()
            last = reached
    return found


def as_json(encodings: Encodings) -> bytes:
    texts = [base64.b64encode(row.tobytes()).decode() for row in encodings]
    return json.dumps({"clks": texts}).encode()


def blocks_file(names: Sequence[str]) -> bytes:
    return json.dumps({"blocks": {str(record): [name] for record, name in enumerate(names)}}).encode()
