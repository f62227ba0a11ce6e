"""The body of a report request and what is refused (Gladly API reference, Generate a Report)."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import orjson

from sandbox.report_buckets import AGGREGATION_LEVELS, DAILY, HALF_HOURLY
from sandbox.report_filters import choice_of
from sandbox.report_present import Present
from sandbox.report_refusals import ReportRequestError
from sandbox.reports import Choice, MetricSet

ORGANIZATION_TIMEZONE = "America/Los_Angeles"
"""Not UTC, so that a client that forgets to ask for UTC is found out."""

_DAYS = ("startAt", "endAt", "timezone")
_INSTANTS = ("startAtTime", "endAtTime")
_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(Z|[+-]\d\d:\d\d)")
_DAYS_OF_HALF_HOURS = 31


class Days(NamedTuple):
    """Whole days of a time zone, the last one included."""

    first: date
    last: date
    timezone: ZoneInfo


class Instants(NamedTuple):
    """Minutes, the last one included; both in UTC."""

    start: datetime
    end: datetime


class ReportRequest(NamedTuple):
    """What a client asks for."""

    metric_set: str
    span: Days | Instants
    level: str = DAILY
    choice: Choice = Choice()


@lru_cache(maxsize=1)
def _known_timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ReportRequestError(None, "invalid", "the body must be JSON") from error
    if not isinstance(fields, dict):
        raise ReportRequestError(None, "invalid", "the body must be a JSON object")
    return fields


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value in (None, ""):
        raise ReportRequestError(name, "blank", f"{name} must be specified")
    if not isinstance(value, str):
        raise ReportRequestError(name, "invalid", f"{name} must be a string")
    return value


def _day(fields: Mapping[str, Any], name: str) -> date:
    text = _text(fields, name)
    refusal = ReportRequestError(name, "invalid", f"{name} must be a date like 2019-05-01")
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise refusal from error
    if text != day.isoformat():  # Python also reads 20190501 and 2019-W18-3
        raise refusal
    return day


def _timezone(fields: Mapping[str, Any]) -> ZoneInfo:
    if fields.get("timezone") is None:
        return ZoneInfo(ORGANIZATION_TIMEZONE)
    name = _text(fields, "timezone")
    if name not in _known_timezones():
        raise ReportRequestError("timezone", "invalid", "timezone must be in the IANA database")
    return ZoneInfo(name)


def _instant(fields: Mapping[str, Any], name: str) -> datetime:
    text = _text(fields, name)
    refusal = ReportRequestError(name, "invalid", f"{name} must be like 2020-04-13T19:27Z")
    if not _MINUTE.fullmatch(text):
        raise refusal
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise refusal from error


def _days(fields: Mapping[str, Any]) -> Days:
    days = Days(_day(fields, "startAt"), _day(fields, "endAt"), _timezone(fields))
    if days.last < days.first:
        raise ReportRequestError("endAt", "invalid", "endAt cannot be before startAt")
    return days


def _instants(fields: Mapping[str, Any]) -> Instants:
    instants = Instants(_instant(fields, "startAtTime"), _instant(fields, "endAtTime"))
    if instants.end <= instants.start:
        detail = "endAtTime must occur after startAtTime"
        raise ReportRequestError("startAtTime", "invalid", detail)
    return instants


def _span(fields: Mapping[str, Any], name: str, metric_set: MetricSet[Any]) -> Days | Instants:
    given = [field for field in _INSTANTS if field in fields]
    if given and not metric_set.reads_instants:
        detail = f"{given[0]} cannot be applied to the {name} metricSet"
        raise ReportRequestError(given[0], "invalid", detail)
    if not given and metric_set.reads_days:
        return _days(fields)
    for field in _DAYS:
        if field in fields:
            detail = f"{field} must not be specified for startAtTime and endAtTime"
            raise ReportRequestError(field, "invalid", detail)
    return _instants(fields)


def _level(fields: Mapping[str, Any], span: Days | Instants, *, has_levels: bool) -> str:
    level: str = fields.get("aggregationLevel", DAILY)
    if isinstance(span, Days) and has_levels and level == HALF_HOURLY:
        days = (span.last - span.first).days + 1
        if days > _DAYS_OF_HALF_HOURS:
            detail = f"halfHourly is not available for more than {_DAYS_OF_HALF_HOURS} days"
            raise ReportRequestError("aggregationLevel", "invalid", detail)
    return level


def read_report_request(
    body: bytes, metric_sets: Mapping[str, MetricSet[Any]], known: Present
) -> ReportRequest:
    """Return what `body` asks for.

    Raises:
        ReportRequestError: The API would refuse it; the first thing that is wrong.
    """
    fields = _fields(body)
    name = _text(fields, "metricSet")
    metric_set = metric_sets.get(name)
    if metric_set is None:
        raise ReportRequestError("metricSet", "invalid", f"there is no metricSet {name}")
    if fields.get("aggregationLevel", DAILY) not in AGGREGATION_LEVELS:
        detail = "the specified value is not a valid aggregation level"
        raise ReportRequestError("aggregationLevel", "invalid", detail)
    choice = choice_of(
        fields.get("filters", {}),
        name,
        accepted=metric_set.filters,
        needed=metric_set.needs,
        known=known,
    )
    span = _span(fields, name, metric_set)
    level = _level(fields, span, has_levels=metric_set.has_levels)
    return ReportRequest(name, span, level, choice)


def read_work_session_request(body: bytes) -> Instants:
    """Return the minutes that a request for work sessions asks for.

    Raises:
        ReportRequestError: The API would refuse it; the first thing that is wrong.
    """
    return _instants(_fields(body))
