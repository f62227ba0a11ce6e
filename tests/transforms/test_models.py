"""Declarations and SQL say the same, and no dialect changes what the SQL means."""

import re
from collections import defaultdict
from pathlib import Path

import duckdb
import pytest
from sqlglot import parse_one

import transforms
from pipelines.gladly_tables import GLADLY_TABLES
from sources.http.errors import SettingsError
from sources.tables.declarations import Column, Kind
from transforms.declarations import CORE, LAYERS, STAGING, Check, Model, in_order, model_table
from transforms.dialects import DIALECTS, dialect_named, keep_meaning
from transforms.models import MODELS, SEEN_MODELS
from transforms.queries import tables_read
from transforms.render import Names, check_statement, rebuild_statements

FOLDER = Path(transforms.__file__).parent
RAW_TABLES = {table.name for table in GLADLY_TABLES}
ALL_MODELS = (*MODELS, *SEEN_MODELS)
BY_NAME = {model.name: model for model in ALL_MODELS}
NOT_PORTABLE = (
    r"GENERATE_SERIES|UNNEST|PERCENTILE_CONT|IGNORE NULLS|DATE_TRUNC|DATE_DIFF|\[|USING KEY"
)

UTC_TEXT = "STRFTIME(t AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S')"


def names(model: Model) -> str:
    return model.name


def plain(table: str) -> list[str]:
    return ["catalog", "dataset", table]


def test_every_sql_file_is_declared_in_its_layer() -> None:
    files = {(path.parent.name, path.stem) for path in FOLDER.rglob("*.sql")}
    assert files == {(model.layer, model.file) for model in ALL_MODELS}
    assert {layer for layer, _ in files} <= set(LAYERS)


def test_models_that_are_one_query_differ_in_what_they_read_as_it_was_built() -> None:
    shared = defaultdict(list)
    for model in ALL_MODELS:
        if model.written_in:
            shared[model.layer, model.written_in].append(model)
    assert shared
    for before, now in shared.values():
        assert (before.reads, before.table.columns) == (now.reads, now.table.columns)
        assert before.as_built
        assert not now.as_built


@pytest.mark.parametrize("model", ALL_MODELS, ids=names)
def test_a_file_begins_with_what_a_row_is_its_key_and_its_questions(model: Model) -> None:
    row, key, rest = model.sql.split("\n", 2)
    assert row.startswith("-- One row is ")
    assert key == f"-- Key: {', '.join(model.table.key)}."
    assert rest.startswith("-- Answers: ")
    assert "?" in rest.partition("\nWITH")[0]


@pytest.mark.parametrize("model", ALL_MODELS, ids=names)
def test_a_model_reads_what_it_declares_and_never_a_higher_layer(model: Model) -> None:
    assert tables_read(model.sql) == set(model.reads)
    assert {*model.as_built} <= BY_NAME.keys()
    for read in model.reads:
        if read in model.as_built:
            # what stands there since the last build, whoever made it
            continue
        if read in BY_NAME:
            assert LAYERS.index(BY_NAME[read].layer) <= LAYERS.index(model.layer)
        else:
            assert read in RAW_TABLES


@pytest.mark.parametrize("model", ALL_MODELS, ids=names)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_model_can_be_written_in_every_dialect(dialect: str, model: Model) -> None:
    upper_case = Names(lambda table: ["C", "D", table.upper()], str.upper)
    statements = rebuild_statements(model, DIALECTS[dialect], upper_case)
    statements += rebuild_statements(model, DIALECTS[dialect], upper_case, changes=model.changes)
    statements += [
        check_statement(check, 6, DIALECTS[dialect], upper_case) for check in model.all_checks
    ]
    for statement in statements:
        parse_one(statement, read=dialect)
        unquoted = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "", statement)
        assert re.sub(r'"C"\."D"\."\w+"|`C`\.`D`\.`\w+`', "", statement) != statement
        # what is not quoted is a keyword, a function, a type or a number: nothing of ours
        assert not re.search(r"[a-z]", unquoted), unquoted


@pytest.mark.parametrize("model", ALL_MODELS, ids=names)
def test_no_model_uses_what_destinations_do_differently(model: Model) -> None:
    code = re.sub(r"--.*|'[^']*'", "", model.sql)
    assert not re.search(NOT_PORTABLE, code, re.IGNORECASE)


@pytest.mark.parametrize("model", [model for model in MODELS if model.changes], ids=names)
def test_what_changed_is_found_by_columns_that_are_there(model: Model) -> None:
    changes = model.changes
    assert changes is not None
    assert changes.column in model.table.columns_by_name
    assert changes.column in BY_NAME[changes.ids].table.columns_by_name
    tables = {table.name: table for table in GLADLY_TABLES} | {
        name: known.table for name, known in BY_NAME.items()
    }
    for read, column in changes.reads.items():
        assert read in model.reads
        assert column in tables[read].columns_by_name


def test_models_come_after_those_they_read() -> None:
    done: set[str] = set()
    for model in in_order(ALL_MODELS[::-1]):
        assert not {read for read in model.reads if read in BY_NAME} - done - {*model.as_built}
        assert not done & {*model.as_built}
        assert not model.changes or model.changes.ids in done
        done.add(model.name)
    assert done == set(BY_NAME)


@pytest.mark.parametrize(
    ("dialect", "written", "expected"),
    [
        ("duckdb", "a // b", "a // b"),
        ("postgres", "(x + y) // 2 + 1", "((x + y) / 2) + 1"),
        ("snowflake", "a // b", "CAST(FLOOR(a / b) AS BIGINT)"),
        ("postgres", "EPOCH_US(MAX(t))", "CAST(EXTRACT(EPOCH FROM MAX(t)) * 1000000 AS BIGINT)"),
        ("bigquery", "EPOCH_US(t) // 5", "DIV(UNIX_MICROS(t), 5)"),
        ("bigquery", "TO_TIMESTAMP(n * 1800)", "TIMESTAMP_SECONDS(n * 1800)"),
        (
            "snowflake",
            "TO_TIMESTAMP(EPOCH_US(t) // 5)",
            "TO_TIMESTAMP_TZ(CAST(FLOOR(DATE_PART(EPOCH_MICROSECOND, t) / 5) AS BIGINT))",
        ),
        (
            "postgres",
            "MAKE_TIMESTAMPTZ(n + 5)",
            "(CAST('1970-01-01 00:00:00+00' AS TIMESTAMPTZ) + (n + 5) * INTERVAL '1 MICROSECOND')",
        ),
        ("bigquery", "MAKE_TIMESTAMPTZ(n)", "TIMESTAMP_MICROS(n)"),
        (
            "snowflake",
            "MAKE_TIMESTAMPTZ(n)",
            "DATEADD(MICROSECOND, n, CAST('1970-01-01 00:00:00 +00:00' AS TIMESTAMPTZ))",
        ),
        ("duckdb", "STRLEN(text)", "STRLEN(text)"),
        ("postgres", "SUM(STRLEN(text))", "SUM(OCTET_LENGTH(text))"),
        ("bigquery", "STRLEN(text)", "BYTE_LENGTH(text)"),
        ("snowflake", "STRLEN(text)", "OCTET_LENGTH(text)"),
        ("postgres", "MAX(id COLLATE C)", 'MAX(id COLLATE "C")'),
        ("bigquery", "MAX(id COLLATE C)", "MAX(id)"),
        ("duckdb", UTC_TEXT, UTC_TEXT),
        ("postgres", UTC_TEXT, "TO_CHAR(t AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"),
        ("bigquery", UTC_TEXT, "FORMAT_TIMESTAMP('%F %T', t, 'UTC')"),
        (
            "snowflake",
            UTC_TEXT,
            "TO_CHAR(CONVERT_TIMEZONE('UTC', t), 'yyyy-mm-DD hh24:mi:ss')",
        ),
    ],
)
def test_what_has_a_meaning_of_its_own_keeps_it(dialect: str, written: str, expected: str) -> None:
    query = parse_one(f"SELECT {written} AS found", read="duckdb")
    keep_meaning(query, DIALECTS[dialect])
    assert query.sql(dialect) == f"SELECT {expected} AS found"


@pytest.mark.parametrize("other", ["America/Los_Angeles", "%H:%M"])
def test_other_texts_of_an_instant_are_refused(other: str) -> None:
    written = UTC_TEXT.replace("UTC" if "/" in other else "%Y-%m-%d %H:%M:%S", other)
    with pytest.raises(ValueError, match="only UTC"):
        keep_meaning(parse_one(f"SELECT {written} AS found", read="duckdb"), DIALECTS["duckdb"])


def test_a_destination_of_another_dialect_is_refused() -> None:
    with pytest.raises(SettingsError, match="speaks clickhouse"):
        dialect_named("clickhouse")


def declared(*columns: str, reads: tuple[str, ...]) -> Model:
    table = model_table(
        "conversation_identities",
        "A declaration that does not fit the file of this name.",
        *(Column(name, Kind.TEXT, "A column.") for name in columns),
        key=columns[:1],
    )
    return Model(CORE, table, reads)


def test_a_declaration_that_does_not_fit_the_sql_is_refused() -> None:
    known = BY_NAME["conversation_identities"]
    columns = list(known.table.columns_by_name)
    for wrong, message in (
        (declared(*columns, reads=("customers",)), "reads"),
        (declared(*columns[::-1], reads=known.reads), "selects"),
    ):
        with pytest.raises(ValueError, match=f"conversation_identities {message}"):
            rebuild_statements(wrong, DIALECTS["duckdb"], Names(plain, str))


def test_the_checks_of_a_table_find_rows_without_a_value_and_keys_that_are_there_twice() -> None:
    table = model_table(
        "days",
        "Days of agents.",
        Column("agent", Kind.TEXT, "The agent.", nullable=False),
        Column("day", Kind.INTEGER, "The day.", nullable=False),
        Column("note", Kind.TEXT, "A note."),
        key=("agent", "day"),
    )
    own = Check("each day is above 0", "SELECT agent, day FROM days WHERE day <= 0")
    model = Model(STAGING, table, (), (own,))
    connection = duckdb.connect()
    connection.execute("CREATE TABLE days (agent TEXT, day BIGINT, note TEXT)")
    connection.execute(
        "INSERT INTO days VALUES ('a', 1, NULL), ('a', 2, 'x'), ('a', 2, 'y'), ('b', NULL, 'z'), "
        "('c', 0, 'z')"
    )
    statements = [
        check_statement(check, 5, DIALECTS["duckdb"], Names(lambda table: ["main", table], str))
        for check in model.all_checks
    ]
    assert [connection.execute(statement).fetchall() for statement in statements] == [
        [("b", None, 1)],
        [("a", 2, 2, 1)],
        [("c", 0, 1)],
    ]
