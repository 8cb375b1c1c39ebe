"""People: sign-in, sessions, groups and organisations, and the pages of Your Account."""

from typing import Any

from platform_core.accounts import sessions
from platform_core.accounts.person import Person


def person_of(request: Any) -> Person | None:
    """`request.person`: who is signed in on this store, read once and without a write."""
    token = request.cookies.get(sessions.cookie_name(request.scheme))
    if not token or request.store is None or len(token) > 100:
        return None
    found = sessions.load(request.reader, request.store, token)
    if found is None:
        return None
    person, row = found
    now = request.store.clock.wall()
    if now - row.seen_at >= sessions.TOUCH_EVERY:
        request.add_finished_callback(lambda _request: _touch(request, person, row))
    return person


def _touch(request: Any, person: Person, row: Any) -> None:
    short = row.idle_until - row.seen_at <= sessions.SHORT_IDLE
    with request.registry.database.session(request.store.id) as session, session.begin():
        sessions.touch(session, request.store, person, row.seen_at, short)


class SignedIn:
    """Event, inside the transaction of a sign-in: `account` has signed in on `request`."""

    def __init__(self, request: Any, account: Any) -> None:
        self.request = request
        self.account = account


def includeme(config: Any) -> None:
    """Register the pages of this room and `request.person`."""
    config.add_request_method(person_of, "person", reify=True)
    config.add_request_method(lambda r: r.person.csrf_token if r.person else "", "csrf_token", property=True)
    config.add_route("sign_in", "/sign-in", site="store")
    config.add_route("sign_out", "/sign-out", site="store")
    config.add_route("account_profile", "/account/profile", site="store")
    config.add_route("account_password", "/account/password", site="store")
    config.add_route("account_eligibility", "/account/eligibility", site="store")
    config.scan("platform_core.accounts.views")
