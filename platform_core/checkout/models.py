"""The cart and the steps of a checkout, before there is an order."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.db import Base, TenantOwned, enum_type, tenant_fk


class Cart(TenantOwned, Base):
    """What somebody put aside: a signed-in person's, or a browser's by the hash of its cookie (30 days)."""

    __tablename__ = "cart"
    __table_args__ = (
        tenant_fk("account_id", "account"),
        sa.UniqueConstraint("tenant_id", "account_id"),
        sa.UniqueConstraint("tenant_id", "token_hash"),
    )
    account_id: Mapped[UUID | None]
    token_hash: Mapped[str | None] = mapped_column(sa.String(64))
    currency: Mapped[str] = mapped_column(sa.String(3))
    notices: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class CartLine(TenantOwned, Base):
    """One item put aside, with the price last shown, so that a change can be told."""

    __tablename__ = "cart_line"
    __table_args__ = (
        tenant_fk("cart_id", "cart", ondelete="CASCADE"),
        tenant_fk("product_id", "product"),
        sa.UniqueConstraint("tenant_id", "cart_id", "product_id", "variant"),
    )
    cart_id: Mapped[UUID]
    product_id: Mapped[UUID]
    variant: Mapped[str] = mapped_column(sa.String(100), default="")
    quantity: Mapped[int] = mapped_column(sa.BigInteger, sa.CheckConstraint("quantity > 0", name="positive"))
    price_seen: Mapped[int | None]
    currency_seen: Mapped[str | None] = mapped_column(sa.String(3))
    added_at: Mapped[datetime]


class CheckoutState(StrEnum):
    """A checkout ends as one order, or is left."""

    OPEN = "open"
    ORDERED = "ordered"


class Checkout(TenantOwned, Base):
    """One pass through the steps. Its id is the order's `checkout_id`."""

    __tablename__ = "checkout"
    __table_args__ = (
        tenant_fk("account_id", "account"),
        sa.UniqueConstraint("tenant_id", "token"),
        sa.Index("ix_checkout_account", "tenant_id", "account_id", "state"),
    )
    token: Mapped[str] = mapped_column(sa.String(64))
    account_id: Mapped[UUID]
    state: Mapped[CheckoutState] = mapped_column(
        enum_type(CheckoutState, "state"), default=CheckoutState.OPEN
    )
    currency: Mapped[str] = mapped_column(sa.String(3))
    contact_name: Mapped[str] = mapped_column(sa.String(400), default="")
    contact_email: Mapped[str] = mapped_column(sa.String(320), default="")
    agreed: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
