"""Contacts: declarations of the models of what was asked, answered and how fast."""

from __future__ import annotations

from sources.tables.declarations import Column, Kind
from transforms.changes import by_conversation, by_day
from transforms.conversations import CONVERSATION_ID, CUSTOMER_ID
from transforms.declarations import CORE, MARTS, Check, Example, Model, count, model_table


def _number(name: str, description: str) -> Column:
    return Column(name, Kind.NUMBER, description)


def _rate(name: str, description: str) -> Column:
    return _number(name, f"{description} 0 to 1; null where there is none to divide by.")


def _waits(name: str, what: str) -> tuple[Column, ...]:
    """Return the columns of one wait of inbound contacts."""
    return (
        count(f"{name}_contacts", f"Inbound contacts {what}, with both times known."),
        _seconds(f"{name}_seconds", "Their waits together."),
        _number(f"average_{name}_seconds", "Their average wait. In seconds."),
        _number(f"median_{name}_seconds", "The wait that half of them exceed. In seconds."),
    )


def _seconds(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, Kind.DECIMAL, f"{description} In seconds.", nullable=nullable)


CONTACTS = Model(
    CORE,
    model_table(
        "contacts",
        "Contacts: calls, and exchanges of messages on one channel, with their waits and work.",
        Column("contact_id", Kind.TEXT, "The contact.", nullable=False),
        CONVERSATION_ID,
        CUSTOMER_ID,
        Column("channel", Kind.TEXT, "Such as CHAT, EMAIL or PHONE_CALL."),
        Column(
            "direction",
            Kind.TEXT,
            "inbound if a customer or somebody outside began it, outbound if an agent, an "
            "application or the system did; null where nothing tells.",
        ),
        Column("inbox_id", Kind.TEXT, "The inbox when it was queued; null where nothing tells."),
        Column("entry_point", Kind.TEXT, "Address or number the customer used."),
        Column("final_ivr_selection", Kind.TEXT, "Last choice in the phone menu."),
        Column(
            "is_start_seen",
            Kind.BOOLEAN,
            "Whether its start is loaded; if not, nothing that needs the start has a value.",
            nullable=False,
        ),
        Column("queued_at", Kind.TIMESTAMP, "When it was queued, or begun if outbound."),
        Column("first_offered_at", Kind.TIMESTAMP, "When it was first offered to an agent."),
        Column("first_accepted_at", Kind.TIMESTAMP, "When an agent first accepted it."),
        Column(
            "fulfilled_at",
            Kind.TIMESTAMP,
            "When the clock of the service level stopped: it was answered, or cancelled.",
        ),
        Column("fulfilled_type", Kind.TEXT, "RESPONDED or CANCELED; null where a report told."),
        Column("ended_at", Kind.TIMESTAMP, "When it ended; null while it is open."),
        Column(
            "status",
            Kind.TEXT,
            "ANSWERED, UNANSWERED, ABANDONED, or OPEN while no end is seen; null where the end is "
            "seen but not how.",
        ),
        Column("end_reason", Kind.TEXT, "Why it ended, such as CONVERSATION_CLOSED."),
        Column(
            "is_abandoned",
            Kind.BOOLEAN,
            "Whether the customer gave up before anybody answered; null where status is.",
        ),
        Column(
            "due_at",
            Kind.TIMESTAMP,
            "When an answer was due, as the target was then; null where none was, or a report "
            "told of its start, which leaves that out.",
        ),
        _seconds("target_seconds", "Time allowed from the queue to the answer: until due_at."),
        Column(
            "is_target_known",
            Kind.BOOLEAN,
            "Whether it is known if an answer was due: if so, no due_at and no is_within_target "
            "of one that is fulfilled means that none was.",
            nullable=False,
        ),
        Column(
            "is_within_target",
            Kind.BOOLEAN,
            "Whether it was fulfilled by the time it was due; null if nothing was due, and until "
            "it is fulfilled.",
        ),
        _seconds("queued_to_accepted_seconds", "Wait until an agent first accepted it."),
        _seconds("queued_to_fulfilled_seconds", "Wait until it was fulfilled."),
        _seconds(
            "queued_to_fulfilled_business_seconds",
            "The same while the organisation's default business hours are open; null also where "
            "none are known.",
        ),
        _seconds("queued_to_ended_seconds", "From the queue to its end."),
        Column("first_agent_id", Kind.TEXT, "The agent who joined it first."),
        Column("last_agent_id", Kind.TEXT, "The agent who joined it last."),
        count("agents", "Different agents who joined it."),
        count("offers", "Offers to agents."),
        count("offers_accepted", "Offers that were accepted."),
        count("offers_rejected", "Offers that were rejected, for any reason or one not told."),
        count("offers_declined", "Offers that agents declined."),
        count("offers_missed", "Offers that agents missed."),
        count("offers_device_error", "Offers that failed at the agent's device."),
        count("transfers", "How often it was passed on."),
        count("holds", "How often the caller was put on hold."),
        _seconds("hold_seconds", "Time on hold, for any reason or one not told.", nullable=False),
        _seconds("hold_manual_seconds", "Time on hold by hand.", nullable=False),
        _seconds("hold_warm_transfer_seconds", "Time on hold for warm transfers.", nullable=False),
        _seconds("hold_cold_transfer_seconds", "Time on hold for cold transfers.", nullable=False),
        _seconds("hold_conference_seconds", "Time on hold for conferences.", nullable=False),
        _seconds(
            "handle_seconds",
            "Time agents spent on it until its end, from work_session_events; 0 if nobody worked "
            "on it, null until it has ended there too.",
        ),
        _seconds(
            "after_contact_seconds",
            "Time agents spent after it, likewise; it may still grow.",
        ),
        _seconds(
            "talk_seconds",
            "Of a call: handle time without holds; null where nobody worked on it, or handle time "
            "is.",
        ),
        count("messages", "Messages, by anybody."),
        count("messages_by_customer", "Messages of the customer, or of somebody outside."),
        count("messages_by_agent", "Messages of agents."),
        count("messages_by_rules", "Messages of rules."),
        count("messages_by_api", "Messages sent over the API."),
        key=("contact_id",),
    ),
    reads=(
        "contact_events",
        "work_session_events",
        "business_hour_spans",
        "conversation_identities",
        "customer_identities",
    ),
    checks=(
        Check(
            "each contact of which an event is loaded is there",
            "SELECT event.contact_id, COUNT(*) AS events FROM contact_events AS event "
            "LEFT JOIN contacts ON contacts.contact_id = event.contact_id "
            "WHERE contacts.contact_id IS NULL AND event.contact_id IS NOT NULL "
            "AND event.timestamp IS NOT NULL GROUP BY event.contact_id",
        ),
        Check(
            "each part is at most the whole",
            "SELECT contact_id, hold_seconds, offers_rejected, messages FROM contacts "
            "WHERE hold_seconds < hold_manual_seconds + hold_warm_transfer_seconds "
            "+ hold_cold_transfer_seconds + hold_conference_seconds "
            "OR offers_rejected < offers_declined + offers_missed + offers_device_error "
            "OR messages < messages_by_customer + messages_by_agent + messages_by_rules "
            "+ messages_by_api",
        ),
        Check(
            "each wait has a start that was seen",
            "SELECT contact_id, queued_at FROM contacts "
            "WHERE is_start_seen <> (queued_at IS NOT NULL) OR (NOT is_start_seen AND ("
            "first_offered_at IS NOT NULL OR first_accepted_at IS NOT NULL "
            "OR queued_to_accepted_seconds IS NOT NULL "
            "OR queued_to_fulfilled_seconds IS NOT NULL "
            "OR queued_to_ended_seconds IS NOT NULL))",
        ),
    ),
    changes=by_conversation("contact_events", "work_session_events", or_none=True),
)

CALLS = Model(
    CORE,
    model_table(
        "calls",
        "Phone calls and voicemails.",
        Column("item_id", Kind.TEXT, "The item of the conversation.", nullable=False),
        CONVERSATION_ID,
        CUSTOMER_ID,
        Column("contact_id", Kind.TEXT, "The contact it belongs to; null where that is not sure."),
        Column("kind", Kind.TEXT, "call or voicemail.", nullable=False),
        Column(
            "direction",
            Kind.TEXT,
            "inbound from a customer or somebody outside, else outbound.",
            nullable=False,
        ),
        Column("from_number", Kind.TEXT, "Who called; null for voicemails."),
        Column("to_number", Kind.TEXT, "Who was called; null for voicemails."),
        Column("started_at", Kind.TIMESTAMP, "When it began to ring, or the message began."),
        Column("answered_at", Kind.TIMESTAMP, "When it was answered; null if it was missed."),
        Column("completed_at", Kind.TIMESTAMP, "When it was over; null for voicemails."),
        Column(
            "is_missed",
            Kind.BOOLEAN,
            "Whether nobody answered the call, until now; null for voicemails.",
        ),
        _seconds("ring_seconds", "Until it was answered, or over if nobody did."),
        _seconds("talk_seconds", "From the answer to the end, holds included."),
        Column("recording_status", Kind.TEXT, "Such as AVAILABLE or DELETED."),
        _seconds("recording_seconds", "Length of the recording, of a voicemail its own."),
        Column(
            "has_summary",
            Kind.BOOLEAN,
            "Whether there is a summary of the recording.",
            nullable=False,
        ),
        key=("item_id",),
    ),
    reads=(
        "phone_calls",
        "voicemails",
        "conversation_items",
        "contact_events",
        "contacts",
        "conversation_identities",
        "customer_identities",
    ),
    checks=(
        Check(
            "each call and voicemail that was loaded is there",
            "SELECT item.id FROM conversation_items AS item "
            "LEFT JOIN phone_calls ON phone_calls.id = item.id "
            "LEFT JOIN voicemails ON voicemails.id = item.id "
            "LEFT JOIN calls ON calls.item_id = item.id "
            "WHERE calls.item_id IS NULL "
            "AND (phone_calls.id IS NOT NULL OR voicemails.id IS NOT NULL)",
        ),
        Check(
            "each contact_id names a contact",
            "SELECT calls.item_id, calls.contact_id FROM calls "
            "LEFT JOIN contacts ON contacts.contact_id = calls.contact_id "
            "WHERE calls.contact_id IS NOT NULL AND contacts.contact_id IS NULL",
        ),
    ),
    changes=by_conversation("conversation_items", "contact_events", "contacts", or_none=True),
)

_CHANNEL = Column("channel", Kind.TEXT, "Such as CHAT; '' where none is known.", nullable=False)

SERVICE_LEVELS = Model(
    MARTS,
    model_table(
        "service_levels",
        "Contacts that ended, by day, channel and inbox: service level, waits, work.",
        Column("local_date", Kind.DATE, "The day they ended, of local_days.", nullable=False),
        _CHANNEL,
        Column(
            "inbox_id",
            Kind.TEXT,
            "The inbox they were queued in; '' where none is known.",
            nullable=False,
        ),
        count("contacts_ended", "Contacts that ended."),
        count("contacts_inbound", "Of these, begun by customers or from outside."),
        count("contacts_outbound", "Of these, begun by agents, applications or the system."),
        count("contacts_fulfilled", "Of these, answered or cancelled."),
        count("contacts_fulfilled_before_target", "Of these, by the time they were due."),
        count("contacts_fulfilled_after_target", "Of the fulfilled, later than that."),
        count("contacts_without_target", "Of the inbound, those that nothing was due for."),
        _rate(
            "service_level_rate",
            "contacts_fulfilled_before_target, of contacts_inbound, as Gladly computes it.",
        ),
        count("contacts_abandoned", "Contacts that customers gave up before anybody answered."),
        count("contacts_abandoned_within_5_seconds", "Of these, within 5 seconds of the queue."),
        count("contacts_abandoned_within_10_seconds", "Of these, within 10 seconds."),
        count("contacts_abandoned_within_15_seconds", "Of these, within 15 seconds."),
        _rate("abandon_rate", "contacts_abandoned, of contacts_inbound."),
        count("contacts_accepted", "Contacts that some agent accepted."),
        count("contacts_transferred", "Contacts that were passed on, however often."),
        _rate("transfer_rate", "contacts_transferred, of contacts_ended."),
        *_waits("queued_to_accepted", "that an agent accepted"),
        *_waits("queued_to_fulfilled", "that were fulfilled"),
        *_waits(
            "queued_to_fulfilled_business", "that were fulfilled; waits in business hours only"
        ),
        count("handle_contacts", "Contacts whose handle time is known."),
        _seconds("handle_seconds", "Time agents spent on them until their ends."),
        _number("average_handle_seconds", "The same for each of them. In seconds."),
        _seconds("after_contact_seconds", "Time agents spent after them; it may still grow."),
        _number("average_after_contact_seconds", "The same for each of them. In seconds."),
        count("contacts_held", "Contacts that were put on hold."),
        _seconds("hold_seconds", "Time on hold."),
        _number("average_hold_seconds", "The same for each that was put on hold. In seconds."),
        count("talk_contacts", "Calls that agents worked on, with handle time known."),
        _seconds("talk_seconds", "Their handle time without holds."),
        _number("average_talk_seconds", "The same for each of them. In seconds."),
        key=("local_date", "channel", "inbox_id"),
    ),
    reads=("contacts", "local_days"),
    changes=by_day("local_days"),
    checks=(
        Check(
            "all contacts that ended on a day are counted",
            "SELECT ended.contacts, counted.contacts AS counted FROM ("
            "SELECT COUNT(*) AS contacts FROM contacts INNER JOIN local_days AS days "
            "ON contacts.ended_at >= days.starts_at AND contacts.ended_at < days.ends_at"
            ") AS ended CROSS JOIN ("
            "SELECT COALESCE(SUM(contacts_ended), 0) AS contacts FROM service_levels"
            ") AS counted WHERE ended.contacts <> counted.contacts",
        ),
        Check(
            "each part is at most the whole",
            "SELECT local_date, channel, inbox_id FROM service_levels "
            "WHERE contacts_inbound + contacts_outbound > contacts_ended "
            "OR contacts_fulfilled_before_target + contacts_fulfilled_after_target "
            "> contacts_fulfilled OR contacts_fulfilled > contacts_ended "
            "OR contacts_abandoned > contacts_ended OR transfer_rate > 1",
        ),
    ),
    examples=(
        Example(
            "What is the service level of each channel?",
            """\
SELECT channel, SUM(contacts_inbound) AS inbound,
       CAST(SUM(contacts_fulfilled_before_target) AS DOUBLE) / SUM(contacts_inbound)
         AS service_level_rate
FROM marts.service_levels
GROUP BY channel
HAVING SUM(contacts_inbound) > 0
ORDER BY channel COLLATE C""",
        ),
        Example(
            "In which inboxes do customers wait longest for an agent?",
            """\
SELECT level.inbox_id, inbox.name,
       SUM(level.queued_to_accepted_contacts) AS contacts,
       CAST(SUM(level.queued_to_accepted_seconds) AS DOUBLE)
         / SUM(level.queued_to_accepted_contacts) AS average_wait_seconds
FROM marts.service_levels AS level
LEFT JOIN gladly.inboxes AS inbox ON inbox.id = level.inbox_id
GROUP BY level.inbox_id, inbox.name
HAVING SUM(level.queued_to_accepted_contacts) > 0
ORDER BY average_wait_seconds DESC, level.inbox_id COLLATE C""",
        ),
        Example(
            "How many callers gave up each day, leaving out those who did within 5 seconds?",
            """\
SELECT local_date,
       SUM(contacts_inbound) AS calls,
       SUM(contacts_abandoned - contacts_abandoned_within_5_seconds) AS given_up,
       SUM(contacts_abandoned_within_5_seconds) AS given_up_at_once
FROM marts.service_levels
WHERE channel = 'PHONE_CALL'
GROUP BY local_date
ORDER BY local_date""",
        ),
    ),
)

SERVICE_LEVEL_HALF_HOURS = Model(
    MARTS,
    model_table(
        "service_level_half_hours",
        "Contacts that were queued, by half hour and channel: for staffing.",
        Column(
            "half_hour_start", Kind.TIMESTAMP, "Start of the half hour, in UTC.", nullable=False
        ),
        _CHANNEL,
        count("contacts_queued", "Contacts that were queued, or begun if outbound."),
        count("contacts_inbound", "Of these, begun by customers or from outside."),
        count("contacts_outbound", "Of these, begun by agents, applications or the system."),
        count("contacts_fulfilled_before_target", "Of these, answered by the time they were due."),
        count("contacts_fulfilled_after_target", "Of these, answered later than that."),
        _rate("service_level_rate", "contacts_fulfilled_before_target, of contacts_inbound."),
        count("contacts_abandoned", "Of these, given up before anybody answered."),
        count("handle_contacts", "Of these, those whose handle time is known."),
        _seconds("handle_seconds", "Time agents spent on them until their ends."),
        key=("half_hour_start", "channel"),
    ),
    reads=("contacts",),
    checks=(
        Check(
            "all contacts whose start is loaded are counted",
            "SELECT queued.contacts, counted.contacts AS counted FROM ("
            "SELECT COUNT(queued_at) AS contacts FROM contacts) AS queued CROSS JOIN ("
            "SELECT COALESCE(SUM(contacts_queued), 0) AS contacts FROM service_level_half_hours"
            ") AS counted WHERE queued.contacts <> counted.contacts",
        ),
    ),
    examples=(
        Example(
            "At which hours of the local day do contacts come in, on which channel?",
            """\
SELECT (EPOCH_US(half_hour.half_hour_start) - EPOCH_US(day.starts_at)) // 3600000000
         AS hours_after_midnight,
       half_hour.channel,
       SUM(half_hour.contacts_inbound) AS inbound
FROM marts.service_level_half_hours AS half_hour
JOIN marts.local_days AS day
  ON half_hour.half_hour_start >= day.starts_at AND half_hour.half_hour_start < day.ends_at
GROUP BY hours_after_midnight, half_hour.channel
ORDER BY hours_after_midnight, half_hour.channel COLLATE C""",
        ),
        Example(
            "When was the service level below 80 %?",
            """\
SELECT half_hour_start, channel, contacts_inbound, service_level_rate, contacts_abandoned
FROM marts.service_level_half_hours
WHERE service_level_rate < 0.8
ORDER BY half_hour_start, channel COLLATE C""",
        ),
        Example(
            "How many agents did the calls of each half hour need, one call at a time?",
            """\
SELECT half_hour_start, contacts_queued,
       CAST(handle_seconds AS DOUBLE) / 1800 AS agents_needed
FROM marts.service_level_half_hours
WHERE channel = 'PHONE_CALL' AND handle_contacts > 0
ORDER BY half_hour_start""",
        ),
    ),
)

CONTACT_MODELS: tuple[Model, ...] = (CONTACTS, CALLS, SERVICE_LEVELS, SERVICE_LEVEL_HALF_HOURS)
