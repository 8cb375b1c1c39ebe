"""`claim`: take rows that others want too, each at most once."""

from collections.abc import Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import orm

Row = TypeVar("Row")


def claim(
    session: orm.Session,
    model: type[Row],
    *conditions: sa.ColumnElement[bool],
    order_by: Sequence[Any],
    values: dict[str, Any],
    limit: int = 1,
) -> list[Row]:
    """Change the first `limit` rows that meet `conditions` in one UPDATE … RETURNING; the result is by id.

    On PostgreSQL rows that another transaction is taking are skipped (FOR UPDATE SKIP LOCKED in a CTE, which
    is worked out once); on SQLite the write lock of the transaction lets one claim run at a time.
    """
    key = model.id  # type: ignore[attr-defined]
    picked = (
        sa.select(key.label("id"))
        .where(*conditions)
        .order_by(*order_by)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    statement = (
        sa.update(model)
        .where(key.in_(sa.select(picked.c.id)))
        .values(**values)
        .returning(model)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted(session.scalars(statement), key=lambda row: row.id)  # type: ignore[attr-defined]
