"""Questions to the tables and models of a destination, in SQL as models are written.

A question names datasets as they are called by default, ``gladly`` and ``marts``, and is written
in DuckDB's dialect; here it becomes the destination's own. Nothing is ever changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.schema import Schema

from pipelines.building import names_in
from pipelines.connection import Connection
from pipelines.destinations import Keeping
from pipelines.rows import in_utc
from pipelines.runner import Target
from pipelines.staging import dataset_name_of, declare_tables, new_pipeline
from sources.http.errors import GiveUpError, SettingsError
from transforms.dialects import dialect_named
from transforms.models import MODELS
from transforms.render import query_statement

_SCHEMA_NAME = "helpdesk_questions"


def ask(target: Target, marts_dataset: str, sql: str) -> pa.Table:
    """Return the rows that a query finds; times are UTC, exact decimals become plain numbers.

    Args:
        target: Where the tables are.
        marts_dataset: The dataset of the models.
        sql: The query.

    Raises:
        SettingsError: the destination keeps files, which cannot be asked.
        GiveUpError: a table or model that it names is not there yet.
    """
    if target.capabilities.keeping is Keeping.APPEND:
        raise SettingsError(
            f"{target.destination_name} keeps files, which cannot be asked in SQL here. Choose a "
            "database, under [helpdesk] in .dlt/config.toml."
        )
    with TemporaryDirectory() as folder:
        pipeline = new_pipeline(_SCHEMA_NAME, target.destination, marts_dataset, Path(folder))
        declare_tables(pipeline, Schema(_SCHEMA_NAME))
        raw_dataset = dataset_name_of(pipeline, _SCHEMA_NAME, target.dataset)
        with Connection(lambda: pipeline.sql_client(_SCHEMA_NAME)).opened() as client:
            dialect = dialect_named(client.capabilities.sqlglot_dialect)
            statement = query_statement(sql, dialect, names_in(client, raw_dataset, MODELS))
            try:
                with client.execute_query(statement) as cursor:
                    names = [column[0] for column in cursor.description or ()]
                    return _table(names, cursor.fetchall())
            except DestinationUndefinedEntity as error:
                raise GiveUpError(
                    f"Something that is asked for is not in datasets {raw_dataset} and "
                    f"{marts_dataset} yet. Load and build first: `helpdesk run gladly`, "
                    "`helpdesk transform`."
                ) from error


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    arrays = [pa.array(list(map(_plain, column))) for column in columns]
    return pa.table(arrays, names=[name.lower() for name in names])


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of a row
    if isinstance(value, datetime):
        return in_utc(value)
    if isinstance(value, Decimal):
        # servers sum whole numbers as decimals
        return int(value) if value == value.to_integral_value() else float(value)
    return value
