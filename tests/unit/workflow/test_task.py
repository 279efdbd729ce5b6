from __future__ import annotations

import pytest

from chalicelib.errors import Gone, PermanentError
from chalicelib.workflow.task import reason, task


class TooShort(PermanentError):
    pass


def test_a_permanent_error_s_subclass_leaves_by_the_name_that_the_state_machines_know():
    @task
    def failing(_event):
        raise TooShort("127 bytes")

    with pytest.raises(PermanentError, match="127 bytes") as raised:
        failing({}, None)

    assert type(raised.value) is PermanentError


@pytest.mark.parametrize("error", [Gone("deleted"), ValueError("retry me")])
def test_other_errors_leave_as_they_are(error):
    @task
    def failing(_event):
        raise error

    with pytest.raises(type(error), match=str(error)):
        failing({}, None)


def test_a_reason_that_is_not_json_is_told_as_it_is():
    assert reason("Run", {"Error": "PermanentError", "Cause": "plain words"}) == "plain words"
