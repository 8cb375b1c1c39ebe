"""A checkout: a row that its steps fill, and the final check that turns it into an order."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa

from platform_core.accounts.person import Person
from platform_core.catalog.models import Agreement
from platform_core.catalog.services import take_use, use_numbers, uses_of
from platform_core.checkout import cart
from platform_core.checkout.basket import Basket, Change, Mark, basket, changes
from platform_core.checkout.cleaning import ask_to_forget
from platform_core.checkout.models import Checkout, CheckoutState
from platform_core.db import TenantSession
from platform_core.db.points import reached
from platform_core.events.services import record
from platform_core.fulfilment.services import fulfil
from platform_core.keyring import KeyRing
from platform_core.orders import services as orders
from platform_core.orders.models import Order
from platform_core.tenancy.models import Revision
from platform_core.tenancy.store import Store


class Refused(Exception):
    """The final check said no: the caller rolls back and shows `basket`, in which every reason stands.

    `changed` is what differs from what the buyer was shown, `not_accepted` the products whose agreement is
    still to be accepted, `limited` the product of which somebody (another tab) has just had the last one.
    """

    def __init__(
        self,
        now: Basket,
        *,
        changed: Sequence[Change] = (),
        not_accepted: Sequence[str] = (),
        limited: str | None = None,
    ) -> None:
        super().__init__("the order was refused")
        self.basket = now
        self.changed = changed
        self.not_accepted = frozenset(not_accepted)
        self.limited = limited


class NoCheckout(LookupError):
    """No checkout of this person has that token."""


def find(session: TenantSession, account_id: UUID, token: str, *, hold: bool = False) -> Checkout | None:
    """A person's own checkout; with `hold` until the transaction ends."""
    query = sa.select(Checkout).where(Checkout.token == token, Checkout.account_id == account_id)
    if hold:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def current(session: TenantSession, account_id: UUID) -> Checkout | None:
    """The checkout that a person has begun and not finished."""
    return session.scalars(
        sa.select(Checkout)
        .where(Checkout.account_id == account_id, Checkout.state == CheckoutState.OPEN)
        .order_by(Checkout.created_at.desc(), Checkout.id.desc())
        .limit(1)
    ).one_or_none()


def save_details(
    session: TenantSession, store: Store, account_id: UUID, *, currency: str, name: str, email: str
) -> Checkout:
    """Begin the person's checkout, or go on with it, and keep to whom the receipt goes (CRT-07).

    A person has one open checkout at a time: two tabs fill the same, and so become one order. The cart's row
    is held meanwhile.
    """
    cart.open_cart(session, store, cart.Owner(account_id=account_id), currency)
    checkout = current(session, account_id)
    if checkout is None:
        checkout = Checkout(
            token=secrets.token_urlsafe(24), account_id=account_id, agreed={}, created_at=store.clock.now()
        )
        session.add(checkout)
    checkout.currency = currency
    checkout.contact_name = name
    checkout.contact_email = email
    session.flush()
    ask_to_forget(session, store.clock)
    reached("checkout.begun")
    return checkout


def read_basket(
    session: TenantSession,
    store: Store,
    person: Person,
    currency: str,
    locale: str,
    numbers: Mapping[str, int] | None = None,
) -> Basket:
    """The person's cart, priced and decided on. Without `numbers` their uses of offers are read here."""
    if numbers is None:
        numbers = {row.key: row.value for row in session.execute(use_numbers(person.account_id))}
    return basket(
        store,
        cart.read(session, store, cart.Owner(account_id=person.account_id)),
        person=person.terms,
        currency=currency,
        uses=uses_of(numbers, store),
        locale=locale,
    )


def agreement_texts(session: TenantSession, now: Basket) -> dict[UUID, Mapping[str, str]]:
    """The texts of the licence agreements of what is in a basket, by agreement, in one statement."""
    wanted = {item.product.agreement.id for item in now.items if item.product and item.product.agreement}
    if not wanted:
        return {}
    rows = session.execute(sa.select(Agreement.id, Agreement.text).where(Agreement.id.in_(wanted)))
    return {row.id: row.text for row in rows}


def published_revision(session: TenantSession, store: Store) -> int:
    """The store's revision, held FOR SHARE: until this transaction ends, no price or rule changes."""
    number = session.scalar(
        sa.select(Revision.number).where(Revision.tenant_id == store.id).with_for_update(read=True)
    )
    assert number is not None
    return number


def proceed(
    session: TenantSession,
    store: Store,
    keys: KeyRing,
    person: Person,
    *,
    token: str,
    shown: Iterable[Mark],
    accepted: Mapping[str, str],
    locale: str,
) -> Order:
    """`Proceed with Order`: check everything once more, write the order, give what it gives, in one transaction.

    `store` is the revision that `published_revision` holds, `person` was read in this session. `shown` is what
    the review page showed; `accepted` maps product slugs to the `acceptance` that was ticked. A checkout that
    has become an order answers that order. Raises Refused, NoCheckout, orders.AlreadyPlaced: the caller rolls
    back.
    """
    basket_row = cart.lock(session, store, cart.Owner(account_id=person.account_id))
    checkout = find(session, person.account_id, token, hold=True)
    if checkout is None:
        raise NoCheckout(token)
    if checkout.state is CheckoutState.ORDERED:
        earlier = orders.of_checkout(session, checkout.id)
        assert earlier is not None
        return earlier
    now = read_basket(session, store, person, checkout.currency, locale)
    agreed, missing = _agreed(session, store, now, accepted, locale)
    changed = changes(shown, now)
    if changed or missing or not now.orderable:
        raise Refused(now, changed=changed, not_accepted=missing)
    items = now.order_items()
    for item in sorted(items, key=lambda each: each.offer.id):
        if not take_use(session, store, person.account_id, item.offer, item.quantity):
            raise Refused(now, limited=item.product.slug)
    reached("checkout.checked")
    order = orders.place(
        session,
        store,
        person,
        checkout_id=checkout.id,
        items=items,
        contact_name=checkout.contact_name,
        contact_email=checkout.contact_email,
        language=locale,
        currency=checkout.currency,
        agreed=agreed,
    )
    reached("checkout.placed")
    fulfil(session, store, keys, order.id)
    checkout.state = CheckoutState.ORDERED
    # The order has its contact in a row that can be erased; no copy stays here.
    checkout.contact_name = checkout.contact_email = ""
    checkout.agreed = {
        slug: accepted[slug] for slug in sorted(accepted) if slug in {i.product.slug for i in items}
    }
    assert basket_row is not None
    cart.clear(session, basket_row)
    session.flush()
    reached("checkout.fulfilled")
    return order


def _agreed(
    session: TenantSession, store: Store, now: Basket, accepted: Mapping[str, str], locale: str
) -> tuple[dict[UUID, orders.Agreed], list[str]]:
    """The acceptances by product, and the slugs of those that are missing or are of another version."""
    texts = agreement_texts(session, now)
    agreed: dict[UUID, orders.Agreed] = {}
    missing: list[str] = []
    for item in now.items:
        agreement = item.product.agreement if item.product else None
        if item.product is None or agreement is None:
            continue
        version, _, language = accepted.get(item.product.slug, "").partition("|")
        offered = texts.get(agreement.id, {})
        if version != agreement.version or language not in {*offered, locale}:
            missing.append(item.product.slug)
            continue
        agreed[item.product.id] = orders.Agreed(agreement.id, version, language, store.clock.now())
    return agreed, missing


def record_refusal(session: TenantSession, store: Store, account_id: UUID, refused: Refused) -> None:
    """Keep why an order was refused, for support. In a session of its own: the request's is rolled back."""
    codes = sorted({criterion.code for item in refused.basket.items for criterion in item.failed})
    record(
        session,
        store.clock,
        f"person:{account_id}",
        "checkout:order:refused",
        "account",
        account_id,
        reasons=codes,
        changed=sorted(change.slug for change in refused.changed),
        not_accepted=sorted(refused.not_accepted),
        limited=refused.limited,
    )
