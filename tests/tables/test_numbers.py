"""Doubles: exact, or the text is kept as well."""

import math
from decimal import Decimal
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.tables.build import Lineage
from sources.tables.declarations import Field, Kind, Record
from sources.tables.numbers import is_canonical, parse_number
from sources.tables.parquet import TableFiles
from sources.tables.parse import parse_file, parser_for
from tests.golden.pairs import LINEAGE

MANY = settings(max_examples=500, derandomize=True, deadline=None)
TEXTS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
MEASURED = Record(
    "measurements",
    (
        Field("id", "id", Kind.TEXT, "The measurement."),
        Field("value", "value", Kind.NUMBER, "What was measured."),
    ),
    "Measurements.",
    "none",
)


def rows(lines: list[bytes], lineage: Lineage = LINEAGE) -> list[dict[str, Any]]:
    with TemporaryDirectory() as folder, TableFiles(Path(folder)) as files:
        parse_file(BytesIO(b"\n".join([*lines, b""])), parser_for(MEASURED), lineage, files)
        (file,) = files.finish()
        found: list[dict[str, Any]] = pq.read_table(file.path).to_pylist()
    return found


@MANY
@given(TEXTS)
def test_a_number_is_the_double_nearest_to_its_text(text: str) -> None:
    parsed = parse_number(text)
    if parsed is None:
        assert math.isinf(float(text))
    else:
        assert parsed.value == float(text)
        assert parsed.exact == (Decimal(repr(parsed.value)) == Decimal(text))


@pytest.mark.parametrize("factor", [1, 60])
@pytest.mark.parametrize("text", ["9" * 29, f"1.{'0' * 28}1", f"1.{'0' * 900}1"])
def test_a_number_of_more_digits_than_decimals_usually_have_is_not_exact(
    text: str, factor: int
) -> None:
    parsed = parse_number(text, factor)
    assert parsed is not None
    assert Fraction(text) * factor != Fraction(repr(parsed.value))
    assert not parsed.exact


@MANY
@given(TEXTS)
def test_what_the_fast_path_takes_is_exact(text: str) -> None:
    parsed = parse_number(text)
    assert not is_canonical(text) or (parsed is not None and parsed.exact)


@MANY
@given(TEXTS)
def test_a_number_of_a_record_is_in_its_column_or_kept_as_sent(text: str) -> None:
    [row] = rows([b'{"id":"a","value":%b}' % text.encode()])
    parsed = parse_number(text)
    assert row["value"] == (parsed.value if parsed else None)
    is_kept = row["_extra"] is not None
    assert is_kept != bool(parsed and parsed.exact)


def test_other_values_and_none_leave_the_column_null() -> None:
    lines = [b'{"id":"a","value":1.5}', b'{"id":"b","value":null}', b'{"id":"c"}']
    assert [row["value"] for row in rows(lines)] == [1.5, None, None]
    [row] = rows([b'{"id":"d","value":"1.5"}'])
    assert (row["value"], orjson.loads(row["_extra"])) == (None, {"value": "1.5"})
