"""Figures that tests work out by themselves, alike wherever they are compared with a model's."""

from collections.abc import Sequence
from decimal import Decimal

_MILLION = 1_000_000


def share(part: int, whole: int) -> float | None:
    """Return a part of a whole; None of nothing."""
    return part / whole if whole else None


def average(seconds: Sequence[Decimal]) -> float | None:
    """Return the average of durations of whole microseconds, rounded once; None of none."""
    microseconds = sum(int(one * _MILLION) for one in seconds)
    return microseconds / (len(seconds) * _MILLION) if seconds else None
