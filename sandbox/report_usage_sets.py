"""The reports of what no event tells of: answers, menus, self-service, settings, AI sessions."""

from collections import defaultdict
from collections.abc import Callable, Iterator

from sandbox.report_buckets import DAILY, Buckets
from sandbox.report_cells import (
    TEAMS,
    TIMEZONE,
    Columns,
    Row,
    bucket,
    constants,
    count,
    count_text,
    distinct,
    instant,
    key,
    name_of,
    of,
)
from sandbox.report_contacts import Contact
from sandbox.report_rows import exported, grouped, in_teams, summed, within
from sandbox.report_usage import (
    ABANDONED,
    ANSWER,
    CONTACT_POINT,
    GLAD_APP,
    HELP_CENTER,
    IVR_CALL,
    PROACTIVE_CALL,
    QUICK_ACTION,
    SEARCH_GLAD_APP,
    SEARCH_HELP_CENTER,
    THREAD,
    THROTTLED,
    AiSession,
    Change,
    Use,
    ai_sessions,
    changes,
    uses_of,
)
from sandbox.reports import MetricSet, ReportScope, ReportSources
from sandbox.timestamps import to_milliseconds

_UNSEEN = "\0"


def _at(use: Use) -> int:
    return use.at


def _name(use: Use) -> str:
    return use.name


def _by_agents(scope: ReportScope, sources: ReportSources) -> Iterator[Use]:
    return (use for use in uses_of(ANSWER)(scope, sources) if in_teams(scope, use.agent_id))


def _email(row: Row[Use]) -> str:
    return row.sources.present.emails.get(row.key, "")


def _present_name(row: Row[Use]) -> str:
    return row.name(row.one.id) or row.one.name


def _clicks(kind: str, name: str, key_of: Callable[[Use], str] = _name) -> MetricSet[Row[Use]]:
    return MetricSet(
        columns={
            **TIMEZONE,
            "Date": bucket,
            name: _present_name,
            "Number of Clicks": count(),
        },
        records=grouped(uses_of(kind), _at, key_of),
        has_levels=True,
    )


ANSWER_USAGE = MetricSet(
    columns={
        **TIMEZONE,
        "Date": bucket,
        "Answer Name": _present_name,
        "Answer ID": of(lambda use: use.id),
        "Number of Clicks": count(),
    },
    records=grouped(uses_of(ANSWER), _at, _name),
    has_levels=True,
)
ANSWER_USAGE_BY_AGENT = MetricSet(
    columns={
        **TIMEZONE,
        **TEAMS,
        "Date": bucket,
        "Agent": name_of(lambda use: use.agent_id),
        "Agent Email": _email,
        "Number of Clicks": count(),
    },
    records=grouped(_by_agents, _at, lambda use: use.agent_id),
    filters=frozenset({"teams"}),
    has_levels=True,
)
HELP_CENTER_ANSWER_USAGE = _clicks(HELP_CENTER, "Answer Name")
QUICK_ACTIONS_USAGE = _clicks(QUICK_ACTION, "Quick Action Name")
# Real files hold rows that are the same in every cell: these differ in a page they do not show.
GLAD_APP_ANSWER_USAGE = _clicks(
    GLAD_APP, "Answer Name", lambda use: f"{use.name}{_UNSEEN}{use.place}"
)
GLAD_APP_CONTACT_POINTS = MetricSet(
    columns={**TIMEZONE, "URL": key, "Chats": count()},
    records=summed(uses_of(CONTACT_POINT), _name),
)


def _searches(kind: str) -> MetricSet[Row[Use]]:
    # No public page shows these; their columns are those of the answers by analogy.
    return MetricSet(
        columns={
            **TIMEZONE,
            "Search Term": key,
            "Number of Searches": count(),
            "Pages Searched From": distinct(lambda use: use.place),
        },
        records=summed(uses_of(kind), _name),
    )


HELP_CENTER_ANSWER_SEARCH = _searches(SEARCH_HELP_CENTER)
GLAD_APP_ANSWER_SEARCH = _searches(SEARCH_GLAD_APP)

# No public page shows this one; its columns are those of the other self-service reports.
SELF_SERVICE_THREADS = MetricSet(
    columns={**TIMEZONE, "Thread Name": key, "Interactions": count()},
    records=summed(uses_of(THREAD), _name),
)


def _abandoned(use: Use) -> bool:
    return use.name == ABANDONED


def _abandoned_in_ivr(scope: ReportScope, sources: ReportSources) -> Iterator[Row[Use]]:
    calls = grouped(uses_of(IVR_CALL), _at)(scope, sources)
    return (row for row in calls if any(map(_abandoned, row.things)))


def _share_abandoned(row: Row[Use]) -> str:
    return repr(sum(map(_abandoned, row.things)) / len(row.things))


ABANDONED_IN_IVR = MetricSet(
    columns={
        **TIMEZONE,
        "Date": bucket,
        "% of Total Calls in IVR": _share_abandoned,
        "Abandoned Calls in IVR": count(_abandoned),
    },
    records=_abandoned_in_ivr,
    has_levels=True,
)


def _phone_number(row: Row[Use]) -> str:
    return row.scope.choice.phone_number


_OF_NUMBER = frozenset({"phoneNumber"})
_NUMBER: Columns = {**TIMEZONE, "Phone Number Filter": _phone_number}
# No public page shows these two; their columns are by analogy with the abandoned calls.
IVR_END_STATES = MetricSet(
    columns={**_NUMBER, "End State": key, "Calls": count()},
    records=summed(uses_of(IVR_CALL), _name),
    filters=_OF_NUMBER,
    needs=_OF_NUMBER,
)
IVR_EXECUTIVE_SUMMARY = MetricSet(
    columns={
        **_NUMBER,
        "Date": bucket,
        "Calls": count(),
        "Abandoned Calls in IVR": count(_abandoned),
    },
    records=grouped(uses_of(IVR_CALL), _at, level=DAILY),
    filters=_OF_NUMBER,
    needs=_OF_NUMBER,
)
# No public page shows this one; its columns are by analogy.
PROACTIVE_VOICE_SUMMARY = MetricSet(
    columns={**TIMEZONE, "Date": bucket, "Campaign": key, "Calls": count()},
    records=grouped(uses_of(PROACTIVE_CALL), _at, _name),
    has_levels=True,
)


def _chats(scope: ReportScope, sources: ReportSources) -> Iterator[Contact]:
    for contact in sources.models.at(scope.as_of).contacts:
        if contact.channel == "CHAT" and within(scope, contact.queued_at):
            yield contact


def _throttling(scope: ReportScope, sources: ReportSources) -> Iterator[Row[Contact | Use]]:
    buckets = Buckets(scope.timezone, scope.level)
    groups: dict[int, list[Contact | Use]] = defaultdict(list)
    for contact in _chats(scope, sources):
        groups[buckets.start_of(contact.queued_at)].append(contact)
    for use in uses_of(THROTTLED)(scope, sources):
        groups[buckets.start_of(use.at)].append(use)
    for start, group in groups.items():
        yield Row(scope, sources, group, buckets.name_of(start))


def _customers(row: Row[Contact | Use]) -> str:
    return count_text(len({one.customer_id for one in row.things if isinstance(one, Contact)}))


MISSED_CONVERSATIONS = MetricSet(
    columns={
        **TIMEZONE,
        "Date": bucket,
        "Active Conversations": _customers,
        "Throttled Users": count(lambda one: isinstance(one, Use)),
    },
    records=_throttling,
    has_levels=True,
)

_CHANGED: Columns = {
    **TIMEZONE,
    "Date": instant(lambda change: change.at),
    "Agent Name or Email": name_of(lambda change: change.agent_id),
    "Action": of(lambda change: change.action),
    "Previous Value": of(lambda change: change.before),
    "New Value": of(lambda change: change.after),
    "Address": of(lambda change: change.address),
}
THROTTLE_CHANGES = MetricSet(columns=_CHANGED, records=exported(changes))


def _percentages(scope: ReportScope, sources: ReportSources) -> Iterator[Change]:
    for change in changes(scope, sources):
        if change.action == "Threshold Changed":
            yield change._replace(action="Percentage Changed", before="100")


# No public page shows this one; its columns are those of the changes above.
DISPLAY_CHANGES = MetricSet(columns=_CHANGED, records=exported(_percentages))

_AI_SESSION: Columns = {
    "Session ID": of(lambda session: session.id),
    "Customer ID": of(lambda session: session.customer_id),
    "Conversation ID": of(lambda session: session.conversation_id),
    **constants({"Channel": "VOICE", "Gladly Agent": "Front Door"}),
    "Created Date": instant(lambda session: session.started_at),
}


def _messages(row: Row[AiSession]) -> str:
    as_of = to_milliseconds(row.scope.as_of)
    return "\n".join(text for at, text in row.one.messages if at <= as_of)


AI_SESSIONS = MetricSet(columns=_AI_SESSION, records=exported(ai_sessions))
# The text of the messages is on the page; how its column is named is not known.
AI_SESSIONS_WITH_MESSAGES = MetricSet(
    columns={**_AI_SESSION, "Messages": _messages}, records=exported(ai_sessions)
)


def _topic(session: AiSession) -> str:
    return "Order Status" if session.id < "Z" else "Order Returns"


# No public page shows this one; its columns are by analogy.
ASSISTS_BY_TOPIC = MetricSet(
    columns={
        **TIMEZONE,
        "Classification Topic": key,
        "Assists": count(),
        "Unique Customers": distinct(lambda session: session.customer_id),
    },
    records=summed(ai_sessions, _topic),
)
