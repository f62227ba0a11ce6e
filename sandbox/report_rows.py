"""Rows: what a report chooses from the model, and how it groups that into buckets."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sandbox.report_buckets import Buckets
from sandbox.report_cells import Row, Thing
from sandbox.reports import ReportScope, ReportSources
from sandbox.timestamps import to_milliseconds

CHANNELS = {
    "chat": frozenset({"CHAT"}),
    "email": frozenset({"EMAIL"}),
    "fbMessenger": frozenset({"FB_MESSENGER"}),
    "sms": frozenset({"SMS"}),
    "twitter": frozenset({"TWITTER"}),
    "voice": frozenset({"PHONE_CALL", "VOICEMAIL"}),
    "whatsapp": frozenset({"WHATSAPP"}),
    "instagramDirect": frozenset({"INSTAGRAM_DIRECT"}),
}
"""The contact channels behind each value of the channel filter; together they are all."""

Records = Callable[[ReportScope, ReportSources], Iterable[Row[Any]]]


def within(scope: ReportScope, at: int | None) -> bool:
    """Return whether an instant (milliseconds since 1970) lies in the report's span."""
    return at is not None and to_milliseconds(scope.start) <= at <= to_milliseconds(scope.end)


def in_channel(scope: ReportScope, channel: str) -> bool:
    """Return whether the channel filter lets a contact channel through."""
    chosen = scope.choice.channel
    return chosen is None or channel in CHANNELS[chosen]


def in_inboxes(scope: ReportScope, inbox_id: str) -> bool:
    """Return whether the inboxes filter lets an inbox through."""
    return not scope.choice.inboxes or inbox_id in scope.choice.inboxes


def in_teams(scope: ReportScope, agent_id: str) -> bool:
    """Return whether the teams filter lets an agent through."""
    members = scope.choice.team_members
    return members is None or agent_id in members


def exported(
    things: Callable[[ReportScope, ReportSources], Iterable[Thing]],
) -> Records:
    """Return the records of an export: a row for each thing."""

    def records(scope: ReportScope, sources: ReportSources) -> Iterator[Row[Thing]]:
        for thing in things(scope, sources):
            yield Row(scope, sources, [thing])

    return records


def _no_key(_: object) -> str:
    return ""


def grouped(
    things: Callable[[ReportScope, ReportSources], Iterable[Thing]],
    anchor: Callable[[Thing], int],
    key: Callable[[Thing], str] = _no_key,
    *,
    level: str | None = None,
) -> Records:
    """Return the records of an aggregated report: a row for each bucket and key with things.

    Args:
        things: What is counted, all of it within the report's span.
        anchor: The instant that decides the bucket.
        key: What rows of one bucket differ in.
        level: The aggregation level, by default the one asked for.
    """

    def records(scope: ReportScope, sources: ReportSources) -> Iterator[Row[Thing]]:
        buckets = Buckets(scope.timezone, level or scope.level)
        groups: dict[tuple[int, str], list[Thing]] = defaultdict(list)
        for thing in things(scope, sources):
            groups[buckets.start_of(anchor(thing)), key(thing)].append(thing)
        for (start, group_key), group in groups.items():
            yield Row(scope, sources, group, buckets.name_of(start), group_key)

    return records


def summed(
    things: Callable[[ReportScope, ReportSources], Iterable[Thing]],
    key: Callable[[Thing], str] = _no_key,
) -> Records:
    """Return the records of a report over its whole span: a row for each key with things."""

    def records(scope: ReportScope, sources: ReportSources) -> Iterator[Row[Thing]]:
        groups: dict[str, list[Thing]] = defaultdict(list)
        for thing in things(scope, sources):
            groups[key(thing)].append(thing)
        for group_key, group in groups.items():
            yield Row(scope, sources, group, key=group_key)

    return records
