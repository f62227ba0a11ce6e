"""The models of one world are the same in every database."""

from tests.transforms.world import BuiltWorld


def test_every_database_holds_equal_rows(world: BuiltWorld, postgres_world: BuiltWorld) -> None:
    assert world.models.keys() == postgres_world.models.keys()
    for model, rows in world.models.items():
        assert sorted(map(str, rows)) == sorted(map(str, postgres_world.models[model])), model
