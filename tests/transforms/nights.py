"""Nights of a run at a place: what its job brings, what its events tell."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pipelines.transform import CHANGES
from sandbox.timestamps import format_milliseconds, to_milliseconds
from sources.tables.declarations import EXTRACTED_AT, FILE, JOB_ID, LINE
from sources.tables.ledger import LOAD_FILES
from tests.pipelines.events import event
from tests.pipelines.gladlys import NOW, Job, gladly
from tests.pipelines.runs import everything, item, run, sms
from tests.transforms import places
from tests.transforms.places import Place, Row, as_text
from tests.transforms.raw_stories import TABLES

Tables = dict[str, list[Row]]
Models = Mapping[str, list[Row]]


def said(identifier: str, text: str, conversation: str | None, customer: str, **more: str) -> bytes:
    """Return an SMS of a customer, in a conversation or in none."""
    where = {} if conversation is None else {"conversationId": conversation}
    by = {"id": customer, "type": "CUSTOMER"}
    return item(identifier, sms(text), customerId=customer, initiator=by, **where, **more)


def merged(source: str, destination: str, **conversations: str) -> Row:
    """Return the event of a merge of customers, of conversations of theirs too if it names them."""
    ids = {"sourceCustomerId": source, "destinationCustomerId": destination}
    return event("CUSTOMER/MERGED", NOW, f"{source} into {destination}", **ids, **conversations)


def bring(place: Place, job: str, at: datetime, tables: Tables) -> None:
    """Load rows as a job's file that was extracted then, and tell so in the ledger."""
    of_file = {JOB_ID: job, FILE: "file", EXTRACTED_AT: at}
    told = {"job_id": job, "file": "file", "extracted_at": at, "rows": 1, "superseded": 0}
    rows = {
        TABLES[table]: [{**row, **of_file, LINE: line} for line, row in enumerate(found, 1)]
        for table, found in tables.items()
    }
    place.load({**rows, LOAD_FILES: [told]})


def built_from_changes(
    place: Place, first: Sequence[Tables], changed: Iterable[Tables], minute: int | None = None
) -> tuple[Models, Models]:
    """Build models of what came first, then from what changed; return their rows at both times.

    Each comes in a file of its own, a minute after the one before; what changed comes at once, or
    at a later ``minute``.
    """
    _bring_each(place, first, 0)
    place.transform(whole=True)
    before = place.models()
    _bring_each(place, changed, len(first) if minute is None else minute)
    assert place.transform(whole=False).built_from == CHANGES
    return before, place.models()


def assert_a_whole_build_makes(models: Models, place: Place) -> None:
    """Models that were built from changes are those that are built from all that is loaded."""
    place.transform(whole=True)
    assert as_text(models) == as_text(place.models())


def keys_that_differ(one: Mapping[Any, str], other: Mapping[Any, str]) -> set[Any]:
    """Return the keys of rows, as texts, that only one side has or that differ."""
    return {key for key in {*one, *other} if one.get(key) != other.get(key)}


def _bring_each(place: Place, told: Iterable[Tables], first_number: int) -> None:
    for number, tables in enumerate(told, first_number):
        bring(place, f"job {number}", places.NOW + timedelta(minutes=number), tables)


def night(
    place: Place,
    number: int,
    lines: tuple[bytes, ...],
    events: Iterable[Row],
    on_customer_deleted: str = "keep",
) -> None:
    """Run once, six hours after the night before, whose number is one less."""
    now = NOW + timedelta(hours=6 * number)
    jobs = {number: Job(24 + number, lines)} if lines else {}
    with gladly(jobs, now) as sandbox:
        for record in events:
            at = format_milliseconds(to_milliseconds(now - timedelta(minutes=30)))
            sandbox.add_event(record | {"timestamp": at})
        run(
            sandbox,
            place.target,
            selected=everything,
            on_customer_deleted=on_customer_deleted,
        )
