"""Every event type of Gladly: one table an entity, a typed column for every field.

Source: Gladly API reference, tags Events and Webhooks. An event's ``type`` is ``ENTITY/WHAT``; all
types of an entity share its table. To add an entity, add one entry to ``EVENTS`` and one golden
pair a type; a new type of a known entity needs no declaration.

Rows of the Events API and rows healed from a timestamps report stand in the same tables: ``origin``
tells them apart.
"""

from __future__ import annotations

from sources.tables.declarations import Child, Field, Kind, Record, RecordFamily

_DOCUMENTATION = "https://developer.gladly.com/rest/#tag/Events"

_COMMON = (
    Field("event_id", "id", Kind.TEXT, "The event; made by us where a report delivered it."),
    Field("type", "type", Kind.TEXT, "What happened, such as CONTACT/STARTED."),
    Field("timestamp", "timestamp", Kind.TIMESTAMP, "When the event was recorded."),
    Field("initiator_id", "initiator.id", Kind.TEXT, "Who triggered it."),
    Field(
        "initiator_type",
        "initiator.type",
        Kind.TEXT,
        "AGENT, CUSTOMER, AUTOMATION, INTERNAL, EXTERNAL, APPLICATION or SYSTEM.",
    ),
)
_CUSTOMER = Field("customer_id", "content.customerId", Kind.TEXT, "The customer profile.")
_CONVERSATION = Field("conversation_id", "content.conversationId", Kind.TEXT, "The conversation.")
_CONTACT = Field("contact_id", "content.contactId", Kind.TEXT, "The contact.")
_TASK = Field("task_id", "content.taskId", Kind.TEXT, "The task.")
_REASON = Field("reason", "content.reason", Kind.TEXT, "Why it happened.")
_OCCURRED_AT = Field("occurred_at", "content.occurredAt", Kind.TIMESTAMP, "When it happened.")


def _agent(description: str) -> Field:
    return Field("agent_id", "content.agentId", Kind.TEXT, description)


def _named(name: str, member: str, what: str) -> tuple[Field, Field]:
    return (
        Field(f"{name}_id", f"content.{member}.id", Kind.TEXT, f"{what}: its id."),
        Field(f"{name}_name", f"content.{member}.name", Kind.TEXT, f"{what}: its name."),
    )


_ASSIGNEE = (
    Field("assignee_inbox_id", "content.assignee.inboxId", Kind.TEXT, "Inbox it goes to."),
    Field("assignee_agent_id", "content.assignee.agentId", Kind.TEXT, "Agent it goes to, if any."),
)
_CONTEXT_ASSIGNEE = (
    Field(
        "context_assignee_inbox_id",
        "content.context.assignee.inboxId",
        Kind.TEXT,
        "Inbox it was assigned to just before.",
    ),
    Field(
        "context_assignee_agent_id",
        "content.context.assignee.agentId",
        Kind.TEXT,
        "Agent it was assigned to just before, if any.",
    ),
)


def _channels(state: str, path: str) -> Child:
    return Child(
        "agent_availability_channels",
        path,
        (Field("channel", "", Kind.TEXT, "MAIL, MESSAGING, TASK or VOICE."),),
        "Channels an agent is available for, after or just before an event.",
        label=("state", state),
    )


def _event(
    table: str, description: str, *fields: Field, children: tuple[Child, ...] = ()
) -> Record:
    return Record(
        table, (*_COMMON, *fields), description, _DOCUMENTATION, children, has_origin=True
    )


AGENT_AVAILABILITY = _event(
    "agent_availability_events",
    "Changes of the channels agents are available for, and of their focus.",
    _agent("The agent."),
    _OCCURRED_AT,
    children=(
        _channels("after", "content.availableFor"),
        _channels("before", "content.context.availableFor"),
    ),
)
AGENT_STATUS = _event(
    "agent_status_events",
    "Agents log in and out, go away and return, and change what they are active with.",
    _agent("The agent."),
    _OCCURRED_AT,
    Field("away_at", "content.awayAt", Kind.TIMESTAMP, "When a returning agent had gone away."),
    *_named("active_reason", "activeReason", "What the agent is active with"),
    *_named("away_reason", "awayReason", "Why the agent is or was away"),
)
CONTACT = _event(
    "contact_events",
    "What happens to contacts: started, offered, accepted, on hold, transferred, ended.",
    _CONTACT,
    _CONVERSATION,
    _CUSTOMER,
    Field("channel", "content.channel", Kind.TEXT, "Such as CHAT, EMAIL or PHONE_CALL."),
    _agent("Agent the contact is offered to."),
    _REASON,
    Field("status", "content.status", Kind.TEXT, "At its end: ABANDONED, ANSWERED, UNANSWERED."),
    Field("fulfilled_type", "content.fulfilledType", Kind.TEXT, "CANCELED or RESPONDED."),
    Field("message_id", "content.messageId", Kind.TEXT, "The item sent or received."),
    Field("due_at", "content.dueAt", Kind.TIMESTAMP, "When an answer is due."),
    Field("entry_point", "content.entryPoint", Kind.TEXT, "Address or number the customer used."),
    Field(
        "final_ivr_selection", "content.finalIVRSelection", Kind.TEXT, "Last choice in the menu."
    ),
    Field("transfer_type", "content.transferType", Kind.TEXT, "COLD or WARM."),
    *_ASSIGNEE,
    *_CONTEXT_ASSIGNEE,
    children=(
        Child(
            "contact_offer_match_reasons",
            "content.matchReasons",
            (Field("match_reason", "", Kind.TEXT, "Name of the boost."),),
            "People Match boosts that led to the offer of a contact.",
        ),
    ),
)
CONVERSATION = _event(
    "conversation_events",
    "What happens to conversations: created, closed, reopened, assigned, labelled, noted.",
    _CONVERSATION,
    _CUSTOMER,
    _REASON,
    Field("topic_id", "content.topicId", Kind.TEXT, "Topic added or removed."),
    Field("note_id", "content.noteId", Kind.TEXT, "The note: an item of the conversation."),
    Field(
        "custom_attribute_id", "content.customAttributeId", Kind.TEXT, "Attribute added or removed."
    ),
    Field("custom_attribute_key", "content.customAttributeKey", Kind.TEXT, "Its key."),
    Field("custom_attribute_value", "content.customAttributeValue", Kind.TEXT, "Its value."),
    *_ASSIGNEE,
    *_CONTEXT_ASSIGNEE,
)
_SOURCE_CUSTOMER = Field(
    "source_customer_id", "content.sourceCustomerId", Kind.TEXT, "Profile that was merged away."
)
_DESTINATION_CUSTOMER = Field(
    "destination_customer_id", "content.destinationCustomerId", Kind.TEXT, "Profile that remains."
)
CUSTOMER = _event(
    "customer_events",
    "Merges of customer profiles.",
    _SOURCE_CUSTOMER,
    _DESTINATION_CUSTOMER,
    Field(
        "source_conversation_id",
        "content.sourceConversationId",
        Kind.TEXT,
        "Open conversation that was merged away, if both profiles had one.",
    ),
    Field(
        "destination_conversation_id",
        "content.destinationConversationId",
        Kind.TEXT,
        "Open conversation that remains, if both profiles had one.",
    ),
)
CUSTOMER_PROFILE = _event(
    "customer_profile_events",
    "Customer profiles created, updated, deleted, and merged as an older event tells it.",
    _CUSTOMER,
    _SOURCE_CUSTOMER,
    _DESTINATION_CUSTOMER,
)
PAYMENT_REQUEST = _event(
    "payment_request_events",
    "Requests for a payment: made, seen, changed.",
    Field("payment_request_id", "content.paymentRequestId", Kind.TEXT, "The request."),
    _CONTACT,
    _CONVERSATION,
    _CUSTOMER,
    Field("currency", "content.context.currency", Kind.TEXT, "Currency of the amount."),
    Field("monetary_unit", "content.context.monetaryUnit", Kind.DECIMAL, "The amount."),
    Field("old_status", "content.oldStatus", Kind.TEXT, "Status before a change."),
    Field("new_status", "content.newStatus", Kind.TEXT, "Status after a change."),
)
TASK = _event(
    "task_events",
    "What happens to tasks: created, assigned, edited, commented, closed, reopened.",
    _TASK,
    _CUSTOMER,
    _agent("Agent who follows or no longer follows it."),
    Field("comment_id", "content.commentId", Kind.TEXT, "The comment added."),
    Field("due_at", "content.dueAt", Kind.TIMESTAMP, "When it is due from now on."),
    *_ASSIGNEE,
    *_CONTEXT_ASSIGNEE,
    Field("context_due_at", "content.context.dueAt", Kind.TIMESTAMP, "When it was due before."),
    Field("context_created_at", "content.context.createdAt", Kind.TIMESTAMP, "When it was made."),
)
EXPORT_JOB = _event(
    "export_job_events",
    "Export jobs completed and failed; so far only webhooks tell of them.",
    Field("job_id", "content.jobId", Kind.TEXT, "The export job."),
)
UNKNOWN_EVENT = _event(
    "unknown_events",
    "Events of an entity no declaration knows; _extra holds all of them that is not common.",
)

EVENTS = RecordFamily(
    type_path="type",
    separator="/",
    records={
        "AGENT_AVAILABILITY": AGENT_AVAILABILITY,
        "AGENT_STATUS": AGENT_STATUS,
        "CONTACT": CONTACT,
        "CONVERSATION": CONVERSATION,
        "CONVERSATION_ASSIGNEE": CONVERSATION,
        "CONVERSATION_STATUS": CONVERSATION,
        "CUSTOMER": CUSTOMER,
        "CUSTOMER_PROFILE": CUSTOMER_PROFILE,
        "EXPORT_JOB": EXPORT_JOB,
        "PAYMENT_REQUEST": PAYMENT_REQUEST,
        "TASK": TASK,
    },
    unknown=UNKNOWN_EVENT,
)

EVENTS_FILE = "events.jsonl"
