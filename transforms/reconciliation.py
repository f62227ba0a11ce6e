"""Our figures beside Gladly's own: declarations of the models that compare them."""

from __future__ import annotations

from sources.tables.declarations import Column, Kind
from transforms.declarations import MARTS, Check, Example, Model, model_table

RECONCILIATION = Model(
    MARTS,
    model_table(
        "reconciliation",
        "Our figures of a day beside those of Gladly's own reports, and why they differ.",
        Column("local_date", Kind.DATE, "The day, of local_days.", nullable=False),
        Column(
            "metric",
            Kind.TEXT,
            "contacts_ended, contacts_inbound, contacts_fulfilled, contacts_abandoned, "
            "service_level_rate, average_inbound_handle_seconds, average_outbound_handle_seconds, "
            "conversations_closed (for the last time), first_contact_resolution_eligible, or "
            "first_contact_resolution_rate. Rates are 0 to 1.",
            nullable=False,
        ),
        Column(
            "our_value",
            Kind.NUMBER,
            "Our figure, of all that is loaded; null for a rate or average of nothing.",
        ),
        Column("gladly_value", Kind.NUMBER, "The figure of Gladly's report; likewise."),
        Column(
            "difference", Kind.NUMBER, "our_value less gladly_value; null where one of them is."
        ),
        Column(
            "reason",
            Kind.TEXT,
            "equal, not comparable, incomplete day, restated or unexplained: the first that holds.",
            nullable=False,
        ),
        Column("extracted_at", Kind.TIMESTAMP, "When Gladly's report was read.", nullable=False),
        key=("local_date", "metric"),
    ),
    reads=(
        "load_files",
        "local_days",
        "report_windows",
        "report_contact_summary_v2",
        "report_conversation_summary",
        "contacts",
        "work_session_events",
        "conversation_events",
        "conversation_identities",
    ),
    checks=(
        Check(
            "each reason is one of five",
            "SELECT local_date, metric, reason FROM reconciliation WHERE reason NOT IN "
            "('equal', 'not comparable', 'incomplete day', 'restated', 'unexplained')",
        ),
    ),
    examples=(
        Example(
            "On how many days does each of our figures equal Gladly's, and why not on the others?",
            """\
SELECT metric, reason, COUNT(*) AS days
FROM marts.reconciliation
GROUP BY metric, reason
ORDER BY metric COLLATE C, reason COLLATE C""",
        ),
        Example(
            "Where do our figures differ from Gladly's, and why?",
            """\
SELECT local_date, metric, our_value, gladly_value, difference, reason
FROM marts.reconciliation
WHERE reason <> 'equal'
ORDER BY local_date DESC, metric COLLATE C""",
        ),
    ),
)

RECONCILIATION_MODELS: tuple[Model, ...] = (RECONCILIATION,)
