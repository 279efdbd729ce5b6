from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from chalicelib.api import schemas
from chalicelib.api.documentation import SCRIPT

METHODS = {"get", "post", "put", "delete", "patch"}
PAGE = {"/", "/api/v1", f"/api/v1/{SCRIPT}"}  # shows the description, and isn't part of it
SCHEMAS = schemas.document()["components"]["schemas"]


def test_the_document_is_valid_openapi():
    validate(schemas.document())


def test_every_route_is_described_and_every_description_is_a_route(routes):
    described = {
        (path, method.upper())
        for path, operations in schemas.document()["paths"].items()
        for method in METHODS & operations.keys()
    }

    assert described == {
        (path.removeprefix("/api/v1"), method)
        for path, entries in routes.items()
        for method in entries
        if path not in PAGE
    }


def test_content_types_are_the_routes_own(routes):
    for path, operations in schemas.document()["paths"].items():
        for method in METHODS & operations.keys():
            body = operations[method].get("requestBody")
            if body:
                assert list(body["content"]) == routes[f"/api/v1{path}"][method.upper()].content_types


@pytest.mark.parametrize("name", SCHEMAS)
def test_examples_follow_their_schemas(name):
    schema = {"components": {"schemas": SCHEMAS}, **SCHEMAS[name]}

    for example in SCHEMAS[name].get("examples", ()):
        Draft202012Validator(schema).validate(example)


def test_the_service_serves_its_description(api):
    assert api.call("GET", "/openapi.json").json == schemas.document()
