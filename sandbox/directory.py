"""The organisation's reference lists as they stand at the sandbox clock's present."""

from collections.abc import Iterator
from threading import Lock
from typing import Any

from sandbox.clock import SandboxClock
from sandbox.custom_attributes import custom_attribute_records
from sandbox.opening_hours import business_hours_changes
from sandbox.organization import organization_record
from sandbox.public_answers import answer_changes, audience_records
from sandbox.reference_history import (
    REFERENCE_KINDS,
    Change,
    Records,
    ReferenceKind,
    begins,
    records_at,
)
from sandbox.teams import team_changes
from sandbox.timestamps import start_of_day, to_milliseconds
from sandbox.webhooks import webhook_changes
from sandbox.world import World


def _changes(world: World, organization: str) -> Iterator[Change]:
    seed = world.settings.seed
    start = to_milliseconds(start_of_day(world.settings.first_day))
    agent_ids = [agent["id"] for agent in world.agents]
    lists: tuple[tuple[ReferenceKind, Any], ...] = (
        ("agents", world.agents),
        ("topics", world.topics),
        ("inboxes", world.inboxes),
        ("audiences", audience_records(seed)),
        ("custom-attributes", custom_attribute_records(seed, agent_ids[0])),
        ("organization", (organization_record(seed, organization),)),
    )
    for kind, records in lists:
        for record in records:
            yield begins(start, kind, record)
    yield from team_changes(seed, start, agent_ids)
    yield from business_hours_changes(seed, start)
    yield from webhook_changes(seed, start)
    yield from answer_changes(seed, start)


class Directory:
    """Agents, teams, inboxes and the like, a pure function of world, clock and scripted changes.

    Teams, business hours, webhooks and answers change in the world's first three days; all else
    stays as it is until a test changes it. Whatever is changed here, exports show the world's own
    agents and topics. A clock before the world's first day sees its beginning. Thread-safe.
    """

    def __init__(self, world: World, clock: SandboxClock, organization: str = "sandbox") -> None:
        self._clock = clock
        self._lock = Lock()
        self._start = to_milliseconds(start_of_day(world.settings.first_day))
        self._changes = list(_changes(world, organization))

    def records(self, kind: ReferenceKind) -> list[dict[str, Any]]:
        """Return the records of a kind that exist now, oldest first."""
        return list(self._now()[kind].values())

    def record(self, kind: ReferenceKind, record_id: str) -> dict[str, Any] | None:
        """Return a record that exists now, or None."""
        return self._now()[kind].get(record_id)

    def add(self, kind: ReferenceKind, record: dict[str, Any]) -> None:
        """Add a record from now on; see `Sandbox.add_reference`."""
        if self._existing(kind, record["id"]) is not None:
            raise ValueError(f"{record['id']} is among the {kind} already; change it instead.")
        self._remember(begins(self._present(), kind, dict(record)))

    def change(self, kind: ReferenceKind, record_id: str, fields: dict[str, Any]) -> None:
        """Change fields of a record from now on; see `Sandbox.change_reference`."""
        self._require(kind, record_id)
        self._remember(Change(self._present(), kind, record_id, fields))

    def remove(self, kind: ReferenceKind, record_id: str) -> None:
        """End a record now; see `Sandbox.remove_reference`."""
        self._require(kind, record_id)
        self._remember(Change(self._present(), kind, record_id, None))

    def _present(self) -> int:
        return max(to_milliseconds(self._clock.now()), self._start)

    def _now(self) -> Records:
        at = self._present()
        with self._lock:
            return records_at(self._changes, at)

    def _existing(self, kind: ReferenceKind, record_id: str) -> dict[str, Any] | None:
        if kind not in REFERENCE_KINDS:
            raise ValueError(f"There is no list {kind!r}; there are {', '.join(REFERENCE_KINDS)}.")
        return self.record(kind, record_id)

    def _require(self, kind: ReferenceKind, record_id: str) -> None:
        if self._existing(kind, record_id) is None:
            raise ValueError(
                f"{record_id} is not among the {kind} at {self._clock.now().isoformat()}. Add it, "
                "or move the clock to when it exists."
            )

    def _remember(self, change: Change) -> None:
        with self._lock:
            self._changes.append(change)
