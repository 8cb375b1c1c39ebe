"""What must change so that the database says what a store's file says: one pure function, `plan`.

Rows are matched by their slugs and codes; a renamed slug is a new row and a retired one, never guessed. What a
person wrote on a screen is kept and reported. Nothing is deleted: what left the file is retired.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_jsonable_python

from platform_core.catalog.rows import MODELS, Contents, Key, Row, State, Values, wanted
from platform_core.catalog.storefile import StoreFile
from platform_core.tenancy.changes import Change, ChangeKind, value_changes
from platform_core.tenancy.flaws import Flaw
from platform_core.tenancy.models import Source
from platform_core.web.i18n import _

_SILENT = frozenset({"position"})
"""Written when they differ, but told only as a change of order."""


@dataclass(frozen=True, slots=True)
class Update:
    """New values of an existing row. An empty `values` with `retire` False brings a retired row back."""

    kind: str
    row: Row
    values: Values
    retire: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """`changes` for people, the rest for the import."""

    changes: tuple[Change, ...]
    configuration: Mapping[str, Any]
    inserts: Mapping[str, Mapping[Key, Values]]
    updates: tuple[Update, ...]
    plugins: Mapping[str, Values]
    flaws: tuple[Flaw, ...] = ()
    publishes: bool = field(default=False)

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that an apply would write."""
        return tuple(change for change in self.changes if change.is_pending)


def plan(file: StoreFile, state: State, contents: Contents) -> Plan:
    """What an apply of `file` would do to `state`.

    `contents` has the bytes of the file's downloads by (product, code); a download that is not in it keeps the
    bytes it has, and is a flaw of the plan where it has none.
    """
    changes: list[Change] = []
    inserts: dict[str, dict[Key, Values]] = {}
    updates: list[Update] = []
    rows = wanted(file, contents)
    flaws = tuple(_missing_bytes(file, rows["file"], state))
    kept = _kept_references(state)
    for kind in MODELS:
        new, old = rows[kind], state.rows[kind]
        inserts[kind] = {key: values for key, values in new.items() if key not in old}
        changes += (Change(ChangeKind.ADD, kind, _name(key)) for key in inserts[kind])
        for key, values in new.items():
            if (row := old.get(key)) is None:
                continue
            differing = {name: value for name, value in values.items() if row.values.get(name) != value}
            changes += _row_changes(kind, key, row, differing)
            if row.source is Source.FILE and (differing or row.is_retired):
                updates.append(Update(kind, row, differing))
        changes += _order(kind, new, old)
        for key, row in old.items():
            if key in new or row.is_retired:
                continue
            if row.source is Source.SCREEN or (kind, key) in kept:
                changes.append(Change(ChangeKind.KEEP_SCREEN, kind, _name(key), _name(key), None))
            else:
                changes.append(Change(ChangeKind.RETIRE, kind, _name(key)))
                updates.append(Update(kind, row, {}, retire=True))
    plugins, plugin_changes = _plugins(file, state)
    configuration = _configuration(file, state, plugins)
    before = {key: value for key, value in (state.configuration or {}).items() if key != "plugins"}
    after = {key: value for key, value in configuration.items() if key != "plugins"}
    settings = list(value_changes("setting", before, after))
    publishes = state.configuration is None or bool(
        settings or updates or plugins or any(inserts.values()) or configuration != state.configuration
    )
    if state.configuration is None:
        settings = [Change(ChangeKind.ADD, "store", file.slug)]
    return Plan(
        changes=(*settings, *plugin_changes, *changes),
        configuration=configuration,
        inserts=inserts,
        updates=tuple(updates),
        plugins=plugins,
        flaws=flaws,
        publishes=publishes,
    )


def _name(key: Key) -> str:
    return "/".join(key)


def _said(value: Any) -> Any:
    """A row's value as people and JSON see it."""
    if isinstance(value, tuple):
        return _name(value)
    return to_jsonable_python(value)


def _row_changes(kind: str, key: Key, row: Row, differing: Values) -> Iterator[Change]:
    if row.source is Source.SCREEN:
        if row.is_retired:
            yield Change(ChangeKind.KEEP_SCREEN, kind, _name(key), "retired", "on the shelf")
        for name in differing.keys() - _SILENT:
            yield _field(ChangeKind.KEEP_SCREEN, kind, key, name, row.values.get(name), differing[name])
        return
    if row.is_retired:
        yield Change(ChangeKind.ADD, kind, _name(key), "retired", None)
    for name, value in differing.items():
        if name not in _SILENT:
            yield _field(ChangeKind.CHANGE, kind, key, name, row.values.get(name), value)


def _field(change: ChangeKind, kind: str, key: Key, name: str, old: Any, new: Any) -> Change:
    return Change(change, kind, f"{_name(key)}.{name}", _said(old), _said(new))


def _order(kind: str, new: Mapping[Key, Values], old: Mapping[Key, Row]) -> Iterator[Change]:
    """Did rows that stay change places?"""
    common = [key for key in new if key in old and not old[key].is_retired and old[key].source is Source.FILE]
    if not common or "position" not in new[common[0]]:
        return
    parents = {key[:-1] for key in common}
    for parent in sorted(parents):
        keys = [key for key in common if key[:-1] == parent]
        before = sorted(keys, key=lambda key: int(old[key].values["position"]))
        if before != keys:
            name = f"{_name(parent)} (order)" if parent else "(order)"
            yield Change(ChangeKind.CHANGE, kind, name, [k[-1] for k in before], [k[-1] for k in keys])


def _kept_references(state: State) -> set[tuple[str, Key]]:
    """What products that stay as they are on screen still refer to."""
    kept: set[tuple[str, Key]] = set()
    for row in state.rows["product"].values():
        if row.source is Source.SCREEN and not row.is_retired:
            kept |= {
                (kind, row.values[kind])
                for kind in ("publisher", "category", "agreement")
                if row.values[kind]
            }
    return kept


def _missing_bytes(file: StoreFile, files: Mapping[Key, Values], state: State) -> Iterator[Flaw]:
    for index, product in enumerate(file.catalogue.products):
        for place, download in enumerate(product.files):
            key = (product.slug, download.code)
            if "sha256" in files[key] or key in state.rows["file"]:
                continue
            yield Flaw(
                ("products", index, "files", place, "source"),
                _("no file ${name}", mapping={"name": repr(download.source)}),
                _("a file below the data directory's incoming folder"),
                _("put it there and apply again"),
            )


def _plugins(file: StoreFile, state: State) -> tuple[dict[str, Values], list[Change]]:
    """The plugin rows to write, and the changes; settings of a plugin that left the file stay."""
    work: dict[str, Values] = {}
    changes: list[Change] = []
    for name, entry in file.config.plugins.items():
        settings = to_jsonable_python({key: value for key, value in entry.items() if key != "enabled"})
        values: Values = {"enabled": entry["enabled"], "settings": settings}
        row = state.plugins.get(name)
        if row is None:
            work[name] = values
            changes.append(Change(ChangeKind.ADD, "plugin", name, None, values))
        elif row.values != values:
            kind = ChangeKind.KEEP_SCREEN if row.source is Source.SCREEN else ChangeKind.CHANGE
            changes += value_changes_as(kind, name, row.values, values)
            if row.source is Source.FILE:
                work[name] = values
    for name, row in state.plugins.items():
        if name in file.config.plugins:
            continue
        if row.source is Source.SCREEN:
            changes.append(Change(ChangeKind.KEEP_SCREEN, "plugin", name, row.values, None))
        elif row.values["enabled"]:
            work[name] = {"enabled": False, "settings": row.values["settings"]}
            changes.append(Change(ChangeKind.RETIRE, "plugin", name, row.values, None))
    return work, changes


def value_changes_as(kind: ChangeKind, name: str, old: Values, new: Values) -> Iterator[Change]:
    """The differences of a plugin's row; all kept if it was switched on a screen."""
    for change in value_changes("plugin", old, new, name):
        yield (
            Change(kind, "plugin", change.key, change.old, change.new)
            if kind is ChangeKind.KEEP_SCREEN
            else change
        )


def _configuration(file: StoreFile, state: State, work: Mapping[str, Values]) -> dict[str, Any]:
    """The document to publish: the file's, with the logo itself and with the plugins as they will stand."""
    document = file.config.document()
    if file.logo_svg is not None:
        document["brand"]["logo_svg"] = file.logo_svg
    rows = {name: row.values for name, row in state.plugins.items()} | dict(work)
    document["plugins"] = {
        name: {"enabled": rows[name]["enabled"], **rows[name]["settings"]} for name in sorted(rows)
    }
    return document
