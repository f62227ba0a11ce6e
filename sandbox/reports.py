"""What a report is made of: its columns, the records behind its rows, and the span it covers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar
from zoneinfo import ZoneInfo

from sandbox.timestamps import to_milliseconds
from sandbox.world import World

if TYPE_CHECKING:
    from sandbox.report_model import Models
    from sandbox.report_present import Present

Record = TypeVar("Record")

REPORT_DELAY = timedelta(hours=1)
"""How far reports are behind (Gladly help, data latency)."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = 60_000


class RecordedEvent(Protocol):
    """An event as reports see it."""

    @property
    def recorded_at(self) -> int:
        """Milliseconds since 1970."""

    @property
    def record(self) -> dict[str, Any]:
        """A line of GET /api/v1/events."""


class RecordedEvents(Protocol):
    """All events of the organisation, for ever."""

    def events(self, start: datetime, end: datetime) -> Iterator[RecordedEvent]:
        """Yield the events recorded from `start` to `end`, both included, in this order."""


class Choice(NamedTuple):
    """The filters of one report.

    Attributes:
        channel: One of the API's names of channels, None for all.
        inboxes: Inbox ids; none for all.
        teams: Names of teams; none for all.
        team_members: The ids of the agents of these teams, None for everybody.
        phone_number: The inbound number it is about, where it is about one.
    """

    channel: str | None = None
    inboxes: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    team_members: frozenset[str] | None = None
    phone_number: str = ""


class ReportScope(NamedTuple):
    """What a report is about.

    Attributes:
        timezone: The zone of its days and of the instants it shows.
        start: The first instant it covers, in UTC.
        end: The last instant it covers, in UTC; before `start` if nothing is reported yet.
        as_of: The last instant that is reported: what happened later is not known yet.
        level: How long its buckets are, if it has any.
        choice: Its filters.
    """

    timezone: ZoneInfo
    start: datetime
    end: datetime
    as_of: datetime
    level: str = "daily"
    choice: Choice = Choice()


class ReportSources(NamedTuple):
    """What reports are made from; one field for each kind of record that some report reads.

    Attributes:
        events: The organisation's events.
        names: The present names of agents, inboxes and topics by id.
        present: What else is known of them at present.
        world: What the organisation is made of.
        models: What the events add up to.
    """

    events: RecordedEvents
    names: Mapping[str, str]
    present: "Present"
    world: World
    models: "Models"


@dataclass(frozen=True, slots=True)
class MetricSet(Generic[Record]):
    """One report.

    Attributes:
        columns: How each cell is made from a record, by the column's name, in the file's order.
        records: What the rows are made from, one row a record.
        filters: The filters it accepts (Gladly API reference, Generate a Report).
        needs: Those of them it cannot do without.
        has_levels: Whether it has time buckets, so that an aggregation level means something.
        reads_days: Whether it can be asked for whole days.
        reads_instants: Whether it can be asked for minutes instead.
    """

    columns: Mapping[str, Callable[[Record], str]]
    records: Callable[[ReportScope, ReportSources], Iterable[Record]]
    filters: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    has_levels: bool = False
    reads_days: bool = True
    reads_instants: bool = False


def from_milliseconds(milliseconds: int) -> datetime:
    """Return the instant so many milliseconds after 1970 began, in UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def report_scope(first: date, last: date, timezone: ZoneInfo, now: datetime) -> ReportScope:
    """Return what a report of whole days can show at `now`.

    Both days belong to it in full, as far as they are an hour past:

            first, 00:00                          last, 24:00
                 |-------------------------------------)
                 [===================]                        end = now - 1 h, included
               start                end
                 [====================================]       end = last millisecond of the day

    Raises:
        OverflowError: The last day ends with the calendar.
    """
    start = datetime.combine(first, time(), timezone)
    behind_end = datetime.combine(last + timedelta(days=1), time(), timezone)
    last_reported = to_milliseconds(now - REPORT_DELAY)
    end = min(to_milliseconds(behind_end) - 1, last_reported)
    # the stream may look back from its start, so this one keeps clear of the year 1
    first_reported = max(to_milliseconds(start), 0)
    return ReportScope(
        timezone,
        from_milliseconds(first_reported),
        from_milliseconds(end),
        from_milliseconds(last_reported),
    )


def scope_of_instants(start: datetime, end: datetime, now: datetime) -> ReportScope:
    """Return what a report of minutes can show at `now`; its zone is UTC.

    The minute of `end` belongs to it (Gladly API reference, Work Session Report):

        start 19:27                    end 20:27
          |-----------------------------------|--)
          [======================================]    last millisecond of 20:27
    """
    last_reported = to_milliseconds(now - REPORT_DELAY)
    last = min(to_milliseconds(end) + _MINUTE - 1, last_reported)
    first = max(to_milliseconds(start), 0)
    return ReportScope(
        ZoneInfo("UTC"),
        from_milliseconds(first),
        from_milliseconds(last),
        from_milliseconds(last_reported),
    )
