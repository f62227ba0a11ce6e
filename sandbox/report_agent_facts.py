"""What each agent did when: the facts that agent reports add up, named as their columns are."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sandbox.report_agents import (
    ACTIVE,
    ANY,
    AVAILABLE_FOR,
    AWAY,
    LOGGED_IN,
    channels_of,
    happened_at,
)
from sandbox.report_buckets import Buckets
from sandbox.report_ledger import Ledger, Moment
from sandbox.report_model import ReportModel
from sandbox.report_work_sessions import WorkSession

CHANNEL_NAMES = {
    "CHAT": "Chat",
    "EMAIL": "Email",
    "FB_MESSENGER": "FB Messenger",
    "INSTAGRAM_DIRECT": "Instagram Direct",
    "PHONE_CALL": "Phone Call",
    "SMS": "SMS",
    "TWITTER": "Twitter",
    "VOICEMAIL": "Voicemail",
    "WHATSAPP": "WhatsApp",
}
"""Contact channels as agent reports name them."""

LOGGED_IN_TIME, ACTIVE_TIME = "Logged in Time in seconds", "Active Time in seconds"
AWAY_TIME, AVAILABLE_TIME = "Away Time in seconds", "Available Time in seconds"
HANDLE_TIME, AFTER_TIME = "Contact Handle Time in seconds", "After Contact Time in seconds"
ANSWERING = "Accepted-to-Fulfilled Time in seconds"
CUSTOMERS = "Unique Customers with Contact Fulfilled"
_MESSAGING = frozenset({"CHAT", "SMS", "FB_MESSENGER", "INSTAGRAM_DIRECT", "WHATSAPP", "TWITTER"})
_HOLDS = {
    "MANUAL": "Manual",
    "COLD_TRANSFER": "Cold Transfer",
    "WARM_TRANSFER": "Warm Transfer",
    "CONFERENCE": "Conference",
}
_TIMES = {LOGGED_IN: LOGGED_IN_TIME, ACTIVE: ACTIVE_TIME, AWAY: AWAY_TIME} | {
    channel: f"{AVAILABLE_TIME} - {channel}" for channel in (ANY, *AVAILABLE_FOR.values())
}
# Events counted for the agent who did them.
_DONE = {
    "AGENT_STATUS/LOGGED_IN": "Logged in",
    "AGENT_STATUS/LOGGED_OUT": "Logged Out",
    "AGENT_STATUS/WENT_AWAY": "Went Away",
    "AGENT_STATUS/RETURNED_FROM_AWAY": "Returned from Away",
    "AGENT_STATUS/CHANGED_ACTIVE_REASON": "Changed Active Reason",
    "CONVERSATION/CREATED": "Conversation Created",
    "CONVERSATION/CLOSED": "Conversation Closed",
    "CONVERSATION/REOPENED": "Conversation Reopened",
    "CONVERSATION/TOPIC_ADDED": "Conversation Topic Added",
    "CONVERSATION/TOPIC_REMOVED": "Conversation Topic Removed",
    "CONVERSATION/NOTE_CREATED": "Note Added",
    "CUSTOMER/MERGED": "Customer Merged",
    "TASK/CREATED": "Task Created",
    "TASK/CLOSED": "Task Closed",
    "TASK/REOPENED": "Task Reopened",
    "TASK/COMMENT_ADDED": "Task Commented On",
    "TASK/CONTENT_UPDATED": "Task Content Updated",
    "TASK/DUE_DATE_UPDATED": "Task Due Date Updated",
}
# Those counted for the agent they name.
_CONCERNING = {
    "TASK/FOLLOWER_ADDED": "Task Followed",
    "TASK/FOLLOWER_REMOVED": "Task Unfollowed",
}
_OF_CONTACT_DONE = {
    "STARTED": "Contact Started",
    "OFFER_ACCEPTED": "Contact Accepted",
    "FULFILLED": "Contact Fulfilled",
    "TRANSFERRED": "Contact Transferred",
    "MESSAGE_SENT": "Message Sent",
}
_REFUSED = {"DECLINED": "Contact Declined", "MISSED": "Contact Missed"}
_FULFILLED = {"RESPONDED": "Response", "CANCELED": "Cancellation"}


class Fact(NamedTuple):
    """Something that adds to a figure of an agent.

    Attributes:
        at: When, in milliseconds since 1970.
        measure: The figure, for example Contact Offered - Chat.
        amount: What it adds: 1, or milliseconds, or dollars.
    """

    agent_id: str
    at: int
    measure: str
    amount: float = 1


def _in_channel(
    agent_id: str, at: int, measure: str, channel: str, amount: float = 1
) -> list[Fact]:
    facts = [Fact(agent_id, at, measure, amount)]
    if channel in CHANNEL_NAMES:
        facts.append(Fact(agent_id, at, f"{measure} - {CHANNEL_NAMES[channel]}", amount))
    return facts


def _done(ledger: Ledger) -> Iterator[Fact]:
    for moment in ledger.moments("AGENT_STATUS", "CONVERSATION", "CUSTOMER", "TASK"):
        event = f"{moment.entity}/{moment.name}"
        if event in _DONE:
            is_status = moment.entity == "AGENT_STATUS"
            who = moment.text("agentId") if is_status else moment.agent_id
            yield Fact(who, happened_at(moment), _DONE[event])
        elif event in _CONCERNING:
            yield Fact(moment.text("agentId"), moment.at, _CONCERNING[event])
        elif event == "TASK/ASSIGNEE_UPDATED":
            yield Fact(moment.text("assignee", "agentId"), moment.at, "Tasks Assigned")


def _availability(ledger: Ledger) -> Iterator[Fact]:
    for agent_id, story in ledger.stories("AGENT_AVAILABILITY").items():
        before: frozenset[str] = frozenset()
        updates = (moment for moment in story if moment.name == "UPDATED")
        for moment in sorted(updates, key=happened_at):
            now, at = channels_of(moment), happened_at(moment)
            for channel in now - before:
                yield Fact(agent_id, at, f"Went Available - {channel}")
            for channel in before - now:
                yield Fact(agent_id, at, f"Went Unavailable - {channel}")
            if before and not now:
                yield Fact(agent_id, at, "Went Unavailable - All")
            before = now


def _of_contact(moment: Moment) -> Iterator[Fact]:
    at, channel, by = moment.at, moment.text("channel"), moment.agent_id
    if moment.name in _OF_CONTACT_DONE:
        yield from _in_channel(by, at, _OF_CONTACT_DONE[moment.name], channel)
    if moment.name == "OFFERED":
        yield from _in_channel(moment.text("agentId"), at, "Contact Offered", channel)
    elif moment.name == "OFFER_REJECTED" and moment.text("reason") in _REFUSED:
        measure = _REFUSED[moment.text("reason")]
        yield from _in_channel(moment.text("agentId"), at, measure, channel)
    elif moment.name == "FULFILLED" and moment.text("fulfilledType") in _FULFILLED:
        how = f"Contact Fulfilled by {_FULFILLED[moment.text('fulfilledType')]}"
        yield from _in_channel(by, at, how, channel)
    elif moment.name == "TRANSFERRED":
        yield from _in_channel(by, at, "Contact Transferred from", channel)
        to_agent = moment.text("assignee", "agentId")
        yield from _in_channel(to_agent, at, "Contact Transferred to", channel)
    elif moment.name == "HOLD_STARTED":
        yield Fact(by, at, "Hold Started")
        yield Fact(by, at, f"Hold Started - {_HOLDS.get(moment.text('reason'), '')}")


def _of_session(session: WorkSession) -> Iterator[Fact]:
    agent_id, contact = session.agent_id, session.contact
    at, channel = session.anchor, contact.channel
    yield from _in_channel(agent_id, at, "Contact Ended", channel)
    if session.handle:
        yield from _in_channel(agent_id, at, "Contacts with Contact Handle Time", channel)
    yield from _in_channel(agent_id, at, HANDLE_TIME, channel, session.handle or 0)
    if session.after_contact:
        yield Fact(agent_id, at, "Contacts with After Contact Time")
    yield from _in_channel(agent_id, at, AFTER_TIME, channel, session.after_contact or 0)
    worked = (session.handle or 0) + (session.after_contact or 0)
    yield Fact(agent_id, at, "Customer Handle Time in seconds", worked)
    yield Fact(agent_id, at, "Conversation Handle Time in seconds", worked)
    if channel in _MESSAGING:
        yield Fact(agent_id, at, "Messaging Contact Handle Time", session.handle or 0)
        yield Fact(agent_id, at, "Messaging Work Session Time - Aggregate", worked)


def _answering(session: WorkSession) -> Iterator[Fact]:
    fulfilled_at, accepted_at = session.contact.fulfilled_at, session.accepted_at
    if fulfilled_at is not None and accepted_at is not None and fulfilled_at >= accepted_at:
        channel, waited = session.contact.channel, fulfilled_at - accepted_at
        yield from _in_channel(session.agent_id, fulfilled_at, ANSWERING, channel, waited)
        yield from _in_channel(session.agent_id, fulfilled_at, "Answers", channel)


def _holds(session: WorkSession) -> Iterator[Fact]:
    for reason, name in _HOLDS.items():
        held = session.contact.hold_time(reason)
        yield Fact(session.agent_id, session.anchor, f"Hold Time - {name}", held)


def facts_of(model: ReportModel) -> Iterator[Fact]:
    """Yield everything that adds to the figures of agents, except spans of time."""
    yield from _done(model.ledger)
    yield from _availability(model.ledger)
    for moment in model.ledger.moments("CONTACT"):
        yield from _of_contact(moment)
    for session in model.sessions:
        if session.agent_id:
            yield from _of_session(session)
            yield from _answering(session)
            yield from _holds(session)
    for payment in model.payments:
        if payment.status == "Completed":
            yield Fact(payment.agent_id, payment.requested_at, "Payment Request Completed")
            dollars = payment.dollars or 0
            yield Fact(
                payment.agent_id, payment.requested_at, "Payment Amount Completed - USD", dollars
            )


class Window(NamedTuple):
    """The first and the last millisecond of a report."""

    first: int
    last: int

    def clipped(self, started_at: int, ended_at: int | None) -> tuple[int, int]:
        """Return the part of a span that lies inside; one that lasts, lasts until the end."""
        behind = self.last + 1
        return max(started_at, self.first), behind if ended_at is None else min(ended_at, behind)


def _parts_of_spans(model: ReportModel, buckets: Buckets, window: Window) -> Iterator[Fact]:
    for kind, measure in _TIMES.items():
        for span in model.spans.get(kind, ()):
            inside = window.clipped(span.started_at, span.ended_at)
            for start, part in buckets.parts(*inside):
                yield Fact(span.agent_id, start, measure, part)


def _customers(model: ReportModel) -> Iterator[tuple[str, int, str]]:
    for moment in model.ledger.moments("CONTACT"):
        if moment.name == "FULFILLED":
            yield moment.agent_id, moment.at, moment.text("customerId")


Figures = Mapping[str, float]


def agent_figures(
    model: ReportModel, buckets: Buckets, window: Window
) -> dict[tuple[int, str], Figures]:
    """Return what each agent's facts add up to, by the beginning of the bucket and the agent.

    A bucket that reaches beyond the window counts what lies inside:

        window              |------------------|
        weeks         |-----======|======|=====-----|
    """
    figures: dict[tuple[int, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    facts = (fact for fact in facts_of(model) if window.first <= fact.at <= window.last)
    for agent_id, at, measure, amount in facts:
        if agent_id:
            figures[buckets.start_of(at), agent_id][measure] += amount
    for agent_id, start, measure, part in _parts_of_spans(model, buckets, window):
        figures[start, agent_id][measure] += part
    met = {
        (buckets.start_of(at), agent_id, customer)
        for agent_id, at, customer in _customers(model)
        if window.first <= at <= window.last and agent_id
    }
    for start, agent_id, _ in met:
        figures[start, agent_id][CUSTOMERS] += 1
    return dict(figures)
