"""Small stores, products, people and orders made straight through the models, for tests below the web."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from platform_core.accounts.models import Account
from platform_core.catalog.models import (
    Category,
    LicenceKind,
    Offer,
    Product,
    ProductFile,
    ProductKind,
    Publisher,
)
from platform_core.clock import Clock, machine_time
from platform_core.db import Database, TenantSession, uuid7
from platform_core.fulfilment.handlers import HANDLERS
from platform_core.fulfilment.key_file import Values
from platform_core.fulfilment.key_import import ImportReport, import_keys
from platform_core.fulfilment.models import Credential, Entitlement
from platform_core.fulfilment.services import fulfil
from platform_core.jobs.models import Job
from platform_core.jobs.runner import Runner
from platform_core.keyring import KeyRing
from platform_core.orders.models import LineState, Order, OrderLine, OrderState
from platform_core.tenancy.jobs import Handler
from platform_core.tenancy.loading import Stores
from platform_core.tenancy.models import Revision, Tenant
from platform_core.tenancy.plugins import Plugins
from platform_core.tenancy.store import Store

ONE_KEY = ({"code": "key", "kind": "product_key", "label": "Product key"},)
TWO_KEYS = (
    {"code": "serial", "kind": "licence_number", "label": "Serial number"},
    {"code": "authorisation", "kind": "activation_code", "label": "Authorisation code"},
)
RING = {"k1": bytes(range(32)), "k2": bytes(range(32, 64))}
_numbers = count(1)


def configuration(slug: str, **changes: Any) -> dict[str, Any]:
    """A store's configuration, as short as it may be; `changes` are top-level keys."""
    return {
        "format": 1,
        "store": {
            "slug": slug,
            "name": {"en": slug.title()},
            "languages": ["en", "fr"],
            "currencies": ["CAD"],
            "country": "CA",
            "time_zone": "America/Toronto",
        },
        "distributor": {"name": "Larkfield"},
        **changes,
    }


class House:
    """One store on a database, its clock and key ring, and the worker that runs its jobs.

    `wall` may be replaced to move both clocks; `advance` moves business time of this process alone.
    """

    def __init__(
        self,
        database: Database,
        slug: str = "school",
        *,
        plugins: Mapping[str, Any] | None = None,
        handlers: Mapping[str, Handler] | None = None,
        **changes: Any,
    ) -> None:
        self.database = database
        self.wall = machine_time
        self.clock = Clock(lambda: self.wall())
        self.keys = KeyRing({"k1": RING["k1"]})
        self.plugins = Plugins(plugins or {})
        self.stores = Stores(database, self.plugins, self.clock, "localhost")
        self.job_handlers: dict[str, Handler] = {**HANDLERS, **(handlers or {})}
        self.job_schedule: Mapping[str, timedelta] = {}
        self.slug = slug
        self.tenant_id = self._tenant(slug, changes)

    def _tenant(self, slug: str, changes: Mapping[str, Any]) -> UUID:
        with self.database.session() as session, session.begin():
            known = session.scalars(sa.select(Tenant.id).where(Tenant.slug == slug)).one_or_none()
            if known is not None:
                return known
            now = machine_time()
            tenant = Tenant(id=uuid7(), slug=slug, names={"en": slug}, created_at=now, changed_at=now)
            session.add(tenant)
            session.flush()
            session.add(
                Revision(
                    tenant_id=tenant.id,
                    number=1,
                    published_at=now,
                    configuration=configuration(slug, **changes),
                    catalogue={},
                )
            )
            return tenant.id

    @property
    def store(self) -> Store:
        """The store as a request or a job sees it."""
        found = self.stores.by_id(self.tenant_id)
        assert found is not None
        return found

    @contextmanager
    def session(self) -> Iterator[TenantSession]:
        """A session of the store in one transaction."""
        with self.database.session(self.tenant_id) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[TenantSession]:
        """A session of the store that only reads, also beside one that writes."""
        with self.database.session(self.tenant_id, read_only=True) as session:
            yield session

    def runner(self, name: str = "tester", **options: Any) -> Runner:
        """A worker with the jobs of this house."""
        return Runner(self, name, **options)

    def work(self, minutes: float = 0) -> int:
        """Run all jobs that are due in so many minutes."""
        before = self.wall
        at = before() + timedelta(minutes=minutes)
        if minutes:
            self.wall = lambda: at
        try:
            return self.runner().run_due()
        finally:
            self.wall = before

    def advance(self, **span: float) -> None:
        """Move business time forward by a timedelta's arguments."""
        self.clock.follow(self.clock.offset + timedelta(**span))

    def jobs(self) -> list[Job]:
        """All jobs, oldest first."""
        with self.database.session() as session:
            return list(session.scalars(sa.select(Job).order_by(Job.id)))

    # --- the shelf -------------------------------------------------------------------------------------------

    def product(
        self,
        slug: str = "",
        *,
        credentials: Sequence[Mapping[str, str]] = ONE_KEY,
        licence: LicenceKind = LicenceKind.PERPETUAL,
        months: int | None = None,
        days: int | None = None,
    ) -> Product:
        """A free product with one offer."""
        slug = slug or f"product-{next(_numbers)}"
        with self.session() as session:
            publisher = session.scalars(sa.select(Publisher)).first()
            if publisher is None:
                publisher = Publisher(slug="korvane", name={"": "Korvane"})
                session.add(publisher)
            category = session.scalars(sa.select(Category)).first()
            if category is None:
                category = Category(slug="statistics", name={"en": "Statistics"}, pattern="statistics")
                session.add(category)
            session.flush()
            product = Product(
                slug=slug,
                publisher_id=publisher.id,
                category_id=category.id,
                kind=ProductKind.SOFTWARE,
                name={"": slug.title()},
                summary={},
                description={},
                pattern="statistics",
                monogram="Sw",
                version="1",
                languages=["en"],
                licence_kind=licence,
                licence_months=months,
                licence_days=days,
                variants=[],
                requirements=[],
                documents=[],
                credentials=[dict(each) for each in credentials],
            )
            session.add(product)
            session.flush()
            session.add(
                Offer(
                    slug="free", product_id=product.id, groups=[], organisations=[], countries=[], free=True
                )
            )
        return product

    def file(
        self,
        product: Product,
        code: str = "main",
        content: bytes = b"",
        *,
        size: int | None = None,
        meter: str = "main",
        variant: str | None = None,
    ) -> ProductFile:
        """A file of a product; its bytes are put nowhere."""
        with self.session() as session:
            file = ProductFile(
                slug=code,
                product_id=product.id,
                variant=variant,
                title={"": code},
                name=f"{code}.exe",
                sha256=hashlib.sha256(content).hexdigest(),
                size=len(content) if size is None else size,
                meter=meter,
            )
            session.add(file)
        return file

    def load(self, product: Product, values: Sequence[str], code: str = "key") -> ImportReport:
        """Load keys; the jobs that this asks for wait for `work`."""
        return import_keys(
            self.database,
            self.clock,
            self.keys,
            self.tenant_id,
            product.slug,
            code,
            Values(tuple(values)),
            actor="operator:test",
        )

    # --- people and orders -----------------------------------------------------------------------------------

    def account(self, username: str = "") -> UUID:
        """A person; the answer is the account's id."""
        username = username or f"person-{next(_numbers)}"
        with self.session() as session:
            account = Account(
                username=username,
                username_key=username,
                email=f"{username}@school.example",
                display_name=username,
                created_at=self.clock.now(),
            )
            session.add(account)
        return account.id

    def place(
        self,
        session: TenantSession,
        account_id: UUID,
        *products: Product,
        quantity: int = 1,
        variant: str | None = None,
    ) -> UUID:
        """An order in the caller's transaction, one line a product; its id."""
        offers = {
            offer.product_id: offer.id
            for offer in session.scalars(
                sa.select(Offer).where(Offer.product_id.in_([each.id for each in products]))
            )
        }
        order = Order(
            id=uuid7(),
            number=f"T{uuid4().hex[:10].upper()}",
            account_id=account_id,
            checkout_id=uuid4(),
            state=OrderState.PLACED,
            language="en",
            currency="CAD",
            net=0,
            tax=0,
            total=0,
            placed_at=self.clock.now(),
            snapshot={},
        )
        session.add(order)
        session.flush()
        for position, product in enumerate(products, 1):
            session.add(
                OrderLine(
                    order_id=order.id,
                    position=position,
                    product_id=product.id,
                    offer_id=offers[product.id],
                    variant=variant,
                    quantity=quantity,
                    state=LineState.OPEN,
                    net=0,
                    tax=0,
                    total=0,
                    snapshot={
                        "slug": product.slug,
                        "name": product.name[""],
                        "licence": {
                            "kind": product.licence_kind.value,
                            "months": product.licence_months,
                            "days": product.licence_days,
                        },
                        "credentials": product.credentials,
                    },
                )
            )
        session.flush()
        return order.id

    def buy(self, *products: Product, account_id: UUID | None = None, **options: Any) -> UUID:
        """Place an order and fulfil it in one transaction, as a checkout does; its id."""
        account_id = account_id or self.account()
        with self.session() as session:
            order_id = self.place(session, account_id, *products, **options)
            fulfil(session, self.store, self.keys, order_id)
        return order_id

    def order(self, order_id: UUID) -> Order:
        """An order as it stands now."""
        with self.reading() as session:
            return session.scalars(sa.select(Order).where(Order.id == order_id)).one()

    def entitlements(self, order_id: UUID) -> list[Entitlement]:
        """What an order has given, by line and unit."""
        with self.reading() as session:
            return list(
                session.scalars(
                    sa.select(Entitlement)
                    .join(
                        OrderLine,
                        sa.and_(
                            OrderLine.tenant_id == Entitlement.tenant_id, OrderLine.id == Entitlement.line_id
                        ),
                    )
                    .where(OrderLine.order_id == order_id)
                    .order_by(OrderLine.position, Entitlement.unit)
                )
            )

    def issued(self) -> dict[UUID, list[UUID]]:
        """Credential ids by entitlement."""
        found: dict[UUID, list[UUID]] = {}
        with self.reading() as session:
            for row in session.scalars(sa.select(Credential).where(Credential.entitlement_id.is_not(None))):
                assert row.entitlement_id is not None
                found.setdefault(row.entitlement_id, []).append(row.id)
        return found


def moment(*parts: int) -> datetime:
    """A moment in UTC."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]
