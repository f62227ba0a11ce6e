"""Cells to values: what fits, what is kept beside it, and what is not guessed."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gladly.report_columns import CellKind
from sources.gladly.report_values import (
    Value,
    day_start,
    nulls_of,
    read_boolean,
    read_bracketed_list,
    read_date,
    read_decimal,
    read_integer,
    read_list,
    read_minutes,
    read_moment,
    read_number,
    read_text,
)

MANY = settings(max_examples=500, derandomize=True, deadline=None)
NEW_YORK = ZoneInfo("America/New_York")
HAVANA = ZoneInfo("America/Havana")  # puts its clock back at 1 o'clock: midnight comes twice
CAIRO = ZoneInfo("Africa/Cairo")  # puts its clock on at midnight: there is none


@pytest.mark.parametrize("cell", ["", "Null"])
@pytest.mark.parametrize("kind", CellKind)
def test_nothing_is_nothing_in_every_column(kind: CellKind, cell: str) -> None:
    assert cell in nulls_of(kind)


def test_the_word_null_may_be_a_text_but_no_id() -> None:
    assert "NULL" not in nulls_of(CellKind.TEXT)
    assert "NULL" in nulls_of(CellKind.ID)
    assert " " not in nulls_of(CellKind.ID)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0", 0),
        ("-12", -12),
        ("7.0", 7),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("007", None),
        ("1,200", None),
        ("1.5", None),
        ("+1", None),
        ("\u0661", None),
        ("-", None),
    ],
)
def test_integers(cell: str, value: int | None) -> None:
    assert read_integer(cell) == (None if value is None else Value(value))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0.543210", Value(0.54321)),
        ("-12.125", Value(-12.125)),
        ("0.3333333333333333", Value(0.3333333333333333)),
        ("1e3", Value(1000.0)),
        (".5", Value(0.5)),
        ("0.1234567890123456789", Value(0.12345678901234568, is_exact=False)),
        ("9007199254740993", Value(9007199254740992.0, is_exact=False)),
        ("1,200", None),
        ("$5", None),
        ("54%", None),
        ("NaN", None),
        ("1e999", None),
        ("1_000", None),
        (" 1", None),
    ],
)
def test_numbers(cell: str, value: Value | None) -> None:
    assert read_number(cell) == value


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [("12.5", 750.0), ("0.016667", 1.00002), ("-1", -60.0), ("12 min", None)],
)
def test_minutes_become_seconds(cell: str, seconds: float | None) -> None:
    assert read_minutes(cell) == (None if seconds is None else Value(seconds))


@pytest.mark.parametrize(
    ("cell", "amount"),
    [("12.50", "12.5"), ("-3", "-3"), ("0.1234567891", None), ("1e2", None), ("$1", None)],
)
def test_amounts_are_exact_decimals(cell: str, amount: str | None) -> None:
    assert read_decimal(cell) == (None if amount is None else Value(Decimal(amount)))


@pytest.mark.parametrize(
    ("cell", "value"),
    [("Yes", True), ("N", False), ("true", True), ("FALSE", False), ("1", None), ("maybe", None)],
)
def test_booleans(cell: str, value: bool | None) -> None:  # noqa: FBT001 - what a test expects
    assert read_boolean(cell) == (None if value is None else Value(value))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("Sales, Returns", Value('["Sales","Returns"]')),
        ("Sales,Returns", Value('["Sales","Returns"]')),
        ("Sales, Returns,VIP", Value('["Sales","Returns","VIP"]', is_exact=False)),
        ("[VIP]", Value('["[VIP]"]')),
        ("a\0b", None),
    ],
)
def test_lists_are_names_between_commas(cell: str, value: Value | None) -> None:
    assert read_list(cell) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("[MAIL, VOICE]", Value('["MAIL","VOICE"]')),
        ("[ ]", Value("[]")),
        ("[]", Value("[]")),
        ("MAIL", None),
        ("[", None),
    ],
)
def test_lists_in_brackets(cell: str, value: Value | None) -> None:
    assert read_bracketed_list(cell) == value


def test_a_date_is_its_text_if_there_is_such_a_day() -> None:
    assert read_date("2024-02-29") == Value("2024-02-29")
    assert read_date("2023-02-29") is None
    assert read_date("20240229") is None


def test_a_text_holds_no_nul() -> None:
    assert read_text("a\0b") is None
    assert read_text("  a\n") == Value("  a\n")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("cell", "instant", "is_exact"),
    [
        ("2024-03-01 09:30:00", "2024-03-01T14:30:00Z", True),
        ("2024-03-01 09:30", "2024-03-01T14:30:00Z", True),
        ("2024-03-01T14:30:00Z", "2024-03-01T14:30:00Z", True),
        ("2024-03-01 14:30:00 UTC", "2024-03-01T14:30:00Z", True),
        ("2024-03-01T09:30:00-05:00", "2024-03-01T14:30:00Z", True),
        ("2024-03-01T09:30:00-0500", "2024-03-01T14:30:00Z", True),
        ("2024-03-01T15:30:00+01:00", "2024-03-01T14:30:00Z", False),
        ("2024-03-01T14:30:00.1234567Z", "2024-03-01T14:30:00.123456Z", False),
        ("2024-03-01 09:30:00.5", "2024-03-01T14:30:00.5Z", True),
        ("2024-03-01", "2024-03-01T05:00:00Z", False),
        # put forward at 2 o'clock: 2:30 was never shown
        ("2024-03-10 02:30:00", "2024-03-10T07:30:00Z", False),
    ],
)
def test_times_are_utc_or_of_the_zone_of_the_report(
    cell: str,
    instant: str,
    is_exact: bool,  # noqa: FBT001 - what a test expects
) -> None:
    moment = read_moment(cell, NEW_YORK)
    assert moment is not None
    assert (moment.at, moment.second, moment.is_exact) == (at(instant), at(instant), is_exact)


def test_a_time_that_came_twice_has_two_instants() -> None:
    moment = read_moment("2024-11-03 01:30:00", NEW_YORK)
    assert moment is not None
    assert (moment.at, moment.second) == (at("2024-11-03T05:30:00Z"), at("2024-11-03T06:30:00Z"))
    assert not moment.is_exact


def test_the_day_of_an_instant_is_that_of_the_zone() -> None:
    moment = read_moment("2024-03-02T03:00:00Z", NEW_YORK)
    assert moment is not None
    assert moment.day == date(2024, 3, 1)


@pytest.mark.parametrize(
    "cell",
    ["", "yesterday", "2024-02-30 00:00", "2024-03-01 25:00", "09:30", "1709285400", "1000-01-01"],
)
def test_what_is_no_time_is_none(cell: str) -> None:
    assert read_moment(cell, ZoneInfo("Asia/Tokyo")) is None


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        (NEW_YORK, date(2024, 3, 1), "2024-03-01T05:00:00Z"),
        (HAVANA, date(2024, 11, 3), "2024-11-03T04:00:00Z"),
        (CAIRO, date(2024, 4, 26), "2024-04-25T22:00:00Z"),
    ],
    ids=["usual", "midnight comes twice", "there is no midnight"],
)
def test_a_day_begins_when_its_first_moment_is_shown(zone: ZoneInfo, day: date, start: str) -> None:
    assert day_start(day, zone) == at(start)


ZONES = st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])


@MANY
@given(st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)), ZONES)  # noqa: DTZ001 - local times
def test_a_local_time_is_exact_unless_the_clock_was_changed(local: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    moment = read_moment(local.isoformat(sep=" "), zone)
    assert moment is not None
    shown = {each.astimezone(zone).replace(tzinfo=None) for each in (moment.at, moment.second)}
    assert moment.day == local.date()
    assert moment.is_exact == (shown == {local} and moment.at == moment.second)
    assert shown == {local} or not moment.is_exact
