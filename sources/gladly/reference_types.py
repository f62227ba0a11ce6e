"""Every record type of Gladly's reference lists: who works where, under which names and hours.

Source: Gladly API reference, operations ``getAgents``, ``getInboxes``, ``getTeams``, ``getTopics``,
``getAudiences``, ``getBusinessHours``, ``getOrganization``, ``getWebhooks``, ``listAnswers`` and
``getCustomAttribute``. To add a list, add one entry to ``REFERENCE_LISTS``, its path to
``sources/gladly/reference.py`` and one golden pair.

Agents and topics also come in export files and share their declarations and tables with these.
"""

from __future__ import annotations

from typing import Final

from sources.gladly.declarations import AGENT, TOPIC
from sources.tables.declarations import Child, Field, Kind, Record

REFERENCE_STREAM: Final = "gladly.reference"
_REFERENCE = "https://developer.gladly.com/rest/#operation/"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _updated_at(what: str) -> Field:
    return Field("updated_at", "updatedAt", Kind.TIMESTAMP, f"When the {what} changed last.")


def _created_at(what: str) -> Field:
    return Field("created_at", "createdAt", Kind.TIMESTAMP, f"When the {what} was made.")


def _blocks(weekday: str) -> Child:
    return Child(
        "business_hours_blocks",
        f"officeHours.{weekday}",
        (
            Field("start_time", "start", Kind.TEXT, "Local time the block begins, HH:MM."),
            Field("stop_time", "stop", Kind.TEXT, "Local time the block ends, HH:MM."),
        ),
        "Blocks of opening time, by day of the week, in the timezone of their business hours.",
        label=("weekday", weekday),
    )


INBOX = Record(
    "inboxes",
    (
        Field("id", "id", Kind.TEXT, "The inbox; stable."),
        Field("name", "name", Kind.TEXT, "Name of the inbox; unique at any one time."),
        Field("disabled", "disabled", Kind.BOOLEAN, "No longer in use."),
    ),
    "Where conversations wait for agents.",
    _REFERENCE + "getInboxes",
    has_deletion=True,
    child_key="inbox_id",
)

TEAM = Record(
    "teams",
    (
        Field("id", "id", Kind.TEXT, "The team."),
        Field("name", "name", Kind.TEXT, "Name of the team."),
        Field("description", "description", Kind.TEXT, "What the team is for."),
    ),
    "Teams of agents.",
    _REFERENCE + "getTeams",
    children=(
        Child(
            "team_agents",
            "agentIds",
            (Field("agent_id", "", Kind.TEXT, "The agent."),),
            "Which agents are in which team; those of a deleted team are those it had last.",
        ),
    ),
    has_deletion=True,
)

AUDIENCE = Record(
    "audiences",
    (
        Field("id", "id", Kind.TEXT, "The audience."),
        Field("name", "name", Kind.TEXT, "Name of the audience."),
    ),
    "Groups of customers that answers and rules are meant for.",
    _REFERENCE + "getAudiences",
    has_deletion=True,
)

BUSINESS_HOURS = Record(
    "business_hours",
    (
        Field("id", "id", Kind.TEXT, "The configuration."),
        Field("version", "version", Kind.INTEGER, "Counts its changes."),
        _created_at("configuration"),
        _updated_at("configuration"),
        Field("name", "name", Kind.TEXT, "Name of the configuration."),
        Field("is_primary", "primary", Kind.BOOLEAN, "Holds where no other one is chosen."),
        Field("timezone", "officeHours.timezone", Kind.TEXT, "IANA name of its timezone."),
    ),
    "Business hours; their blocks and exceptions have tables of their own.",
    _REFERENCE + "getBusinessHours",
    children=(
        *map(_blocks, WEEKDAYS),
        Child(
            "business_hours_exceptions",
            "officeHours.exceptions",
            (
                Field("name", "name", Kind.TEXT, "Such as a holiday's."),
                Field("start_at", "start", Kind.TIMESTAMP, "When the exception begins."),
                Field("stop_at", "stop", Kind.TIMESTAMP, "When the exception ends."),
                Field(
                    "schedule_blocks",
                    "scheduleBlocks",
                    Kind.JSON,
                    "Opening time within it, as start and stop; closed where there is none.",
                ),
            ),
            "Spans of time in which other hours hold.",
        ),
    ),
    has_deletion=True,
    child_key="business_hours_id",
)

ORGANIZATION = Record(
    "organization",
    (
        Field("id", "id", Kind.TEXT, "The organisation."),
        Field("login_domain", "loginDomain", Kind.TEXT, "Its e-mail domain."),
        Field("name", "name", Kind.TEXT, "Its name."),
        Field("timezone", "timezone", Kind.TEXT, "IANA name of its timezone."),
        Field("gladly_url", "gladlyUrl", Kind.TEXT, "Its address at Gladly."),
    ),
    "The organisation itself: one row.",
    _REFERENCE + "getOrganization",
    has_deletion=True,
)

WEBHOOK = Record(
    "webhooks",
    (
        Field("id", "id", Kind.TEXT, "The webhook."),
        Field("name", "name", Kind.TEXT, "Name of the webhook."),
        Field("url", "url", Kind.TEXT, "Where events are sent, without login, query or fragment."),
        Field("has_credentials", "hasCredentials", Kind.BOOLEAN, "Logs in with a password."),
        Field("enabled", "enabled", Kind.BOOLEAN, "Delivers events."),
        Field(
            "disabled_at_due_to_retry_limit",
            "disabledAtDueToRetryLimit",
            Kind.TIMESTAMP,
            "When Gladly turned it off because deliveries failed.",
        ),
        _created_at("webhook"),
        _updated_at("webhook"),
    ),
    "Webhooks. Credentials and values of headers are never stored.",
    _REFERENCE + "getWebhooks",
    children=(
        Child(
            "webhook_events",
            "events",
            (Field("event_type", "", Kind.TEXT, "Such as CONVERSATION/CLOSED."),),
            "Events that are sent to webhooks.",
        ),
        Child(
            "webhook_headers",
            "headerKeys",
            (Field("name", "", Kind.TEXT, "Name of the header."),),
            "Names of the headers that webhooks send; values are never stored.",
        ),
    ),
    has_deletion=True,
)

PUBLIC_ANSWER = Record(
    "public_answers",
    (
        Field("id", "id", Kind.TEXT, "The answer; stable, but can be deleted for good."),
        Field("name", "name", Kind.TEXT, "Name of the answer that customers see."),
        Field("body_html", "bodyHtml", Kind.PROSE, "The answer, as HTML."),
        Field("language", "language", Kind.TEXT, "Its language, such as en-us."),
        _updated_at("answer"),
    ),
    "Public answers in one language; by default the one that the API takes for default.",
    _REFERENCE + "listAnswers",
    has_deletion=True,
)

CUSTOM_ATTRIBUTE = Record(
    "custom_attributes",
    (
        Field("id", "id", Kind.TEXT, "The custom attribute."),
        Field("attribute_key", "key", Kind.TEXT, "Its key, such as orderId."),
        Field("label", "label", Kind.TEXT, "What people read, such as Order ID."),
        Field("deactivated", "deactivated", Kind.BOOLEAN, "No longer in use."),
        _created_at("attribute"),
        Field("created_by", "createdBy", Kind.TEXT, "The user who made it."),
    ),
    "Custom attributes of conversations, as far as their ids were seen.",
    _REFERENCE + "getCustomAttribute",
    has_deletion=True,
)

# list -> what its elements are
REFERENCE_LISTS: dict[str, Record] = {
    record.table: record
    for record in (
        AGENT,
        INBOX,
        TEAM,
        TOPIC,
        AUDIENCE,
        BUSINESS_HOURS,
        ORGANIZATION,
        WEBHOOK,
        PUBLIC_ANSWER,
        CUSTOM_ATTRIBUTE,
    )
}
# the record types that no export file holds
REFERENCE_RECORDS: tuple[Record, ...] = tuple(
    record for record in REFERENCE_LISTS.values() if record not in (AGENT, TOPIC)
)
