"""An event as its story tells it, before the stream gives it an id and shows it to anybody."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sandbox.identifiers import identifier
from sandbox.organization import organization_of
from sandbox.timestamps import format_shortest


class Draft(NamedTuple):
    """Something that happened.

    Attributes:
        at: When it was recorded, in milliseconds since 1970.
        type: The event type, for example CONTACT/STARTED.
        initiator: Who triggered it, as the event shows it.
        content: The event's content.
    """

    at: int
    type: str
    initiator: dict[str, Any]
    content: dict[str, Any]


# An initiator has an id "if applicable": the routing sends an empty one, the idle timer none.
ROUTING: dict[str, Any] = {"id": "", "type": "SYSTEM"}
IDLE_TIMER: dict[str, Any] = {"type": "SYSTEM"}


def agent(agent_id: str) -> dict[str, Any]:
    """Return an agent as an initiator."""
    return {"id": agent_id, "type": "AGENT"}


def agent_ids(seed: int) -> list[str]:
    """Return the ids of all agents of the organisation."""
    return [record["id"] for record in organization_of(seed).agents]


def between(start: int, end: int, share: float) -> int:
    """Return the instant that lies `share` (0 to 1) of the way from `start` to `end`."""
    return start + int((end - start) * share)


def record_of(draft: Draft, event_id: str) -> dict[str, Any]:
    """Return the event as a line of the Events API shows it."""
    return {
        "id": event_id,
        "type": draft.type,
        "timestamp": format_shortest(draft.at),
        "initiator": draft.initiator,
        "content": draft.content,
    }


def records_of(
    drafts: Iterable[Draft], seed: int, story: str, *numbers: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield time and record of each event of one story; its place in the story makes its id."""
    for place, draft in enumerate(drafts):
        yield draft.at, record_of(draft, identifier(seed, story, *numbers, place))
