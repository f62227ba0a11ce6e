"""What a model's page says can be asked is asked, of the world, in every database."""

import pytest
from sqlglot import exp, parse_one

from pipelines.asking import ask
from pipelines.gladly_tables import GLADLY_TABLES
from tests.transforms.world import BuiltWorld
from transforms.declarations import MARTS, Example
from transforms.models import MODELS

EXAMPLES = [(model.name, example) for model in MODELS for example in model.examples]
TABLES = {"gladly": {table.name for table in GLADLY_TABLES}, "marts": {m.name for m in MODELS}}

of_every_example = pytest.mark.parametrize(
    ("model", "example"),
    [pytest.param(name, example, id=f"{name}: {example.question}") for name, example in EXAMPLES],
)


def test_each_mart_has_examples() -> None:
    marts = {model.name: len(model.examples) for model in MODELS if model.layer == MARTS}
    assert {name for name, examples in marts.items() if examples < 2} == set()


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
def test_an_example_finds_the_same_rows_in_every_database(
    model: str, example: Example, world: BuiltWorld, postgres_world: BuiltWorld
) -> None:
    assert model in world.models
    found = [
        ask(each.place.target, each.place.marts, example.sql).to_pylist()
        for each in (world, postgres_world)
    ]
    assert found[0]
    assert found[0] == found[1]
