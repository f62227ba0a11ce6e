from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.streams.archive import archive_path

ROOT = Path("archive")
MANY = settings(max_examples=300, derandomize=True, deadline=None)
_NAMES = st.text(max_size=300) | st.sampled_from(
    ["", ".", "..", "../../etc/passwd", "/etc", "a\0b"]
)


@MANY
@given(st.lists(_NAMES, min_size=1, max_size=3))
def test_no_name_leads_out_of_the_archive(names: list[str]) -> None:
    path = archive_path(ROOT, *names)
    assert path.parents[len(names) - 1] == ROOT
    assert ".." not in path.parts
    assert all(len(part.encode()) < 100 and part.isprintable() for part in path.parts)


@MANY
@given(_NAMES, _NAMES)
def test_different_names_have_different_places(one: str, other: str) -> None:
    assert (archive_path(ROOT, one) == archive_path(ROOT, other)) == (one == other)


@pytest.mark.parametrize("name", ["conversation_items.jsonl", "agents.jsonl"])
def test_a_plain_name_can_be_read(name: str) -> None:
    assert archive_path(ROOT, name).name.startswith(f"{name}-")
