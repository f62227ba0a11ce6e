"""Tasks and payment requests as reports count them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sandbox.report_ledger import Moment, Stories
from sandbox.timestamps import parse_instant, to_milliseconds

_PAYMENT_STATUSES = {"COMPLETED": "Completed", "DECLINED": "Declined", "TIMED_OUT": "Time Out"}


class Task(NamedTuple):
    """One task, as far as it was recorded; instants in milliseconds since 1970."""

    id: str
    customer_id: str
    created_at: int
    created_by: str = ""
    inbox_id: str = ""
    agent_id: str = ""
    due_at: int | None = None
    closes: tuple[int, ...] = ()
    reopens: tuple[int, ...] = ()
    commenters: tuple[str, ...] = ()
    followers: frozenset[str] = frozenset()
    inboxes: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    times: Mapping[str, int] = {}

    @property
    def is_closed(self) -> bool:
        """Whether it is closed now."""
        return bool(self.closes) and self.closes[-1] > max(self.reopens, default=-1)


class Payment(NamedTuple):
    """One payment request.

    Attributes:
        requested_at: Milliseconds since 1970.
        status: Its last recorded status as reports say it, for example Completed.
        dollars: The amount if it was asked for in US dollars, else None.
    """

    id: str
    contact_id: str
    conversation_id: str
    agent_id: str
    requested_at: int
    status: str
    dollars: float | None


def _due(text: str) -> int | None:
    try:
        return to_milliseconds(parse_instant(text))
    except (ValueError, OverflowError):  # none, or what a test made up
        return None


def _instants(story: Sequence[Moment], name: str) -> tuple[int, ...]:
    return tuple(moment.at for moment in story if moment.name == name)


def _due_at(story: Sequence[Moment], created: Moment) -> int | None:
    changes = [moment for moment in story if moment.name == "DUE_DATE_UPDATED"]
    text = changes[-1].text("dueAt") if changes else created.text("context", "dueAt")
    return _due(text)


def task_of(task_id: str, story: Sequence[Moment]) -> Task | None:
    """Return a task as its recorded events tell it, or None before it was created."""
    created = next((moment for moment in story if moment.name == "CREATED"), None)
    if created is None:
        return None
    assigned = [
        (
            created.text("context", "assignee", "inboxId"),
            created.text("context", "assignee", "agentId"),
        )
    ] + [
        (moment.text("assignee", "inboxId"), moment.text("assignee", "agentId"))
        for moment in story
        if moment.name == "ASSIGNEE_UPDATED"
    ]
    followers = {m.text("agentId") for m in story if m.name == "FOLLOWER_ADDED"}
    left = {m.text("agentId") for m in story if m.name == "FOLLOWER_REMOVED"}
    return Task(
        id=task_id,
        customer_id=created.text("customerId"),
        created_at=created.at,
        created_by=created.agent_id,
        inbox_id=assigned[-1][0],
        agent_id=assigned[-1][1],
        due_at=_due_at(story, created),
        closes=_instants(story, "CLOSED"),
        reopens=_instants(story, "REOPENED"),
        commenters=tuple(m.by_id for m in story if m.name == "COMMENT_ADDED"),
        followers=frozenset(followers - left),
        inboxes=frozenset(inbox for inbox, _ in assigned if inbox),
        agents=frozenset(agent for _, agent in assigned if agent),
        times=Counter(moment.name for moment in story),
    )


def tasks_of(stories: Stories) -> Iterator[Task]:
    """Yield every task that was created."""
    for task_id, story in stories.items():
        task = task_of(task_id, story)
        if task is not None:
            yield task


def _dollars(created: Moment) -> float | None:
    amount = created.content.get("context")
    if not isinstance(amount, dict) or amount.get("currency") != "USD":
        return None
    unit = amount.get("monetaryUnit")
    return float(unit) if isinstance(unit, int | float) else None


def payments_of(stories: Stories) -> Iterator[Payment]:
    """Yield every payment request that was made."""
    for payment_id, story in stories.items():
        created = next((moment for moment in story if moment.name == "CREATED"), None)
        if created is None:
            continue
        statuses = [m.text("newStatus") for m in story if m.name == "STATUS_CHANGED"]
        status = _PAYMENT_STATUSES.get(statuses[-1] if statuses else "", "Pending")
        yield Payment(
            payment_id,
            created.text("contactId"),
            created.text("conversationId"),
            created.agent_id,
            created.at,
            status,
            _dollars(created),
        )
