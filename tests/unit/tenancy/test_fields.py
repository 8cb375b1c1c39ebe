"""Value types: what they take, what they refuse and with which words."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from platform_core.tenancy import fields
from platform_core.tenancy.fields import Known, Text
from platform_core.tenancy.problems import english


def allowed(error: ValidationError) -> str:
    return english(error.errors()[0]["ctx"]["allowed"])


def test_a_plain_text_stands_for_every_language() -> None:
    text = Text.model_validate("Korvane")
    assert text.root == {"": "Korvane"}
    assert text.get("fr") == text.get("ja", ("en",)) == "Korvane"


@pytest.mark.feature("TEN-06")
def test_a_text_is_found_by_language_then_by_fallback() -> None:
    text = Text.model_validate({"en": "Store", "fr": "Boutique", "fr-CA": "Magasin"})
    assert text.get("fr-CA") == text.get("fr_CA") == "Magasin"
    assert text.get("fr_BE") == "Boutique"
    assert text.get("ja", ("fr", "en")) == "Boutique"
    assert text.get("ja") == "Store"


@pytest.mark.feature("TEN-06")
def test_a_text_has_all_languages_of_its_store() -> None:
    known = Known(languages=("en", "fr"))
    Text.model_validate({"en": "a", "fr": "b"}, context=known.context)
    Text.model_validate("the same", context=known.context)
    with pytest.raises(ValidationError) as refused:
        Text.model_validate({"en": "a"}, context=known.context)
    assert allowed(refused.value) == "one text for each language of the store: en, fr"
    assert "add fr" in english(refused.value.errors()[0]["ctx"]["hint"])


@pytest.mark.parametrize(
    "value", [{}, "", " ", {"en": ""}, {"english": "a"}, {"fe": "a"}, {"en": 3}, 3, ["a"], "a\x00b"]
)
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        Text.model_validate(value)


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1).filter(str.strip))
def test_any_printable_text_is_a_text(value: str) -> None:
    assert Text.model_validate(value).get("en") == value


GOOD = [
    (fields.Slug, "stat-workbench"),
    (fields.Code, "win64"),
    (fields.Currency, "JPY"),
    (fields.Country, "CA"),
    (fields.Language, "fr"),
    (fields.TimeZone, "Asia/Tokyo"),
    (fields.Colour, "#17503a"),
    (fields.Network, "192.0.2.0/24"),
    (fields.Email, "help@northfield.example"),
    (fields.WebAddress, "https://support.example/a?b=c"),
    (fields.SourcePath, "northfield/setup-1.exe"),
    (fields.FileName, "Setup 11 – été.exe"),
]
BAD = [
    *((fields.Slug, value) for value in ("", "a", "A-b", "1-a", "a_b", "a-", "a" * 64, "é-a")),
    *((fields.Code, value) for value in ("", "-a", "A", "a b")),
    *((fields.Currency, value) for value in ("CADD", "cad", "", "DEM", "XXX", "EURO")),
    *((fields.Country, value) for value in ("CAN", "ca", "UK", "EU", "")),
    *((fields.Language, value) for value in ("english", "fe", "", "EN")),
    *((fields.TimeZone, value) for value in ("Toronto", "", "America/toronto")),
    *((fields.Colour, value) for value in ("17503a", "#17503", "#17503g", "red", "#17503a;}", "#17503a\n")),
    *((fields.Network, value) for value in ("192.0.2.1/24", "campus", "")),
    *((fields.Email, value) for value in ("help", "help@localhost", "a b@c.de", "")),
    *(
        (fields.WebAddress, value)
        for value in ("javascript:alert(1)", "//x", "https://", "https://a b", "ftp://a")
    ),
    *((fields.SourcePath, value) for value in ("/etc/passwd", "../a", "a/../b", "a//b", "", "a\\b", ".")),
    *((fields.FileName, value) for value in ("a/b", "", "..", 'a"b', "a\nb", "x" * 256)),
]


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_good_values_stay_as_they_are(kind: Any, value: str) -> None:
    assert TypeAdapter(kind).validate_python(value) == value


@pytest.mark.parametrize(("kind", "value"), BAD)
def test_bad_values_are_refused_with_an_example(kind: Any, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    assert len(allowed(refused.value)) > 10


def test_the_nearest_currency_is_named() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(fields.Currency).validate_python("CADD")
    assert allowed(refused.value) == "an ISO 4217 currency such as CAD"


@pytest.mark.parametrize(("value", "number"), [("49.00", "49.00"), ("13", "13"), (13, "13"), ("0.5", "0.5")])
def test_numbers_are_exact(value: object, number: str) -> None:
    assert TypeAdapter(fields.DecimalText).validate_python(value) == Decimal(number)


@pytest.mark.parametrize("value", [49.9, True, "49,00", "-1", "1e3", "NaN", "", " 1", None])
def test_what_is_no_exact_number_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(fields.DecimalText).validate_python(value)
