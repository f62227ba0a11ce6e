"""Agents' time where it is hard to tell: cut stories, ties, midnights, changes of clocks, gaps.

All stories are of 2025, told once and counted in two time zones. Events about agents are loaded
from 03-05T17:00 on, and were read up to 11-03T10:30:30.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sources.gladly.identity import identity_rows
from tests.transforms import raw_agents
from tests.transforms.places import Place, Row, lineage
from tests.transforms.raw_stories import TABLES, in_order, raw_rows

ASKS_FOR = ("agent_half_hours", "agent_days", "team_memberships")
ONLY_WHOLE = True

LOS_ANGELES, KATHMANDU = "America/Los_Angeles", "Asia/Kathmandu"
Models = dict[str, list[Row]]


def moment(text: str) -> datetime:
    """Return an instant of 2025, such as 03-05T17:00."""
    return datetime.fromisoformat(f"2025-{text}+00:00")


def written(text: str) -> str:
    """Return it as Gladly writes it."""
    return moment(text).isoformat().replace("+00:00", "Z")


def shown(value: object) -> str:
    """Return a value as the tables below show it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        time = value.astimezone(UTC).isoformat().removeprefix("2025-")
        return time.removesuffix("+00:00").removesuffix(":00")
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def table(text: str) -> tuple[list[str], list[list[str]]]:
    header, *lines = (line.split() for line in text.strip().splitlines())
    return header, lines


def assert_rows(rows: Iterable[Row], expected: str, **names: str) -> None:
    """Compare rows with a table, whose columns are the model's, or ``names`` of theirs."""
    header, lines = table(expected)
    found = [[shown(row[names.get(name, name)]) for name in header] for row in rows]
    assert sorted(found) == sorted(lines)


def of(rows: Iterable[Row], *agents: str) -> list[Row]:
    return [row for row in rows if row["agent_id"] in agents]


# First events of every kind. Gap's WENT_AWAY and second LOGGED_IN are not loaded; Tie's events of
# 17:10 were recorded one after the other, those of 17:20 at once.
STATUS = """
03-05T17:00     Went   WENT_AWAY              reason=Lunch
03-05T17:30     Went   RETURNED_FROM_AWAY     away=03-05T17:00 was=Lunch
03-05T18:00     Went   LOGGED_OUT
03-05T17:30     Back   RETURNED_FROM_AWAY     away=03-05T17:10 was=Lunch
03-05T18:00     Back   LOGGED_OUT
03-05T17:30     Blink  RETURNED_FROM_AWAY     away=03-05T17:30 was=Lunch
03-05T18:00     Blink  LOGGED_OUT
03-05T18:00     Out    LOGGED_OUT
03-05T17:00     Gap    LOGGED_IN              reason=Phones
03-05T17:40     Gap    RETURNED_FROM_AWAY     away=03-05T17:25 was=Coffee
03-05T18:00     Gap    LOGGED_OUT
03-05T18:30     Gap    CHANGED_ACTIVE_REASON  reason=Mails
03-05T19:00     Gap    LOGGED_OUT
03-05T19:10     Gap    LOGGED_OUT
03-05T17:00     Tie    LOGGED_IN
03-05T17:10     Tie    WENT_AWAY              id=z reason=Lunch
03-05T17:10     Tie    RETURNED_FROM_AWAY     id=a away=03-05T17:10 recorded=03-05T17:11
03-05T17:20     Tie    WENT_AWAY              id=b reason=Lunch
03-05T17:20     Tie    WENT_AWAY              id=C reason=Coffee
03-05T18:00     Tie    LOGGED_OUT
03-05T17:00     Late   LOGGED_IN
03-05T17:20     Late   RETURNED_FROM_AWAY     away=03-05T17:10
03-05T17:10     Late   WENT_AWAY              recorded=03-05T17:25
03-05T18:00     Late   LOGGED_OUT
"""
STATES = """
agent_id  position  from_at      until_at     state       reason_name  is_beginning_seen
Went      1         -            03-05T17:00  active      -            no
Went      2         03-05T17:00  03-05T17:30  away        Lunch        yes
Went      3         03-05T17:30  03-05T18:00  active      -            yes
Went      4         03-05T18:00  -            logged_out  -            yes
Back      1         -            03-05T17:10  active      -            no
Back      2         03-05T17:10  03-05T17:30  away        Lunch        no
Back      3         03-05T17:30  03-05T18:00  active      -            yes
Back      4         03-05T18:00  -            logged_out  -            yes
Blink     1         -            03-05T17:30  away        Lunch        no
Blink     2         03-05T17:30  03-05T18:00  active      -            yes
Blink     3         03-05T18:00  -            logged_out  -            yes
Out       1         -            03-05T18:00  logged_in   -            no
Out       2         03-05T18:00  -            logged_out  -            yes
Gap       1         -            03-05T17:00  logged_out  -            no
Gap       2         03-05T17:00  03-05T17:25  active      Phones       yes
Gap       3         03-05T17:25  03-05T17:40  away        Coffee       no
Gap       4         03-05T17:40  03-05T18:00  active      -            yes
Gap       5         03-05T18:00  03-05T18:30  logged_out  -            yes
Gap       6         03-05T18:30  03-05T19:00  active      Mails        yes
Gap       7         03-05T19:00  03-05T19:10  logged_out  -            yes
Gap       8         03-05T19:10  -            logged_out  -            yes
Tie       1         -            03-05T17:00  logged_out  -            no
Tie       2         03-05T17:00  03-05T17:10  active      -            yes
Tie       3         03-05T17:10  03-05T17:20  active      -            yes
Tie       4         03-05T17:20  03-05T18:00  away        Lunch        yes
Tie       5         03-05T18:00  -            logged_out  -            yes
Late      1         -            03-05T17:00  logged_out  -            no
Late      2         03-05T17:00  03-05T17:10  active      -            yes
Late      3         03-05T17:10  03-05T17:20  away        -            yes
Late      4         03-05T17:20  03-05T18:00  active      -            yes
Late      5         03-05T18:00  -            logged_out  -            yes
"""

# Hold holds a contact over a half hour; Several has two at once, from before the log-in, passes one
# on and leaves before the other is finished up; Out and Early work when nothing tells of a log-in.
WORK = """
03-05T17:00  Hold     LOGGED_IN
03-05T17:05  Hold     UPDATED         VOICE
03-05T17:20  Hold     UPDATED         VOICE MAIL
03-05T17:20  Hold     OFFER_ACCEPTED  held
03-05T17:20  Hold     JOINED          held
03-05T17:25  Hold     HOLD_STARTED    held
03-05T17:35  Hold     HOLD_ENDED      held
03-05T17:36  Hold     HOLD_STARTED    held
03-05T17:40  -        ENDED           held
03-05T17:45  Hold     HOLD_ENDED      held
03-05T17:50  Hold     UPDATED
03-05T18:00  Hold     LOGGED_OUT
03-05T17:05  Several  JOINED          passed
03-05T17:10  Several  LOGGED_IN
03-05T17:15  Several  JOINED          kept
03-05T17:20  Several  TRANSFERRED     passed
03-05T17:30  -        ENDED           passed
03-05T17:35  -        ENDED           kept
03-05T17:36  Several  WENT_AWAY
03-05T18:00  Several  LOGGED_OUT
03-05T17:10  Out      JOINED          unseen
03-05T17:20  -        ENDED           unseen
"""
SESSIONS = """
contact    agent    accepted     ended        handle    after
held       Hold     03-05T17:20  03-05T17:40  1200      0
passed     Several  03-05T17:05  03-05T17:30  900       -
kept       Several  03-05T17:15  03-05T17:35  1200      120
early      Early    03-05T07:50  03-05T08:10  1200.25   0
midnight   Night    03-06T07:50  03-06T08:10  1200      0
last       End      11-03T10:20  11-03T10:29  540       120
abandoned  -        -            03-05T17:00  -         -
open       -        -            -            -         -
"""
CONTACT_SPANS = """
agent_id  contact_id  activity       from_at      until_at               told_by
Hold      held        handling       03-05T17:20  03-05T17:40            events
Hold      held        on_hold        03-05T17:25  03-05T17:35            events
Hold      held        on_hold        03-05T17:36  03-05T17:40            events
Several   passed      handling       03-05T17:05  03-05T17:20            events
Several   kept        handling       03-05T17:15  03-05T17:35            events
Several   kept        after_contact  03-05T17:35  03-05T17:37            work_session
Out       unseen      handling       03-05T17:10  03-05T17:20            events
Early     early       handling       03-05T07:50  03-05T08:10:00.250000  work_session
Night     midnight    handling       03-06T07:50  03-06T08:10            work_session
End       last        handling       11-03T10:20  11-03T10:29            work_session
End       last        after_contact  11-03T10:29  11-03T10:31            work_session
"""
AVAILABLE = """
agent_id  channel  from_at      until_at
Hold      VOICE    03-05T17:05  03-05T17:50
Hold      MAIL     03-05T17:20  03-05T17:50
"""
SLICES = """
agent_id  from_at      until_at     local_date  active  away  handled  finished
Several   03-05T17:05  03-05T17:10  2025-03-05  no      no    1        0
Several   03-05T17:10  03-05T17:15  2025-03-05  yes     no    1        0
Several   03-05T17:15  03-05T17:20  2025-03-05  yes     no    2        0
Several   03-05T17:20  03-05T17:30  2025-03-05  yes     no    1        0
Several   03-05T17:30  03-05T17:35  2025-03-05  yes     no    1        0
Several   03-05T17:35  03-05T17:36  2025-03-05  yes     no    0        1
Several   03-05T17:36  03-05T17:37  2025-03-05  no      yes   0        1
Several   03-05T17:37  03-05T18:00  2025-03-05  no      yes   0        0
"""
HALF_HOURS = """
agent_id  half_hour    partial  logged_in  active  away  available  mail  accepted
Hold      03-05T17:00  no       1800       1800    0     1500       600   1
Hold      03-05T17:30  no       1800       1800    0     1200       1200  0
Several   03-05T17:00  no       1200       1200    0     0          0     0
Several   03-05T17:30  no       1800       360     1440  0          0     0
Out       03-05T17:00  yes      0          0       0     0          0     0
Early     03-05T07:30  yes      0          0       0     0          0     0
Early     03-05T08:00  yes      0          0       0     0          0     0
"""
BUSY = """
agent_id  half_hour    handling  contact  on_hold  after  occupied  rate
Hold      03-05T17:00  600       600      300      0      600       0.333
Hold      03-05T17:30  600       600      540      0      600       0.333
Several   03-05T17:00  1500      1800     0        0      1200      1.000
Several   03-05T17:30  300       300      0        120    360       1.000
Out       03-05T17:00  600       600      0        0      0         -
Early     03-05T07:30  600       600      0        0      0         -
Early     03-05T08:00  600.25    600.25   0        0      0         -
"""

# Clocks of Los Angeles are turned on 03-09 and 11-02. Autumn stays logged in; End's log-out is the
# last event, shortly before what was read ends; a report tells that End finished something up.
SHIFTS = """
03-06T06:00  Night   LOGGED_IN
03-06T10:30  Night   LOGGED_OUT
03-09T06:00  Spring  LOGGED_IN
03-10T09:00  Spring  LOGGED_OUT
11-02T06:00  Autumn  LOGGED_IN
11-03T09:00  End     LOGGED_IN
11-03T10:30  End     LOGGED_OUT
"""
DAYS = """
agent_id  local_date  partial  logged_in  handling  first_login  last_logout  ended  handle
Early     2025-03-04  yes      0          600       -            -            0      0
Early     2025-03-05  yes      0          600.25    -            -            1      1200.25
Night     2025-03-05  yes      7200       600       03-06T06:00  -            0      0
Night     2025-03-06  no       9000       600       -            03-06T10:30  1      1200
Spring    2025-03-08  no       7200       0         03-09T06:00  -            0      0
Spring    2025-03-09  no       82800      0         -            -            0      0
Spring    2025-03-10  no       7200       0         -            03-10T09:00  0      0
Autumn    2025-11-01  no       3600       0         11-02T06:00  -            0      0
Autumn    2025-11-02  no       90000      0         -            -            0      0
Autumn    2025-11-03  yes      9000       0         -            -            0      0
End       2025-11-03  yes      5400       540       11-03T09:00  11-03T10:30  1      540
"""
LAST_HALF_HOURS = """
agent_id  half_hour    partial  logged_in  after
End       11-03T09:00  no       1800       0
End       11-03T09:30  no       1800       0
End       11-03T10:00  no       1800       60
End       11-03T10:30  yes      0          60
"""
READ = (
    ("gladly.events", "03-05T17:00", "03-12T06:00"),
    ("gladly.events", "03-12T06:00", "11-03T10:30:30"),
    ("gladly.exports", "11-03T00:00", "11-04T00:00"),
)
READ_UNTIL = moment("11-03T10:30:30")

# Two profiles are merged one after the other, each with its open conversation.
MERGES = (("03-05T20:00", "first", "second"), ("03-05T21:00", "second", "third"))

# Lists were read on four days. Ann leaves and comes back; Dan is missing in one list of agents;
# Eve is in the team before a list of agents shows her, and none shows Cyd.
TEAM_HISTORY = """
team_id  name     valid_from   valid_to
t1       Returns  03-01T06:00  03-03T06:00
t1       Refunds  03-03T06:00  -
t2       Night    03-02T06:00  -
"""
AGENT_HISTORY = """
agent_id  name  valid_from   valid_to
ann       Ann   03-01T06:00  03-04T06:00
ann       Anna  03-04T06:00  -
bob       Bob   03-01T06:00  03-03T06:00
dan       Dan   03-01T06:00  03-02T06:00
dan       Dan   03-04T06:00  -
eve       Eve   03-02T06:00  -
"""
TEAM_AGENT_HISTORY = """
team_id  agent_id  valid_from   valid_to
t1       ann       03-01T06:00  03-02T06:00
t1       ann       03-04T06:00  -
t1       bob       03-01T06:00  03-03T06:00
t1       dan       03-01T06:00  -
t1       eve       03-01T06:00  -
t2       ann       03-02T06:00  -
t2       cyd       03-02T06:00  -
"""
MEMBERSHIPS = """
team_id  agent_id  team_name  agent_name  valid_from   valid_to     current  seen
t1       ann       Returns    Ann         03-01T06:00  03-02T06:00  no       no
t1       ann       Refunds    Anna        03-04T06:00  -            yes      yes
t1       bob       Returns    Bob         03-01T06:00  03-03T06:00  no       no
t1       dan       Returns    Dan         03-01T06:00  03-03T06:00  no       no
t1       dan       Refunds    Dan         03-03T06:00  -            yes      yes
t1       eve       Returns    Eve         03-01T06:00  03-03T06:00  no       no
t1       eve       Refunds    Eve         03-03T06:00  -            yes      yes
t2       ann       Night      Ann         03-02T06:00  03-04T06:00  no       yes
t2       ann       Night      Anna        03-04T06:00  -            yes      yes
t2       cyd       Night      -           03-02T06:00  -            yes      yes
"""


def events_in(story: str) -> Iterator[Row]:
    for number, line in enumerate(story.strip().splitlines()):
        at, agent, what, *rest = line.split()
        told = dict(word.split("=") for word in rest if "=" in word)
        content: Row = {"agentId": agent, "occurredAt": written(at)}
        if what == "UPDATED":
            entity = "AGENT_AVAILABILITY"
            content["availableFor"] = rest
        elif rest and not told:
            entity, content = "CONTACT", {"contactId": rest[0]}
        else:
            entity = "AGENT_STATUS"
            if "reason" in told:
                member = "awayReason" if what == "WENT_AWAY" else "activeReason"
                content[member] = {"id": told["reason"], "name": told["reason"]}
            if "was" in told:
                content["awayReason"] = {"id": told["was"], "name": told["was"]}
            if "away" in told:
                content["awayAt"] = written(told["away"])
        yield {
            "id": told.get("id", f"{agent} {at} {number}"),
            "type": f"{entity}/{what}",
            "timestamp": written(told.get("recorded", at)),
            "initiator": {"type": "SYSTEM"} if agent == "-" else {"type": "AGENT", "id": agent},
            "content": content,
        }


EVENTS = sorted(
    (event for story in (STATUS, WORK, SHIFTS) for event in events_in(story)),
    key=lambda event: (event["timestamp"], event["id"]),
)


def read_table(text: str) -> list[Row]:
    """Return the rows of a table of values that are instants, texts or nothing."""
    header, lines = table(text)
    return [dict(zip(header, map(value, line), strict=True)) for line in lines]


def value(text: str) -> Any:  # noqa: ANN401
    if text == "-":
        return None
    return moment(text) if "T" in text else text


def decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def number(exact: Decimal | None) -> float | None:
    return None if exact is None else float(exact)


# as the plain count reads them
PLAIN_SESSIONS: list[Row] = [
    {
        "contact_session_id": row["contact"],
        "agent_id": row["agent"] or "",
        "accepted_at": row["accepted"],
        "ended_at": row["ended"],
        "handle_seconds": decimal(row["handle"]),
        "after_contact_seconds": decimal(row["after"]),
    }
    for row in read_table(SESSIONS)
]


def merge_events() -> Iterator[Row]:
    """Yield rows of the events of merges, of which the job makes those that models read."""
    for number, (at, source, destination) in enumerate(MERGES, 1):
        yield {
            "event_id": f"merge {number}",
            "type": "CUSTOMER/MERGED",
            "timestamp": moment(at),
            "source_customer_id": source,
            "destination_customer_id": destination,
            "source_conversation_id": f"conversation of {source}",
            "destination_conversation_id": f"conversation of {destination}",
            **lineage(number),
        }


def loaded_rows() -> dict[Any, list[Row]]:
    sessions = [
        {
            "contact_session_id": row["contact_session_id"],
            "agent_id": row["agent_id"],
            "conversation_id": "conversation of first",
            "customer_id": "first",
            "agent_accepted_at": row["accepted_at"],
            "contact_session_created_at": row["accepted_at"],
            "contact_session_ended_at": row["ended_at"],
            "work_session_handle_time_seconds": number(row["handle_seconds"]),
            "work_session_after_contact_time_seconds": number(row["after_contact_seconds"]),
        }
        for row in PLAIN_SESSIONS
    ]
    merges = identity_rows(merge_events())
    rows = raw_rows(
        work_session_events=sessions,
        agents=[{"id": "Night", "name": "Nina Night"}],
        team_history=read_table(TEAM_HISTORY),
        agent_history=read_table(AGENT_HISTORY),
        team_agent_history=read_table(TEAM_AGENT_HISTORY),
        customer_merges=merges["customer_merges"],
        conversation_merges=merges["conversation_merges"],
    )
    spans = [
        {
            "job_id": f"{stream} {start}",
            "file": "file",
            "stream": stream,
            "window_from": moment(start),
            "window_to": moment(end),
            "extracted_at": moment(end),
        }
        for stream, start, end in READ
    ]
    return rows | {TABLES["load_files"]: spans}


@pytest.fixture(scope="module")
def counted(shared_place: Place) -> dict[str, Models]:
    """All stories at each database, counted in days of each time zone."""
    shared_place.load_events(EVENTS)
    shared_place.load(loaded_rows())
    found = {}
    for zone in (LOS_ANGELES, KATHMANDU):
        shared_place.transform(zone)
        found[zone] = shared_place.models()
    return found


@pytest.fixture
def models(counted: dict[str, Models]) -> Models:
    return counted[LOS_ANGELES]


def test_states_where_events_are_missing_late_or_at_once(models: Models) -> None:
    agents = {line[0] for line in table(STATES)[1]}
    assert_rows(of(models["agent_states"], *agents), STATES)


def test_availability_is_cut_by_no_event_that_changes_nothing(models: Models) -> None:
    assert_rows(models["agent_availability_spans"], AVAILABLE)


def test_contacts_in_hand_end_with_a_transfer_or_the_contact(models: Models) -> None:
    assert_rows(models["agent_contact_spans"], CONTACT_SPANS)


def test_slices_of_contacts_side_by_side(models: Models) -> None:
    assert_rows(
        of(models["agent_time_slices"], "Several"),
        SLICES,
        active="is_active",
        away="is_away",
        handled="contacts_handled",
        finished="contacts_finished_up",
    )


SECONDS = {
    name: f"{name}_seconds"
    for name in (
        *("logged_in", "active", "away", "available"),
        *("handling", "contact", "on_hold", "occupied", "handle"),
    )
}


def test_half_hours_of_holds_and_of_contacts_side_by_side(models: Models) -> None:
    rows = of(models["agent_half_hours"], "Hold", "Several", "Out", "Early")
    for expected in (HALF_HOURS, BUSY):
        assert_rows(
            rows,
            expected,
            half_hour="half_hour_start",
            partial="is_partial",
            mail="available_for_mail_seconds",
            after="after_contact_seconds",
            rate="occupancy_rate",
            accepted="contacts_accepted",
            **SECONDS,
        )


def test_days_over_midnight_and_of_23_and_25_hours(models: Models) -> None:
    days = models["agent_days"]
    assert_rows(
        of(days, "Early", "Night", "Spring", "Autumn", "End"),
        DAYS,
        partial="is_partial",
        first_login="first_login_at",
        last_logout="last_logout_at",
        ended="contacts_ended",
        **SECONDS,
    )
    assert {row["agent_name"] for row in of(days, "Night")} == {"Nina Night"}
    assert {row["agent_name"] for row in of(days, "Spring")} == {None}
    assert_rows(
        of(models["agent_half_hours"], "End"),
        LAST_HALF_HOURS,
        half_hour="half_hour_start",
        partial="is_partial",
        logged_in="logged_in_seconds",
        after="after_contact_seconds",
    )


@pytest.mark.parametrize("zone", [LOS_ANGELES, KATHMANDU])
def test_a_plain_count_finds_the_same(counted: dict[str, Models], zone: str) -> None:
    """In Kathmandu, midnight is a quarter past an hour of UTC: it cuts a half hour in two."""
    models, known = counted[zone], (EVENTS, PLAIN_SESSIONS, ZoneInfo(zone), READ_UNTIL)
    half_hours = raw_agents.half_hours(*known)
    days = raw_agents.days(*known, {"Night": "Nina Night"})
    assert in_order(models["agent_half_hours"]) == in_order(half_hours)
    assert in_order(models["agent_days"]) == in_order(days)
    assert in_order(models["agent_states"]) == in_order(raw_agents.agent_states(EVENTS))
    cut = [row for row in models["agent_time_slices"] if row["from_at"].minute == 15]
    assert any(row["agent_id"] == "Spring" for row in cut) is (zone == KATHMANDU)


def test_work_sessions_carry_the_ids_of_today(models: Models) -> None:
    found = models["work_sessions"]
    assert {row["customer_id"] for row in found} == {"third"}
    assert {row["conversation_id"] for row in found} == {"conversation of third"}
    without = {row["contact_session_id"]: row["is_open"] for row in found if not row["agent_id"]}
    assert without == {"abandoned": False, "open": True}


def test_teams_and_names_as_of_any_date(models: Models) -> None:
    rows = models["team_memberships"]
    assert_rows(rows, MEMBERSHIPS, current="is_current", seen="is_beginning_seen")
    noon = moment("03-03T12:00")
    assert sorted(
        f"{row['agent_name']} in {row['team_name']}"
        for row in rows
        if row["valid_from"] <= noon and (row["valid_to"] is None or noon < row["valid_to"])
    ) == ["Ann in Night", "Dan in Refunds", "Eve in Refunds", "None in Night"]
