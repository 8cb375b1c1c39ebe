"""Signed download addresses."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from platform_core.clock import Clock
from platform_core.fulfilment.delivery.signing import ExpiredToken, ForgedToken, Signer

TENANT, DOWNLOAD = uuid4(), uuid4()
OLD, NEW = b"the old platform secret", b"the new platform secret"


class Hands:
    """A wall clock that a test moves."""

    def __init__(self):
        self.time = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)

    def __call__(self):
        return self.time


def test_a_ticket_is_what_was_signed_for_a_day():
    hands = Hands()
    signer = Signer({"k2": NEW}, Clock(hands))
    path = signer.path(TENANT, DOWNLOAD)
    assert path.startswith("/d/")
    token = path.removeprefix("/d/")
    ticket = signer.verify(token)
    assert (ticket.tenant_id, ticket.download_id, ticket.key_id) == (TENANT, DOWNLOAD, "k2")
    hands.time += timedelta(hours=23, minutes=59, seconds=59)
    assert signer.verify(token) == ticket
    hands.time += timedelta(seconds=1)
    with pytest.raises(ExpiredToken) as expired:
        signer.verify(token)
    assert expired.value.ticket == ticket


def test_business_time_does_not_matter():
    hands = Hands()
    token = Signer({"k": NEW}, Clock(hands)).sign(TENANT, DOWNLOAD)
    moved = Signer({"k": NEW}, Clock(hands, timedelta(days=8)))
    assert moved.verify(token).download_id == DOWNLOAD


def test_every_other_spelling_is_forged():
    signer = Signer({"k": NEW}, Clock(Hands()))
    token = signer.sign(TENANT, DOWNLOAD)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for at, letter in enumerate(token):
        for other in letters if at == len(token) - 1 else ("A" if letter != "A" else "B"):
            if other != letter:
                with pytest.raises(ForgedToken):
                    signer.verify(token[:at] + other + token[at + 1 :])


@pytest.mark.parametrize("wrong", ["", ".", "a.b", "é.ü", "A" * 400, "\n", "%2e", "A" * 60 + "." + "A" * 43])
def test_what_is_no_token_is_forged(wrong):
    with pytest.raises(ForgedToken):
        Signer({"k": NEW}, Clock()).verify(wrong)


def test_longer_tokens_and_a_line_feed_are_forged():
    signer = Signer({"k": NEW}, Clock())
    token = signer.sign(TENANT, DOWNLOAD)
    for wrong in (token + "\n", token + "=", token + ".x", "x" + token):
        with pytest.raises(ForgedToken):
            signer.verify(wrong)


def test_secrets_rotate_while_links_are_under_way():
    before = Signer({"k1": OLD}, Clock())
    during = Signer({"k2": NEW, "k1": OLD}, Clock())
    after = Signer({"k2": NEW}, Clock())
    token = before.sign(TENANT, DOWNLOAD)
    assert during.verify(token).key_id == "k1"
    assert after.verify(during.sign(TENANT, DOWNLOAD)).key_id == "k2"
    with pytest.raises(ForgedToken):
        after.verify(token)


def test_the_key_is_not_the_secret_and_the_key_identifier_is_signed():
    same = {"a": NEW, "b": NEW}
    signer = Signer(same, Clock())
    payload, mac = signer.sign(TENANT, DOWNLOAD).split(".")
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    assert UUID(bytes=raw[1:17]) == TENANT
    other = base64.urlsafe_b64encode(raw[:-1] + b"b").rstrip(b"=").decode()
    with pytest.raises(ForgedToken):
        signer.verify(f"{other}.{mac}")


@pytest.mark.parametrize("secrets", [{}, {"k": b"short"}, {"": NEW}, {"a b": NEW}])
def test_unusable_key_rings_are_refused(secrets):
    with pytest.raises(ValueError, match=r"secret|key identifier"):
        Signer(secrets, Clock())
