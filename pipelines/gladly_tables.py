"""Every table of Gladly at a destination, in the order in which they are told of."""

from __future__ import annotations

from sources.gladly.declarations import RECORDS
from sources.gladly.enrichment_types import ENRICHMENT_RECORDS
from sources.gladly.event_types import EVENTS
from sources.gladly.history import HISTORY_TABLES
from sources.gladly.identity import IDENTITY
from sources.gladly.media import MEDIA_FILES
from sources.gladly.reference_types import REFERENCE_RECORDS
from sources.gladly.report_tables import REPORT_TABLES
from sources.gladly.work_sessions import WORK_SESSION_EVENTS
from sources.tables.declarations import TableSchema, records_of, table_schemas
from sources.tables.ledger import LEDGER

GLADLY_TABLES: tuple[TableSchema, ...] = (
    *(
        table
        for record in (*RECORDS, *REFERENCE_RECORDS, *ENRICHMENT_RECORDS, *records_of(EVENTS))
        for table in table_schemas(record)
    ),
    *HISTORY_TABLES,
    *IDENTITY,
    *REPORT_TABLES,
    WORK_SESSION_EVENTS,
    MEDIA_FILES,
    *LEDGER,
)
