"""The declarations say what the API reference says: all of it, and nothing else."""

import re
from typing import Any

import pytest

from sources.gladly.declarations import CONTENT_TYPES, EXPORT_FILES, RECORDS
from sources.gladly.event_types import EVENTS
from sources.tables.declarations import Child, Field, Kind, Record, records_of, table_schemas
from sources.tables.structure import compile_record
from tests.gladly.reference import SCHEMAS, declared, documented
from tests.leaves import CONTENT_TABLES

ROOT_RECORDS = (*RECORDS, *records_of(EVENTS))
REFERENCE = {
    "conversation_items": "ConversationItemApi",
    "agents": "ExportAgent",
    "customers": "ExportCustomer",
    "topics": "ExportTopic",
    "export_jobs": "ExportJob",
    "export_schedules": "ExportSchedule",
}
# every sample line of customers.jsonl has it, the schema forgot it
UNDOCUMENTED = {("customers", "id", "string")}
RESERVED = set(
    re.findall(
        r"\w+",
        "all and as asc between by case check column create cross default delete desc "
        "distinct drop else end exists false for from full grant group having in inner insert "
        "into is join key left like limit not null offset on or order outer primary "
        "references right select set table then to true union unique update user using values "
        "when where with",
    )
)


def content_schemas() -> dict[str, dict[str, Any]]:
    return {
        schema["properties"]["type"]["const"]: schema
        for name, schema in SCHEMAS.items()
        if name.startswith("Content")
    }


def all_records() -> list[Record]:
    return [*ROOT_RECORDS, *CONTENT_TYPES.values()]


def all_fields() -> list[Field]:
    children = [child for record in all_records() for child in record.children]
    fields = [*(record.fields for record in all_records()), *(child.fields for child in children)]
    return [leaf for leaves in fields for leaf in leaves]


def test_every_documented_content_type_is_declared_and_no_other() -> None:
    assert set(CONTENT_TYPES) == set(content_schemas())


def test_content_types_fill_the_tables_the_contract_names() -> None:
    assert {name: record.table for name, record in CONTENT_TYPES.items()} == CONTENT_TABLES


@pytest.mark.parametrize("name", [pytest.param(name, id=name.lower()) for name in CONTENT_TYPES])
def test_content_declares_all_that_is_documented_and_nothing_else(name: str) -> None:
    expected = documented(content_schemas()[name]) - {("type", "string")}
    assert declared(CONTENT_TYPES[name]) == expected


@pytest.mark.parametrize("record", [pytest.param(record, id=record.table) for record in RECORDS])
def test_records_declare_all_that_is_documented_and_nothing_else(record: Record) -> None:
    schema = dict(SCHEMAS[REFERENCE[record.table]])
    if record.variants:
        properties = dict(schema["properties"])
        assert properties.pop(record.variant_path)
        schema["properties"] = properties
    undocumented = {(path, kind) for table, path, kind in UNDOCUMENTED if table == record.table}
    assert declared(record) == documented(schema) | undocumented


def test_the_export_file_has_nothing_the_item_lacks() -> None:
    assert set(SCHEMAS["ConversationItem"]["properties"]) <= set(
        SCHEMAS["ConversationItemApi"]["properties"]
    )


def test_every_export_file_has_a_record_type() -> None:
    assert {name: record.table for name, record in EXPORT_FILES.items()} == {
        f"{table}.jsonl": table for table in ("agents", "conversation_items", "customers", "topics")
    }


@pytest.mark.parametrize(
    "record", [pytest.param(record, id=record.table) for record in ROOT_RECORDS]
)
def test_names_are_plain_in_every_sql(record: Record) -> None:
    for table in table_schemas(record):
        for name in (table.name, *table.columns_by_name):
            assert re.fullmatch(r"_?[a-z]+(_[a-z]+)*", name), name
            assert name not in RESERVED, f"{table.name}.{name}"


def test_everything_is_described() -> None:
    assert [leaf for leaf in all_fields() if not leaf.description.endswith(".")] == []
    assert [record for record in all_records() if not record.description.endswith(".")] == []
    links = re.compile(r"https://developer\.gladly\.com/rest/#(operation/\w+|tag/Events)")
    assert [
        record.table for record in all_records() if not links.fullmatch(record.documentation)
    ] == []
    described = [
        (table.description, column.description)
        for record in ROOT_RECORDS
        for table in table_schemas(record)
        for column in table.columns
    ]
    assert all(table and column for table, column in described)


def test_one_table_has_one_layout_whoever_fills_it() -> None:
    layouts: dict[str, set[tuple[Field, ...]]] = {}
    for record in all_records():
        for child in record.children:
            layouts.setdefault(child.table, set()).add(child.fields)
    assert [table for table, fields in layouts.items() if len(fields) > 1] == []


def test_children_of_one_table_in_one_record_are_told_apart_by_their_label() -> None:
    for record in all_records():
        places = [(child.table, child.label) for child in record.children]
        assert len(places) == len(set(places)), record.table


@pytest.mark.parametrize(
    ("child", "problem"),
    [
        pytest.param(
            Child("parts", "parts", (Field("at", "", Kind.TIMESTAMP, "At."),), "Parts."),
            "does not check timestamp as list elements",
            id="a timestamp as a list element",
        ),
        pytest.param(
            Child("parts", "parts", (Field("price", "", Kind.DECIMAL, "Price."),), "Parts."),
            "does not check decimal as list elements",
            id="a decimal as a list element",
        ),
        pytest.param(
            Child("parts", "parts", (Field("a_b", "a.b", Kind.TEXT, "B."),), "Parts."),
            "cannot be nested",
            id="a nested field in a child",
        ),
        pytest.param(
            Child("parts", "id", (Field("part", "", Kind.TEXT, "Part."),), "Parts."),
            "declared twice",
            id="a path declared twice",
        ),
    ],
)
def test_a_declaration_the_decoder_cannot_keep_is_refused(child: Child, problem: str) -> None:
    record = Record(
        "things", (Field("id", "id", Kind.TEXT, "The thing."),), "Things.", "", (child,)
    )
    with pytest.raises(ValueError, match=problem):
        compile_record(record)
