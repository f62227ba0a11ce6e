"""Who an id stands for today, after merges: declarations of the models of identity."""

from __future__ import annotations

from sources.tables.declarations import Column, Kind
from transforms.declarations import CORE, STAGING, Check, Model, model_table

_MERGES = Column(
    "merges",
    Kind.INTEGER,
    "Merges between this id and the one it resolves to; 0 if it is that one.",
    nullable=False,
)
_IS_IN_CYCLE = Column(
    "is_in_cycle",
    Kind.BOOLEAN,
    "Whether its merges lead back to it: the evidence contradicts itself.",
    nullable=False,
)


def _resolved_ids_resolve_no_further(table: str, id_column: str, *same: str) -> Check:
    """Whoever an id resolves to must stand for itself, and have a row."""
    resolved = f"resolved_{id_column}"
    same_row = " AND ".join(
        (f"target.{id_column} = source.{resolved}", *(f"target.{n} = source.{n}" for n in same))
    )
    return Check(
        f"each {resolved} stands for itself",
        f"SELECT source.{id_column}, source.{resolved} FROM {table} AS source "  # noqa: S608 - declared names
        f"LEFT JOIN {table} AS target ON {same_row} "
        f"WHERE target.{resolved} IS NULL OR target.{resolved} <> source.{resolved}",
    )


MERGED_IDENTITIES = Model(
    STAGING,
    model_table(
        "merged_identities",
        "Ids of customers and conversations that were merged away or merged into.",
        Column("entity", Kind.TEXT, "customer or conversation.", nullable=False),
        Column("id", Kind.TEXT, "An id that was merged away or merged into.", nullable=False),
        Column("resolved_id", Kind.TEXT, "The id that stands for it today.", nullable=False),
        _MERGES,
        _IS_IN_CYCLE,
        key=("entity", "id"),
    ),
    reads=("customer_merges", "conversation_merges"),
    checks=(_resolved_ids_resolve_no_further("merged_identities", "id", "entity"),),
)

CUSTOMER_IDENTITIES = Model(
    CORE,
    model_table(
        "customer_identities",
        "Customer ids that were merged away, merged into, or deleted.",
        Column("customer_id", Kind.TEXT, "A customer id.", nullable=False),
        Column(
            "resolved_customer_id",
            Kind.TEXT,
            "The customer id that stands for it today.",
            nullable=False,
        ),
        _MERGES,
        _IS_IN_CYCLE,
        Column(
            "is_deleted",
            Kind.BOOLEAN,
            "Whether the profile it resolves to was deleted.",
            nullable=False,
        ),
        key=("customer_id",),
    ),
    reads=("merged_identities", "deleted_customers"),
    checks=(_resolved_ids_resolve_no_further("customer_identities", "customer_id"),),
)

CONVERSATION_IDENTITIES = Model(
    CORE,
    model_table(
        "conversation_identities",
        "Conversation ids that were merged away or merged into.",
        Column("conversation_id", Kind.TEXT, "A conversation id.", nullable=False),
        Column(
            "resolved_conversation_id",
            Kind.TEXT,
            "The conversation id that stands for it today.",
            nullable=False,
        ),
        _MERGES,
        _IS_IN_CYCLE,
        key=("conversation_id",),
    ),
    reads=("merged_identities",),
    checks=(_resolved_ids_resolve_no_further("conversation_identities", "conversation_id"),),
)

IDENTITY_MODELS = (MERGED_IDENTITIES, CUSTOMER_IDENTITIES, CONVERSATION_IDENTITIES)
