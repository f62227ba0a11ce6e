"""Reading conversations and their items (Gladly API reference, Conversations)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import error_answer, json_answer, not_found
from sandbox.enrichment import ReadOddities
from sandbox.limited import limited_answer
from sandbox.snapshot import Snapshots

_CONVERSATION = "/api/v1/conversations/{conversation_id}"
_ITEM = "/api/v1/conversation-items/{item_id}"
# An export carries items of this type; the reads do not know it, tasks have an API of their own.
_UNSUPPORTED = "TASK"


def _is_readable(item: dict[str, Any]) -> bool:
    return bool(item["content"]["type"] != _UNSUPPORTED)


def _is_of_session(item: dict[str, Any], session_id: str | None) -> bool:
    return session_id in (None, item.get("sessionId"), item["content"].get("sessionId"))


def _no_conversation() -> Response:
    return error_answer(404, "not_exist", "conversation does not exist")


def routes(snapshots: Snapshots, oddities: ReadOddities) -> list[Route]:
    """Return the routes of conversations, items, notes and transcripts."""

    async def get_conversation(request: Request) -> Response:
        record = snapshots().conversation(request.path_params["conversation_id"])
        return _no_conversation() if record is None else json_answer(record)

    async def list_items(request: Request) -> Response:
        items = snapshots().items_of(request.path_params["conversation_id"])
        if items is None:
            return _no_conversation()
        session_id = request.query_params.get("sessionId")
        shown = [one for one in items if _is_readable(one) and _is_of_session(one, session_id)]
        return limited_answer(shown, oddities.items_of_a_conversation)

    async def get_note(request: Request) -> Response:
        item = snapshots().item(request.path_params["note_id"])
        if (
            item is None
            or item["content"]["type"] != "CONVERSATION_NOTE"
            or item["conversationId"] != request.path_params["conversation_id"]
        ):
            return not_found()
        return json_answer(item)

    async def get_item(request: Request) -> Response:
        item = snapshots().item(request.path_params["item_id"])
        if item is None:
            return not_found()
        if not _is_readable(item):
            detail = (
                f"Conversation item with id [{item['id']}] exists but is not supported by the API."
            )
            return error_answer(400, "invalid", detail)
        return json_answer(item)

    async def get_transcript(request: Request) -> Response:
        record = snapshots().transcript(request.path_params["item_id"])
        return not_found() if record is None else json_answer(record)

    return [
        Route(_CONVERSATION, get_conversation),
        Route(f"{_CONVERSATION}/items", list_items),
        Route(f"{_CONVERSATION}/notes/{{note_id}}", get_note),
        Route(_ITEM, get_item),
        Route(f"{_ITEM}/voice-transcript", get_transcript),
    ]
