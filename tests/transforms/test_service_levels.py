"""Service levels by day and by half hour, counted from contacts in plain Python."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median_high, median_low
from typing import Any
from zoneinfo import ZoneInfo

from tests.transforms.figures import average, share
from tests.transforms.places import Place, Row
from tests.transforms.test_contacts import by, contact_rows, event
from tests.transforms.world import ZONE, BuiltWorld

ASKS_FOR = ("service_levels", "service_level_half_hours")
ONLY_WHOLE = True

MILLION = 1_000_000
HALF_HOUR = timedelta(minutes=30)


def microseconds(times: Iterable[Decimal]) -> list[int]:
    return [int(one * MILLION) for one in times]


def total(times: Sequence[Decimal]) -> Decimal | None:
    return sum(times, Decimal()) if times else None


def middle(times: Sequence[Decimal]) -> float | None:
    if not times:
        return None
    found = microseconds(times)
    return (median_low(found) + median_high(found)) / (2 * MILLION)


def waits(name: str, contacts: Sequence[Row]) -> Row:
    times = [
        one[f"{name}_seconds"]
        for one in contacts
        if one["direction"] == "inbound" and one[f"{name}_seconds"] is not None
    ]
    return {
        f"{name}_contacts": len(times),
        f"{name}_seconds": total(times),
        f"average_{name}_seconds": average(times),
        f"median_{name}_seconds": middle(times),
    }


def figures(contacts: Sequence[Row]) -> Row:
    """Return what a row says of the contacts it counts."""

    def count(is_one: Callable[[Row], Any]) -> int:
        return sum(bool(is_one(one)) for one in contacts)

    def given_up_within(seconds: int) -> int:
        return count(lambda one: one["is_abandoned"] and one["queued_to_ended_seconds"] <= seconds)

    def known(name: str, rows: Sequence[Row] = contacts) -> list[Decimal]:
        return [one[name] for one in rows if one[name] is not None]

    inbound = count(lambda one: one["direction"] == "inbound")
    before = count(lambda one: one["is_within_target"])
    held = [one for one in contacts if one["holds"]]
    times = {
        "handle": known("handle_seconds"),
        "after_contact": known("after_contact_seconds"),
        "hold": known("hold_seconds", held),
        "talk": known("talk_seconds"),
    }
    return {
        "contacts_ended": len(contacts),
        "contacts_inbound": inbound,
        "contacts_outbound": count(lambda one: one["direction"] == "outbound"),
        "contacts_fulfilled": count(lambda one: one["fulfilled_at"]),
        "contacts_fulfilled_before_target": before,
        "contacts_fulfilled_after_target": count(lambda one: one["is_within_target"] is False),
        "contacts_without_target": count(
            lambda one: (
                one["direction"] == "inbound" and one["is_target_known"] and not one["due_at"]
            )
        ),
        "service_level_rate": share(before, inbound),
        "contacts_abandoned": count(lambda one: one["is_abandoned"]),
        **{f"contacts_abandoned_within_{n}_seconds": given_up_within(n) for n in (5, 10, 15)},
        "abandon_rate": share(count(lambda one: one["is_abandoned"]), inbound),
        "contacts_accepted": count(lambda one: one["offers_accepted"]),
        "contacts_transferred": count(lambda one: one["transfers"]),
        "transfer_rate": share(count(lambda one: one["transfers"]), len(contacts)),
        **waits("queued_to_accepted", contacts),
        **waits("queued_to_fulfilled", contacts),
        **waits("queued_to_fulfilled_business", contacts),
        "handle_contacts": len(times["handle"]),
        "contacts_held": len(held),
        "talk_contacts": len(times["talk"]),
        **{f"{name}_seconds": total(found) for name, found in times.items()},
        **{f"average_{name}_seconds": average(found) for name, found in times.items()},
    }


def by_day(contacts: Iterable[Row], zone: str) -> list[Row]:
    groups = defaultdict(list)
    for one in contacts:
        if one["ended_at"]:
            day = one["ended_at"].astimezone(ZoneInfo(zone)).date()
            groups[day, one["channel"] or "", one["inbox_id"] or ""].append(one)
    return [
        {"local_date": day, "channel": channel, "inbox_id": inbox, **figures(found)}
        for (day, channel, inbox), found in groups.items()
    ]


def by_half_hour(contacts: Iterable[Row]) -> list[Row]:
    groups = defaultdict(list)
    for one in contacts:
        if one["queued_at"]:
            start = one["queued_at"] - (one["queued_at"] - datetime(2020, 1, 1, tzinfo=UTC)) % (
                HALF_HOUR
            )
            groups[start, one["channel"] or ""].append(one)
    names = [
        "contacts_inbound",
        "contacts_outbound",
        "contacts_fulfilled_before_target",
        "contacts_fulfilled_after_target",
        "service_level_rate",
        "contacts_abandoned",
        "handle_contacts",
        "handle_seconds",
    ]
    return [
        {"half_hour_start": start, "channel": channel, "contacts_queued": len(found)}
        | {name: figures(found)[name] for name in names}
        for (start, channel), found in groups.items()
    ]


DAY_KEY = ("local_date", "channel", "inbox_id")
HALF_HOUR_KEY = ("half_hour_start", "channel")


def test_service_levels_of_the_world_are_those_of_its_raw_events(world: BuiltWorld) -> None:
    contacts = contact_rows(world.raw)
    rows = world.models["service_levels"]
    assert by(rows, *DAY_KEY) == by(by_day(contacts, ZONE), *DAY_KEY)
    assert len({row["local_date"] for row in rows}) > 1
    rates = ("service_level_rate", "abandon_rate", "transfer_rate")
    assert all(any(0 < (row[name] or 0) < 1 for row in rows) for name in rates)


def test_half_hours_of_the_world_are_those_of_its_raw_events(world: BuiltWorld) -> None:
    rows = world.models["service_level_half_hours"]
    assert by(rows, *HALF_HOUR_KEY) == by(by_half_hour(contact_rows(world.raw)), *HALF_HOUR_KEY)
    assert sum(row["contacts_queued"] for row in rows) > len(rows)


def contact_events(name: str, started: str, ended: str, **more: Any) -> list[Row]:  # noqa: ANN401
    """Return the start and the end of a contact that is abandoned, if not said otherwise."""
    status = more.pop("status", "ABANDONED")
    more["contactId"] = name
    return [
        event(f"{name}1", "STARTED", started, "CUSTOMER p1", **more),
        event(f"{name}2", "ENDED", ended, status=status, **more),
    ]


# In Los Angeles 2025-11-02 begins at 07:00 UTC. Clocks go back: the day after begins at 08:00.
def test_a_contact_counts_on_the_local_day_of_its_end(place: Place) -> None:
    inbox = {"context": {"assignee": {"inboxId": "i1"}}}
    spans: list[tuple[str, str, Row]] = [
        ("2T06:59:50", "2T06:59:59.999", inbox),
        ("2T06:59:50", "2T07:00:00", inbox),
        ("2T07:10:00", "2T07:10:05", inbox),
        ("2T07:20:00", "2T07:20:05.001", inbox),
        ("2T07:20:00", "2T07:20:15.001", {}),
        ("3T07:59:00", "3T07:59:59.999", inbox),
        ("3T07:59:00", "3T08:00:00", inbox),
        ("2T07:20:00", "2T07:21:00", inbox | {"status": "ANSWERED"}),
    ]
    events: list[Row] = []
    for number, (started, ended, more) in enumerate(spans):
        first, last = f"2025-11-0{started}Z", f"2025-11-0{ended}Z"
        events += contact_events(f"c{number}", first, last, **more)
    place.load_events(events)
    place.transform("America/Los_Angeles")
    within = [f"contacts_abandoned_within_{n}_seconds" for n in (5, 10, 15)]
    names = ["contacts_ended", "contacts_abandoned", *within]
    found = {
        tuple(row[name] for name in ("local_date", "inbox_id")): [row[name] for name in names]
        for row in place.models()["service_levels"]
    }
    assert found == {
        (date(2025, 11, 1), "i1"): [1, 1, 0, 1, 1],
        (date(2025, 11, 2), "i1"): [5, 4, 1, 3, 3],
        (date(2025, 11, 2), ""): [1, 1, 0, 0, 0],
        (date(2025, 11, 3), "i1"): [1, 1, 0, 0, 0],
    }


def test_averages_and_medians_of_few_contacts(place: Place) -> None:
    chat: Row = {"channel": "CHAT", "status": "ANSWERED"}
    events = contact_events("e", "10:00:00", "10:01:00", channel="SMS", status="ANSWERED")
    events += contact_events("d", "10:00:00", "10:01:00", **chat)
    for name, accepted_at in (("a", "10:00:01"), ("b", "10:00:02"), ("c", "10:00:09.5")):
        events += contact_events(name, "10:00:00", "10:01:00", **chat)
        more = {"contactId": name, "channel": "CHAT"}
        events.append(event(f"{name}3", "OFFER_ACCEPTED", accepted_at, "AGENT x", **more))
    place.load_events(events)
    place.transform()
    rows = {row["channel"]: row for row in place.models()["service_levels"]}
    wait = "queued_to_accepted"
    names = (f"{wait}_contacts", f"{wait}_seconds", f"average_{wait}_seconds")
    found = {
        channel: [row[name] for name in (*names, f"median_{wait}_seconds")]
        for channel, row in rows.items()
    }
    assert found == {
        "CHAT": [3, Decimal("12.5"), 12.5 / 3, 2.0],
        "SMS": [0, None, None, None],
    }
    assert rows["CHAT"]["contacts_accepted"] == 3
    assert [row["service_level_rate"] for row in rows.values()] == [0.0, 0.0]
    assert [row["handle_contacts"] for row in rows.values()] == [0, 0]
