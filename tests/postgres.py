"""Databases of a PostgreSQL server that tests made."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2  # type: ignore[import-untyped] # ships no types


@contextmanager
def connected(credentials: str) -> Iterator[Any]:
    """Give a cursor whose statements count at once: databases are made in no transaction."""
    with closing(psycopg2.connect(credentials)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def credentials_of(database: str, server: str) -> str:
    """Return the credentials of another database of a server."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))
