"""The rows of a cart: a signed-in person's, or a browser's by the hash of a random cookie (30 days).

Nothing here decides what a cart is worth or who may have it: that is `checkout.basket`.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from platform_core.catalog.models import Product
from platform_core.checkout.models import Cart, CartLine
from platform_core.db import TenantSession, uuid7
from platform_core.tenancy.store import Store

KEPT = timedelta(days=30)
MOST = 99
"""How many of one product go into a cart where its offer has no limit."""


def cookie_name(scheme: str) -> str:
    """`__Host-cart` on HTTPS, where a browser guards that prefix; `cart` on HTTP."""
    return "__Host-cart" if scheme == "https" else "cart"


def new_token() -> str:
    """A value for the cookie: 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What the row keeps of the cookie's value."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose cart: an account's, or that of the browser which holds `token`."""

    account_id: UUID | None = None
    token: str | None = None

    def condition(self, store: Store) -> sa.ColumnElement[bool]:
        """Finds the one row; a browser's that has expired is not found."""
        if self.account_id is not None:
            return Cart.account_id == self.account_id
        if self.token is None:
            return sa.false()
        return sa.and_(Cart.token_hash == token_hash(self.token), Cart.expires_at > store.clock.wall())


@dataclass(frozen=True, slots=True)
class Row:
    """One line with what its product is called, on the shelf or off it."""

    product_id: UUID
    slug: str
    name: Any
    pattern: str
    monogram: str
    variant: str
    quantity: int
    price_seen: int | None
    currency_seen: str | None
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Contents:
    """A cart as it stands: its lines in the order they were put in, and what was told of them before."""

    rows: tuple[Row, ...] = ()
    notices: tuple[Any, ...] = ()

    @property
    def count(self) -> int:
        """How many things are in it."""
        return sum(row.quantity for row in self.rows)


def read(session: TenantSession, store: Store, owner: Owner) -> Contents:
    """What is in a cart, in one statement; empty for one that does not exist, without any for nobody's."""
    if owner == Owner():
        return Contents()
    same_line = sa.and_(CartLine.tenant_id == Cart.tenant_id, CartLine.cart_id == Cart.id)
    same_product = sa.and_(Product.tenant_id == CartLine.tenant_id, Product.id == CartLine.product_id)
    found = session.execute(
        sa.select(Cart, CartLine, Product.slug, Product.name, Product.pattern, Product.monogram)
        .outerjoin(CartLine, same_line)
        .outerjoin(Product, same_product)
        .where(owner.condition(store))
        .order_by(CartLine.added_at, CartLine.id)
        .execution_options(populate_existing=True)
    ).all()
    if not found:
        return Contents()
    rows = tuple(
        Row(
            product_id=line.product_id,
            slug=slug,
            name=name,
            pattern=pattern,
            monogram=monogram,
            variant=line.variant,
            quantity=line.quantity,
            price_seen=line.price_seen,
            currency_seen=line.currency_seen,
            added_at=line.added_at,
        )
        for _cart, line, slug, name, pattern, monogram in found
        if line is not None
    )
    return Contents(rows, tuple(found[0][0].notices))


def count(session: TenantSession, store: Store, owner: Owner) -> int:
    """How many things are in a cart, in one statement."""
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(CartLine.quantity), 0))
        .join(Cart, sa.and_(Cart.tenant_id == CartLine.tenant_id, Cart.id == CartLine.cart_id))
        .where(owner.condition(store))
    )
    return int(session.scalar(query) or 0)


def count_select(account_id: UUID) -> sa.Select[str, int]:
    """The same number for `request.personal["cart"]["count"]`."""
    return (
        sa.select(sa.literal("count"), sa.func.coalesce(sa.func.sum(CartLine.quantity), 0))
        .select_from(CartLine)
        .join(Cart, sa.and_(Cart.tenant_id == CartLine.tenant_id, Cart.id == CartLine.cart_id))
        .where(Cart.account_id == account_id)
    )


def lock(session: TenantSession, store: Store, owner: Owner) -> Cart | None:
    """The cart's row, held until the transaction ends: changes of one cart and its checkout wait for each other."""
    return session.scalars(
        sa.select(Cart)
        .where(owner.condition(store))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def open_cart(session: TenantSession, store: Store, owner: Owner, currency: str) -> Cart:
    """The cart of `owner`, made if there is none, and held. Safe when two requests make it at once."""
    now = store.clock.wall()
    if (cart := lock(session, store, owner)) is None:
        hashed = token_hash(owner.token) if owner.account_id is None and owner.token else None
        insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        session.execute(
            insert(Cart)
            .values(
                tenant_id=session.tenant,
                id=uuid7(),
                account_id=owner.account_id,
                token_hash=hashed,
                currency=currency,
                notices=[],
                created_at=now,
                expires_at=now + KEPT if hashed else None,
            )
            .on_conflict_do_nothing()
        )
        cart = lock(session, store, owner)
        if cart is None:
            raise RuntimeError("a new cart is found at once: an expired token is never used again (`usable`)")
    cart.currency = currency
    if cart.account_id is None:
        cart.expires_at = now + KEPT
    return cart


def usable(session: TenantSession, store: Store, token: str | None) -> str:
    """The token of a browser's cookie if its cart still stands, else a new one."""
    if token and lock(session, store, Owner(token=token)) is not None:
        return token
    return new_token()


def _lines(session: TenantSession, cart: Cart) -> list[CartLine]:
    return list(
        session.scalars(
            sa.select(CartLine).where(CartLine.cart_id == cart.id).order_by(CartLine.added_at, CartLine.id)
        )
    )


def quantity_of(session: TenantSession, cart: Cart, product_id: UUID, *, besides: str | None = None) -> int:
    """How many of a product are in the cart, in all its variants but `besides`."""
    return sum(
        line.quantity
        for line in _lines(session, cart)
        if line.product_id == product_id and line.variant != besides
    )


def put(
    session: TenantSession,
    store: Store,
    cart: Cart,
    product_id: UUID,
    variant: str,
    quantity: int,
    seen: tuple[int, str] | None,
) -> None:
    """Make the cart hold `quantity` of one product and variant; `seen` is the price shown (amount, currency)."""
    line = next(
        (each for each in _lines(session, cart) if (each.product_id, each.variant) == (product_id, variant)),
        None,
    )
    if line is None:
        line = CartLine(cart_id=cart.id, product_id=product_id, variant=variant, added_at=store.clock.now())
        session.add(line)
    line.quantity = quantity
    line.price_seen, line.currency_seen = seen or (None, None)
    session.flush()


def remove(session: TenantSession, cart: Cart, product_id: UUID, variant: str) -> bool:
    """Take one line out; was it there?"""
    done: Any = session.execute(
        sa.delete(CartLine).where(
            CartLine.cart_id == cart.id, CartLine.product_id == product_id, CartLine.variant == variant
        )
    )
    return bool(done.rowcount)


def told(session: TenantSession, cart: Cart, prices: Iterable[tuple[UUID, int, str]]) -> None:
    """The reader has seen the cart as it is now: keep the prices (product, amount, currency), drop old notices."""
    cart.notices = []
    seen = {product_id: (amount, currency) for product_id, amount, currency in prices}
    for line in _lines(session, cart):
        line.price_seen, line.currency_seen = seen.get(line.product_id, (line.price_seen, line.currency_seen))
    session.flush()


def clear(session: TenantSession, cart: Cart) -> None:
    """Empty the cart: what was in it has become an order."""
    session.execute(sa.delete(CartLine).where(CartLine.cart_id == cart.id))
    cart.notices = []
    session.flush()


def merge(
    session: TenantSession, store: Store, token: str, account_id: UUID, limits: "Limits"
) -> Sequence[Any]:
    """At sign-in: what a browser put aside joins the person's cart. The answer tells each change.

    The same product and variant twice becomes the larger of the two quantities, within the offer's limit.
    """
    loose = lock(session, store, Owner(token=token))
    if loose is None:
        return []
    coming = _lines(session, loose)
    changes: list[Any] = []
    if coming:
        cart = open_cart(session, store, Owner(account_id=account_id), loose.currency)
        held = {(line.product_id, line.variant): line for line in _lines(session, cart)}
        kept_before = bool(held)
        for line in coming:
            change = _merge_line(session, cart, held, line, limits)
            if change["kind"] != "added" or kept_before:
                changes.append(change)
        cart.notices = [*cart.notices, *changes]
    session.execute(sa.delete(CartLine).where(CartLine.cart_id == loose.id))
    session.execute(sa.delete(Cart).where(Cart.id == loose.id))
    session.flush()
    return changes


def _merge_line(
    session: TenantSession,
    cart: Cart,
    held: dict[tuple[UUID, str], CartLine],
    line: CartLine,
    limits: "Limits",
) -> dict[str, Any]:
    others = sum(
        each.quantity
        for (product_id, variant), each in held.items()
        if product_id == line.product_id and variant != line.variant
    )
    most = max(limits.most(line.product_id) - others, 0)
    mine = held.get((line.product_id, line.variant))
    before = mine.quantity if mine else 0
    # What was there already is never made less by signing in.
    after = max(before, min(line.quantity, most))
    change = {"product": str(line.product_id), "variant": line.variant, "before": before, "after": after}
    if after == 0:
        return change | {"kind": "left_out", "most": limits.most(line.product_id)}
    if mine is None:
        mine = CartLine(
            cart_id=cart.id,
            product_id=line.product_id,
            variant=line.variant,
            price_seen=line.price_seen,
            currency_seen=line.currency_seen,
            added_at=line.added_at,
        )
        held[(line.product_id, line.variant)] = mine
        session.add(mine)
    mine.quantity = after
    if before == 0:
        return change | {"kind": "added" if after == line.quantity else "limited"}
    return change | {"kind": "raised" if after > before else "same"}


class Limits:
    """How many of each product one person may order at most, whoever they are: from the store's offers."""

    def __init__(self, most: dict[UUID, int]) -> None:
        self._most = most

    def most(self, product_id: UUID) -> int:
        """The largest limit of its offers; what is no longer for sale is kept as it is."""
        return self._most.get(product_id, MOST)
