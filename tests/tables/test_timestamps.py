from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.tables.timestamps import format_timestamp, is_canonical, parse_timestamp
from tests.leaves import instant

MANY = settings(max_examples=500, derandomize=True, deadline=None)


def padded(width: int, low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(lambda number: f"{number:0{width}}")


# dates and times that may or may not exist
TEXTS = st.builds(
    "{}-{}-{}{}{}:{}:{}{}{}".format,
    padded(4, 0, 9999) | st.sampled_from(["0999", "1000", "2024", "9999"]),
    padded(2, 0, 13),
    padded(2, 0, 32),
    st.sampled_from(["T", "T", "T", "t", " "]),
    padded(2, 0, 24),
    padded(2, 0, 60),
    padded(2, 0, 61),
    st.just("") | st.text("0123456789", max_size=12).map(".{}".format),
    st.sampled_from(["Z", "Z", "Z", "z", ""])
    | st.builds("{}{}:{}".format, st.sampled_from("+-"), padded(2, 0, 25), padded(2, 0, 61)),
)


@MANY
@given(TEXTS)
def test_an_instant_is_exact_or_said_not_to_be(text: str) -> None:
    parsed = parse_timestamp(text)
    assert (tuple(parsed) if parsed else (None, False)) == instant(text)


@MANY
@given(st.datetimes(datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_the_canonical_form_goes_there_and_back(at: datetime) -> None:
    text = format_timestamp(at)
    assert is_canonical(text)
    assert parse_timestamp(text) == (at, True)


@MANY
@given(TEXTS.filter(is_canonical))
def test_a_canonical_text_means_to_arrow_what_it_means_to_us(text: str) -> None:
    parsed = parse_timestamp(text)
    try:
        cast = pa.array([text]).cast(pa.timestamp("us", "UTC")).to_pylist()
    except pa.ArrowInvalid:
        cast = [None]
    assert cast == [parsed.at if parsed else None]


@pytest.mark.parametrize(
    ("text", "at", "exact"),
    [
        ("2024-03-01T00:30:00+01:00", datetime(2024, 2, 29, 23, 30, tzinfo=UTC), False),
        ("2024-03-01T08:00:00.1234569Z", datetime(2024, 3, 1, 8, 0, 0, 123456, UTC), False),
        ("2024-03-01T08:00:00.1000000Z", datetime(2024, 3, 1, 8, 0, 0, 100000, UTC), True),
        ("2024-03-01T08:00:00-00:00", datetime(2024, 3, 1, 8, tzinfo=UTC), True),
    ],
)
def test_offsets_and_small_digits(text: str, at: datetime, exact: bool) -> None:  # noqa: FBT001 - a column of the table above
    assert parse_timestamp(text) == (at, exact)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1000-01-01T00:00:00+00:01", id="year 999 in UTC"),
        pytest.param("9999-12-31T23:59:59-00:01", id="year 10000 in UTC"),
        pytest.param("2024-03-01T08:00:00+10:75", id="an offset of 75 minutes"),
        pytest.param("2024-03-01T08:00:00+24:00", id="an offset of a day"),
        pytest.param("2024-03-01T08:00:00Z\n", id="a newline after it"),
        pytest.param("२०२४-03-01T08:00:00Z", id="digits of another script"),
        pytest.param("2016-12-31T23:59:60Z", id="a leap second"),
    ],
)
def test_what_no_destination_could_hold_is_no_timestamp(text: str) -> None:
    assert parse_timestamp(text) is None
