"""The isolation sweep: asks for everything that belongs to one person as everybody else, on every route and method.

What there is to ask is read from the configuration; how to ask is a table (`sweep_table`), and what the table
does not know is a finding of its own. First the owner asks and must get what the table says. Then each stranger
asks with the owner's ids and with random ids of the same shape: the two answers must be equal to the byte, once
the request's id and the echoed ids are blanked, hold nothing of the owner's, and leave everything of the owner's
as it was.
"""

import random
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import sqlalchemy as sa
import webob
from pyramid.interfaces import IRoutesMapper

from platform_core.accounts import sessions
from platform_core.accounts.models import Account
from platform_core.db import Base, TenantOwned
from platform_core.events.models import Event
from platform_core.orders.numbers import new_number, read_number
from platform_core.web import SitePredicate
from tests.common.ordering import number_of, order, put, ticked, to_review
from tests.common.shop import PORT, Browser, Shop

Fields = Sequence[tuple[str, str]]
SAFE = ("GET", "HEAD", "OPTIONS")
UNDECLARED = ("OPTIONS", "PUT", "DELETE", "PROPFIND")
"""Methods that every route is asked with beside its own; the answer to those is 404 or 405."""

ANYWHERE = ("__static/", "theme")
"""Routes that answer on every host."""

HOME, ABROAD = "northfield", "montclair"
BOUGHT, VARIANT = "campus-suite", "mac"
OWNERS, STRANGERS = "citegrove", "terrane"
"""What the owner has in the cart, and what the others have."""


@dataclass(frozen=True, slots=True)
class Things:
    """What belongs to one person: the ids of an order, its file, and a checkout with its cart."""

    order: str
    file: str
    checkout: str
    product: str
    variant: str
    review: Fields
    secret: tuple[str, ...]
    """Texts that nobody else may ever read: keys, numbers, tokens, names and addresses."""


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who asks: on which store's host, with which cookies, and what is their own."""

    name: str
    host: str
    username: str = ""
    cookies: Mapping[str, str] = field(default_factory=dict)
    csrf: str = ""
    own: Things | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """How one route is asked with one method. `parts` fills the path and `query` the address: a name of one of
    `Things`' ids stands for that id (it is private), anything else for itself. `status` is what the owner gets.
    """

    status: int = 200
    parts: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Callable[[Who, Things], Fields] | None = None
    bound: bool = True
    """Does the form carry the session's token? Only sign-in may go without (`csrf_without_token`)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, blanked."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


PRIVATE = ("order", "file", "checkout", "product")


def alike(value: str) -> str:
    """A random id of the same shape: an order number that checks, or the same kinds of characters in their places."""
    if read_number(value) == value:
        return new_number()
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    return "".join(
        next((random.choice(kind) for kind in kinds if character in kind), character) for character in value
    )


def path_of(pattern: str, parts: Mapping[str, str], query: Mapping[str, str]) -> str:
    """A route's pattern, filled in."""
    path = re.sub(
        r"\{(\w+)(?::(?:[^{}]|\{\d+\})*)?\}", lambda found: quote(parts[found[1]], safe=""), pattern
    )
    path = re.sub(r"\*(\w+)$", lambda found: quote(parts[found[1]]), path)
    return "/" + path.lstrip("/") + (f"?{urlencode(query)}" if query else "")


class Sweep:
    """One sweep of an installation. `findings` says what was wrong; empty is well."""

    def __init__(self, shop: Shop, table: Mapping[tuple[str, str], Case]) -> None:
        self.shop = shop
        self.table = table
        self.findings: list[str] = []
        self.requests = 0
        self._people = 0
        self._strangers: list[Who] = []
        self._shared: tuple[Who, UUID, list[Who]] | None = None

    # --- what there is -----------------------------------------------------------------------------------------

    def routes(self) -> dict[str, str]:
        """Patterns by name, from the configuration."""
        return {
            item["introspectable"]["name"]: item["introspectable"]["pattern"]
            for item in self.shop.config.introspector.get_category("routes")
        }

    def methods(self) -> dict[str, set[str]]:
        """The methods that each route's views declare; a view that declares none is asked by GET."""
        found: dict[str, set[str]] = {name: set() for name in self.routes()}
        for item in self.shop.config.introspector.get_category("views"):
            view = item["introspectable"]
            if view["route_name"] is None:
                if view["context"] is None:
                    self.findings.append(f"a view without a route: {view['callable']}")
                continue
            declared = view["request_methods"] or ("GET",)
            found[view["route_name"]] |= {declared} if isinstance(declared, str) else set(declared)
        return found

    def site(self, route: str) -> str | None:
        """On which hosts a route answers; None: on all."""
        mapper = self.shop.registry.getUtility(IRoutesMapper)
        values = [p.value for p in mapper.get_route(route).predicates if isinstance(p, SitePredicate)]
        return values[0] if values else None

    # --- who asks ----------------------------------------------------------------------------------------------

    def signed_in(self, account_id: UUID, slug: str) -> Browser:
        """A browser with a new session of somebody."""
        with self.shop.session(slug) as session:
            account = session.scalars(sa.select(Account).where(Account.id == account_id)).one()
            token = sessions.start(session, self.shop.store(slug), account, short=False)
        browser = self.shop.browser(slug)
        browser.set_cookie("sid", token)
        return browser

    def person(
        self, name: str, slug: str, username: str, aside: str = STRANGERS, **values: Any
    ) -> tuple[Who, UUID]:
        """Somebody with an order, its key and its file, a cart, and a checkout that waits for Proceed."""
        account_id = self.shop.person(username, slug, **values)
        browser = self.signed_in(account_id, slug)
        receipt = order(browser, BOUGHT, VARIANT)
        keys = [each.get_text() for each in receipt.html.select('.key code[id^="item-"]')]
        files = [a["href"].rsplit("/", 1)[1] for a in receipt.html.select(".download a")]
        assert keys and files, receipt.text
        put(browser, aside, VARIANT)
        review = to_review(browser)
        with self.shop.session(slug) as session:
            account = session.scalars(sa.select(Account).where(Account.id == account_id)).one()
            texts = (account.username, account.email, account.display_name)
        checkout = review.request.path.rsplit("/", 1)[1]
        csrf, sid = browser.csrf["csrf_token"], browser.cookies["sid"]
        secret = (*texts, number_of(receipt), *keys, *files, checkout, csrf, sid)
        fields = tuple(pair for pair in ticked(review) if pair[0] != "csrf_token")
        own = Things(number_of(receipt), files[0], checkout, aside, VARIANT, fields, secret)
        return Who(name, slug, username, dict(browser.cookies), csrf, own), account_id

    def owner(self) -> tuple[Who, UUID]:
        """A new person whose things the others will ask for."""
        self._people += 1
        name = f"odile.sweep{self._people}"
        return self.person(
            "the owner",
            HOME,
            name,
            display_name=f"Odile Q. Sweepmark {self._people}",
            email=f"{name}@q.example",
        )

    def strangers(self, owner: Who) -> Iterator[Who]:
        """Everybody else. Those with a cart and orders of their own are made once."""
        if not self._strangers:
            self._strangers = [
                self.person("another person of the store", HOME, "stranger")[0],
                self.person("a person of another store", ABROAD, "foreigner")[0],
            ]
        yield from self._strangers
        name = "the owner's twin in another store"
        values: dict[str, Any] = {"display_name": "Twin", "email": "twin@t.example"}
        if self._people == 1:
            twin, _id = self.person(name, ABROAD, owner.username, **values)
        else:
            browser = self.signed_in(self.shop.person(owner.username, ABROAD, **values), ABROAD)
            twin = Who(name, ABROAD, owner.username, dict(browser.cookies), browser.csrf["csrf_token"])
        yield twin
        yield replace(twin, name="the twin's session at the owner's store", host=HOME, username="")
        yield replace(owner, name="the owner's session at another store", host=ABROAD, username="", own=None)
        yield Who("a visitor", HOME)
        yield Who("a visitor of another store", ABROAD)

    # --- asking ------------------------------------------------------------------------------------------------

    def raw(
        self,
        who: Who,
        method: str,
        path: str,
        fields: Fields | None = None,
        *,
        host: str = "",
        origin: str = "",
    ) -> Any:
        """The response to one request."""
        self.requests += 1
        host = host or f"{who.host}.localhost:{PORT}"
        request = webob.Request.blank(path, environ={"REMOTE_ADDR": "192.0.2.9"}, method=method)
        request.host = host
        if who.cookies:
            request.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in who.cookies.items())
        if method not in SAFE:
            request.headers["Origin"] = origin or f"http://{host}"
            request.content_type = "application/x-www-form-urlencoded"
            request.body = urlencode(list(fields or ())).encode()
        response = request.get_response(self.shop.app)
        response.body  # noqa: B018 (read here, so that the file behind it can be closed)
        if hasattr(response.app_iter, "close"):
            response.app_iter.close()
        return response

    def ask(self, who: Who, method: str, path: str, fields: Fields | None, echoed: Iterable[str]) -> Answer:
        """The same, blanked: the request's id, the ids that were asked for, and the second it happened in."""
        response = self.raw(who, method, path, fields)

        def blank(text: str) -> str:
            for value in (response.headers.get("X-Request-Id", ""), *echoed):
                text = text.replace(value, "*") if value else text
            return re.sub(r"expires=[^;]*", "expires=*", text)

        headers = tuple(sorted((name, blank(value)) for name, value in response.headers.items()))
        return Answer(response.status_code, headers, blank(response.body.decode("utf-8", "replace")))

    def fill(
        self, case: Case, things: Things, swapped: Mapping[str, str]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Path and query with `things`' ids, some of them swapped for others."""

        def value(text: str) -> str:
            if text in PRIVATE:
                return swapped.get(text) or str(getattr(things, text))
            return str(getattr(things, text, text))

        return {k: value(v) for k, v in case.parts.items()}, {k: value(v) for k, v in case.query.items()}

    def private(self, case: Case) -> list[str]:
        """The ids of the owner's that a case names."""
        return [name for name in (*case.parts.values(), *case.query.values()) if name in PRIVATE]

    def form(self, case: Case, who: Who, things: Things) -> Fields | None:
        """What this person's browser sends."""
        if case.form is None:
            return None
        token = [("csrf_token", who.csrf)] if who.csrf else []
        return [*case.form(who, things), *token]

    def prepare(self) -> tuple[Who, UUID, list[Who]]:
        """The owner of all that is only looked at, and the strangers; made once, before a test plants anything."""
        if self._shared is None:
            owner, account_id = self.owner()
            self._shared = (owner, account_id, list(self.strangers(owner)))
        return self._shared

    # --- the sweep ---------------------------------------------------------------------------------------------

    def check_table(self) -> None:
        """Find routes and methods that the table does not know, and lines of it that nothing answers to."""
        pairs = {(name, method) for name, methods in self.methods().items() for method in methods}
        for name, method in sorted(pairs - set(self.table)):
            self.findings.append(f"{name} {method}: not under the sweep")
        for name, method in sorted(set(self.table) - pairs):
            self.findings.append(f"{name} {method}: there is no such view")
        for name in self.routes():
            if self.site(name) is None and name not in ANYWHERE:
                self.findings.append(f"{name}: answers on every host")

    def run(self, only: Iterable[str] = ()) -> "Sweep":
        """Sweep all routes, or those named."""
        routes = self.routes()
        self.check_table()
        names = [name for name in routes if not only or name in set(only)]
        shared, account_id, strangers = self.prepare()
        for name in names:
            cases = {method: case for (route, method), case in self.table.items() if route == name}
            if not cases:
                continue
            host = "" if self.site(name) == "base" else shared.host
            if not host:
                self.elsewhere(name, routes[name], cases["GET"], shared)
                continue
            for method in ("GET", "HEAD", *UNDECLARED):
                case = cases.get("GET" if method == "HEAD" else method)
                one = case or replace(next(iter(cases.values())), status=0, form=lambda _who, _things: ())
                asking = strangers if case or method == "OPTIONS" else strangers[:1]
                self.case(name, method, routes[name], one, shared, account_id, asking)
            self.elsewhere(name, routes[name], next(iter(cases.values())), shared)
        for name in names:
            for (route, method), case in self.table.items():
                if route == name and method not in SAFE:
                    owner, owner_id = self.owner()
                    self.case(name, method, routes[name], case, owner, owner_id, list(self.strangers(owner)))
        return self

    def case(
        self,
        name: str,
        method: str,
        pattern: str,
        case: Case,
        owner: Who,
        account_id: UUID,
        strangers: Sequence[Who],
    ) -> None:
        """One route with one method: the owner, then everybody else. What changes things is tried before, too."""
        assert owner.own is not None
        unsafe = method not in SAFE and case.status != 0
        if unsafe:
            self.attack(name, method, pattern, case, owner, account_id, strangers)
            self.forge(name, method, pattern, case, owner, account_id, strangers[0])
        path = path_of(pattern, *self.fill(case, owner.own, {}))
        got = self.raw(owner, method, path, self.form(case, owner, owner.own)).status_code
        if got != case.status if case.status else got not in (404, 405):
            self.findings.append(f"{name} {method}: the owner got {got}, not {case.status or '404 or 405'}")
        self.attack(name, method, pattern, case, owner, account_id, strangers)

    def attack(
        self,
        name: str,
        method: str,
        pattern: str,
        case: Case,
        owner: Who,
        account_id: UUID,
        strangers: Sequence[Who],
    ) -> None:
        """Everybody asks for what is the owner's."""
        assert owner.own is not None
        private, before = self.private(case), self.state(account_id)
        for who in strangers:
            for swapped in self.mixtures(private, who):
                given = self.fill(case, owner.own, swapped)
                wrong = {each: alike(str(getattr(owner.own, each))) for each in private} | swapped
                random_ids = self.fill(case, owner.own, wrong)
                echoed = {
                    *given[0].values(),
                    *given[1].values(),
                    *random_ids[0].values(),
                    *random_ids[1].values(),
                }
                fields = self.form(case, who, owner.own)
                first = self.ask(who, method, path_of(pattern, *given), fields, echoed)
                where = f"{name} {method}: {who.name}"
                if private:
                    second = self.ask(who, method, path_of(pattern, *random_ids), fields, echoed)
                    if first != second:
                        self.findings.append(
                            f"{where} can tell the owner's from a random one: {_differ(first, second)}"
                        )
                self.look_for_marks(where, first, who, owner.own)
        if self.state(account_id) != before:
            self.findings.append(f"{name} {method}: what is the owner's has changed")

    def mixtures(self, private: Sequence[str], who: Who) -> Iterator[dict[str, str]]:
        """All ids the owner's; then, where there are several, each one alone with the stranger's own others."""
        yield {}
        if who.own is not None and len(private) > 1:
            for kept in private:
                yield {each: str(getattr(who.own, each)) for each in private if each != kept}

    def look_for_marks(self, where: str, answer: Answer, who: Who, things: Things) -> None:
        """Nothing of the owner's stands in a stranger's answer (the ids that were sent along are blanked)."""
        text = answer.body + repr(answer.headers)
        sent = {who.username, *who.cookies.values(), who.csrf}
        for mark in things.secret:
            if mark in text and mark not in sent:
                self.findings.append(f"{where} reads {mark!r} of the owner's")

    def forge(
        self, name: str, method: str, pattern: str, case: Case, owner: Who, account_id: UUID, stranger: Who
    ) -> None:
        """The owner's own browser, sent by a page of another store, or with somebody else's token."""
        assert owner.own is not None
        path, before = path_of(pattern, *self.fill(case, owner.own, {})), self.state(account_id)
        tries = [(owner, f"http://{ABROAD}.localhost:{PORT}"), (owner, "null")]
        tries += (
            [(replace(owner, csrf=stranger.csrf), ""), (replace(owner, csrf=""), "")] if case.bound else []
        )
        for who, origin in tries:
            got = self.raw(who, method, path, self.form(case, who, owner.own), origin=origin).status_code
            if got != 400:
                self.findings.append(f"{name} {method}: a forged request was answered {got}")
        if self.state(account_id) != before:
            self.findings.append(f"{name} {method}: a forged request has changed what is the owner's")

    def elsewhere(self, name: str, pattern: str, case: Case, owner: Who) -> None:
        """A route of one kind of host is 404 on every other kind; on its own it is there."""
        assert owner.own is not None
        site, path = self.site(name), path_of(pattern, *self.fill(case, owner.own, {}))
        hosts = {
            "store": f"{HOME}.localhost:{PORT}",
            "base": f"localhost:{PORT}",
            "unknown": "nobody.localhost",
        }
        if site == "base":
            got = self.raw(owner, "GET", path, host=hosts["base"]).status_code
            if got != case.status:
                self.findings.append(f"{name}: the base domain answered {got}")
        shared = [other for other, its in self.routes().items() if its == pattern and other != name]
        for kind, host in hosts.items():
            if site in (None, kind) or (shared and kind == self.site(shared[0])):
                continue
            got = self.raw(owner, "GET", path, host=host).status_code
            if got != 404:
                self.findings.append(f"{name}: a host of kind {kind} answered {got} instead of 404")

    # --- what is the owner's -----------------------------------------------------------------------------------

    def state(self, account_id: UUID) -> dict[tuple[str, UUID], tuple[Any, ...]]:
        """Every row that hangs on an account, over however many references, plugins' tables included."""
        found: dict[tuple[str, UUID], tuple[Any, ...]] = {}
        with self.shop.database.session(self.shop.store(HOME).id, read_only=True) as session:
            waiting: dict[str, set[UUID]] = {"account": {account_id}}
            self._keep(found, session.scalars(sa.select(Account).where(Account.id == account_id)))
            while waiting:
                table, ids = waiting.popitem()
                for model, column in referring_to(table):
                    rows = session.scalars(sa.select(model).where(getattr(model, column).in_(ids)))
                    for name, row_id in self._keep(found, rows):
                        waiting.setdefault(name, set()).add(row_id)
            ids = {row_id for _table, row_id in found}
            self._keep(found, session.scalars(sa.select(Event).where(Event.subject_id.in_(ids))))
        return found

    def _keep(
        self, found: dict[tuple[str, UUID], tuple[Any, ...]], rows: Iterable[Any]
    ) -> list[tuple[str, UUID]]:
        new = []
        for row in rows:
            mapper = sa.inspect(row).mapper
            key = (row.__tablename__, row.id)
            if key not in found:
                found[key] = tuple(repr(getattr(row, column.key)) for column in mapper.column_attrs)
                new.append(key)
        return new


def referring_to(table: str) -> list[tuple[Any, str]]:
    """(model, column) of every tenant-owned reference to a table."""
    found = []
    for mapper in Base.registry.mappers:
        mapped = mapper.local_table
        if not isinstance(mapped, sa.Table) or not issubclass(mapper.class_, TenantOwned):
            continue
        for reference in mapped.foreign_key_constraints:
            if reference.referred_table.name == table:
                found += [(mapper.class_, name) for name in reference.column_keys if name != "tenant_id"]
    return found


def _differ(one: Answer, other: Answer) -> str:
    if one.status != other.status:
        return f"{one.status} and {other.status}"
    if one.headers != other.headers:
        return f"headers {sorted(set(one.headers) ^ set(other.headers))}"
    at = next((i for i, (a, b) in enumerate(zip(one.body, other.body, strict=False)) if a != b), -1)
    return f"bodies, {one.body[at - 30 : at + 50]!r} and {other.body[at - 30 : at + 50]!r}"
