"""Every record type of Gladly's export files: one declaration each.

Sources: Gladly API reference, operations ``getFile``, ``getItem`` and ``createItem``. Names are
snake_case of the API's own; words that SQL reserves are renamed (``from`` is ``from_address`` or
``from_number``). To add a content type, add one entry to ``CONTENT_TYPES`` and one golden pair.
"""

from __future__ import annotations

from sources.tables.declarations import ENTRY_NAME, Child, Field, Kind, Record, Shape

_REFERENCE = "https://developer.gladly.com/rest/#operation/"
_ITEM = _REFERENCE + "getItem"
_FILE = _REFERENCE + "getFile"

_TEXT_OF_MESSAGE = Field("content", "content", Kind.PROSE, "Text of the message.")

_ATTACHMENTS = Child(
    "item_attachments",
    "attachments",
    (
        Field("attachment_id", "id", Kind.TEXT, "Id of the attachment within its item."),
        Field("content_type", "contentType", Kind.TEXT, "Media type, such as image/png."),
        Field("filename", "filename", Kind.TEXT, "Name of the file as it was sent."),
        Field("file_size", "fileSize", Kind.INTEGER, "Size in bytes."),
    ),
    "Files attached to items.",
)

_RECORDING = (
    Field("recording_status", "recordingStatus", Kind.TEXT, "AVAILABLE, DELETED or ERROR."),
    Field("recording_url", "recordingUrl", Kind.TEXT, "Path of the recording, if available."),
    Field("recording_duration", "recordingDuration", Kind.INTEGER, "Length in seconds."),
    Field(
        "recording_summary_status",
        "recordingSummary.status",
        Kind.TEXT,
        "PENDING, READY, FAILED or REDACTED.",
    ),
    Field("recording_summary", "recordingSummary.summary", Kind.PROSE, "Summary of the recording."),
    Field("recording_summary_language", "recordingSummary.language", Kind.TEXT, "Its language."),
)


def _recipients(kind: str) -> Child:
    return Child(
        "email_recipients",
        kind,
        (Field("address", "", Kind.TEXT, "E-mail address."),),
        "Whom an e-mail was sent to.",
        label=("kind", kind),
    )


def _topics(action: str, path: str) -> Child:
    return Child(
        "topic_change_topics",
        path,
        (Field("topic_id", "", Kind.TEXT, "The topic."),),
        "Topics that a topic change added or removed.",
        label=("action", action),
    )


def _options(kind: str, path: str) -> Child:
    return Child(
        "quick_reply_options",
        path,
        (
            Field("option_id", "id", Kind.TEXT, "Id of the option within its request."),
            Field("label", "label", Kind.TEXT, "Text shown to the customer."),
        ),
        "Options of a quick reply: those a request offers, or those a response answers to.",
        label=("kind", kind),
    )


def _external_ids(kind: str, path: str, shape: Shape) -> Child:
    return Child(
        "customer_external_ids",
        path,
        (
            Field("adaptor_id", ENTRY_NAME, Kind.TEXT, "Lookup adaptor that knows the customer."),
            Field("external_customer_id", "", Kind.TEXT, "Id in your own system."),
        ),
        "Ids of customers in your own systems.",
        shape,
        label=("kind", kind),
    )


def _content(
    table: str, description: str, *fields: Field, children: tuple[Child, ...] = ()
) -> Record:
    return Record(table, fields, description, _ITEM, children)


def _message(table: str, channel: str, *fields: Field) -> Record:
    return _content(
        table, f"{channel} messages.", *fields, _TEXT_OF_MESSAGE, children=(_ATTACHMENTS,)
    )


CONTENT_TYPES: dict[str, Record] = {
    "CHAT_MESSAGE": _content(
        "chat_messages",
        "Messages of a chat session, quick replies included.",
        Field("session_id", "sessionId", Kind.TEXT, "The chat session."),
        Field("content", "content", Kind.PROSE, "Text of the message."),
        Field(
            "message_type",
            "messageType",
            Kind.TEXT,
            "TEXT, QUICK_REPLY_REQUEST or QUICK_REPLY_RESPONSE.",
        ),
        Field(
            "selected_option_id",
            "messageData.selectedOptionId",
            Kind.TEXT,
            "In a quick reply response: the option chosen.",
        ),
        Field(
            "request_message_id",
            "messageData.requestMessageId",
            Kind.TEXT,
            "In a quick reply response: the item it answers.",
        ),
        children=(
            _ATTACHMENTS,
            _options("offered", "messageData.options"),
            _options("answered", "messageData.quickReplyRequest.options"),
        ),
    ),
    "EMAIL": _content(
        "emails",
        "E-mails sent and received.",
        Field("from_address", "from", Kind.TEXT, "Address the e-mail came from."),
        Field("subject", "subject", Kind.TEXT, "Subject line."),
        Field("content", "content", Kind.PROSE, "Plain text of the e-mail."),
        children=(_recipients("to"), _recipients("cc"), _recipients("bcc"), _ATTACHMENTS),
    ),
    "SMS": _message(
        "sms_messages",
        "SMS",
        Field("from_number", "from", Kind.TEXT, "Number of the sender, E.164."),
        Field("to_number", "to", Kind.TEXT, "Number of the receiver, E.164."),
    ),
    "FACEBOOK_MESSAGE": _message(
        "facebook_messages",
        "Facebook Messenger",
        Field("page_id", "pageId", Kind.TEXT, "Facebook page."),
        Field("user_id", "userId", Kind.TEXT, "Facebook user."),
    ),
    "INSTAGRAM_DIRECT": _message("instagram_messages", "Instagram direct"),
    "WHATSAPP": _message("whatsapp_messages", "WhatsApp"),
    "TWITTER": _content(
        "twitter_messages", "Twitter messages (until 2023-04-20).", _TEXT_OF_MESSAGE
    ),
    "VOICE_AI_MESSAGE": _content(
        "voice_ai_messages",
        "What was said between a customer and the voice assistant.",
        Field("customer_number", "customerNumber", Kind.TEXT, "Number of the customer, E.164."),
        Field("company_number", "companyNumber", Kind.TEXT, "Number that was dialled, E.164."),
        Field("body", "body", Kind.PROSE, "Text of what was said."),
        Field("status", "status", Kind.TEXT, "PLAYED or INTERRUPTED."),
    ),
    "PHONE_CALL": _content(
        "phone_calls",
        "Phone calls between customers and agents.",
        Field("from_number", "from", Kind.TEXT, "Number of the caller, E.164."),
        Field("to_number", "to", Kind.TEXT, "Number that was called, E.164."),
        Field("started_at", "startedAt", Kind.TIMESTAMP, "When the call began."),
        Field("answered_at", "answeredAt", Kind.TIMESTAMP, "When it was answered, if it was."),
        Field("completed_at", "completedAt", Kind.TIMESTAMP, "When it ended."),
        *_RECORDING,
    ),
    "VOICEMAIL": _content(
        "voicemails",
        "Voicemails left by customers.",
        Field("started_at", "startedAt", Kind.TIMESTAMP, "When the voicemail began."),
        *_RECORDING,
    ),
    "CONVERSATION_NOTE": _content(
        "conversation_notes",
        "Internal notes of agents.",
        Field("body", "body", Kind.PROSE, "Text of the note."),
        children=(_ATTACHMENTS,),
    ),
    "CONVERSATION_STATUS_CHANGE": _content(
        "status_changes",
        "Changes of a conversation's status.",
        Field("status", "status", Kind.TEXT, "The new status: OPEN, WAITING or CLOSED."),
    ),
    "TOPIC_CHANGE": _content(
        "topic_changes",
        "Changes of a conversation's topics; the topics are in topic_change_topics.",
        children=(_topics("added", "addedTopicIds"), _topics("removed", "removedTopicIds")),
    ),
    "CUSTOMER_ACTIVITY": _content(
        "customer_activities",
        "What customers did elsewhere, as other systems reported it.",
        Field("title", "title", Kind.TEXT, "First line on the customer's timeline."),
        Field("body", "body", Kind.PROSE, "Plain or rich text."),
        Field("activity_type", "activityType", Kind.TEXT, "EMAIL, ISSUE, SMS or SURVEY."),
        Field("source_name", "sourceName", Kind.TEXT, "The system that reported it."),
        Field("link_url", "link.url", Kind.TEXT, "Where the link of the activity leads."),
        Field("link_text", "link.text", Kind.TEXT, "Label of that link."),
        Field("expand_by_default", "expandByDefault", Kind.BOOLEAN, "Shown expanded at first."),
        Field("occurred_at", "occurredAt", Kind.TIMESTAMP, "When it happened, if known."),
        Field("received_at", "receivedAt", Kind.TIMESTAMP, "When Gladly first heard of it."),
    ),
    "TASK": _content(
        "task_items",
        "Tasks on a customer's timeline (deprecated by Gladly in favour of its Tasks API).",
        Field("assignee_agent_id", "assignee.agentId", Kind.TEXT, "Agent the task is assigned to."),
        Field("assignee_inbox_id", "assignee.inboxId", Kind.TEXT, "Inbox it is assigned to."),
        Field("body", "body", Kind.PROSE, "What is to be done."),
        Field("due_at", "dueAt", Kind.TIMESTAMP, "When it is due."),
        children=(_ATTACHMENTS,),
    ),
}

CONVERSATION_ITEM = Record(
    "conversation_items",
    (
        Field("id", "id", Kind.TEXT, "The item. May change when customer profiles merge."),
        Field("conversation_id", "conversationId", Kind.TEXT, "Its conversation, if in one."),
        Field("customer_id", "customerId", Kind.TEXT, "The customer profile it belongs to."),
        Field("session_id", "sessionId", Kind.TEXT, "The AI session it belongs to."),
        Field("timestamp", "timestamp", Kind.TIMESTAMP, "When the item occurred."),
        Field("initiator_id", "initiator.id", Kind.TEXT, "Who began it; SIDEKICK_V2 is Gladly AI."),
        Field(
            "initiator_type",
            "initiator.type",
            Kind.TEXT,
            "AGENT, CUSTOMER, AUTOMATION, API, INTERNAL, EXTERNAL or SYSTEM.",
        ),
        Field("responder_id", "responder.id", Kind.TEXT, "Who responded."),
        Field("responder_type", "responder.type", Kind.TEXT, "As initiator_type."),
    ),
    "What all items of all conversations share; the typed tables hold the rest.",
    _FILE,
    variant_path="content",
    variants=CONTENT_TYPES,
    unknown_table="unknown_items",
)

AGENT = Record(
    "agents",
    (
        Field("id", "id", Kind.TEXT, "The agent; stable."),
        Field("name", "name", Kind.TEXT, "First and last name."),
        Field("email_address", "emailAddress", Kind.TEXT, "Address the agent logs in with."),
    ),
    "People who help customers.",
    _REFERENCE + "getAgents",
    has_deletion=True,
)

CUSTOMER = Record(
    "customers",
    (
        Field("id", "id", Kind.TEXT, "The customer profile. Changes when profiles merge."),
        Field("name", "name", Kind.TEXT, "Name of the customer."),
        Field("address", "address", Kind.TEXT, "Street address."),
    ),
    "Customer profiles, as far as the export tells.",
    _FILE,
    children=(
        Child(
            "customer_emails",
            "emailAddresses",
            (Field("email_address", "", Kind.TEXT, "E-mail address."),),
            "E-mail addresses of customers.",
        ),
        Child(
            "customer_phones",
            "phoneNumbers",
            (Field("phone_number", "", Kind.TEXT, "Phone number, E.164."),),
            "Phone numbers of customers.",
        ),
        _external_ids("single", "externalCustomerId", Shape.VALUE),
        _external_ids("by_adaptor", "externalCustomerIds", Shape.MAP),
    ),
)

TOPIC = Record(
    "topics",
    (
        Field("id", "id", Kind.TEXT, "The topic; stable."),
        Field("name", "name", Kind.TEXT, "Name of the topic; not unique."),
        Field("disabled", "disabled", Kind.BOOLEAN, "No longer in use."),
        Field("parent_id", "parentId", Kind.TEXT, "The topic it is nested under."),
    ),
    "Labels that agents give to conversations.",
    _REFERENCE + "getTopics",
    has_deletion=True,
)

EXPORT_FILES: dict[str, Record] = {
    "agents.jsonl": AGENT,
    "conversation_items.jsonl": CONVERSATION_ITEM,
    "customers.jsonl": CUSTOMER,
    "topics.jsonl": TOPIC,
}

EXPORT_JOB = Record(
    "export_jobs",
    (
        Field("id", "id", Kind.TEXT, "The job."),
        Field("schedule_id", "scheduleId", Kind.TEXT, "The schedule that made it, if one did."),
        Field("status", "status", Kind.TEXT, "PENDING, IN_PROGRESS, COMPLETED or FAILED."),
        Field("updated_at", "updatedAt", Kind.TIMESTAMP, "When the job changed last."),
        Field("type", "parameters.type", Kind.TEXT, "What it exports: CONVERSATIONS."),
        Field("start_at", "parameters.startAt", Kind.TIMESTAMP, "Start of its data window."),
        Field("end_at", "parameters.endAt", Kind.TIMESTAMP, "End of its data window."),
    ),
    "Export jobs as Gladly listed them.",
    _REFERENCE + "findJobs",
    children=(
        Child(
            "export_job_files",
            "files",
            (Field("filename", "", Kind.TEXT, "Name of the file."),),
            "Files of export jobs.",
        ),
    ),
)

EXPORT_SCHEDULE = Record(
    "export_schedules",
    (
        Field("id", "id", Kind.TEXT, "The schedule."),
        Field("frequency", "frequency", Kind.TEXT, "HOURLY or DAILY."),
        Field("type", "type", Kind.TEXT, "What it exports: CONVERSATIONS."),
        Field("next_start_at", "nextStartAt", Kind.TIMESTAMP, "Start of the next job's window."),
        Field("updated_at", "updatedAt", Kind.TIMESTAMP, "When the schedule changed last."),
    ),
    "Schedules that make export jobs.",
    _REFERENCE + "findSchedules",
)

RECORDS: tuple[Record, ...] = (*EXPORT_FILES.values(), EXPORT_JOB, EXPORT_SCHEDULE)
