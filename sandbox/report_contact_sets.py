"""The reports of contacts (Gladly help, Contact Export and Contact Summary)."""

from collections.abc import Callable, Iterator

from sandbox import report_contact_measures as measure
from sandbox.report_cells import (
    CHANNEL,
    INBOXES,
    TIMEZONE,
    Cell,
    Columns,
    Row,
    bucket,
    count,
    distinct,
    instant,
    key,
    longest,
    mean,
    mean_time,
    money_text,
    name_of,
    of,
    seconds,
    share_text,
    total,
)
from sandbox.report_contacts import Contact
from sandbox.report_rows import exported, grouped, in_channel, in_inboxes, within
from sandbox.reports import MetricSet, ReportScope, ReportSources

_HOLDS = {
    "Manual": "MANUAL",
    "Warm Transfer": "WARM_TRANSFER",
    "Cold Transfer": "COLD_TRANSFER",
    "Conference": "CONFERENCE",
}
_MESSAGES = {"Customer": "customer", "Agent": "agent", "Rules": "rules", "API": "api"}
_IN_CHANNELS_AND_INBOXES = frozenset({"channel", "inboxes"})


def _chosen(scope: ReportScope, contact: Contact) -> bool:
    return in_channel(scope, contact.channel) and in_inboxes(scope, contact.inbox_id)


def _queued(scope: ReportScope, sources: ReportSources) -> Iterator[Contact]:
    for contact in sources.models.at(scope.as_of).contacts:
        if within(scope, contact.queued_at) and _chosen(scope, contact):
            yield contact


def _ended(scope: ReportScope, sources: ReportSources) -> Iterator[Contact]:
    for contact in sources.models.at(scope.as_of).contacts:
        if within(scope, contact.ended_at) and _chosen(scope, contact):
            yield contact


def _queued_inbound(scope: ReportScope, sources: ReportSources) -> Iterator[Contact]:
    return filter(measure.is_inbound, _queued(scope, sources))


def _queued_at(contact: Contact) -> int:
    return contact.queued_at


def _ended_at(contact: Contact) -> int:
    return contact.queued_at if contact.ended_at is None else contact.ended_at


def _channel(contact: Contact) -> str:
    return contact.channel


def _paid(status: str) -> Cell:
    return total(lambda one: sum(payment.status == status for payment in one.payments))


def _dollars(status: str) -> Cell:
    def cell(row: Row[Contact]) -> str:
        payments = (payment for one in row.things for payment in one.payments)
        return money_text(sum(p.dollars or 0 for p in payments if p.status == status))

    return cell


PAYMENTS: Columns = {
    "Payment Requests - Completed": _paid("Completed"),
    "Payment Requests - Declined": _paid("Declined"),
    "Payment Amount - Completed (USD)": _dollars("Completed"),
    "Payment Amount - Declined (USD)": _dollars("Declined"),
}
"""Columns of whatever has payments: contacts and conversations."""

_FILTERED: Columns = {**TIMEZONE, **CHANNEL, **INBOXES}


def _when_ended(columns: Columns) -> Columns:
    """Fill columns at the contact's end; before, they are empty or say Null (Gladly help)."""

    def later(cell: Cell) -> Cell:
        def cell_at_end(row: Row[Contact]) -> str:
            if row.one.ended_at is None:
                # which of the two is no rule anybody knows
                return "Null" if row.one.queued_at % 2 else ""
            return cell(row)

        return cell_at_end

    return {name: later(cell) for name, cell in columns.items()}


def conversation_link(conversation_id: str) -> str:
    """Return where the user interface shows a conversation."""
    return f"https://sandbox.example.com/conversation/{conversation_id}"


CONTACT_EXPORT = MetricSet(
    columns={
        **_FILTERED,
        "Queued At": instant(_queued_at),
        "Customer ID": of(lambda c: c.customer_id),
        "Conversation ID": of(lambda c: c.conversation_id),
        "Contact ID": of(lambda c: c.id),
        "Conversation Link": of(lambda c: conversation_link(c.conversation_id)),
        "Channel": of(_channel),
        "Direction": of(lambda c: c.direction),
        "Contact Initiator": of(lambda c: c.initiator),
        "Entry Point": of(lambda c: c.entry_point),
        "Final IVR Selection": of(lambda c: c.ivr_selection),
        **_when_ended({"Fulfilled Type": of(lambda c: c.fulfilled_type)}),
        "Status": of(lambda c: c.status),
        "Inbox When Queued": name_of(lambda c: c.inbox_id),
        **_when_ended(
            {
                "Inbox When Ended": name_of(lambda c: c.inbox_when_ended),
                "Agent When Ended": name_of(lambda c: c.agent_when_ended),
                "Offered At": instant(lambda c: c.offered_at),
                "Accepted At": instant(lambda c: c.accepted_at),
                "Fulfilled At": instant(lambda c: c.fulfilled_at),
            }
        ),
        "Due At": instant(lambda c: c.due_at),
        **_when_ended(
            {
                "Ended At": instant(lambda c: c.ended_at),
                "Answered At (Outbound)": instant(measure.customer_answered_at),
            }
        ),
        "SLA Target (sec)": seconds(measure.target),
        **_when_ended(
            {
                "Queued-to-Fulfilled (sec)": seconds(measure.wait),
                "Queued-to-Fulfilled Within Business Hours (sec)": seconds(measure.business_time),
                "Queued-to-Accepted (sec)": seconds(measure.wait_for_accept),
                "Queued-to-Ended (sec)": seconds(measure.life),
                "Accepted-to-Fulfilled (sec)": seconds(measure.answering),
                "Seconds Within (-) or Over (+) SLA": seconds(measure.lateness),
                "Fulfilled-to-Ended (sec)": seconds(measure.finishing),
                "Fulfilled by Contact ID": of(lambda c: c.id if measure.is_fulfilled(c) else ""),
                "Contact Handle Time (sec)": seconds(lambda c: c.handle),
                "After Contact Time (sec)": seconds(lambda c: c.after_contact),
                "Total Contact Handle Time (sec)": seconds(measure.total_handle),
                "Total Talk Time": seconds(lambda c: c.talk),
                "Hold Time Total (sec)": seconds(measure.held(None)),
                **{
                    f"Hold Time - {name} (sec)": seconds(measure.held(reason))
                    for name, reason in _HOLDS.items()
                },
                "Messages Total": of(measure.messages),
                **{
                    f"Messages from {name}": of(measure.messages_of(writer))
                    for name, writer in _MESSAGES.items()
                },
                "Avg Agent Reply Time (sec)": mean_time(lambda c: c.agent_reply),
                "Avg Customer Reply Time (sec)": mean_time(lambda c: c.customer_reply),
                "Times Offered": of(measure.times("OFFERED")),
                "Times Accepted": of(measure.times("OFFER_ACCEPTED")),
                "Times Missed": of(measure.times("OFFER_REJECTED MISSED")),
                "Times Declined": of(measure.times("OFFER_REJECTED DECLINED")),
                "Times Transferred": of(measure.times("TRANSFERRED")),
                "Times on Hold Total": of(lambda c: len(c.holds)),
                **{
                    f"Times on Hold - {name}": of(measure.times(f"HOLD_STARTED {reason}"))
                    for name, reason in _HOLDS.items()
                },
                **PAYMENTS,
            }
        ),
    },
    records=exported(_queued),
    filters=_IN_CHANNELS_AND_INBOXES,
    reads_instants=True,
)


def _service_level(row: Row[Contact]) -> str:
    return share_text(
        sum(map(measure.is_before_due, row.things)), sum(one.is_inbound for one in row.things)
    )


_SUMMARY: Columns = {
    **_FILTERED,
    "Ended At Date": bucket,
    "Contacts Ended": count(),
    "Contacts Inbound": count(measure.is_inbound),
    "Contacts Fulfilled": count(measure.is_fulfilled),
    "Contacts Fulfilled Before SLA": count(measure.is_before_due),
    "Contacts Fulfilled After SLA": count(measure.is_late),
    "Contacts Fulfilled by Response": count(measure.is_response),
    "Contacts Accepted Before SLA": count(measure.is_accepted_before_due),
    "Contacts Abandoned": count(lambda c: c.is_abandoned),
    "Contacts Abandoned Within 5 Seconds": count(measure.is_abandoned_within(5_000)),
    "Contacts Abandoned Within 10 Seconds": count(measure.is_abandoned_within(10_000)),
    "Contacts Abandoned Within 15 Seconds": count(measure.is_abandoned_within(15_000)),
    "Service Level %": _service_level,
    "Avg Queued-to-Fulfilled Time (sec)": mean_time(measure.wait),
    "Max Queued-to-Fulfilled Time (sec)": longest(measure.wait),
    "Avg Queued-to-Fulfilled Time Within Business Hours (sec)": mean_time(measure.business_time),
    "Max Queued-to-Fulfilled Time Within Business Hours (sec)": longest(measure.business_time),
    "Avg Queued-to-First Accepted Time (sec)": mean_time(measure.wait_for_accept),
    "Avg Queued-to-Ended Time (sec)": mean_time(measure.life),
    "Avg First Accepted-to-Fulfilled (sec)": mean_time(measure.answering),
    "Avg Due-to-Fulfilled Time (sec)": mean_time(measure.lateness),
    "Avg Fulfilled-to-Ended Time (sec)": mean_time(measure.finishing),
    "Avg Inbound Contact Handle Time (sec)": mean_time(
        measure.only_if(measure.is_inbound, lambda c: c.handle)
    ),
    "Avg Inbound After Contact Time (sec)": mean_time(
        measure.only_if(measure.is_inbound, lambda c: c.after_contact)
    ),
    "Contacts Outbound": count(measure.is_outbound),
    "Avg Outbound Contact Handle Time (sec)": mean_time(
        measure.only_if(measure.is_outbound, lambda c: c.handle)
    ),
    "Avg Outbound After Contact Time (sec)": mean_time(
        measure.only_if(measure.is_outbound, lambda c: c.after_contact)
    ),
    "Avg Talk Time (sec)": mean_time(lambda c: c.talk),
    "Avg Hold Time - Total (sec)": mean_time(
        measure.only_if(lambda c: bool(c.holds), measure.held(None))
    ),
    **{
        f"Avg Hold Time - {name} (sec)": mean_time(
            measure.only_if(measure.was_held(reason), measure.held(reason))
        )
        for name, reason in _HOLDS.items()
    },
    "Avg Messages Total": mean(measure.messages),
    **{
        f"Avg Messages from {name}": mean(measure.messages_of(who))
        for name, who in _MESSAGES.items()
    },
    "Avg of Avg Agent Reply Time (sec)": mean_time(lambda c: c.agent_reply),
    "Avg of Avg Customer Reply Time (sec)": mean_time(lambda c: c.customer_reply),
    "Unique Customers with Contact Fulfilled": distinct(
        lambda c: c.customer_id, measure.is_fulfilled
    ),
    "Unique Customers with Contact Ended": distinct(lambda c: c.customer_id),
    "Unique Customers with an Inbound Contact Ended": distinct(
        lambda c: c.customer_id, measure.is_inbound
    ),
    "Unique Customers with an Outbound Contact Ended": distinct(
        lambda c: c.customer_id, measure.is_outbound
    ),
    **PAYMENTS,
}


def _summary(columns: Columns) -> MetricSet[Row[Contact]]:
    return MetricSet(
        columns=columns,
        records=grouped(_ended, _ended_at),
        filters=_IN_CHANNELS_AND_INBOXES,
        has_levels=True,
    )


def _parts_of_summary(*names: str) -> Columns:
    return {**_FILTERED, "Ended Date": bucket, **{name: _SUMMARY[name] for name in names}}


CONTACT_SUMMARY_V2 = _summary(_SUMMARY)
CONTACT_SUMMARY = _summary(
    {name: cell for name, cell in _SUMMARY.items() if "Within Business Hours" not in name}
)
CONTACT_SUMMARY_COUNTS = _summary(
    _parts_of_summary(
        "Contacts Ended",
        "Contacts Inbound",
        "Contacts Fulfilled",
        "Contacts Fulfilled Before SLA",
        "Contacts Fulfilled After SLA",
        "Contacts Abandoned",
        "Contacts Outbound",
    )
)
CONTACT_SUMMARY_DURATIONS = _summary(
    _parts_of_summary(
        "Contacts Inbound",
        "Avg Queued-to-First Accepted Time (sec)",
        "Avg Queued-to-Fulfilled Time (sec)",
        "Avg Queued-to-Ended Time (sec)",
        "Avg First Accepted-to-Fulfilled (sec)",
        "Avg Inbound Contact Handle Time (sec)",
        "Avg Inbound After Contact Time (sec)",
    )
)

CHANNEL_MIX = MetricSet(
    columns={
        **TIMEZONE,
        **INBOXES,
        "Channel": key,
        "Queued Date": bucket,
        "Contacts Inbound": count(),
        "Messages from Customer": total(measure.messages_of("customer")),
        "Messages from Agent": total(measure.messages_of("agent")),
    },
    records=grouped(_queued_inbound, _queued_at, _channel),
    filters=_IN_CHANNELS_AND_INBOXES,
    has_levels=True,
)


def _channel_wait_time(
    name: str, wait: Callable[[Contact], float | None]
) -> MetricSet[Row[Contact]]:
    return MetricSet(
        columns={
            **TIMEZONE,
            **INBOXES,
            "Ended Date": bucket,
            "Channel": key,
            name: mean_time(wait),
        },
        records=grouped(_ended, _ended_at, _channel),
        filters=frozenset({"inboxes"}),
        has_levels=True,
    )


CHANNEL_WAIT_TIME = _channel_wait_time("Avg Queued-to-Fulfilled Time (sec)", measure.wait)
CHANNEL_WAIT_TIME_V2 = _channel_wait_time(
    "Avg Queued-to-Fulfilled Time Within Business Hours (sec)", measure.business_time
)
