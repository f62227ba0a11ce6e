"""The reports of tasks and payment requests (Gladly help, Task Summary and Payments Summary)."""

from collections.abc import Callable, Iterator

from sandbox.report_cells import (
    INBOXES,
    TEAMS,
    TIMEZONE,
    Cell,
    Row,
    between,
    bucket,
    count,
    instant,
    key,
    mean,
    mean_time,
    money_text,
    name_of,
    name_of_key,
    of,
    seconds,
)
from sandbox.report_rows import exported, grouped, in_inboxes, in_teams, within
from sandbox.report_tasks import Payment, Task
from sandbox.reports import MetricSet, ReportScope, ReportSources

_FILTERS = frozenset({"inboxes", "teams"})


def _chosen(scope: ReportScope, task: Task) -> bool:
    return in_inboxes(scope, task.inbox_id) and in_teams(scope, task.agent_id)


def _created(scope: ReportScope, sources: ReportSources) -> Iterator[Task]:
    for task in sources.models.at(scope.as_of).tasks:
        if within(scope, task.created_at) and _chosen(scope, task):
            yield task


def _closed(scope: ReportScope, sources: ReportSources) -> Iterator[Task]:
    """Yield what was closed last in the window; what is open again is in no window."""
    for task in sources.models.at(scope.as_of).tasks:
        if task.is_closed and within(scope, task.closes[-1]) and _chosen(scope, task):
            yield task


def _requested(scope: ReportScope, sources: ReportSources) -> Iterator[Payment]:
    for payment in sources.models.at(scope.as_of).payments:
        if within(scope, payment.requested_at):
            yield payment


def _anchor(task: Task) -> int:
    return task.closes[-1]


def _first_closed_at(task: Task) -> int | None:
    return task.closes[0] if task.closes else None


def _last_closed_at(task: Task) -> int | None:
    return task.closes[-1] if task.closes else None


def _created_at(task: Task) -> int:
    return task.created_at


def _due_at(task: Task) -> int | None:
    return task.due_at


def _times(event: str) -> Callable[[Task], int]:
    return lambda task: task.times.get(event, 0)


def _handle(_: Task) -> int:
    return 0  # events do not tell how long an agent looked at a task


_lateness = between(_due_at, _first_closed_at)
_last_lateness = between(_due_at, _last_closed_at)

# Of this one only the key is known from public code; the other columns are by analogy.
TASK_EXPORT = MetricSet(
    columns={
        **TIMEZONE,
        **INBOXES,
        **TEAMS,
        "Task ID": of(lambda task: task.id),
        "Customer ID": of(lambda task: task.customer_id),
        "Status": of(lambda task: "CLOSED" if task.is_closed else "OPEN"),
        "Created At": instant(_created_at),
        "Creator Agent Name": name_of(lambda task: task.created_by),
        "Inbox ID - Current": of(lambda task: task.inbox_id),
        "Inbox Name - Current": name_of(lambda task: task.inbox_id),
        "Assigned Agent ID - Current": of(lambda task: task.agent_id),
        "Assigned Agent Name - Current": name_of(lambda task: task.agent_id),
        "Due At": instant(_due_at),
        "First Closed At": instant(_first_closed_at),
        "Last Closed At": instant(_last_closed_at),
        "Created-to-First Closed Time in seconds": seconds(between(_created_at, _first_closed_at)),
        "Created-to-Last Closed Time in seconds": seconds(between(_created_at, _last_closed_at)),
        "Count of Comments": of(lambda task: len(task.commenters)),
        "Count of Followers": of(lambda task: len(task.followers)),
        "Times Closed": of(_times("CLOSED")),
        "Times Reopened": of(_times("REOPENED")),
    },
    records=exported(_created),
    filters=_FILTERS,
)

TASK_SUMMARY = MetricSet(
    columns={
        **TIMEZONE,
        **INBOXES,
        **TEAMS,
        "Task Metrics Closed At Dynamic Formatted": bucket,
        "Count Total": count(),
        "Count with Comments": count(lambda task: task.commenters),
        "Count Closed Before Due": count(lambda task: (_lateness(task) or 0) < 0),
        "Count Closed After Due": count(lambda task: (_lateness(task) or 0) > 0),
        "Avg Created-to-First Closed Time in seconds": mean_time(
            between(_created_at, _first_closed_at)
        ),
        "Avg Created-to-Last Closed Time in seconds": mean_time(
            between(_created_at, _last_closed_at)
        ),
        "Avg Created-to-Due Time in seconds": mean_time(between(_created_at, _due_at)),
        "Avg Last Due-to-First Closed Time in seconds": mean_time(_lateness),
        "Avg Last Due-to-Last Closed Time in seconds": mean_time(_last_lateness),
        "Avg Number of Comments": mean(lambda task: len(task.commenters)),
        "Avg Number of Commenters": mean(lambda task: len(set(task.commenters))),
        "Avg Number of Followers": mean(lambda task: len(task.followers)),
        "Avg Number of Inboxes Assigned": mean(lambda task: len(task.inboxes)),
        "Avg Number of Agents Assigned": mean(lambda task: len(task.agents)),
        "Avg Times Closed": mean(_times("CLOSED")),
        "Avg Times Reopened": mean(_times("REOPENED")),
        "Avg Times Due Date Edited": mean(_times("DUE_DATE_UPDATED")),
        "Avg Times Content Edited": mean(_times("CONTENT_UPDATED")),
        "Avg Task Handle Time in seconds": mean_time(_handle),
    },
    records=grouped(_closed, _anchor),
    filters=_FILTERS,
    has_levels=True,
)


def _dollars(status: str | None = None) -> Cell:
    def cell(row: Row[Payment]) -> str:
        chosen = (one for one in row.things if status in {None, one.status})
        return money_text(sum(one.dollars or 0 for one in chosen))

    return cell


PAYMENTS_SUMMARY = MetricSet(
    columns={
        **TIMEZONE,
        "Date": bucket,
        "Status": key,
        "Total Amount (USD)": _dollars(),
        "Completed Amount": _dollars("Completed"),
        "Declined Amount": _dollars("Declined"),
        "Timeout Amount": _dollars("Time Out"),
    },
    records=grouped(_requested, lambda one: one.requested_at, lambda one: one.status),
    has_levels=True,
)

# No public page shows this one; its columns are the summary's by analogy.
PAYMENTS_BY_AGENT = MetricSet(
    columns={
        **TIMEZONE,
        "Date": bucket,
        "Agent ID": key,
        "Agent Name": name_of_key,
        "Payment Requests": count(),
        "Total Amount (USD)": _dollars(),
        "Completed Amount": _dollars("Completed"),
        "Declined Amount": _dollars("Declined"),
        "Timeout Amount": _dollars("Time Out"),
    },
    records=grouped(
        _requested, lambda one: one.requested_at, lambda one: one.agent_id, level="daily"
    ),
)
