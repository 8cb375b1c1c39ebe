"""The database: engines, the tenant-scoped session with its walls, column types and `claim`."""

from platform_core.db.base import Base, JSONValue, TenantOwned, UTCDateTime, enum_type, tenant_fk
from platform_core.db.claim import claim
from platform_core.db.engine import Database
from platform_core.db.ids import uuid7
from platform_core.db.session import NoTenant, TenantSession, WallBreach, unscoped

__all__ = [
    "Base",
    "Database",
    "JSONValue",
    "NoTenant",
    "TenantOwned",
    "TenantSession",
    "UTCDateTime",
    "WallBreach",
    "claim",
    "enum_type",
    "tenant_fk",
    "unscoped",
    "uuid7",
]
