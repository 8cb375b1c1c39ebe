"""People: making accounts, changing what is known of them, and signing in."""

import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from platform_core.accounts.models import (
    Account,
    AccountGroup,
    AccountOrganisation,
    AccountRole,
    AccountState,
    Verification,
)
from platform_core.accounts.passwords import verify_password
from platform_core.accounts.person import Person
from platform_core.db import TenantSession
from platform_core.events.services import record
from platform_core.tenancy.store import Store


def username_key(username: str) -> str:
    """What makes usernames the same: case and compatibility forms do not count."""
    return unicodedata.normalize("NFKC", username.strip()).casefold()


def find_account(session: TenantSession, username: str) -> Account | None:
    """The account of that username in the session's store, or None."""
    return session.scalars(
        sa.select(Account).where(Account.username_key == username_key(username))
    ).one_or_none()


def create_account(
    session: TenantSession,
    store: Store,
    *,
    username: str,
    email: str,
    display_name: str,
    given_name: str = "",
    family_name: str = "",
    password_hash: str | None,
    groups: Iterable[str] = (),
    organisations: Iterable[str] = (),
    roles: Iterable[str] = (),
    country: str | None = None,
) -> Account:
    """A new person with their groups and organisations (several of each: ELG-02, ELG-03)."""
    now = store.clock.now()
    account = Account(
        username=username,
        username_key=username_key(username),
        email=email,
        given_name=given_name,
        family_name=family_name,
        display_name=display_name,
        password_hash=password_hash,
        password_changed_at=now if password_hash else None,
        country=country,
        created_at=now,
    )
    session.add(account)
    session.flush()
    session.add_all(AccountGroup(account_id=account.id, group_code=code) for code in groups)
    session.add_all(
        AccountOrganisation(account_id=account.id, organisation_code=code) for code in organisations
    )
    session.add_all(AccountRole(account_id=account.id, role=role) for role in roles)
    record(session, store.clock, "system", "accounts:account:created", "account", account.id)
    return account


def verify_status(
    session: TenantSession,
    store: Store,
    account: Account,
    method: str,
    valid_until: datetime | None,
    **details: Any,
) -> None:
    """Keep one verification of the person's status (ELG-08)."""
    session.add(
        Verification(
            account_id=account.id,
            method=method,
            verified_at=store.clock.now(),
            valid_until=valid_until,
            details=details,
        )
    )
    record(session, store.clock, "system", "accounts:person:verified", "account", account.id, method=method)


def may_sign_in(store: Store, account: Account | None, password: str) -> bool:
    """Right password, active, not expired. Takes the same time for an account that does not exist."""
    right = verify_password(account.password_hash if account else None, password)
    if not right or account is None or account.state is not AccountState.ACTIVE:
        return False
    return account.expires_at is None or store.clock.now() < account.expires_at


def change_password(session: TenantSession, store: Store, person: Person, new_hash: str) -> None:
    """Store a new password's hash; the current one was verified before (ACC-05)."""
    session.execute(
        sa.update(Account)
        .where(Account.id == person.account_id)
        .values(password_hash=new_hash, password_changed_at=store.clock.now())
    )
    record(
        session,
        store.clock,
        f"person:{person.account_id}",
        "accounts:password:changed",
        "account",
        person.account_id,
    )


def change_profile(session: TenantSession, store: Store, person: Person, **values: Any) -> None:
    """Store what a person says of themselves (ACC-06)."""
    session.execute(sa.update(Account).where(Account.id == person.account_id).values(**values))
    record(
        session,
        store.clock,
        f"person:{person.account_id}",
        "accounts:profile:changed",
        "account",
        person.account_id,
        fields=sorted(values),
    )
