"""The demonstration stores' files agree with themselves, and the demo's people, keys and files with them."""

import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from platform_core.cli.demo_data import (
    KEYS_PER_POOL,
    PEOPLE,
    SPARSE_FILES,
    demo_keys,
    key_values,
    make_files,
    sources,
)

TENANTS = Path(__file__).parents[3] / "tenants"
SLUGS = ("northfield", "montclair", "sakura")
DOCUMENTS: dict[str, dict[str, Any]] = {
    slug: tomllib.loads((TENANTS / f"{slug}.toml").read_text(encoding="utf-8")) for slug in SLUGS
}
LANGUAGE_TAGS = {"en", "fr", "ja"}
PATTERNS = {
    "office",
    "statistics",
    "engineering",
    "design",
    "code",
    "ebook",
    "science",
    "maps",
    "media",
    "mathematics",
    "writing",
    "data",
    "security",
}
SLOTS = {
    "welcome",
    "who_may_buy",
    "downloads",
    "accessibility",
    "terms",
    "privacy",
    "licence_terms",
    "contact",
}

each_store = pytest.mark.parametrize("slug", SLUGS)


def texts(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Every text by language in a parsed file, with the place where it stands."""
    if isinstance(node, dict):
        if node and set(node) <= LANGUAGE_TAGS:
            yield path, node
        else:
            for key, value in node.items():
                yield from texts(value, f"{path}.{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            name = value.get("slug", value.get("code", index)) if isinstance(value, dict) else index
            yield from texts(value, f"{path}[{name}]")


def products(slug: str) -> dict[str, dict[str, Any]]:
    return {product["slug"]: product for product in DOCUMENTS[slug]["products"]}


def codes(slug: str, table: str, key: str = "slug") -> list[str]:
    return [row[key] for row in DOCUMENTS[slug][table]]


@pytest.mark.parametrize(("slug", "least"), [("northfield", 24), ("montclair", 12), ("sakura", 12)])
def test_enough_products(slug: str, least: int) -> None:
    assert len(products(slug)) >= least


def test_slugs_that_scripts_rely_on() -> None:
    shelf = products("northfield")
    suite = shelf["campus-suite"]
    assert [offer["groups"] for offer in suite["offers"]] == [[]] and suite["offers"][0]["free"]
    assert suite["licence"]["kind"] == "enrolment" and suite["credentials"][0]["kind"] == "product_key"
    assert {variant["os"] for variant in suite["variants"]} == {"windows", "mac"}

    workbench = shelf["stat-workbench"]
    student = next(offer for offer in workbench["offers"] if offer["groups"] == ["student"])
    assert student["prices"] == {"CAD": "49.00", "USD": "39.00"}
    assert [credential["code"] for credential in workbench["credentials"]] == ["serial", "authorisation"]
    assert {variant["code"] for variant in workbench["variants"]} == {"win64", "win32", "mac"}
    assert workbench["licence"] == {"kind": "rental", "months": 12} and workbench["installs"] == 2
    trial = shelf["stat-workbench-trial"]
    assert trial["trial_of"] == "stat-workbench" and trial["licence"] == {"kind": "evaluation", "days": 30}

    assert [offer["groups"] for offer in shelf["draft-cad"]["offers"]] == [["faculty"]]
    assert shelf["draft-cad"]["offers"][0]["free"]
    assert shelf["vector-studio"]["offers"][0]["prices"] == {"CAD": "120.00", "USD": "95.00"}
    assert shelf["vector-studio"]["licence"] == {"kind": "perpetual"}
    assert shelf["cell-biology"]["kind"] == "ebook"
    assert shelf["cell-biology"]["offers"][0]["prices"] == {"CAD": "25.00", "USD": "20.00"}
    assert shelf["dry-well"]["credentials"] and shelf["dry-well"]["offers"][0]["free"]
    assert [file["source"] for file in shelf["atlas-4k"]["files"]] == list(SPARSE_FILES)
    assert shelf["atlas-4k"]["offers"][0]["free"] and min(SPARSE_FILES.values()) > 2**31


def test_the_shelf_shows_each_kind_of_rule() -> None:
    """So that "Are you eligible?" and the product page have something to say."""
    shelf = products("northfield").values()
    offers = [offer for product in shelf for offer in product["offers"]]
    assert any(len(offer.get("organisations", [])) == 3 for offer in offers)
    assert any(offer.get("countries") == ["CA", "US"] for offer in offers)
    assert any(offer.get("period") == "year" for offer in offers)
    assert any(document["kind"] == "vpat" for product in shelf for document in product.get("documents", []))
    assert any(
        document["languages"] == ["en"] for product in shelf for document in product.get("documents", [])
    )
    assert {product["licence"]["kind"] for product in shelf} == {
        "perpetual",
        "rental",
        "evaluation",
        "enrolment",
    }
    systems = {variant["os"] for product in shelf for variant in product["variants"]}
    assert systems == {"windows", "mac", "linux", "web", "any"}
    assert max(len(product["name"]["en"]) for product in shelf if isinstance(product["name"], dict)) > 120
    assert products("northfield")["skarn"]["installs"] == 1


def test_sakura_is_a_programme_without_prices_for_students() -> None:
    document = DOCUMENTS["sakura"]
    assert document["store"]["kind"] == "programme" and document["access"] == {"months": 24}
    assert "access_guarantee" not in document.get("plugins", {})
    for slug, product in products("sakura").items():
        assert set(product["name"]) == {"en", "ja"}, slug
        for offer in product["offers"]:
            assert offer.get("free") or ("student" not in offer["groups"] and offer["groups"]), slug
        assert any(
            offer.get("free") and (not offer["groups"] or "student" in offer["groups"])
            for offer in product["offers"]
        ), slug


@each_store
def test_every_text_has_the_languages_of_the_store(slug: str) -> None:
    languages = DOCUMENTS[slug]["store"]["languages"]
    found = list(texts(DOCUMENTS[slug]))
    assert len(found) > 100
    for place, text in found:
        assert set(languages) <= set(text), place
        assert list(text)[: len(languages)] == languages, place
        assert all(value.strip() for value in text.values()), place
        if {"en", "fr"} <= set(text) and not place.endswith(".name"):
            assert text["en"] != text["fr"], place


@each_store
def test_all_slots_and_agreements_are_written(slug: str) -> None:
    document = DOCUMENTS[slug]
    assert set(document["texts"]) == SLOTS
    assert 3 <= len(document["agreements"]) <= 5
    for agreement in document["agreements"]:
        assert all(len(text) > 900 for text in agreement["text"].values()), agreement["slug"]
    for product in document["products"]:
        assert product["summary"] and product["description"], product["slug"]
        descriptions = product["description"].values()
        assert all(2 <= len(text.strip().split("\n\n")) <= 3 for text in descriptions), product["slug"]


@each_store
def test_typography(slug: str) -> None:
    for place, text in texts(DOCUMENTS[slug]):
        for language, value in text.items():
            at = f"{place}.{language}"
            assert "'" not in value and '"' not in value and "..." not in value, at
            assert "!" not in value and "  " not in value and "—" not in value, at
            assert not re.search(r"\d (GB|MB|Go|Mo|%|€)", value), at
            if language == "fr":
                assert not re.search(r"[^\u202f][;?](?=\s|$)", value), at
                assert not re.search(r"[^\u00a0]:(?=\s|$)", value), at
                assert not re.search(r"«[^\u00a0]|[^\u00a0]»", value), at
                assert not re.search(r"\d\s(?:GB|MB)|\d\.\d\sGo", value), at
            if language == "en":
                assert not re.search(r"[\u202f«»]|\s[;:?]", value), at


@each_store
def test_references_stay_inside_the_file(slug: str) -> None:
    document = DOCUMENTS[slug]
    groups, organisations = codes(slug, "groups", "code"), codes(slug, "organisations", "code")
    for table, key in (
        ("groups", "code"),
        ("organisations", "code"),
        ("publishers", "slug"),
        ("categories", "slug"),
        ("agreements", "slug"),
        ("products", "slug"),
    ):
        listed = codes(slug, table, key)
        assert len(listed) == len(set(listed)), table
        assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code) for code in listed), table
    assert document["store"]["slug"] == slug
    assert (TENANTS / document["brand"]["logo"]).is_file()
    assert {category["pattern"] for category in document["categories"]} <= PATTERNS
    for name, product in products(slug).items():
        assert product["publisher"] in codes(slug, "publishers"), name
        assert product["category"] in codes(slug, "categories"), name
        assert product.get("pattern", "office") in PATTERNS, name
        assert product.get("agreement") in [None, *codes(slug, "agreements")], name
        assert product.get("trial_of") in [None, *products(slug)], name
        assert re.fullmatch(r"[A-Za-z0-9]{1,3}", product["monogram"]), name
        variants = [variant["code"] for variant in product["variants"]]
        assert variants and len(set(variants)) == len(variants), name
        systems = {variant["os"] for variant in product["variants"]}
        for requirement in product["requirements"]:
            assert set(requirement) - {"label"} <= systems, name
        for file in product.get("files", []):
            assert file.get("variant") in [None, *variants], name
            assert file["source"] == f"{slug}/{file['name']}", name
        assert len({file["code"] for file in product.get("files", [])}) == len(product.get("files", [])), name
        offers = [offer["code"] for offer in product["offers"]]
        assert offers and len(set(offers)) == len(offers), name
        for offer in product["offers"]:
            assert set(offer["groups"]) <= set(groups), name
            assert set(offer.get("organisations", [])) <= set(organisations), name
            assert ("free" in offer) != ("prices" in offer), name
    used = {(product["publisher"], product["category"]) for product in document["products"]}
    assert {publisher for publisher, _ in used} == set(codes(slug, "publishers"))
    assert {category for _, category in used} == set(codes(slug, "categories"))
    assert {product.get("agreement") for product in document["products"]} >= set(codes(slug, "agreements"))


@each_store
def test_prices_fit_their_currencies(slug: str) -> None:
    currencies = DOCUMENTS[slug]["store"]["currencies"]
    for name, product in products(slug).items():
        for offer in product["offers"]:
            prices = offer.get("prices", {})
            assert not prices or list(prices) == currencies, name
            for currency, price in prices.items():
                digits = 0 if currency == "JPY" else 2
                assert re.fullmatch(r"\d+" if digits == 0 else rf"\d+\.\d{{{digits}}}", price), name
                assert Decimal(price) > 0, name


@each_store
def test_people_fit_their_store(slug: str) -> None:
    people = {person.username: person for person in PEOPLE[slug]}
    assert list(people)[:5] == ["student", "faculty", "staff", "unverified", "admin"]
    assert len(people) == len(PEOPLE[slug])
    for person in people.values():
        assert set(person.groups) <= set(codes(slug, "groups", "code"))
        assert set(person.organisations) <= set(codes(slug, "organisations", "code"))
        assert person.email.endswith(f"@{slug}.example")
        assert person.verified == (person.username != "unverified")
        assert person.roles == (("admin",) if person.username == "admin" else ())
    assert people["unverified"].groups == ("student",)


def test_northfield_has_two_people_who_strain_the_pages() -> None:
    people = {person.username: person for person in PEOPLE["northfield"]}
    assert people["everywhere"].organisations == tuple(codes("northfield", "organisations", "code"))
    assert people["everywhere"].groups == ("student", "staff")
    assert len(people["longname"].shown_name) == 200
    assert people["student"].shown_name == "Emma Thibodeau"


@each_store
def test_each_pool_gets_its_own_keys(slug: str) -> None:
    seen: set[str] = set()
    total = 0
    for name, product in products(slug).items():
        for credential in product["credentials"]:
            keys = list(key_values(slug, name, credential["code"], credential["kind"]))
            expected = 0 if name == "dry-well" else KEYS_PER_POOL
            assert len(keys) == expected == demo_keys(slug, name, credential["code"])
            again = list(key_values(slug, name, credential["code"], credential["kind"], 250))
            assert again[:expected] == keys and len(set(again)) == 250
            seen.update(keys)
            total += len(keys)
    assert len(seen) == total > 1000


def test_forms_of_keys() -> None:
    forms = {
        "product_key": r"([2-9A-HJ-NP-Z]{5}-){4}[2-9A-HJ-NP-Z]{5}",
        "activation_code": r"SW\d\d-([2-9A-HJ-NP-Z]{4}-){3}[2-9A-HJ-NP-Z]{2}",
        "licence_number": r"([0-9A-F]{4}-){3}[0-9A-F]{4}",
    }
    for kind, form in forms.items():
        assert all(
            re.fullmatch(form, key) for key in key_values("northfield", "stat-workbench", "x", kind, 20)
        )
    with pytest.raises(ValueError, match="unknown kind"):
        next(key_values("northfield", "stat-workbench", "x", "password"))


def test_files_are_made_once_and_are_the_same_everywhere(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    make_files(here, DOCUMENTS.values(), largest=4096)
    make_files(there, DOCUMENTS.values(), largest=4096)
    wanted = {source for document in DOCUMENTS.values() for source in sources(document)}
    made = {path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()}
    assert made == wanted
    contents = set()
    for source in wanted:
        content = (here / source).read_bytes()
        assert content == (there / source).read_bytes() and len(content) == 4096
        assert content.startswith(b"WebStore demo file ") and source.encode() in content.split(b"\n")[0]
        contents.add(content)
    assert len(contents) == len(wanted)

    kept = here / "northfield/campus-suite-26.1-mac.dmg"
    kept.write_bytes(b"mine")
    make_files(here, DOCUMENTS.values(), largest=4096)
    assert kept.read_bytes() == b"mine"


def test_the_large_file_takes_no_room(tmp_path: Path) -> None:
    source = "northfield/atlas-4k.pmtiles"
    make_files(tmp_path, [{"products": [{"files": [{"source": source}]}]}])
    status = (tmp_path / source).stat()
    assert status.st_size == 3_000_000_000
    assert status.st_blocks * 512 < 1_000_000


def test_a_small_file_has_one_to_four_megabytes(tmp_path: Path) -> None:
    make_files(tmp_path, [{"products": [{"files": [{"source": "northfield/one.exe"}]}]}])
    assert 1_000_000 <= (tmp_path / "northfield/one.exe").stat().st_size <= 4_000_000
