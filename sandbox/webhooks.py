"""Webhooks, with everything in them that a warehouse must never hold."""

from collections.abc import Iterator
from typing import Any

from sandbox.identifiers import identifier
from sandbox.reference_history import Change, begins
from sandbox.timestamps import format_milliseconds, format_shortest

_HOUR = 3_600_000
_YEAR = 365 * 24 * _HOUR
_DISABLED_AFTER = 40 * _HOUR

WEBHOOK_SECRETS = ("webhook-password-1f4c", "webhook-header-93ab", "webhook-address-55d0")
"""The password, the header value and the token in an address that these webhooks carry."""


def _webhook(seed: int, number: int, name: str, events: list[str], at: int) -> dict[str, Any]:
    return {
        "id": identifier(seed, "webhook", number),
        "name": name,
        "events": events,
        "url": f"https://gateway.example.com/gladly/{number}",
        "createdAt": format_shortest(at),
        "updatedAt": format_shortest(at),
        "hasCredentials": False,
        "headerKeys": [],
        "enabled": True,
    }


def _records(seed: int, at: int) -> Iterator[dict[str, Any]]:
    password, header, token = WEBHOOK_SECRETS
    yield _webhook(seed, 0, "CSAT integration", ["CONVERSATION/CLOSED"], at) | {
        "hasCredentials": True,
        "headerKeys": ["X-Gladly-Token"],
    }
    # The reference marks both as write-only. A server that shows them all the same must not make
    # anybody store them.
    events = ["CUSTOMER/MERGED", "CUSTOMER_PROFILE/DELETED"]
    yield _webhook(seed, 1, "Customer sync", events, at) | {
        "hasCredentials": True,
        "credentials": {"username": "sync@example.com", "password": password, "realm": "sync"},
        "headerKeys": ["X-Sync-Key"],
        "headers": {"X-Sync-Key": header},
    }
    yield _webhook(seed, 2, "Größentabelle", [], at) | {
        "url": f"https://hooks.example.org/gladly?token={token}"
    }


def webhook_changes(seed: int, start: int) -> Iterator[Change]:
    """Yield three webhooks; the third is switched off on the second day after failed deliveries.

    The first looks as the reference describes it, the second shows what is write-only there, the
    third has a token in its address. The world begins at `start`, milliseconds since 1970.
    """
    for record in _records(seed, start - _YEAR):
        yield begins(start, "webhooks", record)
    at = start + _DISABLED_AFTER
    disabled = {
        "enabled": False,
        "disabledAtDueToRetryLimit": format_shortest(at),
        "updatedAt": format_milliseconds(at),
    }
    yield Change(at, "webhooks", identifier(seed, "webhook", 2), disabled)
