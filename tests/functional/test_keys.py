"""Keys from the file to the buyer: imports, claims, waiting lines, rotation. On both databases."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from platform_core.db import Database
from platform_core.fulfilment import key_import
from platform_core.fulfilment.handlers import empty_products, published_stock
from platform_core.fulfilment.key_file import CsvKeys
from platform_core.fulfilment.key_import import import_keys
from platform_core.fulfilment.models import (
    Credential,
    CredentialState,
    EntitlementState,
    ImportState,
    KeyImport,
)
from platform_core.fulfilment.pools import find_pool
from platform_core.fulfilment.receipt import items
from platform_core.fulfilment.rotation import rotate_store
from platform_core.fulfilment.services import fulfil
from platform_core.keyring import KeyRing
from platform_core.orders.models import LineState, OrderState
from platform_core.tenancy.models import Revision
from tests.common.factories import RING, TWO_KEYS, House

BIG = os.environ.get("WEBSTORE_BIG") == "1"
ACTIVE, WAITING = EntitlementState.ACTIVE, EntitlementState.WAITING


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def states(house: House, orders: list[UUID]) -> list[EntitlementState]:
    return [each.state for order_id in orders for each in house.entitlements(order_id)]


def shown(house: House, order_id: UUID) -> list[str]:
    with house.session() as session:
        found = items(session, house.store, house.keys, house.order(order_id))
    return [credential.value for item in found for credential in item.credentials]


@pytest.mark.feature("KEY-01", "KEY-04")
def test_a_buyer_reads_the_key_that_was_loaded(house):
    product = house.product()
    assert house.load(product, ["AAAA-1111", "BBBB-2222"]).accepted == 2
    first, second = house.buy(product), house.buy(product)
    assert shown(house, first) == ["AAAA-1111"]
    assert shown(house, second) == ["BBBB-2222"]
    assert house.order(first).state is OrderState.COMPLETE


@pytest.mark.feature("KEY-02")
def test_an_item_with_two_credentials_needs_both(house):
    product = house.product(credentials=TWO_KEYS)
    house.load(product, ["S1", "S2"], "serial")
    house.load(product, ["A1"], "authorisation")
    full, short = house.buy(product), house.buy(product)
    assert shown(house, full) == ["S1", "A1"]
    assert states(house, [full, short]) == [ACTIVE, WAITING]
    assert shown(house, short) == []
    house.load(product, ["A2"], "authorisation")
    house.work()
    assert shown(house, short) == ["S2", "A2"]
    assert house.order(short).state is OrderState.COMPLETE


@pytest.mark.feature("KEY-03")
def test_an_empty_pool_leaves_the_line_waiting_and_the_order_says_so(house):
    product = house.product()
    order = house.buy(product)
    assert house.order(order).state is OrderState.PROCESSING
    with house.session() as session:
        (item,) = items(session, house.store, house.keys, house.order(order))
    assert (item.line_state, item.waits, item.place_in_line) == (LineState.WAITING, True, 1)


@pytest.mark.feature("KEY-03")
def test_50_buyers_for_the_last_20_keys_then_30_more_in_order(house):
    product = house.product()
    house.load(product, [f"KEY-{number:04}" for number in range(20)])
    accounts = [house.account() for _ in range(50)]
    ready = threading.Barrier(10)

    def buy(account_id: UUID) -> UUID:
        if accounts.index(account_id) < 10:
            ready.wait()
        return house.buy(product, account_id=account_id)

    with ThreadPoolExecutor(10) as threads:
        orders = list(threads.map(buy, accounts))
    found = {order_id: house.entitlements(order_id)[0] for order_id in orders}
    assert sorted(each.state.value for each in found.values()) == ["active"] * 20 + ["waiting"] * 30
    issued = house.issued()
    assert len({key for keys in issued.values() for key in keys}) == sum(map(len, issued.values())) == 20

    line = sorted((each for each in found.values() if each.state is WAITING), key=lambda each: each.id)
    # Ten at first: the ten who came first.
    house.load(product, [f"MORE-{number:04}" for number in range(10)])
    house.work(minutes=1)
    assert set(house.issued()) - set(issued) == {each.id for each in line[:10]}
    newcomer = house.buy(product)
    house.load(product, [f"LAST-{number:04}" for number in range(20)])
    late = house.buy(product)
    assert states(house, [newcomer, late]) == [WAITING, WAITING]
    house.work(minutes=1)
    issued = house.issued()
    assert set(issued) >= {each.id for each in line}
    assert states(house, [newcomer, late]) == [WAITING, WAITING]
    with house.session() as session:
        ids = {entitlement_id: keys[0] for entitlement_id, keys in issued.items()}
        values = [
            session.scalars(sa.select(Credential).where(Credential.id == ids[each.id])).one().id
            for each in line
        ]
    assert values == sorted(values)
    assert all(len(keys) == 1 for keys in issued.values())


@pytest.mark.feature("KEY-05")
def test_an_issued_key_never_goes_back(house):
    product = house.product()
    house.load(product, ["ONLY"])
    house.buy(product)
    house.work(minutes=1)
    with house.session() as session:
        row = session.scalars(sa.select(Credential)).one()
        assert row.state is CredentialState.ISSUED
        assert session.scalars(sa.select(KeyImport.state)).one() is ImportState.DRAINED
    assert states(house, [house.buy(product)]) == [WAITING]


def test_a_rolled_back_order_gives_its_key_back(house):
    product = house.product()
    house.load(product, ["ONLY"])
    account = house.account()
    with house.database.session(house.tenant_id) as session:
        fulfil(session, house.store, house.keys, house.place(session, account, product))
        session.rollback()
    assert states(house, [house.buy(product)]) == [ACTIVE]


@pytest.mark.postgres
def test_a_key_that_somebody_was_just_taking_is_served_afterwards(house):
    """Who finds only locked rows waits, and gets the key if the other gives up."""
    product = house.product()
    house.load(product, ["ONLY"])
    one, two = house.account(), house.account()

    with house.database.session(house.tenant_id) as session:
        order_id = house.place(session, one, product)
        fulfil(session, house.store, house.keys, order_id)
        waiting = house.buy(product, account_id=two)
        assert states(house, [waiting]) == [WAITING]
        session.rollback()
    house.work(minutes=1)
    assert shown(house, waiting) == ["ONLY"]


# --- the file --------------------------------------------------------------------------------------------------


def load_file(house: House, product, path: Path, **options):
    return import_keys(
        house.database, house.clock, house.keys, house.tenant_id, product.slug, "key", CsvKeys(path, "key"),
        actor="operator:test", file_name=path.name, **options,
    )  # fmt: skip


def test_every_bad_line_is_named_and_nothing_is_loaded(house, tmp_path):
    product = house.product()
    house.load(product, ["OLD-1"])
    path = tmp_path / "keys.csv"
    path.write_bytes(
        b"\xef\xbb\xbfKey\r\nGOOD-1\r\n\r\nGOOD-1\r\nOLD-1\r\n"
        + b"x" * 501
        + b'\r\nA,B\r\n"QUOTED, 1"\r\nBELL\x07\r\n""\r\n'
    )
    report = load_file(house, product, path)
    assert [str(flaw) for flaw in report.flaws] == [
        "line 4: the same key as in line 2",
        "line 5: already in the pool",
        "line 6: 501 characters, at most 500",
        "line 7: 2 columns, one is wanted; put a key with a comma in quotes",
        "line 9: a control character (U+0007)",
        "line 10: empty",
    ]
    with house.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Credential)) == 1


def test_a_killed_import_counts_for_nothing_and_is_taken_away(house, tmp_path):
    product = house.product()
    path = tmp_path / "keys.csv"
    path.write_text("\n".join(f"K-{n}" for n in range(4500)))

    class Killed(BaseException):
        pass

    def die(step: str, lines: int) -> None:
        if (step, lines) == ("load", 4000):
            house.database.dispose()
            raise Killed

    # What a kill leaves: the import is not abandoned, because the process is gone.
    run = key_import._Import(house.database, house.clock, house.keys, house.tenant_id, die)
    with house.session() as session:
        run.pool_id = find_pool(session, house.clock, product.slug, "key")
    run._abandon = lambda import_id: None  # type: ignore[method-assign]
    with pytest.raises(Killed):
        run.load(CsvKeys(path), "operator:test", "keys.csv")
    assert states(house, [house.buy(product)]) == [WAITING]
    with pytest.raises(key_import.ImportRefused, match="another import"):
        load_file(house, product, path)
    house.work(minutes=30)
    with house.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Credential)) == 0
        assert session.scalars(sa.select(KeyImport.state)).one() is ImportState.FAILED
    assert load_file(house, product, path).accepted == 4500


@pytest.mark.feature("CAT-11")
def test_the_store_is_told_which_products_are_dry(house):
    full, dry = house.product("full"), house.product("dry-well")
    house.product("no-key", credentials=())
    house.load(full, ["A"])
    house.work()
    with house.session() as session:
        assert published_stock(session, house.tenant_id) == {"dry-well": "dry"}
        number = session.scalar(sa.select(Revision.number))
    house.buy(full)
    house.work()
    with house.session() as session:
        assert published_stock(session, house.tenant_id) == {"dry-well": "dry", "full": "dry"}
    house.load(full, ["B"])
    house.load(dry, ["C"])
    house.work()
    with house.session() as session:
        assert published_stock(session, house.tenant_id) == empty_products(session) == {}
        assert session.scalar(sa.select(Revision.number)) == number + 2


def test_rotation_rewrites_all_and_receipts_go_on(house):
    product = house.product()
    house.load(product, [f"KEY-{n}" for n in range(1200)])
    order = house.buy(product)
    old = house.keys
    house.keys = KeyRing({"k2": RING["k2"], "k1": RING["k1"]})
    assert house.load(product, ["KEY-7"]).flaw_count == 1, "found under the old key too"
    seen: list[int] = []
    assert rotate_store(house.database, house.tenant_id, house.keys, seen.append) == 1200
    assert seen == [500, 1000, 1200]
    assert rotate_store(house.database, house.tenant_id, house.keys) == 0
    house.keys = KeyRing({"k2": RING["k2"]})
    assert shown(house, order) == ["KEY-0"]
    assert house.load(product, ["KEY-7"]).flaw_count == 1
    with pytest.raises(KeyError), house.session() as session:
        items(session, house.store, old, house.order(order))
