"""Drives whole stores in the words of the trade: real application, real database, real commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from webtest import TestApp

from platform_core.accounts import services as accounts
from platform_core.accounts.models import Account
from platform_core.accounts.passwords import hash_password
from platform_core.app.factory import make_config
from platform_core.app.proxies import TrustedProxies
from platform_core.app.settings import Settings
from platform_core.app.upgrade import upgrade
from platform_core.catalog.importing import apply_file
from platform_core.catalog.storefile import read_store_file
from platform_core.cli import demo_data
from platform_core.clock import Clock, machine_time
from platform_core.db import Database, TenantSession
from platform_core.files.content import ContentStore
from platform_core.tenancy.plugins import Plugins
from platform_core.tenancy.services import move_clock, switch_plugin
from platform_core.tenancy.store import Store

PASSWORD = demo_data.DEMO_PASSWORD
TENANTS = Path(__file__).parent.parent.parent / "tenants"
PORT = 8000
SMALL_FILE = 4096


def settings_for(url: str, data_dir: Path) -> Settings:
    """Settings of a test installation."""
    return Settings(
        database_url=url,
        data_dir=data_dir,
        tenants_dir=TENANTS,
        secret_file=data_dir / "secret.key",
        base_domain="localhost",
        download_origin="http://localhost:8004",
        demo=True,
    )


class Browser(TestApp):
    """One person's browser on one host. Sends the Origin that a real one would."""

    def __init__(self, app: Any, host: str) -> None:
        super().__init__(app, extra_environ={"HTTP_HOST": host, "REMOTE_ADDR": "127.0.0.1"})
        self.origin = f"http://{host}"

    def do_request(self, req: Any, status: Any = None, expect_errors: Any = None) -> Any:
        if req.method not in {"GET", "HEAD"} and "Origin" not in req.headers:
            req.headers["Origin"] = self.origin
        return super().do_request(req, status=status, expect_errors=expect_errors)

    def sign_in(self, username: str, password: str = PASSWORD) -> "Browser":
        """Sign in through the form."""
        answer = self.post("/sign-in", {"username": username, "password": password, "next": "/"})
        assert answer.status_code == 303, answer.text
        return self

    @property
    def csrf(self) -> dict[str, str]:
        """The hidden field of a signed-in form, from a page that has one."""
        page = self.get("/sign-out", expect_errors=True)
        for form in page.forms.values():
            if "csrf_token" in form.fields:
                return {"csrf_token": form["csrf_token"].value}
        return {}


class Shop:
    """An installation with its stores. `clock` is the process's; `advance` moves business time for all."""

    def __init__(self, url: str, data_dir: Path, plugins: Plugins | None = None) -> None:
        self.settings = settings_for(url, data_dir)
        self._moved = timedelta()
        self.clock = Clock(lambda: machine_time() + self._moved)
        self.database = Database(url)
        self.plugins = plugins or Plugins.installed()
        self.config = make_config(
            self.settings, database=self.database, clock=self.clock, plugins=self.plugins
        )
        self.registry = self.config.registry
        self.app = TrustedProxies(self.config.make_wsgi_app(), ())

    @property
    def keys(self) -> Any:
        """The key ring."""
        return self.registry.keys

    def browser(self, slug: str = "northfield") -> Browser:
        """A new browser on a store's host, or on the base domain for an empty slug."""
        host = f"{slug}.localhost:{PORT}" if slug else f"localhost:{PORT}"
        return Browser(self.app, host)

    def store(self, slug: str = "northfield") -> Store:
        """The store as a request sees it now."""
        found = self.registry.stores.by_slug(slug)
        assert found is not None, slug
        return found

    @contextmanager
    def session(self, slug: str = "northfield") -> Iterator[TenantSession]:
        """A session of a store in one transaction."""
        with self.database.session(self.store(slug).id) as session, session.begin():
            yield session

    def apply(self, path: Path) -> None:
        """Apply a store file."""
        contents = ContentStore(self.settings.data_dir)
        file = read_store_file(path, self.plugins.schemas, incoming=contents.incoming)
        apply_file(self.database, file, contents, self.clock, "operator:test")
        self.forget()

    def forget(self) -> None:
        """Let this process look at the revisions again at once."""
        for kept in self.registry.stores._kept.values():
            kept.checked = -1e9

    def switch(self, plugin: str, enabled: bool, slug: str = "northfield") -> None:
        """Switch a plugin on or off."""
        with self.session(slug) as session:
            switch_plugin(session, self.clock, plugin, enabled, "operator:test")
        self.forget()

    def advance(self, **span: float) -> None:
        """Move business time forward by a timedelta's arguments."""
        with self.database.session() as session, session.begin():
            move_clock(session, self.clock, self.clock.offset + timedelta(**span))

    def move_wall(self, by: timedelta) -> None:
        """Let this process's wall clock stand `by` ahead of the machine's."""
        self._moved = by

    def set_time(self, *parts: int) -> None:
        """Move business time forward to a moment in UTC."""
        with self.database.session() as session, session.begin():
            move_clock(session, self.clock, datetime(*parts, tzinfo=UTC) - self.clock.wall())  # type: ignore[misc, arg-type]

    def person(
        self,
        username: str,
        slug: str = "northfield",
        *,
        groups: tuple[str, ...] = ("student",),
        organisations: tuple[str, ...] = (),
        verified: bool = True,
        **values: Any,
    ) -> UUID:
        """Make a person with the demo's password; the answer is the account's id."""
        store = self.store(slug)
        with self.session(slug) as session:
            account = accounts.create_account(
                session,
                store,
                username=username,
                email=values.pop("email", f"{username}@{slug}.example"),
                display_name=values.pop("display_name", username.title()),
                password_hash=_password_hash(),
                groups=groups,
                organisations=organisations,
                **values,
            )
            if verified:
                accounts.verify_status(session, store, account, "store", None)
            return account.id

    def account_id(self, username: str, slug: str = "northfield") -> UUID:
        """The id of an account."""
        with self.session(slug) as session:
            return session.scalars(sa.select(Account.id).where(Account.username_key == username)).one()

    def close(self) -> None:
        """Close the connections."""
        self.database.dispose()


_hash: list[str] = []


def _password_hash() -> str:
    if not _hash:
        _hash.append(hash_password(PASSWORD))
    return _hash[0]


def seed(url: str, data_dir: Path) -> None:
    """Apply the three demo stores with tiny files, their people and their keys. For a template database."""
    from platform_core.cli.context import Context
    from platform_core.cli.demo import load_people
    from platform_core.cli.demo_keys import load_demo_keys
    from platform_core.tenancy.problems import parse_toml

    upgrade(url)
    context = Context(settings_for(url, data_dir))
    contents = ContentStore(data_dir)
    paths = sorted(TENANTS.glob("*.toml"))
    documents = [parse_toml(path.read_bytes(), str(path))[1] or {} for path in paths]
    demo_data.make_files(contents.incoming, documents, largest=SMALL_FILE)
    for path in paths:
        file = read_store_file(path, context.plugins.schemas, incoming=contents.incoming)
        apply_file(context.database, file, contents, context.clock, "operator:test")
        store = context.store(file.slug)
        load_people(context, store)
        load_demo_keys(context, store)
    context.database.dispose()
