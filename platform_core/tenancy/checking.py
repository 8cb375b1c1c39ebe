"""Is this data a valid store configuration? One function for the file, the console and the import."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from platform_core.tenancy.fields import Known, current_currencies, flaws_of_repetition, listed, nearest
from platform_core.tenancy.flaws import Flaw, flaws_in
from platform_core.tenancy.schema import StoreConfig
from platform_core.web.i18n import _


def texts_of(data: Any, key: str, part: str) -> frozenset[str]:
    """The strings under `part` of each table in the raw list `data[key]`, whatever else is wrong with it."""
    rows = data.get(key) if isinstance(data, dict) else None
    if not isinstance(rows, list):
        return frozenset()
    return frozenset(row[part] for row in rows if isinstance(row, dict) and isinstance(row.get(part), str))


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def declared(data: Mapping[str, Any], known: Known = Known()) -> Known:
    """`known` with what the raw configuration `data` declares itself."""
    store = data.get("store")
    store = store if isinstance(store, dict) else {}
    slug = store.get("slug")
    currencies = frozenset(_strings(store.get("currencies")))
    if not currencies <= current_currencies():
        currencies = current_currencies()  # One mistyped currency is one problem, not one for each price.
    return replace(
        known,
        slug=slug if isinstance(slug, str) else "",
        languages=tuple(code.replace("-", "_") for code in _strings(store.get("languages"))),
        currencies=currencies,
        groups=texts_of(data, "groups", "code"),
        organisations=texts_of(data, "organisations", "code"),
    )


def check_config(data: Mapping[str, Any], known: Known) -> tuple[StoreConfig | None, list[Flaw]]:
    """The configuration in `data`, or all that is wrong with it. `known` comes from `declared`."""
    flaws: list[Flaw] = []
    config: StoreConfig | None = None
    try:
        config = StoreConfig.model_validate(data, context=known.context)
    except ValidationError as error:
        flaws += flaws_in(error, StoreConfig)
    flaws += _repetitions(data)
    flaws += _plugin_flaws(data.get("plugins"), known)
    return (None if flaws else config), flaws


def _repetitions(data: Mapping[str, Any]) -> Iterator[Flaw]:
    for key in ("groups", "organisations"):
        rows = data.get(key)
        for index, part in flaws_of_repetition(rows, "code"):
            assert isinstance(rows, list)
            yield Flaw((key, index, part), repr(rows[index][part]), _("each code once"))


def _plugin_flaws(plugins: Any, known: Known) -> Iterator[Flaw]:
    if known.plugins is None or not isinstance(plugins, dict):
        return
    for name, entry in plugins.items():
        if name not in known.plugins:
            allowed = (
                _("an installed plugin: ${words}", mapping={"words": listed(sorted(known.plugins))})
                if known.plugins
                else _("an installed plugin; none is installed")
            )
            yield Flaw(("plugins", name), repr(name), allowed, nearest(name, known.plugins))
        elif isinstance(entry, dict):
            yield from _setting_flaws(name, entry, known.plugins[name], known)


def _setting_flaws(
    name: str, entry: dict[str, Any], model: type[BaseModel] | None, known: Known
) -> Iterator[Flaw]:
    settings = {key: value for key, value in entry.items() if key != "enabled"}
    if model is None:
        for key in settings:
            yield Flaw(
                ("plugins", name, key),
                _("the key '${key}'", mapping={"key": key}),
                _("only 'enabled'; this plugin has no settings"),
                _("remove it"),
            )
        return
    try:
        model.model_validate(settings, context=known.context)
    except ValidationError as error:
        yield from flaws_in(error, model, ("plugins", name))
