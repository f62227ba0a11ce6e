"""Whatever is told of a customer or a day, what is made anew is what a whole build makes.

Each change is of a customer, a conversation and days of its own, and changes rows of models that
nothing which came with it names: of who had the task, of the day the message was on, of customers
whose topic has another name.
"""

from datetime import timedelta

from tests.transforms.nights import (
    Tables,
    assert_a_whole_build_makes,
    built_from_changes,
    keys_that_differ,
)
from tests.transforms.places import NOW, Place, Row
from tests.transforms.raw_stories import TABLES

KEYS = {
    "resolved_customers": "customer_id",
    "customer_360": "customer_id",
    "response_times": "local_date",
    "conversations_closed": "local_date",
    "channel_volume": "local_date",
    "topic_volume": "local_date",
    "service_levels": "local_date",
}
ASKS_FOR = tuple(KEYS)
DAY = timedelta(days=1)


def message(item: str, customer: str, days_ago: int, agent: str = "", of: str = "") -> Tables:
    told = {
        "conversation_id": f"talk of {of or customer}",
        "customer_id": customer,
        "timestamp": NOW - days_ago * DAY,
        "initiator_id": agent or customer,
        "initiator_type": "AGENT" if agent else "CUSTOMER",
        "content_type": "SMS",
    }
    return {
        "conversation_items": [{"id": item, **told}],
        "sms_messages": [{"id": item, "content": "words"}],
    }


def activity_of(customer: str) -> Tables:
    told = {"customer_id": customer, "timestamp": NOW - DAY, "content_type": "CUSTOMER_ACTIVITY"}
    return {
        "conversation_items": [{"id": "activity", **told}],
        "customer_activities": [{"id": "activity", "title": "4/5", "activity_type": "SURVEY"}],
    }


def happened(kind: str, customer: str, days_ago: int, **more: str | None) -> Tables:
    told = {"type": f"CONVERSATION/{kind}", "timestamp": NOW - days_ago * DAY, "origin": "events"}
    ids = {"conversation_id": f"talk of {customer}", "customer_id": customer}
    return {"conversation_events": [{"event_id": f"{kind} of {customer}", **told, **ids, **more}]}


def of_contact(kind: str, customer: str, days_ago: int, conversation: str | None) -> Tables:
    told = {"type": f"CONTACT/{kind}", "timestamp": NOW - days_ago * DAY, "origin": "events"}
    ids = {"contact_id": f"contact of {customer}", "conversation_id": conversation}
    key = {"event_id": f"{kind} of {customer} {days_ago} days ago"}
    return {"contact_events": [told | ids | key | {"channel": "CHAT"}]}


def named(table: str, customer: str, **ids: str | None) -> Tables:
    """Return a row that names a customer, and nothing else that models count."""
    keys = dict.fromkeys(TABLES[table].key, f"{table} of {customer}")
    if table.endswith("_events"):
        keys["origin"] = "events"
    column = "id" if table == "customers" else "customer_id"
    return {table: [{**keys, column: customer, **ids}]}


def payment(status: str, customer: str | None, days_ago: int) -> Tables:
    told = {"type": "PAYMENT_REQUEST/STATUS_UPDATED", "timestamp": NOW - days_ago * DAY}
    more = {"payment_request_id": "paid", "customer_id": customer, "new_status": status}
    amount = {"currency": "EUR", "monetary_unit": 5, "origin": "events"}
    return {"payment_request_events": [{"event_id": status, **told, **more, **amount}]}


def merge(source: str, destination: str, days_ago: int) -> Tables:
    ids = {"source_customer_id": source, "destination_customer_id": destination}
    return {"customer_merges": [ids | {"merged_at": NOW - days_ago * DAY, "evidence": "redirect"}]}


def task_of(customer: str) -> Tables:
    return {"tasks": [{"id": "task", "customer_id": customer, "timestamp": NOW, "status": "OPEN"}]}


def told_of_task(kind: str, task: str, customer: str | None, days_ago: int) -> Tables:
    told = {"type": f"TASK/{kind}", "timestamp": NOW - days_ago * DAY, "origin": "events"}
    ids = {"event_id": f"{kind} of {task}", "task_id": task, "customer_id": customer}
    return {"task_events": [told | ids]}


def topic(name: str) -> Tables:
    return {"topics": [{"id": "topic", "name": name}]}


def record_of(customer: str) -> Tables:
    return {"conversations": [{"id": "read by id", "customer_id": customer, "status": "OPEN"}]}


SHARED = {"conversation_id": "talk of una"}
FEEDS = {"conversation_events": "vic", "contact_events": "wim", "work_session_events": "xia"}
NAMED = {
    "conversation_events": "zac",
    "contact_events": "zed",
    "work_session_events": "zoe",
    "payment_request_events": "pia",
    "customer_profile_events": "cor",
}
FIRST = (
    message("of long ago", "nobody's", days_ago=30),
    message("about a topic", "tia", days_ago=20),
    happened("TOPIC_ADDED", "tia", days_ago=20, topic_id="topic"),
    topic("Delivery"),
    # whom the first of all answers answer is not known
    message("begins with mia", "mia", days_ago=25, agent="ada"),
    message("begins with sam", "sam", days_ago=25, agent="ada"),
    message("asks earlier", "mia", days_ago=17),
    message("answers", "mia", days_ago=15, agent="ada"),
    message("asks", "sam", days_ago=12),
    message("answers later", "sam", days_ago=11, agent="ada"),
    message("is done", "rea", days_ago=8),
    happened("CLOSED", "rea", days_ago=7),
    message("is done twice", "rex", days_ago=14),
    happened("CLOSED", "rex", days_ago=13),
    activity_of("bob"),
    payment("REQUESTING", "pam", days_ago=2),
    merge("fay", "gus", days_ago=1),
    message("before the merge", "fay", days_ago=24),
    merge("kit", "lea", days_ago=3),
    # several feeds, and as many customers
    message("words before", "uwe", days_ago=24, of="una"),
    message("first words", "una", days_ago=23),
    message("last words", "clo", days_ago=9),
    happened("CREATED", "clo", days_ago=9),
    *(named(table, customer, **SHARED) for table, customer in FEEDS.items()),
    {"conversations": [{"id": "talk of una", "customer_id": "yul", "status": "OPEN"}]},
    task_of("tom"),
    {"tasks": [{"id": "of a record", "customer_id": "tim", "timestamp": NOW, "status": "OPEN"}]},
    told_of_task("REOPENED", "of events", "ulf", days_ago=3),
    record_of("rob"),
    {"customer_profiles": [{"id": "dee", "name": "D. E. E."}]},
    # contacts count on the day they ended: the first of their ends
    of_contact("ENDED", "ira", days_ago=27, conversation="talk of ira"),
    of_contact("ENDED", "ida", days_ago=28, conversation="talk of ida"),
    of_contact("ENDED", "ned", days_ago=26, conversation=None),
    of_contact("ENDED", "old", days_ago=31, conversation="talk of old"),
)
CHANGED = (
    topic("Shipping"),
    message("asks earlier", "mia", days_ago=18),
    message("answers later", "sam", days_ago=10, agent="ada"),
    happened("REOPENED", "rea", days_ago=5),
    activity_of("dot"),
    payment("COMPLETED", None, days_ago=1),
    merge("fay", "hal", days_ago=5),
    named("customers", "gus"),
    named("customers", "cas"),
    happened("CLOSED", "rex", days_ago=3),
    merge("kit", "max", days_ago=2),
    happened("CLOSED", "una", days_ago=-1, customer_id=None),
    happened("CLOSED", "clo", days_ago=6),
    *(named(table, customer) for table, customer in NAMED.items()),
    task_of("eve"),
    told_of_task("CLOSED", "of a record", None, days_ago=-3),
    told_of_task("CREATED", "of events", "ute", days_ago=4),
    record_of("ivy"),
    {"customer_profiles": [{"id": "cem", "name": "C. E. M."}]},
    {"deleted_customers": [{"customer_id": "dee", "evidence": "event"}]},
    of_contact("HOLD_STARTED", "ira", days_ago=28, conversation="talk of ira"),
    of_contact("ENDED", "ida", days_ago=29, conversation="talk of ida"),
    of_contact("TRANSFERRED", "ned", days_ago=27, conversation=None),
    of_contact("ENDED", "new", days_ago=22, conversation="talk of new"),
)
NEW = {"dot", "eve", "ivy", "hal", "cem", "cas", "max", "ute", *NAMED.values()}
ROWS_CHANGED = {
    "resolved_customers": {*NEW, "lea", "bob", "sam", "tom", "rob", "dee"},
    "customer_360": {
        *NEW,
        "lea",
        "ulf",
        "clo",
        "una",
        "uwe",
        "yul",
        *FEEDS.values(),
        "tia",
        "sam",
        "rea",
        "bob",
        "pam",
        "tom",
        "tim",
        "rob",
        "dee",
    },
    "response_times": {15, 11, 10},
    "conversations_closed": {13, 7, 6, 3},
    "channel_volume": {18, 17, 11, 10},
    "topic_volume": {20, 18, 17, 11, 10},
    "service_levels": {29, 28, 27, 26, 22},
}


def by_key(rows: list[Row], key: str) -> dict[object, str]:
    found: dict[object, str] = {}
    for text, row in sorted((str(row), row) for row in rows):
        short = row[key] if key == "customer_id" else (NOW.date() - row[key]).days
        found[short] = found.get(short, "") + text
    return found


def test_what_is_told_of_customers_and_days_changes_all_that_it_must(place: Place) -> None:
    before, built = built_from_changes(place, FIRST, CHANGED)
    for model, key in KEYS.items():
        changed = keys_that_differ(by_key(before[model], key), by_key(built[model], key))
        assert changed == ROWS_CHANGED[model], model
    assert_a_whole_build_makes(built, place)
