"""The declarations of reference lists, their histories, and what of a webhook may be kept."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.gladly.declarations import AGENT, TOPIC
from sources.gladly.history import (
    AGENT_HISTORY,
    HISTORIES,
    HISTORY_TABLES,
    TEAM_AGENT_HISTORY,
    next_versions,
)
from sources.gladly.reference import webhook_without_secrets
from sources.gladly.reference_types import REFERENCE_LISTS, REFERENCE_RECORDS, WEBHOOK
from sources.tables.declarations import (
    DELETED_AT,
    EXTRACTED_AT,
    FILE,
    JOB_ID,
    LINE,
    Record,
    table_schemas,
)
from tests.gladly.reference import SCHEMAS, declared, documented
from tests.gladly.test_declarations import RESERVED
from tests.tables.records import ANY_JSON, as_json, conforming

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
REFERENCE = {
    "inboxes": "Inbox",
    "teams": "Team",
    "audiences": "Audience",
    "business_hours": "BusinessHours",
    "organization": "Organization",
    "webhooks": "Webhook",
    "public_answers": "PublicAnswer",
    "custom_attributes": "CustomAttribute",
}
RECORDS = [pytest.param(record, id=record.table) for record in REFERENCE_RECORDS]


def readable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without what is sent to Gladly only."""
    members = schema["properties"].items()
    return schema | {"properties": {name: one for name, one in members if not one.get("writeOnly")}}


@pytest.mark.parametrize("record", RECORDS)
def test_records_declare_all_that_is_documented_and_nothing_else(record: Record) -> None:
    # the blocks of an exception are one JSON column: a list within a list has no table
    blocks = {"officeHours.exceptions[].scheduleBlocks"}
    known = documented(readable(SCHEMAS[REFERENCE[record.table]]))
    nested = {leaf for leaf in known if leaf[0].rpartition("[]")[0] in blocks}
    expected = known - nested | {(path, "json") for path in blocks if nested}
    assert declared(record) == expected


@pytest.mark.parametrize("record", RECORDS)
def test_names_are_plain_in_every_sql(record: Record) -> None:
    for table in (*table_schemas(record), *HISTORY_TABLES):
        for name in (table.name, *table.columns_by_name):
            assert re.fullmatch(r"_?[a-z]+(_[a-z]+)*", name), name
            assert name not in RESERVED, f"{table.name}.{name}"
        assert table.description.endswith(".")


def test_tables_are_those_of_the_contract() -> None:
    names = {table.name for record in REFERENCE_RECORDS for table in table_schemas(record)}
    assert names == {
        "inboxes",
        "teams",
        "team_agents",
        "audiences",
        "business_hours",
        "business_hours_blocks",
        "business_hours_exceptions",
        "organization",
        "webhooks",
        "webhook_events",
        "webhook_headers",
        "public_answers",
        "custom_attributes",
    }
    assert {table.name for table in HISTORY_TABLES} == {
        "agent_history",
        "team_history",
        "team_agent_history",
        "topic_history",
        "inbox_history",
    }


@pytest.mark.parametrize(
    "record", [*RECORDS, *(pytest.param(r, id=r.table) for r in (AGENT, TOPIC))]
)
def test_what_a_whole_list_tells_of_can_be_marked_as_deleted(record: Record) -> None:
    assert DELETED_AT in table_schemas(record)[0].columns_by_name
    assert REFERENCE_LISTS[record.table] is record


# -- webhooks ----------------------------------------------------------------------------------


def test_of_a_webhook_no_secret_is_kept() -> None:
    kept = webhook_without_secrets(
        {
            "id": "webhook-1",
            "name": "Survey",
            "url": "https://user:canary@hooks.example.com:8443/gladly?token=canary#canary",
            "events": ["CONVERSATION/CLOSED", {"canary": "canary"}],
            "credentials": {"username": "canary", "password": "canary", "realm": "canary"},
            "headers": {"X-Token": "canary"},
            "headerKeys": ["X-Token", 7],
            "hasCredentials": "canary",
            "enabled": True,
            "createdAt": {"canary": "canary"},
            "signingSecret": "canary",
            "nested": [["canary"]],
        }
    )
    assert "canary" not in json.dumps(kept)
    assert kept == {
        "id": "webhook-1",
        "name": "Survey",
        "url": "https://hooks.example.com:8443/gladly",
        "events": ["CONVERSATION/CLOSED", None],
        "credentials": None,
        "headers": None,
        "headerKeys": ["X-Token", None],
        "hasCredentials": None,
        "enabled": True,
        "createdAt": None,
        "signingSecret": None,
        "nested": None,
    }


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("canary", id="no address"),
        pytest.param("https://[canary", id="malformed"),
        pytest.param("//canary@", id="no host"),
        pytest.param(["https://canary"], id="a list"),
    ],
)
def test_an_address_that_cannot_be_read_is_not_kept(url: object) -> None:
    assert webhook_without_secrets({"id": "w", "url": url}) == {"id": "w", "url": None}


@given(ANY_JSON)
def test_what_is_no_webhook_leaves_nothing(value: Any) -> None:  # noqa: ANN401 - any JSON value
    kept = webhook_without_secrets(value)
    assert kept is None or (isinstance(value, dict) and kept.keys() == value.keys())


@given(conforming(WEBHOOK.table))
def test_a_documented_webhook_keeps_all_but_parts_of_its_address(
    webhook: dict[str, Any],
) -> None:
    kept = webhook_without_secrets(webhook)
    assert {name: as_json(one) for name, one in kept.items() if name != "url"} == {
        name: as_json(one) for name, one in webhook.items() if name != "url"
    }


# -- history -----------------------------------------------------------------------------------

LISTS = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["Ann", "Anna", None])), max_size=8
)


def listed(names: dict[str, str | None], at: datetime) -> list[dict[str, Any]]:
    return [
        {"id": key, "name": name, "email_address": None}
        | {EXTRACTED_AT: at, JOB_ID: f"list {at}", FILE: "agents.jsonl", LINE: line}
        for line, (key, name) in enumerate(names.items(), 1)
    ]


def history_of(lists: list[dict[str, str | None]]) -> list[dict[str, Any]]:
    """Return all versions after some lists, one a day, each as it was written last."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for day, names in enumerate(lists):
        at = FIRST + timedelta(days=day)
        current = [row for row in rows.values() if row["valid_to"] is None]
        for row in next_versions(AGENT_HISTORY, current, listed(names, at), at, is_whole=True):
            rows[row["agent_id"], row["valid_from"]] = row
    return list(rows.values())


@given(LISTS)
def test_at_any_time_history_shows_the_list_that_was_read_last(
    lists: list[dict[str, str | None]],
) -> None:
    rows = history_of(lists)
    for day, names in enumerate(lists):
        for at in (FIRST + timedelta(days=day), FIRST + timedelta(days=day, hours=23)):
            held = [
                (row["agent_id"], row["name"])
                for row in rows
                if row["valid_from"] <= at and (row["valid_to"] is None or at < row["valid_to"])
            ]
            assert sorted(held, key=str) == sorted(names.items(), key=str)
    assert all(row["valid_from"] >= FIRST for row in rows)


@given(LISTS)
def test_no_two_versions_after_each_other_say_the_same(
    lists: list[dict[str, str | None]],
) -> None:
    rows = history_of(lists)
    ends = {(row["agent_id"], row["valid_to"], row["name"]) for row in rows}
    assert not ends & {(row["agent_id"], row["valid_from"], row["name"]) for row in rows}


def test_a_list_that_says_nothing_new_writes_nothing() -> None:
    first = listed({"a": "Ann", "b": None}, FIRST)
    begun = next_versions(AGENT_HISTORY, (), first, FIRST, is_whole=True)
    again = listed({"b": None, "a": "Ann"}, FIRST + timedelta(days=1))
    assert len(begun) == 2
    assert (
        next_versions(AGENT_HISTORY, begun, again, FIRST + timedelta(days=1), is_whole=True) == []
    )


def test_what_a_list_that_was_cut_lacks_goes_on() -> None:
    begun = next_versions(
        AGENT_HISTORY, (), listed({"a": "A", "b": "B"}, FIRST), FIRST, is_whole=True
    )
    later = FIRST + timedelta(days=1)
    found = next_versions(AGENT_HISTORY, begun, listed({"b": "Bo"}, later), later, is_whole=False)
    assert [(row["agent_id"], row["name"], row["valid_to"]) for row in found] == [
        ("b", "B", later),
        ("b", "Bo", None),
    ]


def test_an_agent_named_twice_or_unreadably_is_one_member_or_none() -> None:
    origin = {EXTRACTED_AT: FIRST, JOB_ID: "list", FILE: "teams.jsonl", LINE: 1}
    members = [{"team_id": "t", "agent_id": agent} | origin for agent in ("a", None, "a")]
    found = next_versions(TEAM_AGENT_HISTORY, (), members, FIRST, is_whole=True)
    assert [(row["team_id"], row["agent_id"]) for row in found] == [("t", "a")]


def test_histories_follow_lists() -> None:
    assert {*HISTORIES} <= {*REFERENCE_LISTS}
