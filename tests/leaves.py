"""Finds every leaf of a record in the rows of a warehouse: the judge of the data contract.

It knows the contract and nothing of the code that keeps it: the names below are the API's own, in
snake_case, plus the list of renames. It takes rows as plain dicts, wherever they were read from.

    problems = missing_leaves("conversation_items", line, rows_by_record(tables))
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from tests.enrichment_leaves import (
    ENRICHMENT_FIELDS,
    ENRICHMENT_KEYS,
    ENRICHMENT_LISTS,
    ENRICHMENT_PARENT_KEYS,
    ENRICHMENT_RENAMES,
    ENRICHMENT_VALUE_COLUMNS,
    NUMBER,
)
from tests.event_leaves import (
    DECIMAL,
    EVENT_CHILDREN,
    EVENT_FIELDS,
    EVENT_LISTS,
    EVENT_RENAMES,
    EVENT_VALUE_COLUMNS,
    TEXT,
    TIMESTAMP,
    event_table,
)
from tests.reference_leaves import (
    JSON,
    REFERENCE_FIELDS,
    REFERENCE_LISTS,
    REFERENCE_PARENT_KEYS,
    REFERENCE_RENAMES,
    REFERENCE_VALUE_COLUMNS,
)

Row = Mapping[str, Any]
Rows = Mapping[tuple[str, str], Sequence[Row]]
Path = tuple[str, ...]

INTEGER, BOOLEAN = "integer", "boolean"
EVENTS = "events"

_Lists = dict[str, tuple[str, dict[str, str]]]
_ATTACHMENTS: _Lists = {"attachments": ("item_attachments", {})}
_RECORDING = {
    "recordingStatus": TEXT,
    "recordingUrl": TEXT,
    "recordingDuration": INTEGER,
    "recordingSummary.status": TEXT,
    "recordingSummary.summary": TEXT,
    "recordingSummary.language": TEXT,
}

# content type -> its table
CONTENT_TABLES = {
    "CHAT_MESSAGE": "chat_messages",
    "EMAIL": "emails",
    "SMS": "sms_messages",
    "FACEBOOK_MESSAGE": "facebook_messages",
    "INSTAGRAM_DIRECT": "instagram_messages",
    "WHATSAPP": "whatsapp_messages",
    "TWITTER": "twitter_messages",
    "VOICE_AI_MESSAGE": "voice_ai_messages",
    "PHONE_CALL": "phone_calls",
    "VOICEMAIL": "voicemails",
    "CONVERSATION_NOTE": "conversation_notes",
    "CONVERSATION_STATUS_CHANGE": "status_changes",
    "TOPIC_CHANGE": "topic_changes",
    "CUSTOMER_ACTIVITY": "customer_activities",
    "TASK": "task_items",
}

# table -> path in the API -> kind of the leaf
FIELDS: dict[str, dict[str, str]] = {
    "conversation_items": {
        "id": TEXT,
        "conversationId": TEXT,
        "customerId": TEXT,
        "sessionId": TEXT,
        "timestamp": TIMESTAMP,
        "initiator.id": TEXT,
        "initiator.type": TEXT,
        "responder.id": TEXT,
        "responder.type": TEXT,
    },
    "chat_messages": {
        "sessionId": TEXT,
        "content": TEXT,
        "messageType": TEXT,
        "messageData.selectedOptionId": TEXT,
        "messageData.requestMessageId": TEXT,
    },
    "emails": {"from": TEXT, "subject": TEXT, "content": TEXT},
    "sms_messages": {"from": TEXT, "to": TEXT, "content": TEXT},
    "facebook_messages": {"pageId": TEXT, "userId": TEXT, "content": TEXT},
    "instagram_messages": {"content": TEXT},
    "whatsapp_messages": {"content": TEXT},
    "twitter_messages": {"content": TEXT},
    "voice_ai_messages": {
        "customerNumber": TEXT,
        "companyNumber": TEXT,
        "body": TEXT,
        "status": TEXT,
    },
    "phone_calls": {
        "from": TEXT,
        "to": TEXT,
        "startedAt": TIMESTAMP,
        "answeredAt": TIMESTAMP,
        "completedAt": TIMESTAMP,
        **_RECORDING,
    },
    "voicemails": {"startedAt": TIMESTAMP, **_RECORDING},
    "conversation_notes": {"body": TEXT},
    "status_changes": {"status": TEXT},
    "topic_changes": {},
    "customer_activities": {
        "title": TEXT,
        "body": TEXT,
        "activityType": TEXT,
        "sourceName": TEXT,
        "link.url": TEXT,
        "link.text": TEXT,
        "expandByDefault": BOOLEAN,
        "occurredAt": TIMESTAMP,
        "receivedAt": TIMESTAMP,
    },
    "task_items": {
        "assignee.agentId": TEXT,
        "assignee.inboxId": TEXT,
        "body": TEXT,
        "dueAt": TIMESTAMP,
    },
    "item_attachments": {"id": TEXT, "contentType": TEXT, "filename": TEXT, "fileSize": INTEGER},
    "quick_reply_options": {"id": TEXT, "label": TEXT},
    "agents": {"id": TEXT, "name": TEXT, "emailAddress": TEXT},
    "customers": {"id": TEXT, "name": TEXT, "address": TEXT},
    "topics": {"id": TEXT, "name": TEXT, "disabled": BOOLEAN, "parentId": TEXT},
    "export_jobs": {
        "id": TEXT,
        "scheduleId": TEXT,
        "status": TEXT,
        "updatedAt": TIMESTAMP,
        "parameters.type": TEXT,
        "parameters.startAt": TIMESTAMP,
        "parameters.endAt": TIMESTAMP,
    },
    "export_schedules": {
        "id": TEXT,
        "frequency": TEXT,
        "type": TEXT,
        "nextStartAt": TIMESTAMP,
        "updatedAt": TIMESTAMP,
    },
    **EVENT_FIELDS,
    **REFERENCE_FIELDS,
    **ENRICHMENT_FIELDS,
}

# table -> path of a list -> the child table and the label that tells its rows apart
LISTS: dict[str, _Lists] = {
    "chat_messages": {
        **_ATTACHMENTS,
        "messageData.options": ("quick_reply_options", {"kind": "offered"}),
        "messageData.quickReplyRequest.options": ("quick_reply_options", {"kind": "answered"}),
    },
    "emails": {
        **_ATTACHMENTS,
        "to": ("email_recipients", {"kind": "to"}),
        "cc": ("email_recipients", {"kind": "cc"}),
        "bcc": ("email_recipients", {"kind": "bcc"}),
    },
    "sms_messages": _ATTACHMENTS,
    "facebook_messages": _ATTACHMENTS,
    "instagram_messages": _ATTACHMENTS,
    "whatsapp_messages": _ATTACHMENTS,
    "conversation_notes": _ATTACHMENTS,
    "task_items": _ATTACHMENTS,
    "topic_changes": {
        "addedTopicIds": ("topic_change_topics", {"action": "added"}),
        "removedTopicIds": ("topic_change_topics", {"action": "removed"}),
    },
    "customers": {
        "emailAddresses": ("customer_emails", {}),
        "phoneNumbers": ("customer_phones", {}),
        "externalCustomerId": ("customer_external_ids", {"kind": "single"}),
        "externalCustomerIds": ("customer_external_ids", {"kind": "by_adaptor"}),
    },
    "export_jobs": {"files": ("export_job_files", {})},
    **EVENT_LISTS,
    **REFERENCE_LISTS,
    **ENRICHMENT_LISTS,
}

# child tables whose elements are plain text -> the column it is in
VALUE_COLUMNS = {
    "email_recipients": "address",
    "topic_change_topics": "topic_id",
    "customer_emails": "email_address",
    "customer_phones": "phone_number",
    "customer_external_ids": "external_customer_id",
    "export_job_files": "filename",
    **EVENT_VALUE_COLUMNS,
    **REFERENCE_VALUE_COLUMNS,
    **ENRICHMENT_VALUE_COLUMNS,
}

# record type -> the member that identifies a record, where that is not ``id``
KEYS = ENRICHMENT_KEYS

# table -> the column that holds the record's id, where that is not ``id``
PARENT_KEYS = {
    "item_attachments": "item_id",
    "email_recipients": "item_id",
    "topic_change_topics": "item_id",
    "quick_reply_options": "item_id",
    "customer_emails": "customer_id",
    "customer_phones": "customer_id",
    "customer_external_ids": "customer_id",
    "export_job_files": "job_id",
    **dict.fromkeys((*EVENT_FIELDS, *EVENT_CHILDREN), "event_id"),
    **REFERENCE_PARENT_KEYS,
    **ENRICHMENT_PARENT_KEYS,
}

RENAMES = {
    ("chat_messages", "messageData.selectedOptionId"): "selected_option_id",
    ("chat_messages", "messageData.requestMessageId"): "request_message_id",
    ("emails", "from"): "from_address",
    ("sms_messages", "from"): "from_number",
    ("sms_messages", "to"): "to_number",
    ("phone_calls", "from"): "from_number",
    ("phone_calls", "to"): "to_number",
    ("phone_calls", "recordingSummary.summary"): "recording_summary",
    ("voicemails", "recordingSummary.summary"): "recording_summary",
    ("item_attachments", "id"): "attachment_id",
    ("quick_reply_options", "id"): "option_id",
    ("export_jobs", "parameters.type"): "type",
    ("export_jobs", "parameters.startAt"): "start_at",
    ("export_jobs", "parameters.endAt"): "end_at",
    **EVENT_RENAMES,
    **REFERENCE_RENAMES,
    **ENRICHMENT_RENAMES,
}


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number with a fraction or an exponent, as its text: no other type holds them all."""

    text: str

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Number):
            return False
        try:
            return self.text == other.text or Decimal(self.text) == Decimal(other.text)
        except InvalidOperation:
            return False

    def __hash__(self) -> int:
        return 0  # equal numbers may be written in many ways


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Decode JSON with every digit of its numbers, by a decoder the product does not use."""
    return json.loads(text, parse_float=Number)


def same(left: object, right: object) -> bool:
    """Return whether two JSON values are equal; to Python alone, ``True`` equals 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def rows_by_record(tables: Mapping[str, Iterable[Row]]) -> Rows:
    """Index rows by their table and the id of the record they belong to."""
    index: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for table, rows in tables.items():
        key = PARENT_KEYS.get(table, "id")
        for row in rows:
            if key in row:
                index[table, row[key]].append(row)
    return index


def missing_leaves(table: str, line: str | bytes, rows: Rows) -> list[str]:
    """Return what of a record the rows do not hold, or hold without its having been sent.

    Args:
        table: The record type's own table, such as ``conversation_items``, or ``events`` for an
            event of any type.
        line: The record as JSON. Of members of one name the last counts, as JSON readers do.
        rows: All rows, by table and record id.
    """
    record = parse_json(line)
    search = _Search(record[KEYS.get(table, "id")], rows)
    if table == EVENTS:
        search.event(record)
        return search.problems
    rest = {name: value for name, value in record.items() if name != "content"}
    if table != "conversation_items":
        search.owner(table, record)
        return search.problems
    root = search.owner(table, rest)
    content = record.get("content")
    name = content.get("type") if isinstance(content, dict) else None
    typed = CONTENT_TABLES.get(name) if isinstance(name, str) else None
    if typed is not None and root is not None:
        search.expect(f"{table}.content_type", root["content_type"], name)
        search.owner(typed, {key: value for key, value in content.items() if key != "type"})
    elif root is not None:
        search.unknown(root, record, name)
    search.nowhere({*CONTENT_TABLES.values(), "unknown_items"} - {typed or "unknown_items"})
    return search.problems


@dataclass(slots=True)
class _Search:
    """The search for one record's leaves."""

    identifier: str
    rows: Rows
    problems: list[str] = field(default_factory=list)

    def expect(self, place: str, found: object, sent: object) -> None:
        if not same(found, sent):
            self.problems.append(f"{self.identifier}: {place} holds {found!r}, sent was {sent!r}")

    def only_row(self, table: str, keep: Callable[[Row], bool] = bool) -> Row | None:
        found = [row for row in self.rows.get((table, self.identifier), ()) if keep(row)]
        if len(found) == 1:
            return found[0]
        self.problems.append(f"{self.identifier}: {table} has {len(found)} rows instead of 1")
        return None

    def nowhere(self, tables: Iterable[str]) -> None:
        for table in sorted(tables):
            if found := self.rows.get((table, self.identifier)):
                self.problems.append(f"{self.identifier}: {len(found)} rows in {table}, not 0")

    def event(self, record: dict[str, Any]) -> None:
        """Look for an event in the one table its type names, and nowhere else."""
        table = event_table(record.get("type"))
        self.owner(table, record)
        other_children = {child for child, owner in EVENT_CHILDREN.items() if owner != table}
        self.nowhere({*EVENT_FIELDS, *other_children} - {table})

    def unknown(self, root: Row, record: Any, name: object) -> None:  # noqa: ANN401 - JSON
        readable = name if isinstance(name, str) and "\0" not in name else None
        self.expect("conversation_items.content_type", root["content_type"], readable)
        row = self.only_row("unknown_items")
        if row is not None:
            self.expect("unknown_items.content_type", row["content_type"], readable)
            self.expect("unknown_items.raw", _json_value(row["raw"]), record)

    def owner(self, table: str, value: dict[str, Any]) -> Row | None:
        """Look for an object in its own row and in the child rows of its lists."""
        row = self.only_row(table)
        if row is None:
            return None
        extra: dict[str, Any] = {}
        self.members(table, value, (), row, extra)
        self.expect(f"{table}._extra", _json_value(row["_extra"]) or {}, extra)
        for path, (child, label) in LISTS.get(table, {}).items():
            self.no_more_children(child, label, _sent_count(value, tuple(path.split("."))))
        return row

    def members(
        self, table: str, value: dict[str, Any], at: Path, row: Row, extra: dict[str, Any]
    ) -> None:
        fields = {tuple(path.split(".")): kind for path, kind in FIELDS[table].items()}
        lists = {tuple(path.split(".")): child for path, child in LISTS.get(table, {}).items()}
        objects = {path[:end] for path in (*fields, *lists) for end in range(1, len(path))}
        for name, inner in value.items():
            path = (*at, name)
            if path in fields:
                self.leaf(table, path, inner, fields[path], row, extra)
            elif path in lists:
                self.children(path, inner, *lists[path], extra)
            elif path in objects and isinstance(inner, dict):
                self.members(table, inner, path, row, extra)
            elif path not in objects or inner is not None:
                _place(extra, path, inner)

    def leaf(
        self, table: str, path: Path, sent: object, kind: str, row: Row, extra: dict[str, Any]
    ) -> None:
        dotted = ".".join(path)
        column = RENAMES.get((table, dotted), snake_case(dotted.removeprefix("content.")))
        typed, exact = _typed(sent, kind)
        found = _json_value(row[column]) if kind == JSON else row[column]
        found = found.astimezone(UTC) if isinstance(found, datetime) else found
        self.expect(f"{table}.{column} ({dotted})", found, typed)
        if not exact:
            _place(extra, path, sent)

    def children(
        self,
        path: Path,
        sent: object,
        table: str,
        label: dict[str, str],
        extra: dict[str, Any],
    ) -> None:
        elements = _elements(path, sent)
        if elements is None:
            if sent is not None:
                _place(extra, path, sent)
            return
        for position, (name, element) in enumerate(elements, 1):
            row = self.only_row(table, lambda row, at=position: _is_at(row, label, at))  # type: ignore[misc] # the default binds the position
            if row is not None:
                if "adaptor_id" in row:
                    self.expect(f"{table}.adaptor_id, position {position}", row["adaptor_id"], name)
                self.element(f"{table}, position {position}", table, element, row)

    def element(self, place: str, table: str, sent: object, row: Row) -> None:
        extra: dict[str, Any] = {}
        if table in VALUE_COLUMNS:
            typed, exact = _typed(sent, TEXT)
            self.expect(f"{place}, {VALUE_COLUMNS[table]}", row[VALUE_COLUMNS[table]], typed)
            extra = {} if exact and sent is not None else {"value": sent}
        elif isinstance(sent, dict):
            self.members(table, sent, (), row, extra)
        else:
            extra = {"value": sent}
        self.expect(f"{place}, _extra", _json_value(row["_extra"]) or {}, extra)

    def no_more_children(self, table: str, label: dict[str, str], count: int) -> None:
        rows = self.rows.get((table, self.identifier), ())
        found = sum(all(row[name] == value for name, value in label.items()) for row in rows)
        if found != count:
            self.problems.append(
                f"{self.identifier}: {table} {label} has {found} rows, sent were {count}"
            )


def snake_case(name: str) -> str:
    """Return the column name of an API name or path."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return words.replace(".", "_").lower()


def _is_at(row: Row, label: dict[str, str], position: int) -> bool:
    return row["position"] == position and all(row[name] == label[name] for name in label)


def _elements(path: Path, sent: object) -> list[tuple[str | None, object]] | None:
    """Return the names and elements that become child rows, or None where none can."""
    match path[-1], sent:
        case "externalCustomerId", str() if "\0" not in sent:
            return [(None, sent)]
        case "externalCustomerIds", dict() if not any("\0" in name for name in sent):
            return list(sent.items())
        case "externalCustomerId" | "externalCustomerIds", _:
            return None
        case _, list():
            return [(None, element) for element in sent]
    return None


def _sent_count(value: object, path: Path) -> int:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return len(_elements(path, value) or ())


def _typed(sent: object, kind: str) -> tuple[object, bool]:
    """Return what the typed column must hold, and whether that says all that was sent."""
    if sent is None or kind == JSON or _stands_as_sent(sent, kind):
        return sent, True
    if kind == TIMESTAMP and isinstance(sent, str):
        return instant(sent)
    if kind == DECIMAL and (type(sent) is int or isinstance(sent, Number)):
        number = money(sent.text if isinstance(sent, Number) else str(sent))
        return number, number is not None
    if kind == NUMBER and (type(sent) is int or isinstance(sent, Number)):
        return double(sent.text if isinstance(sent, Number) else str(sent))
    return None, False


def _stands_as_sent(sent: object, kind: str) -> bool:
    if kind == TEXT:
        return isinstance(sent, str) and "\0" not in sent
    if kind == INTEGER:
        return type(sent) is int and -(2**63) <= sent < 2**63
    return kind == BOOLEAN and isinstance(sent, bool)


def money(text: str) -> Decimal | None:
    """Return a JSON number that 29 digits before the point and 9 after it hold, or None.

    Texts of more than 1,000 characters are not looked at.
    """
    if len(text) > 1_000:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if number == 0:
        return Decimal(0)
    fits = -9 <= number.adjusted() < 29 and Fraction(number) * 10**9 % 1 == 0
    return number if fits else None


def double(text: str) -> tuple[float | None, bool]:
    """Return the double nearest to a JSON number, and whether its shortest text says it all.

    Texts of more than 1,000 characters, and exponents of more than three digits, are not looked at.
    """
    exponent = text.lower().partition("e")[2].lstrip("+-")
    if len(text) > 1_000 or len(exponent) > 3 or math.isinf(float(text)):
        return None, False
    return float(text), Decimal(repr(float(text))) == Decimal(text)


_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.[0-9]+)?(?:[Zz]|([+-])(\d\d):([0-5]\d))", re.ASCII
)


def instant(text: str) -> tuple[datetime | None, bool]:
    """Return the instant of an RFC 3339 text, cut to microseconds, and whether that says it all.

    Years before 1000 and after 9999, in UTC, are no instants: not every destination holds them.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None, False
    date, time, fraction, sign, hours, minutes = match.groups()
    seconds = Fraction(f"0{fraction}") if fraction else Fraction(0)
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        local = datetime.fromisoformat(f"{date}T{time}").replace(tzinfo=UTC)
        at = local - offset if sign != "-" else local + offset
    except (ValueError, OverflowError):
        return None, False
    if date < "1000" or at.year < 1000 or offset >= timedelta(days=1):
        return None, False
    microseconds = int(seconds * 1_000_000)
    exact = seconds * 1_000_000 == microseconds and not offset
    return at + timedelta(microseconds=microseconds), exact


def _place(extra: dict[str, Any], path: Path, value: object) -> None:
    for name in path[:-1]:
        extra = extra.setdefault(name, {})
    extra[path[-1]] = value


def _json_value(column: object) -> Any:  # noqa: ANN401 - any JSON value
    """Return what a JSON column holds; destinations hand it back as text or decoded."""
    return parse_json(column) if isinstance(column, str) else column
