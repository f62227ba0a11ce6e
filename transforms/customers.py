"""Customers: declarations of the models of who they are and what they went through."""

from __future__ import annotations

from sources.tables.declarations import Column, Kind
from transforms.declarations import CORE, Check, Model, model_table

_CUSTOMER_ID = Column(
    "customer_id", Kind.TEXT, "The customer, as they are called after merges.", nullable=False
)
_IS_DELETED = Column(
    "is_deleted",
    Kind.BOOLEAN,
    "Whether the profile was deleted at Gladly: no name or address of it is shown.",
    nullable=False,
)
_DETAILS = (
    Column("name", Kind.TEXT, "Name of the customer; null where none is known."),
    Column(
        "name_source",
        Kind.TEXT,
        "Where the name is from: profile, export, merged profile or merged export.",
    ),
    Column("email_address", Kind.TEXT, "Their primary e-mail address, or else the first listed."),
    Column(
        "email_addresses",
        Kind.INTEGER,
        "E-mail addresses listed where that one is from.",
        nullable=False,
    ),
    Column("phone_number", Kind.TEXT, "Their primary phone number, or else the first listed."),
    Column(
        "phone_numbers",
        Kind.INTEGER,
        "Phone numbers listed where that one is from.",
        nullable=False,
    ),
    Column("external_customer_id", Kind.TEXT, "Their id in your own system: the first listed."),
    Column(
        "merged_customer_ids",
        Kind.INTEGER,
        "Other customer ids that stand for them: profiles that were merged into theirs.",
        nullable=False,
    ),
    _IS_DELETED,
)

RESOLVED_CUSTOMERS = Model(
    CORE,
    model_table(
        "resolved_customers",
        "Customers that stand today: name, addresses, and the ids that were merged into theirs.",
        _CUSTOMER_ID,
        *_DETAILS,
        Column("deleted_at", Kind.TIMESTAMP, "When that was recorded; null where nobody saw it."),
        Column(
            "profile_created_at",
            Kind.TIMESTAMP,
            "When the profile was made; null where neither a read of it nor an event tells.",
        ),
        Column(
            "first_seen_at",
            Kind.TIMESTAMP,
            "First item of a conversation, or event of a contact, of theirs; null without any.",
        ),
        Column("last_seen_at", Kind.TIMESTAMP, "The last of these."),
        key=("customer_id",),
    ),
    reads=(
        "customers",
        "customer_profiles",
        "customer_identities",
        "conversation_items",
        "contact_events",
        "conversation_events",
        "customer_profile_events",
        "payment_request_events",
        "task_events",
        "tasks",
        "conversations",
        "work_session_events",
        "customer_profile_emails",
        "customer_emails",
        "customer_profile_phones",
        "customer_phones",
        "customer_profile_external_ids",
        "customer_external_ids",
        "conversation_timeline",
        "deleted_customers",
    ),
    checks=(
        Check(
            "nobody in it was merged into somebody else",
            "SELECT customer.customer_id FROM resolved_customers AS customer "
            "INNER JOIN customer_identities AS identity "
            "ON identity.customer_id = customer.customer_id "
            "WHERE identity.resolved_customer_id <> customer.customer_id",
        ),
        Check(
            "whoever an item is of is there",
            "SELECT entry.customer_id, entry.item_id FROM conversation_timeline AS entry "
            "LEFT JOIN resolved_customers AS customer "
            "ON customer.customer_id = entry.customer_id "
            "WHERE entry.customer_id <> '' AND customer.customer_id IS NULL",
        ),
        Check(
            "nothing personal is shown of who was deleted",
            "SELECT customer_id FROM resolved_customers WHERE is_deleted AND "
            "(name IS NOT NULL OR email_address IS NOT NULL OR phone_number IS NOT NULL "
            "OR external_customer_id IS NOT NULL)",
        ),
    ),
)

CUSTOMER_MODELS: tuple[Model, ...] = (RESOLVED_CUSTOMERS,)
