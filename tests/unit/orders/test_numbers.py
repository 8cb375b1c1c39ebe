"""Order numbers: random, readable, and a mistake is noticed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.orders.numbers import ALPHABET, check_character, new_number, read_number

BODIES = st.text(alphabet=ALPHABET, min_size=10, max_size=10)


@pytest.mark.feature("ORD-04")
def test_a_new_number_has_ten_random_characters_and_a_check_character_in_groups() -> None:
    number = new_number()
    plain = number.replace("-", "")
    assert [len(part) for part in number.split("-")] == [4, 4, 3]
    assert len(plain) == 11 and set(plain) <= set(ALPHABET)
    assert read_number(number) == number
    assert len({new_number() for _ in range(1000)}) == 1000


@given(BODIES, st.integers(0, 10), st.sampled_from(ALPHABET))
def test_any_single_wrong_character_is_noticed(body: str, place: int, other: str) -> None:
    plain = body + check_character(body)
    wrong = plain[:place] + other + plain[place + 1 :]
    assert (read_number(wrong) is not None) == (wrong == plain)


@given(BODIES, st.integers(0, 10), st.integers(0, 10))
def test_any_two_characters_that_changed_places_are_noticed(body: str, one: int, two: int) -> None:
    plain = body + check_character(body)
    characters = list(plain)
    characters[one], characters[two] = characters[two], characters[one]
    wrong = "".join(characters)
    assert (read_number(wrong) is not None) == (wrong == plain)


def test_a_number_is_read_however_it_was_typed() -> None:
    rolls = random.Random(7)
    for _ in range(50):
        body = "".join(rolls.choice(ALPHABET) for _ in range(8)) + "01"
        number = read_number(body + check_character(body))
        assert number is not None
        typed = number.lower().replace("-", " ").replace("0", "o").replace("1", "l")
        assert read_number(f"  {typed} ") == number


@pytest.mark.parametrize("text", ["", "-", "7K2Q", "7K2Q-M4XD-P0CC", "UUUU-UUUU-UUU", "é" * 11, "0" * 5000])
def test_what_cannot_be_a_number_is_none(text: str) -> None:
    assert read_number(text) is None
