"""Sessions of browsers: rows found by the hash of a 256-bit cookie value. Their ends are wall time."""

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from platform_core.accounts.models import (
    Account,
    AccountGroup,
    AccountOrganisation,
    AccountRole,
    AccountState,
    Verification,
    WebSession,
)
from platform_core.accounts.permissions import permissions_of
from platform_core.accounts.person import Person
from platform_core.db import TenantSession
from platform_core.tenancy.store import Store

TOUCH_EVERY = timedelta(minutes=5)
SHORT_IDLE = timedelta(minutes=10)


def cookie_name(scheme: str) -> str:
    """`__Host-sid` on HTTPS, where a browser guards that prefix; `sid` on HTTP."""
    return "__Host-sid" if scheme == "https" else "sid"


def token_hash(token: str) -> str:
    """What the row keeps of a cookie's value."""
    return hashlib.sha256(token.encode()).hexdigest()


def idle_span(store: Store, short: bool) -> timedelta:
    """How long a session lives without a request; `short` is the choice for shared computers (EXT-18)."""
    return SHORT_IDLE if short else timedelta(minutes=store.config.sessions.idle_minutes)


def start(session: TenantSession, store: Store, account: Account, *, short: bool) -> str:
    """A new session for a person who has just signed in; the answer is the cookie's value."""
    token = secrets.token_urlsafe(32)
    now = store.clock.wall()
    absolute = now + timedelta(hours=store.config.sessions.absolute_hours)
    session.add(
        WebSession(
            token_hash=token_hash(token),
            account_id=account.id,
            csrf_token=secrets.token_urlsafe(24),
            created_at=now,
            seen_at=now,
            idle_until=min(now + idle_span(store, short), absolute),
            absolute_until=absolute,
        )
    )
    return token


def end(session: TenantSession, token: str) -> None:
    """Sign out: the row goes."""
    session.execute(sa.delete(WebSession).where(WebSession.token_hash == token_hash(token)))


def end_others(session: TenantSession, person: Person) -> None:
    """Sign the person out everywhere else, after a new password."""
    session.execute(
        sa.delete(WebSession).where(
            WebSession.account_id == person.account_id, WebSession.id != person.session_id
        )
    )


def touch(session: TenantSession, store: Store, person: Person, seen_at: datetime, short: bool) -> None:
    """Lengthen the idle end; called at most every few minutes, in a session of its own."""
    now = store.clock.wall()
    session.execute(
        sa.update(WebSession)
        .where(WebSession.id == person.session_id, WebSession.seen_at == seen_at)
        .values(seen_at=now, idle_until=now + idle_span(store, short))
    )


def _joined(column: Any, owner: Any) -> Any:
    return (
        sa.select(sa.func.aggregate_strings(column, ","))
        .where(owner == Account.id)
        .correlate(Account)
        .scalar_subquery()
    )


@cache  # one statement for all requests: only the hash of the cookie's value differs
def _person_query() -> sa.Select[Any]:
    verified = (
        sa.select(Verification.id)
        .where(Verification.account_id == Account.id, Verification.revoked_at.is_(None))
        .order_by(Verification.verified_at.desc(), Verification.id.desc())
        .limit(1)
        .correlate(Account)
        .scalar_subquery()
    )
    return (
        sa.select(
            WebSession,
            Account,
            Verification,
            _joined(AccountGroup.group_code, AccountGroup.account_id).label("groups"),
            _joined(AccountOrganisation.organisation_code, AccountOrganisation.account_id).label(
                "organisations"
            ),
            _joined(AccountRole.role, AccountRole.account_id).label("roles"),
        )
        .join(
            Account, sa.and_(Account.tenant_id == WebSession.tenant_id, Account.id == WebSession.account_id)
        )
        .outerjoin(
            Verification, sa.and_(Verification.tenant_id == Account.tenant_id, Verification.id == verified)
        )
        .where(WebSession.token_hash == sa.bindparam("token_hash"))
    )


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(sorted(text.split(","))) if text else ()


def load(session: TenantSession, store: Store, token: str) -> tuple[Person, WebSession] | None:
    """The person behind a cookie's value, in one statement; None for an unknown or ended session.

    A deactivated account has no session (ACC-21); an expired one neither.
    """
    now = store.clock.wall()
    row = session.execute(_person_query(), {"token_hash": token_hash(token)}).first()
    if row is None:
        return None
    web_session, account, verification = row.WebSession, row.Account, row.Verification
    if (
        now >= min(web_session.idle_until, web_session.absolute_until)
        or account.state is not AccountState.ACTIVE
    ):
        return None
    business = store.clock.now()
    if account.expires_at is not None and business >= account.expires_at:
        return None
    valid = verification is not None and (
        verification.valid_until is None or business < verification.valid_until
    )
    person = Person(
        account_id=account.id,
        session_id=web_session.id,
        username=account.username,
        display_name=account.display_name,
        given_name=account.given_name,
        email=account.email,
        language=account.language,
        country=account.country,
        groups=_split(row.groups),
        organisations=_split(row.organisations),
        permissions=permissions_of(_split(row.roles)),
        verified=valid,
        verified_until=verification.valid_until if verification else None,
        verified_by=verification.method if verification else None,
        csrf_token=web_session.csrf_token,
    )
    return person, web_session
