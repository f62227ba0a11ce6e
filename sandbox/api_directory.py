"""Reference lists and their single records (Gladly API reference, Agents to Webhooks)."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import error_answer, json_answer, not_found
from sandbox.clock import SandboxClock
from sandbox.directory import Directory
from sandbox.reference_history import ReferenceKind
from sandbox.timestamps import start_of_day
from sandbox.world import World

_API = "/api/v1"
_LISTED: tuple[ReferenceKind, ...] = (
    "agents",
    "audiences",
    "business-hours",
    "inboxes",
    "teams",
    "topics",
    "webhooks",
)
# Audiences can only be listed, custom attributes only be had one by one.
_SINGLE: tuple[ReferenceKind, ...] = (
    "agents",
    "business-hours",
    "custom-attributes",
    "inboxes",
    "teams",
    "topics",
    "webhooks",
)
_Endpoint = Callable[[Request], Awaitable[Response]]


def _listing(directory: Directory, kind: ReferenceKind) -> _Endpoint:
    async def answer(_: Request) -> Response:
        return json_answer(directory.records(kind))

    return answer


def _missing(kind: ReferenceKind, record_id: str) -> Response:
    if kind == "custom-attributes":
        return error_answer(404, "not_exist", f"custom attribute {record_id} does not exist")
    if kind == "business-hours":
        return error_answer(404, "not_exist", "business hours does not exist")
    return not_found()


def _single(directory: Directory, kind: ReferenceKind) -> _Endpoint:
    async def answer(request: Request) -> Response:
        record_id = request.path_params["record_id"]
        record = directory.record(kind, record_id)
        return _missing(kind, record_id) if record is None else json_answer(record)

    return answer


def _organization(directory: Directory) -> _Endpoint:
    async def answer(_: Request) -> Response:
        return json_answer(directory.records("organization")[0])

    return answer


def _on_the_first_day(world: World) -> SandboxClock:
    return SandboxClock(start_of_day(world.settings.first_day))


def routes(world: World, directory: Directory | None = None) -> list[Route]:
    """Return the routes of the reference lists.

    The reference writes the path of a custom attribute with a colon, `:customAttributeId`; it is
    a parameter as in all other paths. Without a directory, everything is as on the first day.
    """
    shown = directory or Directory(world, _on_the_first_day(world))
    return [
        *(Route(f"{_API}/{kind}", _listing(shown, kind)) for kind in _LISTED),
        *(Route(f"{_API}/{kind}/{{record_id}}", _single(shown, kind)) for kind in _SINGLE),
        Route(f"{_API}/organization", _organization(shown)),
    ]
