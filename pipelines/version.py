"""The version of this tool."""

from __future__ import annotations

from importlib.metadata import version

VERSION = version("helpdesk-elt")
