"""What was promised with an order."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.plugin_api import Base, TenantOwned, tenant_fk


class Grant(TenantOwned, Base):
    """The guarantee of one order: its kind, its days and its end (the first instant after the last day)."""

    __tablename__ = "access_guarantee_grant"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "order_id"), tenant_fk("order_id", "order"))
    order_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(sa.String(20))
    days: Mapped[int]
    until: Mapped[datetime]
