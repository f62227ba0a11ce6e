"""Where each column comes from: the field of Gladly's, from the declarations that read it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sources.gladly.declarations import CONTENT_TYPES, EXPORT_FILES, RECORDS
from sources.gladly.enrichment_types import ENRICHMENT_KINDS, ENRICHMENT_RECORDS
from sources.gladly.event_types import EVENTS
from sources.gladly.history import HISTORIES
from sources.gladly.reference_types import REFERENCE_LISTS, REFERENCE_RECORDS
from sources.gladly.report_types import REPORTS, Report
from sources.gladly.report_types import WORK_SESSION_EVENTS as WORK_SESSIONS
from sources.gladly.work_sessions import WORK_SESSION_EVENTS, WORK_SESSION_EVENTS_PATH
from sources.tables.declarations import (
    ENTRY_NAME,
    Child,
    Field,
    Record,
    Shape,
    records_of,
    root_key_name,
)
from tests.documentation.markdown import code

_SENT = json.loads((Path(__file__).parents[1] / "reference" / "gladly-reports.json").read_bytes())

# table -> column -> where it comes from, as Markdown
Fields = Mapping[str, Mapping[str, str]]
_Found = defaultdict[str, defaultdict[str, list[str]]]


class Labels(NamedTuple):
    """The lists that a table keeps apart by a column, and what the column says of each."""

    column: str
    values: tuple[str, ...]


def record_fields(record: Record) -> Fields:
    """Return the fields of all tables that a record type fills.

    A list is written ``attachments[]``, a map ``ids.<column>``, where the column holds the names
    of its entries; what differs between lists only by the label that keeps them apart is written
    once, as ``officeHours.<weekday>[]``.
    """
    found: _Found = defaultdict(lambda: defaultdict(list))
    for owner, where in _owners(record):
        key = record.fields[0]
        found[owner.table][key.name].append(key.path)
        for leaf in owner.fields if owner is not record else record.fields[1:]:
            found[owner.table][leaf.name].append(f"{where}{leaf.path}")
        for child in owner.children:
            found[child.table][root_key_name(record)].append(key.path)
            for leaf in child.fields:
                if path := _element_path(child, leaf, where):
                    found[child.table][leaf.name].append(path)
    if record.variants:
        found[record.table]["content_type"].append(f"{record.variant_path}.type")
    if record.unknown_table:
        unknown = found[record.unknown_table]
        unknown[record.fields[0].name].append(record.fields[0].path)
        unknown["content_type"].append(f"{record.variant_path}.type")
    return {
        table: {column: code(*dict.fromkeys(paths)) for column, paths in columns.items()}
        for table, columns in found.items()
    }


def record_labels(record: Record) -> Mapping[str, Labels]:
    """Return the labels of the child tables that have any."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    columns = {}
    for owner, _ in _owners(record):
        for child in owner.children:
            if child.label:
                columns[child.table], value = child.label
                found[child.table][value] = None
    return {table: Labels(columns[table], tuple(values)) for table, values in found.items()}


def _owners(record: Record) -> Iterator[tuple[Record, str]]:
    yield record, ""
    for variant in record.variants.values():
        yield variant, f"{record.variant_path}."


def _element_path(child: Child, leaf: Field, where: str) -> str:
    path = where + child.path
    if child.label:
        name, value = child.label
        segments = (f"<{name}>" if part == value else part for part in path.split("."))
        path = ".".join(segments)
    if child.shape is Shape.LIST:
        path += "[]"
    elif child.shape is Shape.MAP:
        path += f".<{next(each.name for each in child.fields if each.path == ENTRY_NAME)}>"
    elif leaf.path == ENTRY_NAME:
        return ""  # a single value has no name
    return f"{path}.{leaf.path}" if leaf.path not in {"", ENTRY_NAME} else path


def _operation(record: Record) -> str:
    """Return a link to what Gladly's reference says of a record type."""
    return f"[{record.documentation.rpartition('/')[2]}]({record.documentation})"


def _origins() -> Iterator[tuple[str, str]]:
    """Yield tables and what delivers them, as Markdown."""
    files = {record.table: name for name, record in EXPORT_FILES.items()}
    kinds = {kind.record.table: "{id}".join(kind.path) for kind in ENRICHMENT_KINDS.values()}
    types = defaultdict(list)
    for prefix, record in EVENTS.records.items():
        types[record.table].append(f"{prefix}{EVENTS.separator}...")
    for record in _RECORDS:
        told = [
            f"export file `{files[record.table]}`" if record.table in files else "",
            "a reference list" if record.table in REFERENCE_LISTS else "",
            f"a read by id, `GET {kinds[record.table]}`" if record.table in kinds else "",
            f"events {code(*types[record.table])}" if record.table in types else "",
            _operation(record),
        ]
        yield record.table, "; ".join(filter(None, told))
    for content_type, record in CONTENT_TYPES.items():
        yield record.table, f"`content` of type `{content_type}`; {_operation(record)}"
    for source, histories in HISTORIES.items():
        for history in histories:
            yield history.table.name, f"reference list `{source}`, each time it is read"
    for report in REPORTS.values():
        yield report.table, f"report {report.metric_set}"
    yield WORK_SESSION_EVENTS.name, f"`POST {WORK_SESSION_EVENTS_PATH}`"


def _history_fields() -> Iterator[tuple[str, Mapping[str, str]]]:
    for histories in HISTORIES.values():
        for history in histories:
            columns = {**history.key, **history.values}
            yield (
                history.table.name,
                {mine: code(f"{history.source}.{its}") for mine, its in columns.items()},
            )


def _report_fields() -> Iterator[tuple[str, Mapping[str, str]]]:
    for table, report in (
        *((report.table, report) for report in REPORTS.values()),
        (WORK_SESSION_EVENTS.name, WORK_SESSIONS),
    ):
        yield (
            table,
            {
                column.name: code(_header(report, each.key))
                for each in report.columns
                for column in each.columns()
            },
        )


def _header(report: Report, key: str) -> str:
    """Return a column's header as Gladly sends it."""
    columns = _SENT[report.metric_set]["columns"]
    return next(str(sent) for sent, its_key, *_ in columns if its_key == key)


def _merged(fields: Iterable[Fields]) -> Fields:
    return {table: columns for each in fields for table, columns in each.items()}


_RECORDS = (*RECORDS, *REFERENCE_RECORDS, *ENRICHMENT_RECORDS, *records_of(EVENTS))

FIELDS: Fields = {
    **_merged(map(record_fields, _RECORDS)),
    **dict(_history_fields()),
    **dict(_report_fields()),
}
LABELS: Mapping[str, Labels] = {
    table: labels for record in _RECORDS for table, labels in record_labels(record).items()
}
ORIGINS: Mapping[str, str] = dict(_origins())
