"""Random records: those the API reference allows, and those nobody announced."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from tests.leaves import CONTENT_TABLES, EVENTS, KEYS, Number

Json = Any

_SCHEMAS = json.loads(
    (Path(__file__).parents[1] / "reference" / "gladly-schemas.json").read_text("utf-8")
)["$defs"]
_CONTENT_SCHEMAS = {
    "CHAT_MESSAGE": "ContentChatMessage",
    "EMAIL": "ContentEmail",
    "SMS": "ContentSms",
    "FACEBOOK_MESSAGE": "ContentFacebookMessage",
    "INSTAGRAM_DIRECT": "ContentInstagramDirect",
    "WHATSAPP": "ContentWhatsapp",
    "TWITTER": "ContentTwitter",
    "VOICE_AI_MESSAGE": "ContentVoiceAiMessage",
    "PHONE_CALL": "ContentPhoneCall",
    "VOICEMAIL": "ContentVoicemail",
    "CONVERSATION_NOTE": "ContentNote",
    "CONVERSATION_STATUS_CHANGE": "ContentConversationStatusChange",
    "TOPIC_CHANGE": "ContentTopicChange",
    "CUSTOMER_ACTIVITY": "ContentCustomerActivity",
    "TASK": "ContentTask",
}
# what the events API sends and what only webhooks do; PING is one of them
_EVENT_SCHEMAS = {
    schema["properties"]["type"]["const"]: name
    for name, schema in _SCHEMAS.items()
    if name.startswith("Event") and "const" in schema.get("properties", {}).get("type", {})
}
EVENT_TYPES = tuple(_EVENT_SCHEMAS)
RECORD_SCHEMAS = {
    "conversation_items": "ConversationItemApi",
    "agents": "ExportAgent",
    "customers": "ExportCustomer",
    "topics": "ExportTopic",
    "export_jobs": "ExportJob",
    "export_schedules": "ExportSchedule",
    "inboxes": "Inbox",
    "teams": "Team",
    "audiences": "Audience",
    "business_hours": "BusinessHours",
    "organization": "Organization",
    "webhooks": "Webhook",
    "public_answers": "PublicAnswer",
    "custom_attributes": "CustomAttribute",
    "conversations": "Conversation",
    "customer_profiles": "Customer",
    "tasks": "Task",
    "task_comments": "TaskComment",
    "voice_transcripts": "VoiceTranscript",
    "enrichment_reads": "EnrichmentRead",
}
_TEXT = {"type": "string"}
_TEXT_OR_NULL: dict[str, Json] = {"oneOf": [_TEXT, {"type": "null"}]}
_TIME = {"type": "string", "format": "date-time"}
# what is our own: members that only the request knew, and the record of a read
_OWN_MEMBERS: dict[str, dict[str, Json]] = {
    "task_comments": {"customerId": _TEXT_OR_NULL},
    "voice_transcripts": {"itemId": _TEXT},
}
_SCHEMAS["EnrichmentRead"] = {
    "type": "object",
    "properties": {
        "readId": _TEXT,
        "kind": {"enum": ["conversations", "customer_profiles", "tasks", "voice_transcripts"]},
        "entityId": _TEXT,
        "outcome": {"enum": ["found", "moved", "missing", "gone", "refused"]},
        "requestedAt": _TIME,
        "missingSince": {"oneOf": [_TIME, {"type": "null"}]},
        "movedTo": _TEXT_OR_NULL,
        "isComplete": {"type": "boolean"},
    },
    "required": ["readId", "kind", "entityId", "outcome", "requestedAt"],
}

_TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "\0",
        "a\0b",
        "\u2028",
        "\u2029",
        "\u0085",
        "\ufeff",
        "\U0001f600",
        '"\\/\b\f\n\r\t',
        "\\u0000",
    ]
)
_TIMESTAMPS = st.builds(
    "{:%Y-%m-%dT%H:%M:%S}{}{}".format,
    st.datetimes(
        min_value=datetime(1000, 1, 2),  # noqa: DTZ001 - hypothesis wants naive bounds
        max_value=datetime(9999, 12, 30),  # noqa: DTZ001 - hypothesis wants naive bounds
    ),
    st.sampled_from(["", ".1", ".120", ".123456", ".123456000", ".1234567", ".000000001"]),
    st.sampled_from(["Z", "Z", "Z", "z", "+00:00", "-00:00", "+05:30", "-08:00", "+23:59"]),
)
_NUMBERS = st.sampled_from(
    [
        "1.10",
        "1e400",
        "-0.0",
        "1E+2",
        "13.0",
        "0e999999",
        "19.999999999",
        "0.1000000000000000055",
        "1e99999999999999999999",
        f"{10**28}.000000001",
    ]
).map(Number)
_INTEGERS = st.integers(-(2**70), 2**70) | st.sampled_from(
    [2**63 - 1, 2**63, -(2**63), 2**64, 10**29 - 1, -(10**29)]
)
_SCALARS = st.none() | st.booleans() | _INTEGERS | _NUMBERS | _TEXTS | _TIMESTAMPS
# names of our own columns and markers, and paths as names, must be names like any other
_NAMES = _TEXTS | st.sampled_from(
    [
        "",
        "link.url",
        "initiator.id",
        "value",
        "type",
        "from_",
        "_extra",
        "@",
        "content",
        "id",
        "event_id",
        "origin",
        "context",
    ]
)
# known entities with nothing, something or too much behind them, and what only looks like one
_ODD_TYPES = _SCALARS | st.sampled_from(
    [
        "",
        "CONTACT",
        "CONTACT/",
        "CONTACT/NEW/THING",
        "TASK/\0",
        "/CONTACT",
        "contact/started",
        "CONTACT /STARTED",
        "CONTACT\0/STARTED",
        "NEW_ENTITY/CREATED",
        "/",
    ]
)


def _nested(value: Json, depth: int) -> Json:
    for level in range(depth):
        value = [value] if level % 2 else {"in": value}
    return value


ANY_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=5,
) | st.builds(_nested, _SCALARS, st.sampled_from([20, 200]))


@cache
def conforming(table: str, content_type: str = "") -> st.SearchStrategy[Json]:
    """Return records that the API reference allows, without a member it does not name."""
    strategy = _from_schema(_schema(table, content_type))
    member = KEYS.get(table, "id")
    return st.builds(lambda key, record: {**record, member: key}, _IDENTIFIERS, strategy)


_IDENTIFIERS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
)
KINDS = [
    *(("conversation_items", content_type) for content_type in CONTENT_TABLES),
    *((table, "") for table in RECORD_SCHEMAS if table != "conversation_items"),
    *((EVENTS, event_type) for event_type in EVENT_TYPES),
]


def any_conforming(table: str) -> st.SearchStrategy[Json]:
    return st.one_of([conforming(*kind) for kind in KINDS if kind[0] == table])


def events_of_odd_types() -> st.SearchStrategy[Json]:
    """Return events whose type nobody announced, or is none, or is missing."""
    odd: st.SearchStrategy[Json] = st.fixed_dictionaries({"type": _ODD_TYPES}) | st.just({})
    return st.builds(
        lambda event, kind: {**{key: event[key] for key in event if key != "type"}, **kind},
        any_conforming(EVENTS),
        odd,
    )


_Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "number", lambda _, value: isinstance(value, Number | int) and not isinstance(value, bool)
    ),
)


@cache
def validator(table: str, content_type: str = "") -> Draft202012Validator:
    """Return what says whether a record conforms; it is not asked about our own strategies only."""
    return _Validator({**_schema(table, content_type), "$defs": _SCHEMAS})


def _schema(table: str, content_type: str) -> dict[str, Any]:
    if table == EVENTS:
        return deepcopy(_SCHEMAS[_EVENT_SCHEMAS[content_type]])
    schema: dict[str, Any] = deepcopy(_SCHEMAS[RECORD_SCHEMAS[table]])
    for name in [name for name, one in schema["properties"].items() if one.get("writeOnly")]:
        del schema["properties"][name]
    schema["properties"] |= _OWN_MEMBERS.get(table, {})
    if content_type:
        schema["properties"]["content"] = {"$ref": f"#/$defs/{_CONTENT_SCHEMAS[content_type]}"}
    return schema


def _from_schema(schema: dict[str, Any]) -> st.SearchStrategy[Json]:
    """Read the few words of JSON Schema that these schemas use."""
    if "$ref" in schema:
        return _from_schema(_SCHEMAS[schema["$ref"].rsplit("/", 1)[-1]])
    if "oneOf" in schema:
        return st.one_of([_from_schema(branch) for branch in schema["oneOf"]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    if schema.get("format") == "date-time":
        return _TIMESTAMPS
    return _of_type(schema)


def _of_type(schema: dict[str, Any]) -> st.SearchStrategy[Json]:
    match schema["type"]:
        case "string" if "pattern" in schema:
            return st.from_regex(schema["pattern"], fullmatch=True)
        case "string":
            return _TEXTS
        case "array":
            return st.lists(_from_schema(schema.get("items", {"type": "string"})), max_size=3)
        case "object" if "properties" in schema:
            members = {name: _from_schema(inner) for name, inner in schema["properties"].items()}
            required = {name: members.pop(name) for name in schema.get("required", ())}
            return st.fixed_dictionaries(required, optional=members)
        case "object":
            return st.dictionaries(_TEXTS, _TEXTS, max_size=3)
    simple = {
        "integer": _INTEGERS,
        "number": _INTEGERS | _NUMBERS,
        "boolean": st.booleans(),
        "null": st.none(),
    }
    return simple[schema["type"]]


@st.composite
def mutated(draw: st.DrawFn, records: st.SearchStrategy[Json], key: str = "id") -> Json:
    """Change a record in up to four places, at any depth; only its own id stays."""
    record = deepcopy(draw(records))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.sampled_from(_containers(record)))
        value = draw(st.none() | ANY_JSON)
        if isinstance(place, list):
            at = draw(st.integers(0, len(place)))
            place[at : at + draw(st.integers(0, 1))] = [value]
        else:
            name = draw(st.sampled_from(sorted(place)) | _NAMES if place else _NAMES)
            if place is not record or name != key:
                place[name] = value
    return record


def _containers(value: Json) -> list[Json]:
    if not isinstance(value, dict | list):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [value, *(deeper for member in inner for deeper in _containers(member))]


def as_json(value: Json, *, escape: bool = False) -> bytes:
    """Encode a record as one line, numbers as they are written."""
    return _text(value, escape=escape).encode("utf-8")


def _text(value: Json, *, escape: bool) -> str:
    match value:
        case Number():
            return value.text
        case dict():
            members = (
                f"{json.dumps(name, ensure_ascii=escape)}:{_text(inner, escape=escape)}"
                for name, inner in value.items()
            )
            return "{" + ",".join(members) + "}"
        case list():
            return "[" + ",".join(_text(inner, escape=escape) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=escape)
