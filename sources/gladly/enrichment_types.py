"""Every record type of the reads behind the exports: what only a GET by id tells.

Sources: Gladly API reference, operations ``getConversation``, ``getCustomer``, ``getTask``,
``getTaskComments`` and ``getVoiceTranscript``; Gladly's tutorial on ingesting conversations advises
these reads. To add a kind, add one entry to ``ENRICHMENT_KINDS`` and one golden pair.

A line of a raw file is what Gladly answered. What only the request knew is added to it where the
answer leaves it out: ``id``, the ``itemId`` of a transcript, the ``customerId`` of a comment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sources.tables.declarations import ENTRY_NAME, Child, Field, Kind, Record, Shape

ENRICHMENT_STREAM: Final = "gladly.enrichment"
_REFERENCE = "https://developer.gladly.com/rest/#operation/"


class Outcome(StrEnum):
    """What a read found, and so whether it is made again."""

    FOUND = "found"  # until it is touched again
    MOVED = "moved"  # merged into another customer: never again
    MISSING = "missing"  # 404: once more, to be sure
    GONE = "gone"  # 404 twice: until it is touched again
    REFUSED = "refused"  # 400: until it is touched again


CONVERSATION = Record(
    "conversations",
    (
        Field("id", "id", Kind.TEXT, "The conversation."),
        Field("customer_id", "customerId", Kind.TEXT, "The customer profile it belongs to."),
        Field("agent_id", "agentId", Kind.TEXT, "Agent it is assigned to, if any."),
        Field("inbox_id", "inboxId", Kind.TEXT, "Inbox it is in."),
        Field("status", "status", Kind.TEXT, "OPEN, WAITING or CLOSED."),
        Field("created_at", "createdAt", Kind.TIMESTAMP, "When it began."),
        Field("closed_at", "closedAt", Kind.TIMESTAMP, "When it was closed, if it is."),
    ),
    "Conversations as they are: inbox, status and assignee, which no export tells.",
    _REFERENCE + "getConversation",
    children=(
        Child(
            "conversation_topics",
            "topicIds",
            (Field("topic_id", "", Kind.TEXT, "The topic."),),
            "Topics that conversations have.",
        ),
        Child(
            "conversation_custom_attributes",
            "customAttributes",
            (
                Field("custom_attribute_id", "id", Kind.TEXT, "The custom attribute."),
                Field("value", "value", Kind.TEXT, "Its value; one attribute may have several."),
            ),
            "Custom attributes that conversations have.",
        ),
    ),
    has_deletion=True,
)

CUSTOMER_PROFILE = Record(
    "customer_profiles",
    (
        Field("id", "id", Kind.TEXT, "The customer profile. Changes when profiles merge."),
        Field("name", "name", Kind.TEXT, "Name of the customer."),
        Field("address", "address", Kind.TEXT, "Street address."),
        Field("image", "image", Kind.TEXT, "Address of a picture."),
        Field(
            "external_customer_id",
            "externalCustomerId",
            Kind.TEXT,
            "Id in your own system, where an older lookup adaptor knows the customer.",
        ),
        Field(
            "custom_attributes",
            "customAttributes",
            Kind.JSON,
            "Attributes from your own system, in a shape of your own.",
        ),
        Field("created_at", "createdAt", Kind.TIMESTAMP, "When the profile was made."),
        Field("updated_at", "updatedAt", Kind.TIMESTAMP, "When it changed last."),
    ),
    "Customer profiles whole, with the custom attributes that exports leave out.",
    _REFERENCE + "getCustomer",
    children=(
        Child(
            "customer_profile_emails",
            "emails",
            (
                Field("email_address", "normalized", Kind.TEXT, "E-mail address, normalised."),
                Field("original", "original", Kind.TEXT, "E-mail address as it was entered."),
                Field("is_primary", "primary", Kind.BOOLEAN, "The one the customer prefers."),
            ),
            "E-mail addresses of customer profiles.",
        ),
        Child(
            "customer_profile_phones",
            "phones",
            (
                Field("phone_number", "normalized", Kind.TEXT, "Phone number, E.164."),
                Field("extension", "extension", Kind.TEXT, "Extension."),
                Field("original", "original", Kind.TEXT, "Phone number as it was entered."),
                Field("region_code", "regionCode", Kind.TEXT, "Region it was read in."),
                Field("is_primary", "primary", Kind.BOOLEAN, "The one the customer prefers."),
                Field("sms_preference", "smsPreference", Kind.TEXT, "ON, OFF or FORBIDDEN."),
                Field("phone_type", "type", Kind.TEXT, "HOME, MOBILE or OFFICE, if known."),
            ),
            "Phone numbers of customer profiles.",
        ),
        Child(
            "customer_profile_external_ids",
            "externalCustomerIds",
            (
                Field(
                    "adaptor_id", ENTRY_NAME, Kind.TEXT, "Lookup adaptor that knows the customer."
                ),
                Field("external_customer_id", "", Kind.TEXT, "Id in your own system."),
            ),
            "Ids of customer profiles in your own systems.",
            Shape.MAP,
        ),
    ),
    has_deletion=True,
    child_key="customer_id",
)

TASK = Record(
    "tasks",
    (
        Field("id", "id", Kind.TEXT, "The task."),
        Field("customer_id", "customerId", Kind.TEXT, "The customer profile it belongs to."),
        Field("timestamp", "timestamp", Kind.TIMESTAMP, "When it was made."),
        Field("created_by_id", "createdBy.id", Kind.TEXT, "Who made it."),
        Field("created_by_type", "createdBy.type", Kind.TEXT, "Such as AGENT or API."),
        Field("assignee_agent_id", "assignee.agentId", Kind.TEXT, "Agent it is assigned to."),
        Field("assignee_inbox_id", "assignee.inboxId", Kind.TEXT, "Inbox it is assigned to."),
        Field("body", "body", Kind.PROSE, "What is to be done."),
        Field("due_at", "dueAt", Kind.TIMESTAMP, "When it is due."),
        Field("status", "status", Kind.TEXT, "OPEN or CLOSED."),
    ),
    "Tasks as they are.",
    _REFERENCE + "getTask",
    has_deletion=True,
)

TASK_COMMENT = Record(
    "task_comments",
    (
        Field("id", "id", Kind.TEXT, "The comment."),
        Field("task_id", "taskId", Kind.TEXT, "The task."),
        Field("customer_id", "customerId", Kind.TEXT, "The customer profile of the task."),
        Field("agent_id", "agentId", Kind.TEXT, "Who wrote it."),
        Field("comment", "comment", Kind.PROSE, "Text of the comment."),
        Field("created_at", "createdAt", Kind.TIMESTAMP, "When it was written."),
    ),
    "Comments on tasks. Gladly shows the first 1000 of a task, so none is ever taken for deleted.",
    _REFERENCE + "getTaskComments",
)

VOICE_TRANSCRIPT = Record(
    "voice_transcripts",
    (
        Field("item_id", "itemId", Kind.TEXT, "The phone call or voicemail."),
        Field("customer_id", "customerId", Kind.TEXT, "The customer profile it belongs to."),
        Field("number_of_speakers", "numberOfSpeakers", Kind.INTEGER, "How many speak."),
        Field("language", "language", Kind.TEXT, "The language spoken."),
        Field("created_at", "createdAt", Kind.TIMESTAMP, "When the transcript was made."),
        Field("updated_at", "updatedAt", Kind.TIMESTAMP, "When it changed last."),
    ),
    "Transcripts of phone calls and voicemails; what was said is in their paragraphs.",
    _REFERENCE + "getVoiceTranscript",
    children=(
        Child(
            "voice_transcript_paragraphs",
            "paragraphs",
            (
                Field("transcript", "transcript", Kind.PROSE, "What was said."),
                Field("speaker", "speaker", Kind.INTEGER, "Number of the speaker, from 0."),
                Field("start_seconds", "startTime", Kind.NUMBER, "Seconds into the recording."),
                Field("end_seconds", "endTime", Kind.NUMBER, "Seconds into the recording."),
            ),
            "Paragraphs of transcripts, in order.",
        ),
    ),
    has_deletion=True,
    child_key="item_id",
)

ENRICHMENT_READ = Record(
    "enrichment_reads",
    (
        Field("read_id", "readId", Kind.TEXT, "The kind and the id."),
        Field("kind", "kind", Kind.TEXT, "What was read, such as conversations."),
        Field("entity_id", "entityId", Kind.TEXT, "Its id."),
        Field(
            "outcome",
            "outcome",
            Kind.TEXT,
            "found, moved, missing (404), gone (404 twice) or refused.",
        ),
        Field("requested_at", "requestedAt", Kind.TIMESTAMP, "When it was read last."),
        Field("missing_since", "missingSince", Kind.TIMESTAMP, "When it was first not there."),
        Field("moved_to", "movedTo", Kind.TEXT, "The id it was merged into."),
        Field("is_complete", "isComplete", Kind.BOOLEAN, "False where Gladly cut the answer."),
    ),
    "What was read by id, when, and what came of it: what is touched later is read again.",
    _REFERENCE + "getConversation",
)


@dataclass(frozen=True, slots=True)
class Touch:
    """A table whose rows, each at its ``_extracted_at``, say that something may have changed."""

    table: str
    column: str
    condition: str = ""


@dataclass(frozen=True, slots=True)
class EnrichmentKind:
    """One kind of thing that is read by id.

    Attributes:
        record: what the answer is.
        path: what stands around the id: before it, and after it.
        touches: where ids come from.
    """

    record: Record
    path: tuple[str, str]
    touches: tuple[Touch, ...]

    @property
    def name(self) -> str:
        """What the setting calls it."""
        return self.record.table


_IS_RECORDED = "recording_status = 'AVAILABLE'"

ENRICHMENT_KINDS: dict[str, EnrichmentKind] = {
    kind.name: kind
    for kind in (
        EnrichmentKind(
            CONVERSATION,
            ("/api/v1/conversations/", ""),
            (
                Touch("conversation_items", "conversation_id"),
                Touch("conversation_events", "conversation_id"),
                Touch("contact_events", "conversation_id"),
            ),
        ),
        EnrichmentKind(
            CUSTOMER_PROFILE,
            ("/api/v1/customer-profiles/", ""),
            (
                Touch("customers", "id"),
                Touch("conversation_items", "customer_id"),
                Touch("customer_profile_events", "customer_id"),
                Touch("customer_merges", "destination_customer_id"),
            ),
        ),
        EnrichmentKind(
            TASK,
            ("/api/v1/tasks/", ""),
            (Touch("task_items", "id"), Touch("task_events", "task_id")),
        ),
        EnrichmentKind(
            VOICE_TRANSCRIPT,
            ("/api/v1/conversation-items/", "/voice-transcript"),
            (
                Touch("phone_calls", "id", _IS_RECORDED),
                Touch("voicemails", "id", _IS_RECORDED),
            ),
        ),
    )
}
ENRICHMENT_RECORDS: tuple[Record, ...] = (
    CONVERSATION,
    CUSTOMER_PROFILE,
    TASK,
    TASK_COMMENT,
    VOICE_TRANSCRIPT,
    ENRICHMENT_READ,
)
READS_FILE: Final = f"{ENRICHMENT_READ.table}.jsonl"
ENRICHMENT_FILES: dict[str, Record] = {
    f"{record.table}.jsonl": record for record in ENRICHMENT_RECORDS
}
