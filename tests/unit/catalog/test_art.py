"""Covers: the same product has the same picture for ever, and no picture can carry anything but shapes."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import platform_core.web
from platform_core.catalog.art import PATTERNS, cover
from platform_core.web.colour import contrast_ratio

SHELF = {
    "mathematics": ("latticework", "Lw"),
    "writing": ("lexloom", "Lx"),
    "maps": ("terrane", "Te"),
    "data": ("querywell", "Qw"),
    "media": ("overtone", "Ov"),
    "security": ("bulwark", "Bw"),
    "design": ("pagemason", "Pm"),
    "ebook": ("organic-chemistry", "Oc"),
}
"""The shelf of the 404 page: pattern, slug and monogram of each picture in `static/shelf`."""

SHAPES = {"svg", "g", "rect", "path", "circle", "ellipse", "polyline", "text"}


def test_there_are_the_thirteen_patterns() -> None:
    names = (
        "office statistics engineering design code ebook science maps media mathematics writing data security"
    )
    assert set(names.split()) == PATTERNS


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_a_cover_is_small_and_made_of_shapes_only(pattern: str) -> None:
    for number in range(40):
        svg = cover(f"product-{number}", pattern, "Ab1")
        assert len(svg) < 4096
        root = ElementTree.fromstring(svg)
        assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("400", "300", "0 0 400 300")
        for element in root.iter():
            assert element.tag.rpartition("}")[2] in SHAPES
            assert not {
                key for key in element.attrib if key == "style" or key.startswith("on") or "href" in key
            }


def test_the_same_words_give_the_same_bytes_and_others_another_picture() -> None:
    first = cover("stat-workbench", "statistics", "Sw")
    cover.cache_clear()
    assert cover("stat-workbench", "statistics", "Sw") == first
    pictures = {cover(f"stat-workbench-{n}", "statistics", "Sw") for n in range(200)}
    assert len(pictures) == 200


def test_the_monogram_can_be_read_on_its_plate() -> None:
    for number in range(300):
        svg = cover(f"slug-{number}", "code", "Xy")
        ground = re.search(r'<rect x="0" y="0" width="400" height="300" fill="(#\w{6})"', svg)
        letter = re.search(r'letter-spacing="-1" fill="(#\w{6})"', svg)
        assert ground and letter
        assert contrast_ratio(ground[1], letter[1]) >= 4.5


@pytest.mark.parametrize("monogram", ["", "abcd", "<b>", 'a"', "é", "a b", "A\n", "&"])
def test_a_monogram_is_one_to_three_letters_or_digits(monogram: str) -> None:
    with pytest.raises(ValueError, match="monogram"):
        cover("x", "office", monogram)


def test_an_unknown_pattern_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="'plaid'; one of code, data"):
        cover("x", "plaid", "X")


def test_the_shelf_of_the_404_page_is_drawn_by_this_scheme() -> None:
    folder = Path(platform_core.web.__file__).parent / "static" / "shelf"
    drawn = {path.stem: path.read_text() for path in folder.glob("*.svg")}
    assert drawn == {pattern: cover(slug, pattern, monogram) for pattern, (slug, monogram) in SHELF.items()}
