"""Conversations and their items: declarations of the models of what was said and done in them."""

from __future__ import annotations

from sources.tables.declarations import Column, Kind
from transforms.declarations import CORE, Changes, Check, Model, model_table

CONVERSATION_ID = Column(
    "conversation_id", Kind.TEXT, "The conversation, as it is called after merges."
)
CUSTOMER_ID = Column("customer_id", Kind.TEXT, "The customer, as they are called after merges.")

_TYPED = (
    "conversation_items",
    "chat_messages",
    "emails",
    "sms_messages",
    "facebook_messages",
    "instagram_messages",
    "whatsapp_messages",
    "twitter_messages",
    "voice_ai_messages",
    "phone_calls",
    "voicemails",
    "conversation_notes",
    "status_changes",
    "topic_changes",
    "customer_activities",
    "task_items",
    "unknown_items",
)

CONVERSATION_TIMELINE = Model(
    CORE,
    model_table(
        "conversation_timeline",
        "Items of conversations of every type: who said or did what, when, on which channel.",
        Column("item_id", Kind.TEXT, "The item.", nullable=False),
        CONVERSATION_ID,
        CUSTOMER_ID,
        Column("sent_conversation_id", Kind.TEXT, "The conversation's id in the export."),
        Column("sent_customer_id", Kind.TEXT, "The customer's id in the export."),
        Column("session_id", Kind.TEXT, "The session of a chat or of an AI."),
        Column("occurred_at", Kind.TIMESTAMP, "When it was said or done."),
        Column("content_type", Kind.TEXT, "The type that Gladly names, such as CHAT_MESSAGE."),
        Column(
            "kind",
            Kind.TEXT,
            "message, call, note, status, topics, activity, task or unknown.",
            nullable=False,
        ),
        Column("channel", Kind.TEXT, "Of messages and calls, as events name it, such as EMAIL."),
        Column(
            "direction",
            Kind.TEXT,
            "inbound from a customer or a third party, outbound to them, or internal.",
            nullable=False,
        ),
        Column("author_id", Kind.TEXT, "Who said or did it."),
        Column("author_type", Kind.TEXT, "CUSTOMER, EXTERNAL, AGENT, AUTOMATION, API, SYSTEM."),
        Column("subject", Kind.TEXT, "Subject of an e-mail, title of an activity."),
        Column(
            "text",
            Kind.PROSE,
            "What was written; summary of a recording; the status of a change of status.",
        ),
        key=("item_id",),
    ),
    reads=(*_TYPED, "conversation_identities", "customer_identities"),
    checks=(
        Check(
            "each item that was loaded is there",
            "SELECT item.id FROM conversation_items AS item "
            "LEFT JOIN conversation_timeline AS entry ON entry.item_id = item.id "
            "WHERE entry.item_id IS NULL",
        ),
    ),
    changes=Changes("changed_items", "item_id", dict.fromkeys(_TYPED, "id")),
)

CONVERSATION_MODELS: tuple[Model, ...] = (CONVERSATION_TIMELINE,)
