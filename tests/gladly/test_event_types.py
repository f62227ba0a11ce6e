"""The event declarations say what the API reference says of every event type, and nothing else."""

from typing import Any

import pytest

from sources.gladly.event_types import EVENTS
from sources.streams.lines import whole_lines
from sources.tables.declarations import ORIGIN, Record, records_of, table_schemas
from sources.tables.route import Router
from tests.event_leaves import EVENT_TABLES, event_table
from tests.gladly.reference import SCHEMAS, Leaves, declared, documented

EVENT_SCHEMAS: dict[str, dict[str, Any]] = {
    schema["properties"]["type"]["const"]: schema
    for name, schema in SCHEMAS.items()
    if name.startswith("Event") and "const" in schema.get("properties", {}).get("type", {})
}
WEBHOOKS_ONLY = {
    "CONVERSATION_STATUS/UPDATED",
    "CUSTOMER_PROFILE/MERGED",
    "EXPORT_JOB/COMPLETED",
    "EXPORT_JOB/FAILED",
    "PING",
}
COMMON = {
    ("id", "string"),
    ("type", "string"),
    ("timestamp", "date-time"),
    ("initiator.id", "string"),
    ("initiator.type", "string"),
}
TABLES = {
    "agent_availability_events": {"agent_availability_channels"},
    "agent_status_events": set(),
    "contact_events": {"contact_offer_match_reasons"},
    "conversation_events": set(),
    "customer_events": set(),
    "customer_profile_events": set(),
    "export_job_events": set(),
    "payment_request_events": set(),
    "task_events": set(),
    "unknown_events": set(),
}
TYPES = [pytest.param(name, id=name.lower()) for name in EVENT_SCHEMAS]
ENTITIES = [
    pytest.param(record, id=record.table)
    for record in records_of(EVENTS)
    if record is not EVENTS.unknown
]


def record_for(event_type: str) -> Record:
    """Return the record type to which the router sends a line of this type."""
    line = b'{"id":"event-1","type":"%s"}\n' % event_type.encode()
    ((record, _),) = Router(EVENTS).route(whole_lines(line))
    return record


def test_the_reference_lists_45_events_and_five_that_only_webhooks_tell() -> None:
    listed = {branch["$ref"].rsplit("/", 1)[-1] for branch in SCHEMAS["Event"]["oneOf"]}
    assert len(listed) == 45
    assert {
        name for name, schema in EVENT_SCHEMAS.items() if schema not in map(SCHEMAS.get, listed)
    } == WEBHOOKS_ONLY


def test_every_discriminated_type_is_known() -> None:
    mappings = (SCHEMAS[name]["x-discriminator"]["mapping"] for name in ("Event", "WebhookPayload"))
    assert {name for mapping in mappings for name in mapping} == {*EVENT_SCHEMAS}


@pytest.mark.parametrize("event_type", TYPES)
def test_an_event_type_goes_to_the_table_the_contract_names(event_type: str) -> None:
    assert record_for(event_type).table == event_table(event_type)


@pytest.mark.parametrize("event_type", TYPES)
def test_all_that_is_documented_of_an_event_type_is_declared(event_type: str) -> None:
    assert documented(EVENT_SCHEMAS[event_type]) <= declared(record_for(event_type))


@pytest.mark.parametrize("record", ENTITIES)
def test_nothing_is_declared_that_no_event_type_documents(record: Record) -> None:
    of_types: list[Leaves] = [
        documented(schema)
        for name, schema in EVENT_SCHEMAS.items()
        if record_for(name).table == record.table
    ]
    assert declared(record) == COMMON.union(*of_types)


def test_unknown_events_declare_what_all_events_share() -> None:
    assert declared(EVENTS.unknown) == COMMON


def test_the_tables_are_those_of_the_contract() -> None:
    assert {
        record.table: {child.table for child in record.children} for record in records_of(EVENTS)
    } == TABLES


def test_every_entity_is_declared_and_no_other() -> None:
    entities = {name.split("/")[0] for name in EVENT_SCHEMAS} - {"PING"}
    assert {name: record.table for name, record in EVENTS.records.items()} == EVENT_TABLES
    assert {*EVENTS.records} == entities


@pytest.mark.parametrize(
    "record", [pytest.param(record, id=record.table) for record in records_of(EVENTS)]
)
def test_event_tables_are_keyed_by_the_event_and_name_their_feed(record: Record) -> None:
    root, *children = table_schemas(record)
    assert root.key == ("event_id",)
    assert not root.columns_by_name[ORIGIN].nullable
    for child in children:
        assert (child.parent, child.root_key) == (record.table, ("event_id",))
        assert ORIGIN not in child.columns_by_name


def test_both_clocks_are_kept() -> None:
    for name in ("agent_availability_events", "agent_status_events"):
        (record,) = (record for record in records_of(EVENTS) if record.table == name)
        assert {"timestamp", "occurred_at"} <= {leaf.name for leaf in record.fields}
