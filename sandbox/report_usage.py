"""A small world of clicks, searches, calls into menus and settings, which no event tells of.

Each day of the world has the same kinds of them, seeded, so they are the same for ever.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sandbox.conversation import Channel
from sandbox.conversations import Entry
from sandbox.draw import Draw
from sandbox.identifiers import identifier
from sandbox.report_rows import within
from sandbox.reports import ReportScope, ReportSources
from sandbox.timestamps import start_of_day, to_milliseconds
from sandbox.world import World

_FIRST_DRAW = 7 << 37
_OPENS_AT, _CLOSES_AT = 6 * 3_600_000, 20 * 3_600_000
_DAYS_APART = 1000
_USES_A_DAY = 240
_ANSWERS = ("Return policy", "Größe & Passform", "Order status, by mail", 'The "VIP" promise')
_QUICK_ACTIONS = ("Track my order", "Talk to us", "Zurücksenden")
_TERMS = ("return", "größe", "refund, partly", "gift card")
_PAGES = ("https://www.example.com/", "https://www.example.com/checkout", "https://example.com/faq")
_END_STATES = ("Connected to Agent", "Hung Up in Menu", "Sent to Voicemail", "Deflected to SMS")
_CAMPAIGNS = ("Late parcels", "Recall 2026")
_ADDRESSES = ("chat.example.com", "shop.example.com")

ANSWER, HELP_CENTER, GLAD_APP, QUICK_ACTION = "answer", "help center", "glad app", "quick action"
SEARCH_HELP_CENTER, SEARCH_GLAD_APP = "help center search", "glad app search"
CONTACT_POINT, IVR_CALL, PROACTIVE_CALL = "contact point", "ivr call", "proactive call"
THROTTLED, THREAD = "throttled", "thread"
_NAMES = {
    ANSWER: _ANSWERS,
    HELP_CENTER: _ANSWERS,
    GLAD_APP: _ANSWERS,
    QUICK_ACTION: _QUICK_ACTIONS,
    SEARCH_HELP_CENTER: _TERMS,
    SEARCH_GLAD_APP: _TERMS,
    CONTACT_POINT: _PAGES,
    IVR_CALL: _END_STATES,
    PROACTIVE_CALL: _CAMPAIGNS,
    THROTTLED: _ADDRESSES,
    THREAD: ("Where is my order?", "Start a return"),
}
_KINDS = tuple(_NAMES)
ABANDONED = _END_STATES[1]


class Use(NamedTuple):
    """One click, search or call.

    Attributes:
        at: Milliseconds since 1970.
        kind: What was used.
        name: Which one.
        id: The id of that one.
        agent_id: The agent who used it, where agents do.
        place: Where; rows of some reports differ in it without showing it.
    """

    at: int
    kind: str
    name: str
    id: str
    agent_id: str
    place: str


class Change(NamedTuple):
    """One change of a chat setting; the instant in milliseconds since 1970."""

    at: int
    agent_id: str
    action: str
    before: str
    after: str
    address: str


class AiSession(NamedTuple):
    """One conversation with Gladly's voice AI; instants in milliseconds since 1970."""

    id: str
    customer_id: str
    conversation_id: str
    started_at: int
    messages: tuple[tuple[int, str], ...]


def _moment(day_start: int, draw: Draw) -> int:
    return day_start + draw.between(_OPENS_AT, _CLOSES_AT)


def _days(world: World) -> Iterator[tuple[int, int]]:
    for day in range(world.settings.days):
        start = start_of_day(world.settings.first_day + timedelta(days=day))
        yield day, to_milliseconds(start)


@lru_cache(maxsize=32)
def _uses(world: World, kind: str) -> tuple[Use, ...]:
    seed, names, uses = world.settings.seed, _NAMES[kind], []
    for day, start in _days(world):
        draw = Draw(seed, _FIRST_DRAW + day * _DAYS_APART + _KINDS.index(kind))
        for _ in range(_USES_A_DAY):
            at, which = _moment(start, draw), draw.between(0, len(names) - 1)
            agent_id, place = draw.pick(world.agents)["id"], draw.pick(_PAGES)
            use_id = identifier(seed, kind, which)
            uses.append(Use(at, kind, names[which], use_id, agent_id, place))
    return tuple(uses)


def uses_of(kind: str) -> Callable[[ReportScope, ReportSources], Iterator[Use]]:
    """Return what yields all uses of a kind within a report's span."""

    def uses(scope: ReportScope, sources: ReportSources) -> Iterator[Use]:
        return (use for use in _uses(sources.world, kind) if within(scope, use.at))

    return uses


def changes(scope: ReportScope, sources: ReportSources) -> Iterator[Change]:
    """Yield the changes of chat settings within a report's span: two a day."""
    world = sources.world
    for day, start in _days(world):
        draw = Draw(world.settings.seed, _FIRST_DRAW + day * _DAYS_APART + len(_KINDS))
        for action, before, after in (
            ("Method Changed", "Manual", "Automatic"),
            ("Threshold Changed", "5", str(draw.between(6, 20))),
        ):
            agent_id = draw.pick(world.agents)["id"]
            change = Change(
                _moment(start, draw), agent_id, action, before, after, draw.pick(_ADDRESSES)
            )
            if within(scope, change.at):
                yield change


def _said(entry: Entry) -> str:
    content: dict[str, Any] = entry.record["content"]
    return str(content.get("content") or content.get("body") or "")


@lru_cache(maxsize=2)
def _ai_sessions(world: World) -> tuple[AiSession, ...]:
    sessions = []
    for day in range(world.settings.days):
        for number in world.begun_on(day):
            conversation = world.conversation(number)
            if conversation.channel is Channel.VOICE_AI:
                entries = world.first_visit(day, number).entries
                said = tuple((entry.active_at, text) for entry in entries if (text := _said(entry)))
                ids = conversation.session_id, conversation.customer_id, conversation.id
                sessions.append(AiSession(*ids, entries[0].active_at, said))
    return tuple(sessions)


def ai_sessions(scope: ReportScope, sources: ReportSources) -> Iterator[AiSession]:
    """Yield the AI sessions begun within a report's span: those of the world's items."""
    return (one for one in _ai_sessions(sources.world) if within(scope, one.started_at))
