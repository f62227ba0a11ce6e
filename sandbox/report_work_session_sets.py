"""The reports of work sessions, and the endpoint's (Gladly API reference, Work Session Report)."""

from collections.abc import Iterator

from sandbox.report_cells import (
    CHANNEL,
    INBOXES,
    TEAMS,
    TIMEZONE,
    Columns,
    instant,
    name_of,
    of,
    seconds,
)
from sandbox.report_contact_sets import conversation_link
from sandbox.report_rows import exported, in_channel, in_inboxes, in_teams, within
from sandbox.report_work_sessions import WorkSession
from sandbox.reports import MetricSet, ReportScope, ReportSources


def _in_window(scope: ReportScope, sources: ReportSources) -> Iterator[WorkSession]:
    for session in sources.models.at(scope.as_of).sessions:
        contact = session.contact
        if (
            within(scope, session.anchor)
            and in_channel(scope, contact.channel)
            and in_inboxes(scope, contact.inbox_id)
            and in_teams(scope, session.agent_id)
        ):
            yield session


def _worked(scope: ReportScope, sources: ReportSources) -> Iterator[WorkSession]:
    return (one for one in _in_window(scope, sources) if one.contact.ended_at is not None)


def _within_sla(session: WorkSession) -> str:
    fulfilled_at, due_at = session.contact.fulfilled_at, session.contact.due_at
    if fulfilled_at is None or due_at is None:
        return ""
    return "true" if fulfilled_at <= due_at else "false"


_EVENTS: Columns = {
    "id": of(lambda s: s.id),
    "contact_session_id": of(lambda s: s.contact.id),
    "contact_session_created_at": instant(lambda s: s.contact.queued_at),
    "customer_id": of(lambda s: s.contact.customer_id),
    "conversation_id": of(lambda s: s.contact.conversation_id),
    "inbox_id": of(lambda s: s.contact.inbox_id),
    "channel": of(lambda s: s.contact.channel),
    "direction": of(lambda s: s.contact.direction),
    "agent_accepted_at": instant(lambda s: s.accepted_at),
    "contact_session_routed_at": instant(lambda s: s.contact.offered_at),
    "agent_id": of(lambda s: s.agent_id),
    "sla_fulfilled_at": instant(lambda s: s.contact.fulfilled_at),
    "contact_session_ended_at": instant(lambda s: s.contact.ended_at),
    "status": of(lambda s: s.contact.status),
    "within_sla": of(_within_sla),
    "work_session_handle_time_sec": seconds(lambda s: s.handle),
    "work_session_after_contact_time_sec": seconds(lambda s: s.after_contact),
    "work_session_unknown_time_sec": seconds(lambda s: s.unknown),
    "accepted_inbox_id": of(lambda s: s.accepted_inbox_id),
}

WORK_SESSION_EVENTS_V3 = MetricSet(columns=_EVENTS, records=exported(_in_window))
# Public clients found that this one refuses days; the reference does not say so.
WORK_SESSION_EVENTS_V4 = MetricSet(
    columns=_EVENTS, records=exported(_in_window), reads_days=False, reads_instants=True
)
WORK_SESSION_EVENTS_ENDPOINT = WORK_SESSION_EVENTS_V4

# Of these two, "Agent" and "Link" are on a public page; the other columns are by analogy.
WORK_SESSIONS = MetricSet(
    columns={
        **TIMEZONE,
        **CHANNEL,
        **INBOXES,
        **TEAMS,
        "Ended At": instant(lambda s: s.contact.ended_at),
        "Contact ID": of(lambda s: s.contact.id),
        "Customer ID": of(lambda s: s.contact.customer_id),
        "Channel": of(lambda s: s.contact.channel),
        "Direction": of(lambda s: s.contact.direction),
        "Inbox": name_of(lambda s: s.contact.inbox_id),
        "Agent": name_of(lambda s: s.agent_id),
        "Link": of(lambda s: conversation_link(s.contact.conversation_id)),
        "Handle Time (sec)": seconds(lambda s: s.handle),
        "After Contact Time (sec)": seconds(lambda s: s.after_contact),
        "Unknown Time (sec)": seconds(lambda s: s.unknown),
    },
    records=exported(_worked),
    filters=frozenset({"channel", "inboxes", "teams"}),
)
