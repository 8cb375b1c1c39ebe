"""The people that every demonstration store has; its sign-in page shows them. Never set outside a demo."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoPeople:
    """Usernames, and the password that they share."""

    names: tuple[str, ...] = ("student", "faculty", "staff", "unverified", "admin")
    password: str = "webstore-demo"


DEMO_PEOPLE = DemoPeople()
