"""What the data contract says of reads by id, for ``tests/leaves.py``: tables, fields and lists.

Like there: the API's own names, and nothing of the code that keeps them. ``itemId`` of a transcript
and ``customerId`` of a comment are added by whoever reads; ``enrichment_reads`` is all our own.
"""

from __future__ import annotations

TEXT, TIMESTAMP, INTEGER, BOOLEAN, JSON = "text", "timestamp", "integer", "boolean", "json"
NUMBER = "number"

ENRICHMENT_FIELDS: dict[str, dict[str, str]] = {
    "conversations": {
        "id": TEXT,
        "customerId": TEXT,
        "agentId": TEXT,
        "inboxId": TEXT,
        "status": TEXT,
        "createdAt": TIMESTAMP,
        "closedAt": TIMESTAMP,
    },
    "conversation_custom_attributes": {"id": TEXT, "value": TEXT},
    "customer_profiles": {
        "id": TEXT,
        "name": TEXT,
        "address": TEXT,
        "image": TEXT,
        "externalCustomerId": TEXT,
        "customAttributes": JSON,
        "createdAt": TIMESTAMP,
        "updatedAt": TIMESTAMP,
    },
    "customer_profile_emails": {"normalized": TEXT, "original": TEXT, "primary": BOOLEAN},
    "customer_profile_phones": {
        "normalized": TEXT,
        "extension": TEXT,
        "original": TEXT,
        "regionCode": TEXT,
        "primary": BOOLEAN,
        "smsPreference": TEXT,
        "type": TEXT,
    },
    "tasks": {
        "id": TEXT,
        "customerId": TEXT,
        "timestamp": TIMESTAMP,
        "createdBy.id": TEXT,
        "createdBy.type": TEXT,
        "assignee.agentId": TEXT,
        "assignee.inboxId": TEXT,
        "body": TEXT,
        "dueAt": TIMESTAMP,
        "status": TEXT,
    },
    "task_comments": {
        "id": TEXT,
        "taskId": TEXT,
        "customerId": TEXT,
        "agentId": TEXT,
        "comment": TEXT,
        "createdAt": TIMESTAMP,
    },
    "voice_transcripts": {
        "itemId": TEXT,
        "customerId": TEXT,
        "numberOfSpeakers": INTEGER,
        "language": TEXT,
        "createdAt": TIMESTAMP,
        "updatedAt": TIMESTAMP,
    },
    "voice_transcript_paragraphs": {
        "transcript": TEXT,
        "speaker": INTEGER,
        "startTime": NUMBER,
        "endTime": NUMBER,
    },
    "enrichment_reads": {
        "readId": TEXT,
        "kind": TEXT,
        "entityId": TEXT,
        "outcome": TEXT,
        "requestedAt": TIMESTAMP,
        "missingSince": TIMESTAMP,
        "movedTo": TEXT,
        "isComplete": BOOLEAN,
    },
}

ENRICHMENT_LISTS: dict[str, dict[str, tuple[str, dict[str, str]]]] = {
    "conversations": {
        "topicIds": ("conversation_topics", {}),
        "customAttributes": ("conversation_custom_attributes", {}),
    },
    "customer_profiles": {
        "emails": ("customer_profile_emails", {}),
        "phones": ("customer_profile_phones", {}),
        "externalCustomerIds": ("customer_profile_external_ids", {}),
    },
    "voice_transcripts": {"paragraphs": ("voice_transcript_paragraphs", {})},
}

ENRICHMENT_VALUE_COLUMNS = {
    "conversation_topics": "topic_id",
    "customer_profile_external_ids": "external_customer_id",
}

# record type -> the member that identifies a record, where that is not ``id``
ENRICHMENT_KEYS = {"voice_transcripts": "itemId", "enrichment_reads": "readId"}

ENRICHMENT_PARENT_KEYS = {
    "conversation_topics": "conversation_id",
    "conversation_custom_attributes": "conversation_id",
    "customer_profile_emails": "customer_id",
    "customer_profile_phones": "customer_id",
    "customer_profile_external_ids": "customer_id",
    "voice_transcripts": "item_id",
    "voice_transcript_paragraphs": "item_id",
    "enrichment_reads": "read_id",
}

ENRICHMENT_RENAMES = {
    ("conversation_custom_attributes", "id"): "custom_attribute_id",
    ("customer_profile_emails", "normalized"): "email_address",
    ("customer_profile_emails", "primary"): "is_primary",
    ("customer_profile_phones", "normalized"): "phone_number",
    ("customer_profile_phones", "primary"): "is_primary",
    ("customer_profile_phones", "type"): "phone_type",
    ("voice_transcript_paragraphs", "startTime"): "start_seconds",
    ("voice_transcript_paragraphs", "endTime"): "end_seconds",
}
