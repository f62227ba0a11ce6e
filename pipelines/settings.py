"""Settings of the tool itself, and how settings are read: dlt's files and environment."""

from __future__ import annotations

import os
from typing import TypeVar

from dlt.common.configuration import configspec, resolve_configuration
from dlt.common.configuration.exceptions import ConfigFieldMissingException
from dlt.common.configuration.specs import BaseConfiguration

from sources.gladly.settings import SOURCE_NAME, GladlySettings
from sources.http.errors import SettingsError

_Settings = TypeVar("_Settings", bound=BaseConfiguration)

# What dlt does unless the user says otherwise, in a file or in the environment.
_DLT_DEFAULTS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "LOAD__WORKERS": "4",
    "LOAD__RAISE_ON_MAX_RETRIES": "3",
}


@configspec
class HelpdeskSettings(BaseConfiguration):
    """What a user sets under ``[helpdesk]`` or as ``HELPDESK__...``."""

    destination: str = "duckdb"
    """Where to load: the name of a dlt destination, or of a section that configures one."""
    dataset: str = "gladly"
    """The dataset (database schema or folder) of the tables."""
    data_dir: str = "data"
    """Folder of the raw archive and of the work under way."""


def set_dlt_defaults() -> None:
    """Set dlt's defaults for this process; what the environment says already stays.

    The environment stands above dlt's files, so each value is set only where no file has it.
    """
    import dlt  # noqa: PLC0415 - a second of start-up that --help does not need

    for name, value in _DLT_DEFAULTS.items():
        key = name.lower().replace("__", ".")
        if name not in os.environ and dlt.config.get(key) is None:
            os.environ[name] = value


def read_helpdesk_settings() -> HelpdeskSettings:
    """Read ``[helpdesk]``."""
    return _read(HelpdeskSettings(), ("helpdesk",))


def read_gladly_settings() -> GladlySettings:
    """Read ``[sources.gladly]``.

    Raises:
        SettingsError: a setting that is needed is missing, or has a value of another type.
    """
    return _read(GladlySettings(), ("sources", SOURCE_NAME))


def _read(settings: _Settings, sections: tuple[str, ...]) -> _Settings:
    try:
        return resolve_configuration(settings, sections=sections)
    except ConfigFieldMissingException as error:
        missing = ", ".join("__".join((*sections, name)).upper() for name in error.traces)
        raise SettingsError(
            f"Settings are missing: {missing}. Set them in the environment, or under "
            f"[{'.'.join(sections)}] in .dlt/secrets.toml (see .dlt/example.secrets.toml)."
        ) from error
    except ValueError as error:
        raise SettingsError(
            f"A setting under [{'.'.join(sections)}] has a value of the wrong type: "
            f"{type(error).__name__}. Compare with .dlt/config.toml."
        ) from error
