"""Permissions, and which roles hold them."""

from collections.abc import Iterable
from enum import StrEnum


class Permission(StrEnum):
    """What a view may ask for."""

    OWN_ACCOUNT = "own:account:use"
    CONSOLE = "store:console:use"


ROLES: dict[str, frozenset[Permission]] = {"admin": frozenset({Permission.CONSOLE})}


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """What a signed-in person with these roles may do."""
    return frozenset({Permission.OWN_ACCOUNT}).union(*(ROLES.get(role, frozenset()) for role in roles))
