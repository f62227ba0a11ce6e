"""Conversations in a few lines of text, loaded as items, events and records."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from pipelines.gladly_tables import GLADLY_TABLES
from tests.transforms.places import NOW, Place, Row, lineage

TABLES = {table.name: table for table in GLADLY_TABLES}
STATUSES = {"OPEN", "WAITING", "CLOSED"}
MONTH = "2026-03"
EXPORTED_AT = datetime(2026, 3, 31, tzinfo=UTC)


def moment(text: str) -> datetime:
    """Return an instant of March 2026, such as 2/10:00 or 2/10:00:30.250."""
    day, _, time = text.partition("/")
    return datetime.fromisoformat(f"{MONTH}-{int(day):02}T{time}+00:00")


def shown(at: datetime | None) -> str | None:
    """Return an instant as stories write it."""
    if at is None:
        return None
    at = at.astimezone(UTC)
    time = at.isoformat(timespec="auto").partition("T")[2].removesuffix("+00:00")
    return f"{at.day}/{time.removesuffix(':00')}"


def load_story(place: Place, text: str) -> None:
    """Load what happens in conversations, a line each: when, in which, by what, and what.

    ```
    2/10:00  c1  CUSTOMER  message
    2/10:05  c1  AGENT     CLOSED
    2/10:05  c1  AGENT     CONVERSATION/CLOSED
    ```

    What is a message, a call (answered), a missed call, a note, a status, or the type of an event.
    The id of an item is its line up to the author, without the conversation's id.
    """
    lines = [line.split() for line in text.strip().splitlines()]
    items = [line for line in lines if "/" not in line[3]]
    rows: dict[str, list[Row]] = {"conversation_items": []}
    for number, (at, conversation, author, what) in enumerate(items, 1):
        identifier = f"{at} {author}"
        table, content_type, values = _typed(what, moment(at))
        rows["conversation_items"].append(
            {
                "id": identifier,
                "conversation_id": conversation,
                "customer_id": f"customer of {conversation}",
                "timestamp": moment(at),
                "initiator_id": author.lower(),
                "initiator_type": author,
                "content_type": content_type,
                **lineage(number, EXPORTED_AT),
            }
        )
        rows.setdefault(table, []).append(
            {"id": identifier, **values, **lineage(number, EXPORTED_AT)}
        )
    place.load({TABLES[name]: each for name, each in rows.items()})
    events = [line for line in lines if "/" in line[3]]
    if events:
        place.load_events(
            event(at, conversation, author, what, number)
            for number, (at, conversation, author, what) in enumerate(events)
        )


def event(
    at: str,
    conversation: str,
    author: str,
    what: str,
    number: int | str,
    **content: object,
) -> Row:
    """Return an event of a conversation, as Gladly sends it."""
    return {
        "id": f"event {number}",
        "type": what,
        "timestamp": moment(at).isoformat().replace("+00:00", "Z"),
        "initiator": {"id": author.lower(), "type": author},
        "content": {
            "conversationId": conversation,
            "customerId": f"customer of {conversation}",
            **content,
        },
    }


def load_record(place: Place, conversation: str, created: str, status: str, **more: object) -> None:
    """Load a conversation's own record, read at noon on 8 March."""
    row = {
        "id": conversation,
        "customer_id": f"customer of {conversation}",
        "created_at": moment(created),
        "status": status,
        **more,
        **lineage(1, NOW),
    }
    place.load({TABLES["conversations"]: [row]})


def load_merge(place: Place, source: str, destination: str, at: str) -> None:
    """Load the merge of two customers, each with an open conversation."""
    content = {
        "source_customer_id": f"customer of {source}",
        "destination_customer_id": f"customer of {destination}",
    }
    common = {"merged_at": moment(at), "evidence": "CUSTOMER/MERGED", **lineage(1)}
    place.load(
        {
            TABLES["customer_merges"]: [content | common],
            TABLES["conversation_merges"]: [
                {
                    "source_conversation_id": source,
                    "destination_conversation_id": destination,
                    **common,
                }
            ],
        }
    )


def load_business_hours(place: Place, zone: str, hours: Sequence[str], days: Iterable[str]) -> None:
    """Load the organisation's default hours: a start and a stop, on some weekdays."""
    start, stop = hours
    place.load(
        {
            TABLES["business_hours"]: [
                {"id": "hours", "is_primary": True, "timezone": zone, **lineage(1)}
            ],
            TABLES["business_hours_blocks"]: [
                {
                    "business_hours_id": "hours",
                    "weekday": day,
                    "position": 1,
                    "start_time": start,
                    "stop_time": stop,
                    **lineage(1),
                }
                for day in days
            ],
        }
    )


def _typed(what: str, at: datetime) -> tuple[str, str, Row]:
    """Return the table of an item's content, its type, and what it holds."""
    if what in STATUSES:
        return "status_changes", "CONVERSATION_STATUS_CHANGE", {"status": what}
    if what == "note":
        return "conversation_notes", "CONVERSATION_NOTE", {"body": "A note"}
    if what in {"call", "missed"}:
        return "phone_calls", "PHONE_CALL", {"answered_at": at if what == "call" else None}
    if what == "email":
        return "emails", "EMAIL", {"subject": "A subject", "content": "An e-mail"}
    return "chat_messages", "CHAT_MESSAGE", {"content": what}
