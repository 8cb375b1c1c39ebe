"""Wall 1: the database itself refuses a reference from one store's row to another's."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from platform_core.accounts.models import Account, AccountRole
from platform_core.clock import machine_time
from platform_core.db import Base, Database, TenantOwned, unscoped, uuid7
from tests.common.walls import holes, load_all_models

OURS, THEIRS = uuid7(), uuid7()


def _account(database: Database, tenant: UUID) -> UUID:
    with database.session(tenant) as session, session.begin():
        account = Account(
            username="a", username_key="a", email="a@x.example", display_name="A", created_at=machine_time()
        )
        session.add(account)
        session.flush()
        return account.id


def test_a_reference_to_another_stores_row_is_refused(database: Database) -> None:
    theirs = _account(database, THEIRS)
    with database.session(OURS) as session, session.begin():
        session.add(AccountRole(account_id=theirs, role="admin"))
        with pytest.raises(sa.exc.IntegrityError):
            session.flush()
        session.rollback()
    with database.session(THEIRS) as session, session.begin():
        session.add(AccountRole(account_id=theirs, role="admin"))


def test_a_row_that_others_refer_to_cannot_leave(database: Database) -> None:
    ours = _account(database, OURS)
    with database.session(OURS) as session, session.begin():
        session.add(AccountRole(account_id=ours, role="admin"))
    with database.session(OURS) as session, session.begin():
        with pytest.raises(sa.exc.IntegrityError):
            session.execute(sa.delete(Account))
        session.rollback()


def test_the_same_id_may_stand_in_two_stores(database: Database) -> None:
    same = uuid7()
    for tenant in (OURS, THEIRS):
        with database.session(tenant) as session, session.begin():
            session.add(
                Account(
                    id=same,
                    username="a",
                    username_key="a",
                    email="a@x.example",
                    display_name="A",
                    created_at=machine_time(),
                )
            )
    with database.session(OURS) as session, session.begin():
        session.execute(sa.delete(Account).where(Account.id == same))
    with database.session(THEIRS) as session:
        assert session.get(Account, (THEIRS, same)) is not None


def test_references_are_checked_on_every_connection(database: Database) -> None:
    if not database.is_sqlite:
        return
    for _ in range(3):
        database.dispose()
        with database.session() as session, unscoped("asks the driver"):
            assert session.scalar(sa.text("PRAGMA foreign_keys")) == 1


def test_no_model_has_a_hole() -> None:
    load_all_models()
    assert list(holes()) == []


def test_planted_holes_are_found() -> None:
    class Planted(orm.DeclarativeBase):
        pass

    class Shelf(TenantOwned, Planted):
        __tablename__ = "shelf"

    class Bare(TenantOwned, Planted):
        __tablename__ = "bare"
        __table_args__ = (
            sa.UniqueConstraint("code", name="uq_code"),
            sa.Index("ix_code", "code", unique=True),
            sa.ForeignKeyConstraint(["shelf_id"], ["shelf.id"], name="fk_shelf", ondelete="RESTRICT"),
            sa.ForeignKeyConstraint(
                ["tenant_id", "other_id"],
                ["shelf.tenant_id", "shelf.id"],
                name="fk_null",
                ondelete="SET NULL",
            ),
        )
        code: orm.Mapped[str]
        shelf_id: orm.Mapped[UUID]
        other_id: orm.Mapped[UUID]

    class Unlisted(Planted):
        __tablename__ = "unlisted"
        tenant_id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True)
        secret: orm.Mapped[str]

    class Copied(Planted):
        __tablename__ = "copied"
        tenant_id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True)
        id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True)

    assert sorted(line.split(" so ")[0] for line in holes(Planted)) == [
        "bare: fk_null has ON DELETE SET NULL",
        "bare: fk_shelf refers across stores",
        "bare: ix_code is unique over all stores",
        "bare: uq_code is unique over all stores",
        "copied: Copied is no TenantOwned,",
        "unlisted: neither (tenant_id, id) nor on the list of platform tables",
    ]
    assert {Shelf, Bare, Unlisted, Copied} == {mapper.class_ for mapper in Planted.registry.mappers}
    assert Base.metadata is not Planted.metadata
