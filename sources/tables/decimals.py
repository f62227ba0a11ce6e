"""JSON numbers to exact decimals, 29 digits before the point and 9 after it, or not at all."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

import msgspec

PRECISION, SCALE = 38, 9

# What the fast path takes as it stands.
CANONICAL_PATTERN = r"^-?[0-9]{1,29}(\.[0-9]{1,9})?$"
_CANONICAL = re.compile(CANONICAL_PATTERN, re.ASCII)
_LONGEST = 1_000


def is_canonical(text: str) -> bool:
    """Return whether ``text`` has the form the fast path takes."""
    return _CANONICAL.fullmatch(text) is not None


def raw_text(value: msgspec.Raw) -> str:
    """Return raw JSON as text; bytes that stand in no number become a mark no number has."""
    return bytes(value).decode("ascii", "replace")


def parse_decimal(text: str) -> str | None:
    """Return a JSON number in the canonical form, or None where that form cannot hold it all."""
    if len(text) > _LONGEST:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value:
        return "0"
    # an exponent such as 1e999999 would be written out in full
    if not value.is_finite() or abs(value.adjusted()) > PRECISION:
        return None
    digits = f"{value:f}"
    if "." in digits:
        digits = digits.rstrip("0").removesuffix(".")
    return digits if is_canonical(digits) else None
