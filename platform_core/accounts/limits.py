"""Rate limits: counters in windows of wall time, by account and by address (EXT-17 and sign-in).

Counters are written in a short session of their own, which is closed before the request's begins: on SQLite
there is one write lock, and the other order would wait for itself.
"""

import hashlib
import hmac
import ipaddress
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql, sqlite

from platform_core.accounts.models import RateLimit
from platform_core.accounts.services import username_key
from platform_core.db import Database
from platform_core.keyring import KeyRing
from platform_core.tenancy.store import Store

WINDOW = timedelta(minutes=15)


def _key(keys: KeyRing, store: Store, kind: str, value: str) -> str:
    text = f"{store.id}|{kind}|{value}".encode()
    return hmac.new(keys.derive("rate-limit"), text, hashlib.sha256).hexdigest()


def is_campus(store: Store, address: str) -> bool:
    """Does the address stand in one of the store's campus networks, where many people share one?"""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in ipaddress.ip_network(network) for network in store.config.limits.campus_networks)


def _account(username: str) -> str:
    """Every way to write one account's name is one counter: the same rule that finds the account."""
    return username_key(username)[:400]


def _network(address: str) -> str:
    """Who owns one IPv6 address owns the /64 around it."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)


def count_try(database: Database, keys: KeyRing, store: Store, username: str, address: str) -> bool:
    """Count one try to sign in; answers whether it may go on."""
    limits = store.config.limits
    checks = [("account", _account(username), limits.sign_in_per_account)]
    if not is_campus(store, address):
        checks.append(("address", _network(address), limits.sign_in_per_address))
    allowed = True
    with database.session() as session, session.begin():
        for kind, value, limit in checks:
            allowed &= _raise(session, store, _key(keys, store, kind, value)) <= limit
    return allowed


def forget_tries(database: Database, keys: KeyRing, store: Store, username: str) -> None:
    """A right password ends the account's count."""
    with database.session() as session, session.begin():
        session.execute(
            sa.delete(RateLimit).where(RateLimit.key == _key(keys, store, "account", _account(username)))
        )


def _raise(session: orm.Session, store: Store, key: str) -> int:
    now = store.clock.wall()
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    fresh = RateLimit.window_start <= now - WINDOW
    new_values = {
        "count": sa.case((fresh, 1), else_=RateLimit.count + 1),
        "window_start": sa.case((fresh, now), else_=RateLimit.window_start),
    }
    statement = insert(RateLimit).values(key=key, window_start=now, count=1)
    raised = statement.on_conflict_do_update(index_elements=[RateLimit.key], set_=new_values)
    return session.execute(raised.returning(RateLimit.count)).scalar_one()
