"""Volume, reasons of contact and AI: counted again, conversation by conversation."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tests.transforms.places import NOW, Place, Row
from tests.transforms.raw_contact import Contact, contacts_of, conversations_of
from tests.transforms.raw_stories import People, in_order, raw_rows, reads_of, sessions_of
from tests.transforms.raw_topics import plain_hierarchy, spans_of
from tests.transforms.world import BuiltWorld, Raw

ASKS_FOR = ("channel_volume", "topic_volume", "contact_reasons", "ai_containment")
ONLY_WHOLE = True

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)
COUNTS = (
    "contacts_started",
    "messages_inbound",
    "messages_outbound",
    "calls_inbound",
    "calls_outbound",
)


def people_of(raw: Raw) -> People:
    return People(raw.events, reads_of(raw))


def current_topics(raw: Raw) -> dict[str, set[str]]:
    found = defaultdict(set)
    for span in spans_of(raw):
        if span["is_current"]:
            found[span["conversation_id"]].add(span["topic_id"])
    return found


def counts_of(contacts: list[Contact]) -> Row:
    return {name: sum(one.counts_as == name for one in contacts) for name in COUNTS}


def grouped(contacts: list[Contact], *names: str) -> dict[tuple[object, ...], list[Contact]]:
    found = defaultdict(list)
    for contact in contacts:
        found[tuple(getattr(contact, name) for name in names)].append(contact)
    return found


def test_contact_of_the_world_is_counted_by_conversation_channel_and_day(
    world: BuiltWorld,
) -> None:
    names = ("conversation_id", "local_date", "channel")
    groups = grouped(contacts_of(world.raw, people_of(world.raw)), *names)
    expected = [
        dict(zip(names, key, strict=True))
        | counts_of(contacts)
        | {"first_at": min(contact.at for contact in contacts)}
        for key, contacts in groups.items()
    ]
    assert in_order(world.models["conversation_channel_days"]) == in_order(expected)


def test_volume_of_the_world_by_channel(world: BuiltWorld) -> None:
    contacts = contacts_of(world.raw, people_of(world.raw))
    expected = []
    for (day, channel), some in grouped(contacts, "local_date", "channel").items():
        conversations = {contact.conversation_id for contact in some}
        begun = 0
        for conversation in conversations:
            of_day = [
                (one.at, one.channel)
                for one in contacts
                if one.conversation_id == conversation and one.local_date == day
            ]
            begun += min(of_day)[1] == channel
        expected.append(
            {
                "local_date": day,
                "channel": channel,
                "conversations": len(conversations),
                "conversations_begun_here": begun,
            }
            | counts_of(some)
        )
    assert in_order(world.models["channel_volume"]) == in_order(expected)


def test_volume_of_the_world_by_topic(world: BuiltWorld) -> None:
    topics = current_topics(world.raw)
    paths = paths_of(world.raw)
    expected = []
    contacts = contacts_of(world.raw, people_of(world.raw))
    for (day,), some in grouped(contacts, "local_date").items():
        all_conversations = {contact.conversation_id for contact in some}
        for topic in {"", *(one for conversation in topics.values() for one in conversation)}:
            about = [one for one in some if topic in topics.get(one.conversation_id, {""})]
            conversations = {contact.conversation_id for contact in about}
            if conversations:
                expected.append(
                    {
                        "local_date": day,
                        "topic_id": topic,
                        "topic_path": paths.get(topic),
                        "conversations": len(conversations),
                        "conversations_of_day": len(all_conversations),
                        "conversation_fraction": len(conversations) / len(all_conversations),
                    }
                    | counts_of(about)
                )
    assert in_order(world.models["topic_volume"]) == in_order(expected)


def paths_of(raw: Raw) -> dict[str, str]:
    return {
        row["topic_id"]: row["path"]
        for row in plain_hierarchy(raw.latest("exports", "topics.jsonl"))
    }


def test_who_took_part_in_the_world_s_conversations(world: BuiltWorld) -> None:
    conversations = conversations_of(world.raw, people_of(world.raw))
    expected = [
        {
            "conversation_id": identifier,
            "has_ai": bool(one.of_ai),
            "first_ai_at": min(one.of_ai, default=None),
            "has_agent": bool(one.of_agents) or one.is_assigned,
            "first_agent_at": min(one.of_agents, default=None),
            "has_contact": one.has_contact,
            "messages": one.messages,
            "calls": one.calls,
            "status": one.told[-1] if one.told else None,
            "is_reopened": one.is_reopened,
            "last_at": max(one.moments, default=None),
        }
        for identifier, one in conversations.items()
    ]
    assert {row["has_ai"] for row in expected} == {row["is_reopened"] for row in expected}
    assert in_order(world.models["conversation_participation"]) == in_order(expected)


def test_reasons_of_contact_of_the_world(world: BuiltWorld) -> None:
    raw, people = world.raw, people_of(world.raw)
    topics, paths = current_topics(raw), paths_of(raw)
    parents = {
        identifier: topic.get("parentId")
        for identifier, topic in raw.latest("exports", "topics.jsonl").items()
    }
    talked = {
        identifier: one
        for identifier, one in conversations_of(raw, people).items()
        if one.has_contact or one.messages or one.calls
    }
    worked: dict[str, Decimal] = defaultdict(Decimal)
    for session in sessions_of(raw):
        if session["agent_id"] and session["work_session_handle_time_sec"]:
            worked[people.conversation(session["conversation_id"])] += sum(
                Decimal(session[f"work_session_{part}_time_sec"] or 0)
                for part in ("handle", "after_contact")
            )

    def figures(chosen: set[str]) -> Row:
        works = [worked[one] for one in chosen if one in worked]
        reopened = sum(talked[one].is_reopened for one in chosen)
        return {
            "conversations": len(chosen),
            "conversation_fraction": len(chosen) / len(talked),
            "reopened_conversations": reopened,
            "reopened_rate": reopened / len(chosen) if chosen else None,
            "worked_conversations": len(works),
            "handle_seconds": sum(works, Decimal()),
            "average_handle_seconds": int(sum(works) * 1_000_000) / len(works) / 1_000_000
            if works
            else None,
        }

    expected: list[Row] = []
    for topic in {"", *paths}:
        own = {one for one in talked if topic in (topics.get(one) or {""})}
        branch = {
            one
            for one in talked
            if any(is_below(its, topic, parents) for its in topics.get(one) or {""})
        }
        ai = sum(bool(talked[one].of_ai) for one in own)
        messages = sum(talked[one].messages for one in own)
        expected.append(
            {
                "topic_id": topic,
                "topic_path": paths.get(topic),
                "all_conversations": len(talked),
                **figures(own),
                "ai_conversations": ai,
                "ai_rate": ai / len(own) if own else None,
                "messages": messages,
                "messages_per_conversation": messages / len(own) if own else None,
                **{f"{name}_with_subtopics": value for name, value in figures(branch).items()},
            }
        )
    assert any(row["conversations"] < row["conversations_with_subtopics"] for row in expected)
    found = {row["topic_id"]: row for row in world.models["contact_reasons"]}
    assert found == {row["topic_id"]: row for row in expected}


def is_below(topic: str | None, ancestor: str, parents: dict[str, str | None]) -> bool:
    while topic is not None:
        if topic == ancestor:
            return True
        topic = parents.get(topic)
    return False


def test_ai_in_the_world_s_conversations(world: BuiltWorld) -> None:
    raw, people = world.raw, people_of(world.raw)
    conversations = conversations_of(raw, people)
    until = max(moment for one in conversations.values() for moment in one.moments)
    days: dict[date, list[str]] = defaultdict(list)
    started = [one for one in contacts_of(raw, people) if one.counts_as == "contacts_started"]
    for one in conversations.values():
        if one.of_ai:
            day = Contact("", "", "", min(one.of_ai), "").local_date
            is_over = one.told[-1:] == ["CLOSED"] or max(one.moments) <= until - timedelta(days=1)
            if one.of_agents or one.is_assigned:
                days[day].append("handed")
            elif is_over:
                days[day].append("contained" if one.has_contact else "contained alone")
            else:
                days[day].append("undecided")
    expected = []
    for day in {*days, *(one.local_date for one in started)}:
        contacts = sum(one.local_date == day for one in started)
        contained = sum(outcome.startswith("contained") for outcome in days[day])
        handed, alone = days[day].count("handed"), days[day].count("contained alone")
        expected.append(
            {
                "local_date": day,
                "ai_conversations": len(days[day]),
                "contained_conversations": contained,
                "handed_conversations": handed,
                "undecided_conversations": days[day].count("undecided"),
                "containment_rate": contained / (contained + handed)
                if contained + handed
                else None,
                "contacts_started": contacts,
                "contained_without_contact": alone,
                "demand": contacts + alone,
            }
        )
    assert in_order(world.models["ai_containment"]) == in_order(expected)


def items(*told: tuple[str, datetime, str, str]) -> dict[str, list[Row]]:
    """Return items as rows: conversation, time, what it is, and who made it, as type or type:id."""
    rows: dict[str, list[Row]] = defaultdict(list)
    tables = {
        "SMS": "sms_messages",
        "VOICE_AI_MESSAGE": "voice_ai_messages",
        "PHONE_CALL": "phone_calls",
        "CONVERSATION_NOTE": "conversation_notes",
        "CONVERSATION_STATUS_CHANGE": "status_changes",
    }
    for number, (conversation, at, what, by) in enumerate(told):
        content_type, _, detail = what.partition(":")
        author_type, _, author = by.partition(":")
        identifier = f"item {number}"
        rows["conversation_items"].append(
            {
                "id": identifier,
                "conversation_id": conversation,
                "customer_id": f"customer of {conversation}",
                "timestamp": at,
                "initiator_type": author_type,
                "initiator_id": author,
                "content_type": content_type,
            }
        )
        answered_at = {"answered_at": at} if detail == "answered" else {}
        status = {"status": detail} if content_type == "CONVERSATION_STATUS_CHANGE" else {}
        rows[tables[content_type]].append({"id": identifier} | answered_at | status)
    return rows


def event(number: int, kind: str, at: datetime, conversation: str, **content: object) -> Row:
    return {
        "id": f"event {number}",
        "type": kind,
        "timestamp": at.isoformat(),
        "initiator": {"type": "SYSTEM", "id": ""},
        "content": {"conversationId": conversation, **content},
    }


def test_days_begin_at_local_midnight_whatever_the_offset(place: Place) -> None:
    # of Kathmandu, 5:45 ahead of UTC
    midnight = datetime(2026, 3, 8, 18, 15, tzinfo=UTC)
    moments = [midnight - timedelta(microseconds=1), midnight, midnight + timedelta(hours=24)]
    told = [("talk", at, "SMS", "CUSTOMER") for at in moments]
    nowhen = ("talk", datetime(1969, 1, 1, tzinfo=UTC), "SMS", "CUSTOMER")
    later = NOON + timedelta(days=9)
    place.load(raw_rows(later, **items(*told, nowhen)))
    place.transform("Asia/Kathmandu")
    days = place.models()["channel_volume"]
    assert {row["local_date"]: row["messages_inbound"] for row in days} == {
        date(2026, 3, day): 1 for day in (8, 9, 10)
    }
    # where clocks go forward at 2, the day has 23 hours
    place.transform("America/Los_Angeles")
    first = datetime(2026, 3, 8, 8, tzinfo=UTC)
    edges = [first - timedelta(seconds=1), first, first + timedelta(hours=23)]
    edges_told = [("edges", at, "SMS", "AGENT") for at in edges]
    place.load(raw_rows(later + timedelta(hours=1), **items(*edges_told)))
    place.transform("America/Los_Angeles")
    days = place.models()["channel_volume"]
    assert {row["local_date"]: row["messages_outbound"] for row in days} == {
        date(2026, 3, day): 1 for day in (7, 8, 9)
    }


def test_a_contact_counts_once_and_where_nobody_saw_its_start_not_at_all(place: Place) -> None:
    place.load_events(
        [
            event(1, "CONTACT/STARTED", NOON, "talk", contactId="1", channel="CHAT"),
            event(2, "CONTACT/ENDED", NOON, "talk", contactId="1", channel="CHAT"),
            event(3, "CONTACT/ENDED", NOON, "talk", contactId="never seen", channel="CHAT"),
            event(4, "CONTACT/ENDED", NOON, "talk", contactId="2", channel="EMAIL"),
        ]
    )
    session = {
        "contact_session_created_at": NOON - timedelta(days=1),
        "conversation_id": "talk",
    }
    place.load(
        raw_rows(
            work_session_events=[
                session | {"contact_session_id": contact, "channel": channel, "agent_id": agent}
                for contact, channel, agent in (
                    ("1", "CHAT", "Ada"),
                    ("2", "EMAIL", "Ada"),
                    ("2", "EMAIL", "Bob"),
                )
            ]
        )
    )
    place.transform()
    rows = place.models()["conversation_channel_days"]
    assert {(row["local_date"].day, row["channel"], row["contacts_started"]) for row in rows} == {
        (7, "EMAIL", 1),
        (8, "CHAT", 1),
    }


# who took part, and what became of it by the time of the newest event, two days after noon
OUTCOMES = {
    "AI alone, closed": "contained",
    "AI alone, quiet": "contained",
    "AI alone, spoke last this morning": "undecided",
    "AI alone, closed by an agent who said nothing": "contained",
    "AI and an agent's note": "contained",
    "AI in a report only": "contained",
    "AI, still in the inbox": "contained",
    "AI, then assigned": "handed",
    "AI, then a call that was answered": "handed",
    "AI, then a call that nobody answered": "contained",
    "AI, then a message of an agent": "handed",
    "AI, then a contact that an agent took": "handed",
    "AI, then an agent in the one it was merged into": "handed",
    "AI, then a work session": "handed",
}


def test_what_became_of_conversations_with_ai(place: Place) -> None:
    hour, ai = timedelta(hours=1), "SYSTEM:SIDEKICK_V2"
    later = NOON + hour
    told = [
        ("AI alone, spoke last this morning", NOON + 46 * hour, "SMS", ai),
        (
            "AI alone, closed by an agent who said nothing",
            later,
            "CONVERSATION_STATUS_CHANGE:CLOSED",
            "AGENT:Ada",
        ),
        ("AI and an agent's note", later, "CONVERSATION_NOTE", "AGENT:Ada"),
        ("AI, then a call that was answered", later, "PHONE_CALL:answered", "CUSTOMER"),
        ("AI, then a call that nobody answered", later, "PHONE_CALL", "CUSTOMER"),
        ("AI, then a message of an agent", later, "SMS", "AGENT:Ada"),
        ("survivor", later, "SMS", "AGENT:Ada"),
        ("no AI", later, "SMS", "AUTOMATION:rule"),
    ]
    with_message = [one for one in OUTCOMES if one != "AI in a report only"]
    told += [(one, NOON, "VOICE_AI_MESSAGE", "CUSTOMER") for one in with_message]
    place.load(
        raw_rows(
            NOW,
            **items(*told),
            conversation_merges=[
                {
                    "source_conversation_id": "AI, then an agent in the one it was merged into",
                    "destination_conversation_id": "survivor",
                    "merged_at": later,
                    "evidence": "CUSTOMER/MERGED",
                }
            ],
            report_windows=[{"window_id": "window"}],
            report_gladly_ai_sessions_detail=[
                {
                    "window_id": "window",
                    "position": 1,
                    "conversation_id": "AI in a report only",
                    "created_date": NOON,
                }
            ],
            work_session_events=[
                {
                    "contact_session_id": "contact",
                    "agent_id": "Ada",
                    "conversation_id": "AI, then a work session",
                    "contact_session_created_at": later,
                }
            ],
        )
    )
    assigned = {"assignee": {"inboxId": "inbox", "agentId": "Ada"}}
    place.load_events(
        [
            event(1, "CONVERSATION/CLOSED", later, "AI alone, closed"),
            event(
                2,
                "CONVERSATION_ASSIGNEE/UPDATED",
                later,
                "AI, still in the inbox",
                assignee={"inboxId": "inbox"},
            ),
            event(3, "CONVERSATION_ASSIGNEE/UPDATED", later, "AI, then assigned", **assigned),
            event(4, "CONTACT/JOINED", later, "AI, then a contact that an agent took")
            | {"initiator": {"type": "AGENT", "id": "Ada"}},
            event(5, "CONVERSATION/CREATED", NOON + 48 * hour, "no AI either"),
        ]
    )
    place.transform()
    models = place.models()
    found = {}
    for row in models["conversation_participation"]:
        if row["has_ai"]:
            name = row["conversation_id"].replace("survivor", told_as_merged())
            found[name] = "handed" if row["has_agent"] else "not handed"
    assert found == {
        name: "handed" if outcome == "handed" else "not handed"
        for name, outcome in OUTCOMES.items()
    }
    (day,) = models["ai_containment"]
    outcomes = list(OUTCOMES.values())
    assert {
        name: day[f"{name}_conversations"] for name in ("contained", "handed", "undecided")
    } == {name: outcomes.count(name) for name in ("contained", "handed", "undecided")}
    assert day["containment_rate"] == outcomes.count("contained") / (len(outcomes) - 1)
    # none of those had a contact; of the others one contact's start is known, of a work session
    assert (day["contacts_started"], day["contained_without_contact"]) == (1, 7)
    assert day["demand"] == 8


def told_as_merged() -> str:
    return "AI, then an agent in the one it was merged into"


def test_conversations_count_under_each_of_their_topics_and_once_in_a_branch(place: Place) -> None:
    labels = {
        "1": ("orders", "damaged"),
        "2": ("damaged", "late"),
        "3": ("orders",),
        "4": ("never loaded",),
        "5": (),
        "only a note": ("late",),
    }
    told = [(one, NOON, "SMS", "CUSTOMER") for one in labels if one != "only a note"]
    told.append(("only a note", NOON, "CONVERSATION_NOTE", "AGENT:Ada"))
    place.load(
        raw_rows(
            NOW,
            topics=[
                {"id": "orders", "name": "Orders"},
                {"id": "damaged", "name": "Damaged", "parent_id": "orders"},
                {"id": "late", "name": "Late", "parent_id": "orders"},
                {"id": "billing", "name": "Billing"},
            ],
            **items(*told),
        )
    )
    place.load_events(
        event(number, "CONVERSATION/TOPIC_ADDED", NOON, conversation, topicId=topic)
        for number, (conversation, topic) in enumerate(
            (conversation, topic) for conversation, topics in labels.items() for topic in topics
        )
    )
    place.transform()
    models = place.models()
    assert {
        row["topic_id"]: (row["conversations"], row["conversations_with_subtopics"])
        for row in models["contact_reasons"]
    } == {
        "orders": (2, 3),
        "damaged": (2, 2),
        "late": (1, 1),
        "billing": (0, 0),
        "never loaded": (1, 1),
        "": (1, 1),
    }
    assert {
        row["topic_id"]: (row["conversations"], row["conversation_fraction"])
        for row in models["topic_volume"]
    } == {
        "orders": (2, 0.4),
        "damaged": (2, 0.4),
        "late": (1, 0.2),
        "never loaded": (1, 0.2),
        "": (1, 0.2),
    }
