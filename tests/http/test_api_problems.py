import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.http.errors import (
    GapError,
    GiveUpError,
    HelpdeskError,
    RetryableError,
    TruncatedError,
    after_attempts,
)
from sources.http.faults import status_error
from sources.http.problems import LONGEST_DESCRIPTION, described

ENTRY = {"attr": "startAt", "code": "invalid", "detail": "must be a date"}
JSON_HEADERS: Mapping[str, str] = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "document",
    [{"errors": [ENTRY]}, [ENTRY], ENTRY, {"errors": ENTRY}],
    ids=["errors list", "bare list", "single object", "errors object"],
)
def test_every_shape_of_structured_error_is_described(document: object) -> None:
    told = described(json.dumps(document).encode(), "application/json")
    assert told == "attr: startAt, code: invalid, detail: must be a date"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>private words</html>",
        b'{"customer": "private words"}',
        b'"private words"',
        b"[[[[",
        b'{"errors": [{"message": "private words"}, 7]}',
        b'{"errors": {"detail": {"private words": 1}}}',
    ],
)
def test_any_other_body_is_only_measured(body: bytes) -> None:
    told = described(body, "text/html; charset=utf-8")
    assert told == f"a body of {len(body)} bytes, text/html"


def test_very_deep_json_is_only_measured() -> None:
    assert described(b"[" * 200_000, "application/json").startswith("a body of 200000 bytes")


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists) | st.binary())
def test_descriptions_are_one_short_printable_line(content: object) -> None:
    body = content if isinstance(content, bytes) else json.dumps({"detail": str(content)}).encode()
    told = described(body, "text/plain")
    assert len(told) <= LONGEST_DESCRIPTION
    assert told.isprintable()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, GiveUpError),
        (401, GiveUpError),
        (403, GiveUpError),
        (404, GapError),
        (409, GiveUpError),
        (410, GapError),
        (429, RetryableError),
        (500, RetryableError),
        (501, GiveUpError),
        (502, RetryableError),
        (503, RetryableError),
        (504, RetryableError),
    ],
)
def test_each_status_has_its_recovery_strategy(status: int, kind: type[HelpdeskError]) -> None:
    error = status_error(status, JSON_HEADERS, b"{}", "GET /x on api.example.com", 60.0)
    assert type(error) is kind
    assert error.status == status
    assert f"GET /x on api.example.com answered {status}" in str(error)


def test_the_last_error_keeps_its_class_and_facts() -> None:
    first = RetryableError("It broke.", status=503, retry_after_seconds=4.0)
    final = after_attempts(first, 3, 12.34)
    assert (type(final), final.status, final.retry_after_seconds) == (RetryableError, 503, 4.0)
    assert str(final) == "It broke. Tried 3 times over 12.3 seconds."
    assert str(first) == "It broke."


def test_a_single_attempt_is_told_as_once() -> None:
    assert (
        str(after_attempts(TruncatedError("Cut."), 1, 0.0)) == "Cut. Tried once over 0.0 seconds."
    )
