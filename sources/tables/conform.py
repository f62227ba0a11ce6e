"""The lossless path: any JSON object to a declared struct and what does not fit it.

Slow and exact. Numbers keep every digit (integers of any size, decimals as written), so that what
lands in ``_extra`` is what was sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from sources.tables.decimals import parse_decimal
from sources.tables.declarations import Child, Kind, Shape
from sources.tables.numbers import parse_number
from sources.tables.structure import (
    INTEGER_MAX,
    INTEGER_MIN,
    ChildNode,
    ObjectNode,
    RecordNode,
    attribute,
)
from sources.tables.timestamps import format_timestamp, parse_timestamp

# A fraction stays the text it was sent as: no other type holds every exponent and every digit.
_DECODER = msgspec.json.Decoder(float_hook=msgspec.Raw)
_ENCODER = msgspec.json.Encoder()
_MISFIT = object()
# what a text that is not JSON, not UTF-8 or nested too deeply raises
DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

ChildKey = tuple[Child, int]


class UnusableRecordError(ValueError):
    """The record cannot become a row: it is not an object, or has no key. Quarantine the line."""


@dataclass(slots=True)
class Surprises:
    """What a record holds beyond its declaration, as JSON text.

    ``record`` and ``variant`` belong in the ``_extra`` of those rows, ``children`` in that of the
    child rows, by child and position. ``unknown`` is the whole record where no variant names its
    type, and ``unknown_type`` that type, if it is text.
    """

    record: str | None = None
    variant: str | None = None
    children: dict[ChildKey, str] = field(default_factory=dict)
    unknown: str | None = None
    unknown_type: str | None = None


def decode_json(line: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Decode one JSON text, keeping every digit of its numbers.

    Raises:
        DECODE_ERRORS: it is not JSON, not UTF-8, or nested deeper than the interpreter allows.
    """
    return _DECODER.decode(line)


def encode_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Encode what ``decode_json`` decoded."""
    return _ENCODER.encode(value).decode()


def raw_json_text(raw: msgspec.Raw) -> str | None:
    """Return undecoded JSON as ``encode_json`` writes it, or None where it cannot be decoded."""
    try:
        return encode_json(decode_json(bytes(raw)))
    except DECODE_ERRORS:
        return None


def conform(value: Any, node: RecordNode) -> tuple[Any, Surprises]:  # noqa: ANN401 - any JSON value
    """Return the struct of a record and all it holds beyond its declaration.

    Nothing is dropped: each leaf of ``value`` is in the struct or in the surprises.

    Raises:
        UnusableRecordError: ``value`` is not an object, or its key is not text, is empty or holds
            U+0000.
    """
    if not isinstance(value, dict):
        raise UnusableRecordError(f"not a JSON object but {_json_type(value)}")
    key_path = node.record.fields[0].path
    key = value.get(key_path)
    if not isinstance(key, str) or not key:
        raise UnusableRecordError(f"no usable {key_path}: {_json_type(key)}")
    if "\0" in key:
        raise UnusableRecordError(f"no usable {key_path}: text that holds U+0000")
    surprises = Surprises()
    rest = dict(value)
    content = rest.pop(node.record.variant_path, None) if node.variants else None
    struct, residue = _conform_object(rest, node.root, surprises)
    surprises.record = encode_json(residue) if residue else None
    if node.variants:
        variant = _conform_variant(content, node, surprises)
        setattr(struct, attribute(node.record.variant_path), variant)
        if variant is None:
            surprises.unknown = encode_json(value)
    return struct, surprises


def _conform_variant(
    content: Any,  # noqa: ANN401 - any JSON value
    node: RecordNode,
    surprises: Surprises,
) -> Any:  # noqa: ANN401 - a struct of the variant, or None
    if not isinstance(content, dict):
        return None
    name = content.get("type")
    variant = node.variants.get(name) if isinstance(name, str) else None
    if variant is None:
        surprises.unknown_type = name if isinstance(name, str) and "\0" not in name else None
        return None
    members = {member: value for member, value in content.items() if member != "type"}
    struct, residue = _conform_object(members, variant, surprises)
    surprises.variant = encode_json(residue) if residue else None
    return struct


def _conform_object(
    value: dict[str, Any], node: ObjectNode, surprises: Surprises
) -> tuple[Any, dict[str, Any]]:
    fitting: dict[str, Any] = {}
    residue: dict[str, Any] = {}
    for name, inner in value.items():
        member = node.members.get(name)
        if member is None:
            residue[name] = inner
            continue
        if inner is None:
            continue
        kept: Any = None
        if isinstance(member, Kind):
            kept, misfit = _conform_leaf(inner, member)
        elif isinstance(member, ObjectNode):
            misfit = inner
            if isinstance(inner, dict):
                kept, left = _conform_object(inner, member, surprises)
                misfit = left or _MISFIT
        else:
            kept, misfit = _conform_child(inner, member, surprises)
        if misfit is not _MISFIT:
            residue[name] = misfit
        fitting[attribute(name)] = kept
    return _instance(node, fitting), residue


def _instance(node: ObjectNode, fitting: dict[str, Any]) -> Any:  # noqa: ANN401 - the node's struct
    names = {name: None for name in node.struct.__struct_fields__ if name not in fitting}
    return node.struct(**fitting, **names)


def _conform_leaf(value: Any, kind: Kind) -> tuple[Any, Any]:  # noqa: ANN401 - any JSON value
    """Return what the typed column takes, and the value as sent where that is not all of it."""
    if _stands_as_sent(value, kind):
        return value, _MISFIT
    match kind:
        case Kind.TIMESTAMP if isinstance(value, str):
            parsed = parse_timestamp(value)
            if parsed is not None:
                return format_timestamp(parsed.at), _MISFIT if parsed.exact else value
        case Kind.DECIMAL if isinstance(value, msgspec.Raw) or type(value) is int:
            number = parse_decimal(encode_json(value))
            if number is not None:
                return msgspec.Raw(number.encode()), _MISFIT
        case Kind.NUMBER if isinstance(value, msgspec.Raw) or type(value) is int:
            double = parse_number(encode_json(value))
            if double is not None:
                return double.value, _MISFIT if double.exact else value
        case Kind.JSON:
            return msgspec.Raw(encode_json(value).encode()), _MISFIT
    return None, value


def _stands_as_sent(value: Any, kind: Kind) -> bool:  # noqa: ANN401 - any JSON value
    match kind:
        case Kind.TEXT | Kind.PROSE:
            return isinstance(value, str) and "\0" not in value
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.INTEGER:
            return type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX
    return False


def _conform_child(
    value: Any,  # noqa: ANN401 - any JSON value
    node: ChildNode,
    surprises: Surprises,
) -> tuple[Any, Any]:
    match node.child.shape:
        case Shape.VALUE:
            return _conform_leaf(value, Kind.TEXT)
        case Shape.LIST if isinstance(value, list):
            return [
                _conform_element(element, node, position, surprises)
                for position, element in enumerate(value, 1)
            ], _MISFIT
        case Shape.MAP if isinstance(value, dict) and not any("\0" in name for name in value):
            return {
                name: _conform_element(element, node, position, surprises)
                for position, (name, element) in enumerate(value.items(), 1)
            }, _MISFIT
    return None, value


def _conform_element(
    value: Any,  # noqa: ANN401 - any JSON value
    node: ChildNode,
    position: int,
    surprises: Surprises,
) -> Any:  # noqa: ANN401 - a struct or a leaf
    """Return an element for its child row; what does not fit goes to that row's ``_extra``."""
    if isinstance(node.element, Kind):
        kept, misfit = _conform_leaf(value, node.element)
    elif isinstance(value, dict):
        kept, left = _conform_object(value, node.element, surprises)
        if left:
            surprises.children[node.child, position] = encode_json(left)
        return kept
    else:
        kept, misfit = node.element.empty, value
    if misfit is not _MISFIT:
        surprises.children[node.child, position] = encode_json({"value": misfit})
    return kept


def _json_type(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Name a value's type for a reason, never the value itself: it may be a customer's."""
    match value:
        case None:
            return "null or nothing"
        case bool():
            return "a boolean"
        case int() | msgspec.Raw():
            return "a number"
        case str():
            return "text" if value else "empty text"
        case list():
            return "a list"
    return "an object"
