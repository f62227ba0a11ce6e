"""Lines that break the rules: the ones no reader can use and the ones only a careful one keeps."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from sandbox.identifiers import identifier
from sandbox.timestamps import format_milliseconds

_LINES_APART = 10


def _item(seed: int, day: int, number: int, at: int, customer_id: str) -> dict[str, Any]:
    return {
        "id": identifier(seed, "hurt", day, number),
        "conversationId": identifier(seed, "hurt conversation", day),
        "customerId": customer_id,
        "timestamp": format_milliseconds(at + number),
        "initiator": {"id": customer_id, "type": "CUSTOMER"},
        "content": {
            "type": "CHAT_MESSAGE",
            "messageType": "TEXT",
            "sessionId": "s",
            "content": "?",
        },
    }


def unreadable_lines(seed: int, day: int, at: int, customer_id: str) -> list[bytes]:
    """Return four lines that are not items: cut short, not an object, without id, bad UTF-8."""
    cut, nameless, garbled = (_item(seed, day, number, at, customer_id) for number in range(3))
    del nameless["id"]
    garbled["content"]["content"] = "PLACEHOLDER"
    cut_line = orjson.dumps(cut)
    return [
        cut_line[: len(cut_line) // 2],
        b'["not", "an", "object"]',
        orjson.dumps(nameless),
        orjson.dumps(garbled).replace(b"PLACEHOLDER", b"caf\xe9 in Latin-1"),
    ]


def odd_lines(seed: int, day: int, at: int, customer_id: str) -> list[bytes]:
    """Return three items to be kept: an unknown type, an unknown field, a wrongly typed value."""
    unknown_type, unknown_field, wrong_type = (
        _item(seed, day, number, at, customer_id) for number in range(3, 6)
    )
    unknown_type["content"] = {"type": "CARRIER_PIGEON", "ring": 7, "content": "coo"}
    unknown_field["sentiment"] = {"score": 0.25, "labels": ["calm", "curious"]}
    wrong_type["content"] = {
        "type": "VOICEMAIL",
        "startedAt": format_milliseconds(at),
        "recordingStatus": "AVAILABLE",
        "recordingUrl": f"/api/v1/conversation-items/{wrong_type['id']}/media/recording",
        "recordingDuration": "100",
    }
    return [orjson.dumps(item) for item in (unknown_type, unknown_field, wrong_type)]


def scattered(lines: Iterable[bytes], among: Sequence[bytes]) -> Iterator[bytes]:
    """Yield `lines` with one of `among` after every tenth; what is left over comes last."""
    waiting = deque(among)
    for number, line in enumerate(lines, 1):
        yield line
        if waiting and number % _LINES_APART == 0:
            yield waiting.popleft()
    yield from waiting
