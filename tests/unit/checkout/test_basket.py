"""What a page showed of a cart, and how it differs from what there is now."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.checkout.basket import Basket, Change, Mark, changes
from platform_core.plugin_api.types import Decision

NOTHING = Basket(items=(), currency="CAD", payment=Decision(()))
SLUGS = st.from_regex(r"[a-z][a-z0-9-]{1,20}", fullmatch=True)


@given(
    SLUGS, SLUGS, st.integers(1, 99), st.none() | st.integers(0, 10**12), st.sampled_from(["CAD", "JPY", ""])
)
def test_a_mark_comes_back_from_a_form_as_it_went(
    slug: str, variant: str, n: int, amount: int | None, currency: str
) -> None:
    mark = Mark(slug, variant, n, amount, currency)
    assert Mark.read(mark.text()) == mark


@pytest.mark.parametrize("text", ["", "a|b", "a|b|x|1|CAD", "a|b|1|1|CAD|more", "|" * 500, "a|b|-1|1|CAD"])
def test_what_no_page_of_ours_wrote_is_no_mark(text: str) -> None:
    assert Mark.read(text) is None


def test_a_line_that_was_shown_and_is_gone_is_a_change() -> None:
    mark = Mark("citegrove", "mac", 1, 0, "CAD")
    assert changes([mark], NOTHING) == [Change("citegrove", mark, None)]
    assert changes([], NOTHING) == []


def test_an_empty_basket_cannot_be_ordered() -> None:
    assert not NOTHING.orderable and NOTHING.total.is_zero and NOTHING.taxes == [] and NOTHING.count == 0
