"""Customers: declarations of the models of who they are and what they went through."""

from __future__ import annotations

from sources.tables.declarations import Column, Kind
from transforms.changes import by_customer
from transforms.declarations import (
    CORE,
    LOCAL_DATE,
    MARTS,
    Changes,
    Check,
    Example,
    Model,
    model_table,
)

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
# what names a customer in ``customer_id``, or belongs to one
_NAMING_A_CUSTOMER = (
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
    reads=("customers", "customer_profiles", *_NAMING_A_CUSTOMER),
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
    changes=by_customer(*_NAMING_A_CUSTOMER, customers="id", customer_profiles="id"),
)

SURVEY_ANSWERS = Model(
    MARTS,
    model_table(
        "survey_answers",
        "Answers of customers to surveys, with their scores where these are plainly told.",
        Column("item_id", Kind.TEXT, "The item on the customer's timeline.", nullable=False),
        Column("customer_id", Kind.TEXT, "The customer, as they are called after merges."),
        Column(
            "conversation_id",
            Kind.TEXT,
            "The conversation, as it is called after merges; null for most: activities of "
            "customers belong to none.",
        ),
        Column(
            "answered_at",
            Kind.TIMESTAMP,
            "When it was answered, or else when Gladly first heard of it.",
        ),
        Column("source_name", Kind.TEXT, "The system that reported it."),
        Column("title", Kind.TEXT, "Its first line on the timeline."),
        Column("body", Kind.PROSE, "Plain or rich text."),
        Column(
            "score",
            Kind.INTEGER,
            "The score, 0 to 100; null where body and title are more than a number.",
        ),
        Column("score_out_of", Kind.INTEGER, "The highest score, where it is told, as in 4/5."),
        key=("item_id",),
    ),
    reads=("customer_activities", "conversation_timeline"),
    checks=(
        Check(
            "each score is from 0 to the highest",
            "SELECT item_id, score, score_out_of FROM survey_answers "
            "WHERE score < 0 OR score > COALESCE(score_out_of, 100)",
        ),
    ),
    changes=Changes(
        "changed_items",
        "item_id",
        {"customer_activities": "id", "conversation_timeline": "item_id"},
    ),
    examples=(
        Example(
            "What did customers answer lately, and who are they?",
            """\
SELECT answer.answered_at, customer.name, answer.title, answer.score, answer.body
FROM marts.survey_answers AS answer
LEFT JOIN marts.resolved_customers AS customer ON customer.customer_id = answer.customer_id
ORDER BY answer.answered_at DESC, answer.item_id COLLATE C
LIMIT 20""",
        ),
        Example(
            "How does each system score, on each of its scales?",
            """\
SELECT source_name, score_out_of, COUNT(*) AS answers,
       CAST(SUM(score) AS DOUBLE) / NULLIF(COUNT(score), 0) AS average_score
FROM marts.survey_answers
GROUP BY source_name, score_out_of
ORDER BY source_name COLLATE C, score_out_of""",
        ),
        Example(
            "Which answers have no score that was read, and may hold one in words?",
            """\
SELECT item_id, source_name, title, body
FROM marts.survey_answers
WHERE score IS NULL
ORDER BY item_id COLLATE C""",
        ),
    ),
)

SATISFACTION = Model(
    MARTS,
    model_table(
        "satisfaction",
        "Answers to surveys by local day and by the system that reported them.",
        LOCAL_DATE,
        Column(
            "source_name",
            Kind.TEXT,
            "The system that reported them; empty where it is not named.",
            nullable=False,
        ),
        Column("answers", Kind.INTEGER, "Answers given that day.", nullable=False),
        Column("scored_answers", Kind.INTEGER, "Those with a score.", nullable=False),
        Column("unscored_answers", Kind.INTEGER, "Those without one.", nullable=False),
        Column(
            "average_score",
            Kind.NUMBER,
            "Average of the scores; null for none, and where they are on several scales.",
        ),
        Column(
            "scaled_answers",
            Kind.INTEGER,
            "Those with a score that name the highest one.",
            nullable=False,
        ),
        Column(
            "average_score_fraction",
            Kind.NUMBER,
            "Average of score over highest score of these, 0 to 1; null for none.",
        ),
        key=("local_date", "source_name"),
    ),
    reads=("survey_answers", "local_days"),
    checks=(
        Check(
            "no average is outside of what scores can be",
            "SELECT local_date, source_name FROM satisfaction "
            "WHERE average_score < 0 OR average_score > 100 "
            "OR average_score_fraction < 0 OR average_score_fraction > 1",
        ),
    ),
    examples=(
        Example(
            "How satisfied were customers on each day, by the system that asked?",
            """\
SELECT local_date, source_name, answers, scored_answers, average_score, average_score_fraction
FROM marts.satisfaction
ORDER BY local_date, source_name COLLATE C""",
        ),
        Example(
            "How many answers came in on each day, beside the conversations that were closed?",
            """\
SELECT closed.local_date, closed.conversations_closed,
       COALESCE(SUM(survey.answers), 0) AS answers
FROM marts.conversations_closed AS closed
LEFT JOIN marts.satisfaction AS survey ON survey.local_date = closed.local_date
GROUP BY closed.local_date, closed.conversations_closed
ORDER BY closed.local_date""",
        ),
    ),
)


def _outcome(what: str) -> tuple[Column, ...]:
    return (
        Column(
            f"{what}_payments",
            Kind.INTEGER,
            f"Payment requests that ended as {what.upper()}.",
            nullable=False,
        ),
        Column(
            f"{what}_amount",
            Kind.DECIMAL,
            "Their amounts, where all are in one currency; null else, and for none.",
        ),
        Column(f"{what}_currency", Kind.TEXT, "That currency."),
    )


CUSTOMER_360 = Model(
    MARTS,
    model_table(
        "customer_360",
        "All about a customer in one row: details, contact, topics, tasks, payments, surveys.",
        _CUSTOMER_ID,
        *_DETAILS,
        Column("profile_created_at", Kind.TIMESTAMP, "When the profile was made, if known."),
        Column("conversations", Kind.INTEGER, "Their conversations.", nullable=False),
        Column("open_conversations", Kind.INTEGER, "Those known not to be closed.", nullable=False),
        Column("contacts", Kind.INTEGER, "Their contacts.", nullable=False),
        Column("messages", Kind.INTEGER, "Messages from and to them.", nullable=False),
        Column("calls", Kind.INTEGER, "Calls and voicemails, likewise.", nullable=False),
        Column("channels", Kind.INTEGER, "Channels they were in contact on.", nullable=False),
        Column(
            "first_contact_at",
            Kind.TIMESTAMP,
            "First message, call, or event of a contact; null without any.",
        ),
        Column("last_contact_at", Kind.TIMESTAMP, "The last of these."),
        Column(
            "top_topic_id",
            Kind.TEXT,
            "The topic that most of their conversations have now; of several the lowest id.",
        ),
        Column("top_topic_path", Kind.TEXT, "Names from its root down."),
        Column("tasks", Kind.INTEGER, "Tasks about them.", nullable=False),
        Column("open_tasks", Kind.INTEGER, "Those known to be open.", nullable=False),
        Column("payment_requests", Kind.INTEGER, "Requests for a payment.", nullable=False),
        *_outcome("completed"),
        *_outcome("declined"),
        Column(
            "last_survey_score", Kind.INTEGER, "Score of their last answer that has one, if any."
        ),
        Column("last_survey_score_out_of", Kind.INTEGER, "The highest score, where it is told."),
        Column("last_survey_at", Kind.TIMESTAMP, "When they gave it."),
        key=("customer_id",),
    ),
    reads=(
        "conversation_items",
        "conversation_events",
        "conversations",
        "contact_events",
        "work_session_events",
        "customer_identities",
        "conversation_identities",
        "conversation_participation",
        "conversation_topics_over_time",
        "conversation_timeline",
        "task_facts",
        "payment_request_events",
        "survey_answers",
        "resolved_customers",
        "topic_hierarchy",
    ),
    checks=(
        Check(
            "each customer that stands today is there",
            "SELECT resolved.customer_id FROM resolved_customers AS resolved "
            "LEFT JOIN customer_360 AS customer ON customer.customer_id = resolved.customer_id "
            "WHERE customer.customer_id IS NULL",
        ),
        Check(
            "no more is open, or paid, than there is",
            "SELECT customer_id FROM customer_360 WHERE open_conversations > conversations "
            "OR open_tasks > tasks OR completed_payments + declined_payments > payment_requests",
        ),
    ),
    changes=by_customer(
        "conversation_items",
        "conversation_events",
        "conversations",
        "contact_events",
        "work_session_events",
        "conversation_timeline",
        "task_facts",
        "survey_answers",
        "resolved_customers",
    ),
    examples=(
        Example(
            "Who contacts us most, and about what?",
            """\
SELECT customer_id, name, contacts, conversations, channels, top_topic_path
FROM marts.customer_360
ORDER BY contacts DESC, customer_id COLLATE C
LIMIT 20""",
        ),
        Example(
            "Which customers have something open, and when were we last in contact?",
            """\
SELECT customer_id, name, open_conversations, open_tasks, last_contact_at
FROM marts.customer_360
WHERE open_conversations > 0 OR open_tasks > 0
ORDER BY last_contact_at, customer_id COLLATE C""",
        ),
        Example(
            "How many customers came back, and how many of them on another channel?",
            """\
SELECT COUNT(*) AS customers,
       COUNT(CASE WHEN conversations > 1 THEN customer_id END) AS came_back,
       COUNT(CASE WHEN conversations > 1 AND channels > 1 THEN customer_id END)
         AS on_several_channels
FROM marts.customer_360
WHERE conversations > 0""",
        ),
    ),
)

CUSTOMER_MODELS: tuple[Model, ...] = (
    RESOLVED_CUSTOMERS,
    SURVEY_ANSWERS,
    SATISFACTION,
    CUSTOMER_360,
)
