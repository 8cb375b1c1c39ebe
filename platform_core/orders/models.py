"""Orders: a snapshot of all that was shown and agreed, which a later change of the catalogue never touches."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.db import Base, TenantOwned, enum_type, tenant_fk


class OrderState(StrEnum):
    """Stored status; the label that people read may be that of the first open hold."""

    PLACED = "placed"
    PROCESSING = "processing"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


class OrderMode(StrEnum):
    """Test orders never count."""

    LIVE = "live"
    TEST = "test"


class Order(TenantOwned, Base):
    """One order. `number` is public and random; `checkout_id` makes a double click one order."""

    __tablename__ = "order"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "number"),
        sa.UniqueConstraint("tenant_id", "checkout_id"),
        tenant_fk("account_id", "account"),
        sa.Index("ix_order_account", "tenant_id", "account_id", "placed_at", "id"),
    )
    number: Mapped[str] = mapped_column(sa.String(16))
    account_id: Mapped[UUID]
    checkout_id: Mapped[UUID]
    state: Mapped[OrderState] = mapped_column(enum_type(OrderState, "state"))
    mode: Mapped[OrderMode] = mapped_column(enum_type(OrderMode, "mode"), default=OrderMode.LIVE)
    language: Mapped[str] = mapped_column(sa.String(12))
    currency: Mapped[str] = mapped_column(sa.String(3))
    net: Mapped[int]
    tax: Mapped[int]
    total: Mapped[int]
    placed_at: Mapped[datetime]
    snapshot: Mapped[dict[str, Any]]


class OrderContact(TenantOwned, Base):
    """To whom the receipt goes (CRT-07): a row of its own, so that it can be erased."""

    __tablename__ = "order_contact"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "order_id"), tenant_fk("order_id", "order"))
    order_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(sa.String(400))
    email: Mapped[str] = mapped_column(sa.String(320))


class LineState(StrEnum):
    """`waiting` lines wait for a key; the order itself does not."""

    OPEN = "open"
    WAITING = "waiting"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


class OrderLine(TenantOwned, Base):
    """One item. `snapshot` holds what was shown; money in minor units of the order's currency."""

    __tablename__ = "order_line"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "order_id", "position"),
        tenant_fk("order_id", "order"),
        tenant_fk("product_id", "product"),
        tenant_fk("offer_id", "offer"),
    )
    order_id: Mapped[UUID]
    position: Mapped[int]
    product_id: Mapped[UUID]
    offer_id: Mapped[UUID]
    variant: Mapped[str | None] = mapped_column(sa.String(100))
    quantity: Mapped[int] = mapped_column(sa.BigInteger, sa.CheckConstraint("quantity > 0", name="positive"))
    state: Mapped[LineState] = mapped_column(enum_type(LineState, "state"), default=LineState.OPEN)
    net: Mapped[int]
    tax: Mapped[int]
    total: Mapped[int]
    tax_code: Mapped[str] = mapped_column(sa.String(20), default="")
    tax_rate: Mapped[str] = mapped_column(sa.String(12), default="0")
    tax_source: Mapped[str] = mapped_column(sa.String(100), default="")
    snapshot: Mapped[dict[str, Any]]


class OrderAgreement(TenantOwned, Base):
    """A licence agreement accepted for one line (EXT-02): which version, when, in which language."""

    __tablename__ = "order_agreement"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "line_id"),
        tenant_fk("line_id", "order_line"),
        tenant_fk("agreement_id", "agreement"),
    )
    line_id: Mapped[UUID]
    agreement_id: Mapped[UUID]
    version: Mapped[str] = mapped_column(sa.String(40))
    language: Mapped[str] = mapped_column(sa.String(12))
    accepted_at: Mapped[datetime]


class HoldKind(StrEnum):
    """Why an order waits."""

    PAYMENT = "payment"
    VERIFICATION = "verification"
    APPROVAL = "approval"
    REVIEW = "review"


class OrderHold(TenantOwned, Base):
    """One reason why an order waits, from `since`; open while `outcome` is empty."""

    __tablename__ = "order_hold"
    __table_args__ = (
        tenant_fk("order_id", "order"),
        sa.Index("ix_order_hold_order", "tenant_id", "order_id"),
    )
    order_id: Mapped[UUID]
    kind: Mapped[HoldKind] = mapped_column(enum_type(HoldKind, "kind"))
    since: Mapped[datetime]
    deadline: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(sa.String(40))
