"""Writes the four files of a scheduled job from the world."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from sandbox.conversations import Entry
from sandbox.hurt import odd_lines, scattered, unreadable_lines
from sandbox.timestamps import start_of_day, to_milliseconds
from sandbox.world import World, write_lines

_HURT_AT = timedelta(hours=12)


def _item_lines(entries: Iterable[Entry], seen_customers: bytearray) -> Iterator[bytes]:
    for entry in entries:
        seen_customers[entry.customer_number] = 1
        yield orjson.dumps(entry.record)


def _hurt_lines(world: World, start: datetime, end: datetime, customer: int) -> list[bytes]:
    lines: list[bytes] = []
    for day in sorted(world.settings.broken_days):
        noon = start_of_day(world.settings.first_day + timedelta(days=day)) + _HURT_AT
        if start <= noon < end:
            about = (world.settings.seed, day, to_milliseconds(noon), world.customer_id(customer))
            lines += unreadable_lines(*about) + odd_lines(*about)
    return lines


def _record_lines(records: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    return (orjson.dumps(record) for record in records)


def write_export_files(world: World, start: datetime, end: datetime, folder: Path) -> None:
    """Write the files of the window from `start` to before `end` into an existing folder.

    `conversation_items.jsonl` holds the items active in the window and `customers.jsonl` exactly
    their customers; `agents.jsonl` and `topics.jsonl` are full lists. Memory does not depend on
    the number of items.
    """
    seen_customers = bytearray(world.customer_count)
    hurt = _hurt_lines(world, start, end, customer=0)
    if hurt:
        seen_customers[0] = 1
    items = scattered(_item_lines(world.entries(start, end), seen_customers), hurt)
    write_lines(folder / "conversation_items.jsonl", items)
    customers = (world.customer(number) for number, seen in enumerate(seen_customers) if seen)
    write_lines(folder / "customers.jsonl", _record_lines(customers))
    write_lines(folder / "agents.jsonl", _record_lines(world.agents))
    write_lines(folder / "topics.jsonl", _record_lines(world.topics))
