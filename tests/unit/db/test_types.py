"""The column types, on both databases: what goes in comes out, in UTC, to the microsecond."""

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_core.catalog.models import Publisher
from platform_core.db import Database, UTCDateTime, enum_type, unscoped, uuid7
from platform_core.events.models import Event
from platform_core.tenancy.models import Tenant

MOMENTS = st.datetimes(
    datetime(1900, 1, 1),
    datetime(9000, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-8))]),
)


def _tenant(moment: datetime) -> Tenant:
    return Tenant(slug="clock", names={}, created_at=moment, changed_at=moment)


@given(MOMENTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_moment_survives_to_the_microsecond(database: Database, moment: datetime) -> None:
    with database.session() as session, session.begin() as transaction:
        session.add(_tenant(moment))
        session.flush()
        found = session.scalar(sa.select(Tenant.created_at).where(Tenant.created_at == moment))
        before = session.scalar(
            sa.select(Tenant.slug).where(Tenant.created_at < moment + timedelta(microseconds=1))
        )
        transaction.rollback()
    assert found == moment
    assert found.tzinfo is UTC
    assert before == "clock"


def test_sqlite_keeps_whole_microseconds_so_that_moments_sort(database: Database) -> None:
    moment = datetime(2026, 3, 8, 7, 0, 0, 123456, tzinfo=UTC)
    with database.session() as session, session.begin():
        session.add(_tenant(moment))
    with database.session() as session, unscoped("looks at the stored form"):
        stored = session.scalar(sa.text("SELECT created_at FROM tenant"))
    assert stored == (1772953200123456 if database.is_sqlite else moment)


def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    with database.session() as session, session.begin():
        session.add(_tenant(datetime(2026, 1, 1)))
        with pytest.raises(sa.exc.StatementError, match="without a zone"):
            session.flush()
        session.rollback()


def test_moments_read_by_any_session_time_zone_are_utc(database: Database) -> None:
    moment = datetime(2026, 3, 8, 7, tzinfo=UTC)
    with database.session() as session, session.begin():
        session.add(_tenant(moment))
    with database.session() as session:
        if not database.is_sqlite:
            with unscoped("sets the connection's zone"):
                session.execute(sa.text("SET LOCAL TIME ZONE 'Asia/Tokyo'"))
        found = session.scalar(sa.select(Tenant.created_at))
    assert found is not None
    assert (found, found.tzinfo) == (moment, UTC)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def test_an_enum_is_a_varchar_with_a_named_check() -> None:
    column = enum_type(Colour, "colour")
    assert column.enums == ["red", "blue"]
    assert (column.native_enum, column.create_constraint, column.length) == (False, True, 32)


def test_the_database_refuses_a_value_outside_the_enum(database: Database) -> None:
    with database.session() as session, session.begin(), unscoped("writes what the model would refuse"):
        insert = sa.text(
            "INSERT INTO tenant (id, slug, names, state, digest, created_at, changed_at)"
            " VALUES (:id, 'x', '{}', 'ajar', '', :at, :at)"
        ).bindparams(sa.bindparam("id", type_=sa.Uuid), sa.bindparam("at", type_=UTCDateTime))
        with pytest.raises(sa.exc.IntegrityError, match="ck_tenant_state"):
            session.execute(insert, {"id": uuid7(), "at": datetime(2026, 1, 1, tzinfo=UTC)})
        session.rollback()


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"": "Korvane"},
        {"fr": "Université · « élève »", "ar": "مرحبا", "x": "👩‍🎓"},
        {"n": [1, None, {"a": 2}]},
    ],
)
def test_json_survives(database: Database, value: dict[str, Any]) -> None:
    with database.session(uuid7()) as session, session.begin():
        session.add(Publisher(slug="p", name=value))
        session.flush()
        session.expire_all()
        assert session.scalars(sa.select(Publisher.name)).one() == value


def test_a_missing_json_value_is_null_and_not_the_word_null(database: Database) -> None:
    with database.session(uuid7()) as session, session.begin():
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        session.add(
            Event(
                subject_type="x",
                actor="a",
                tag="t",
                data=None,
                business_at=moment,
                wall_at=moment,
            )
        )
        with pytest.raises(sa.exc.IntegrityError):
            session.flush()
        session.rollback()
