"""The signed-in person of a request: a frozen view of the session's row and its account."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from platform_core.accounts.permissions import Permission
from platform_core.plugin_api.types import PersonTerms


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in. `verified_until` is None for "without end" when `verified` is true."""

    account_id: UUID
    session_id: UUID
    username: str
    display_name: str
    given_name: str
    email: str
    language: str | None
    country: str | None
    groups: tuple[str, ...]
    organisations: tuple[str, ...]
    permissions: frozenset[Permission]
    verified: bool
    verified_until: datetime | None
    verified_by: str | None
    csrf_token: str

    @property
    def terms(self) -> PersonTerms:
        """The person as the rules of eligibility see them."""
        return PersonTerms(
            self.account_id,
            frozenset(self.groups),
            frozenset(self.organisations),
            self.verified,
            self.verified_until,
            self.country,
        )
