"""Attachments and recordings of items (Gladly API reference, Get Attachment and Get Media)."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from sandbox.answers import error_answer, not_found
from sandbox.enrichment import ReadOddities
from sandbox.media import MediaFolder, Medium, attachment_of, recording_of
from sandbox.snapshot import Snapshots

_ITEM = "/api/v1/conversation-items/{item_id}"
_CONTENT = "/media/{item_id}/{medium_id}"
_WITHOUT_ATTACHMENTS = frozenset(
    {
        "CONVERSATION_STATUS_CHANGE",
        "CUSTOMER_ACTIVITY",
        "PHONE_CALL",
        "TOPIC_CHANGE",
        "TWITTER",
        "VOICE_AI_MESSAGE",
        "VOICEMAIL",
    }
)


def _medium(item: dict[str, Any], medium_id: str) -> Medium | None:
    return recording_of(item) if medium_id == item["id"] else attachment_of(item, medium_id)


def _redirect(address: str, item_id: str, medium_id: str) -> Response:
    location = address + _CONTENT.format(item_id=item_id, medium_id=medium_id)
    return Response(status_code=303, headers={"Location": location})


def _attachment(item: dict[str, Any] | None, attachment_id: str, address: str) -> Response:
    if item is None:
        return not_found()
    if item["content"]["type"] in _WITHOUT_ATTACHMENTS:
        detail = "conversation item content does not contain attachments"
        return error_answer(400, "invalid", detail)
    if attachment_of(item, attachment_id) is None:
        return not_found()
    return _redirect(address, item["id"], attachment_id)


def routes(snapshots: Snapshots, media: MediaFolder, oddities: ReadOddities) -> list[Route]:
    """Return the routes of media and of the address that redirects lead to.

    A redirect leads to this sandbox, where the same token is needed, unless `media_address` says
    otherwise. Content has a length and an ETag, and parts of it can be asked for.
    """

    def _address(request: Request) -> str:
        return oddities.media_address or str(request.base_url).rstrip("/")

    async def _bytes(medium: Medium) -> Response:
        # Writing megabytes takes a while; other requests must not wait for it.
        path = await asyncio.to_thread(media.path_of, medium)
        return FileResponse(path, media_type=medium.content_type)

    async def get_attachment(request: Request) -> Response:
        item = snapshots().item(request.path_params["item_id"])
        return _attachment(item, request.path_params["medium_id"], _address(request))

    async def get_recording(request: Request) -> Response:
        item = snapshots().item(request.path_params["item_id"])
        medium = None if item is None else recording_of(item)
        if medium is None:
            return not_found()
        if oddities.redirects_recordings:
            return _redirect(_address(request), medium.id, medium.id)
        return await _bytes(medium)

    async def get_content(request: Request) -> Response:
        item = snapshots().item(request.path_params["item_id"])
        medium = None if item is None else _medium(item, request.path_params["medium_id"])
        return not_found() if medium is None else await _bytes(medium)

    return [
        Route(f"{_ITEM}/attachments/{{medium_id}}", get_attachment),
        Route(f"{_ITEM}/media/recording", get_recording),
        Route(_CONTENT, get_content),
    ]
