"""What the data contract says of reference lists, for ``tests/leaves.py``: tables, fields, lists.

Like there: the API's own names, and nothing of the code that keeps them.
"""

from __future__ import annotations

TEXT, TIMESTAMP, INTEGER, BOOLEAN, JSON = "text", "timestamp", "integer", "boolean", "json"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

REFERENCE_FIELDS: dict[str, dict[str, str]] = {
    "inboxes": {"id": TEXT, "name": TEXT, "disabled": BOOLEAN},
    "teams": {"id": TEXT, "name": TEXT, "description": TEXT},
    "audiences": {"id": TEXT, "name": TEXT},
    "business_hours": {
        "id": TEXT,
        "version": INTEGER,
        "createdAt": TIMESTAMP,
        "updatedAt": TIMESTAMP,
        "name": TEXT,
        "primary": BOOLEAN,
        "officeHours.timezone": TEXT,
    },
    "business_hours_blocks": {"start": TEXT, "stop": TEXT},
    "business_hours_exceptions": {
        "name": TEXT,
        "start": TIMESTAMP,
        "stop": TIMESTAMP,
        "scheduleBlocks": JSON,
    },
    "organization": {
        "id": TEXT,
        "loginDomain": TEXT,
        "name": TEXT,
        "timezone": TEXT,
        "gladlyUrl": TEXT,
    },
    "webhooks": {
        "id": TEXT,
        "name": TEXT,
        "url": TEXT,
        "hasCredentials": BOOLEAN,
        "enabled": BOOLEAN,
        "disabledAtDueToRetryLimit": TIMESTAMP,
        "createdAt": TIMESTAMP,
        "updatedAt": TIMESTAMP,
    },
    "public_answers": {
        "id": TEXT,
        "name": TEXT,
        "bodyHtml": TEXT,
        "language": TEXT,
        "updatedAt": TIMESTAMP,
    },
    "custom_attributes": {
        "id": TEXT,
        "key": TEXT,
        "label": TEXT,
        "deactivated": BOOLEAN,
        "createdAt": TIMESTAMP,
        "createdBy": TEXT,
    },
}

REFERENCE_LISTS: dict[str, dict[str, tuple[str, dict[str, str]]]] = {
    "teams": {"agentIds": ("team_agents", {})},
    "webhooks": {"events": ("webhook_events", {}), "headerKeys": ("webhook_headers", {})},
    "business_hours": {
        **{f"officeHours.{day}": ("business_hours_blocks", {"weekday": day}) for day in _WEEKDAYS},
        "officeHours.exceptions": ("business_hours_exceptions", {}),
    },
}

REFERENCE_VALUE_COLUMNS = {
    "team_agents": "agent_id",
    "webhook_events": "event_type",
    "webhook_headers": "name",
}

REFERENCE_PARENT_KEYS = {
    "team_agents": "team_id",
    "webhook_events": "webhook_id",
    "webhook_headers": "webhook_id",
    "business_hours_blocks": "business_hours_id",
    "business_hours_exceptions": "business_hours_id",
}

REFERENCE_RENAMES = {
    ("business_hours", "primary"): "is_primary",
    ("custom_attributes", "key"): "attribute_key",
    ("business_hours", "officeHours.timezone"): "timezone",
    ("business_hours_blocks", "start"): "start_time",
    ("business_hours_blocks", "stop"): "stop_time",
    ("business_hours_exceptions", "start"): "start_at",
    ("business_hours_exceptions", "stop"): "stop_at",
}
