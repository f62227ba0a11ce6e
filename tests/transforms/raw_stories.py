"""What raw records say of customers, conversations and reads, for tests that count from them."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.gladly_tables import GLADLY_TABLES
from sources.tables.declarations import TableSchema
from tests.transforms.places import NOW, lineage
from tests.transforms.raw_identities import identities_of
from tests.transforms.world import Raw, instant

Record = dict[str, Any]

TABLES: dict[str, TableSchema] = {table.name: table for table in GLADLY_TABLES}


def raw_rows(
    extracted_at: datetime = NOW, **tables: Iterable[Record]
) -> dict[TableSchema, list[Record]]:
    """Return rows of raw tables as one package of a job, each with where it came from."""
    return {
        TABLES[table]: [
            record | lineage(number, extracted_at) for number, record in enumerate(records, 1)
        ]
        for table, records in tables.items()
    }


@dataclass(frozen=True)
class Read:
    """One read by id: what was found, or None, and the folder's time, which is its rows'."""

    at: datetime
    kind: str
    entity_id: str
    outcome: str
    moved_to: str | None
    document: Record | None


def reads_of(raw: Raw) -> list[Read]:
    """Return all reads by id, oldest first."""
    found = []
    for folder in sorted((raw.archive / "enrichment").iterdir()):
        at = instant(folder.name.split("_", 1)[1].rsplit("-", 1)[0].replace("_", ":"))
        lines = {
            path.name.partition(".")[0]: [
                json.loads(line) for line in path.read_text("utf-8").split("\n") if line
            ]
            for path in folder.iterdir()
            if ".jsonl" in path.name
        }
        for read in lines["enrichment_reads"]:
            documents = {one["id"]: one for one in lines.get(read["kind"], ())}
            found.append(
                Read(
                    at,
                    read["kind"],
                    read["entityId"],
                    read["outcome"],
                    read["movedTo"],
                    documents.get(read["entityId"]),
                )
            )
    return found


class People:
    """Who an id stands for today, walked merge by merge, and which profiles are gone."""

    def __init__(self, events: Sequence[Record], reads: Iterable[Read] = ()) -> None:
        identities = identities_of(events)
        self._customers, self._conversations = identities.customers, identities.conversations
        self.deleted: set[str] = set()
        for read in reads:
            if read.moved_to:
                self._customers.setdefault(read.entity_id, read.moved_to)
            if read.kind == "customer_profiles" and read.outcome == "gone":
                self.deleted.add(read.entity_id)
        for event in events:
            if event["type"] == "CUSTOMER_PROFILE/DELETED":
                self.deleted.add(event["content"]["customerId"])

    def customer(self, identifier: str) -> str:
        """Return the customer id that stands for this one."""
        while identifier in self._customers:
            identifier = self._customers[identifier]
        return identifier

    def conversation(self, identifier: str) -> str:
        """Return the conversation id that stands for this one."""
        while identifier in self._conversations:
            identifier = self._conversations[identifier]
        return identifier

    @property
    def merged(self) -> dict[str, list[str]]:
        """The customer ids that went up in each customer."""
        found = defaultdict(list)
        for identifier in self._customers:
            found[self.customer(identifier)].append(identifier)
        return found


def typed(events: Iterable[Record], *types: str) -> Iterator[Record]:
    """Yield events of some types."""
    return (event for event in events if event["type"] in types)


def sessions_of(raw: Raw) -> list[Record]:
    """Return the work sessions as read last: without what stood in while a contact was open."""
    found: dict[tuple[str, str], Record] = {}
    for _, lines in raw.readings("work-session-events"):
        for row in lines:
            found[row["contact_session_id"], row["agent_id"]] = row
    worked_on = {contact for contact, agent in found if agent}
    return [row for (contact, agent), row in found.items() if agent or contact not in worked_on]


def in_order(found: Iterable[Record]) -> list[Record]:
    """Return rows in an order that does not depend on where they come from."""
    return sorted(found, key=lambda row: [str(row[name]) for name in sorted(row)])
