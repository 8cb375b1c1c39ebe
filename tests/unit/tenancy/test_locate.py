"""The locator agrees with a plain count of lines, whatever the notation."""

import tomllib
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from platform_core.tenancy.locate import Locator

TEXT = '''# a comment with [[brackets]] and "quotes"
format = 1

[store]
slug = "north"  # [not.a.table]
name = { en = "North", fr = "Nord" }
long = """
[products]
slug = "a ""quoted"" \\""" word"
"""
literal = \'\'\'
it's = "no key"
\'\'\'
"quoted key" . inner.'most inner' = 3
languages = [
    "en",
    # a comment with ] inside
    "fr",
]
tables = [ { code = "a", rate = "1" },
           { code = "b", rate = "2" } ]

[plugins.access_guarantee]
enabled = true

[[products]]
slug = "one"
[[products.offers]]
code = "student"
[products.offers.prices]
CAD = "1.00"
[[products.offers]]
code = "staff"

  [[products]]
  slug = "two"
    [[ products . offers ]]
    code = "x"
    prices = { CAD = "49.00", USD = 3.5 }
    [products.licence]
    kind = "rental"
'''


def line_of(marker: str, nth: int = 1) -> int:
    hits = [number for number, line in enumerate(TEXT.splitlines(), 1) if marker in line]
    return hits[nth - 1]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("format",), 2),
        (("store",), 4),
        (("store", "slug"), 5),
        (("store", "name"), 6),
        (("store", "name", "fr"), 6),
        (("store", "long"), 7),
        (("store", "literal"), 11),
        (("store", "quoted key", "inner", "most inner"), line_of("quoted key")),
        (("store", "languages"), line_of("languages")),
        (("store", "languages", 1), line_of('"fr",')),
        (("store", "tables", 1, "rate"), line_of('rate = "2"')),
        (("plugins", "access_guarantee", "enabled"), line_of("enabled")),
        (("products",), line_of("[[products]]")),
        (("products", 0), line_of("[[products]]")),
        (("products", 0, "slug"), line_of('"one"')),
        (("products", 0, "offers", 0, "prices", "CAD"), line_of('CAD = "1.00"')),
        (("products", 0, "offers", 1), line_of("[[products.offers]]", 2)),
        (("products", 0, "offers", 1, "code"), line_of('"staff"')),
        (("products", 1, "slug"), line_of('"two"')),
        (("products", 1, "offers", 0, "prices", "USD"), line_of("USD")),
        (("products", 1, "licence", "kind"), line_of("rental")),
    ],
)
def test_a_path_has_its_line(path: tuple[str | int, ...], line: int) -> None:
    tomllib.loads(TEXT)
    assert Locator(TEXT).line(path) == line


def test_what_is_missing_stands_at_the_table_around_it() -> None:
    locator = Locator(TEXT)
    assert locator.line(("products", 1, "publisher")) == locator.line(("products", 1))
    assert locator.line(("store", "country")) == 4
    assert locator.line(("nothing", "here")) == 1
    assert locator.line(()) == 1


def test_line_ends_of_windows_count_once() -> None:
    assert Locator(TEXT.replace("\n", "\r\n")).line(("products", 1, "slug")) == line_of('"two"')


@pytest.mark.parametrize(
    "text", ["", "[", "[[a", "a", "a =", 'a = "', 'a = """x', "a = [1,", "a = {b", "= 3", "\x00", '"\\q" = 1']
)
def test_broken_text_is_no_fault_of_the_locator(text: str) -> None:
    assert Locator(text).line(("a", 0, "b")) >= 1


KEYS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=5)
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.integers(-9, 9), st.booleans(), st.text(st.sampled_from("a[]{}#=,.'\"\\\n"), max_size=6)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_every_path_of_any_document_is_found(data: dict[str, Any]) -> None:
    text = tomlkit.dumps(data)
    locator = Locator(text)
    lines = text.split("\n")

    def walk(value: Any, path: tuple[str | int, ...]) -> None:
        if path:
            assert locator.has(path), (text, path)
            assert 1 <= locator.line(path) <= len(lines)
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, (*path, key))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                walk(inner, (*path, index))

    walk(tomllib.loads(text), ())
