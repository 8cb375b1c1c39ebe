"""What taking a key costs, in work done by the database, not in time. `WEBSTORE_BIG=1` uses a pool of 300,000."""

import os
from typing import Any

import pytest
import sqlalchemy as sa

from platform_core.db import Database, uuid7
from platform_core.db.session import TenantSession, unscoped
from platform_core.fulfilment.claiming import take
from platform_core.fulfilment.models import Credential, CredentialState, KeyImport, KeyPool
from platform_core.fulfilment.pools import ask_to_serve
from tests.common.factories import House

BIG = os.environ.get("WEBSTORE_BIG") == "1"
FULL, LEFT = (300_000, 1_000) if BIG else (6_000, 200)


class Costs:
    """Counts the work of claiming: PostgreSQL's buffers and rows, SQLite's virtual machine steps."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.database = house.database
        self.seen: list[tuple[str, Any]] = []

    def of_taking(self, pool_id) -> int:
        """Of the UPDATE that takes a key; nothing is kept of it."""
        self.seen.clear()
        with self.database.session(self.house.tenant_id) as session:
            entitlement_id = self.entitlement(session)
            sa.event.listen(self.database.writer, "before_cursor_execute", self._note)
            take(session, self.house.clock, pool_id, entitlement_id)
            sa.event.remove(self.database.writer, "before_cursor_execute", self._note)
            session.rollback()
            (claim,) = [each for each in self.seen if each[0].startswith(("WITH", "UPDATE"))]
            with unscoped("measures a statement that was run before"):
                cost = (self._steps if self.database.is_sqlite else self._buffers)(session, *claim)
            session.rollback()
        return cost

    def entitlement(self, session: TenantSession):
        return session.scalars(
            sa.select(Credential.entitlement_id).where(Credential.entitlement_id.is_not(None))
        ).first()

    def _note(self, connection, cursor, statement, parameters, context, executemany) -> None:
        self.seen.append((statement, parameters))

    def _buffers(self, session: TenantSession, statement: str, parameters: Any) -> int:
        explained = session.connection().exec_driver_sql(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement, parameters
        )
        plan = explained.scalar_one()[0]["Plan"]
        assert "ix_credential_available" in str(plan)
        nodes, rows = [plan], 0
        while nodes:
            node = nodes.pop()
            rows += node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            nodes += node.get("Plans", [])
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] + rows

    def _steps(self, session: TenantSession, statement: str, parameters: Any) -> int:
        connection = session.connection()
        plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
        assert "ix_credential_available" in str(plan)
        raw: Any = connection.connection.dbapi_connection
        steps = [0]

        def count() -> None:
            steps[0] += 1

        raw.set_progress_handler(count, 1)
        connection.exec_driver_sql(statement, parameters).all()
        raw.set_progress_handler(None, 0)
        return steps[0]


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def fill(house: House, pool_id, import_id, total: int) -> None:
    """Rows as an import leaves them, without the work of sealing."""
    for start in range(0, total, 5000):
        rows = [
            {
                "tenant_id": house.tenant_id,
                "id": uuid7(),
                "pool_id": pool_id,
                "import_id": import_id,
                "state": CredentialState.AVAILABLE,
                "key_id": "k1",
                "secret": b"sealed" * 8,
                "fingerprint": number.to_bytes(32),
                "tail": b"t" * 16,
            }
            for number in range(start + 100, start + 100 + min(5000, total - start))
        ]
        with house.session() as session:
            session.execute(sa.insert(Credential), rows)


def use_up(house: House, import_id, entitlement_id, left: int) -> None:
    with house.session() as session:
        last = session.scalars(
            sa.select(Credential.id)
            .where(Credential.import_id == import_id, Credential.state == CredentialState.AVAILABLE)
            .order_by(Credential.id.desc())
            .offset(left)
            .limit(1)
        ).one()
        session.execute(
            sa.update(Credential)
            .where(Credential.import_id == import_id, Credential.id <= last)
            .values(state=CredentialState.ISSUED, entitlement_id=entitlement_id),
            execution_options={"synchronize_session": False},
        )


def test_a_key_costs_the_same_from_a_full_pool_as_from_one_with_few_left(house):
    product = house.product()
    house.load(product, ["FIRST"])
    order = house.buy(product)
    (entitlement,) = house.entitlements(order)
    with house.session() as session:
        pool_id = session.scalars(sa.select(KeyPool.id)).one()
        import_id = session.scalars(sa.select(KeyImport.id)).one()
    fill(house, pool_id, import_id, FULL)
    house.work()
    costs = Costs(house)
    first = [costs.of_taking(pool_id) for _ in range(3)][-1]
    use_up(house, import_id, entitlement.id, LEFT)
    before = [costs.of_taking(pool_id) for _ in range(3)]
    with house.session() as session:
        ask_to_serve(session, house.clock, [product.id])
    house.work(minutes=1)
    last = [costs.of_taking(pool_id) for _ in range(3)][-1]
    print(f"\nof {FULL}: full {first}, {LEFT} left {before}, after the job {last}")
    # A handful more or less for another level of a tree; never the number of used ones.
    assert last <= first + 10
