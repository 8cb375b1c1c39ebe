"""Secrets are named in a store file, never written into it."""

from typing import Any

import pytest

from platform_core.tenancy.plain_secrets import looks_secret, secret_flaws
from platform_core.tenancy.problems import english


@pytest.mark.parametrize(
    "key",
    [
        "secret",
        "client_secret",
        "PASSWORD",
        "smtp-password",
        "apiKey",
        "api_key",
        "token",
        "auth_token_2",
        "private_key",
    ],
)
def test_names_that_promise_a_secret(key: str) -> None:
    assert looks_secret(key)


@pytest.mark.parametrize(
    "key",
    [
        "credentials",
        "key_asked",
        "token_url",
        "password_hint",
        "tokens_label",
        "monogram",
        "secretary",
        "keys",
    ],
)
def test_names_that_promise_none(key: str) -> None:
    assert not looks_secret(key)


@pytest.mark.parametrize(
    "value",
    ["env:WEBSTORE_STORE_NORTH_FIELD_PAYPAL", "file:paypal.key", "file:north/paypal.key", "vault", True],
)
def test_references_are_let_in(value: Any) -> None:
    assert not list(secret_flaws({"plugins": {"pay": {"client_secret": value}}}, "north-field"))


@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        "",
        1234,
        "env:",
        "env:PATH",
        "env:WEBSTORE_STORE_OTHER_KEY",
        "file:../key",
        "file:/etc/key",
        "file:",
    ],
)
def test_everything_else_is_refused(value: Any) -> None:
    flaws = list(secret_flaws({"plugins": {"pay": [{"a": 1}, {"client_secret": value}]}}, "north-field"))
    assert [flaw.path for flaw in flaws] == [("plugins", "pay", 1, "client_secret")]
    assert "env:WEBSTORE_STORE_NORTH_FIELD_" in english(flaws[0].allowed)


def test_a_secret_is_never_shown() -> None:
    flaws = list(secret_flaws({"tokens": ["hunter2", "hunter3"], "x": {"password": "hunter4"}}, "north"))
    assert len(flaws) == 3
    assert not any(
        "hunter" in english(text) for flaw in flaws for text in (flaw.found, flaw.allowed, flaw.hint)
    )
