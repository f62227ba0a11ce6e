"""Within a package the later-extracted version of a key stays, and nothing of any other."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.tables.build import Lineage
from sources.tables.parquet import TableFile, TableFiles
from sources.tables.parse import parse_file
from sources.tables.versions import superseded_origins, without_origins
from tests.tables.parsing import joined, parser_of

START = datetime(2024, 3, 1, tzinfo=UTC)
FILE = "conversation_items.jsonl"
TYPED = {"SMS": "sms_messages", "EMAIL": "emails", "WHATSAPP": "whatsapp_messages"}


class Version(NamedTuple):
    """One line: which item, of which type, with how many attachments."""

    key: str
    type: str
    attachments: int


class Place(NamedTuple):
    """Where a row comes from; larger is later extracted, then the later job, then line."""

    extracted_at: datetime
    job_id: str
    line: int


_VERSIONS = st.builds(
    Version, st.sampled_from("abc"), st.sampled_from([*TYPED, "NEW_TYPE"]), st.integers(0, 3)
)
# a job that is made again keeps its id, and often its lines
_JOBS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["job-1", "job-2"]), st.lists(_VERSIONS)),
    max_size=4,
    unique_by=lambda job: job[:2],
)


def as_line(version: Version) -> bytes:
    attachments = b",".join(b'{"id":"%d"}' % number for number in range(version.attachments))
    return b'{"id":"%s","content":{"type":"%s","attachments":[%s]}}' % (
        version.key.encode(),
        version.type.encode(),
        attachments,
    )


def expected_rows(versions: dict[Place, Version]) -> Counter[tuple[str, str, Place]]:
    """Return how many rows of each table, key and place must remain."""
    latest = {version.key: place for place, version in sorted(versions.items())}
    rows: Counter[tuple[str, str, Place]] = Counter()
    for key, place in latest.items():
        version = versions[place]
        rows["conversation_items", key, place] = 1
        rows[TYPED.get(version.type, "unknown_items"), key, place] = 1
        rows["item_attachments", key, place] = (
            version.attachments if version.type in TYPED and version.type != "NEW_TYPE" else 0
        )
    return +rows


def found_rows(files: list[TableFile]) -> Counter[tuple[str, str, Place]]:
    rows: Counter[tuple[str, str, Place]] = Counter()
    for file in files:
        table = pq.read_table(file.path).to_pylist()
        assert len(table) == file.rows
        for row in table:
            place = Place(row["_extracted_at"].astimezone(UTC), row["_job_id"], row["_line"])
            rows[
                file.table.name, row[file.table.root_key[0] if file.table.root_key else "id"], place
            ] += 1
    return rows


@settings(max_examples=150, derandomize=True, deadline=None)
@given(jobs=_JOBS, row_group_bytes=st.sampled_from([1, 1 << 20]))
def test_exactly_the_rows_of_the_winning_versions_remain(
    jobs: list[tuple[int, str, list[Version]]], row_group_bytes: int
) -> None:
    parser = parser_of("conversation_items")
    sent: dict[Place, Version] = {}
    with (
        TemporaryDirectory() as folder,
        TableFiles(Path(folder), row_group_bytes=row_group_bytes) as files,
    ):
        for hours, job_id, versions in jobs:
            extracted_at = START + timedelta(hours=hours)
            lineage = Lineage(extracted_at, job_id, FILE)
            parse_file(BytesIO(joined(map(as_line, versions))), parser, lineage, files)
            sent |= {
                Place(extracted_at, job_id, line): version
                for line, version in enumerate(versions, 1)
            }
        tables = {file.table.name: file for file in files.finish()}
        losers = superseded_origins(tables["conversation_items"]) if tables else set()
        kept = [without_origins(file, losers)[0] for file in tables.values()]
        assert len(losers) == len(sent) - len({version.key for version in sent.values()})
        assert found_rows(kept) == expected_rows(sent)
