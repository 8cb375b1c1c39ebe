"""What the job table keeps of an error: where it came from, and nothing personal."""

import pytest
import sqlalchemy as sa

from platform_core.jobs.runner import _said


def test_an_error_names_its_place():
    def broken() -> None:
        raise LookupError("the job's store has not been published")

    with pytest.raises(LookupError) as caught:
        broken()
    said = _said(caught.value)
    assert said.startswith("LookupError: the job's store has not been published at test_errors.py:")
    assert said.endswith("in broken")


def test_values_of_statements_are_left_out():
    engine = sa.create_engine("sqlite://")
    try:
        with engine.connect() as connection, pytest.raises(sa.exc.OperationalError) as caught:
            connection.execute(sa.text("SELECT * FROM nobody WHERE name = :name"), {"name": "emma.thibodeau"})
    finally:
        engine.dispose()
    assert "emma" in str(caught.value)
    said = _said(caught.value)
    assert said.startswith("OperationalError (SQLITE_ERROR) at ") and "emma" not in said


def test_a_long_message_is_cut():
    assert len(_said(ValueError("x" * 5000))) < 400
