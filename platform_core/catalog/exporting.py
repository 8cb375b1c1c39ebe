"""The store file of what the database has: applying it changes nothing."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import tomlkit
from tomlkit.items import InlineTable, Item

from platform_core.catalog.rows import Key, Row, State, Values, first_day, last_day
from platform_core.money import Money

_TABLES = (
    "store",
    "brand",
    "distributor",
    "tax",
    "access",
    "downloads",
    "sessions",
    "limits",
    "texts",
    "support",
)
_LISTS = ("groups", "organisations", "publishers", "categories", "agreements", "products")
_PRODUCT_LISTS = ("variants", "requirements", "files", "documents", "offers")


def store_file_text(state: State) -> str:
    """The TOML of a store's live rows and published configuration. Downloads are named by their digest."""
    data = store_data(state)
    document = tomlkit.document()
    document["format"] = data["format"]
    for name in _TABLES:
        if data.get(name):
            document[name] = _table(data[name])
    if data["plugins"]:
        plugins = tomlkit.table(is_super_table=True)
        for name, entry in data["plugins"].items():
            plugins[name] = _table(entry)
        document["plugins"] = plugins
    for name in _LISTS:
        if data.get(name):
            document[name] = _tables(data[name])
    return tomlkit.dumps(document)


def logo_of(state: State) -> tuple[str, str] | None:
    """Name and SVG of the store's logo, if it has one."""
    brand = (state.configuration or {}).get("brand", {})
    return (brand["logo"], brand["logo_svg"]) if "logo" in brand and "logo_svg" in brand else None


def store_data(state: State) -> dict[str, Any]:
    """What the file says, as plain values."""
    if state.configuration is None:
        raise ValueError("a store that was never applied has nothing to export")
    data = {key: value for key, value in state.configuration.items() if key != "plugins"}
    data["brand"] = {key: value for key, value in data.get("brand", {}).items() if key != "logo_svg"}
    data["plugins"] = {
        name: {"enabled": row.values["enabled"], **row.values["settings"]}
        for name, row in sorted(state.plugins.items())
    }
    zone = data["store"]["time_zone"]
    products = _live(state.rows["product"])
    used = {
        (kind, row.values[kind])
        for row in products.values()
        for kind in ("publisher", "category", "agreement")
    }

    def shown(kind: str) -> list[tuple[Key, Row]]:
        rows = [
            (key, row) for key, row in state.rows[kind].items() if not row.is_retired or (kind, key) in used
        ]
        return sorted(rows, key=lambda pair: (pair[1].values.get("position", 0), pair[1].id))

    data["publishers"] = [_entry(key, row, "name", "support_url") for key, row in shown("publisher")]
    data["categories"] = [_entry(key, row, "name", "pattern") for key, row in shown("category")]
    data["agreements"] = [
        {"slug": key[0], "version": key[1], "title": row.values["title"], "text": row.values["text"]}
        for key, row in shown("agreement")
    ]
    data["products"] = [
        _product(key, row)
        | {
            "files": _children(state, "file", key, _file),
            "offers": _children(state, "offer", key, lambda code, values: _offer(code, values, zone)),
        }
        for key, row in products.items()
    ]
    return data


def _live(rows: Mapping[Key, Row]) -> dict[Key, Row]:
    live = [(key, row) for key, row in rows.items() if not row.is_retired]
    return dict(sorted(live, key=lambda pair: (pair[1].values["position"], pair[1].id)))


def _entry(key: Key, row: Row, *names: str) -> dict[str, Any]:
    return {"slug": key[0]} | {name: row.values[name] for name in names if row.values[name] is not None}


def _children(
    state: State, kind: str, product: Key, made: Callable[[str, Values], dict[str, Any]]
) -> list[dict[str, Any]]:
    return [made(key[1], row.values) for key, row in _live(state.rows[kind]).items() if key[:1] == product]


def _product(key: Key, row: Row) -> dict[str, Any]:
    values = row.values
    licence = {"kind": str(values["licence_kind"])} | {
        name: values[f"licence_{name}"]
        for name in ("months", "days")
        if values[f"licence_{name}"] is not None
    }
    entry: dict[str, Any] = {
        "slug": key[0],
        "name": values["name"],
        "kind": str(values["kind"]),
        "publisher": values["publisher"][0],
        "category": values["category"][0],
        "agreement": values["agreement"][0] if values["agreement"] else None,
        "released": date.fromisoformat(values["released"]) if values["released"] else None,
        "licence": licence,
    }
    for name in (
        "pattern",
        "monogram",
        "version",
        "languages",
        "summary",
        "description",
        "installs",
        "key_asked",
    ):
        entry[name] = values[name]
    for name in ("trial_of", "popularity", "credentials", "variants", "requirements", "documents"):
        entry[name] = values[name]
    return {name: value for name, value in entry.items() if value is not None}


def _file(code: str, values: Values) -> dict[str, Any]:
    entry = {"code": code, "variant": values["variant"], "title": values["title"], "name": values["name"]}
    entry |= {"source": f"sha256:{values['sha256']}", "meter": values["meter"]}
    return {name: value for name, value in entry.items() if value is not None}


def _offer(code: str, values: Values, zone: str) -> dict[str, Any]:
    prices = {currency: str(Money(amount, currency).decimal) for currency, amount in values["prices"].items()}
    entry = {
        "code": code,
        "groups": values["groups"],
        "organisations": values["organisations"],
        "countries": values["countries"],
        "limit": values["limit_count"],
        "period": str(values["limit_period"]),
        "free": True if values["free"] else None,
        "prices": prices or None,
        "from": first_day(values["starts_at"], zone),
        "until": last_day(values["ends_at"], zone),
    }
    return {name: value for name, value in entry.items() if value is not None}


# --- notation --------------------------------------------------------------------------------------------------


def _tables(rows: list[dict[str, Any]]) -> Item:
    entries = tomlkit.aot()
    for row in rows:
        table = tomlkit.table()
        nested = [name for name in _PRODUCT_LISTS if row.get(name)]
        for name, value in row.items():
            if name not in _PRODUCT_LISTS:
                table[name] = _value(value)
        for name in nested:
            table[name] = _tables(row[name])
        entries.append(table)
    return entries


def _table(values: Mapping[str, Any]) -> Item:
    table = tomlkit.table()
    for name, value in values.items():
        table[name] = _value(value)
    return table


def _value(value: Any) -> Item:
    if isinstance(value, Mapping):
        if list(value) == [""]:
            return _value(value[""])
        inline: InlineTable = tomlkit.inline_table()
        for name, inner in value.items():
            inline[name] = _value(inner)
        return inline
    if isinstance(value, list):
        array = tomlkit.array()
        for inner in value:
            array.append(_value(inner))
        return array
    if isinstance(value, str) and "\n" in value and "\r" not in value:
        return tomlkit.string("\n" + value if value.startswith("\n") else value, multiline=True)
    return tomlkit.item(value)
