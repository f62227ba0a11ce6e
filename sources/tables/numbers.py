"""Decimal texts to doubles, and whether the double still says all that the text said."""

from __future__ import annotations

import math
import re
from decimal import Context, Decimal
from typing import NamedTuple

# What the fast path takes as it stands: 15 digits at most, which every double holds.
_CANONICAL = re.compile(r"-?[0-9]{1,15}|-?[0-9]{1,8}\.[0-9]{1,7}", re.ASCII)
_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_LONGEST = 1_000
# the usual 28 digits would round, and so take for exact what is not
_EXACT = Context(prec=2 * _LONGEST)


class ParsedNumber(NamedTuple):
    """The nearest double, and whether its shortest text is the same number as the text was."""

    value: float
    exact: bool


def is_canonical(text: str) -> bool:
    """Return whether ``text`` has the form the fast path takes."""
    return _CANONICAL.fullmatch(text) is not None


def parse_number(text: str, factor: int = 1) -> ParsedNumber | None:
    """Return ``factor`` times the number of a text, or None if it is none.

    Thousands separators, currency signs and words such as NaN make no number. Where the number is
    not exact, callers keep the text as well.
    """
    if factor == 1 and is_canonical(text):
        return ParsedNumber(float(text), exact=True)
    if len(text) > _LONGEST or _NUMBER.fullmatch(text) is None:
        return None
    number = _EXACT.multiply(Decimal(text), factor)
    value = float(number)
    if not math.isfinite(value):
        return None
    return ParsedNumber(value, exact=Decimal(repr(value)) == number)
