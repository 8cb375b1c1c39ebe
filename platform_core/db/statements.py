"""What a statement touches, and whether SQLAlchemy's loader criteria would hold it inside one store.

The criteria of `TenantSession` reach mapped entities in SELECT, UPDATE and DELETE, in subqueries, CTEs, unions
and aliases too. They do not reach what is listed here (each was tried): text, tables named without their
class, the second table of an UPDATE … FROM, and anything that is read inside an INSERT.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.sql import visitors
from sqlalchemy.sql.ddl import ExecutableDDLElement
from sqlalchemy.sql.dml import Delete, Insert, Update, UpdateBase
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.selectable import AliasedReturnsRows, Join, Select, SelectBase, TableClause

from platform_core.db.base import Base, is_owned

_ENTITY = "parententity"


def parts_of(statement: Any) -> list[Any]:
    """The statement and everything in it, for the functions below: one walk for all."""
    return list(visitors.iterate(statement))


def owned_table(statement: Any, parts: list[Any]) -> str | None:
    """The name of a tenant-owned table that the statement touches, or None."""
    for part in parts:
        if isinstance(part, sa.Table) and is_owned(part):
            return str(part.name)
    table = getattr(statement, "table", None)
    return str(table.name) if isinstance(table, sa.Table) and is_owned(table) else None


def opaque(statement: Any, parts: list[Any]) -> str | None:
    """What in the statement cannot be looked into at all, so that nobody knows which tables it touches."""
    if isinstance(statement, ExecutableDDLElement):
        return "a change of the schema"
    for part in parts:
        if isinstance(part, sa.TextClause):
            return "text()"
        if isinstance(part, ColumnClause) and part.is_literal and part.name != "*":
            return "literal_column()"
        if isinstance(part, sa.Table):
            if part.metadata is not Base.metadata:
                return f"the table {part.name} of another MetaData"
        elif isinstance(part, TableClause):
            return f"table({part.name!r})"
        elif isinstance(part, UpdateBase) and part is not statement:
            return "an INSERT, UPDATE or DELETE inside another statement"
    return None


def unfiltered(statement: Any, parts: list[Any]) -> str | None:
    """What in the statement touches tenant-owned tables and would not get the session's criteria."""
    if isinstance(statement, orm.FromStatement):
        return "from_statement()"
    for part in parts:
        if isinstance(part, Select) and (flaw := _unfiltered_select(part)) is not None:
            return flaw
    if isinstance(statement, Update | Delete):
        return _second_source(statement)
    if isinstance(statement, Insert):
        return _reads_inside(statement)
    return None


def foreign_values(statement: Any, parameters: Any, tenant: UUID) -> str | None:
    """Why the values written by an INSERT or UPDATE would not stay in the store `tenant`."""
    if isinstance(statement, Update):
        if parameters and not isinstance(parameters, Mapping):
            return "a bulk UPDATE by primary key"
        written = [*_keys(statement._values), *_keys(parameters)]
        return "an UPDATE of tenant_id" if "tenant_id" in written else None
    if not isinstance(statement, Insert):
        return None
    if statement.select is not None:
        return "an INSERT from a SELECT"
    changed = getattr(statement._post_values_clause, "update_values_to_set", None)
    if "tenant_id" in _keys(changed):
        return "an UPDATE of tenant_id"
    if any(row.get("tenant_id") != tenant for row in _inserted_rows(statement, parameters)):
        return "an INSERT that does not name this session's store"
    return None


def _source_table(source: Any) -> sa.Table | None:
    while isinstance(source, AliasedReturnsRows):
        source = source.element
    return source if isinstance(source, sa.Table) and is_owned(source) else None


def _unfiltered_select(select: Select[Any]) -> str | None:
    if select._propagate_attrs.get("compile_state_plugin") != "orm":
        sources = (part for source in select._iterate_from_elements() for part in visitors.iterate(source))
        return "a Core SELECT" if any(_source_table(part) is not None for part in sources) else None
    if any(_named_without_class(source) for source in _explicit_sources(select)):
        return "a table named without its class"
    by_class: set[str] = set()
    bare: list[ColumnClause[Any]] = []
    for part in (*_explicit_sources(select), *_outside_selects(select)):
        if isinstance(part, sa.Table):
            if _ENTITY in part._annotations:
                by_class.add(part.name)
        elif isinstance(part, ColumnClause) and _source_table(part.table) is not None:
            if _ENTITY in part._annotations:
                by_class.add(part.table.name if isinstance(part.table, sa.Table) else "")
            else:
                bare.append(part)
    for column in bare:  # SQLAlchemy's own get() and refresh() name a mapped table's columns in this way
        if not isinstance(column.table, sa.Table) or column.table.name not in by_class:
            return f"the column {column} named without its class"
    return None


def _explicit_sources(select: Select[Any]) -> Iterator[Any]:
    yield from select._from_obj
    for target, _onclause, left, _flags in select._setup_joins:
        yield target
        if left is not None:
            yield left


def _named_without_class(source: Any) -> bool:
    if isinstance(source, Join):
        return _named_without_class(source.left) or _named_without_class(source.right)
    if _ENTITY in getattr(source, "_annotations", {}):
        return False
    return _source_table(source) is not None


def _outside_selects(statement: Any) -> Iterator[Any]:
    waiting = list(statement.get_children())
    while waiting:
        part = waiting.pop()
        if not isinstance(part, SelectBase):
            yield part
            waiting += part.get_children()


def _second_source(statement: Update | Delete) -> str | None:
    for part in _outside_selects(statement):
        if isinstance(part, ColumnClause) and part.table is not None:
            table = part.table
            same = isinstance(table, sa.Table) and table.name == statement.table.name  # type: ignore[union-attr]
            if not same and _source_table(table) is not None:
                return f"a second table in an {statement.__visit_name__.upper()}"
    return None


def _reads_inside(statement: Insert) -> str | None:
    several = [value for many in statement._multi_values for row in many for value in _values(row)]
    for top in (statement, *(value for value in several if isinstance(value, sa.ClauseElement))):
        for part in parts_of(top):
            if isinstance(part, Select) and owned_table(part, parts_of(part)):
                return "a SELECT inside an INSERT"
    return None


def _keys(values: Any) -> list[str]:
    pairs = values.items() if isinstance(values, Mapping) else values or ()
    return [str(getattr(key, "key", key)) for key, _value in pairs]


def _values(row: Any) -> Any:
    return row.values() if isinstance(row, Mapping) else row


def _inserted_rows(statement: Insert, parameters: Any) -> list[dict[str, Any]]:
    groups: list[Any] = [parameters] if isinstance(parameters, Mapping) else list(parameters or ())
    groups.append(statement._values or {})
    for many in statement._multi_values:
        groups.extend(many)
    return [
        {str(getattr(key, "key", key)): getattr(value, "value", value) for key, value in group.items()}
        for group in groups
        if group
    ]
