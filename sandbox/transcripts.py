"""What was said in a call or voicemail, as Get Voice Transcript shows it."""

from typing import Any
from zlib import crc32

from sandbox.draw import Draw
from sandbox.timestamps import format_milliseconds, parse_instant, to_milliseconds

_FIRST_DRAW = 5 << 37
_MADE_AFTER = 120_000
_MOST_PARAGRAPHS = 40
_SECONDS_A_PARAGRAPH = (2, 20)
_LANGUAGES = ("en", "en", "en", "es", "de")


def _ended_at(content: dict[str, Any]) -> int:
    started = to_milliseconds(parse_instant(content["startedAt"]))
    if "completedAt" in content:
        return to_milliseconds(parse_instant(content["completedAt"]))
    return started + int(content["recordingDuration"]) * 1000


def _paragraphs(seconds: int, speakers: int, draw: Draw) -> list[dict[str, Any]]:
    paragraphs: list[dict[str, Any]] = []
    start = 0.48
    while start < seconds and len(paragraphs) < _MOST_PARAGRAPHS:
        end = min(start + draw.between(*_SECONDS_A_PARAGRAPH) + 0.25, float(seconds))
        paragraphs.append(
            {
                "transcript": draw.short_text(),
                "speaker": len(paragraphs) % speakers,
                "startTime": round(start, 2),
                "endTime": round(end, 2),
            }
        )
        start = end + 0.5
    return paragraphs


def transcript_record(
    seed: int, item: dict[str, Any], customer_id: str, now: int
) -> dict[str, Any] | None:
    """Return the transcript of an item's recording, or None if there is none.

    Only a recording that is available has one, from two minutes after its end on. A call has two
    speakers, a voicemail one.

    Args:
        seed: The world's seed.
        item: The item as a list of items shows it.
        customer_id: Whose it is now, after merges.
        now: Milliseconds since 1970.
    """
    content = item["content"]
    if content.get("recordingStatus") != "AVAILABLE":
        return None
    made_at = _ended_at(content) + _MADE_AFTER
    if now < made_at:
        return None
    draw = Draw(seed, _FIRST_DRAW + crc32(item["id"].encode()))
    speakers = 2 if content["type"] == "PHONE_CALL" else 1
    return {
        "paragraphs": _paragraphs(int(content["recordingDuration"]), speakers, draw),
        "customerId": customer_id,
        "numberOfSpeakers": speakers,
        "language": draw.pick(_LANGUAGES),
        "createdAt": format_milliseconds(made_at),
        "updatedAt": format_milliseconds(made_at),
    }
