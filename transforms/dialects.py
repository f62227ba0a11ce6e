"""The destinations' SQL, where a plain translation of ours would change its meaning.

Models are written in DuckDB's dialect and translated by sqlglot, which leaves these as they are,
or makes something else of them (30.21: ``//`` rounds on Snowflake, differences of timestamps go
through the session's time zone on PostgreSQL):

written                  means
``EPOCH_US(at)``         microseconds since 1970, in UTC whatever the session's time zone
``TO_TIMESTAMP(n)``      the instant ``n`` seconds after 1970, with a time zone
``MAKE_TIMESTAMPTZ(n)``  the instant ``n`` microseconds after 1970, with a time zone
``a // b``               division of whole numbers from 0, rounded down to a whole number
``text COLLATE C``       ordered by its bytes, whatever the database's language
``STRLEN(text)``         its length in bytes of UTF-8
``STRFTIME(at AT TIME    the instant as text in UTC, such as 2026-03-02 10:00:00; no other zone
ZONE 'UTC', format)``    and no other format is translated
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlglot import exp, parse_one

from sources.http.errors import SettingsError

MODEL_DIALECT = "duckdb"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One destination's SQL; the texts are in its own dialect, with ``a`` and ``b`` as operands.

    Statements, where they are needed: ``snapshot`` begins a transaction all of whose queries see
    the same state of the database; ``analyze``, before the name of a table that was just filled,
    lets the planner know its size. ``temporary`` is the dataset of tables that end with the
    connection, where a transaction can make and drop some. ``place_of_row``, where there is one
    by which rows are read faster than by a list of their ids, is a hidden column.
    """

    name: str
    epoch_us: str
    to_timestamp: str
    microseconds_to_timestamp: str
    whole_division: str
    byte_length: str
    utc_text: str
    orders_text_by_language: bool = False
    snapshot: str = ""
    analyze: str = ""
    temporary: str = ""
    place_of_row: str = ""

    @property
    def functions(self) -> dict[str, str]:
        """What is written for functions that sqlglot takes for nobody's, by their names."""
        return {
            "EPOCH_US": self.epoch_us,
            "MAKE_TIMESTAMPTZ": self.microseconds_to_timestamp,
            "STRLEN": self.byte_length,
        }


_DIALECTS = (
    Dialect(
        "duckdb",
        "EPOCH_US(a)",
        "TO_TIMESTAMP(a)",
        "MAKE_TIMESTAMPTZ(a)",
        "a // b",
        "STRLEN(a)",
        "STRFTIME(a AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S')",
        temporary="temp",
        place_of_row="rowid",
    ),
    Dialect(
        "postgres",
        "CAST(EXTRACT(EPOCH FROM a) * 1000000 AS BIGINT)",
        "TO_TIMESTAMP(a)",
        "(TIMESTAMPTZ '1970-01-01 00:00:00+00' + (a) * INTERVAL '1 microsecond')",
        "(a / b)",
        "OCTET_LENGTH(a)",
        "TO_CHAR(a AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')",
        orders_text_by_language=True,
        snapshot="SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        analyze="ANALYZE",
        temporary="pg_temp",
    ),
    Dialect(
        "bigquery",
        "UNIX_MICROS(a)",
        "TIMESTAMP_SECONDS(a)",
        "TIMESTAMP_MICROS(a)",
        "DIV(a, b)",
        "BYTE_LENGTH(a)",
        "FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%S', a, 'UTC')",
    ),
    Dialect(
        "snowflake",
        "DATE_PART(EPOCH_MICROSECOND, a)",
        "TO_TIMESTAMP_TZ(a)",
        "DATEADD(MICROSECOND, a, CAST('1970-01-01 00:00:00 +00:00' AS TIMESTAMP_TZ))",
        "CAST(FLOOR(a / b) AS BIGINT)",
        "OCTET_LENGTH(a)",
        "TO_CHAR(CONVERT_TIMEZONE('UTC', a), 'YYYY-MM-DD HH24:MI:SS')",
    ),
)
DIALECTS = {dialect.name: dialect for dialect in _DIALECTS}


def dialect_named(name: str | None) -> Dialect:
    """Return a dialect by sqlglot's name for it.

    Raises:
        SettingsError: nobody has looked yet at what that dialect makes of our SQL.
    """
    found = DIALECTS.get(name or "")
    if found is None:
        raise SettingsError(
            f"Models cannot be built at a destination that speaks {name or 'no SQL'}. Use one "
            f"that speaks {', '.join(DIALECTS)}; loading works everywhere."
        )
    return found


def keep_meaning(query: exp.Expr, dialect: Dialect) -> None:
    """Replace, in place, what sqlglot would not translate faithfully."""
    # from the inside out: what is replaced takes its operands along
    for node in reversed(list(query.walk())):
        match node:
            case exp.Anonymous() if node.name.upper() in dialect.functions:
                text = dialect.functions[node.name.upper()]
                node.replace(_written(text, dialect, *node.expressions))
            case exp.UnixToTime():
                node.replace(_written(dialect.to_timestamp, dialect, node.this))
            case exp.IntDiv():
                node.replace(_written(dialect.whole_division, dialect, node.this, node.expression))
            case exp.TimeToStr(this=exp.AtTimeZone() as moment):
                _check_utc_text(node)
                node.replace(_written(dialect.utc_text, dialect, moment.this))
            case exp.Collate() if dialect.orders_text_by_language:
                node.set("expression", exp.to_identifier("C", quoted=True))
            case exp.Collate():
                node.replace(node.this)


def _check_utc_text(node: exp.Expr) -> None:
    """Refuse what the dialects' texts do not say."""
    zone, pattern = node.this.args["zone"], node.args["format"]
    if (zone.name, pattern.name) != ("UTC", "%Y-%m-%d %H:%M:%S"):
        raise ValueError(f"only UTC and %Y-%m-%d %H:%M:%S are translated, not {node}")


def _written(text: str, dialect: Dialect, *operands: exp.Expr) -> exp.Expr:
    """Parse a text of a dialect and put the operands in."""
    by_name = dict(zip("ab", operands, strict=False))
    return _parsed(text, dialect.name).transform(
        lambda node: by_name[node.name].copy() if isinstance(node, exp.Column) else node
    )


@cache
def _parsed(text: str, dialect: str) -> exp.Expr:
    """Parse a text of the table above once; nobody may change what is returned."""
    return parse_one(text, read=dialect)
