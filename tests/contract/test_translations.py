"""The catalogues: complete, with the same values as the English, in real French typography, and compiled at start."""

import gettext
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from platform_core.web.i18n import DOMAIN, compile_catalogues
from tests.common.shop import Shop
from tools import messages

ROOT = Path(__file__).parents[2]
LANGUAGES = messages.languages()
PACKAGES = [package for package in messages.packages() if package.file("fr").exists()]
_VALUE = re.compile(r"\$\{\w+\}|%\(\w+\)[sd]|\{\w*\}")
_TAG = re.compile(r"</?\w+[^>]*>")
_CODE = re.compile(r'"[^"]*"')
_WIDE = "\u00a0\u202f"


def _forms(value: object) -> list[str]:
    return [str(form) for form in value] if isinstance(value, (tuple, list)) else [str(value)]


def _entries(language: str) -> Iterator[tuple[Message, list[str], list[str]]]:
    """Each message of every package with its English and its translated forms."""
    for package in PACKAGES:
        for message in messages.translations(package, language):
            if message.id:
                yield message, _forms(message.id), _forms(message.string)


def _found(pattern: str, allowed: re.Pattern[str] | None = None) -> list[str]:
    """French texts in which `pattern` is found, what `allowed` finds in both languages left aside."""
    flawed = []
    for _message, english, french in _entries("fr"):
        for text in french:
            rest = text
            for code in {code for form in english for code in (allowed.findall(form) if allowed else ())}:
                rest = rest.replace(code, "")
            if re.search(pattern, rest):
                flawed.append(text)
    return flawed


def _values(text: str) -> list[str]:
    return sorted(set(_VALUE.findall(text)))


def test_the_demo_stores_have_catalogues_for_their_languages() -> None:
    spoken = {
        language
        for path in (ROOT / "tenants").glob("*.toml")
        for language in tomllib.loads(path.read_text("utf-8"))["store"]["languages"]
    }
    assert "fr" in spoken
    assert spoken <= {"en", *LANGUAGES}


@pytest.mark.feature("TEN-06")
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_nothing_is_left_over(language: str) -> None:
    flaws = [line for package in messages.packages() for line in messages.outstanding(package, language)]
    assert not flaws


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_form_has_the_values_of_the_english(language: str) -> None:
    for _message, english, translated in _entries(language):
        wanted = _values(english[-1])
        for number, text in enumerate(translated):
            # Only the form for one may leave the number out, where the English does too.
            assert _values(text) == wanted or (number == 0 and _values(text) == _values(english[0])), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_has_the_tags_of_the_english(language: str) -> None:
    for _message, english, translated in _entries(language):
        if not any("<${" in text or "<name>" in text for text in english):
            assert all(sorted(_TAG.findall(text)) == sorted(_TAG.findall(english[-1])) for text in translated)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_plural_has_all_the_forms_of_its_language(language: str) -> None:
    for package in PACKAGES:
        catalogue = messages.translations(package, language)
        for message in catalogue:
            if message.id and message.pluralizable:
                forms = _forms(message.string)
                assert len(forms) == catalogue.num_plurals, message.id
                assert all(forms), message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_english_has_one_translation_everywhere(language: str) -> None:
    seen: dict[tuple[str | None, str], list[str]] = {}
    for message, english, translated in _entries(language):
        assert seen.setdefault((message.context, "\0".join(english)), translated) == translated


@pytest.mark.parametrize("language", LANGUAGES)
def test_spaces_at_the_ends_are_those_of_the_english(language: str) -> None:
    for _message, english, translated in _entries(language):
        for text in translated:
            assert (text[:1].isspace(), text[-1:].isspace()) == (
                english[-1][:1].isspace(),
                english[-1][-1:].isspace(),
            ), text


def test_french_has_no_typewriter_quotes() -> None:
    """Code such as "49.00" keeps its own."""
    assert not _found("['\"“”`]", _CODE)


def test_french_guillemets_are_spaced_and_paired() -> None:
    assert not _found(f"«(?![{_WIDE}])|(?<![{_WIDE}])»")
    assert all(text.count("«") == text.count("»") for _message, _english, fr in _entries("fr") for text in fr)


def test_french_signs_never_begin_a_line() -> None:
    """A colon inside an address or a time is no sign of the sentence."""
    assert not _found(rf"(?<![{_WIDE}])[;:!?](?=\s|$|[)»]|</)")
    assert not _found(rf"(?<![{_WIDE}%])%(?!\()")


def test_french_keeps_to_single_spaces_and_one_ellipsis() -> None:
    assert not _found(r"\s\s|\.\.\.|\s[,.](?=\s|$)")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_catalogues_compile_and_are_compiled_once(
    package: messages.Package, language: str, tmp_path: Path
) -> None:
    target = tmp_path / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    target.parent.mkdir(parents=True)
    shutil.copy(package.file(language), target)
    assert compile_catalogues(tmp_path) == [target.with_suffix(".mo")]
    assert compile_catalogues(tmp_path) == []
    compiled = gettext.translation(DOMAIN, tmp_path, [language])
    for message in messages.translations(package, language):
        if message.id and message.pluralizable:
            one, many = _forms(message.id)
            assert {compiled.ngettext(one, many, n) for n in range(200)} == set(_forms(message.string))
        elif message.id:
            assert compiled.gettext(str(message.id)) == message.string


def test_french_counts_nothing_as_one(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "platform_core/locale", tmp_path / "locale")
    compile_catalogues(tmp_path / "locale")
    french = gettext.translation(DOMAIN, tmp_path / "locale", ["fr"])
    read = [french.ngettext("${n} day", "${n} days", n) for n in (0, 1, 2)]
    assert read == ["${n}\u00a0jour", "${n}\u00a0jour", "${n}\u00a0jours"]


def test_a_folder_that_cannot_be_written_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "fr/LC_MESSAGES" / f"{DOMAIN}.po"
    target.parent.mkdir(parents=True)
    shutil.copy(ROOT / "platform_core/locale/fr/LC_MESSAGES" / target.name, target)
    monkeypatch.setattr("os.getpid", lambda: 1)
    target.with_suffix(".1.part").mkdir()  # as good as read-only, also for a superuser
    assert compile_catalogues(tmp_path) == []
    assert not target.with_suffix(".mo").exists()


@pytest.mark.feature("TEN-06")
def test_an_application_started_from_a_checkout_speaks_french(shop: Shop) -> None:
    browser = shop.browser("montclair")
    front = browser.get("/")
    assert front.html.html["lang"] == "fr"
    assert "Se connecter" in front.text
    assert "Garantie d’accès" in browser.get("/+access_guarantee/").text
