"""Conversations that begin, end, merge and wait where it is hard to tell."""

from decimal import Decimal
from typing import Any

from tests.transforms.conversation_stories import (
    event,
    load_business_hours,
    load_merge,
    load_record,
    load_story,
    moment,
    shown,
)
from tests.transforms.places import Place, Row

ASKS_FOR = ("conversation_facts",)
ONLY_WHOLE = True

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


def answers(place: Place) -> dict[str, tuple[Any, ...]]:
    """Return what messages of agents answer, after how long, and whether it is the first."""
    return {
        row["item_id"]: (row["answered_item_id"], row["response_seconds"], row["is_first_response"])
        for row in place.models()["messages"]
        if row["author_type"] == "AGENT"
    }


def statuses(place: Place, conversation: str = "c") -> list[str]:
    rows = sorted(place.models()["conversation_statuses"], key=lambda row: int(row["position"]))
    return [
        f"{row['status']} {shown(row['from_at'])} to {shown(row['until_at'])} by {row['told_by']}"
        for row in rows
        if row["conversation_id"] == conversation
    ]


def facts(place: Place, conversation: str = "c") -> Row:
    rows = place.models()["conversation_facts"]
    return next(row for row in rows if row["conversation_id"] == conversation)


def test_an_agent_answers_the_first_message_since_an_agent_wrote(place: Place) -> None:
    load_story(
        place,
        """
        2/10:00     c  CUSTOMER    CONVERSATION/CREATED
        2/10:00     c  CUSTOMER    message
        2/10:01     c  SYSTEM      message
        2/10:02     c  AUTOMATION  message
        2/10:03     c  CUSTOMER    message
        2/10:04     c  AGENT       note
        2/10:05     c  AGENT       message
        2/10:06     c  AGENT       message
        2/10:07     c  EXTERNAL    message
        2/10:07:30  c  AGENT       call
        2/10:08     c  CUSTOMER    message
        2/10:09     c  CUSTOMER    message
        2/10:09     c  AGENT       message
        2/10:10     c  AGENT       message
        2/10:11     d  AGENT       message
        """,
    )
    place.transform()
    assert answers(place) == {
        "2/10:05 AGENT": ("2/10:00 CUSTOMER", 300, True),
        "2/10:06 AGENT": (None, None, False),
        "2/10:09 AGENT": ("2/10:07 EXTERNAL", 120, False),
        "2/10:10 AGENT": ("2/10:09 CUSTOMER", 60, False),
        "2/10:11 AGENT": (None, None, None),
    }


def test_a_close_ends_the_wait_once_the_customer_writes_on(place: Place) -> None:
    load_story(
        place,
        """
        2/10:00     c  CUSTOMER  CONVERSATION/CREATED
        2/10:00     c  CUSTOMER  message
        2/10:05     c  AGENT     message
        2/10:06     c  CUSTOMER  message
        2/10:07     c  AGENT     CLOSED
        4/10:00     c  CUSTOMER  message
        4/10:01     c  SYSTEM    OPEN
        4/10:10     c  AGENT     message
        4/10:20     c  CUSTOMER  message
        4/10:29:59  c  AGENT     CLOSED
        4/10:30     c  AGENT     message
        """,
    )
    place.transform()
    assert answers(place) == {
        "2/10:05 AGENT": ("2/10:00 CUSTOMER", 300, True),
        "4/10:10 AGENT": ("4/10:00 CUSTOMER", 600, False),
        "4/10:30 AGENT": ("4/10:20 CUSTOMER", 600, False),
    }


def test_where_the_beginning_is_not_loaded_the_first_answers_are_not_known(place: Place) -> None:
    load_story(
        place,
        """
        2/10:00  c  CUSTOMER  message
        2/10:05  c  AGENT     message
        2/10:06  c  CUSTOMER  message
        2/10:08  c  AGENT     message
        2/10:09  c  AGENT     message
        2/10:10  c  CUSTOMER  message
        2/10:11  c  AGENT     message
        """,
    )
    expected = {
        "2/10:05 AGENT": (None, None, None),
        "2/10:08 AGENT": ("2/10:06 CUSTOMER", 120, None),
        "2/10:09 AGENT": (None, None, False),
        "2/10:11 AGENT": ("2/10:10 CUSTOMER", 60, False),
    }
    place.transform()
    assert answers(place) == expected
    assert facts(place)["status"] is None
    # the event of its creation does not bring the items of the days after it
    load_story(place, "1/08:59:59 c CUSTOMER CONVERSATION/CREATED")
    place.transform()
    assert answers(place) == expected
    assert facts(place)["is_beginning_seen"]
    load_story(place, "1/09:59:59 c CUSTOMER message")
    place.transform()
    wait = Decimal(24 * 3600 + 301)
    assert answers(place) == expected | {
        "2/10:05 AGENT": ("1/09:59:59 CUSTOMER", wait, True),
        "2/10:08 AGENT": ("2/10:06 CUSTOMER", 120, False),
    }
    assert facts(place)["first_response_seconds"] == wait


def test_messages_of_a_merged_conversation_wait_for_the_same_answer(place: Place) -> None:
    load_story(
        place,
        """
        2/09:00  old  CUSTOMER  CONVERSATION/CREATED
        2/09:00  old  CUSTOMER  message
        2/09:01  old  AGENT     WAITING
        2/10:00  c    CUSTOMER  CONVERSATION/CREATED
        2/10:00  c    CUSTOMER  message
        2/10:10  c    AGENT     message
        2/10:20  c    AGENT     CLOSED
        """,
    )
    load_merge(place, "old", "c", "2/10:05")
    place.transform()
    assert answers(place) == {"2/10:10 AGENT": ("2/09:00 CUSTOMER", 4200, True)}
    assert statuses(place) == [
        "OPEN 2/10:00 to 2/10:20 by creation",
        "CLOSED 2/10:20 to None by item",
    ]
    assert statuses(place, "old") == []
    found = facts(place)
    assert found["customer_id"] == "customer of c"
    assert (found["created_at"], found["merged_conversations"]) == (moment("2/10:00"), 1)
    assert (found["items"], found["messages_from_customer"], found["is_one_touch"]) == (5, 2, True)
    assert len(place.models()["conversation_facts"]) == 1


def test_a_change_that_items_events_and_the_record_tell_is_one(place: Place) -> None:
    load_story(
        place,
        """
        2/10:00:00.100  c  CUSTOMER  CONVERSATION/CREATED
        2/10:00:01      c  SYSTEM    OPEN
        2/10:30         c  AGENT     WAITING
        2/11:00         c  CUSTOMER  OPEN
        2/12:00:00      c  AGENT     CLOSED
        2/12:00:00.050  c  CUSTOMER  OPEN
        2/12:00:00.070  c  AGENT     CONVERSATION/CLOSED
        2/12:00:00.090  c  CUSTOMER  CONVERSATION/REOPENED
        2/13:00         c  AGENT     CONVERSATION/CLOSED
        2/13:00         c  AGENT     WAITING
        2/13:05         c  AGENT     CONVERSATION/CLOSED
        """,
    )
    load_record(place, "c", "2/09:59", "CLOSED", closed_at=moment("2/13:05"))
    place.transform()
    assert statuses(place) == [
        "OPEN 2/10:00:00.100000 to 2/10:30 by creation",
        "WAITING 2/10:30 to 2/11:00 by item",
        "OPEN 2/11:00 to 2/12:00 by item",
        "CLOSED 2/12:00 to 2/12:00:00.050000 by item",
        "OPEN 2/12:00:00.050000 to 2/13:00 by item",
        "WAITING 2/13:00 to 2/13:00 by item",
        "CLOSED 2/13:00 to None by event",
    ]
    found = facts(place)
    assert (found["times_closed"], found["times_reopened"], found["status"]) == (2, 1, "CLOSED")


def test_without_events_and_items_the_record_tells_what_it_can(place: Place) -> None:
    load_record(place, "c", "1/10:00", "CLOSED", closed_at=moment("3/10:00"), agent_id="amy")
    load_record(place, "d", "1/10:00", "WAITING", inbox_id="inbox")
    load_record(place, "e", "1/10:00", "CLOSED", closed_at=moment("8/11:00"), agent_id="amy")
    load_story(
        place,
        """
        8/13:00  e  CUSTOMER  CONVERSATION/REOPENED
        8/10:00  f  AGENT     CONVERSATION/CLOSED
        """,
    )
    updated = "CONVERSATION_ASSIGNEE/UPDATED"
    place.load_events([event("8/13:30", "e", "SYSTEM", updated, "e", assignee={"inboxId": "x"})])
    place.transform()
    columns = ("status", "inbox_id", "agent_id", "is_beginning_seen", "agents_assigned")
    assert {name: tuple(facts(place, name)[c] for c in columns) for name in "cdef"} == {
        "c": ("CLOSED", None, "amy", False, None),
        "d": ("WAITING", "inbox", None, False, None),
        "e": ("OPEN", "x", None, False, None),
        "f": ("CLOSED", None, None, False, None),
    }
    assert statuses(place) == [
        "OPEN 1/10:00 to 3/10:00 by creation",
        "CLOSED 3/10:00 to None by record",
    ]
    assert statuses(place, "f") == ["CLOSED 8/10:00 to None by event"]
    assert facts(place)["created_to_last_closed_seconds"] == 2 * 24 * 3600
    assert facts(place)["created_to_first_closed_seconds"] is None


def test_assignments_begin_with_what_the_first_events_find(place: Place) -> None:
    updated, one, amy = "CONVERSATION_ASSIGNEE/UPDATED", {"inboxId": "one"}, {"agentId": "amy"}
    in_one, with_amy = {"context": {"assignee": one}}, {"context": {"assignee": one | amy}}
    place.load_events(
        [
            event("2/10:00", "c", "CUSTOMER", "CONVERSATION/CREATED", 1, **in_one),
            event("2/10:00", "c", "SYSTEM", updated, 2, assignee=one | amy, reason="A", **in_one),
            event("2/10:30", "c", "SYSTEM", updated, 3, assignee=one | amy, **with_amy),
            event("2/11:00", "c", "AMY", updated, 4, assignee={"inboxId": "two"}, reason="B"),
            event("2/09:00", "d", "SYSTEM", "CONVERSATION/TOPIC_ADDED", 5, **with_amy),
            event("2/10:00", "d", "SYSTEM", updated, 6, assignee=one),
            event("2/09:00", "e", "SYSTEM", updated, 7, assignee=one),
            event("2/10:00", "e", "SYSTEM", "CONVERSATION/CLOSED", 8, **with_amy),
            event("2/10:00", "f", "SYSTEM", "CONVERSATION/CLOSED", 9, **with_amy),
        ]
    )
    place.transform()
    columns = ("conversation_id", "inbox_id", "agent_id", "reason")
    found = [
        (*(row[name] for name in columns), shown(row["from_at"]), shown(row["until_at"]))
        for row in place.models()["conversation_assignments"]
    ]
    assert sorted(found, key=str) == [
        ("c", "one", "amy", "A", "2/10:00", "2/11:00"),
        ("c", "one", None, None, "2/10:00", "2/10:00"),
        ("c", "two", None, "B", "2/11:00", None),
        ("d", "one", "amy", None, None, "2/10:00"),
        ("d", "one", None, None, "2/10:00", None),
        ("e", "one", None, None, "2/09:00", None),
        ("f", "one", "amy", None, None, None),
    ]
    assert {row["agents_assigned"] for row in place.models()["conversation_facts"]} == {1, None}


def test_business_hours_are_counted_over_nights_weekends_and_changes_of_clocks(
    place: Place,
) -> None:
    # Friday 6 March 2026; clocks in Los Angeles go forward on Sunday the 8th: 17:00 UTC, then 16:00
    load_business_hours(place, "America/Los_Angeles", ("09:00", "17:00"), WEEKDAYS)
    load_story(
        place,
        """
        6/15:00  c  CUSTOMER  CONVERSATION/CREATED
        6/15:00  c  CUSTOMER  message
        6/16:00  c  AGENT     message
        6/16:30  c  CUSTOMER  message
        6/17:30  c  AGENT     message
        7/00:00  c  CUSTOMER  message
        9/16:10  c  AGENT     message
        9/16:20  c  AGENT     CLOSED
        """,
    )
    load_record(place, "early", "1/10:00", "CLOSED", closed_at=moment("7/10:00"))
    place.transform("America/Los_Angeles")
    found = {
        row["item_id"]: (row["response_seconds"], row["business_response_seconds"])
        for row in place.models()["messages"]
        if row["answered_item_id"]
    }
    assert found == {
        "6/16:00 AGENT": (3600, 0),
        "6/17:30 AGENT": (3600, 1800),
        "9/16:10 AGENT": (2 * 86400 + 58200, 3600 + 600),
    }
    found_facts = facts(place)
    assert found_facts["business_created_to_last_closed_seconds"] == 8 * 3600 + 1200
    assert found_facts["business_first_response_seconds"] == 0
    # it was created before the first day that is loaded, where the clock does not reach
    assert facts(place, "early")["business_created_to_last_closed_seconds"] is None
    assert facts(place, "early")["created_to_last_closed_seconds"] == 6 * 86400


def test_without_business_hours_there_is_no_business_time(place: Place) -> None:
    load_story(
        place,
        """
        6/15:00  c  CUSTOMER  CONVERSATION/CREATED
        6/15:00  c  CUSTOMER  message
        6/16:00  c  AGENT     message
        6/17:00  c  AGENT     CLOSED
        """,
    )
    place.transform()
    found = facts(place)
    assert found["first_response_seconds"] == found["created_to_first_closed_seconds"] / 2 == 3600
    assert found["business_first_response_seconds"] is None
    assert found["business_created_to_first_closed_seconds"] is None


def test_one_touch_is_one_message_or_answered_call_and_one_close(place: Place) -> None:
    load_story(
        place,
        """
        2/10:00  call      CUSTOMER  CONVERSATION/CREATED
        2/10:00  call      CUSTOMER  call
        2/10:01  call      AGENT     note
        2/10:02  call      AGENT     CLOSED
        3/10:00  missed    CUSTOMER  CONVERSATION/CREATED
        3/10:00  missed    CUSTOMER  missed
        3/10:01  missed    AGENT     message
        3/10:02  missed    AGENT     CLOSED
        4/10:00  twice     CUSTOMER  CONVERSATION/CREATED
        4/10:00  twice     CUSTOMER  message
        4/10:01  twice     AGENT     message
        4/10:02  twice     AGENT     CLOSED
        4/11:02  twice     CUSTOMER  OPEN
        4/12:02  twice     AGENT     CLOSED
        5/10:00  both      CUSTOMER  CONVERSATION/CREATED
        5/10:00  both      CUSTOMER  call
        5/10:01  both      AGENT     message
        5/10:02  both      AGENT     CLOSED
        6/10:00  nobody    CUSTOMER  CONVERSATION/CREATED
        6/10:00  nobody    CUSTOMER  message
        6/10:02  nobody    AGENT     CLOSED
        7/10:00  lagging   CUSTOMER  CONVERSATION/CREATED
        7/10:00  lagging   CUSTOMER  message
        7/10:01  lagging   AGENT     message
        7/10:02  lagging   AGENT     CONVERSATION/CLOSED
        8/10:00  open      CUSTOMER  CONVERSATION/CREATED
        8/10:00  open      CUSTOMER  message
        8/10:01  open      AGENT     message
        9/10:00  middle    AGENT     message
        9/10:01  middle    AGENT     CLOSED
        """,
    )
    place.transform()
    assert {
        row["conversation_id"]: row["is_one_touch"] for row in place.models()["conversation_facts"]
    } == {
        "call": True,
        "missed": True,
        "twice": False,
        "both": False,
        "nobody": False,
        "lagging": None,
        "open": None,
        "middle": None,
    }
