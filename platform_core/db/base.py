"""The declarative base, the mixin of tenant-owned tables and the column types that every room uses."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from platform_core.clock import EPOCH
from platform_core.db.ids import uuid7


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """Aware datetimes in UTC: `timestamptz` on PostgreSQL, integer microseconds since the epoch on SQLite."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(sa.BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone cannot be stored; use Clock.now() or Clock.wall()")
        if dialect.name == "postgresql":
            return value
        return (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return EPOCH + timedelta(microseconds=value)


JSONValue = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def enum_type(enum: type[StrEnum], name: str) -> sa.Enum:
    """A VARCHAR with a CHECK over the values of `enum`; `name` names the constraint."""
    return sa.Enum(
        enum,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


class Base(orm.DeclarativeBase):
    """Base of every table, the core's and the plugins'. Constraints are named, so that migrations find them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UTCDateTime,
        UUID: sa.Uuid,
        dict[str, Any]: JSONValue,
        list[Any]: JSONValue,
        list[str]: JSONValue,
        int: sa.BigInteger,
        str: sa.Text,
    }


class TenantOwned:
    """A row of one store: primary key `(tenant_id, id)`, `id` a UUIDv7.

    The session fills `tenant_id` and refuses another store's (see `db.session`); references to such rows are
    composite (`tenant_fk`), so the database itself refuses a reference across stores.
    """

    @orm.declared_attr
    def tenant_id(cls) -> orm.Mapped[UUID]:
        return orm.mapped_column(sa.Uuid, primary_key=True, sort_order=-20)

    @orm.declared_attr
    def id(cls) -> orm.Mapped[UUID]:
        return orm.mapped_column(sa.Uuid, primary_key=True, default=uuid7, sort_order=-19)


def tenant_fk(column: str, target: str, *, ondelete: str = "RESTRICT") -> sa.ForeignKeyConstraint:
    """A reference within one store: `(tenant_id, column)` points to `(target.tenant_id, target.id)`."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], ondelete=ondelete
    )


def is_owned(table: sa.Table) -> bool:
    """Does the table stand behind the wall: does its primary key begin with `tenant_id` and `id`?"""
    return [column.name for column in table.primary_key.columns] == ["tenant_id", "id"]


def owned_tables(metadata: sa.MetaData = Base.metadata) -> Mapping[str, sa.Table]:
    """The tables behind the wall, by name."""
    return {name: table for name, table in metadata.tables.items() if is_owned(table)}
