"""Settings of the tool itself, and how settings are read: dlt's files and environment."""

from __future__ import annotations

import os
import re
from typing import Final, TypeVar

from dlt.common.configuration import configspec, resolve_configuration
from dlt.common.configuration.exceptions import ConfigFieldMissingException
from dlt.common.configuration.specs import BaseConfiguration

from pipelines.memory import DEFAULT_MEGABYTES
from sources.gladly.settings import SOURCE_NAME, GladlySettings
from sources.http.errors import SettingsError

_DATASET: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", re.ASCII)
# PostgreSQL cuts names at 63 bytes, and ours carry a suffix
_DATASET_CHARACTERS: Final = 40

_Settings = TypeVar("_Settings", bound=BaseConfiguration)

# What dlt does unless the user says otherwise, in a file or in the environment.
_DLT_DEFAULTS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
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
    marts_dataset: str = "marts"
    """The dataset of the models that are made from the tables."""
    timezone: str = "UTC"
    """Time zone whose days the models count; with report_timezone the same, figures compare."""
    data_dir: str = "data"
    """Folder of the raw archive and of the work under way."""
    max_memory_mb: int = DEFAULT_MEGABYTES
    """What a run may take, all of its processes together, in megabytes; more is faster."""


def set_dlt_defaults() -> None:
    """Set dlt's defaults for this process; what the environment or a file of the user says stays.

    They are in the environment before dlt is asked anything, because its first answer starts its
    logging and its telemetry; since the environment stands above dlt's files, a default that a
    file speaks of is then taken away again.
    """
    defaults = {name: value for name, value in _DLT_DEFAULTS.items() if name not in os.environ}
    os.environ.update(defaults)

    # a second of start-up that --help does not need
    import dlt  # noqa: PLC0415
    from dlt.common.configuration.container import Container  # noqa: PLC0415
    from dlt.common.configuration.providers import EnvironProvider  # noqa: PLC0415
    from dlt.common.configuration.specs.pluggable_run_context import (  # noqa: PLC0415
        PluggableRunContext,
    )

    providers = dlt.config.config_providers
    files = [provider for provider in providers if not isinstance(provider, EnvironProvider)]
    for name in defaults:
        section, _, key = name.lower().partition("__")
        if any(file.get_value(key, str, "", section)[0] is not None for file in files):
            del os.environ[name]
    Container()[PluggableRunContext].initialize_runtime()


def read_helpdesk_settings() -> HelpdeskSettings:
    """Read ``[helpdesk]``."""
    return _read(HelpdeskSettings(), ("helpdesk",))


def read_gladly_settings() -> GladlySettings:
    """Read ``[sources.gladly]``.

    Raises:
        SettingsError: a setting that is needed is missing, or has a value of another type.
    """
    return _read(GladlySettings(), ("sources", SOURCE_NAME))


def checked_dataset(setting: str, name: str) -> str:
    """Return the name of a dataset, as the setting of that name has it.

    Raises:
        SettingsError: it is none that every destination takes as it stands. dlt makes names fit by
            leaving characters out, so that two settings could mean one dataset, or none.
    """
    if len(name) > _DATASET_CHARACTERS or _DATASET.fullmatch(name) is None:
        raise SettingsError(
            f"{setting} is {name[:100]!r}, which cannot name a dataset. Take small letters, digits "
            f"and single underscores, a letter first, at most {_DATASET_CHARACTERS} in all; set it "
            f"under [helpdesk] in .dlt/config.toml or in HELPDESK__{setting.upper()}."
        )
    return name


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
