"""What keeps this installation from working, in one line each."""

import sqlalchemy as sa

from platform_core.db import Database
from platform_core.db.migrate import pending
from platform_core.db.wall import UnsafeRole, refuse_unsafe_role
from platform_core.tenancy.plugins import Plugins


def problems(database: Database, plugins: Plugins) -> list[str]:
    """Empty when all is well: the database answers, is migrated, and the runtime role is walled."""
    try:
        missing = pending(database, plugins.scripts())
        refuse_unsafe_role(database.writer)
    except UnsafeRole as error:
        return [f"role: {error}"]
    except sa.exc.SQLAlchemyError as error:
        return [f"database: {type(error).__name__}; is WEBSTORE_DATABASE_URL right, and the server running?"]
    return [f"migrations: {', '.join(missing)} not run yet; run `webstore db upgrade`"] if missing else []
