"""What notebooks read: the demo's database, or the warehouse that ``helpdesk`` is set up for.

One setting, the environment variable ``HELPDESK_NOTEBOOKS``:

- not set, or ``demo``: the database that ``make demo`` made;
- ``warehouse``: the destination and datasets under ``[helpdesk]`` in ``.dlt/config.toml``;
- anything else: the path of a DuckDB file that has the datasets ``gladly`` and ``marts``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

from pipelines.asking import ask
from pipelines.demo import DATABASE, MARTS
from pipelines.runner import Target
from pipelines.settings import HelpdeskSettings, read_helpdesk_settings, set_dlt_defaults
from sources.http.errors import SettingsError

SETTING = "HELPDESK_NOTEBOOKS"
ROOT = Path(__file__).resolve().parents[1]
_DEMO, _CONFIGURED = "demo", "warehouse"


@dataclass(frozen=True)
class Warehouse:
    """Tables and models to ask, for reading only.

    Attributes:
        name: What to call it.
        timezone: Whose days the models count.
    """

    name: str
    timezone: str
    _target: Target
    _marts: str

    @classmethod
    def open(cls) -> Self:
        """Open what the setting names.

        Raises:
            SettingsError: there is no such database.
        """
        chosen = os.environ.get(SETTING, _DEMO)
        # settings are found from the project's folder, wherever the notebook runs
        os.environ.setdefault("DLT_PROJECT_DIR", str(ROOT))
        set_dlt_defaults()
        if chosen == _CONFIGURED:
            settings = read_helpdesk_settings()
            target = _read_only(
                Target.open(
                    settings.destination,
                    settings.dataset,
                    ROOT / settings.data_dir,
                    settings.max_memory_mb,
                )
            )
            name = f"{settings.destination}, datasets {settings.dataset}, {settings.marts_dataset}"
            return cls(name, settings.timezone, target, settings.marts_dataset)
        file = ROOT / "data" / "demo" / DATABASE if chosen == _DEMO else Path(chosen)
        if not file.is_file():
            made = "Make it with `make demo`" if chosen == _DEMO else f"{SETTING} names it"
            raise SettingsError(f"There is no database {file.name} there yet. {made}.")
        target = Target.open("duckdb", "gladly", file.parent, credentials=str(file))
        name = "the demo" if chosen == _DEMO else file.name
        return cls(name, HelpdeskSettings().timezone, _read_only(target), MARTS)

    def rows(self, sql: str) -> pa.Table:
        """Return what a query finds, in DuckDB's dialect wherever the warehouse is.

        Tables are named with their datasets as these are called by default: ``gladly.emails``,
        ``marts.conversation_timeline``.
        """
        return ask(self._target, self._marts, sql)


def _read_only(target: Target) -> Target:
    """Let others read an embedded database meanwhile, and nobody change it from here."""
    credentials = target.destination.config_params.get("credentials")
    if isinstance(credentials, DuckDbCredentials):
        credentials.read_only = True
    return target
