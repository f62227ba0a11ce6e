"""Agents' half hours, as a program would count them that reads the events one by one."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox.events import EventStream
from sandbox.world import World, WorldSettings
from tests.transforms.places import DATABASES, Place, Row, open_place

ASKS_FOR = ("agent_availability_half_hours",)
ONLY_WHOLE = True

HALF_HOUR = timedelta(minutes=30)
MICROSECOND = timedelta(microseconds=1)
CHANNELS = ["MAIL", "MESSAGING", "TASK", "VOICE"]
UPDATED = "AGENT_AVAILABILITY/UPDATED"

Buckets = dict[tuple[str, str, datetime], Decimal]


def available_seconds(events: Sequence[Row]) -> Buckets:
    """Fill half hours from raw events: each one's channels, until that agent's next one."""
    counted = ("AGENT_AVAILABILITY/", "AGENT_STATUS/")
    of_agents = [event for event in events if event["type"].startswith(counted)]
    if not of_agents:
        return {}
    end_of_data = max(instant(event["timestamp"]) for event in of_agents)
    updates = [event for event in of_agents if event["type"] == UPDATED]
    buckets: Counter[tuple[str, str, datetime]] = Counter()
    for update in updates:
        changed_at = next_change(update, updates) or end_of_data
        for channel in set(update["content"]["availableFor"]):
            at = instant(update["content"]["occurredAt"])
            while at < changed_at:
                start = at - (at - datetime(2020, 1, 1, tzinfo=UTC)) % HALF_HOUR
                until = min(start + HALF_HOUR, changed_at)
                key = (update["content"]["agentId"], channel, start)
                buckets[key] += (until - at) // MICROSECOND
                at = until
    return {key: Decimal(microseconds) / 1_000_000 for key, microseconds in buckets.items()}


def next_change(update: Row, updates: Iterable[Row]) -> datetime | None:
    """Search the agent's updates for the one that comes first after this one."""
    agent = update["content"]["agentId"]
    later = [
        other
        for other in updates
        if other["content"]["agentId"] == agent and order(other) > order(update)
    ]
    return instant(min(later, key=order)["content"]["occurredAt"]) if later else None


def order(event: Row) -> tuple[datetime, datetime, str]:
    return instant(event["content"]["occurredAt"]), instant(event["timestamp"]), event["id"]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def written(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def found(place: Place) -> Buckets:
    return {
        (row["agent_id"], row["channel"], row["half_hour_start"].astimezone(UTC)): row[
            "available_seconds"
        ]
        for row in place.models()["agent_availability_half_hours"]
    }


# midnight in UTC and in Los Angeles, and the hours there that are skipped and repeated
MOMENTS = [
    datetime(2026, 3, 8, 0, 0, tzinfo=UTC),
    datetime(2026, 3, 8, 8, 0, tzinfo=UTC),
    datetime(2026, 3, 8, 10, 0, tzinfo=UTC),
    datetime(2026, 3, 9, 7, 0, tzinfo=UTC),
    datetime(2026, 11, 1, 7, 0, tzinfo=UTC),
    datetime(2026, 11, 1, 9, 0, tzinfo=UTC),
]
AROUND = st.one_of(
    st.just(timedelta()),
    st.sampled_from([HALF_HOUR, -HALF_HOUR, MICROSECOND, -MICROSECOND]),
    st.integers(-7_200_000, 7_200_000).map(lambda n: timedelta(milliseconds=n)),
)


@st.composite
def agent_events(draw: st.DrawFn) -> Row:
    """Return one event about an agent, without its id: mostly about what they can take."""
    at = draw(st.sampled_from(MOMENTS)) + draw(AROUND)
    recorded_at = at + timedelta(milliseconds=draw(st.sampled_from([0, 0, 40, 15_000])))
    content: Row = {"agentId": draw(st.sampled_from(["Ada", "bob", "Cyd"]))}
    kind = draw(st.sampled_from([UPDATED] * 6 + ["AGENT_STATUS/LOGGED_IN", "focus"]))
    if kind == "focus":
        kind = "AGENT_AVAILABILITY/FOCUS_ENTERED"
        content["context"] = {"availableFor": draw(st.lists(st.sampled_from(CHANNELS)))}
    else:
        content["occurredAt"] = written(at)
    if kind == UPDATED:
        content["availableFor"] = draw(st.lists(st.sampled_from(CHANNELS), max_size=3))
    return {
        "type": kind,
        "timestamp": written(recorded_at),
        "initiator": {"id": "", "type": "SYSTEM"},
        "content": content,
    }


EVENTS = st.lists(agent_events(), min_size=1, max_size=40).map(
    lambda events: [{"id": f"event {n}", **event} for n, event in enumerate(events)]
)

# one example is a load and a build of some models, half a second together
FEW = settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("name", DATABASES)
def test_any_events_give_the_half_hours_of_a_plain_count(
    name: str, tmp_path: Path, postgres: str
) -> None:
    place = open_place(name, tmp_path, postgres, ASKS_FOR, only_whole=ONLY_WHOLE)

    @FEW
    @given(EVENTS)
    def count_alike(events: list[Row]) -> None:
        place.empty(
            "agent_availability_events", "agent_availability_channels", "agent_status_events"
        )
        place.load_events(events)
        place.transform()
        assert found(place) == available_seconds(events)

    count_alike()


def updated(identifier: str, agent: str, at: str, *channels: str) -> Row:
    content = {"agentId": agent, "availableFor": list(channels), "occurredAt": at}
    return {"id": identifier, "type": UPDATED, "timestamp": at, "content": content}


def test_an_agent_s_morning(place: Place) -> None:
    events = [
        updated("1", "Ada", "2026-03-07T23:40:00Z", "VOICE"),
        updated("2", "Ada", "2026-03-08T00:20:00Z", "VOICE", "MAIL"),
        updated("3", "Ada", "2026-03-08T00:30:00Z", "MAIL"),
        updated("4", "Ada", "2026-03-08T00:30:00.250Z"),
        updated("5", "bob", "2026-03-08T00:50:00Z", "TASK"),
        updated("6", "Cyd", "2026-03-08T01:00:00Z"),
    ]
    place.load_events(reversed(events))
    place.transform()
    before, first, second = (
        datetime(2026, 3, 7, 23, 30, tzinfo=UTC) + n * HALF_HOUR for n in range(3)
    )
    assert (
        found(place)
        == available_seconds(events)
        == {
            ("Ada", "VOICE", before): 1200,
            ("Ada", "VOICE", first): 1800,
            ("Ada", "MAIL", first): 600,
            ("Ada", "MAIL", second): Decimal("0.25"),
            ("bob", "TASK", second): 600,
        }
    )


def test_of_two_events_at_one_instant_the_later_recorded_holds(place: Place) -> None:
    noon = "2026-03-08T12:00:00Z"
    first = updated("b", "Ada", noon, "MAIL")
    second = updated("a", "Ada", noon, "VOICE") | {"timestamp": "2026-03-08T12:00:01Z"}
    second["content"]["context"] = {"availableFor": ["MAIL"]}
    at_once = [updated("a2", "bob", noon, "MAIL"), updated("B1", "bob", noon, "VOICE")]
    end = updated("end", "Cyd", "2026-03-08T12:10:00Z")
    place.load_events([second, first, *at_once, end])
    place.transform()
    start = datetime(2026, 3, 8, 12, tzinfo=UTC)
    assert found(place) == {("Ada", "VOICE", start): 600, ("bob", "MAIL", start): 600}


def test_a_state_that_lasts_for_a_year_is_cut_at_every_half_hour(place: Place) -> None:
    events = [
        updated("1", "Ada", "2025-03-08T00:00:00.001Z", "VOICE"),
        updated("2", "bob", "2026-03-08T00:00:00Z"),
    ]
    place.load_events(events)
    place.transform()
    buckets = found(place)
    assert len(buckets) == 365 * 48
    assert sum(buckets.values()) == 365 * 24 * 3600 - Decimal("0.001")
    assert buckets == available_seconds(events)


def test_the_days_of_a_world_are_counted_alike(place: Place) -> None:
    world = World(WorldSettings(items=400, days=3))
    start = datetime.combine(world.settings.first_day, datetime.min.time(), UTC)
    stream = EventStream(world).events(start, start + timedelta(days=4))
    events = [event.record for event in stream]
    place.load_events(events)
    place.transform()
    buckets = found(place)
    assert len(buckets) > 50
    assert buckets == available_seconds(events)
