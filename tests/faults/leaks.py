"""Where secrets and words of customers must not be, and what to look for there."""

import base64
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipelines.runner import Target
from sources.gladly.enrichment_types import ENRICHMENT_READ
from sources.gladly.media import MEDIA_FILES
from sources.tables.ledger import LOAD_FILES, LOAD_GAPS, LOAD_RUNS, QUARANTINED_LINES
from tests.command.commands import CANARY_PASSWORD, CANARY_TEXT, CANARY_TOKEN
from tests.pipelines.runs import Tables, read_tables

EMAIL = "api.user@example.com"
CANARIES = frozenset(
    {
        CANARY_TOKEN,
        CANARY_PASSWORD,
        CANARY_TEXT,
        base64.b64encode(f"{EMAIL}:{CANARY_TOKEN}".encode()).decode(),
        base64.b64encode(CANARY_TOKEN.encode()).decode(),
    }
)
# columns whose texts are a customer's own words, or name a customer
WORDS = {
    "chat_messages": ("content",),
    "emails": ("subject", "content"),
    "sms_messages": ("content",),
    "conversation_notes": ("body",),
    "task_comments": ("comment",),
    "voice_transcript_paragraphs": ("transcript",),
    "customers": ("name", "address"),
    "customer_emails": ("email_address",),
    "customer_phones": ("phone_number",),
    "customer_profiles": ("name", "address"),
    "customer_profile_emails": ("original",),
}
SHORTEST_WORDS = 10
BOOKKEEPING = (LOAD_RUNS.name, LOAD_FILES.name, LOAD_GAPS.name, MEDIA_FILES.name)
READS = ENRICHMENT_READ.table
QUARANTINE = QUARANTINED_LINES.name
RAW = frozenset({"raw", "raw_base64"})
TABLES_OF_DATA = frozenset({".duckdb", ".wal"})


def words_of_customers(tables: Tables) -> frozenset[str]:
    """Return what customers wrote and what they are called, of all rows that a run left."""
    told = (
        value
        for name, columns in WORDS.items()
        for row in tables[name]
        for column in columns
        if isinstance(value := row[column], str)
    )
    return frozenset(value for value in told if len(value) >= SHORTEST_WORDS)


def hits(text: str, words: Iterable[str]) -> list[str]:
    """Return the words that are in a text, as they are or with their line breaks escaped."""
    return [word for word in words if word in text or repr(word)[1:-1] in text]


def bookkeeping(tables: Tables) -> str:
    """Return every value of the tables that tell of loads, and of quarantine all but the lines."""
    rows: list[dict[str, Any]] = [row for name in (*BOOKKEEPING, READS) for row in tables[name]]
    rows += [
        {name: value for name, value in row.items() if name not in RAW}
        for row in tables[QUARANTINE]
    ]
    return "\n".join(map(str, rows))


def files_beside_the_data(data: Path) -> Iterator[str]:
    """Yield what is in files that are neither the raw archive, nor tables of data, nor media."""
    for path in sorted(data.rglob("*")):
        kind = path.relative_to(data).parts[0]
        if path.is_file() and kind not in {"raw", "media"} and path.suffix not in TABLES_OF_DATA:
            yield f"{path}\n{path.read_bytes().decode('utf-8', 'backslashreplace')}"


def tables_of_dlt(target: Target) -> Iterator[str]:
    """Yield every row of the tables that dlt keeps for itself, with the states it packs."""
    with TemporaryDirectory() as folder:
        warehouse = target.warehouse(Path(folder)).declare()
        with warehouse.session() as session:
            tables = session.rows(
                "SELECT table_schema, table_name FROM information_schema.tables "
                "WHERE table_name LIKE '_dlt%'"
            )
            for schema, table in tables:
                for row in session.rows(f'SELECT * FROM "{schema}"."{table}"'):
                    yield f"{row} {[unpacked(value) for value in row if isinstance(value, str)]}"


def unpacked(state: str) -> str:
    """Return a state of dlt as text: it is packed where it is stored."""
    try:
        return zlib.decompress(base64.b64decode(state)).decode("utf-8", "backslashreplace")
    except (ValueError, zlib.error):
        return state


def leaks(target: Target, words: frozenset[str], shown: str) -> list[str]:
    """Return what was found of a canary or of a customer's words where neither may be.

    Args:
        target: where runs worked and loaded.
        words: of customers.
        shown: all that was printed, logged and raised.
    """
    places = {
        "shown": shown,
        "bookkeeping": bookkeeping(read_tables(target)),
        "tables of dlt": "\n".join(tables_of_dlt(target)),
        "files": "\n".join(files_beside_the_data(target.data)),
    }
    wanted = CANARIES | words
    return [f"{place}: {word}" for place, text in places.items() for word in hits(text, wanted)]
