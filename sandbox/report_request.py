"""The body of a report request and what is refused (Gladly API reference, Generate a Report)."""

from collections.abc import Collection, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import orjson

from sandbox.reports import MetricSet

ORGANIZATION_TIMEZONE = "America/Los_Angeles"
"""Not UTC, so that a client that forgets to ask for UTC is found out."""

_AGGREGATION_LEVELS = ("halfHourly", "daily", "weekly", "monthly", "quarterly")
_INSTANTS = ("startAtTime", "endAtTime")


class ReportRequestError(ValueError):
    """A request the API refuses with 400.

    Attributes:
        attribute: The field of the body that is wrong, or None for the body as a whole.
        code: What is wrong with it, as the API says it.
    """

    def __init__(self, attribute: str | None, code: str, detail: str) -> None:
        super().__init__(detail)
        self.attribute = attribute
        self.code = code


class ReportRequest(NamedTuple):
    """What a client asks for: whole days of a time zone, the last one included."""

    metric_set: str
    first_day: date
    last_day: date
    timezone: ZoneInfo


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


def _check_teams(teams: object) -> None:
    if not isinstance(teams, list):
        raise ReportRequestError("filters.teams", "invalid", "teams must be a list of team ids")
    if teams:  # the world has none
        raise ReportRequestError("filters.teams", "present", "the requested team does not exist")


def _check_filters(filters: object, metric_set: str, accepted: Collection[str]) -> None:
    if not isinstance(filters, dict):
        raise ReportRequestError("filters", "invalid", "filters must be an object")
    for name in filters:
        if name not in accepted:
            detail = f"the {name} filter cannot be applied to the {metric_set} metricSet"
            raise ReportRequestError(f"filters.{name}", "invalid", detail)
    _check_teams(filters.get("teams", []))


def _check_options(fields: Mapping[str, Any], metric_set: str, accepted: Collection[str]) -> None:
    for name in _INSTANTS:
        if name in fields:
            detail = f"{name} cannot be applied to the {metric_set} metricSet"
            raise ReportRequestError(name, "invalid", detail)
    if fields.get("aggregationLevel", "daily") not in _AGGREGATION_LEVELS:
        detail = "the specified value is not a valid aggregation level"
        raise ReportRequestError("aggregationLevel", "invalid", detail)
    _check_filters(fields.get("filters", {}), metric_set, accepted)


def read_report_request(body: bytes, metric_sets: Mapping[str, MetricSet[Any]]) -> ReportRequest:
    """Return what `body` asks for.

    Raises:
        ReportRequestError: The API would refuse it; the first thing that is wrong.
    """
    fields = _fields(body)
    name = _text(fields, "metricSet")
    if name not in metric_sets:
        raise ReportRequestError("metricSet", "invalid", f"there is no metricSet {name}")
    _check_options(fields, name, metric_sets[name].filters)
    request = ReportRequest(name, _day(fields, "startAt"), _day(fields, "endAt"), _timezone(fields))
    if request.last_day < request.first_day:
        raise ReportRequestError("endAt", "invalid", "endAt cannot be before startAt")
    return request
