"""What destinations differ in: the one place that knows any of them by name.

Everything else asks this table. A destination that is not in it gets ``DEFAULT``, which any SQL
destination of dlt can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.destination import Destination
from dlt.common.destination.exceptions import DestinationException

from sources.http.errors import SettingsError


class HandOver(Enum):
    """How rows are handed to dlt."""

    FILE = "our Parquet files are imported as they are"
    ARROW = "our Parquet files are read and dlt writes its own, in a format the destination takes"


class Keeping(Enum):
    """How a destination keeps one version a key."""

    MERGE = "versions replace each other, all tables of a package in one transaction"
    APPEND = "every version is kept; the current one is chosen when reading"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What our path may do at a destination."""

    hand_over: HandOver = HandOver.ARROW
    loader_file_format: str | None = None
    keeping: Keeping = Keeping.MERGE
    # where JSON columns cannot hold every JSON text, or cannot be loaded from Parquet
    json_as_text: bool = False
    # the file in data_dir that an embedded destination gets where no credentials are set
    database_file: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    # run once on the connection that stays open during a load
    session_statements: tuple[str, ...] = ()


DEFAULT = Capabilities(json_as_text=True)
_CAPABILITIES = {
    # without supports_transactions dlt's own statements are not atomic here
    "duckdb": Capabilities(
        HandOver.FILE,
        "parquet",
        database_file="helpdesk.duckdb",
        options={"supports_transactions": True},
        session_statements=(
            "SET GLOBAL preserve_insertion_order = false",
            "SET GLOBAL memory_limit = '512MB'",
        ),
    ),
    "motherduck": Capabilities(HandOver.FILE, "parquet"),
    # jsonb refuses the escape \u0000, which a customer's message may hold; dlt's CSV copy turns
    # empty text, such as a redacted message, into null
    "postgres": Capabilities(HandOver.ARROW, "insert_values", json_as_text=True),
    "filesystem": Capabilities(HandOver.FILE, "parquet", Keeping.APPEND, json_as_text=True),
    # no JSON columns from Parquet
    "bigquery": Capabilities(HandOver.FILE, "parquet", json_as_text=True),
    "snowflake": Capabilities(HandOver.FILE, "parquet", json_as_text=True),
}


def open_destination(
    name: str,
    data: Path,
    **settings: Any,  # noqa: ANN401 - dlt's own settings
) -> tuple[Destination[Any, Any], Capabilities]:
    """Return a dlt destination by its name or by the name of its section in the configuration.

    Args:
        name: Such as ``duckdb``, or ``warehouse`` where ``[destination.warehouse]`` is set.
        data: Folder for the file of an embedded destination.
        settings: dlt's own; they win over its configuration.

    Raises:
        SettingsError: dlt knows no such destination, or its packages are not installed.
    """
    try:
        capabilities = _CAPABILITIES.get(_destination_type(name), DEFAULT)
        if capabilities.database_file and not _has_credentials(name, settings):
            settings["credentials"] = str(data / capabilities.database_file)
        return dlt.destination(name, **capabilities.options, **settings), capabilities
    except (DestinationException, ConfigurationException, ImportError, ValueError) as error:
        raise SettingsError(
            f"The destination {name!r} cannot be used: {_first_line(error)} "
            "Use a name dlt knows, such as duckdb, postgres, filesystem, bigquery or snowflake."
        ) from error


def _has_credentials(name: str, settings: Mapping[str, object]) -> bool:
    return "credentials" in settings or bool(dlt.secrets.get(f"destination.{name}.credentials"))


def _destination_type(name: str) -> str:
    """Resolve a named destination, such as ``warehouse``, to its type, such as ``postgres``."""
    kind: str = dlt.destination(name).destination_name
    reference: str = dlt.destination(name).destination_type
    return reference.rsplit(".", 1)[-1] or kind


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
