"""What reports know at one instant, made from all events recorded until then."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import NamedTuple, Protocol, runtime_checkable

from sandbox.report_agents import Spans, spans_of
from sandbox.report_contacts import Contact, contacts_of
from sandbox.report_conversations import Conversation, conversations_of
from sandbox.report_ledger import Ledger
from sandbox.report_tasks import Payment, Task, payments_of, tasks_of
from sandbox.report_work_sessions import (
    Work,
    WorkSession,
    begins_of,
    sessions_of,
    with_after_contact,
)
from sandbox.reports import RecordedEvents
from sandbox.timestamps import to_milliseconds

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT = 2


class ReportModel(NamedTuple):
    """Everything as it stands at `as_of` (milliseconds since 1970); shared, never changed."""

    as_of: int
    ledger: Ledger
    contacts: Iterable[Contact]
    sessions: Iterable[WorkSession]
    conversations: Iterable[Conversation]
    tasks: Iterable[Task]
    payments: Sequence[Payment]
    spans: Spans


class Models(Protocol):
    """What gives the model of an instant."""

    def at(self, as_of: datetime) -> ReportModel:
        """Return what reports know at `as_of`."""


@runtime_checkable
class RevisedEvents(Protocol):
    """Events of which it can be told whether somebody added some."""

    @property
    def revision(self) -> int:
        """Another number whenever the events of a span may have changed."""


def _sessions(ledger: Ledger, contacts: Sequence[Contact], as_of: int) -> Iterator[WorkSession]:
    closes = {
        conversation_id: [moment.at for moment in story if moment.name == "CLOSED"]
        for conversation_id, story in ledger.stories("CONVERSATION").items()
    }
    work = Work(begins_of(contacts), closes, as_of)
    for contact in contacts:
        yield from with_after_contact(sessions_of(contact, work))


def _payments_by_contact(payments: Sequence[Payment]) -> dict[str, tuple[Payment, ...]]:
    paid: dict[str, tuple[Payment, ...]] = defaultdict(tuple)
    for payment in payments:
        paid[payment.contact_id] += (payment,)
    return paid


def model_at(events: RecordedEvents, as_of: datetime) -> ReportModel:
    """Return what reports know when everything up to `as_of` is recorded."""
    ledger = Ledger(events.events(_BEGINNING, as_of) if as_of >= _BEGINNING else ())
    payments = list(payments_of(ledger.stories("PAYMENT_REQUEST")))
    paid = _payments_by_contact(payments)
    started = [
        contact._replace(payments=paid.get(contact.id, ()))
        for contact in contacts_of(ledger.stories("CONTACT"))
    ]
    sessions = list(_sessions(ledger, started, to_milliseconds(as_of)))
    contacts = list({session.contact.id: session.contact for session in sessions}.values())
    return ReportModel(
        as_of=to_milliseconds(as_of),
        ledger=ledger,
        contacts=contacts,
        sessions=sessions,
        conversations=list(conversations_of(ledger, contacts)),
        tasks=list(tasks_of(ledger.stories("TASK"))),
        payments=payments,
        spans=spans_of(ledger),
    )


class ReportModels:
    """Makes the model of an instant once, however many reports ask for it. Thread-safe.

    The clock mostly stands still while a client reads, so two models are kept. Events that cannot
    say whether they changed are read anew for every report.
    """

    def __init__(self, events: RecordedEvents) -> None:
        self._events = events
        self._lock = Lock()
        self._models: dict[tuple[int, datetime], ReportModel] = {}

    def at(self, as_of: datetime) -> ReportModel:
        """Return what reports know at `as_of`."""
        if not isinstance(self._events, RevisedEvents):
            return model_at(self._events, as_of)
        with self._lock:
            key = self._events.revision, as_of
            model = self._models.pop(key, None) or model_at(self._events, as_of)
            self._models[key] = model
            while len(self._models) > _KEPT:
                self._models.pop(next(iter(self._models)))
            return model
