"""Answers every API area gives the same way."""

from typing import Any

import orjson
from starlette.responses import Response


def json_answer(body: Any, status: int = 200) -> Response:  # noqa: ANN401 - any JSON value
    """Return `body` as JSON."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def error_answer(status: int, code: str, detail: str, attribute: str | None = None) -> Response:
    """Return the API's error body with one error (Gladly API reference, Error Handling)."""
    error = {"code": code, "detail": detail}
    if attribute is not None:
        error = {"attr": attribute} | error
    return json_answer({"errors": [error]}, status)


def not_found() -> Response:
    """Return 404 as the API does for whatever does not exist, or no longer."""
    return error_answer(404, "not_exist", "entity does not exist")
