"""Small numbers about the signed-in person that many pages need, read in one statement.

Rooms register a select; `request.personal` runs them as one UNION ALL the first time that any is asked for,
so that a page costs the same however many rooms and plugins contribute.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

# A select of (key text, number) for one account; the id is given as a parameter of the statement.
Contribution = Callable[[Any], sa.Select[Any]]


def add_personal_numbers(config: Any, name: str, select: Contribution) -> None:
    """Configurator directive: `select(account_id)` yields rows of (key as text, number) under `name`.

    It is called once: `account_id` stands for the id of whoever is signed in, inside the statement.
    """
    config.registry.personal_numbers[name] = select
    config.registry.personal_statement = None


def personal(request: Any) -> Mapping[str, dict[str, int]]:
    """`request.personal[name][key]`; empty for a visitor who is not signed in."""
    numbers: dict[str, dict[str, int]] = defaultdict(dict)
    registry = request.registry
    if request.person is None or not registry.personal_numbers:
        return numbers
    if registry.personal_statement is None:
        registry.personal_statement = _statement(registry.personal_numbers)
    found = request.reader.execute(registry.personal_statement, {"account_id": request.person.account_id})
    for name, key, value in found:
        numbers[name][key] = int(value)
    return numbers


def _statement(selects: Mapping[str, Contribution]) -> sa.CompoundSelect[Any]:
    account_id = sa.bindparam("account_id", type_=sa.Uuid())
    parts = []
    for name, make in selects.items():
        inner = make(account_id).subquery()
        key, value = inner.columns
        parts.append(sa.select(sa.literal(name).label("name"), key.label("key"), value.label("value")))
    return sa.union_all(*parts)


def includeme(config: Any) -> None:
    """Add the directive and the request attribute."""
    config.registry.personal_numbers = {}
    config.registry.personal_statement = None
    config.add_directive("add_personal_numbers", add_personal_numbers)
    config.add_request_method(personal, "personal", reify=True)
