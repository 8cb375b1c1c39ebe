"""Search of one store's shelf: an index in this process, built once per revision.

Accents, case and typing errors are forgiven: a word may differ by one letter from four letters on, by two from
eight on, and a beginning is enough. Every word typed must be found; the better it fits, the higher the product.
The same on every database, since no database takes part.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from platform_core.catalog.shelf import Product, shelf
from platform_core.tenancy.finder import fold
from platform_core.tenancy.store import Store

MOST_WORDS = 8
MOST_LETTERS = 120
_WORD = re.compile(r"[^\W_]+")

# What a hit is worth, by how it was found and where. Names come before publisher and subject.
_EXACT, _BEGINNING, _INSIDE, _NEAR, _NEAR_BEGINNING = 100, 70, 40, 30, 15
_NAME, _MONOGRAM, _OTHER = 3, 2, 1


def words_of(text: str) -> list[str]:
    """Words without accents and case: "Édition 4e" is edition, 4e."""
    return _WORD.findall(fold(text))


def allowed_errors(word: str) -> int:
    """How many letters of a typed word may be wrong."""
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2


def distance(one: str, other: str, most: int) -> int:
    """Letters to change, add, drop or swap with the next (optimal string alignment), at most `most` + 1."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, row_before = row, before
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, row_before[j - 2] + 1)
            row.append(cost)
        before = last
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def _fit(typed: str, word: str) -> int:
    """How well a word of the index answers a typed one; 0: not at all."""
    if typed == word:
        return _EXACT
    if word.startswith(typed):
        return _BEGINNING
    if len(typed) >= 2 and not typed.isascii() and typed in word:  # scripts without spaces between words
        return _INSIDE
    errors = allowed_errors(typed)
    if not errors:
        return 0
    found = distance(typed, word, errors)
    if found <= errors:
        return _NEAR - found
    n = len(typed)
    if len(word) > n >= 5 and any(distance(typed, word[:k], 1) <= 1 for k in (n, n + 1, n - 1)):
        return _NEAR_BEGINNING
    return 0


@dataclass(frozen=True, slots=True)
class Hit:
    """A product with how well it answers."""

    product: Product
    score: int


class Index:
    """Words of all products with where they stand."""

    def __init__(self, products: Iterable[Product]) -> None:
        self._products = tuple(products)
        self._words: dict[str, dict[int, int]] = {}
        for number, product in enumerate(self._products):
            for name in product.name.values():
                self._add(number, _with_joined(words_of(name)), _NAME)
            self._add(number, words_of(product.monogram), _MONOGRAM)
            for texts in (product.publisher.name, product.category.name):
                for text in texts.values():
                    self._add(number, _with_joined(words_of(text)), _OTHER)

    def _add(self, number: int, words: Iterable[str], weight: int) -> None:
        for word in words:
            places = self._words.setdefault(word, {})
            places[number] = max(places.get(number, 0), weight)

    def _scores(self, typed: str) -> dict[int, int]:
        scores: dict[int, int] = {}
        for word, places in self._words.items():
            fit = _fit(typed, word)
            if fit:
                for number, weight in places.items():
                    scores[number] = max(scores.get(number, 0), fit * weight)
        return scores

    def search(self, text: str) -> list[Hit]:
        """Products that answer every word of `text`, best first; equal ones as they stand on the shelf."""
        typed = words_of(text[:MOST_LETTERS])[:MOST_WORDS]
        if not typed:
            return []
        readings = [typed] if len(typed) == 1 else [typed, ["".join(typed)]]
        best: dict[int, int] = {}
        for reading in readings:
            found = [self._scores(word) for word in reading]
            for number in set(found[0]).intersection(*found[1:]):
                best[number] = max(best.get(number, 0), sum(scores[number] for scores in found))
        hits = [Hit(self._products[number], score) for number, score in sorted(best.items())]
        return sorted(hits, key=lambda hit: -hit.score)

    def did_you_mean(self, text: str, most: int = 3) -> list[Product]:
        """Where nothing answers: the products that come nearest, if any comes near at all.

        A word counts with up to a third of its letters wrong, and not every word has to be found.
        """
        scores: dict[int, float] = {}
        for word in words_of(text[:MOST_LETTERS])[:MOST_WORDS]:
            errors = max(1, len(word) // 3)
            near: dict[int, float] = {}
            if len(word) < 3:
                continue
            for known, places in self._words.items():
                found = distance(word, known, errors)
                if found <= errors:
                    for number, weight in places.items():
                        near[number] = max(near.get(number, 0), weight * (1 - found / (len(word) + 1)))
            for number, score in near.items():
                scores[number] = scores.get(number, 0) + score
        ranked: Sequence[tuple[int, float]] = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
        return [self._products[number] for number, _score in ranked[:most]]


def _with_joined(words: list[str]) -> list[str]:
    """The words, and each two neighbours as one: "e-book" is also found as "ebook"."""
    return words + [a + b for a, b in pairwise(words)]


def index(store: Store) -> Index:
    """The index of a store's revision, built when it is first asked for."""
    return store.once("search", lambda s: Index(shelf(s).products))
