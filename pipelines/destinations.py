"""What destinations differ in: the one place that knows any of them by name.

Everything else asks this table. A destination that is not in it gets ``DEFAULT``, which any SQL
destination of dlt can do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.destination import Destination, DestinationCapabilitiesContext
from dlt.common.destination.client import DestinationClientConfiguration
from dlt.common.destination.exceptions import DestinationException
from dlt.common.normalizers.naming import NamingConvention
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

from pipelines.compression import CompressingTypeMapper, can_compress
from pipelines.memory import Memory
from sources.http.errors import SettingsError


class HandOver(Enum):
    """How rows reach the destination."""

    QUERY = "the destination reads our Parquet files in its own queries"
    FILE = "dlt imports our Parquet files as they are"
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
    # settings of an embedded destination's connections; the user's own come after and win
    pragmas: tuple[str, ...] = ()
    # asks, in an open transaction, for a lock that ends with it; answers whether it is held
    try_to_lock: str = ""


DEFAULT = Capabilities(json_as_text=True)
_CAPABILITIES = {
    # without supports_transactions dlt's own statements are not atomic here
    "duckdb": Capabilities(
        HandOver.QUERY,
        "parquet",
        database_file="helpdesk.duckdb",
        options={"supports_transactions": True},
        pragmas=(
            "preserve_insertion_order = false",
            # dlt raises it to 1 GB: a large load is then written twice
            "checkpoint_threshold = '16MB'",
        ),
    ),
    "motherduck": Capabilities(HandOver.FILE, "parquet"),
    # jsonb refuses the escape \u0000, which a customer's message may hold; dlt's CSV copy turns
    # empty text, such as a redacted message, into null
    "postgres": Capabilities(
        HandOver.ARROW,
        "insert_values",
        json_as_text=True,
        try_to_lock="SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
    ),
    "filesystem": Capabilities(HandOver.FILE, "parquet", Keeping.APPEND, json_as_text=True),
    # no JSON columns from Parquet
    "bigquery": Capabilities(HandOver.FILE, "parquet", json_as_text=True),
    "snowflake": Capabilities(HandOver.FILE, "parquet", json_as_text=True),
}


def open_destination(
    name: str,
    data: Path,
    memory: Memory,
    **settings: Any,  # noqa: ANN401 - dlt's own settings
) -> tuple[Destination[Any, Any], Capabilities]:
    """Return a dlt destination by its name or by the name of its section in the configuration.

    Args:
        name: Such as ``duckdb``, or ``warehouse`` where ``[destination.warehouse]`` is set.
        data: Folder for the file of an embedded destination.
        memory: What the run may take, of which an embedded destination gets its share.
        settings: dlt's own; they win over its configuration.

    Raises:
        SettingsError: dlt knows no such destination, or its packages are not installed.
    """
    try:
        capabilities = _CAPABILITIES.get(_destination_type(name), DEFAULT)
        if capabilities.database_file:
            file = str(data / capabilities.database_file)
            credentials = _embedded_credentials(
                name,
                settings.get("credentials"),
                file,
                (*capabilities.pragmas, *_memory_pragmas(memory)),
            )
            settings["credentials"] = credentials
            if can_compress(Path(str(credentials.database))):
                settings["type_mapper"] = CompressingTypeMapper
        destination = dlt.destination(name, **capabilities.options, **settings)
    except (DestinationException, ConfigurationException, ImportError, ValueError) as error:
        raise SettingsError(
            f"The destination {name!r} cannot be used: {_first_sentence(error)} "
            "Use a name dlt knows, such as duckdb, postgres, filesystem, bigquery or snowflake."
        ) from error
    _ask_capabilities_once(destination)
    if capabilities.keeping is Keeping.APPEND:
        from pipelines.whole_files import let_files_appear_whole  # noqa: PLC0415 - start-up

        let_files_appear_whole(destination)
    return destination, capabilities


def _memory_pragmas(memory: Memory) -> tuple[str, ...]:
    return (
        f"memory_limit = '{memory.database_megabytes}MB'",
        f"operator_memory_limit = '{memory.operator_megabytes}MB'",
        f"threads = {memory.database_threads}",
    )


def _ask_capabilities_once(destination: Destination[Any, Any]) -> None:
    """Let a destination work out its capabilities once.

    dlt asks for them some twenty times a load, and reads all of its configuration each time: a
    third of the time that a small load takes.
    """
    ask = destination.capabilities
    known: dict[str, DestinationCapabilitiesContext] = {}

    def capabilities(
        config: DestinationClientConfiguration | None = None,
        naming: NamingConvention | None = None,
    ) -> DestinationCapabilitiesContext:
        if config is not None:
            return ask(config, naming)
        name = naming.name() if naming else ""
        if name not in known:
            known[name] = ask(None, naming)
        return known[name].copy()

    destination.capabilities = capabilities  # type: ignore[method-assign] # of this one only


def _embedded_credentials(
    name: str, given: DuckDbCredentials | str | None, file: str, pragmas: Sequence[str]
) -> DuckDbCredentials:
    """Return the credentials of an embedded database: those given, configured, or a file's.

    They are one object for all of dlt's pipelines, which then share one open database.
    """
    found: DuckDbCredentials | None = dlt.secrets.get(
        f"destination.{name}.credentials", DuckDbCredentials
    )
    configured = given or found or file
    credentials = DuckDbCredentials(configured) if isinstance(configured, str) else configured
    credentials.pragmas = [*pragmas, *(credentials.pragmas or ())]
    return credentials


def _destination_type(name: str) -> str:
    """Resolve a named destination, such as ``warehouse``, to its type, such as ``postgres``."""
    kind: str = dlt.destination(name).destination_name
    reference: str = dlt.destination(name).destination_type
    return reference.rsplit(".", 1)[-1] or kind


def _first_sentence(error: Exception) -> str:
    first = str(error).strip().partition("\n")[0].partition(". ")[0]
    return f"{first.rstrip('.')}." if first else f"{type(error).__name__}."
