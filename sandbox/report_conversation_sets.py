"""The reports of conversations (Gladly help, Conversation Export and Summary)."""

from collections.abc import Callable, Iterator

from sandbox.report_buckets import DAILY
from sandbox.report_cells import (
    INBOXES,
    TEAMS,
    TIMEZONE,
    Columns,
    Row,
    between,
    bucket,
    count,
    distinct,
    flag,
    instant,
    mean,
    mean_time,
    name_of,
    name_of_key,
    of,
    seconds,
    share,
    total,
)
from sandbox.report_contact_sets import PAYMENTS, conversation_link
from sandbox.report_conversations import Conversation, Side
from sandbox.report_rows import (
    exported,
    grouped,
    in_channel,
    in_inboxes,
    in_teams,
    within,
)
from sandbox.reports import MetricSet, ReportScope, ReportSources

_BY_AI = "SIDEKICK_V2"


def created_conversations(scope: ReportScope, sources: ReportSources) -> Iterator[Conversation]:
    """Yield the conversations created within a report's span."""
    for one in sources.models.at(scope.as_of).conversations:
        if within(scope, one.created_at) and in_inboxes(scope, one.current.inbox_id):
            yield one


def _closed(scope: ReportScope, sources: ReportSources) -> Iterator[Conversation]:
    """Yield what was closed last in the window; what is open again is in no window."""
    for one in sources.models.at(scope.as_of).conversations:
        is_closed = one.status == "CLOSED" and within(scope, one.closes[-1])
        if is_closed and in_inboxes(scope, one.current.inbox_id):
            yield one


def _closed_by_agents(scope: ReportScope, sources: ReportSources) -> Iterator[Conversation]:
    for one in _closed(scope, sources):
        is_chosen = any(in_channel(scope, channel) for channel in one.channels)
        if one.last_closed.agent_id and is_chosen and in_teams(scope, one.last_closed.agent_id):
            yield one


def _first_closed_at(one: Conversation) -> int | None:
    return one.closes[0] if one.closes else None


def _last_closed_at(one: Conversation) -> int | None:
    return one.closes[-1] if one.closes else None


def _anchor(one: Conversation) -> int:
    return one.closes[-1]


def _agent(side: Side) -> str:
    return side.by_id if side.by == "AGENT" else ""


def _times(event: str) -> Callable[[Conversation], int]:
    return lambda one: one.times.get(event, 0)


def _channel(place: int) -> Callable[[Conversation], str]:
    return lambda one: one.channels[place] if len(one.channels) > place else ""


def _topic_names(row: Row[Conversation]) -> str:
    return ",".join(map(row.name, row.one.topics))


def _path(row: Row[Conversation], topic_id: str) -> str:
    parent = row.sources.present.parents.get(topic_id)
    return f"{row.name(parent)} > {row.name(topic_id)}" if parent else row.name(topic_id)


def _topic_paths(row: Row[Conversation]) -> str:
    return ",".join(_path(row, topic_id) for topic_id in row.one.topics)


def _initiator(when: str, side: Callable[[Conversation], Side]) -> Columns:
    return {
        f"Initiator Type - {when}": of(lambda one: side(one).by),
        f"Initiator Agent ID - {when}": of(lambda one: _agent(side(one))),
        f"Initiator Agent Name - {when}": name_of(lambda one: _agent(side(one))),
    }


def _inbox(when: str, side: Callable[[Conversation], Side]) -> Columns:
    return {
        f"Inbox ID - {when}": of(lambda one: side(one).inbox_id),
        f"Inbox Name - {when}": name_of(lambda one: side(one).inbox_id),
    }


def _assigned(when: str, side: Callable[[Conversation], Side]) -> Columns:
    return {
        f"Assigned Agent ID - {when}": of(lambda one: side(one).agent_id),
        f"Assigned Agent Name - {when}": name_of(lambda one: side(one).agent_id),
    }


def _rule(one: Conversation) -> str:
    return one.last_closed.by_id if one.last_closed.by == "AUTOMATION" else ""


_to_first_close = between(lambda one: one.created_at, _first_closed_at)
_to_last_close = between(lambda one: one.created_at, _last_closed_at)

_EXPORT: Columns = {
    **TIMEZONE,
    **INBOXES,
    "Created At": instant(lambda one: one.created_at),
    "Conversation ID": of(lambda one: one.id),
    "Customer ID": of(lambda one: one.customer_id),
    "Conversation Link": of(lambda one: conversation_link(one.id)),
    "Status": of(lambda one: one.status),
    **_assigned("Current", lambda one: one.current),
    **_inbox("Current", lambda one: one.current),
    "First Closed At": instant(_first_closed_at),
    "Last Closed At": instant(_last_closed_at),
    **_initiator("Created", lambda one: one.created),
    **_inbox("Created", lambda one: one.created),
    **_assigned("Created", lambda one: one.created),
    **_initiator("Last Closed", lambda one: one.last_closed),
    "Initiator Rule ID - Last Closed": of(_rule),
    **_inbox("Last Closed", lambda one: one.last_closed),
    **_assigned("Last Closed", lambda one: one.last_closed),
    "Topics": _topic_names,
    "Topics with Hierarchy": _topic_paths,
    "First Contact ID": of(lambda one: one.contacts[0].id if one.contacts else ""),
    "First Channel": of(_channel(0)),
    "Second Channel": of(_channel(1)),
    "Third Channel": of(_channel(2)),
    "Last Channel": of(lambda one: one.contacts[-1].channel if one.contacts else ""),
    "Created-to-First Closed Time in seconds": seconds(_to_first_close),
    "Created-to-Last Closed Time in seconds": seconds(_to_last_close),
    "Conversation Handle Time in seconds": seconds(lambda one: one.handle),
    "Is FCR Eligible": flag(lambda one: one.is_eligible),
    "Is FCR Success": flag(lambda one: one.is_success),
    "Merged Conversations": of(lambda one: ",".join(one.merged)),
    "Count of Contacts": of(lambda one: len(one.contacts)),
    "Count of Channels": of(lambda one: len(one.channels)),
    "Count of Notes": of(_times("NOTE_CREATED")),
    "Count of Agents Assigned": of(lambda one: len(one.agents)),
    "Count of Inboxes Assigned": of(lambda one: len(one.inboxes)),
    "Times Agent Unassigned by Rule": of(lambda one: one.rule_unassignments),
    "Times Closed": of(_times("CLOSED")),
    "Times Reopened": of(_times("REOPENED")),
    "Times Topic Added": of(_times("TOPIC_ADDED")),
    "Times Topic Removed": of(_times("TOPIC_REMOVED")),
    **PAYMENTS,
}


def _is_billable(one: Conversation) -> bool:
    """Return whether AI alone resolved it: it began it, and no agent was ever needed."""
    return one.created.by_id == _BY_AI and one.status == "CLOSED" and not one.agents


CONVERSATION_EXPORT = MetricSet(
    columns=_EXPORT, records=exported(created_conversations), filters=frozenset({"inboxes"})
)
# One column of this report has been seen in public code; the others are the base export's.
CONVERSATION_SIDEKICK_EXPORT = MetricSet(
    columns={
        **_EXPORT,
        "Billable Resolution (Y/N)": of(lambda one: "Y" if _is_billable(one) else "N"),
    },
    records=exported(created_conversations),
    filters=frozenset({"inboxes"}),
)


def _is_success(one: Conversation) -> bool:
    return one.is_success


def _is_eligible(one: Conversation) -> bool:
    return one.is_eligible


CONVERSATION_SUMMARY = MetricSet(
    columns={
        **TIMEZONE,
        **INBOXES,
        **TEAMS,
        "Last Closed At": bucket,
        "Conversations Closed": count(),
        "Unique Customers": distinct(lambda one: one.customer_id),
        "% Multichannel": share(lambda one: len(one.channels) > 1),
        "% FCR Success": share(_is_success, _is_eligible),
        "Count of FCR Eligible": count(_is_eligible),
        "Avg Count of Contacts": mean(lambda one: len(one.contacts)),
        "Avg Count of Channels": mean(lambda one: len(one.channels)),
        "Avg Count of Notes": mean(_times("NOTE_CREATED")),
        "Avg Count of Agents Assigned": mean(lambda one: len(one.agents)),
        "Avg Count of Inboxes Assigned": mean(lambda one: len(one.inboxes)),
        "Avg Times Closed": mean(_times("CLOSED")),
        "Avg Times Reopened": mean(_times("REOPENED")),
        "Avg Times Topic Added": mean(_times("TOPIC_ADDED")),
        "Avg Times Topic Removed": mean(_times("TOPIC_REMOVED")),
        "Avg Created-to-First Closed Time in seconds": mean_time(_to_first_close),
        "Avg Created-to-Last Closed Time in seconds": mean_time(_to_last_close),
        "Avg Conversation Handle Time in seconds": mean_time(lambda one: one.handle),
        "Count of Conversation Merges": total(lambda one: len(one.merged)),
        **PAYMENTS,
    },
    records=grouped(_closed, _anchor),
    filters=frozenset({"inboxes"}),
    has_levels=True,
)


def _day(row: Row[Conversation]) -> str:
    return row.bucket[:10]


FIRST_CONTACT_RESOLUTION = MetricSet(
    columns={
        **TIMEZONE,
        **INBOXES,
        **TEAMS,
        "Assigned Agent Name - Last Closed": name_of_key,
        "Last Closed At Date": _day,
        "FCR %": share(_is_success, _is_eligible),
        "FCR Conversations": count(_is_success),
        "FCR-Eligible Conversations": count(_is_eligible),
    },
    # it stayed daily when half hours were asked for
    records=grouped(_closed_by_agents, _anchor, lambda one: one.last_closed.agent_id, level=DAILY),
    filters=frozenset({"channel", "inboxes", "teams"}),
    has_levels=True,
)
