"""Looks at the schema for holes in the walls: what a table without a wall, or a bare reference, looks like."""

import importlib
import pkgutil
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy import orm

import platform_core
from platform_core.db import Base, TenantOwned
from platform_core.db.base import is_owned
from platform_core.tenancy.plugins import Plugins

# The closed list: what stands outside the walls, and never holds anything personal.
PLATFORM_TABLES = frozenset({"tenant", "host", "revision", "clock", "rate_limit", "job", "plugin_fault"})
VERSION_TABLES = frozenset({"alembic_version", "alembic_version_access_guarantee"})


def load_all_models() -> None:
    """Import every room's and plugin's models, so that the metadata is complete."""
    for module in pkgutil.walk_packages(platform_core.__path__, "platform_core."):
        if module.name.rpartition(".")[2] == "models":
            importlib.import_module(module.name)
    Plugins.installed()


def holes(base: type[orm.DeclarativeBase] = Base) -> Iterator[str]:
    """Everything in the models that would let one store see or refer to another's rows."""
    owned = {name for name, table in base.metadata.tables.items() if is_owned(table)}
    for name, table in base.metadata.tables.items():
        if name not in owned:
            if name not in PLATFORM_TABLES:
                yield f"{name}: neither (tenant_id, id) nor on the list of platform tables"
            continue
        yield from _loose_references(table, owned)
        for constraint in table.constraints:
            columns = [column.name for column in getattr(constraint, "columns", ())]
            if isinstance(constraint, sa.UniqueConstraint) and columns[0] != "tenant_id":
                yield f"{name}: {constraint.name} is unique over all stores"
        for index in table.indexes:
            if index.unique and next(iter(index.columns)).name != "tenant_id":
                yield f"{name}: {index.name} is unique over all stores"
    for mapper in base.registry.mappers:
        mapped = mapper.local_table
        if not isinstance(mapped, sa.Table) or not is_owned(mapped):
            continue
        if not issubclass(mapper.class_, TenantOwned):
            yield f"{mapped.name}: {mapper.class_.__name__} is no TenantOwned, so its reads are not filtered"


def _loose_references(table: sa.Table, owned: set[str]) -> Iterator[str]:
    for reference in table.foreign_key_constraints:
        pairs = {(element.parent.name, element.column.name) for element in reference.elements}
        if reference.referred_table.name in owned and ("tenant_id", "tenant_id") not in pairs:
            yield f"{table.name}: {reference.name} refers across stores"
        if reference.ondelete not in ("RESTRICT", "CASCADE"):
            yield f"{table.name}: {reference.name} has ON DELETE {reference.ondelete}"


def unwalled(connection: sa.Connection, owned: set[str]) -> Iterator[str]:
    """Tables of a PostgreSQL database whose row level security is not what `owned` says it must be."""
    rows = connection.execute(
        sa.text(
            "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, p.policyname, p.permissive, p.roles::text,"
            " p.cmd, p.qual, p.with_check"
            " FROM pg_class c LEFT JOIN pg_policies p ON p.tablename = c.relname AND p.schemaname = 'public'"
            " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
        )
    ).all()
    rule = "(tenant_id = (NULLIF(current_setting('webstore.tenant'::text, true), ''::text))::uuid)"
    right = (True, True, "tenant_wall", "PERMISSIVE", "{public}", "ALL", rule, rule)
    found = {row[0]: tuple(row[1:]) for row in rows}
    if len(rows) != len(found):
        yield "a table has two policies: permissive ones open what another closes"
    for name in owned:
        if found.get(name) != right:
            yield f"{name}: {found.get(name)}"
    for name, state in found.items():
        if name not in owned and (state[0] or name not in PLATFORM_TABLES | VERSION_TABLES):
            yield f"{name}: {state} and neither owned nor a platform table"
