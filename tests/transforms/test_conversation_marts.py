"""Marts of conversations, counted again from the raw records, and where counting is hard."""

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

import pytest

from tests.transforms.conversation_stories import (
    EXPORTED_AT,
    TABLES,
    load_business_hours,
    load_merge,
    load_record,
    load_story,
    moment,
    shown,
)
from tests.transforms.figures import average
from tests.transforms.places import Place, Row, lineage
from tests.transforms.raw_conversations import (
    CALLS,
    CHANNELS,
    HOUR,
    MESSAGES,
    Clock,
    Conversation,
    at,
    by,
    by_id,
    clock_of,
    conversations_of_world,
    kind,
)
from tests.transforms.raw_identities import identities_of
from tests.transforms.world import BuiltWorld, Raw

ASKS_FOR = ("response_times", "conversations_closed", "backlog_by_hour", "conversation_texts")
ONLY_WHOLE = True

Conversations = dict[str, Conversation]
SPEAKERS = {
    "CUSTOMER": "Customer",
    "EXTERNAL": "Third party",
    "AGENT": "Agent",
    "AUTOMATION": "Automation",
    "API": "Program",
    "SYSTEM": "System",
}
TEXTS = ("content", "body", "recordingSummary")


@pytest.fixture(scope="module")
def raw(world: BuiltWorld) -> Conversations:
    return conversations_of_world(world)


@pytest.fixture(scope="module")
def clock(world: BuiltWorld) -> Clock:
    return clock_of(world.models)


def percentile_90(values: Sequence[Decimal]) -> Decimal | None:
    """Return the first of the values in order that nine of ten do not exceed."""
    for value in sorted(values):
        if 10 * sum(other <= value for other in values) >= 9 * len(values):
            return value
    return None


def test_response_times_are_those_of_the_raw_items(
    world: BuiltWorld, raw: Conversations, clock: Clock
) -> None:
    groups: dict[tuple[date, str, str], list[Row]] = defaultdict(list)
    names = {True: "first", False: "later", None: "unknown"}
    for one in raw.values():
        for row in one.messages(clock):
            if row["answered_item_id"]:
                day = clock.day(row["occurred_at"])
                groups[day, row["channel"], names[row["is_first_response"]]].append(row)
    expected = []
    for key, answers in groups.items():
        waits = [row["response_seconds"] for row in answers]
        found = [row["business_response_seconds"] for row in answers]
        business = [wait for wait in found if wait is not None]
        expected.append(
            {
                **dict(zip(("local_date", "channel", "response"), key, strict=True)),
                "responses": len(waits),
                "average_response_seconds": average(waits),
                "median_response_seconds": statistics.median(waits),
                "percentile_90_response_seconds": percentile_90(waits),
                "business_responses": len(business),
                "average_business_response_seconds": average(business),
                "median_business_response_seconds": statistics.median(business),
                "percentile_90_business_response_seconds": percentile_90(business),
            }
        )
    in_order = itemgetter("local_date", "channel", "response")
    rows = world.models["response_times"]
    assert sorted(rows, key=in_order) == sorted(expected, key=in_order)
    assert {row["response"] for row in rows} >= {"first", "later"}


def test_closed_conversations_are_those_of_the_raw_records(
    world: BuiltWorld, raw: Conversations, clock: Clock
) -> None:
    days: dict[date, list[Row]] = defaultdict(list)
    for one in raw.values():
        fact = one.facts(clock)
        if fact["status"] == "CLOSED":
            days[clock.day(fact["last_closed_at"])].append(fact)
    expected = []
    for day, facts in days.items():
        touches = [fact["is_one_touch"] for fact in facts if fact["is_one_touch"] is not None]
        lasted = [fact["created_to_last_closed_seconds"] for fact in facts]
        business = [fact["business_created_to_last_closed_seconds"] for fact in facts]
        timed = [one for one in lasted if one is not None]
        business_timed = [one for one in business if one is not None]
        reopened = sum(fact["times_reopened"] > 0 for fact in facts)
        multichannel = sum(fact["channels"] > 1 for fact in facts)
        expected.append(
            {
                "local_date": day,
                "conversations_closed": len(facts),
                "one_touch_known": len(touches),
                "one_touch": sum(touches),
                "one_touch_rate": sum(touches) / len(touches) if touches else None,
                "reopened": reopened,
                "reopened_rate": reopened / len(facts),
                "average_times_closed": sum(fact["times_closed"] for fact in facts) / len(facts),
                "multichannel": multichannel,
                "multichannel_fraction": multichannel / len(facts),
                "created_known": len(timed),
                "average_created_to_last_closed_seconds": average(timed),
                "business_time_known": len(business_timed),
                "average_business_created_to_last_closed_seconds": average(business_timed),
            }
        )
    rows = world.models["conversations_closed"]
    in_order = itemgetter("local_date")
    assert sorted(rows, key=in_order) == sorted(expected, key=in_order)


def open_spans(one: Conversation) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield when a conversation was not closed, the last time perhaps without an end."""
    statuses = one.statuses()
    since = None
    if not statuses or statuses[0]["status"] != "OPEN":
        since = one.first_seen_at
    for row in statuses:
        if row["status"] != "CLOSED":
            since = since or row["from_at"]
        elif since:
            yield since, row["from_at"]
            since = None
    if since:
        yield since, None


def test_the_backlog_is_what_is_open_when_one_looks_at_every_hour(
    world: BuiltWorld, raw: Conversations, clock: Clock
) -> None:
    spans = [span for one in raw.values() for span in open_spans(one)]
    told = [*world.raw.items, *(e for e in world.raw.events if e["type"].startswith("CONV"))]
    last = max(map(at, told))
    hour = clock.days[0][0].replace(minute=0)
    expected = []
    while hour <= last:
        following = hour + HOUR
        expected.append(
            {
                "hour_start": hour,
                "open_at_start": sum(
                    start < hour and (end is None or end >= hour) for start, end in spans
                ),
                "opened": sum(hour <= start < following for start, _ in spans),
                "closed": sum(end is not None and hour <= end < following for _, end in spans),
            }
        )
        hour = following
    rows = sorted(world.models["backlog_by_hour"], key=itemgetter("hour_start"))
    assert rows == expected
    assert sum(row["closed"] for row in rows) > 50


def test_conversations_come_into_the_backlog_and_leave_it_as_their_open_spans_say(
    world: BuiltWorld, raw: Conversations
) -> None:
    expected = {
        name: [mark for start, end in open_spans(one) for mark in ((start, 1, 0), (end, 0, 1))]
        for name, one in raw.items()
    }
    told: dict[str, list[tuple[object, ...]]] = {name: [] for name in raw}
    for row in sorted(world.models["backlog_changes"], key=itemgetter("position")):
        told[row["conversation_id"]].append((row["changed_at"], row["opened"], row["closed"]))
    assert told == {name: [mark for mark in marks if mark[0]] for name, marks in expected.items()}


def names_of(raw: Raw) -> dict[str, str]:
    """Return what agents and customers are called, by id: profiles before exports."""
    names = {}
    for stream, file in (
        ("exports", "agents.jsonl"),
        ("reference", "agents.jsonl"),
        ("exports", "customers.jsonl"),
        ("enrichment", "customer_profiles.jsonl"),
    ):
        for identifier, record in raw.latest(stream, file).items():
            if record.get("name"):
                names[identifier] = record["name"]
    return names


def text_of(item: Row) -> str:
    content = item["content"]
    for name in TEXTS:
        if name in content:
            found = content[name]
            if isinstance(found, dict):
                found = found.get("text") or found.get("summary")
            return str(found or "")
    return ""


def redacted_items(raw: Raw) -> set[str]:
    """Return ids of items that had a text once and have none now."""
    delivered = raw.records("exports", "conversation_items.jsonl")
    once = {item["id"] for item in delivered if text_of(item)}
    return {item["id"] for item in raw.items if not text_of(item)} & once


def test_texts_are_those_of_the_raw_items(world: BuiltWorld, raw: Conversations) -> None:
    names, redacted = names_of(world.raw), redacted_items(world.raw)
    identities = identities_of(world.raw.events)
    expected = []
    for one in raw.values():
        said = [
            item
            for item in sorted(one.items, key=lambda item: (at(item), item["id"]))
            if kind(item) in {*CHANNELS, "CONVERSATION_NOTE"}
        ]
        if not said:
            continue
        lines = []
        for item in said:
            author = by_id(item) or ""
            name = names.get(identities.customer(author) or "") or names.get(author)
            if by(item) not in {"AGENT", "CUSTOMER"}:
                name = None
            text = text_of(item).strip(" ") or (
                "[redacted]" if item["id"] in redacted else "[no text]"
            )
            if subject := (item["content"].get("subject") or "").strip(" "):
                text = f"Subject: {subject} | {text}"
            time = at(item).replace(microsecond=0, tzinfo=None).isoformat(sep=" ")
            who = " ".join(filter(None, (SPEAKERS[by(item) or ""], name)))
            line = f"[{time} UTC] {who} ({CHANNELS.get(kind(item), 'internal note')}): {text}"
            lines.append(re.sub(r"\r\n|\n|\r", " ", line).strip(" "))
        messages = [item for item in said if kind(item) in MESSAGES]
        authors = Counter(by(item) for item in messages)
        text = "\n".join(lines)
        expected.append(
            {
                "conversation_id": one.id,
                "customer_id": one.customer_id,
                "first_said_at": at(said[0]),
                "last_said_at": at(said[-1]),
                "line_count": len(said),
                "messages": len(messages),
                "messages_from_customer": authors["CUSTOMER"],
                "messages_from_agents": authors["AGENT"],
                "calls": sum(kind(item) in CALLS for item in said),
                "notes": sum(kind(item) == "CONVERSATION_NOTE" for item in said),
                "characters": len(text),
                "contains_redacted": any(item["id"] in redacted for item in said),
                "text": text,
            }
        )
    rows = world.models["conversation_texts"]
    in_order = itemgetter("conversation_id")
    for row, told in zip(sorted(rows, key=in_order), sorted(expected, key=in_order), strict=True):
        assert row == told
    assert "Agent " in rows[0]["text"] or "Customer " in rows[0]["text"]


def test_a_text_has_a_line_for_each_thing_said(place: Place) -> None:
    load_story(
        place,
        """
        2/10:00  c    CUSTOMER  Hello
        2/10:01  c    SYSTEM    message
        2/10:02  c    AGENT     note
        2/10:03  c    AGENT     email
        2/10:04  c    CUSTOMER  call
        2/10:05  c    AGENT     CLOSED
        2/10:06  old  EXTERNAL  message
        2/10:07  old  AGENT     CONVERSATION/CLOSED
        2/10:08  d    AGENT     CLOSED
        """,
    )
    load_merge(place, "old", "c", "2/10:30")
    place.load(
        {
            TABLES["agents"]: [{"id": "agent", "name": "Amy Agent", **lineage(1)}],
            TABLES["customers"]: [{"id": "customer", "name": "Zoë\nO'Hara", **lineage(1)}],
            TABLES["redacted_items"]: [
                {
                    "item_id": "2/10:01 SYSTEM",
                    "part": "content",
                    "redacted_at": EXPORTED_AT,
                    **lineage(1),
                }
            ],
        }
    )
    place.execute(
        "UPDATE {chat_messages} SET content = "
        "CASE WHEN id = '2/10:01 SYSTEM' THEN ' ' "
        "ELSE ' One' || CHR(13) || CHR(10) || 'two' || CHR(10) || ' three' || CHR(13) || ' ' END "
        "WHERE id IN ('2/10:00 CUSTOMER', '2/10:01 SYSTEM')"
    )
    place.transform()
    (row,) = place.models()["conversation_texts"]
    assert row["text"].splitlines() == [
        "[2026-03-02 10:00:00 UTC] Customer Zoë O'Hara (CHAT): One two  three",
        "[2026-03-02 10:01:00 UTC] System (CHAT): [redacted]",
        "[2026-03-02 10:02:00 UTC] Agent Amy Agent (internal note): A note",
        "[2026-03-02 10:03:00 UTC] Agent Amy Agent (EMAIL): Subject: A subject | An e-mail",
        "[2026-03-02 10:04:00 UTC] Customer Zoë O'Hara (PHONE_CALL): [no text]",
        "[2026-03-02 10:06:00 UTC] Third party (CHAT): message",
    ]
    assert row["characters"] == len(row["text"])
    assert (row["line_count"], row["contains_redacted"]) == (6, True)


def test_a_customer_is_called_as_the_profile_that_remains_is(place: Place) -> None:
    load_story(place, "2/10:00 c CUSTOMER Hello")
    merge = {"merged_at": moment("2/11:00"), "evidence": "CUSTOMER/MERGED", **lineage(1)}
    ids = {"source_customer_id": "customer", "destination_customer_id": "new"}
    place.load(
        {
            TABLES["customers"]: [{"id": "customer", "name": "As sent", **lineage(1)}],
            TABLES["customer_merges"]: [ids | merge],
        }
    )

    def name() -> Any:  # noqa: ANN401 - a text
        place.transform()
        (row,) = place.models()["conversation_texts"]
        return row["text"].partition("] ")[2].partition(" (")[0]

    assert name() == "Customer As sent"
    place.load({TABLES["customers"]: [{"id": "new", "name": "As exported", **lineage(1)}]})
    assert name() == "Customer As exported"
    place.load({TABLES["customer_profiles"]: [{"id": "new", "name": "As read", **lineage(1)}]})
    assert name() == "Customer As read"


def test_the_backlog_counts_what_began_before_and_what_reopens(place: Place) -> None:
    load_story(
        place,
        """
        1/00:30  a       CUSTOMER  CONVERSATION/CREATED
        1/01:00  a       AGENT     CONVERSATION/CLOSED
        1/01:30  a       AGENT     CONVERSATION/REOPENED
        1/01:40  a       AGENT     CLOSED
        1/00:10  middle  CUSTOMER  message
        1/02:10  middle  AGENT     WAITING
        1/03:59  middle  AGENT     CLOSED
        1/02:00  silent  CUSTOMER  message
        1/03:00  again   CUSTOMER  CONVERSATION/REOPENED
        1/02:00  merged  CUSTOMER  CONVERSATION/CREATED
        1/03:00  merged  CUSTOMER  message
        """,
    )
    load_merge(place, "merged", "silent", "1/03:30")
    place.execute("DELETE FROM {conversations}")
    place.transform()
    assert [
        (shown(row["hour_start"]), row["open_at_start"], row["opened"], row["closed"])
        for row in sorted(place.models()["backlog_by_hour"], key=itemgetter("hour_start"))
    ] == [
        ("1/00:00", 0, 2, 0),
        ("1/01:00", 2, 1, 2),
        ("1/02:00", 1, 1, 0),
        ("1/03:00", 2, 1, 1),
    ]
    changes = sorted(place.models()["backlog_changes"], key=itemgetter("conversation_id"))
    positions: dict[str, list[int]] = {}
    for row in sorted(changes, key=itemgetter("position")):
        positions.setdefault(row["conversation_id"], []).append(row["position"])
    assert positions == {"a": [1, 2, 3, 4], "again": [1], "middle": [0, 2], "silent": [0]}


def test_a_conversation_created_before_the_first_day_is_open_from_its_start(place: Place) -> None:
    load_record(place, "c", "1/10:00", "OPEN")
    load_story(place, "7/10:00 d CUSTOMER CONVERSATION/CREATED")
    place.transform()
    rows = sorted(place.models()["backlog_by_hour"], key=itemgetter("hour_start"))
    assert [row["open_at_start"] for row in rows] == [1] * 11
    assert [row["opened"] for row in rows] == [0] * 10 + [1]


def test_days_of_25_hours_have_as_many_hours_of_backlog(place: Place) -> None:
    # clocks in Lord Howe go back by half an hour on 5 April 2026, in Los Angeles by one in autumn
    place.load_events(
        [
            {
                "id": str(number),
                "type": "CONVERSATION/CREATED",
                "timestamp": f"2025-11-0{day}T12:00:00Z",
                "initiator": {"id": "x", "type": "CUSTOMER"},
                "content": {"conversationId": f"c{number}", "customerId": "x"},
            }
            for number, day in enumerate((1, 4))
        ]
    )
    place.transform("America/Los_Angeles")
    hours = sorted(row["hour_start"] for row in place.models()["backlog_by_hour"])
    first = datetime(2025, 11, 1, 7, tzinfo=UTC)
    assert hours == [first + n * HOUR for n in range(24 + 25 + 24 + 5)]


def test_days_of_responses_and_closes_are_local(place: Place) -> None:
    load_business_hours(place, "America/Los_Angeles", ("09:00", "17:00"), ["monday"])
    load_story(
        place,
        """
        2/07:00     c  CUSTOMER  CONVERSATION/CREATED
        2/07:00     c  CUSTOMER  message
        2/07:59:59  c  AGENT     message
        2/07:59:59.500  c  AGENT  CLOSED
        2/07:00:30  d  CUSTOMER  CONVERSATION/CREATED
        2/07:00:30  d  CUSTOMER  message
        2/08:00     d  AGENT     message
        2/18:00     d  CUSTOMER  message
        2/18:01     d  AGENT     message
        2/18:02     d  AGENT     email
        2/18:03     d  AGENT     CLOSED
        2/19:00     d  CUSTOMER  OPEN
        2/20:00     d  AGENT     CLOSED
        2/21:00     e  CUSTOMER  CONVERSATION/CREATED
        2/21:00     e  CUSTOMER  message
        2/21:10     e  AGENT     CLOSED
        2/21:20     e  CUSTOMER  OPEN
        """,
    )
    place.transform("America/Los_Angeles")
    models = place.models()
    first, second = date(2026, 3, 1), date(2026, 3, 2)
    columns = ("responses", "median_response_seconds", "percentile_90_business_response_seconds")
    assert {
        (row["local_date"], row["channel"], row["response"]): tuple(row[c] for c in columns)
        for row in models["response_times"]
    } == {
        (first, "CHAT", "first"): (1, 3599, 0),
        (second, "CHAT", "first"): (1, 3570, 0),
        (second, "CHAT", "later"): (1, 60, 60),
    }
    figures = itemgetter(
        "conversations_closed",
        "one_touch",
        "reopened",
        "average_times_closed",
        "multichannel_fraction",
        "average_created_to_last_closed_seconds",
    )
    assert {row["local_date"]: figures(row) for row in models["conversations_closed"]} == {
        first: (1, 1, 0, 1, 0, 3599.5),
        second: (1, 0, 1, 2, 1, 13 * 3600 - 30),
    }
