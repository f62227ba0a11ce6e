"""Customers: who stands today, under which name, since when."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tests.transforms.places import Place, Row
from tests.transforms.raw_stories import People, in_order, raw_rows, reads_of, sessions_of
from tests.transforms.world import BuiltWorld, Raw, instant

ASKS_FOR = ("resolved_customers",)
ONLY_WHOLE = True

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)


def mentions(raw: Raw) -> Iterator[str]:
    """Yield every customer id that any record names."""
    yield from (item["customerId"] for item in raw.items)
    yield from (one["id"] for one in raw.records("exports", "customers.jsonl"))
    yield from (session["customer_id"] for session in sessions_of(raw))
    for event in raw.events:
        for name in ("customerId", "sourceCustomerId", "destinationCustomerId"):
            yield event["content"].get(name, "")
    for read in reads_of(raw):
        yield read.moved_to or ""
        document = read.document or {}
        yield document["id"] if read.kind == "customer_profiles" and document else ""
        yield document.get("customerId", "")


def details_of_profile(profile: Row) -> Row:
    emails, phones = (
        sorted(profile.get(name, ()), key=lambda one: not one["primary"])
        for name in ("emails", "phones")
    )
    external = [profile.get("externalCustomerId"), *profile.get("externalCustomerIds", {}).values()]
    return {
        "name": profile.get("name"),
        "email_address": [one["normalized"] for one in emails],
        "phone_number": [one["normalized"] for one in phones],
        "external_customer_id": [one for one in external if one],
    }


def details_of_export(customer: Row) -> Row:
    ids = [customer.get("externalCustomerId"), *customer.get("externalCustomerIds", {}).values()]
    return {
        "name": customer.get("name"),
        "email_address": customer.get("emailAddresses", []),
        "phone_number": customer.get("phoneNumbers", []),
        "external_customer_id": [one for one in ids if one],
    }


def plain_customers(raw: Raw) -> list[Row]:
    """Gather what is told of each customer, the best source first."""
    reads = reads_of(raw)
    people = People(raw.events, reads)
    exports = raw.latest("exports", "customers.jsonl")
    profiles = {r.entity_id: r for r in reads if r.kind == "customer_profiles" and r.document}
    moments = defaultdict(list)
    for item in raw.items:
        moments[people.customer(item["customerId"])].append(instant(item["timestamp"]))
    for event in raw.events:
        if event["type"].startswith("CONTACT/"):
            customer = people.customer(event["content"]["customerId"])
            moments[customer].append(instant(event["timestamp"]))
    created = {
        event["content"]["customerId"]: instant(event["timestamp"])
        for event in raw.events
        if event["type"] == "CUSTOMER_PROFILE/CREATED"
    }
    deletions = {
        event["content"]["customerId"]: instant(event["timestamp"])
        for event in raw.events
        if event["type"] == "CUSTOMER_PROFILE/DELETED"
    }
    found = []
    for identifier in {people.customer(one) for one in mentions(raw) if one}:
        merged = people.merged.get(identifier, [])
        read = sorted((one for one in merged if one in profiles), key=lambda one: profiles[one].at)
        sources = [
            *(("profile", profiles[one].document) for one in [identifier] if one in profiles),
            *(("export", exports[one]) for one in [identifier] if one in exports),
            *(("merged profile", profiles[one].document) for one in reversed(read)),
            *(("merged export", exports[one]) for one in merged if one in exports),
        ]
        told = [
            (source, (details_of_profile if "profile" in source else details_of_export)(record))
            for source, record in sources
            if record and identifier not in people.deleted
        ]
        names = [(details["name"], source) for source, details in told if details["name"]]
        lists: dict[str, list[str]] = {
            name: next((details[name] for _, details in told if details[name]), [])
            for name in ("email_address", "phone_number", "external_customer_id")
        }
        profile = profiles[identifier].document if identifier in profiles else None
        found.append(
            {
                "customer_id": identifier,
                "name": names[0][0] if names else None,
                "name_source": names[0][1] if names else None,
                "email_address": next(iter(lists["email_address"]), None),
                "email_addresses": len(lists["email_address"]),
                "phone_number": next(iter(lists["phone_number"]), None),
                "phone_numbers": len(lists["phone_number"]),
                "external_customer_id": next(iter(lists["external_customer_id"]), None),
                "merged_customer_ids": len(merged),
                "is_deleted": identifier in people.deleted,
                "deleted_at": deletions.get(identifier),
                "profile_created_at": instant(profile["createdAt"])
                if profile
                else created.get(identifier),
                "first_seen_at": min(moments[identifier], default=None),
                "last_seen_at": max(moments[identifier], default=None),
            }
        )
    return found


def test_customers_of_the_world_are_who_raw_records_say_they_are(world: BuiltWorld) -> None:
    expected = plain_customers(world.raw)
    assert {row["name_source"] for row in expected} == {"profile", None}
    assert any(row["merged_customer_ids"] == 2 for row in expected)
    assert any(row["is_deleted"] for row in expected)
    assert in_order(world.models["resolved_customers"]) == in_order(expected)


def exported(identifier: str, name: str | None = None, *emails: str) -> dict[str, list[Row]]:
    return {
        "customers": [{"id": identifier, "name": name}],
        "customer_emails": [
            {"customer_id": identifier, "position": place, "email_address": email}
            for place, email in enumerate(emails, 1)
        ],
    }


def read(
    identifier: str, name: str | None = None, *emails: tuple[str, bool]
) -> dict[str, list[Row]]:
    return {
        "customer_profiles": [{"id": identifier, "name": name}],
        "customer_profile_emails": [
            {
                "customer_id": identifier,
                "position": place,
                "email_address": email,
                "is_primary": is_primary,
            }
            for place, (email, is_primary) in enumerate(emails, 1)
        ],
    }


def merge(source: str, destination: str) -> Row:
    return {
        "source_customer_id": source,
        "destination_customer_id": destination,
        "merged_at": NOON,
        "evidence": "CUSTOMER/MERGED",
    }


SHOWN = (
    "customer_id",
    "name",
    "name_source",
    "email_address",
    "email_addresses",
    "merged_customer_ids",
    "is_deleted",
)
CUSTOMERS = """
ana    Ana      profile         second@example.org  2  0  False
bob    Bob      export          bob@example.org     1  0  False
cyd    Cyd      merged-profile  old@example.org     1  3  False
dee    None     None            None                0  0  True
eve    None     None            None                0  1  True
fay    None     None            None                0  0  False
"""


def test_details_come_from_the_best_source_and_never_from_the_deleted(place: Place) -> None:
    stories = (
        # the profile as read says more than the export; its primary address comes first
        exported("ana", "Ann", "first@example.org"),
        read("ana", "Ana", ("first@example.org", False), ("second@example.org", True)),
        # what a read leaves out an export may still tell
        read("bob"),
        exported("bob", "Bob", "bob@example.org"),
        # cyd was never shown herself; of the profiles that went up in hers the newest read counts
        exported("cyd 1", "Cydonia", "old@example.org"),
        read("cyd 2", "Cy"),
        read("cyd 3", "Cyd"),
        exported("dee", "Dee", "dee@example.org"),
        exported("eve 1", "Eve", "eve@example.org"),
    )
    for hour, story in enumerate(stories):
        place.load(raw_rows(NOON + timedelta(hours=hour), **story))
    place.load(
        raw_rows(
            customer_merges=[
                *(merge(f"cyd {number}", "cyd") for number in (1, 3)),
                merge("cyd 2", "cyd 1"),
                merge("eve 1", "eve"),
            ],
            deleted_customers=[
                {"customer_id": gone, "evidence": "CUSTOMER_PROFILE/DELETED"}
                for gone in ("dee", "eve")
            ],
            conversations=[{"id": "conversation", "customer_id": "fay"}],
            task_events=[{"event_id": "event", "customer_id": "", "origin": "events"}],
        )
    )
    place.transform()
    found = place.models()["resolved_customers"]
    shown = [[str(row[name]).replace(" ", "-") for name in SHOWN] for row in found]
    assert sorted(shown) == [line.split() for line in CUSTOMERS.strip().splitlines()]
