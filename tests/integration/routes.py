"""Every way by which a party's data set can reach the service, as one function each.

``route(service, project, party, rows, blocks)`` uploads encodings, (n, size) uint8, and for projects with
blocking the names of each record's blocks, and gives the receipt token.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import boto3
import numpy as np
import requests
from botocore.config import Config
from minio import Minio

from localstack.stack import Stack
from tests.integration.service import Project, Service, admin_client, as_text, put_parts

Blocks = list[list[str]]
Route = Callable[[Service, Project, int, np.ndarray, Blocks], str]
FOREIGN_BUCKET = "another-hospital"


def with_indices(blocks: Blocks) -> dict[str, list[str]]:
    """As ``blocks`` of a request and of a file has them; a record without blocks may be left out."""
    return {str(record): names for record, names in reversed(list(enumerate(blocks))) if names}


def post_clks(service: Service, project: Project, party: int, body: dict[str, Any]) -> str:
    answer = service.call("POST", f"{project.path}/clks", project.update_tokens[party], json=body)
    return receipt(answer)


def receipt(answer: requests.Response) -> str:
    assert answer.status_code == 201, answer.text
    return str(answer.json()["receipt_token"])


def clks(service: Service, project: Project, party: int, rows: np.ndarray, blocks: Blocks) -> str:
    return post_clks(service, project, party, {"clks": as_text(rows)})


def encodings(service: Service, project: Project, party: int, rows: np.ndarray, blocks: Blocks) -> str:
    return post_clks(service, project, party, {"encodings": as_text(rows)})


def binary(service: Service, project: Project, party: int, rows: np.ndarray, blocks: Blocks) -> str:
    return receipt(service.upload_binary(project, party, rows))


def clknblocks(service: Service, project: Project, party: int, rows: np.ndarray, blocks: Blocks) -> str:
    body = [[row, *names] for row, names in zip(as_text(rows), blocks, strict=True)]
    return post_clks(service, project, party, {"clknblocks": body})


def encodings_and_blocks(
    service: Service, project: Project, party: int, rows: np.ndarray, blocks: Blocks
) -> str:
    return post_clks(service, project, party, {"encodings": as_text(rows), "blocks": with_indices(blocks)})


def presigned(file_format: str, blocks_in: str = "") -> Route:
    """``blocks_in``: "file" for an object of their own, "data" for the JSON of the encodings itself."""

    def route(service: Service, project: Project, party: int, rows: np.ndarray, blocks: Blocks) -> str:
        content = rows.tobytes()
        if file_format == "json":
            document: dict[str, Any] = {"encodings": as_text(rows)}
            content = json.dumps(
                document | ({"blocks": with_indices(blocks)} if blocks_in == "data" else {})
            ).encode()
        body: dict[str, Any] = {
            "format": file_format,
            "bytes": len(content),
            "count": len(rows),
            "encoding_size": rows.shape[1],
        }
        blocks_file = json.dumps({"blocks": with_indices(blocks)}).encode()
        if blocks_in == "file":
            body["blocks"] = {"bytes": len(blocks_file)}
        begun = service.call("POST", f"{project.path}/uploads", project.update_tokens[party], json=body)
        assert begun.status_code == 201, begun.text
        upload = begun.json()
        put_parts(upload["parts"], content, upload.get("part_size"))
        if blocks_in == "file":
            there = upload["blocks"]
            answer = requests.request(
                there["method"], there["url"], headers=there["headers"], data=blocks_file, timeout=60
            )
            assert answer.status_code == 200, answer.text
        return receipt(service.complete_upload(project, party, upload["upload_id"]))

    return route


def credentials(client: str, file_name: str, blocks_in: str = "") -> Route:
    """By temporary credentials; ``client`` is "minio" or "boto3", ``blocks_in`` "file" or "request"."""

    def route(service: Service, project: Project, party: int, rows: np.ndarray, blocks: Blocks) -> str:
        token = project.update_tokens[party]
        answer = service.call("GET", f"{project.path}/authorize-external-upload", token)
        assert answer.status_code == 201, answer.text
        given = answer.json()
        place, put = given["upload"], (_put_by_minio if client == "minio" else _put_by_boto3)(given)
        folder = place["path"]
        _put_encodings(put, f"{folder}/{file_name}", rows)
        body: dict[str, Any] = {
            "encodings": {
                "file": {"bucket": place["bucket"], "path": f"{folder}/{file_name}"},
                "credentials": given["credentials"],
            }
        }
        if blocks_in == "file":
            put(f"{folder}/blocks.json", json.dumps({"blocks": with_indices(blocks)}).encode(), {})
            body["blocks"] = {"file": {"bucket": place["bucket"], "path": f"{folder}/blocks.json"}}
        elif blocks_in == "request":
            body["blocks"] = with_indices(blocks)
        return post_clks(service, project, party, body)

    return route


def foreign_store(stack: Stack, file_name: str, blocks_in: str = "") -> Route:
    """From an object store that isn't the service's: the emulator's again, by another name."""

    def route(service: Service, project: Project, party: int, rows: np.ndarray, blocks: Blocks) -> str:
        store = admin_client(stack, "s3")
        store.create_bucket(Bucket=FOREIGN_BUCKET)
        folder = f"for/{project.project_id}/{party}"

        def put(key: str, content: bytes, metadata: dict[str, str]) -> None:
            store.put_object(Bucket=FOREIGN_BUCKET, Key=key, Body=content, Metadata=metadata)

        def reference(key: str) -> dict[str, Any]:
            port = stack.s3_endpoint.rpartition(":")[2]
            return {
                "file": {
                    "bucket": FOREIGN_BUCKET,
                    "path": key,
                    "endpoint": f"localhost:{port}",
                    "secure": False,
                },
                "credentials": {
                    "AccessKeyId": stack.aws_access_key_id,
                    "SecretAccessKey": stack.aws_secret_access_key,
                },
            }

        _put_encodings(put, f"{folder}/{file_name}", rows)
        body = {"encodings": reference(f"{folder}/{file_name}")}
        if blocks_in == "file":
            put(f"{folder}/blocks.json", json.dumps({"blocks": with_indices(blocks)}).encode(), {})
            body["blocks"] = reference(f"{folder}/blocks.json")
        return post_clks(service, project, party, body)

    return route


Put = Callable[[str, bytes, dict[str, str]], None]


def _put_encodings(put: Put, key: str, rows: np.ndarray) -> None:
    is_json = key.endswith(".json")
    content = json.dumps({"clks": as_text(rows)}).encode() if is_json else rows.tobytes()
    put(key, content, {"hash-count": str(len(rows)), "hash-size": str(rows.shape[1])})


def _put_by_minio(given: dict[str, Any]) -> Put:
    place, keys = given["upload"], given["credentials"]
    store = Minio(
        place["endpoint"],
        access_key=keys["AccessKeyId"],
        secret_key=keys["SecretAccessKey"],
        session_token=keys["SessionToken"],
        region="us-east-1",
        secure=place["secure"],
    )

    def put(key: str, content: bytes, metadata: dict[str, str]) -> None:
        store.put_object(place["bucket"], key, io.BytesIO(content), len(content), metadata=dict(metadata))

    return put


def _put_by_boto3(given: dict[str, Any]) -> Put:
    place, keys = given["upload"], given["credentials"]
    store = boto3.client(
        "s3",
        endpoint_url=f"{'https' if place['secure'] else 'http'}://{place['endpoint']}",
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(s3={"addressing_style": "path"}),
    )

    def put(key: str, content: bytes, metadata: dict[str, str]) -> None:
        store.put_object(Bucket=place["bucket"], Key=key, Body=content, Metadata=metadata)

    return put


def unblocked(stack: Stack) -> dict[str, Route]:
    """The routes into a project without blocking, by name."""
    return {
        "clks": clks,
        "encodings": encodings,
        "binaryclks": binary,
        "presigned binary": presigned("binary"),
        "presigned JSON": presigned("json"),
        "credentials, JSON, minio-py": credentials("minio", "encodings.json"),
        "credentials, raw, boto3": credentials("boto3", "encodings.bin"),
        "foreign store, JSON": foreign_store(stack, "encodings.json"),
        "foreign store, raw": foreign_store(stack, "encodings"),
    }


def blocked(stack: Stack) -> dict[str, Route]:
    """The routes into a project with blocking, by name."""
    return {
        "clknblocks": clknblocks,
        "encodings and blocks": encodings_and_blocks,
        "presigned binary, blocks file": presigned("binary", "file"),
        "presigned JSON, blocks file": presigned("json", "file"),
        "presigned JSON with blocks": presigned("json", "data"),
        "credentials, JSON, blocks file, minio-py": credentials("minio", "encodings.json", "file"),
        "credentials, raw, blocks file, boto3": credentials("boto3", "encodings.bin", "file"),
        "credentials, raw, blocks in the request": credentials("minio", "encodings.bin", "request"),
        "foreign store, JSON, blocks file": foreign_store(stack, "encodings.json", "file"),
    }
