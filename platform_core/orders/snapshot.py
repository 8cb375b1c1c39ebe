"""What an order keeps of the catalogue: all that the buyer was shown, in the language they read it in (ORD-17)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from platform_core.catalog.shelf import OfferSpec, Product, Variant
from platform_core.money import Taxed
from platform_core.plugin_api.types import Decision, Quoted
from platform_core.tenancy.store import Store
from platform_core.web.i18n import pick_text

FORMAT = 1


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One item as it was decided on: `unit` is the price of one, `total` that of all of them."""

    product: Product
    variant: Variant | None
    offer: OfferSpec
    quantity: int
    unit: Quoted
    total: Taxed
    decision: Decision


def order_snapshot(store: Store, items: Sequence[OrderItem], language: str) -> dict[str, Any]:
    """What was shown of the order as a whole. Personal values stand elsewhere: this is kept for good."""
    distributor = store.distributor
    return {
        "format": FORMAT,
        "revision": store.revision,
        "store": store.name(language),
        "distributor": {
            "name": distributor.name,
            "place": distributor.place,
            "statement": distributor.statement,
        },
        "tax_included": store.config.tax.included,
        "items": [
            {
                "slug": item.product.slug,
                "name": _text(item.product.name, language, store),
                "pattern": item.product.pattern,
                "monogram": item.product.monogram,
                "quantity": item.quantity,
            }
            for item in items
        ],
    }


def line_snapshot(store: Store, item: OrderItem, language: str) -> dict[str, Any]:
    """What was shown of one item: description, licence, files and their sizes, price and the rule behind it."""

    def text(value: Any) -> str:
        return _text(value, language, store)

    product, variant, agreement = item.product, item.variant, item.product.agreement
    return {
        "slug": product.slug,
        "name": text(product.name),
        "summary": text(product.summary),
        "description": text(product.description),
        "kind": str(product.kind),
        "publisher": {"name": text(product.publisher.name), "support_url": product.publisher.support_url},
        "category": product.category.slug,
        "pattern": product.pattern,
        "monogram": product.monogram,
        "version": product.version,
        "languages": list(product.languages),
        "licence": {
            "kind": str(product.licence.kind),
            "months": product.licence.months,
            "days": product.licence.days,
        },
        "installs": product.installs,
        "key_asked": product.key_asked,
        "variant": variant
        and {"code": variant.code, "os": variant.os, "bits": variant.bits, "label": text(variant.label)},
        "systems": [variant.os] if variant else list(product.systems),
        "requirements": [
            {"label": text(each.label), "value": text(value)}
            for each in product.requirements
            if (value := each.values.get(variant.os if variant else "any") or each.values.get("any"))
        ],
        "credentials": [
            {"code": each.code, "kind": str(each.kind), "label": text(each.label)}
            for each in product.credentials
        ],
        "files": [
            {
                "code": each.code,
                "title": text(each.title),
                "name": each.name,
                "size": each.size,
                "meter": each.meter,
            }
            for each in product.files_for(variant.code if variant else None)
        ],
        "agreement": agreement
        and {"slug": agreement.slug, "version": agreement.version, "title": text(agreement.title)},
        "offer": item.offer.code,
        "price": {
            "net": item.unit.net.amount,
            "tax": item.unit.tax.amount,
            "gross": item.unit.gross.amount,
            "currency": item.unit.gross.currency,
            "rule": item.unit.rule,
        },
        "tax_label": tax_label(store, item.unit.tax_code, language),
        "decided": [
            {
                "code": criterion.code,
                "outcome": criterion.outcome.value,
                "wanted": plain(criterion.wanted),
                "found": plain(criterion.found),
                "source": criterion.source,
            }
            for criterion in item.decision.criteria
        ],
    }


def tax_label(store: Store, code: str, language: str) -> str:
    """What a tax is called in a language: HST is TVH in French. Several at once ("GST+QST") are named in a row."""
    labels = {rate.code: rate.label.get(language, store.languages) for rate in store.config.tax.rates}
    return " + ".join(labels.get(part, part) for part in code.split("+"))


def plain(value: Any) -> Any:
    """A value as JSON can hold it: moments in ISO 8601, sets sorted."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(each) for each in value)
    if isinstance(value, Sequence):
        return [plain(each) for each in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def _text(value: Any, language: str, store: Store) -> str:
    return pick_text(value, language, store.languages)
