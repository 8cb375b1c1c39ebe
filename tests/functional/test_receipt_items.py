"""What a receipt shows, and when it shows no key. On both databases."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from platform_core.catalog.models import LicenceKind
from platform_core.db import Database
from platform_core.fulfilment.models import Credential, CredentialState, Entitlement, EntitlementState
from platform_core.fulfilment.receipt import ReceiptItem, items
from platform_core.fulfilment.services import NotReleased, fulfil
from platform_core.orders.models import HoldKind, LineState, Order, OrderHold, OrderState
from platform_core.plugin_api.types import Decision
from tests.common.factories import TWO_KEYS, House


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def receipt(house: House, order_id) -> list[ReceiptItem]:
    with house.reading() as session:
        return items(session, house.store, house.keys, house.order(order_id))


def failed(decision: Decision) -> list[str]:
    return [criterion.code for criterion in decision.open_points]


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(connection, cursor, statement, *_rest) -> None:
        if not statement.startswith(("SELECT set_config", "PRAGMA", "BEGIN")):
            seen.append(statement)

    sa.event.listen(database.writer, "before_cursor_execute", note)
    yield seen
    sa.event.remove(database.writer, "before_cursor_execute", note)


def test_a_receipt_costs_the_same_however_long_it_is(house):
    products = [house.product(credentials=TWO_KEYS) for _ in range(4)]
    for each in products:
        house.file(each, "a", b"a")
        house.load(each, [f"S{n}" for n in range(9)], "serial")
        house.load(each, [f"A{n}" for n in range(9)], "authorisation")
    short, long = house.buy(products[0]), house.buy(*products, quantity=2)
    numbers = []
    for order_id in (short, long):
        order = house.order(order_id)
        with counted(house.database) as seen, house.session() as session:
            numbers.append((len(items(session, house.store, house.keys, order)), len(seen)))
    assert numbers == [(1, 5), (8, 5)]


@pytest.mark.feature("KEY-04", "KEY-07", "AGR-12")
def test_the_receipt_after_access_and_after_the_licence(database):
    house = House(database, access={"days": 31})
    product = house.product(licence=LicenceKind.EVALUATION, days=10)
    house.load(product, ["SECRET"])
    order = house.buy(product)
    (item,) = receipt(house, order)
    assert [each.value for each in item.credentials] == ["SECRET"]
    assert (item.licence_over, item.access_over) == (False, False)
    house.advance(days=12)
    (item,) = receipt(house, order)
    assert (item.licence_over, item.access_over, len(item.credentials)) == (True, False, 1)
    house.advance(days=21)
    (item,) = receipt(house, order)
    assert (item.access_over, item.credentials, failed(item.reading)) == (True, (), ["access"])


@pytest.mark.feature("ORD-09")
def test_nothing_of_a_held_or_cancelled_order_is_given_or_shown(house):
    product = house.product()
    house.load(product, ["SECRET"])
    account = house.account()
    with house.session() as session:
        held = house.place(session, account, product)
        session.add(
            OrderHold(
                order_id=held,
                kind=HoldKind.VERIFICATION,
                since=house.clock.now(),
                deadline=None,
                outcome=None,
            )
        )
        session.flush()
        with pytest.raises(NotReleased):
            fulfil(session, house.store, house.keys, held)
    (item,) = receipt(house, held)
    assert (item.state, item.credentials, item.line_state) == (None, (), LineState.OPEN)
    with house.session() as session:
        house_order = session.get(Order, (house.tenant_id, held))
        house_order.state = OrderState.CANCELLED
        session.flush()
        with pytest.raises(NotReleased):
            fulfil(session, house.store, house.keys, held)
        states = session.scalars(sa.select(Credential.state)).all()
    assert states == [CredentialState.AVAILABLE]


def test_fulfilling_again_changes_nothing(house):
    product = house.product(credentials=TWO_KEYS)
    house.load(product, ["S1", "S2"], "serial")
    house.load(product, ["A1", "A2"], "authorisation")
    order = house.buy(product)

    def given() -> list[object]:
        return [(each.state, each.credentials, each.licence_from) for each in receipt(house, order)]

    before = given()
    with house.session() as session:
        fulfil(session, house.store, house.keys, order)
    assert given() == before
    assert sum(map(len, house.issued().values())) == 2


def test_a_revoked_item_shows_no_key(house):
    product = house.product()
    house.load(product, ["SECRET"])
    order = house.buy(product)
    with house.session() as session:
        session.execute(
            sa.update(Entitlement).values(state=EntitlementState.REVOKED),
            execution_options={"synchronize_session": False},
        )
    (item,) = receipt(house, order)
    assert item.credentials == () and failed(item.reading) == ["revoked"]


def test_what_waits_for_a_cancelled_order_is_withdrawn_and_the_next_one_served(house):
    product = house.product()
    first, second = house.buy(product), house.buy(product)
    with house.session() as session:
        session.get(Order, (house.tenant_id, first)).state = OrderState.CANCELLED
    house.load(product, ["ONLY"])
    house.work()
    assert [house.entitlements(each)[0].state.value for each in (first, second)] == ["revoked", "active"]
