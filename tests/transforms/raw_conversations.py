"""Conversations as a program tells them that reads the raw records one by one.

For tests of models: nothing here is taken from the models, except when the organisation is open,
which has tests of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from tests.transforms.places import Row
from tests.transforms.raw_identities import Identities, identities_of
from tests.transforms.world import BuiltWorld, Raw, instant

CHANNELS = {
    "CHAT_MESSAGE": "CHAT",
    "EMAIL": "EMAIL",
    "SMS": "SMS",
    "FACEBOOK_MESSAGE": "FB_MESSENGER",
    "INSTAGRAM_DIRECT": "INSTAGRAM_DIRECT",
    "WHATSAPP": "WHATSAPP",
    "TWITTER": "TWITTER",
    "VOICE_AI_MESSAGE": "VOICE_AI",
    "PHONE_CALL": "PHONE_CALL",
    "VOICEMAIL": "VOICEMAIL",
}
CALLS = {"PHONE_CALL", "VOICEMAIL"}
MESSAGES = CHANNELS.keys() - CALLS
HOUR, MINUTE, MICROSECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(microseconds=1)
INBOUND = {"CUSTOMER", "EXTERNAL"}
AUTOMATIC = {"AUTOMATION", "API", "SYSTEM"}


def at(record: Row) -> datetime:
    return instant(record["timestamp"])


def kind(item: Row) -> str:
    return str(item["content"]["type"])


def by(record: Row) -> str | None:
    author: str | None = record.get("initiator", {}).get("type")
    return author


def by_id(record: Row) -> str | None:
    author: str | None = record.get("initiator", {}).get("id")
    return author


def seconds(duration: timedelta) -> Decimal:
    return Decimal(duration // MICROSECOND) / 1_000_000


@dataclass(frozen=True)
class Clock:
    """When the organisation is open, on the days that are loaded."""

    spans: Sequence[tuple[datetime, datetime]]
    days: Sequence[tuple[datetime, datetime, Any]]

    def open_between(self, start: datetime, end: datetime) -> Decimal | None:
        """Add up what lies between two instants of every open span."""
        first, last = self.days[0][0], self.days[-1][1]
        if not self.spans or not (first <= start < last and first <= end < last):
            return None
        parts = (min(end, closes) - max(start, opens) for opens, closes in self.spans)
        return seconds(sum((part for part in parts if part > timedelta()), timedelta()))

    def day(self, moment: datetime) -> Any:  # noqa: ANN401 - a date, or None
        """Return the local day of an instant."""
        return next((day for start, end, day in self.days if start <= moment < end), None)


def clock_of(models: dict[str, list[Row]]) -> Clock:
    spans = [r for r in models["business_hour_spans"] if r["is_primary"]]
    days = [(r["starts_at"], r["ends_at"], r["local_date"]) for r in models["local_days"]]
    return Clock([(r["opens_at"], r["closes_at"]) for r in spans], sorted(days))


@dataclass
class Conversation:
    """All that raw records tell of a conversation.

    Those in ``own`` were sent under its own id, the others under one that was merged into it.
    """

    id: str
    items: list[Row] = field(default_factory=list)
    own_items: list[Row] = field(default_factory=list)
    own_events: list[Row] = field(default_factory=list)
    all_events: list[Row] = field(default_factory=list)
    own_contact_events: list[Row] = field(default_factory=list)
    customers: set[str] = field(default_factory=set)
    merged: set[str] = field(default_factory=set)
    record: Row | None = None
    read_at: datetime | None = None

    @property
    def customer_id(self) -> str | None:
        assert len(self.customers) <= 1
        return next(iter(self.customers), None)

    @property
    def creation(self) -> Row | None:
        return next((e for e in self.own_events if e["type"] == "CONVERSATION/CREATED"), None)

    @property
    def created_at(self) -> datetime | None:
        if self.creation:
            return at(self.creation)
        return instant(self.record["createdAt"]) if self.record else None

    @property
    def first_item_at(self) -> datetime | None:
        return min(map(at, self.own_items), default=None)

    @property
    def first_seen_at(self) -> datetime | None:
        seen = [*self.own_items, *self.own_events, *self.own_contact_events]
        return min(map(at, seen), default=None)

    def begins_by(self, first: datetime | None) -> bool:
        created_at = self.created_at
        return created_at is not None and first is not None and first <= created_at + HOUR

    @property
    def is_beginning_seen(self) -> bool:
        return self.begins_by(self.first_seen_at)

    @property
    def are_first_items_seen(self) -> bool:
        return self.begins_by(self.first_item_at)

    def beginning(self) -> Row:
        told_by = "event" if self.creation else "record" if self.record else None
        return {
            "conversation_id": self.id,
            "customer_id": self.customer_id,
            "created_at": self.created_at,
            "created_by_id": by_id(self.creation) if self.creation else None,
            "created_by_type": by(self.creation) if self.creation else None,
            "told_by": told_by,
            "first_seen_at": self.first_seen_at,
            "first_item_at": self.first_item_at,
            "is_beginning_seen": self.is_beginning_seen,
            "are_first_items_seen": self.are_first_items_seen,
        }

    def status_changes(self) -> Iterator[tuple[datetime, str, Row | None, str]]:
        """Yield what items tell, what only events tell, and what only the record tells."""
        told: list[tuple[datetime, str, Row | None, str]] = [
            (at(item), item["content"]["status"], item, "item")
            for item in self.own_items
            if kind(item) == "CONVERSATION_STATUS_CHANGE"
        ]
        names = {"CONVERSATION/CLOSED": "CLOSED", "CONVERSATION/REOPENED": "OPEN"}
        feeds: list[list[tuple[datetime, str, Row | None, str]]] = [
            [(at(e), names[e["type"]], e, "event") for e in self.own_events if e["type"] in names],
            [],
        ]
        if self.record and self.record["status"] == "CLOSED" and self.record.get("closedAt"):
            feeds[1].append((instant(self.record["closedAt"]), "CLOSED", None, "record"))
        yield from told
        for feed in feeds:
            for change in feed:
                if not any(t[1] == change[1] and abs(t[0] - change[0]) <= MINUTE for t in told):
                    yield change
            told += feed

    def statuses(self) -> list[Row]:
        """Walk through the changes, oldest first; whatever changes nothing is none."""
        order = ["creation", "OPEN", "WAITING", "CLOSED"]
        changes = sorted(self.status_changes(), key=lambda c: (c[0], order.index(c[1])))
        if self.created_at:
            place = sum(change[0] < self.created_at for change in changes)
            changes.insert(place, (self.created_at, "OPEN", self.creation, "creation"))
        rows: list[Row] = []
        for moment, status, source, told_by in changes:
            if rows and rows[-1]["status"] == status:
                continue
            if rows:
                rows[-1]["until_at"] = moment
            rows.append(
                {
                    "conversation_id": self.id,
                    "position": len(rows) + 1,
                    "status": status,
                    "status_before": rows[-1]["status"] if rows else None,
                    "from_at": moment,
                    "until_at": None,
                    "changed_by_id": by_id(source) if source else None,
                    "changed_by_type": by(source) if source else None,
                    "told_by": told_by,
                }
            )
        return rows

    def assignments(self) -> list[Row]:
        """Walk through the events: what the first ones find, and what each change leaves."""
        rows: list[Row] = []

        def note(since: datetime | None, where: Row, event: Row | None) -> None:
            state = {"inbox_id": where.get("inboxId"), "agent_id": where.get("agentId")}
            if rows and state.items() <= rows[-1].items():
                return
            if rows:
                rows[-1]["until_at"] = since
            rows.append(
                {
                    "conversation_id": self.id,
                    "position": len(rows) + 1,
                    "from_at": since,
                    "until_at": None,
                    **state,
                    "reason": event["content"].get("reason") if event else None,
                    "assigned_by_id": by_id(event) if event else None,
                    "assigned_by_type": by(event) if event else None,
                }
            )

        for event in self.own_events:
            before = event["content"].get("context", {}).get("assignee")
            if before and not rows:
                note(at(self.creation) if self.creation else None, before, None)
            if event["type"] == "CONVERSATION_ASSIGNEE/UPDATED":
                note(at(event), event["content"]["assignee"], event)
        return rows

    def responses(self, clock: Clock) -> dict[str, Row]:
        """Walk through messages and closes, and keep who waits; by the message that answers."""
        story = [
            (at(i), 0 if by(i) == "AGENT" else 2, i["id"], i)
            for i in self.items
            if kind(i) in MESSAGES and by(i) in {"AGENT", *INBOUND}
        ]
        closes = [row["from_at"] for row in self.statuses() if row["status"] == "CLOSED"]
        story += [(moment, 1, "", {}) for moment in closes]
        answers: dict[str, Row] = {}
        waiting: Row | None = None
        is_closed, has_answered, is_certain = False, False, self.are_first_items_seen
        for _, place, identifier, item in sorted(story, key=lambda each: each[:3]):
            if place == 1:
                is_closed = True
            elif place == 2:
                if waiting is None or is_closed:
                    waiting = item
                is_closed = False
            else:
                found = waiting if is_certain else None
                is_first: bool | None = found is not None and not has_answered
                if not self.are_first_items_seen and (is_first or not is_certain):
                    is_first = None
                answers[identifier] = self._answer(item, found, clock) | {
                    "is_first_response": is_first
                }
                has_answered |= found is not None
                waiting, is_closed, is_certain = None, False, True
        return answers

    def _answer(self, item: Row, answered: Row | None, clock: Clock) -> Row:
        if answered is None:
            return {}
        return {
            "answered_item_id": answered["id"],
            "answered_at": at(answered),
            "response_seconds": seconds(at(item) - at(answered)),
            "business_response_seconds": clock.open_between(at(answered), at(item)),
        }

    def messages(self, clock: Clock) -> Iterator[Row]:
        responses = self.responses(clock)
        for item in self.items:
            if kind(item) in MESSAGES:
                yield {
                    "item_id": item["id"],
                    "conversation_id": self.id,
                    "customer_id": self.customer_id,
                    "occurred_at": at(item),
                    "channel": CHANNELS[kind(item)],
                    "direction": "inbound" if by(item) in INBOUND else "outbound",
                    "author_id": by_id(item),
                    "author_type": by(item),
                    "answered_item_id": None,
                    "answered_at": None,
                    "response_seconds": None,
                    "business_response_seconds": None,
                    "is_first_response": None,
                } | responses.get(item["id"], {})

    def topics(self) -> set[str]:
        """Start with what the record has, if there is one, and follow what changed since."""
        changes = [(at(item), item["content"]) for item in self.items if "TOPIC" in kind(item)]
        for event in self.all_events:
            for name in ("ADDED", "REMOVED"):
                if event["type"] == f"CONVERSATION/TOPIC_{name}":
                    topic = [event["content"]["topicId"]]
                    changes.append((at(event), {f"{name.lower()}TopicIds": topic}))
        topics = set(self.record.get("topicIds", [])) if self.record else set()
        for moment, change in sorted(changes, key=lambda each: each[0]):
            if self.read_at is None or moment > self.read_at:
                topics -= set(change.get("removedTopicIds", []))
                topics |= set(change.get("addedTopicIds", []))
        return topics

    def facts(self, clock: Clock) -> Row:
        statuses, assignments = self.statuses(), self.assignments()
        closes = [row["from_at"] for row in statuses if row["status"] == "CLOSED"]
        reopened = sum(row["status"] == "CLOSED" for row in statuses[:-1])
        status, created_at = statuses[-1]["status"] if statuses else None, self.created_at
        where = assignments[-1] if assignments else {}
        inbox_id, agent_id = where.get("inbox_id"), where.get("agent_id")
        if self.record and self.read_at:
            if not statuses or statuses[-1]["from_at"] <= self.read_at:
                status = self.record["status"]
            if not where.get("from_at") or where["from_at"] <= self.read_at:
                inbox_id, agent_id = self.record["inboxId"], self.record.get("agentId")
        messages = [item for item in self.items if kind(item) in MESSAGES]
        calls = [item for item in self.items if kind(item) in CALLS]
        answered = [call for call in calls if call["content"].get("answeredAt")]
        channels = [
            CHANNELS[kind(i)]
            for i in sorted(self.items, key=lambda i: (at(i), i["id"]))
            if kind(i) in CHANNELS
        ]
        first = next(
            (r for r in self.responses(clock).values() if r["is_first_response"]),
            {"response_seconds": None, "business_response_seconds": None},
        )
        is_one_touch = None
        told = statuses[-1]["told_by"] if statuses else ""
        if status == "CLOSED" and self.are_first_items_seen and closes and told == "item":
            touches = len(answered) + sum(by(message) == "AGENT" for message in messages)
            is_one_touch = len(closes) == 1 and touches == 1

        def lasted(until: datetime | None) -> tuple[Decimal | None, Decimal | None]:
            if not created_at or not until:
                return None, None
            return seconds(until - created_at), clock.open_between(created_at, until)

        to_first = lasted(closes[0] if closes and self.is_beginning_seen else None)
        to_last = lasted(closes[-1] if closes else None)
        agents = {row["agent_id"] for row in assignments} - {None}
        return {
            "conversation_id": self.id,
            "customer_id": self.customer_id,
            "created_at": created_at,
            "first_closed_at": closes[0] if closes else None,
            "last_closed_at": closes[-1] if closes else None,
            "status": status,
            "times_closed": len(closes),
            "times_reopened": reopened,
            "first_channel": channels[0] if channels else None,
            "last_channel": channels[-1] if channels else None,
            "channels": len(set(channels)),
            "inbox_id": inbox_id,
            "agent_id": agent_id,
            "agents_assigned": len(agents) if self.creation else None,
            "items": len(self.items),
            "messages": len(messages),
            "messages_from_customer": sum(by(message) == "CUSTOMER" for message in messages),
            "messages_from_agents": sum(by(message) == "AGENT" for message in messages),
            "messages_from_automations": sum(by(message) in AUTOMATIC for message in messages),
            "calls": len(calls),
            "answered_calls": len(answered),
            "notes": sum(kind(item) == "CONVERSATION_NOTE" for item in self.items),
            "topics": len(self.topics()),
            "first_response_seconds": first["response_seconds"],
            "business_first_response_seconds": first["business_response_seconds"],
            "created_to_first_closed_seconds": to_first[0],
            "business_created_to_first_closed_seconds": to_first[1],
            "created_to_last_closed_seconds": to_last[0],
            "business_created_to_last_closed_seconds": to_last[1],
            "is_one_touch": is_one_touch,
            "merged_conversations": len(self.merged),
            "is_beginning_seen": self.is_beginning_seen,
        }


def conversation_records(raw: Raw) -> dict[str, tuple[datetime, Row]]:
    """Return the last record read of each conversation, and when the reading began."""
    found: dict[str, tuple[datetime, Row]] = {}
    for path in sorted((raw.archive / "enrichment").rglob("conversations.jsonl*")):
        read_at = _read_at(path)
        for line in path.read_bytes().splitlines():
            record = orjson.loads(line)
            found[record["id"]] = read_at, record
    return found


def _read_at(path: Path) -> datetime:
    text = path.parent.name.removeprefix("enrichment_").partition("Z-")[0]
    return instant(text.replace("_", ":") + "Z")


def conversations_of(
    items: Iterable[Row],
    events: Iterable[Row],
    records: dict[str, tuple[datetime, Row]],
) -> dict[str, Conversation]:
    """Put all that was sent of each conversation together, under the id that remains."""
    events = sorted(events, key=lambda event: (at(event), event["id"]))
    identities = identities_of(events)
    found: dict[str, Conversation] = {}

    def the(sent: str, record: Row) -> tuple[Conversation, bool]:
        identifier = identities.conversation(sent) or sent
        one = found.setdefault(identifier, Conversation(identifier))
        one.customers |= _customers(identities, record.get("customerId"))
        return one, sent == identifier

    for item in items:
        if sent := item.get("conversationId"):
            one, is_own = the(sent, item)
            one.items.append(item)
            one.own_items += [item] * is_own
    for event in _named(events, "CONVERSATION"):
        one, is_own = the(event["content"]["conversationId"], event["content"])
        one.all_events.append(event)
        one.own_events += [event] * is_own
    for event in _named(events, "CONTACT/"):
        one, is_own = the(event["content"]["conversationId"], event["content"])
        one.own_contact_events += [event] * is_own
    for sent, (read_at, record) in records.items():
        one, is_own = the(sent, record)
        if is_own:
            one.read_at, one.record = read_at, record
    for source in identities.conversations:
        if survivor := found.get(identities.conversation(source) or ""):
            survivor.merged.add(source)
    return found


def _named(events: Iterable[Row], prefix: str) -> list[Row]:
    return [event for event in events if event["type"].startswith(prefix)]


def _customers(identities: Identities, sent: str | None) -> set[str]:
    customer = identities.customer(sent)
    return {customer} if customer else set()


def conversations_of_world(world: BuiltWorld) -> dict[str, Conversation]:
    return conversations_of(world.raw.items, world.raw.events, conversation_records(world.raw))
