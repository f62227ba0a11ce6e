"""What changed of a table is looked for once, and read from there by all models that need it."""

import pytest

from pipelines.gladly_tables import GLADLY_TABLES
from transforms.declarations import Model, in_order
from transforms.deltas import Delta, is_delta, read_deltas, with_deltas
from transforms.dialects import DIALECTS
from transforms.models import MODELS
from transforms.queries import columns_read
from transforms.render import Names, check_statement, delta_statements, rebuild_statements

NAMES = Names(lambda table: ["dataset", table], str)
TABLES = {table.name: table for table in (*GLADLY_TABLES, *(model.table for model in MODELS))}
DELTAS = read_deltas(in_order(MODELS))
BUILT = [model for model in with_deltas(in_order(MODELS), DELTAS) if model.changes]
# PostgreSQL cuts what is longer
LONGEST_NAME = 63


def name(of: Delta | Model) -> str:
    return of.name


def statements_of(model: Model) -> list[str]:
    return [
        *rebuild_statements(model, DIALECTS["duckdb"], NAMES, changes=model.changes),
        *(
            check_statement(check, 5, DIALECTS["duckdb"], NAMES, model)
            for check in model.all_checks
        ),
    ]


def test_deltas_are_told_from_tables_by_their_names() -> None:
    names = [delta.name for delta in DELTAS]
    names += {name for model in BUILT if model.changes for name in model.changes.deltas.values()}
    assert not [table for table in TABLES if is_delta(table)]
    assert all(is_delta(name) and len(name) <= LONGEST_NAME for name in names)


@pytest.mark.parametrize("delta", DELTAS, ids=name)
def test_a_delta_has_the_columns_that_its_readers_read(delta: Delta) -> None:
    assert {*delta.columns} <= {*TABLES[delta.table].columns_by_name}
    copied, *_ = delta_statements(delta, DIALECTS["duckdb"], NAMES)
    for reader in delta.readers:
        (model,) = [model for model in BUILT if model.name == reader]
        assert columns_read(model.sql)[delta.table] <= {*delta.columns}
        assert f'"{delta.name}"' in copied
        read = " ".join(statements_of(model))
        assert f'"dataset"."{delta.name}"' in read
        assert f'"dataset"."{delta.table}"' not in read


def test_rows_that_were_just_made_are_copied_from_where_they_were_made() -> None:
    stored, made = copied("conversation_timeline", or_none=False)
    assert 'NOT "item_id" IN (SELECT "item_id" FROM "dataset"."changed_items")' in stored
    assert 'FROM "dataset"."delta_made_conversation_timeline" WHERE "conversation_id" IN (' in made
    assert len(copied("conversation_events", or_none=False)) == 1


def test_what_belongs_to_none_is_looked_for_where_what_changed_is_known() -> None:
    changed, stored, made = copied("conversation_timeline", or_none=True)
    assert "WHERE" not in changed
    assert '"conversation_id" IS NULL AND NOT "item_id" IN (' in stored
    assert made.endswith('"delta_made_conversation_timeline" WHERE "conversation_id" IS NULL')
    tables = [delta.name for delta in DELTAS]
    for delta in DELTAS:
        if delta.changed:
            assert delta.changed in tables[: tables.index(delta.name)]


def copied(table: str, *, or_none: bool) -> list[str]:
    (delta,) = [
        delta
        for delta in DELTAS
        if delta.table == table
        and delta.changes.ids == "changed_conversations"
        and delta.changes.or_none == or_none
    ]
    return delta_statements(delta, DIALECTS["duckdb"], NAMES)[0].split(" UNION ALL ")


@pytest.mark.parametrize("model", BUILT, ids=name)
def test_what_a_model_makes_anew_is_looked_for_in_its_delta_alone(model: Model) -> None:
    assert model.changes is not None
    own = f'"dataset"."{model.name}"'
    created, *made = statements_of(model)
    if model.changes.is_all:
        assert model.name not in model.changes.deltas
        assert created == f"DELETE FROM {own} WHERE TRUE"
    else:
        assert created.endswith(f"AS SELECT * FROM {own} WHERE FALSE")
        deleted, inserted = [statement for statement in made if own in statement]
        assert deleted.startswith(f"DELETE FROM {own} WHERE ")
        assert inserted.startswith(f"INSERT INTO {own} (")
        assert inserted.endswith(f' FROM "dataset"."{model.changes.deltas[model.name]}"')


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a FROM t WHERE b > 0", {"t": {"a", "b"}}),
        (
            "SELECT x.a, y.b FROM t AS x JOIN u AS y ON x.id = y.id",
            {"t": {"a", "id"}, "u": {"b", "id"}},
        ),
        (
            "WITH t2 AS (SELECT a FROM t) SELECT a FROM t2 UNION SELECT c FROM u",
            {"t": {"a"}, "u": {"c"}},
        ),
        ("SELECT a FROM t WHERE id IN (SELECT b FROM u)", {"t": {"a", "id"}, "u": {"b"}}),
        (
            "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.b = t.c)",
            {"t": {"a", "c"}, "u": {"b"}},
        ),
    ],
    ids=["one table", "two of other names", "of a common table expression", "in a list", "inside"],
)
def test_columns_are_found_where_a_query_reads_them(
    sql: str, expected: dict[str, set[str]]
) -> None:
    assert columns_read(sql) == expected


def test_a_column_of_nobody_knows_which_table_is_refused() -> None:
    with pytest.raises(ValueError, match="a may be of any of t, u"):
        columns_read("SELECT a FROM t JOIN u ON t.id = u.id")
