"""The declarations of reads by id say what the API reference says, and what is our own is named."""

import re

import pytest

from pipelines.gladly_tables import GLADLY_TABLES
from sources.gladly.enrichment_types import (
    ENRICHMENT_FILES,
    ENRICHMENT_KINDS,
    ENRICHMENT_READ,
    ENRICHMENT_RECORDS,
    READS_FILE,
    EnrichmentKind,
    Outcome,
)
from sources.tables.declarations import (
    DELETED_AT,
    EXTRACTED_AT,
    Kind,
    Record,
    TableSchema,
    table_schemas,
)
from tests.gladly.reference import SCHEMAS, declared, documented
from tests.gladly.test_declarations import RESERVED
from tests.golden.pairs import Pair
from tests.leaves import parse_json
from tests.tables.records import validator

REFERENCE = {
    "conversations": "Conversation",
    "customer_profiles": "Customer",
    "tasks": "Task",
    "task_comments": "TaskComment",
    "voice_transcripts": "VoiceTranscript",
}
# what only the request knew
OUR_OWN = {
    ("voice_transcripts", "itemId", "string"),
    ("task_comments", "customerId", "string"),
}
# objects in a shape of the organisation's own: one column, or a row an entry
OPEN_OBJECTS = {("customAttributes", "object"): ("customAttributes", "json")}
RECORDS = [pytest.param(record, id=record.table) for record in ENRICHMENT_RECORDS]
API_RECORDS = [param for param in RECORDS if param.id in REFERENCE]
KINDS = [pytest.param(kind, id=name) for name, kind in ENRICHMENT_KINDS.items()]


@pytest.mark.parametrize("record", API_RECORDS)
def test_records_declare_all_that_is_documented_and_nothing_else(record: Record) -> None:
    known = documented(SCHEMAS[REFERENCE[record.table]])
    own = {(path, kind) for table, path, kind in OUR_OWN if table == record.table}
    assert own.isdisjoint(known)
    assert declared(record) == {OPEN_OBJECTS.get(leaf, leaf) for leaf in known} | own


def test_a_record_of_the_api_is_every_one_but_the_list_of_reads() -> None:
    assert [record for record in ENRICHMENT_RECORDS if record.table not in REFERENCE] == [
        ENRICHMENT_READ
    ]


def test_a_read_tells_what_was_read_when_and_what_came_of_it() -> None:
    assert declared(ENRICHMENT_READ) == {
        ("readId", "string"),
        ("kind", "string"),
        ("entityId", "string"),
        ("outcome", "string"),
        ("requestedAt", "date-time"),
        ("missingSince", "date-time"),
        ("movedTo", "string"),
        ("isComplete", "boolean"),
    }


@pytest.mark.parametrize("record", RECORDS)
def test_documented_golden_lines_are_as_documented(record: Record) -> None:
    lines = Pair(f"{record.table}.documented").input_path.read_bytes().splitlines()
    for line in lines:
        validator(record.table).validate(parse_json(line))
    first = parse_json(lines[0])
    assert {leaf.path.split(".")[0] for leaf in record.fields} <= first.keys()


@pytest.mark.parametrize("record", RECORDS)
def test_names_are_plain_in_every_sql(record: Record) -> None:
    for table in table_schemas(record):
        for name in (table.name, *table.columns_by_name):
            assert re.fullmatch(r"_?[a-z]+(_[a-z]+)*", name), name
            assert name not in RESERVED, f"{table.name}.{name}"
        assert table.description.endswith(".")


def test_tables_are_those_of_the_contract() -> None:
    tables = [table for record in ENRICHMENT_RECORDS for table in table_schemas(record)]
    keys = {table.name: table.key for table in tables}
    assert keys == {
        "conversations": ("id",),
        "conversation_topics": ("conversation_id", "position"),
        "conversation_custom_attributes": ("conversation_id", "position"),
        "customer_profiles": ("id",),
        "customer_profile_emails": ("customer_id", "position"),
        "customer_profile_phones": ("customer_id", "position"),
        "customer_profile_external_ids": ("customer_id", "position"),
        "tasks": ("id",),
        "task_comments": ("id",),
        "voice_transcripts": ("item_id",),
        "voice_transcript_paragraphs": ("item_id", "position"),
        "enrichment_reads": ("read_id",),
    }
    assert len(tables) == len(keys)


def test_what_may_vanish_can_be_marked_as_deleted() -> None:
    # a task's comments may be cut, and a read happened: neither is ever taken for deleted
    lasting = {"task_comments", "enrichment_reads"}
    marked = {
        record.table
        for record in ENRICHMENT_RECORDS
        if DELETED_AT in table_schemas(record)[0].columns_by_name
    }
    assert marked == {record.table for record in ENRICHMENT_RECORDS} - lasting
    assert {*ENRICHMENT_KINDS} == marked


def test_every_record_has_a_file_of_its_own() -> None:
    assert {name: record.table for name, record in ENRICHMENT_FILES.items()} == {
        f"{record.table}.jsonl": record.table for record in ENRICHMENT_RECORDS
    }
    assert ENRICHMENT_FILES[READS_FILE] is ENRICHMENT_READ


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_touched_by_tables_there_are(kind: EnrichmentKind) -> None:
    tables: dict[str, TableSchema] = {table.name: table for table in GLADLY_TABLES}
    own = {table.name for table in table_schemas(kind.record)}
    assert kind.touches
    for touch in kind.touches:
        columns = tables[touch.table].columns_by_name
        assert columns[touch.column].kind is Kind.TEXT
        assert columns[EXTRACTED_AT].kind is Kind.TIMESTAMP
        # or a read would ask for the next one
        assert touch.table not in own
        named = re.findall(r"(\w+) =", touch.condition)
        assert bool(named) == bool(touch.condition)
        assert {*named} <= columns.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_paths_are_those_of_the_reference(kind: EnrichmentKind) -> None:
    # the reference's own place of each schema: #/paths/~1api~1v1~1tasks~1{taskId}/get/…
    source = SCHEMAS[REFERENCE[kind.record.table]]["x-source"]
    path = source.removeprefix("#/paths/").partition("/get/")[0].replace("~1", "/")
    assert tuple(re.split(r"\{\w+\}", path)) == kind.path


def test_outcomes_are_those_that_readers_are_told_of() -> None:
    (outcome,) = [leaf for leaf in ENRICHMENT_READ.fields if leaf.path == "outcome"]
    assert {*re.findall(r"\b[a-z]+\b", outcome.description)} - {"twice", "or"} == {*Outcome}
