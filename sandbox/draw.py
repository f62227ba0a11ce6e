"""Seeded chance: the only source of randomness in the world."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from sandbox.text import TextCorpus, text_corpus

Choice = TypeVar("Choice")
_NUMBERS_PER_SEED = 1 << 40


class Draw:
    """Draws numbers, choices and texts; the same seed and number draw the same ones for ever."""

    def __init__(self, seed: int, number: int) -> None:
        generator = Random(seed * _NUMBERS_PER_SEED + number)  # noqa: S311 - must repeat, not be secret
        self._random = generator.random
        self._corpus: TextCorpus = text_corpus(seed)

    def chance(self, probability: float) -> bool:
        """Return True in `probability` (0 to 1) of all draws."""
        return self._random() < probability

    def between(self, lowest: int, highest: int) -> int:
        """Return a whole number from `lowest` to `highest`, both possible."""
        return lowest + int(self._random() * (highest - lowest + 1))

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """Return one of `choices`, all equally likely."""
        return choices[int(self._random() * len(choices))]

    def short_text(self) -> str:
        """Return one or two sentences: a chat message, a subject."""
        return self._corpus.sentences(self._random(), self.between(1, 2))

    def medium_text(self) -> str:
        """Return two to eight sentences: a note, a summary."""
        return self._corpus.sentences(self._random(), self.between(2, 8))

    def long_text(self) -> str:
        """Return the body of an e-mail, 1,000 to 4,000 characters."""
        return self._corpus.passage(self._random(), self.between(1000, 4000))
