"""The filters of a report request (Gladly API reference, Generate a Report)."""

import re
from collections.abc import Collection, Mapping

from sandbox.report_present import Present
from sandbox.report_refusals import ReportRequestError
from sandbox.report_rows import CHANNELS
from sandbox.reports import Choice

_ALL_CHANNELS = "allChannels"
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def _refused(name: str, code: str, detail: str) -> ReportRequestError:
    return ReportRequestError(f"filters.{name}", code, detail)


def _channel(filters: Mapping[str, object]) -> str | None:
    channel = filters.get("channel", _ALL_CHANNELS)
    if channel == _ALL_CHANNELS:
        return None
    if not isinstance(channel, str) or channel not in CHANNELS:
        raise _refused("channel", "invalid", "the specified value is not a valid channel")
    return channel


def _ids(filters: Mapping[str, object], name: str, one: str, known: Collection[str]) -> list[str]:
    ids = filters.get(name, [])
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise _refused(name, "invalid", f"{name} must be a list of {one} ids")
    if any(each not in known for each in ids):
        raise _refused(name, "present", f"the requested {one} does not exist")
    return ids


def _phone_number(filters: Mapping[str, object]) -> str:
    number = filters.get("phoneNumber", "")
    if number and not (isinstance(number, str) and _E164.fullmatch(number)):
        raise _refused("phoneNumber", "invalid", "phoneNumber must be like +15555555555")
    return str(number)


def choice_of(
    filters: object,
    metric_set: str,
    *,
    accepted: Collection[str],
    needed: Collection[str],
    known: Present,
) -> Choice:
    """Return what the filters choose.

    Raises:
        ReportRequestError: The API would refuse them.
    """
    if not isinstance(filters, dict):
        raise ReportRequestError("filters", "invalid", "filters must be an object")
    for name in filters:
        if name not in accepted:
            detail = f"the {name} filter cannot be applied to the {metric_set} metricSet"
            raise _refused(name, "invalid", detail)
    for name in needed:
        if not filters.get(name):
            raise _refused(name, "blank", f"{name} must be specified")
    teams = [known.teams[one] for one in _ids(filters, "teams", "team", known.teams)]
    members = frozenset(agent_id for team in teams for agent_id in team.agent_ids)
    return Choice(
        channel=_channel(filters),
        inboxes=frozenset(_ids(filters, "inboxes", "inbox", known.inboxes)),
        teams=frozenset(team.name for team in teams),
        team_members=members if teams else None,
        phone_number=_phone_number(filters),
    )
