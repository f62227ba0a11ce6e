"""Who a customer or a conversation is after merges, worked out from raw events alone.

For tests that compute what models hold: it shares nothing with the models of identity.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MERGED = ("CUSTOMER/MERGED", "CUSTOMER_PROFILE/MERGED")  # the second is the deprecated twin


@dataclass(frozen=True)
class Identities:
    """Into whom ids were merged: one step each, of those that were."""

    customers: dict[str, str]
    conversations: dict[str, str]

    def customer(self, identifier: str | None) -> str | None:
        """Return the customer id that stands for this one today."""
        return _end(self.customers, identifier)

    def conversation(self, identifier: str | None) -> str | None:
        """Return the conversation id that stands for this one today."""
        return _end(self.conversations, identifier)


def identities_of(events: Iterable[dict[str, Any]]) -> Identities:
    """Read all merges that events tell of; what was recorded later holds."""
    customers: dict[str, str] = {}
    conversations: dict[str, str] = {}
    for event in sorted(events, key=_order):
        if event["type"] not in MERGED:
            continue
        content = event["content"]
        for steps, kind in ((customers, "Customer"), (conversations, "Conversation")):
            source, target = content.get(f"source{kind}Id"), content.get(f"destination{kind}Id")
            if source and target and source != target:
                steps[source] = target
    return Identities(customers, conversations)


def _order(event: dict[str, Any]) -> tuple[datetime, str]:
    return datetime.fromisoformat(event["timestamp"]), event["id"]


def _end(steps: dict[str, str], identifier: str | None) -> str | None:
    seen = set()
    while identifier is not None and identifier in steps:
        if identifier in seen:
            raise ValueError(f"{identifier} is merged into itself")
        seen.add(identifier)
        identifier = steps[identifier]
    return identifier
