"""Search forgives accents, case and typing errors, and says what it thinks was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.catalog.search import Index, allowed_errors, distance, index, words_of
from platform_core.catalog.shelf import shelf
from tests.common.shelves import product_row, store

NAMES = {
    "stat-workbench": {"": "Stat Workbench 11"},
    "vector-studio": {"": "Vector Studio 8"},
    "overtone-studio": {"": "Overtone Studio 4"},
    "biology": {"en": "Cell Biology, 4th edition", "fr": "Biologie cellulaire, 4e édition"},
    "draw": {"en": "Vector Studio", "ja": "ベクタースタジオ"},
    "pdf": {"": "E-book Reader"},
}
STORE = store(
    [
        product_row(
            slug,
            name=name,
            monogram=name.get("", "Cb")[:2],
            category="design" if "studio" in slug else "statistics",
        )
        for slug, name in NAMES.items()
    ]
)


def found(text: str) -> list[str]:
    return [hit.product.slug for hit in index(STORE).search(text)]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("workbench", "stat-workbench"),
        ("WORKBENCH", "stat-workbench"),
        ("statt workbnch", "stat-workbench"),
        ("wrokbench", "stat-workbench"),
        ("work", "stat-workbench"),
        ("wrkbe", "stat-workbench"),
        ("statworkbench", "stat-workbench"),
        ("stat work bench", "stat-workbench"),
        ("edition", "biology"),
        ("ÉDITION", "biology"),
        ("biologie", "biology"),
        ("vector", "vector-studio"),
        ("タジオ", "draw"),
        ("ebook", "pdf"),
        ("e book", "pdf"),
        ("creation", "vector-studio"),
        ("korvane 11", "stat-workbench"),
        ("sw", ""),
        ("st", "stat-workbench"),
        ("xyz", ""),
        ("", ""),
        ("!?", ""),
    ],
)
def test_what_people_type_finds_what_they_mean(typed: str, first: str) -> None:
    assert (found(typed) or [""])[0] == first


def test_every_word_must_be_found_and_exact_names_come_first() -> None:
    assert found("studio vector") == ["vector-studio", "draw"]
    assert set(found("studio")) == {"vector-studio", "overtone-studio", "draw"}
    assert found("studio biology") == []


@pytest.mark.parametrize(
    ("typed", "meant"), [("vektorr stdioo", "vector-studio"), ("wurkbansh", "stat-workbench")]
)
def test_where_nothing_is_found_the_nearest_name_is_offered(typed: str, meant: str) -> None:
    assert found(typed) == []
    assert meant in [product.slug for product in index(STORE).did_you_mean(typed)]


def test_what_is_like_nothing_gets_no_suggestion() -> None:
    assert index(STORE).did_you_mean("qqqqqqqq") == []


def test_the_index_is_built_once_per_revision() -> None:
    assert index(STORE) is index(STORE)


words = st.text("abcdeé", max_size=9)


@given(words, words, st.integers(0, 3))
def test_distance_is_a_distance(one: str, other: str, most: int) -> None:
    near = distance(one, other, most)
    assert near == distance(other, one, most)
    assert (near == 0) == (one == other)
    assert 0 <= near <= most + 1
    assert near >= min(abs(len(one) - len(other)), most + 1)


@given(st.sampled_from(["workbench", "overtone", "vector"]), st.data())
def test_as_many_wrong_letters_as_allowed_are_forgiven(word: str, data: st.DataObject) -> None:
    typed = list(word)
    for place in data.draw(
        st.lists(st.integers(0, len(word) - 1), max_size=allowed_errors(word), unique=True)
    ):
        typed[place] = data.draw(st.sampled_from("abcdefghij"))
    assert any(
        word in fold for fold in map(words_of, (NAMES[slug].get("", "") for slug in found("".join(typed))))
    )


@given(st.text(max_size=200))
def test_nothing_that_people_type_breaks_the_search(typed: str) -> None:
    own = Index(shelf(STORE).products)
    assert own.search(typed) == own.search(typed)
    assert len(own.did_you_mean(typed)) <= 3
