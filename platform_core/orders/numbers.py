"""Order numbers: ten random characters that people can read out, and one that finds mistakes (ORD-04).

The alphabet is Crockford's base 32: no I, L, O and U. The check character is a weighted sum in the field of 32
elements, so that any single wrong character and any two that changed places are noticed.
"""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM = 10
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})
_POLYNOMIAL = 0b100101  # x^5 + x^2 + 1: 2 generates every element of the field but 0


def _doubled(value: int) -> int:
    value <<= 1
    return value ^ _POLYNOMIAL if value & 0b100000 else value


def check_character(body: str) -> str:
    """The character that belongs behind ten others: the sum of 2^i times the i-th value, by Horner's rule."""
    total = 0
    for character in body:
        total = _doubled(total ^ _VALUES[character])
    return ALPHABET[total]


def new_number() -> str:
    """A new number such as 7K2Q-M4XD-P0C: fifty random bits and the check character, in groups for the eye."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM))
    return _grouped(body + check_character(body))


def read_number(text: str) -> str | None:
    """The number that somebody typed or followed, as it is stored; None for what cannot be one.

    Case, spaces and hyphens do not count, and the letters that were left out are read as what they look like.
    """
    if len(text) > 40:
        return None
    plain = "".join(text.split()).replace("-", "").upper().translate(_READ_AS)
    if len(plain) != RANDOM + 1 or not set(plain) <= set(ALPHABET):
        return None
    return _grouped(plain) if check_character(plain[:RANDOM]) == plain[RANDOM] else None


def _grouped(plain: str) -> str:
    return f"{plain[:4]}-{plain[4:8]}-{plain[8:]}"
