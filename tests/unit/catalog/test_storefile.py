"""A store file read whole: what is in it, and every fault with its line, at once."""

from pathlib import Path

import pytest

from platform_core.catalog.storefile import StoreFile, digest_of, read_store_file
from platform_core.money import Money
from platform_core.tenancy.problems import Problem, StoreFileErrors
from platform_core.tenancy.schema import StoreConfig
from tests.common.store_files import LOGO, SCHEMAS, STORE, line_of, write_download, write_store


def read(path: Path) -> StoreFile:
    return read_store_file(path, SCHEMAS, file=path.name)


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(StoreFileErrors) as refused:
        read(path)
    return refused.value.problems


def broken(folder: Path, old: str, new: str) -> tuple[str, Problem]:
    """The one problem of the store file in which `new` stands for `old`."""
    assert old in STORE
    text = STORE.replace(old, new, 1)
    problems = problems_of(write_store(folder, text))
    assert len(problems) == 1, [problem.text() for problem in problems]
    return text, problems[0]


@pytest.mark.feature("TEN-01", "TEN-04", "TEN-06", "PAY-06")
def test_configuration_and_catalogue_come_apart(tmp_path: Path) -> None:
    file = read(write_store(tmp_path))
    assert file.slug == "harbour"
    assert file.config.store.languages == ("en", "fr")
    assert file.config.store.currencies == ("CAD", "JPY")
    assert file.config.plugins["lamp"] == {"enabled": True, "days": 31}
    assert file.logo_svg == LOGO
    assert [product.slug for product in file.catalogue.products] == ["stat-workbench", "map-room"]


@pytest.mark.feature("PAY-08")
def test_prices_are_minor_units_of_their_currency(tmp_path: Path) -> None:
    offer = read(write_store(tmp_path)).catalogue.products[0].offers[0]
    assert offer.amounts == {"CAD": Money.of("49.00", "CAD").amount, "JPY": 5400}


def test_a_published_configuration_is_read_back_as_it_was(tmp_path: Path) -> None:
    config = read(write_store(tmp_path)).config
    assert StoreConfig.model_validate(config.document()) == config


@pytest.mark.parametrize(
    ("old", "new", "marker", "key", "words"),
    [
        ('currencies = ["CAD"', 'currencies = ["CADD"', "currencies =", "store.currencies[1]", "such as CAD"),
        ('country = "CA"\ntime', 'country = "Canada"\ntime', "country =", "store.country", "ISO 3166-1"),
        ("America/Toronto", "America/Torronto", "time_zone", "store.time_zone", "did you mean 'America/Toronto'?"),
        ('colour = "#17503a"', 'color = "#17503a"', "color =", "brand.color", "did you mean 'colour'?"),
        ('colour = "#17503a"', 'colour = "green"', "colour =", "brand.colour", "#17503a"),
        ('colour = "#17503a"', "radius = 25", "radius", "brand.radius", "a number up to 24"),
        ('colour = "#17503a"', 'radius = "8"', "radius", "brand.radius", "a whole number without quotes"),
        ('colour = "#17503a"', 'font = "comic"', "font", "brand.font", "one of: system, humanist, serif, rounded"),
        ('fr = "Collège du Port"', 'ja = "x"', "name = { en", "store.name", "add fr"),
        ("[plugins.lamp]\nenabled = true", "[plugins.lmap]\nenabled = true", "lmap", "plugins.lmap", "did you mean 'lamp'?"),
        ("days = 31", 'days = "long"', "days =", "plugins.lamp.days", "a whole number"),
        ("days = 31", "weeks = 4", "weeks =", "plugins.lamp.weeks", "allowed: days"),
        ("days = 31", "", "[plugins.lamp]", "", ""),
        ('name = "Larkfield Distribution Inc."', "", "[distributor]", "distributor.name", "this key is needed"),
        ('[support]\nemail = "help@', '[support]\nemail = "', "email", "support.email", "an e-mail address"),
        ("[support]", "[suport]", "[suport]", "suport", "did you mean 'support'?"),
        ('rate = "13"', "rate = 13.5", "rates =", "tax.rates[HST].rate", "in quotes"),
        ('publisher = "korvane"\ncategory = "maps"', 'publisher = "korwane"\ncategory = "maps"', "korwane", "products[map-room].publisher", "did you mean 'korvane'?"),
        ('category = "maps"\nmono', 'category = "globes"\nmono', "globes", "products[map-room].category", "statistics"),
        ('agreement = "korvane-academic"', 'agreement = "korvane"', "agreement = ", "products[stat-workbench].agreement", "korvane-academic"),
        ('trial_of = "stat-workbench"', 'trial_of = "stat"', "trial_of", "products[map-room].trial_of", "a product of this file"),
        ('trial_of = "stat-workbench"', 'trial_of = "map-room"', "trial_of", "products[map-room].trial_of", "another product"),
        ('pattern = "maps"', 'pattern = "globes"', '"globes"', "categories[maps].pattern", "cover scheme"),
        ('monogram = "Mr"', 'monogram = "M-r"', "M-r", "products[map-room].monogram", "one to three letters"),
        ('variant = "win64"', 'variant = "win46"', "win46", "products[stat-workbench].files[setup].variant", "did you mean 'win64'?"),
        ('windows = "Windows 11"', 'windows = "11"\nmac = "13"', "mac =", "products[stat-workbench].requirements[1].mac", "variants: windows"),
        ('groups = ["faculty"]', 'groups = ["teachers"]', "teachers", "products[stat-workbench].offers[faculty].groups[1]", "student"),
        ('organisations = ["science"]', 'organisations = ["arts"]', "arts", "products[stat-workbench].offers[faculty].organisations[1]", "science"),
        ('CAD = "49.00", JPY', 'CAD = "49.00", USD', "USD", "products[stat-workbench].offers[student].prices.USD", "the store's currencies"),
        ('JPY = "5400"', 'JPY = "5400.50"', "5400.50", "products[stat-workbench].offers[student].prices.JPY", "JPY without decimals"),
        ('CAD = "49.00"', 'CAD = "49.005"', "49.005", "products[stat-workbench].offers[student].prices.CAD", "at most 2 decimals"),
        ('CAD = "49.00"', "CAD = 49.0", "prices =", "products[stat-workbench].offers[student].prices.CAD", "in quotes"),
        ('CAD = "49.00"', 'CAD = "0.00"', "prices =", "products[stat-workbench].offers[student].prices.CAD", "write free = true"),
        ("limit = 1", "free = true", 'code = "student"', "products[stat-workbench].offers[student]", "either prices or free"),
        ("until = 2027-12-31", "until = 2025-12-31", 'code = "student"', "products[stat-workbench].offers[student]", "'until' on or after"),
        ("until = 2027-12-31", 'until = "2027-12-31"', "until", "products[stat-workbench].offers[student].until", "a date without quotes"),
        ('kind = "rental", months = 12', 'kind = "rental"', "licence =", "products[stat-workbench].licence", "either months or days"),
        ('kind = "perpetual"', 'kind = "perpetual", days = 3', "licence =", "products[map-room].licence", "runs without one"),
        ('code = "faculty"\ngroups', 'code = "student"\ngroups', 'code = "student"', "products[stat-workbench].offers[student].code", "each code once"),
        ('source = "harbour/setup.exe"', 'source = "../setup.exe"', "source", "products[stat-workbench].files[setup].source", "incoming folder"),
        ('credentials = [', 'trial_of = "map-room"\ncredentials = 3 # [', "credentials", "products[stat-workbench].credentials", "a list"),
    ],
)  # fmt: skip
def test_a_fault_has_file_line_key_found_allowed(
    tmp_path: Path, old: str, new: str, marker: str, key: str, words: str
) -> None:
    if not key:
        read(write_store(tmp_path, STORE.replace(old, new)))
        return
    text, problem = broken(tmp_path, old, new)
    lines = [number for number, line in enumerate(text.splitlines(), 1) if marker in line]
    assert problem.file == "harbour.toml"
    assert problem.key == key
    assert problem.line in {*lines, *(line - 1 for line in lines)}, problem.text()
    assert words in problem.text()


def test_a_slug_stands_once(tmp_path: Path) -> None:
    problems = problems_of(
        write_store(tmp_path, STORE.replace('slug = "map-room"', 'slug = "stat-workbench"'))
    )
    assert "each slug once" in problems[0].text()


@pytest.mark.feature("TEN-04")
def test_all_faults_are_told_at_once_by_line(tmp_path: Path) -> None:
    text = (
        STORE.replace('["CAD", "JPY"]', '["CADD", "JPY"]')
        .replace("[plugins.lamp]", "[plugins.lantern]")
        .replace('email = "help@harbour.example"', 'emial = "x"\napi_key = "hunter2"')
        .replace('category = "maps"', 'category = "globes"')
        .replace('monogram = "Sw"', 'monogram = "Stat"')
    )
    problems = problems_of(write_store(tmp_path, text))
    assert [problem.key for problem in problems] == [
        "store.currencies[1]",
        "plugins.lantern",
        "support.emial",
        "support.api_key",
        "products[stat-workbench].monogram",
        "products[map-room].category",
    ]
    assert [problem.line for problem in problems] == sorted(problem.line for problem in problems)
    assert not any("hunter2" in problem.text() for problem in problems)


def test_the_operators_keys_are_not_a_stores(tmp_path: Path) -> None:
    _text, problem = broken(
        tmp_path, 'country = "CA"\n', 'country = "CA"\nhosts = ["store.harbour.example"]\n'
    )
    assert "the operator sets this in platform.toml" in problem.text()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("format = 1\n[store\nslug = 1\n", 2, "[store"),
        ('format = 1\nname = "no end\n', 2, "TOML"),
        ("format = 1\n[store]\npassword = hunter2\n", 3, "not shown"),
        ("format = 1\nformat = 2\n", 2, "TOML"),
        ("[[a]]\n[a]\n", 2, "TOML"),
        ('a = """never closed\n\n', 2, "TOML"),
        ("", 1, "this key is needed"),
    ],
)
def test_broken_toml_has_a_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    problems = problems_of(write_store(tmp_path, text))
    assert problems[0].line == line, problems[0].text()
    assert any(words in problem.text() for problem in problems)
    assert not any("hunter2" in problem.text() for problem in problems)


def test_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    path = write_store(tmp_path)
    path.write_bytes(STORE.encode("latin-1"))
    (problem,) = problems_of(path)
    assert problem.line == line_of(STORE, "Collège")
    assert "0xe8" in problem.text() and "UTF-8" in problem.text()


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = write_store(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + STORE.encode())
    assert read(path).slug == "harbour"


def test_the_file_is_named_after_the_store(tmp_path: Path) -> None:
    path = write_store(tmp_path).rename(tmp_path / "port.toml")
    (problem,) = problems_of(path)
    assert problem.key == "store.slug" and "'port'" in problem.text()


def test_a_missing_or_bad_logo_is_named(tmp_path: Path) -> None:
    path = write_store(tmp_path)
    (tmp_path / "harbour.svg").unlink()
    (problem,) = problems_of(path)
    assert problem.line == line_of(STORE, "logo =") and "harbour.svg" in problem.text()
    (tmp_path / "harbour.svg").write_text(LOGO.replace("<path", "<script>alert(1)</script><path"))
    (problem,) = problems_of(path)
    assert "script" in problem.text()
    text = STORE.replace('logo = "harbour.svg"', 'logo_svg = "<svg/>"')
    (problem,) = problems_of(write_store(tmp_path, text))
    assert problem.key == "brand.logo_svg"


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path / "nowhere.toml")
    assert "No such file" in problem.text()


def test_names_may_be_long_and_of_any_script(tmp_path: Path) -> None:
    name = "جامعة الميناء 🌊 " + "ü" * 180
    text = STORE.replace("Harbour College", name).replace("Collège du Port", "大学")
    assert read(write_store(tmp_path, text)).config.store.name.get("en") == name


def test_the_digest_sees_file_logo_and_downloads(tmp_path: Path) -> None:
    path = write_store(tmp_path / "tenants")
    incoming = tmp_path / "data" / "incoming"

    def digest() -> str:
        made = digest_of(path, incoming)
        assert read_store_file(path, SCHEMAS, incoming=incoming).digest == made
        return made

    seen = [digest()]
    write_download(tmp_path / "data")
    seen.append(digest())
    write_download(tmp_path / "data", data=b"other")
    seen.append(digest())
    path.with_suffix(".svg").write_text(LOGO.replace("10", "12"))
    seen.append(digest())
    path.write_text(STORE + "# changed\n")
    seen.append(digest())
    assert len(set(seen)) == 5
    assert digest() == seen[-1]
