"""How reports write things, and the kinds of columns they are made of.

Everything a row is made from is in one `Row`; a column is a function from it to its text. Formats
are those observed in files of a real organisation.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from statistics import fmean
from typing import Any, Generic, NamedTuple, TypeVar

from sandbox.reports import ReportScope, ReportSources, from_milliseconds

Thing = TypeVar("Thing")
_SECOND = 1000


class Row(NamedTuple, Generic[Thing]):
    """What one row is made from.

    Attributes:
        scope: What the report is about.
        sources: Names, among other things.
        things: What the row counts; in an export, one thing.
        bucket: The name of its time bucket, empty in reports without.
        key: What else it stands for: a channel, an agent's id, a topic's.
    """

    scope: ReportScope
    sources: ReportSources
    things: "list[Thing]"
    bucket: str = ""
    key: str = ""

    @property
    def one(self) -> Thing:
        """The row's one thing, in an export."""
        return self.things[0]

    def name(self, thing_id: str) -> str:
        """Return the present name of an agent, inbox or topic, empty if there is none."""
        return self.sources.names.get(thing_id, "")


Cell = Callable[[Row[Any]], str]
Columns = dict[str, Cell]


def count_text(number: float) -> str:
    """Write a count."""
    return str(int(number))


def seconds_text(milliseconds: float | None) -> str:
    """Write a duration: seconds with three decimals, nothing where it is not known."""
    return "" if milliseconds is None else f"{milliseconds / _SECOND:.3f}"


def decimal_text(number: float | None) -> str:
    """Write an average: up to twelve decimals, at least one."""
    if number is None:
        return ""
    text = f"{number:.12f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def mean_seconds_text(milliseconds: float | None) -> str:
    """Write an average duration: seconds, three to twelve decimals."""
    if milliseconds is None:
        return ""
    seconds = milliseconds / _SECOND
    short = f"{seconds:.3f}"
    return short if abs(float(short) - seconds) < 1e-12 else f"{seconds:.12f}"  # noqa: PLR2004 - beyond the last decimal written


def share_text(part: float, whole: float) -> str:
    """Write a share from 0 to 1 with six decimals, nothing if there is no whole."""
    return f"{part / whole:.6f}" if whole else ""


def money_text(amount: float) -> str:
    """Write an amount with two decimals."""
    return f"{amount:.2f}"


def yes_or_no(*, holds: bool) -> str:
    """Write a truth."""
    return "true" if holds else "false"


def instant_text(milliseconds: int | None, row: Row[Any]) -> str:
    """Write an instant in the report's zone with its offset, nothing where there is none."""
    if milliseconds is None:
        return ""
    local = from_milliseconds(milliseconds).astimezone(row.scope.timezone)
    text = local.isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def _names(ids: Iterable[str], row: Row[Any], everything: str) -> str:
    return ", ".join(sorted(map(row.name, ids))) or everything


TIMEZONE: Columns = {"Timezone Filter": lambda row: row.scope.timezone.key}
CHANNEL: Columns = {"Channel Filter": lambda row: row.scope.choice.channel or "All Channels"}
INBOXES: Columns = {
    "Inboxes Filter": lambda row: _names(row.scope.choice.inboxes, row, "All Inboxes")
}
TEAMS: Columns = {
    "Teams Filter": lambda row: ", ".join(sorted(row.scope.choice.teams)) or "All Teams"
}


def bucket(row: Row[Any]) -> str:
    """Write the row's time bucket."""
    return row.bucket


def key(row: Row[Any]) -> str:
    """Write what else the row stands for."""
    return row.key


def name_of_key(row: Row[Any]) -> str:
    """Write the name of what the row stands for."""
    return row.name(row.key)


def of(attribute: Callable[[Any], object]) -> Cell:
    """Return the column of a text or number of the row's one thing, empty for None."""

    def cell(row: Row[Any]) -> str:
        value = attribute(row.one)
        return "" if value is None else str(value)

    return cell


def name_of(attribute: Callable[[Any], str]) -> Cell:
    """Return the column of the name of an agent, inbox or topic of the row's one thing."""
    return lambda row: row.name(attribute(row.one))


def instant(attribute: Callable[[Any], int | None]) -> Cell:
    """Return the column of an instant of the row's one thing."""
    return lambda row: instant_text(attribute(row.one), row)


def seconds(attribute: Callable[[Any], float | None]) -> Cell:
    """Return the column of a duration of the row's one thing."""
    return lambda row: seconds_text(attribute(row.one))


def flag(predicate: Callable[[Any], bool]) -> Cell:
    """Return the column of a truth about the row's one thing."""
    return lambda row: yes_or_no(holds=predicate(row.one))


def everything(_: object) -> bool:
    """Accept anything."""
    return True


def count(predicate: Callable[[Any], object] = everything) -> Cell:
    """Return the column that counts the things of which something is true."""
    return lambda row: count_text(sum(1 for thing in row.things if predicate(thing)))


def total(amount: Callable[[Any], float]) -> Cell:
    """Return the column of a sum of whole numbers."""
    return lambda row: count_text(sum(map(amount, row.things)))


def distinct(
    attribute: Callable[[Any], Hashable], predicate: Callable[[Any], object] = everything
) -> Cell:
    """Return the column that counts different values."""
    return lambda row: count_text(len({attribute(one) for one in row.things if predicate(one)}))


def share(part: Callable[[Any], object], whole: Callable[[Any], object] = everything) -> Cell:
    """Return the column of the share that `part` has in `whole`."""
    return lambda row: share_text(
        sum(map(bool, map(part, row.things))), sum(map(bool, map(whole, row.things)))
    )


def _known(row: Row[Any], value: Callable[[Any], float | None]) -> list[float]:
    return [known for thing in row.things if (known := value(thing)) is not None]


def mean(value: Callable[[Any], float | None]) -> Cell:
    """Return the column of an average over the things that have a value."""

    def cell(row: Row[Any]) -> str:
        known = _known(row, value)
        return decimal_text(fmean(known)) if known else ""

    return cell


def mean_time(value: Callable[[Any], float | None]) -> Cell:
    """Return the column of an average duration over the things that have one."""

    def cell(row: Row[Any]) -> str:
        known = _known(row, value)
        return mean_seconds_text(fmean(known)) if known else ""

    return cell


def longest(value: Callable[[Any], float | None]) -> Cell:
    """Return the column of the longest duration."""
    return lambda row: seconds_text(max(_known(row, value), default=None))


def between(
    start: Callable[[Any], int | None], end: Callable[[Any], int | None]
) -> Callable[[Any], int | None]:
    """Return how long it is from one instant of a thing to another, None unless it has both."""

    def duration(thing: object) -> int | None:
        from_, until = start(thing), end(thing)
        return None if from_ is None or until is None else until - from_

    return duration


def constants(cells: Mapping[str, str]) -> Columns:
    """Return columns that say the same in each row."""

    def always(text: str) -> Cell:
        return lambda _: text

    return {name: always(text) for name, text in cells.items()}
