"""Apply on a real database: whole or not at all, once, and never over what a person wrote on a screen."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from platform_core.catalog import models
from platform_core.catalog.exporting import store_file_text
from platform_core.catalog.importing import Applied, apply_file, find_tenant, plan_file
from platform_core.catalog.rows import read_state
from platform_core.catalog.storefile import read_store_file
from platform_core.clock import Clock
from platform_core.db import Database, TenantSession
from platform_core.events.models import Event
from platform_core.files.content import ContentStore
from platform_core.tenancy.models import Revision, Source, Tenant, TenantPlugin
from platform_core.tenancy.problems import StoreFileErrors
from platform_core.tenancy.schema import StoreConfig
from tests.common.store_files import LOGO, SCHEMAS, STORE, write_download, write_store


class Desk:
    """An operator with a folder of store files, a data directory and a database."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder / "tenants"
        self.data_dir = folder / "data"
        self.store = ContentStore(self.data_dir)
        self.clock = Clock()

    def apply(self, text: str = STORE, slug: str = "harbour") -> Applied:
        path = write_store(self.folder, text, slug)
        file = read_store_file(path, SCHEMAS, incoming=self.store.incoming, file=path.name)
        return apply_file(self.database, file, self.store, self.clock, "operator:test")

    def session(self, slug: str = "harbour") -> TenantSession:
        return self.database.session(self.id(slug))

    def reading(self, slug: str = "harbour") -> TenantSession:
        return self.database.session(self.id(slug), read_only=True)

    def id(self, slug: str = "harbour") -> UUID:
        found = find_tenant(self.database, slug)
        assert found is not None
        return found

    def published(self, slug: str = "harbour") -> tuple[int, StoreConfig, dict[str, Any]]:
        with self.reading(slug) as session:
            row = session.scalars(sa.select(Revision).where(Revision.tenant_id == self.id(slug))).one()
            return row.number, StoreConfig.model_validate(row.configuration), row.catalogue

    def is_empty(self) -> bool:
        with self.database.session(read_only=True) as session:
            return session.scalar(sa.select(sa.func.count()).select_from(Tenant)) == 0


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    made = Desk(database, tmp_path)
    write_download(made.data_dir)
    return made


@pytest.mark.feature("TEN-01", "TEN-04", "TEN-06", "PAY-06")
def test_a_file_becomes_a_store(desk: Desk) -> None:
    applied = desk.apply()
    number, config, _catalogue = desk.published()
    assert (applied.revision, number) == (1, 1)
    assert config.store.name.get("fr") == "Collège du Port"
    assert config.store.currencies == ("CAD", "JPY")
    assert config.brand.logo_svg == LOGO
    assert config.plugins == {"lamp": {"enabled": True, "days": 31}}
    with desk.reading() as session:
        assert session.scalars(sa.select(TenantPlugin.plugin)).all() == ["lamp"]
        assert session.scalars(sa.select(Event.tag)).all() == ["tenancy:file:applied"]


@pytest.mark.feature("CAT-02", "CAT-03", "CAT-04", "CAT-05", "CAT-07", "CAT-09", "CAT-10", "EXT-02", "PAY-08")
def test_the_published_catalogue_holds_what_the_file_says(desk: Desk) -> None:
    desk.apply()
    _number, _config, catalogue = desk.published()
    workbench, maps = catalogue["products"]
    assert workbench["slug"] == "stat-workbench"
    assert workbench["publisher"] == "korvane"
    assert catalogue["publishers"][0]["support_url"] == "https://support.korvane.example/"
    assert workbench["pattern"] == "statistics"
    assert workbench["licence"] == {"kind": "rental", "months": 12, "days": None}
    assert workbench["variants"][0]["bits"] == 64
    assert workbench["requirements"] == [
        {"label": {"en": "System", "fr": "Système"}, "windows": {"": "Windows 11"}},
    ]
    assert workbench["agreement_id"] == catalogue["agreements"][0]["id"]
    assert "text" not in catalogue["agreements"][0]
    assert workbench["files"][0]["size"] == len(b"setup")
    offer = workbench["offers"][0]
    assert offer["prices"] == {"CAD": 4900, "JPY": 5400}
    assert (offer["starts_at"], offer["ends_at"]) == (
        "2026-01-01T05:00:00+00:00",
        "2028-01-01T05:00:00+00:00",
    )
    assert (maps["kind"], maps["trial_of"], maps["offers"][0]["free"]) == ("software", "stat-workbench", True)


def test_the_bytes_of_downloads_are_stored(desk: Desk) -> None:
    desk.apply()
    with desk.reading() as session:
        file = session.scalars(sa.select(models.ProductFile)).one()
    assert desk.store.path(file.sha256).read_bytes() == b"setup"
    write_download(desk.data_dir, data=b"new setup")
    applied = desk.apply()
    assert [change.key for change in applied.changes] == [
        "stat-workbench/setup.sha256",
        "stat-workbench/setup.size",
    ]
    assert desk.store.path(file.sha256).read_bytes() == b"setup"


def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    desk.apply()
    again = desk.apply()
    assert again.changes == () and again.revision is None
    assert desk.published()[0] == 1


def test_what_left_the_file_is_retired_and_comes_back_as_the_same_row(desk: Desk) -> None:
    desk.apply()
    with desk.reading() as session:
        before = {row.slug: row.id for row in session.scalars(sa.select(models.Product))}
    applied = desk.apply(STORE[: STORE.index('[[products]]\nslug = "map-room"')])
    assert [change.text() for change in applied.changes] == ["- product map-room", "- offer map-room/all"]
    assert [product["slug"] for product in desk.published()[2]["products"]] == ["stat-workbench"]
    with desk.reading() as session:
        assert len(session.scalars(sa.select(models.Product)).all()) == 2
        assert session.scalars(
            sa.select(models.Product.slug).where(models.Product.retired_at.is_not(None))
        ).all() == ["map-room"]
    desk.apply()
    with desk.reading() as session:
        assert {row.slug: row.id for row in session.scalars(sa.select(models.Product))} == before
    assert len(desk.published()[2]["products"]) == 2


def test_prices_follow_the_file(desk: Desk) -> None:
    desk.apply()
    desk.apply(STORE.replace('CAD = "49.00", JPY = "5400"', 'CAD = "48.50"'))
    assert desk.published()[2]["products"][0]["offers"][0]["prices"] == {"CAD": 4850}
    desk.apply(STORE.replace('JPY = "5400"', 'JPY = "5500"'))
    assert desk.published()[2]["products"][0]["offers"][0]["prices"] == {"CAD": 4900, "JPY": 5500}


def test_what_a_person_wrote_on_a_screen_is_kept(desk: Desk) -> None:
    desk.apply()
    with desk.session() as session, session.begin():
        session.execute(
            sa.update(models.Product)
            .where(models.Product.slug == "map-room")
            .values(version="7", source=Source.SCREEN)
        )
    applied = desk.apply(STORE.replace('version = "11.2"', 'version = "12"'))
    assert [change.kind for change in applied.changes] == ["change", "keep_screen"]
    versions = {product["slug"]: product["version"] for product in desk.published()[2]["products"]}
    assert versions == {"stat-workbench": "12", "map-room": "7"}


def test_an_export_applied_again_changes_nothing(desk: Desk) -> None:
    desk.apply()
    with desk.reading() as session:
        text = store_file_text(read_state(session))
    assert desk.apply(text).changes == ()
    assert desk.apply(text, "marina").revision == 1
    with desk.reading() as one, desk.reading("marina") as other:
        assert store_file_text(read_state(one)).replace("harbour", "marina") == store_file_text(
            read_state(other)
        )


def test_a_file_that_cannot_be_applied_writes_nothing(desk: Desk) -> None:
    with pytest.raises(StoreFileErrors) as refused:
        desk.apply(STORE.replace('source = "harbour/setup.exe"', 'source = "harbour/nowhere.exe"'))
    assert "harbour.toml:" in str(refused.value) and "nowhere.exe" in str(refused.value)
    with pytest.raises(StoreFileErrors):
        desk.apply(STORE.replace('name = "setup.exe"', f'name = "setup.exe"\nsha256 = "{"0" * 64}"'))
    assert desk.is_empty()


def test_a_plan_writes_nothing(desk: Desk) -> None:
    file = read_store_file(write_store(desk.folder), SCHEMAS)
    assert len(plan_file(desk.database, file, desk.store).pending) > 5
    assert desk.is_empty()
    assert not [path for path in desk.store.root.glob("??/*") if path.is_file()]


class Cut(RuntimeError):
    """The connection was lost here."""


def test_a_fault_at_any_statement_leaves_all_or_nothing(desk: Desk) -> None:
    count = {"left": 10_000}

    def cut(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        count["left"] -= 1
        if count["left"] < 0:
            raise Cut

    sa.event.listen(desk.database.writer, "before_cursor_execute", cut)
    tried = 0
    while True:
        count["left"] = tried
        try:
            desk.apply()
        except Cut:
            count["left"] = 10_000
            assert desk.is_empty(), f"half a store after statement {tried}"
            tried += 1
            continue
        break
    count["left"] = 10_000
    assert tried > 10
    assert desk.apply().changes == ()


@pytest.mark.parametrize("exists", [False, True])
def test_two_applies_at_once_do_it_once(desk: Desk, exists: bool) -> None:
    text = STORE.replace('version = "11.2"', 'version = "12"')
    if exists:
        desk.apply()
    path = write_store(desk.folder, text)
    file = read_store_file(path, SCHEMAS, incoming=desk.store.incoming)
    start = threading.Barrier(4)

    def run() -> Applied:
        start.wait()
        return apply_file(desk.database, file, desk.store, desk.clock, "operator:test")

    with ThreadPoolExecutor(4) as pool:
        results = [future.result() for future in [pool.submit(run) for _ in range(4)]]
    assert sorted(len(result.changes) > 0 for result in results) == [False, False, False, True]
    assert desk.published()[0] == (2 if exists else 1)
    assert desk.apply(text).changes == ()


def test_stores_do_not_see_each_other(desk: Desk) -> None:
    desk.apply()
    write_download(desk.data_dir, "marina")
    desk.apply(slug="marina")
    before = desk.published()
    desk.apply(STORE.replace('version = "11.2"', 'version = "12"'), "marina")
    assert desk.published() == before
    assert desk.published("marina")[2]["products"][0]["version"] == "12"


def test_the_stock_that_others_published_survives(desk: Desk) -> None:
    desk.apply()
    with desk.session() as session, session.begin():
        row = session.scalars(sa.select(Revision).where(Revision.tenant_id == desk.id())).one()
        row.catalogue = {**row.catalogue, "stock": {"map-room": "dry"}}
    desk.apply(STORE.replace('version = "11.2"', 'version = "12"'))
    assert desk.published()[2]["stock"] == {"map-room": "dry"}


def test_the_finder_hears_of_a_new_name(desk: Desk) -> None:
    desk.apply()
    with desk.database.session(read_only=True) as session:
        before = session.scalars(sa.select(Tenant)).one()
    desk.apply(STORE.replace("Harbour College", "Port College"))
    with desk.database.session(read_only=True) as session:
        after = session.scalars(sa.select(Tenant)).one()
    assert after.names["en"] == "Port College"
    assert after.changed_at > before.changed_at
