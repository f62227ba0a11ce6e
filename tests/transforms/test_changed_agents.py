"""Whatever is told of agents' time, the days that are cut anew are those on which it was otherwise.

Each change lies on days of its own. What lasts, lasts until the newest event that is loaded: of an
agent, 20 days ago and then 18; of a contact, 15 days ago and then 13.
"""

from collections.abc import Iterable
from datetime import timedelta

from tests.transforms.nights import (
    Models,
    Tables,
    assert_a_whole_build_makes,
    built_from_changes,
    keys_that_differ,
)
from tests.transforms.places import NOW, Place
from transforms.models import MODELS

ASKS_FOR = tuple(model.name for model in MODELS if model.changes)
DAY = timedelta(days=1)


def was(agent: str, status: str, days_ago: float) -> Tables:
    at = NOW - days_ago * DAY
    ids = {"event_id": f"{agent} {status} {days_ago}", "agent_id": agent, "origin": "events"}
    times = {"timestamp": at, "occurred_at": at}
    return {"agent_status_events": [{"type": f"AGENT_STATUS/{status}", **ids, **times}]}


def available(agent: str, channel: str, days_ago: float, told: float | None = None) -> Tables:
    at, event = NOW - days_ago * DAY, f"{agent} {days_ago}"
    times = {"timestamp": at if told is None else NOW - told * DAY, "occurred_at": at}
    update = {"event_id": event, "agent_id": agent, "type": "AGENT_AVAILABILITY/UPDATED"}
    channels = [{"event_id": event, "state": "after", "position": 1, "channel": channel}]
    return {
        "agent_availability_events": [{**update, **times, "origin": "events"}],
        "agent_availability_channels": channels if channel else [],
    }


def did(agent: str, what: str, contact: str, days_ago: float) -> Tables:
    told = {"type": f"CONTACT/{what}", "timestamp": NOW - days_ago * DAY, "origin": "events"}
    by = {"initiator_type": "AGENT", "initiator_id": agent, "contact_id": contact}
    of = {"event_id": f"{what} {contact} {days_ago}", "conversation_id": f"talk of {contact}"}
    return {"contact_events": [{**told, **by, **of}]}


def unnamed(tables: Tables) -> Tables:
    """Return rows that do not tell a conversation."""
    return {
        table: [row | {"conversation_id": None} for row in rows] for table, rows in tables.items()
    }


def worked(agent: str, contact: str, days_ago: float, hours: int) -> Tables:
    accepted = NOW - days_ago * DAY
    times = {"agent_accepted_at": accepted, "contact_session_created_at": accepted}
    ids = {"contact_session_id": contact, "agent_id": agent, "id": f"{agent} {contact}"}
    took = {"work_session_handle_time_seconds": float(hours * 3600)}
    of = {"conversation_id": f"talk of {contact}"}
    return {"work_session_events": [{**ids, **times, **took, **of}]}


FIRST = (
    was("bea", "LOGGED_IN", 41),
    was("bea", "LOGGED_OUT", 40),
    available("cyd", "MAIL", 38),
    available("cyd", "", 37.9),
    unnamed(did("gil", "JOINED", "of no conversation", 36)),
    unnamed(did("gil", "ENDED", "of no conversation", 35)),
    did("dan", "JOINED", "ends earlier", 34),
    did("dan", "ENDED", "ends earlier", 32),
    did("eva", "JOINED", "unnamed", 30),
    did("eva", "ENDED", "unnamed", 28.9),
    worked("fay", "grows", 26, hours=1),
    worked("fay", "stays", 24, hours=1),
    was("gus", "LOGGED_IN", 22),
    was("gus", "LOGGED_OUT", 21.9),
    was("still in", "LOGGED_IN", 22),
    was("newest", "LOGGED_OUT", 20),
    did("still at it", "JOINED", "lasts", 16),
    did("newest", "MESSAGE_SENT", "newest", 15),
    # by a wrong clock
    available("ida", "TASK", -1, told=45),
    available("ida", "", -1.1, told=45),
)
CHANGED = (
    # told late
    was("bea", "WENT_AWAY", 40.1),
    available("cyd", "CHAT", 37.95),
    unnamed(did("gil", "TRANSFERRED", "of no conversation", 35.9)),
    did("dan", "TRANSFERRED", "ends earlier", 33),
    # of a contact whose conversation other events name
    unnamed(did("eva", "TRANSFERRED", "unnamed", 29.1)),
    worked("fay", "is new", 39, hours=1),
    worked("fay", "grows", 26, hours=3),
    worked("fay", "stays", 24, hours=1),
    # the end of what is loaded, for all that lasts
    was("newest", "LOGGED_OUT", 18),
    did("newest", "MESSAGE_SENT", "newer", 13),
)
DAYS_CHANGED = {40, 39, 38, 36, 35, 33, 32, 29, 26, 20, 19, 18, 15, 14, 13}


def days_of(models: Models) -> dict[int, str]:
    found: dict[int, list[str]] = {}
    for row in models["agent_time_slices"]:
        found.setdefault((NOW.date() - row["local_date"]).days, []).append(str(row))
    return {day: "\n".join(sorted(rows)) for day, rows in found.items()}


def days_changed(place: Place, told: Iterable[Tables], minute: int | None = None) -> set[int]:
    """Return how many days ago agents' time changed; exactly these days must be cut anew."""
    before, built = built_from_changes(place, FIRST, told, minute)
    cut = place.execute("SELECT local_date FROM {marts_changed_agent_days}")
    assert_a_whole_build_makes(built, place)
    changed = keys_that_differ(days_of(before), days_of(built))
    assert {(NOW.date() - day).days for (day,) in cut} == changed
    return changed


def test_what_is_told_of_agents_cuts_the_days_anew_that_it_changed(place: Place) -> None:
    assert days_changed(place, CHANGED) == DAYS_CHANGED


def test_a_day_that_was_not_loaded_yet_is_cut(place: Place) -> None:
    a_day_later, nothing_new = 24 * 60, was("newest", "LOGGED_OUT", 20.5)
    assert days_changed(place, [nothing_new], minute=a_day_later) == {-1}
