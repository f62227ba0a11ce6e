"""What agents did, as a program would tell it that walks through the raw records one by one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.transforms.places import Row
from tests.transforms.raw_stories import sessions_of
from tests.transforms.world import Raw, instant

HALF_HOUR = timedelta(minutes=30)
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CHANNELS = {"VOICE", "MESSAGING", "MAIL", "TASK"}
BEFORE = {
    "LOGGED_IN": "logged_out",
    "WENT_AWAY": "active",
    "RETURNED_FROM_AWAY": "away",
    "CHANGED_ACTIVE_REASON": "active",
    "LOGGED_OUT": "logged_in",
}


def seconds_of(span: timedelta) -> Decimal:
    return Decimal(span // MICROSECOND) / 1_000_000


def happened_at(event: Row) -> datetime:
    return instant(event["content"].get("occurredAt") or event["timestamp"])


def of_entity(events: Iterable[Row], entity: str) -> dict[str, list[Row]]:
    """Return the events about agents by agent, in the order in which they happened."""
    found = defaultdict(list)
    for event in events:
        if event["type"].startswith(f"{entity}/"):
            found[event["content"]["agentId"]].append(event)
    return {
        agent: sorted(each, key=lambda e: (happened_at(e), instant(e["timestamp"]), e["id"]))
        for agent, each in found.items()
    }


def reason_of(event: Row, member: str) -> tuple[str | None, str | None]:
    reason = event["content"].get(member) or {}
    return reason.get("id"), reason.get("name")


def states_of(story: Sequence[Row]) -> list[Row]:
    """Walk through the events of one agent; ``story`` is in order."""
    begun: list[tuple[datetime | None, str, tuple[str | None, str | None], bool]] = []
    nothing = None, None
    for event in story:
        name, at = event["type"].partition("/")[2], happened_at(event)
        away_at = instant(event["content"].get("awayAt") or event["content"]["occurredAt"])
        told = name == "RETURNED_FROM_AWAY" and away_at < at
        away_reason = reason_of(event, "awayReason")
        if told and not begun:
            begun.append((None, "active", nothing, False))
            begun.append((away_at, "away", away_reason, False))
        elif told and begun[-1][1] != "away" and before(begun[-1][0], away_at):
            begun.append((away_at, "away", away_reason, False))
        elif not begun:
            reason = away_reason if BEFORE[name] == "away" else nothing
            begun.append((None, BEFORE[name], reason, False))
        if name == "WENT_AWAY":
            begun.append((at, "away", away_reason, True))
        elif name == "LOGGED_OUT":
            begun.append((at, "logged_out", nothing, True))
        else:
            begun.append((at, "active", reason_of(event, "activeReason"), True))
    ends = [each[0] for each in begun[1:]] + [None]
    lasting = [(*one, end) for one, end in zip(begun, ends, strict=True) if one[0] != end]
    return [
        {
            "position": position,
            "from_at": from_at,
            "until_at": until_at,
            "state": state,
            "reason_id": reason[0],
            "reason_name": reason[1],
            "is_beginning_seen": seen,
        }
        for position, (from_at, state, reason, seen, until_at) in enumerate(lasting, 1)
    ]


def before(earlier: datetime | None, later: datetime) -> bool:
    return earlier is None or earlier < later


def agent_states(events: Iterable[Row]) -> list[Row]:
    return [
        {"agent_id": agent, **state}
        for agent, story in of_entity(events, "AGENT_STATUS").items()
        for state in states_of(story)
    ]


def availability_spans(events: Iterable[Row]) -> list[Row]:
    """Open a span when a channel appears, close it when it is gone; last word of an instant."""
    rows = []
    for agent, story in of_entity(events, "AGENT_AVAILABILITY").items():
        said = {happened_at(e): set(e["content"]["availableFor"]) for e in story if is_update(e)}
        since: dict[str, datetime] = {}
        for at, channels in said.items():
            gone = set(since) - channels
            rows += [available(agent, channel, since.pop(channel), at) for channel in gone]
            since = dict.fromkeys(channels, at) | since
        rows += [available(agent, channel, at, None) for channel, at in since.items()]
    return rows


def is_update(event: Row) -> bool:
    return bool(event["type"] == "AGENT_AVAILABILITY/UPDATED")


def available(agent: str, channel: str, from_at: datetime, until_at: datetime | None) -> Row:
    return {"agent_id": agent, "channel": channel, "from_at": from_at, "until_at": until_at}


def agent_of(event: Row) -> str | None:
    return event["initiator"]["id"] if event["initiator"]["type"] == "AGENT" else None


def contact_spans(events: Iterable[Row], sessions: Iterable[Row]) -> list[Row]:
    """Follow each contact from event to event; what none tells, its work sessions do."""
    stories: dict[str, list[Row]] = defaultdict(list)
    for event in events:
        if event["type"].startswith("CONTACT/"):
            stories[event["content"]["contactId"]].append(event)
    worked: dict[str, list[Row]] = defaultdict(list)
    for session in sessions:
        worked[session["contact_session_id"]].append(session)
    rows = []
    for contact in {*stories, *worked}:
        story = sorted(stories[contact], key=lambda e: (e["timestamp"], e["type"], e["id"]))
        reported = [one["ended_at"] for one in worked[contact] if one["ended_at"]]
        ends = [instant(e["timestamp"]) for e in story if e["type"] == "CONTACT/ENDED"] or reported
        for agent, activity, from_at, until_at in (
            *handled(story),
            *held(story),
        ):
            end = min((at for at in (until_at, *ends[:1]) if at), default=None)
            rows.append(stretch(contact, agent, activity, from_at, end, "events"))
        for session in worked[contact]:
            joined = {agent_of(e) for e in story if e["type"] == "CONTACT/JOINED"}
            rows += of_session(session, is_told=session["agent_id"] in joined)
    return [row for row in rows if row["until_at"] is None or row["from_at"] < row["until_at"]]


def handled(story: Sequence[Row]) -> Iterator[tuple[str, str, datetime, datetime | None]]:
    for place, event in enumerate(story):
        agent = agent_of(event)
        if event["type"] == "CONTACT/JOINED" and agent:
            later = [
                instant(other["timestamp"])
                for other in story[place + 1 :]
                if other["type"] in ("CONTACT/JOINED", "CONTACT/TRANSFERRED")
                and agent_of(other) == agent
            ]
            yield agent, "handling", instant(event["timestamp"]), min(later, default=None)


def held(story: Sequence[Row]) -> Iterator[tuple[str, str, datetime, datetime | None]]:
    for place, event in enumerate(story):
        agent = agent_of(event)
        if event["type"] == "CONTACT/HOLD_STARTED" and agent:
            later = [
                instant(other["timestamp"])
                for other in story[place + 1 :]
                if other["type"] in ("CONTACT/HOLD_STARTED", "CONTACT/HOLD_ENDED")
            ]
            yield agent, "on_hold", instant(event["timestamp"]), min(later, default=None)


def of_session(session: Row, *, is_told: bool) -> Iterator[Row]:
    contact, agent = session["contact_session_id"], session["agent_id"]
    accepted_at, until_at = session["accepted_at"], session["ended_at"]
    if not agent or accepted_at is None:
        return
    if session["handle_seconds"] is not None:
        until_at = accepted_at + length(session["handle_seconds"])
    if not is_told:
        yield stretch(contact, agent, "handling", accepted_at, until_at, "work_session")
    if until_at and session["after_contact_seconds"]:
        end = until_at + length(session["after_contact_seconds"])
        yield stretch(contact, agent, "after_contact", until_at, end, "work_session")


def length(seconds: Decimal) -> timedelta:
    return int(seconds * 1_000_000) * MICROSECOND


def stretch(
    contact: str,
    agent: str,
    activity: str,
    from_at: datetime,
    until_at: datetime | None,
    told_by: str,
) -> Row:
    return {
        "agent_id": agent,
        "contact_id": contact,
        "activity": activity,
        "from_at": from_at,
        "until_at": until_at,
        "told_by": told_by,
    }


class Span(NamedTuple):
    kind: str
    from_at: datetime
    until_at: datetime


class Piece(NamedTuple):
    """A stretch of an agent's time, and how many spans of each kind lie over it."""

    agent_id: str
    from_at: datetime
    until_at: datetime
    kinds: Mapping[str, int]

    @property
    def seconds(self) -> Decimal:
        return seconds_of(self.until_at - self.from_at)

    @property
    def half_hour(self) -> datetime:
        return self.from_at - (self.from_at - EPOCH) % HALF_HOUR

    def any(self, *kinds: str) -> bool:
        return any(self.kinds[kind] for kind in kinds)

    def day(self, zone: ZoneInfo) -> date:
        return self.from_at.astimezone(zone).date()


def pieces_of(events: Sequence[Row], sessions: Sequence[Row], zone: ZoneInfo) -> list[Piece]:
    """Cut each agent's time at every edge, half hour and midnight, and look what lies over it."""
    about_agents = [
        instant(e["timestamp"])
        for e in events
        if e["type"].startswith(("AGENT_STATUS/", "AGENT_AVAILABILITY/"))
    ]
    about_contacts = [instant(e["timestamp"]) for e in events if e["type"].startswith("CONTACT/")]
    agents_end = max(about_agents, default=EPOCH)
    contacts_end = max(about_contacts, default=EPOCH)
    spans: dict[str, list[Span]] = defaultdict(list)
    for row in agent_states(events):
        if row["from_at"] and row["state"] in ("active", "away"):
            spans[row["agent_id"]].append(
                Span(row["state"], row["from_at"], row["until_at"] or agents_end)
            )
    for row in availability_spans(events):
        spans[row["agent_id"]].append(
            Span(row["channel"], row["from_at"], row["until_at"] or agents_end)
        )
    for row in contact_spans(events, sessions):
        spans[row["agent_id"]].append(
            Span(row["activity"], row["from_at"], row["until_at"] or contacts_end)
        )
    return [piece for agent, each in spans.items() for piece in pieces(agent, each, zone)]


def pieces(agent: str, spans: Sequence[Span], zone: ZoneInfo) -> Iterator[Piece]:
    spans = [span for span in spans if span.from_at < span.until_at]
    edges = {edge for span in spans for edge in span[1:]}
    for span in spans:
        at = span.from_at - (span.from_at - EPOCH) % HALF_HOUR
        while at < span.until_at:
            # no half hour holds more than one midnight
            midnight = datetime.combine(
                (at + HALF_HOUR).astimezone(zone).date(), datetime.min.time(), zone
            ).astimezone(UTC)
            edges |= {at, at + HALF_HOUR, *([midnight] if at < midnight else [])}
            at += HALF_HOUR
    for from_at, until_at in pairwise(sorted(edges)):
        over = Counter(
            span.kind for span in spans if span.from_at < until_at and from_at < span.until_at
        )
        if over:
            yield Piece(agent, from_at, until_at, over)


def total(pieces: Iterable[Piece], *kinds: str) -> Decimal:
    """Return how long any of these kinds held."""
    return sum((piece.seconds for piece in pieces if piece.any(*kinds)), Decimal())


def occupied(pieces: Iterable[Piece]) -> Decimal:
    return total((piece for piece in pieces if piece.any("active")), "handling", "after_contact")


def rate(part: Decimal, whole: Decimal) -> float | None:
    return float(part) / float(whole) if whole else None


class Known(NamedTuple):
    """From when to when events about status are loaded, and since when those of an agent."""

    since: datetime | None
    until: datetime
    unknown_until: Mapping[str, datetime]

    def is_partial(self, begins_at: datetime, ends_at: datetime, agent: str) -> bool:
        if self.since is None or ends_at > self.until:
            return True
        return begins_at < max(self.since, self.unknown_until.get(agent, self.since))


def what_is_known(events: Sequence[Row], until: datetime) -> Known:
    recorded = [instant(e["timestamp"]) for e in events if e["type"].startswith("AGENT_STATUS/")]
    unknown = {
        row["agent_id"]: row["until_at"]
        for row in agent_states(events)
        if row["from_at"] is None and row["state"] != "logged_out"
    }
    return Known(min(recorded, default=None), until, unknown)


def half_hours(
    events: Sequence[Row], sessions: Sequence[Row], zone: ZoneInfo, until: datetime
) -> list[Row]:
    found: dict[tuple[str, datetime], list[Piece]] = defaultdict(list)
    for piece in pieces_of(events, sessions, zone):
        found[piece.agent_id, piece.half_hour].append(piece)
    accepted: Counter[tuple[str, datetime]] = Counter()
    for event in events:
        agent = agent_of(event) if event["type"] == "CONTACT/OFFER_ACCEPTED" else None
        if agent:
            at = instant(event["timestamp"])
            accepted[agent, at - (at - EPOCH) % HALF_HOUR] += 1
    known = what_is_known(events, until)
    rows = []
    for agent, start in {*found, *accepted}:
        each = found[agent, start]
        rows.append(
            {
                "agent_id": agent,
                "half_hour_start": start,
                "is_partial": known.is_partial(start, start + timedelta(minutes=30), agent),
                "logged_in_seconds": total(each, "active", "away"),
                "active_seconds": total(each, "active"),
                "away_seconds": total(each, "away"),
                "available_seconds": total(each, *CHANNELS),
                "available_for_voice_seconds": total(each, "VOICE"),
                "available_for_messaging_seconds": total(each, "MESSAGING"),
                "available_for_mail_seconds": total(each, "MAIL"),
                "available_for_task_seconds": total(each, "TASK"),
                "handling_seconds": total(each, "handling"),
                "contact_seconds": sum(
                    (piece.seconds * piece.kinds["handling"] for piece in each), Decimal()
                ),
                "on_hold_seconds": total(each, "on_hold"),
                "after_contact_seconds": total(each, "after_contact"),
                "occupied_seconds": occupied(each),
                "occupancy_rate": rate(occupied(each), total(each, "active")),
                "contacts_accepted": accepted[agent, start],
            }
        )
    return rows


class Fact(NamedTuple):
    agent_id: str
    at: datetime
    what: str


BY_AGENT = {
    "CONTACT/OFFER_ACCEPTED": "contacts_accepted",
    "CONTACT/FULFILLED": "contacts_fulfilled",
    "CONTACT/TRANSFERRED": "contacts_transferred",
    "CONTACT/MESSAGE_SENT": "messages_sent",
    "CONVERSATION/CLOSED": "conversations_closed",
    "CONVERSATION/TOPIC_ADDED": "topics_added",
}
TO_AGENT = {
    "AGENT_STATUS/LOGGED_IN": "logins",
    "AGENT_STATUS/LOGGED_OUT": "logouts",
    "AGENT_STATUS/WENT_AWAY": "times_away",
    "CONTACT/OFFERED": "contacts_offered",
}
REFUSALS = {"DECLINED": "contacts_declined", "MISSED": "contacts_missed"}


def facts_of(events: Iterable[Row]) -> Iterator[Fact]:
    for event in events:
        kind, content = event["type"], event["content"]
        agent = agent_of(event)
        if kind in BY_AGENT and agent:
            yield Fact(agent, instant(event["timestamp"]), BY_AGENT[kind])
        if kind in TO_AGENT and content.get("agentId"):
            yield Fact(content["agentId"], happened_at(event), TO_AGENT[kind])
        if kind == "CONTACT/OFFER_REJECTED" and content.get("reason") in REFUSALS:
            yield Fact(content["agentId"], instant(event["timestamp"]), REFUSALS[content["reason"]])


def days(
    events: Sequence[Row],
    sessions: Sequence[Row],
    zone: ZoneInfo,
    until: datetime,
    names: Mapping[str, str],
) -> list[Row]:
    found: dict[tuple[str, date], list[Piece]] = defaultdict(list)
    for piece in pieces_of(events, sessions, zone):
        found[piece.agent_id, piece.day(zone)].append(piece)
    facts: dict[tuple[str, date], list[Fact]] = defaultdict(list)
    for fact in facts_of(events):
        facts[fact.agent_id, fact.at.astimezone(zone).date()].append(fact)
    ended: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for session in sessions:
        if session["agent_id"] and session["ended_at"]:
            day = session["ended_at"].astimezone(zone).date()
            ended[session["agent_id"], day].append(session)
    known = what_is_known(events, until)
    rows = []
    for agent, day in {*found, *facts, *ended}:
        each, done = found[agent, day], facts[agent, day]
        counts = Counter(fact.what for fact in done)
        midnight, next_midnight = (
            datetime.combine(each_day, datetime.min.time(), zone).astimezone(UTC)
            for each_day in (day, day + timedelta(days=1))
        )
        rows.append(
            {
                "agent_id": agent,
                "local_date": day,
                "agent_name": names.get(agent),
                "is_partial": known.is_partial(midnight, next_midnight, agent),
                "logged_in_seconds": total(each, "active", "away"),
                "active_seconds": total(each, "active"),
                "away_seconds": total(each, "away"),
                "available_seconds": total(each, *CHANNELS),
                "handling_seconds": total(each, "handling"),
                "on_hold_seconds": total(each, "on_hold"),
                "occupied_seconds": occupied(each),
                "occupancy_rate": rate(occupied(each), total(each, "active")),
                "first_login_at": min((f.at for f in done if f.what == "logins"), default=None),
                "last_logout_at": max((f.at for f in done if f.what == "logouts"), default=None),
                "contacts_ended": len(ended[agent, day]),
                "handle_seconds": summed(ended[agent, day], "handle_seconds"),
                "after_contact_seconds": summed(ended[agent, day], "after_contact_seconds"),
                **{
                    name: counts[name]
                    for name in (*BY_AGENT.values(), *TO_AGENT.values(), *REFUSALS.values())
                },
            }
        )
    return rows


def summed(rows: Iterable[Row], name: str) -> Decimal:
    return sum((row[name] or Decimal() for row in rows), Decimal())


def sessions_in(raw: Raw) -> list[Row]:
    """Read the work sessions of all readings as rows of the model, ids as they were sent."""
    return [session_of(record) for record in sessions_of(raw)]


def session_of(record: Mapping[str, str]) -> Row:
    def at(name: str) -> datetime | None:
        return instant(record[name]) if record[name] else None

    def seconds(name: str) -> Decimal | None:
        return Decimal(record[name]) if record[name] else None

    ended_at = at("contact_session_ended_at")
    within = {"true": True, "false": False}.get(record["within_sla"].lower())
    return {
        "contact_session_id": record["contact_session_id"],
        "agent_id": record["agent_id"],
        "work_session_id": record["id"] or None,
        "conversation_id": record["conversation_id"] or None,
        "customer_id": record["customer_id"] or None,
        "channel": record["channel"] or None,
        "direction": record["direction"] or None,
        "inbox_id": record["inbox_id"] or None,
        "accepted_inbox_id": record["accepted_inbox_id"] or None,
        "created_at": at("contact_session_created_at"),
        "routed_at": at("contact_session_routed_at"),
        "accepted_at": at("agent_accepted_at"),
        "fulfilled_at": at("sla_fulfilled_at"),
        "ended_at": ended_at,
        "is_open": ended_at is None,
        "status": record["status"] or None,
        "within_sla": within,
        "handle_seconds": seconds("work_session_handle_time_sec"),
        "after_contact_seconds": seconds("work_session_after_contact_time_sec"),
        "unknown_seconds": seconds("work_session_unknown_time_sec"),
    }
