"""A declaration compiled once: the strict decoder's types and the shape the lossless path walks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Union

import msgspec

from sources.tables.declarations import ENTRY_NAME, Child, Field, Kind, Record, Shape

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1

# Strict: a value of another type, or an unknown field, sends the line to the lossless path.
_STRICT_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str | None,
    Kind.PROSE: str | None,
    Kind.TIMESTAMP: str | None,
    Kind.BOOLEAN: bool | None,
    Kind.INTEGER: Annotated[int, msgspec.Meta(ge=INTEGER_MIN, le=INTEGER_MAX)] | None,
    # any JSON text, looked at later: no number type keeps every digit and refuses all else
    Kind.DECIMAL: msgspec.Raw,
    Kind.NUMBER: msgspec.Raw,
    Kind.JSON: msgspec.Raw,
}
# What msgspec takes without a look at its form.
CHECKED_KINDS = frozenset({Kind.TIMESTAMP, Kind.DECIMAL, Kind.NUMBER, Kind.JSON})
_KEY_TYPE = Annotated[str, msgspec.Meta(min_length=1)]


@dataclass(slots=True)
class ObjectNode:
    """One JSON object of a declaration.

    ``members`` maps each declared name to its leaf kind, its nested object or its child;
    ``struct`` holds a decoded object, with one attribute a member (see ``attribute``); ``empty``
    stands in where the object is absent.
    """

    members: dict[str, Kind | ObjectNode | ChildNode] = field(default_factory=dict)
    struct: type[Any] = msgspec.Struct
    empty: Any = None


@dataclass(slots=True)
class ChildNode:
    """A child of a declaration and, where its elements are objects, their node."""

    child: Child
    element: ObjectNode | Kind


@dataclass(slots=True)
class RecordNode:
    """A whole record type: its object, its variants by type name, and the decoder's type."""

    record: Record
    root: ObjectNode
    variants: dict[str, ObjectNode]
    type_names: dict[type[Any], str]


def attribute(name: str) -> str:
    """Return the attribute that holds a member; the suffix keeps clear of Python's keywords."""
    return f"{name}_"


def compile_record(record: Record) -> RecordNode:
    """Compile a declaration; called once a record type, at import of its source."""
    root = _object_node(record.fields, record.children)
    variants = {
        name: _object_node(variant.fields, variant.children)
        for name, variant in record.variants.items()
    }
    for name, node in variants.items():
        _define(node, f"{record.table}.{name}", tag=name)
    required: dict[str, Any] = {record.fields[0].path: _KEY_TYPE}
    if variants:
        required[record.variant_path] = Union[  # noqa: UP007 - made at run time
            tuple(node.struct for node in variants.values())
        ]
    _define(root, record.table, required=required)
    return RecordNode(
        record, root, variants, {node.struct: name for name, node in variants.items()}
    )


def _object_node(fields: Iterable[Field], children: Iterable[Child]) -> ObjectNode:
    node = ObjectNode()
    for leaf in fields:
        parent, name = _descend(node, leaf.path)
        parent.members[name] = leaf.kind
    for child in children:
        parent, name = _descend(node, child.path)
        parent.members[name] = ChildNode(child, _element_node(child))
    return node


def _descend(node: ObjectNode, path: str) -> tuple[ObjectNode, str]:
    *parents, name = path.split(".")
    for parent in parents:
        inner = node.members.setdefault(parent, ObjectNode())
        if not isinstance(inner, ObjectNode):
            raise TypeError(f"{path} is declared inside {parent}, which is a leaf or a list")
        node = inner
    if name in node.members:
        raise ValueError(f"{path} is declared twice")
    return node, name


def _element_node(child: Child) -> ObjectNode | Kind:
    values = [leaf for leaf in child.fields if leaf.path == ""]
    kinds = ", ".join(leaf.kind.value for leaf in values if leaf.kind in CHECKED_KINDS)
    if kinds:
        raise ValueError(f"{child.table}: the strict path does not check {kinds} as list elements")
    if any("." in leaf.path for leaf in child.fields):
        raise ValueError(f"{child.table}: a field of a child cannot be nested")
    if values:
        return values[0].kind
    return _object_node((leaf for leaf in child.fields if leaf.path != ENTRY_NAME), ())


def _define(
    node: ObjectNode, name: str, *, tag: str | None = None, required: dict[str, Any] | None = None
) -> None:
    """Make the strict struct of a node and of the objects inside it."""
    required = required or {}
    members = [
        (attribute(member), required[member])
        if member in required
        else (attribute(member), _member_type(inner, f"{name}.{member}"), None)
        for member, inner in node.members.items()
    ]
    members += [
        (attribute(member), kind) for member, kind in required.items() if member not in node.members
    ]
    node.struct = msgspec.defstruct(
        name,
        members,
        rename={attribute(member): member for member in (*node.members, *required)},
        tag_field="type" if tag else None,
        tag=tag,
        forbid_unknown_fields=True,
        kw_only=True,
        gc=False,
    )
    node.empty = None if required else node.struct()


def _member_type(member: Kind | ObjectNode | ChildNode, name: str) -> Any:  # noqa: ANN401 - a type expression
    if isinstance(member, Kind):
        return _STRICT_TYPES[member]
    if isinstance(member, ObjectNode):
        _define(member, name)
        return member.struct | None
    if isinstance(member.element, ObjectNode):
        _define(member.element, name)
        element: Any = member.element.struct
    else:
        element = str if member.element is Kind.TEXT else _STRICT_TYPES[member.element]
    match member.child.shape:
        case Shape.LIST:
            return list[element] | None
        case Shape.MAP:
            return dict[str, element] | None
        case Shape.VALUE:
            return element | None
