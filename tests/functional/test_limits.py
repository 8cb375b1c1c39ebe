"""Limits on tries: one account is one counter however its name is written, and one home is one address."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from platform_core.accounts.limits import count_try, forget_tries, is_campus
from platform_core.accounts.models import RateLimit
from platform_core.clock import machine_time
from platform_core.db import Database
from tests.common.factories import House

LIMITS = {
    "sign_in_per_account": 3,
    "sign_in_per_address": 5,
    "campus_networks": ["192.0.2.0/24", "2001:db8:5::/48"],
}


@pytest.fixture
def house(database: Database) -> House:
    return House(database, limits=LIMITS)


def tries(house: House, *names: str, address: str = "198.51.100.1", store: House | None = None) -> list[bool]:
    return [count_try(house.database, house.keys, (store or house).store, name, address) for name in names]


def test_an_account_is_one_counter_however_its_name_is_written(house: House) -> None:
    assert (
        tries(house, "emma", " EMMA ", "\uff45\uff4d\uff4d\uff41", "Emma", "emma\t")
        == [True] * 3 + [False] * 2
    )


def test_the_right_password_ends_the_accounts_count_however_it_was_written(house: House) -> None:
    tries(house, "emma", "emma", "emma")
    forget_tries(house.database, house.keys, house.store, " Emma")
    assert tries(house, "emma", address="198.51.100.2") == [True]


def test_an_address_is_limited_over_all_accounts(house: House) -> None:
    assert tries(house, *"abcdef") == [True] * 5 + [False]
    assert tries(house, "g", address="198.51.100.2") == [True]


def test_who_owns_one_ipv6_address_owns_the_64_around_it(house: House) -> None:
    made = [tries(house, name, address=f"2001:db8:1:2::{number}")[0] for number, name in enumerate("abcdef")]
    assert made == [True] * 5 + [False]
    assert tries(house, "g", address="2001:db8:1:3::1") == [True]


def test_a_campus_shares_its_addresses(house: House) -> None:
    for address in ("192.0.2.77", "2001:db8:5:9::1"):
        assert is_campus(house.store, address)
        assert all(tries(house, *"abcdefghij", address=address))
    assert not is_campus(house.store, "192.0.3.1")
    assert not is_campus(house.store, "no address")


def test_the_window_is_wall_time(house: House) -> None:
    assert tries(house, *["emma"] * 4)[-1] is False
    house.advance(days=30)
    assert tries(house, "emma", address="198.51.100.2") == [False]
    later = machine_time() + timedelta(minutes=15, seconds=1)
    house.wall = lambda: later
    assert tries(house, "emma", address="198.51.100.3") == [True]


def test_stores_do_not_share_counters_and_rows_name_nobody(house: House) -> None:
    other = House(house.database, "other", limits=LIMITS)
    tries(house, *["emma"] * 4)
    assert tries(house, "emma", store=other) == [True]
    with house.database.session() as session:
        keys = session.scalars(sa.select(RateLimit.key)).all()
    assert all(len(key) == 64 and "emma" not in key for key in keys)


@pytest.mark.parametrize("name", ["", "x" * 5000, "\x00", "👩‍🎓" * 200, "'; DROP TABLE rate_limit; --"])
def test_odd_names_are_counted_like_others(house: House, name: str) -> None:
    assert tries(house, *[name] * 4) == [True] * 3 + [False]
