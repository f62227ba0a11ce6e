"""Customers as Get Customer shows them, richer than an export does."""

from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.event_identity import Duplicate
from sandbox.timestamps import format_nanoseconds

_TIERS = ("silver", "gold", "platinum")
_SMS_PREFERENCES = ("ON", "OFF", "FORBIDDEN")
_PHONE_TYPES = ("MOBILE", "HOME", "OFFICE", None)
_NANOSECONDS = 1_000_000
_FRACTION = 997_331


def _emails(addresses: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {"normalized": address.lower(), "original": address, "primary": place == 0}
        for place, address in enumerate(addresses)
    ]


def _phone(number: str, place: int, owner: int) -> dict[str, Any]:
    phone: dict[str, Any] = {
        "normalized": number,
        "original": number if owner % 2 else number.removeprefix("+1"),
        "regionCode": "US",
        "primary": place == 0,
        "smsPreference": _SMS_PREFERENCES[(owner + place) % len(_SMS_PREFERENCES)],
    }
    kind = _PHONE_TYPES[(owner + place) % len(_PHONE_TYPES)]
    if kind is not None:
        phone["type"] = kind
    if kind == "OFFICE":
        phone["extension"] = f"{owner % 1000:03}"
    return phone


def _custom_attributes(number: int, updates: int) -> dict[str, Any]:
    return {
        "membershipNumber": f"RQ{number:09}",
        "membershipTier": _TIERS[(number + updates) % len(_TIERS)],
        "lifetimeValue": number * 7.25,
        "newsletter": number % 2 == 0,
        "größen": ["M", "10½"] if number % 3 else [],
        "preferences": {"language": "de", "gift": None},
    }


def _instant(milliseconds: int, number: int) -> str:
    # up to nine digits, as in the reference
    return format_nanoseconds(milliseconds * _NANOSECONDS + number * _FRACTION % _NANOSECONDS)


def profile_record(
    exported: dict[str, Any],
    number: int,
    created_at: int,
    updates: Sequence[int],
    merged_addresses: Sequence[str],
) -> dict[str, Any]:
    """Return a customer's profile.

    Each update moves `membershipTier` on. Every eleventh customer has no custom attributes.

    Args:
        exported: The customer as `customers.jsonl` shows it.
        number: The customer's number.
        created_at: Milliseconds since 1970.
        updates: When the profile was changed or took in another, oldest first.
        merged_addresses: E-mail addresses of the profiles that it took in.
    """
    addresses = [*exported["emailAddresses"], *merged_addresses]
    record: dict[str, Any] = {
        name: value
        for name, value in exported.items()
        if name not in {"emailAddresses", "phoneNumbers"}
    }
    record["emails"] = _emails(dict.fromkeys(addresses))
    phones = enumerate(exported.get("phoneNumbers", ()))
    record["phones"] = [_phone(phone, place, number) for place, phone in phones]
    if number % 11:
        record["customAttributes"] = _custom_attributes(number, len(updates))
    if number % 5 == 0:
        record["image"] = f"https://images.example.com/customers/{number}.jpg"
    record["createdAt"] = _instant(created_at, number)
    record["updatedAt"] = _instant(updates[-1] if updates else created_at, number)
    return record


def second_address(duplicate: Duplicate) -> str:
    """Return the e-mail address that a customer's second profile came with."""
    return f"Second.{duplicate.customer_id.strip('-_')}@example.net"


def second_profile_record(
    duplicate: Duplicate, name: str | None, updates: Sequence[int], addresses: Sequence[str]
) -> dict[str, Any]:
    """Return a customer's second profile, which knows an e-mail address and perhaps the name.

    Args:
        duplicate: The profile.
        name: The customer's name.
        updates: When it took in another profile, oldest first.
        addresses: Its e-mail addresses, its own first.
    """
    record: dict[str, Any] = {"id": duplicate.customer_id}
    if name is not None:
        record["name"] = name
    return record | {
        "emails": _emails(addresses),
        "phones": [],
        "createdAt": _instant(duplicate.created_at, 0),
        "updatedAt": _instant(updates[-1] if updates else duplicate.created_at, 0),
    }
