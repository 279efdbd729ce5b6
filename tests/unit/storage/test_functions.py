"""Calling functions: what Lambda answers is given by botocore's own stubber; the rest is real."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from chalicelib.errors import Gone, PermanentError, StoreUnavailable
from chalicelib.storage import clients, functions
from chalicelib.storage.functions import FunctionFailed

pytestmark = pytest.mark.usefixtures("database_settings")

EVENT = {"project_id": "p"}


@pytest.fixture
def answers(database_settings) -> Iterator[Stubber]:
    with Stubber(clients.lambda_functions()) as stubber:
        yield stubber


def payload(value: object) -> StreamingBody:
    data = json.dumps(value).encode()
    return StreamingBody(io.BytesIO(data), len(data))


def raised(kind: str, message: str = "why") -> dict:
    body = payload({"errorType": kind, "errorMessage": message, "stackTrace": []})
    return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": body}


def test_a_function_is_called_by_its_deployed_name_and_its_answer_returned(answers):
    expected = {"FunctionName": "test-render", "Payload": json.dumps(EVENT).encode()}
    answers.add_response("invoke", {"StatusCode": 200, "Payload": payload({"text": "a"})}, expected)

    assert functions.call("render", EVENT) == {"text": "a"}


@pytest.mark.parametrize("error", [PermanentError, Gone, StoreUnavailable])
def test_our_errors_are_raised_again_with_their_message(answers, error):
    answers.add_response("invoke", raised(error.__name__))

    with pytest.raises(error, match=r"^why$"):
        functions.call("render", EVENT)


def test_of_any_other_error_only_the_type_is_told(answers):
    answers.add_response("invoke", raised("OperationalError", "password=secret"))

    with pytest.raises(FunctionFailed) as failed:
        functions.call("render", EVENT)

    assert str(failed.value) == "the function render failed: OperationalError"


@pytest.mark.parametrize(
    ("code", "status"), [("TooManyRequestsException", 429), ("ServiceException", 500), ("EC2Throttled", 502)]
)
def test_a_busy_service_is_a_reason_to_try_again(answers, code, status):
    answers.add_client_error("invoke", code, http_status_code=status)

    with pytest.raises(StoreUnavailable, match="busy"):
        functions.call("render", EVENT)


def test_an_answer_that_does_not_come_in_time_is_a_reason_to_try_again(database_settings, monkeypatch):
    def time_out(**_):
        raise ReadTimeoutError(endpoint_url="http://nowhere")

    monkeypatch.setattr(clients.lambda_functions(), "invoke", time_out)

    with pytest.raises(StoreUnavailable, match="longer than a request may wait"):
        functions.call("render", EVENT)


def test_a_call_is_never_made_twice(database_settings):
    config = clients.lambda_functions().meta.config

    assert config.retries["total_max_attempts"] == 1
    assert config.read_timeout < 29  # API Gateway's patience
