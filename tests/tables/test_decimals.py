"""An amount is stored to its last digit, or kept in ``_extra`` as it was sent."""

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gladly.event_types import PAYMENT_REQUEST
from sources.streams.lines import whole_lines
from sources.tables.build import TableBuilder
from sources.tables.decimals import CANONICAL_PATTERN, is_canonical, parse_decimal
from sources.tables.decode import RecordDecoder
from sources.tables.structure import compile_record
from tests.leaves import money
from tests.tables.parsing import LINEAGE, LosslessDecoder, joined, parser_of

MANY = settings(max_examples=500, derandomize=True, deadline=None)
NODE = compile_record(PAYMENT_REQUEST)
TABLE = "payment_request_events"

_DIGITS = st.text("0123456789", min_size=1, max_size=12) | st.integers(1, 45).map("9".__mul__)
_WHOLE = st.just("0") | st.builds("{}{}".format, st.sampled_from("123456789"), _DIGITS)
_EXPONENTS = st.integers(-45, 45) | st.sampled_from([-(10**9), -400, 400, 10**9, 10**20])
NUMBERS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "-"]),
    _WHOLE,
    st.just("") | _DIGITS.map(".{}".format) | st.just(f".{'0' * 1200}"),
    st.just("") | st.builds("{}{}".format, st.sampled_from(["e", "E", "e+"]), _EXPONENTS),
).map(lambda text: text.replace("+-", "-"))


def event(key: str, amount: str) -> bytes:
    return f'{{"id":"{key}","type":"PAYMENT_REQUEST/VIEWED",{content(amount)}}}'.encode()


def extra(amount: str) -> str:
    return f"{{{content(amount)}}}"


def content(amount: str) -> str:
    return f'"content":{{"context":{{"monetaryUnit":{amount}}}}}'


def stored(amounts: list[str]) -> list[tuple[Decimal | None, str | None]]:
    """Return what the warehouse keeps of each amount: the column, and the row's ``_extra``."""
    lines = whole_lines(joined(event(f"event-{n}", text) for n, text in enumerate(amounts)))
    rows = parser_of("events").parse(lines, LINEAGE).tables[TABLE].to_pylist()
    return [(row["monetary_unit"], row["_extra"]) for row in rows]


@MANY
@given(amounts=st.lists(NUMBERS, min_size=1, max_size=4))
def test_a_number_is_stored_exactly_or_kept_as_sent(amounts: list[str]) -> None:
    for text, (value, rest) in zip(amounts, stored(amounts), strict=True):
        expected = money(text)
        assert (value, rest) == (expected, None if expected is not None else extra(text))
        assert value is None or value == Decimal(text)


@MANY
@given(amounts=st.lists(NUMBERS, min_size=1, max_size=4))
def test_both_decode_paths_store_the_same(amounts: list[str]) -> None:
    lines = whole_lines(joined(event(f"event-{n}", text) for n, text in enumerate(amounts)))
    strict, lossless = (
        TableBuilder(NODE).build(decoder(NODE).decode_each(lines), LINEAGE)
        for decoder in (RecordDecoder, LosslessDecoder)
    )
    assert strict == lossless == parser_of("events").parse(lines, LINEAGE).tables


@MANY
@given(text=NUMBERS)
def test_the_canonical_form_of_a_number_is_canonical_and_equal(text: str) -> None:
    canonical = parse_decimal(text)
    if canonical is not None:
        assert is_canonical(canonical)
        assert Decimal(canonical) == Decimal(text)


@MANY
@given(text=st.text("0123456789.-+eE \n٣", max_size=45) | NUMBERS)
def test_arrow_takes_the_form_we_say_it_takes(text: str) -> None:
    taken = pc.match_substring_regex(pa.array([text]), CANONICAL_PATTERN)[0].as_py()
    assert is_canonical(text) == taken


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("5", "5", id="an integer"),
        pytest.param("19.99", "19.99", id="cents"),
        pytest.param("-0", "0", id="minus zero"),
        pytest.param("0e999999", "0", id="zero, written oddly"),
        pytest.param("1E+2", "100", id="an exponent"),
        pytest.param("0.123456789", "0.123456789", id="nine digits after the point"),
        pytest.param("0.1234567890", "0.123456789", id="a tenth that is zero"),
        pytest.param("0.1234567891", None, id="ten digits after the point"),
        pytest.param("9" * 29 + "." + "9" * 9, "9" * 29 + "." + "9" * 9, id="the largest"),
        pytest.param("1" + "0" * 29, None, id="30 digits"),
        pytest.param("1e29", None, id="30 digits, as an exponent"),
        pytest.param("1e999999", None, id="a number no type holds"),
        pytest.param("1e99999999999999999999", None, id="an exponent no type holds"),
        pytest.param("null", None, id="null"),
    ],
)
def test_amounts(text: str, value: str | None) -> None:
    kept_as_sent = None if value is not None or text == "null" else extra(text)
    assert stored([text]) == [(None if value is None else Decimal(value), kept_as_sent)]


@pytest.mark.parametrize("text", ['"5"', '"null"', '"5\\n"', "true", "[5]", '{"amount":5}', '""'])
def test_what_is_no_number_is_kept_as_sent(text: str) -> None:
    assert stored([text, "5"]) == [(None, extra(text)), (Decimal(5), None)]


def test_bytes_that_are_no_text_are_quarantined() -> None:
    broken = event("event-1", '"?"').replace(b"?", b"\xff")
    parsed = parser_of("events").parse(whole_lines(joined([broken])), LINEAGE)
    assert [line.reason for line in parsed.quarantined] == ["not UTF-8: byte 0xff"]
