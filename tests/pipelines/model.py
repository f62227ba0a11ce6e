"""What must remain in a warehouse, said again in plain Python: sort, and keep the last.

problems = differences(read_tables(target), deliveries(sandbox))
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox import Sandbox
from tests.leaves import CONTENT_TABLES, LISTS, PARENT_KEYS, instant, missing_leaves, rows_by_record
from tests.pipelines.runs import Row, Tables

RECORDS = {
    "agents.jsonl": "agents",
    "conversation_items.jsonl": "conversation_items",
    "customers.jsonl": "customers",
    "topics.jsonl": "topics",
}
# root table -> the tables that mirror it
MIRRORS = {
    "agents": set(),
    "topics": set(),
    "customers": {child for child, _ in LISTS["customers"].values()},
    "conversation_items": {
        "unknown_items",
        *CONTENT_TABLES.values(),
        *(child for name in CONTENT_TABLES.values() for child, _ in LISTS.get(name, {}).values()),
    },
}
EXPORT_STREAM = "gladly.export"
_ORIGIN = ("_extracted_at", "_job_id", "_file", "_line")


@dataclass(frozen=True)
class Delivery:
    """A file as a job delivered it."""

    job_id: str
    updated_at: datetime
    file: str
    data: bytes


@dataclass(frozen=True, order=True)
class Version:
    """One line that became a record: ordered as versions are."""

    extracted_at: datetime
    job_id: str
    line_number: int
    file: str
    text: bytes

    @property
    def origin(self) -> tuple[Any, ...]:
        """What the lineage columns of its rows must hold."""
        return self.extracted_at, self.job_id, self.file, self.line_number


def deliveries(sandbox: Sandbox) -> set[Delivery]:
    """Return the files of all completed jobs the sandbox has now."""
    store = sandbox._running_store()
    found = set()
    for job in store.jobs():
        for name in job.files:
            path = store.file(job.id, name)
            at, _ = instant(job.record()["updatedAt"])
            if path is not None and at is not None:
                found.add(Delivery(job.id, at, name, path.read_bytes()))
    return found


def differences(tables: Tables, delivered: Iterable[Delivery]) -> list[str]:
    """Return every way in which the tables are not what the deliveries make them."""
    delivered = set(delivered)
    problems = list(_ledger_differences(tables, delivered))
    rows = rows_by_record(tables)
    for file, table in RECORDS.items():
        winners = last_versions(delivered, file)
        for name in (table, *sorted(MIRRORS[table])):
            problems += _origin_differences(name, tables[name], winners, exactly=name == table)
        for version in winners.values():
            problems += missing_leaves(table, version.text, rows)
    return problems


def last_versions(delivered: Iterable[Delivery], file: str) -> dict[str, Version]:
    """Return the version of each key that must remain: the last by extraction, job and line."""
    versions = sorted(
        (Version(each.updated_at, each.job_id, number, file, text), key)
        for each in delivered
        if each.file == file
        for number, _, text in numbered_lines(each.data)
        if (key := key_of(text)) is not None
    )
    return {key: version for version, key in versions}


def numbered_lines(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, offset and text of each line that is not blank."""
    offset = 0
    for number, text in enumerate(data.split(b"\n"), 1):
        if text.strip(b" \t\r\n"):
            yield number, offset, text
        offset += len(text) + 1


def key_of(text: bytes) -> str | None:
    """Return the id of a record, or None for a line that is no record."""
    try:
        value = json.loads(text.decode())
    except ValueError:
        return None
    key = value.get("id") if isinstance(value, dict) else None
    return key if isinstance(key, str) and key else None


def _origin_differences(
    table: str, rows: list[Row], winners: dict[str, Version], *, exactly: bool
) -> Iterator[str]:
    key = PARENT_KEYS.get(table, "id")
    for row in rows:
        winner = winners.get(row[key])
        if winner is None:
            yield f"{table}: a row of {row[key]}, which no job delivered"
        elif tuple(row[name] for name in _ORIGIN) != winner.origin:
            yield f"{table}: a row of {row[key]} is not of its last version, {winner.origin}"
    found = [row[key] for row in rows]
    if exactly and sorted(found) != sorted(winners):
        yield f"{table}: {len(found)} rows, {len(winners)} records were delivered"


def _ledger_differences(tables: Tables, delivered: set[Delivery]) -> Iterator[str]:
    last = {
        (each.job_id, each.file): each
        for each in sorted(delivered, key=lambda each: each.updated_at)
    }
    files = [row for row in tables["load_files"] if row["stream"] == EXPORT_STREAM]
    found = {(row["job_id"], row["file"]): row for row in files}
    if len(found) != len(files) or found.keys() != last.keys():
        yield f"load_files: {sorted(found)}, delivered were {sorted(last)}"
        return
    quarantined, unknown = set(), set()
    for place, each in last.items():
        lines = list(numbered_lines(each.data))
        bad = [line for line in lines if not _is_usable(each.file, line[2])]
        expected = {
            "extracted_at": each.updated_at,
            "bytes": len(each.data),
            "sha256": hashlib.sha256(each.data).hexdigest(),
            "lines": len(lines),
            "rows": len(lines) - len(bad),
            "quarantined": len(bad),
        }
        shown = {name: found[place][name] for name in expected}
        if shown != expected:
            yield f"load_files {place}: {shown}, delivered was {expected}"
        quarantined |= {(*place, each.updated_at, *line) for line in bad}
        if each.file not in RECORDS:
            unknown |= {
                (*place, each.updated_at, number, json.dumps(json.loads(text), sort_keys=True))
                for number, _, text in lines
                if (number, _, text) not in bad
            }
    kept = [
        (*_file_of(row), row["line_number"], row["byte_offset"], _exact_bytes(row))
        for row in tables["quarantined_lines"]
    ]
    yield from _unequal("quarantined_lines", kept, quarantined)
    raw = [(*_file_of(row), row["line_number"], row["raw"]) for row in tables["unknown_file_lines"]]
    yield from _unequal("unknown_file_lines", raw, unknown)


def _is_usable(file: str, text: bytes) -> bool:
    if file in RECORDS:
        return key_of(text) is not None
    try:
        json.loads(text.decode())
    except ValueError:
        return False
    return True


def _file_of(row: Row) -> tuple[str, str, datetime]:
    return row["job_id"], row["file"], row["extracted_at"]


def _exact_bytes(row: Row) -> bytes:
    encoded = row["raw_base64"]
    text: str = row["raw"]
    return text.encode() if encoded is None else base64.b64decode(encoded)


def _unequal(table: str, found: list[Any], expected: set[Any]) -> Iterator[str]:
    if len(found) != len(expected) or set(found) != expected:
        yield f"{table}: {len(found)} rows differ from the {len(expected)} delivered"
