"""The shelf: a published document as values, built once per revision."""

from datetime import timedelta

from platform_core.catalog.models import LicenceKind, LimitPeriod
from platform_core.catalog.shelf import build_shelf, shelf
from tests.common.shelves import NOON, offer_row, product_row, store


def test_a_shelf_is_built_once_per_revision() -> None:
    own = store([product_row()])
    assert shelf(own) is shelf(own)
    assert shelf(own) is not shelf(store([product_row()]))


def test_an_empty_document_is_an_empty_shelf() -> None:
    own = build_shelf({})
    assert (own.products, own.next_boundary(NOON)) == ((), None)


def test_products_keep_their_order_and_are_found_by_slug_id_and_trial() -> None:
    rows = [
        product_row("b"),
        product_row("a", licence={"kind": "rental", "months": 12, "days": None}),
        product_row("b-trial", trial_of="b"),
    ]
    own = shelf(store(rows, document={"former_slugs": {"old-b": "b"}, "stock": {"a": "dry", "b": "low"}}))
    assert [product.slug for product in own.products] == ["b", "a", "b-trial"]
    assert own.by_id[own.products[1].id] is own.by_slug["a"]
    assert own.trials["b"].slug == "b-trial" and own.former == {"old-b": "b"}
    assert own.by_slug["a"].dry and not own.by_slug["b"].dry
    licence = own.by_slug["a"].licence
    assert (licence.kind, licence.months) == (LicenceKind.RENTAL, 12)


def test_files_belong_to_a_variant_or_to_all() -> None:
    def file(code: str, variant: str | None, size: int) -> dict[str, object]:
        row = {
            "id": "00000000-0000-0000-0000-000000000001",
            "code": code,
            "variant": variant,
            "title": {"": code},
        }
        return row | {"name": code, "size": size, "meter": "main"}

    variants = [
        {"code": "mac", "os": "mac", "label": {"": "Mac"}},
        {"code": "win", "os": "windows", "bits": 64, "label": {"": "Windows"}},
        {"code": "any", "os": "any", "label": {"": "Any"}},
    ]
    row = product_row(
        variants=variants, files=[file("m", "mac", 5), file("w", "win", 7), file("samples", None, 2)]
    )
    product = shelf(store([row])).products[0]
    assert product.systems == ("windows", "mac")
    assert [f.code for f in product.files_for("mac")] == ["m", "samples"]
    assert [f.code for f in product.files_for(None)] == ["samples"]
    assert (product.size("mac"), product.size("any"), product.size(None)) == (5, 2, 2)
    chosen = product.variant("win")
    assert chosen is not None and chosen.bits == 64
    assert product.variant("os2") is None and product.variant(None) is None


def test_boundaries_are_the_next_moments_at_which_a_price_changes() -> None:
    begins, ends = NOON + timedelta(days=1), NOON + timedelta(days=9)
    offer = offer_row(starts_at=begins.isoformat(), ends_at=ends.isoformat(), period="year")
    own = shelf(store([product_row("a", offer, offer_row())]))
    assert own.next_boundary(NOON) == begins
    assert own.next_boundary(begins) == ends  # an offer begins at its first instant
    assert own.next_boundary(ends) is None
    read = own.products[0].offers[0]
    assert read.period is LimitPeriod.YEAR
    assert [read.is_open(m) for m in (NOON, begins, ends)] == [False, True, False]
    assert read.starts_at == begins
