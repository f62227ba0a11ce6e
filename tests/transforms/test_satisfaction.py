"""Surveys, and customers in one row: read plainly, and counted again from raw records."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from statistics import fmean
from zoneinfo import ZoneInfo

from tests.transforms.places import NOW, Place, Row
from tests.transforms.raw_contact import CALLS, CHANNELS, conversations_of
from tests.transforms.raw_stories import (
    People,
    in_order,
    raw_rows,
    reads_of,
    sessions_of,
)
from tests.transforms.raw_topics import plain_hierarchy, spans_of
from tests.transforms.world import ZONE, BuiltWorld, Raw, instant

ASKS_FOR = ("survey_answers", "satisfaction", "customer_360")
ONLY_WHOLE = True

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)


def plain_answers(raw: Raw, people: People) -> list[Row]:
    """Return the surveys of the world, whose scores are all of five."""
    found = []
    for item in raw.items:
        content = item["content"]
        if content["type"] == "CUSTOMER_ACTIVITY" and content["activityType"] == "SURVEY":
            body = content.get("body", "")
            is_scored = body.endswith("/5") and body[:-2].isdecimal()
            found.append(
                {
                    "item_id": item["id"],
                    "customer_id": people.customer(item["customerId"]),
                    "conversation_id": item.get("conversationId"),
                    "answered_at": instant(content.get("occurredAt") or content["receivedAt"]),
                    "source_name": content.get("sourceName"),
                    "title": content["title"],
                    "body": content.get("body"),
                    "score": int(body[:-2]) if is_scored else None,
                    "score_out_of": 5 if is_scored else None,
                }
            )
    return found


def test_surveys_of_the_world_are_there_with_their_scores(world: BuiltWorld) -> None:
    answers = plain_answers(world.raw, People(world.raw.events, reads_of(world.raw)))
    assert in_order(world.models["survey_answers"]) == in_order(answers)
    assert {answer["score"] is None for answer in answers} == {True, False}
    by_day: dict[tuple[date, str], list[int | None]] = defaultdict(list)
    for answer in answers:
        day = answer["answered_at"].astimezone(ZoneInfo(ZONE)).date()
        by_day[day, answer["source_name"] or ""].append(answer["score"])
    expected = []
    for (day, source), scores in by_day.items():
        given = [score for score in scores if score is not None]
        mean = fmean(given) if given else None
        expected.append(
            {
                "local_date": day,
                "source_name": source,
                "answers": len(scores),
                "scored_answers": len(given),
                "unscored_answers": len(scores) - len(given),
                "average_score": mean,
                "scaled_answers": len(given),
                "average_score_fraction": None if mean is None else round(mean / 5, 8),
            }
        )
    found = [
        row | {"average_score_fraction": fraction and round(fraction, 8)}
        for row in world.models["satisfaction"]
        for fraction in [row["average_score_fraction"]]
    ]
    assert in_order(found) == in_order(expected)


# title, body, and the score that is read from them
SCORES = [
    ("How was it?", "5", (5, None)),
    ("How was it?", " 4 / 5 ", (4, 5)),
    ("10/10", "Very kind, thank you", (10, 10)),
    ("9", "8", (8, None)),
    ("9", None, (9, None)),
    ("0", "", (0, None)),
    (None, "100/100", (100, 100)),
    ("7", "101", (7, None)),
    ("Score: 5", "6/5", (None, None)),
    ("4.5", "4,5", (None, None)),
    ("-1", "05", (None, None)),
    ("", "4/", (None, None)),
    ("٣", "five", (None, None)),
    ("1/0", "0/0", (None, None)),
    (None, None, (None, None)),
]


def activities(*told: Row) -> dict[str, list[Row]]:
    """Return activities as rows; each has an id, a customer, and what it tells."""
    return {
        "conversation_items": [
            {
                "id": one["id"],
                "customer_id": one.get("customer_id", "customer"),
                "timestamp": NOON,
                "content_type": "CUSTOMER_ACTIVITY",
            }
            for one in told
        ],
        "customer_activities": [
            {"activity_type": "SURVEY"}
            | {name: value for name, value in one.items() if name != "customer_id"}
            for one in told
        ],
    }


def test_scores_are_read_where_they_are_plain(place: Place) -> None:
    told = [
        {"id": f"{number}", "title": title, "body": body}
        for number, (title, body, _) in enumerate(SCORES)
    ]
    told.append({"id": "no survey", "title": "5", "activity_type": "ISSUE"})
    place.load(raw_rows(NOW, **activities(*told)))
    place.transform()
    found = {
        row["item_id"]: (row["score"], row["score_out_of"])
        for row in place.models()["survey_answers"]
    }
    assert found == {f"{number}": score for number, (_, _, score) in enumerate(SCORES)}


def test_averages_are_those_of_one_system_and_one_scale(place: Place) -> None:
    scores = {
        "stars": ("4/5", "5/5", "rather good"),
        "mixed": ("4/5", "8/10", "1/3"),
        "plain": ("3", "4"),
        "": ("6", "60/100"),
    }
    told: list[Row] = [
        {"id": f"{source} {score}", "source_name": source or None, "body": score}
        for source, some in scores.items()
        for score in some
    ]
    # answered in the evening of the day before, in Los Angeles
    told.append(
        {"id": "late", "source_name": "late", "occurred_at": datetime(2026, 3, 8, 7, tzinfo=UTC)}
    )
    place.load(raw_rows(NOW, **activities(*told)))
    start = {"id": "start", "timestamp": "2026-03-07T12:00:00Z", "type": "CONVERSATION/CREATED"}
    place.load_events([start | {"content": {"conversationId": "conversation"}}])
    place.transform("America/Los_Angeles")
    rows = {row["source_name"]: row for row in place.models()["satisfaction"]}
    assert {
        source: (
            row["answers"],
            row["scored_answers"],
            row["average_score"],
            row["scaled_answers"],
            row["average_score_fraction"],
        )
        for source, row in rows.items()
    } == {
        "stars": (3, 2, 4.5, 2, 0.9),
        "mixed": (3, 3, None, 3, (0.8 + 0.8 + 0.333333333) / 3),
        "plain": (2, 2, 3.5, 0, None),
        "": (2, 2, None, 1, 0.6),
        "late": (1, 0, None, 0, None),
    }
    assert rows["late"]["local_date"] == date(2026, 3, 7)
    assert rows["stars"]["local_date"] == date(2026, 3, 8)


def plain_payments(raw: Raw, people: People) -> dict[str, list[tuple[str | None, str, Decimal]]]:
    """Return how each customer's payment requests ended, and for how much."""
    requests: dict[str, list[Row]] = defaultdict(list)
    for event in raw.events:
        if event["type"].startswith("PAYMENT_REQUEST/"):
            requests[event["content"]["paymentRequestId"]].append(event)
    found = defaultdict(list)
    for events in requests.values():
        content = events[0]["content"]
        statuses = [one["content"]["newStatus"] for one in events if "newStatus" in one["content"]]
        ended = [one for one in statuses if one not in ("REQUESTING", "SUBMITTED")]
        found[people.customer(content["customerId"])].append(
            (
                ended[-1] if ended else None,
                content["context"]["currency"],
                Decimal(str(content["context"]["monetaryUnit"])),
            )
        )
    return found


def outcome(what: str, payments: list[tuple[str | None, str, Decimal]]) -> Row:
    amounts = [(currency, amount) for status, currency, amount in payments if status == what]
    currencies = {currency for currency, _ in amounts}
    is_one = len(currencies) == 1
    return {
        f"{what.lower()}_payments": len(amounts),
        f"{what.lower()}_amount": sum(amount for _, amount in amounts) if is_one else None,
        f"{what.lower()}_currency": currencies.pop() if is_one else None,
    }


@dataclass
class History:
    """What raw records tell of one customer."""

    conversations: set[str] = field(default_factory=set)
    contacts: set[str] = field(default_factory=set)
    channels: set[str] = field(default_factory=set)
    moments: list[datetime | None] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def histories_of(raw: Raw, people: People) -> dict[str, History]:
    """Gather what each customer wrote and what was done for them, whatever feed tells of it."""
    found: dict[str, History] = defaultdict(History)
    for item in raw.items:
        history, kind = found[people.customer(item["customerId"])], item["content"]["type"]
        history.conversations.add(people.conversation(item.get("conversationId", "")))
        if kind in CHANNELS:
            history.counts["calls" if kind in CALLS else "messages"] += 1
            history.channels.add(CHANNELS[kind])
            history.moments.append(instant(item["timestamp"]))
    for event in raw.events:
        content, entity = event["content"], event["type"].partition("/")[0]
        history = found[people.customer(content.get("customerId", ""))]
        if entity in {"CONTACT", "CONVERSATION", "CONVERSATION_ASSIGNEE"}:
            history.conversations.add(people.conversation(content["conversationId"]))
        if entity == "CONTACT":
            history.contacts.add(content["contactId"])
            history.channels.add(content["channel"])
            history.moments.append(instant(event["timestamp"]))
    for session in sessions_of(raw):
        history = found[people.customer(session["customer_id"])]
        history.conversations.add(people.conversation(session["conversation_id"]))
        history.contacts.add(session["contact_session_id"])
    for read in reads_of(raw):
        if read.kind == "conversations" and read.document:
            history = found[people.customer(read.document["customerId"])]
            history.conversations.add(people.conversation(read.entity_id))
    for history in found.values():
        history.conversations.discard("")
    return found


def current_topics(raw: Raw) -> dict[str, set[str]]:
    """Return the topics that each conversation has today."""
    found = defaultdict(set)
    for span in spans_of(raw):
        if span["is_current"]:
            found[span["conversation_id"]].add(span["topic_id"])
    return found


def test_customers_of_the_world_in_one_row(world: BuiltWorld) -> None:
    raw = world.raw
    people = People(raw.events, reads_of(raw))
    told = conversations_of(raw, people)
    is_open = {one: bool(story.told) and story.told[-1] != "CLOSED" for one, story in told.items()}
    histories, topics = histories_of(raw, people), current_topics(raw)
    hierarchy = plain_hierarchy(raw.latest("exports", "topics.jsonl"))
    paths = {row["topic_id"]: row["path"] for row in hierarchy}
    payments = plain_payments(raw, people)
    scored = sorted(
        (answer for answer in plain_answers(raw, people) if answer["score"] is not None),
        key=lambda answer: (answer["answered_at"], answer["item_id"]),
    )
    last_scored = {answer["customer_id"]: answer for answer in scored}
    tasks: dict[str, list[str]] = defaultdict(list)
    for row in world.models["task_facts"]:
        tasks[row["customer_id"]].append(row["status"])
    expected = []
    # who they are, and how tasks stand, other tests count again
    for customer in world.models["resolved_customers"]:
        identifier = customer["customer_id"]
        history, survey = histories[identifier], last_scored.get(identifier, {})
        labels = Counter(topic for one in history.conversations for topic in topics[one])
        top = min(labels, key=lambda topic: (-labels[topic], topic), default=None)
        expected.append(
            {
                name: value
                for name, value in customer.items()
                if name not in {"deleted_at", "first_seen_at", "last_seen_at"}
            }
            | {
                "conversations": len(history.conversations),
                "open_conversations": sum(is_open.get(one, False) for one in history.conversations),
                "contacts": len(history.contacts),
                "messages": history.counts["messages"],
                "calls": history.counts["calls"],
                "channels": len(history.channels),
                "first_contact_at": min(filter(None, history.moments), default=None),
                "last_contact_at": max(filter(None, history.moments), default=None),
                "top_topic_id": top,
                "top_topic_path": paths.get(top or ""),
                "tasks": len(tasks[identifier]),
                "open_tasks": tasks[identifier].count("OPEN"),
                "payment_requests": len(payments[identifier]),
                **outcome("COMPLETED", payments[identifier]),
                **outcome("DECLINED", payments[identifier]),
                "last_survey_score": survey.get("score"),
                "last_survey_score_out_of": survey.get("score_out_of"),
                "last_survey_at": survey.get("answered_at"),
            }
        )
    assert any(row["last_survey_score"] for row in expected)
    assert any(row["completed_payments"] for row in expected)
    assert any(row["open_conversations"] for row in expected)
    assert in_order(world.models["customer_360"]) == in_order(expected)


def payment(request: str, customer: str, currency: str, amount: float, *statuses: str) -> list[Row]:
    content = {
        "paymentRequestId": request,
        "customerId": customer,
        "context": {"currency": currency, "monetaryUnit": amount},
    }
    return [
        {
            "id": f"{request} {place}",
            "type": "PAYMENT_REQUEST/STATUS_CHANGED",
            # all in one instant: what ends a request is its last status
            "timestamp": NOON.isoformat(),
            "content": content | {"newStatus": status},
        }
        for place, status in enumerate(statuses)
    ]


def test_amounts_are_added_within_one_currency_and_merged_customers_are_one(place: Place) -> None:
    place.load_events(
        [
            *payment("1", "ana", "EUR", 10.1, "COMPLETED", "SUBMITTED"),
            *payment("2", "ana 2", "EUR", 20.2, "SUBMITTED", "COMPLETED"),
            *payment("3", "ana", "USD", 5, "SUBMITTED", "DECLINED"),
            *payment("4", "bob", "EUR", 1, "COMPLETED"),
            *payment("5", "bob", "JPY", 100, "COMPLETED"),
            *payment("6", "bob", "JPY", 100, "SUBMITTED"),
        ]
    )
    told: list[Row] = [
        {"id": "old", "customer_id": "ana 2", "body": "1/5", "occurred_at": NOON},
        {"id": "new", "customer_id": "ana", "body": "4/5", "occurred_at": NOW.replace(hour=13)},
        {"id": "prose", "customer_id": "ana", "body": "!", "occurred_at": NOW.replace(hour=14)},
    ]
    merge = {"source_customer_id": "ana 2", "destination_customer_id": "ana"}
    place.load(
        raw_rows(
            NOW,
            **activities(*told),
            customers=[{"id": "ana 2", "name": "Ana"}],
            customer_merges=[merge | {"merged_at": NOON, "evidence": "CUSTOMER/MERGED"}],
            deleted_customers=[{"customer_id": "bob", "evidence": "CUSTOMER_PROFILE/DELETED"}],
        )
    )
    place.transform()
    ana, bob = sorted(place.models()["customer_360"], key=lambda row: str(row["customer_id"]))
    assert (ana["name"], ana["name_source"], ana["merged_customer_ids"]) == (
        "Ana",
        "merged export",
        1,
    )
    assert (ana["payment_requests"], ana["completed_payments"]) == (3, 2)
    assert (ana["completed_amount"], ana["completed_currency"]) == (Decimal("30.3"), "EUR")
    assert (ana["declined_amount"], ana["declined_currency"]) == (Decimal(5), "USD")
    assert (ana["last_survey_score"], ana["last_survey_score_out_of"]) == (4, 5)
    assert (bob["payment_requests"], bob["completed_payments"]) == (3, 2)
    assert (bob["completed_amount"], bob["completed_currency"]) == (None, None)
    assert (bob["declined_payments"], bob["declined_amount"]) == (0, None)
    assert (bob["is_deleted"], bob["conversations"], bob["top_topic_id"]) == (True, 0, None)
