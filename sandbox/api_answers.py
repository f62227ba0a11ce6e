"""Public answers and their management (Gladly API reference, Public Answer, Answer Management)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import error_answer, json_answer, not_found
from sandbox.directory import Directory
from sandbox.public_answers import (
    CONTENT_TYPES,
    DEFAULT_LANGUAGE,
    LANGUAGES,
    content_of,
    managed,
    public_list,
)

_ORGANIZATION = "/api/v1/orgs/{organization_id}"
_ANSWER = "/api/v1/answers/{answer_id}"


def _no_answer() -> Response:
    return error_answer(404, "not_exist", "answer does not exist")


def _titles(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": answer["id"], "name": answer["name"]} for answer in answers]


def _content(answer: dict[str, Any] | None, language: str, kind: str) -> Response:
    if language not in LANGUAGES:
        return error_answer(400, "invalid", "language not configured for org", "language")
    if kind not in CONTENT_TYPES:
        return error_answer(400, "invalid", "invalid type", "type")
    if answer is None:
        return _no_answer()
    content = content_of(answer, language, kind)
    if content is None:
        return error_answer(404, "not_exist", "answer content does not exist")
    return json_answer(content)


def _public(directory: Directory, request: Request) -> list[dict[str, Any]] | None:
    """Return what the public of an organisation sees, or None for an unknown organisation."""
    organization_id = request.path_params["organization_id"]
    if directory.record("organization", organization_id) is None:
        return None
    query = request.query_params
    language, audience_id = query.get("lng", DEFAULT_LANGUAGE), query.get("audienceId")
    return public_list(directory.records("answers"), language, audience_id)


def _public_routes(directory: Directory) -> list[Route]:
    async def list_public(request: Request) -> Response:
        answers = _public(directory, request)
        return not_found() if answers is None else json_answer(answers)

    async def search(request: Request) -> Response:
        answers = _public(directory, request)
        if answers is None:
            return not_found()
        words = request.query_params.get("q", "").lower().split()
        found = [one for one in answers if all(word in one["name"].lower() for word in words)]
        return json_answer(_titles(found))

    async def list_titles(request: Request) -> Response:
        answers = _public(directory, request)
        return not_found() if answers is None else json_answer(_titles(answers))

    async def get_public(request: Request) -> Response:
        wanted = request.path_params["answer_id"]
        answers = _public(directory, request) or []
        answer = next((one for one in answers if one["id"] == wanted), None)
        return _no_answer() if answer is None else json_answer(answer)

    return [
        Route(f"{_ORGANIZATION}/answers", list_public),
        Route(f"{_ORGANIZATION}/answers-search", search),
        Route(f"{_ORGANIZATION}/help-center/{{help_center_id}}/answer-titles", list_titles),
        Route(f"{_ORGANIZATION}/answers/{{answer_id}}", get_public),
    ]


def routes(directory: Directory) -> list[Route]:
    """Return the routes of answers; those of the public lie below the organisation's id."""

    async def get_answer(request: Request) -> Response:
        answer = directory.record("answers", request.path_params["answer_id"])
        return _no_answer() if answer is None else json_answer(managed(answer))

    async def get_content(request: Request) -> Response:
        asked = request.path_params
        answer = directory.record("answers", asked["answer_id"])
        return _content(answer, asked["language"], asked["type"])

    return [
        *_public_routes(directory),
        Route(_ANSWER, get_answer),
        Route(f"{_ANSWER}/languages/{{language}}/type/{{type}}", get_content),
    ]
