"""Ids name rows, as the diagrams of docs/entities.md say they do."""

from tests.documentation.entities import MODEL_REFERENCES, referenced_by_model
from tests.transforms.world import BuiltWorld
from transforms.models import MODELS

KEYS = {model.name: model.table.key[0] for model in MODELS}


def test_each_id_of_a_model_names_a_row_of_the_model_it_refers_to(world: BuiltWorld) -> None:
    held = {
        name: {row[KEYS[name]] for row in world.models[name]}
        for name in set(MODEL_REFERENCES.values())
    }
    # contacts are made of events, and work sessions reach further back than these
    held["contacts"] |= {row["contact_session_id"] for row in world.models["work_sessions"]}
    seen, missing = set(), set()
    for model, rows in world.models.items():
        for row in rows:
            for column, value in row.items():
                target = referenced_by_model(model, column)
                # what is about no topic or conversation has an empty id
                if target in held and target != model and value:
                    seen.add(column)
                    if value not in held[target]:
                        missing.add((model, column, value))
    assert missing == set()
    assert seen == MODEL_REFERENCES.keys()
