"""The API reference's schemas, and what of them a declaration says: both as (path, type) leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sources.tables.declarations import ENTRY_NAME, Child, Kind, Record, Shape

Leaves = set[tuple[str, str]]

SCHEMAS = json.loads(
    (Path(__file__).parents[1] / "reference" / "gladly-schemas.json").read_text("utf-8")
)["$defs"]
JSON_TYPES = {
    Kind.TEXT: "string",
    Kind.PROSE: "string",
    Kind.INTEGER: "integer",
    Kind.BOOLEAN: "boolean",
    Kind.TIMESTAMP: "date-time",
    Kind.DECIMAL: "number",
    Kind.NUMBER: "number",
    Kind.JSON: "json",
}


def documented(schema: dict[str, Any], path: str = "") -> Leaves:
    """Return the path and the type of each leaf a schema names; ``[]`` is any element."""
    if "$ref" in schema:
        return documented(SCHEMAS[schema["$ref"].rsplit("/", 1)[-1]], path)
    branches = {leaf for branch in schema.get("oneOf", ()) for leaf in documented(branch, path)}
    if "properties" in schema or branches:
        prefix = f"{path}." if path else ""
        own = {
            leaf
            for name, inner in schema.get("properties", {}).items()
            for leaf in documented(inner, f"{prefix}{name}")
        }
        return own | branches
    if schema.get("type") == "array":
        # one list of names says nothing of its elements
        return documented(schema.get("items", {"type": "string"}), f"{path}[]")
    return {(path, _leaf_type(schema))}


def _leaf_type(schema: dict[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "date-time"
    # two enums and a date of the reference name no type
    return "string" if "enum" in schema else str(schema["type"])


def declared(record: Record) -> Leaves:
    """Return the path and the type of each leaf a declaration names, as ``documented`` does."""
    own = {(leaf.path, JSON_TYPES[leaf.kind]) for leaf in record.fields}
    return own.union(*(_declared_child(child) for child in record.children))


def _declared_child(child: Child) -> Leaves:
    match child.shape:
        case Shape.VALUE:
            return {(child.path, "string")}
        case Shape.MAP:
            return {(child.path, "object")}
    return {
        (f"{child.path}[]{'.' if leaf.path else ''}{leaf.path}", JSON_TYPES[leaf.kind])
        for leaf in child.fields
        if leaf.path != ENTRY_NAME
    }
