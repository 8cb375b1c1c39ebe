"""Who may do what: one table from permission to rule."""

from typing import Any

from pyramid.security import Allowed, Denied

from platform_core.accounts.permissions import Permission


class SecurityPolicy:
    """Pyramid's security policy: identity is the signed-in person of this store, from the session's row."""

    def identity(self, request: Any) -> Any:
        return request.person

    def authenticated_userid(self, request: Any) -> str | None:
        return str(request.person.account_id) if request.person else None

    def permits(self, request: Any, context: Any, permission: str) -> Allowed | Denied:
        person = request.person
        if person is not None and Permission(permission) in person.permissions:
            return Allowed("the person holds %s", permission)
        return Denied("nobody signed in, or without %s", permission)

    def remember(self, request: Any, userid: str, **kw: Any) -> list[tuple[str, str]]:
        return []

    def forget(self, request: Any, **kw: Any) -> list[tuple[str, str]]:
        return []


def includeme(config: Any) -> None:
    """Use this policy for every view that names a permission."""
    config.set_security_policy(SecurityPolicy())
