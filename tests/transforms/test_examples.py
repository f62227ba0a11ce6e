"""What a model's page says can be asked is asked, of the world."""

import re

import pytest
from sqlglot import exp, parse_one

from pipelines.gladly_tables import GLADLY_TABLES
from tests.transforms.world import BuiltWorld
from transforms.declarations import Example
from transforms.models import MODELS

EXAMPLES = [(model.name, example) for model in MODELS for example in model.examples]
TABLES = {"gladly": {table.name for table in GLADLY_TABLES}, "marts": {m.name for m in MODELS}}
IN_DATASET = re.compile(r"\b(gladly|marts)\.(\w+)")

of_every_example = pytest.mark.parametrize(
    ("model", "example"),
    [pytest.param(name, example, id=f"{name}: {example.question}") for name, example in EXAMPLES],
)


def placeholder(found: re.Match[str]) -> str:
    """Return what the place calls a table, where the example calls it by its default name."""
    return f"{{{found[2]}}}" if found[1] == "gladly" else f"{{marts_{found[2]}}}"


@of_every_example
def test_an_example_asks_the_model_and_names_the_dataset_of_each_table(
    model: str, example: Example
) -> None:
    query = parse_one(example.sql, read="duckdb")
    own = {expression.alias for expression in query.find_all(exp.CTE)}
    read = {(table.db, table.name) for table in query.find_all(exp.Table)} - {("", n) for n in own}
    assert ("marts", model) in read
    assert all(name in TABLES[dataset] for dataset, name in read)
    assert example.question.endswith("?")
    assert not example.sql.rstrip("\n").endswith(";")


@of_every_example
def test_an_example_finds_rows_in_the_world(
    model: str, example: Example, world: BuiltWorld
) -> None:
    assert model in world.models
    assert world.place.execute(IN_DATASET.sub(placeholder, example.sql))
