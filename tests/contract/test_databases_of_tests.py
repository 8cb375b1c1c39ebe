"""The ground that the other tests stand on: each has a database of its own, and commits for real."""

import pytest
import sqlalchemy as sa

from platform_core.db import Database

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("turn", [1, 2])
def test_what_one_test_commits_no_other_sees(database: Database, turn: int) -> None:
    with database.writer.begin() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM tenant")) == 0
    owner = Database(database.url.render_as_string(hide_password=False), owner=True)
    with owner.writer.begin() as connection:
        connection.execute(sa.text("CREATE TABLE left_over (turn integer)"))
    with owner.writer.begin() as connection:
        connection.execute(sa.text("INSERT INTO left_over VALUES (:turn)"), {"turn": turn})
    with owner.reader.begin() as connection:
        assert connection.scalars(sa.text("SELECT turn FROM left_over")).all() == [turn]
    owner.dispose()


@pytest.mark.postgres
def test_neither_the_owner_nor_the_application_is_superuser(database: Database) -> None:
    query = sa.text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    owner = Database(database.url.render_as_string(hide_password=False), owner=True)
    for engine, name in ((owner.writer, "webstore_owner"), (database.writer, "webstore_app")):
        with engine.begin() as connection:
            assert connection.scalar(sa.text("SELECT current_user")) == name
            assert connection.scalar(query) is False
    owner.dispose()


@pytest.mark.postgres
def test_the_server_is_the_version_that_we_promise(database: Database) -> None:
    with database.reader.begin() as connection:
        version = connection.scalar(sa.text("SHOW server_version_num"))
    assert int(version or 0) >= 150000
