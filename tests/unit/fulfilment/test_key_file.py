"""Reading files of keys, and what two spellings of one key are."""

from itertools import islice
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from platform_core.db import uuid7
from platform_core.fulfilment.key_file import LONGEST, CsvKeys, Values
from platform_core.fulfilment.keys import (
    Place,
    fingerprint,
    fingerprints,
    last_characters,
    normal,
    open_key,
    seal,
    tail,
)
from platform_core.keyring import KeyRing
from tests.common.factories import RING

KEYS = KeyRing(RING)


def read(tmp_path: Path, content: bytes, code: str = "") -> list[tuple[int, str]]:
    path = tmp_path / "keys.csv"
    path.write_bytes(content)
    return [(entry.line, entry.flaw or f"={entry.value}") for entry in CsvKeys(path, code)]


@pytest.mark.parametrize(
    "content",
    [
        b"A\nB\n",
        b"A\r\nB",
        b"A\rB\r",
        b"\xef\xbb\xbfA\nB",
        b"\n\n A \n\t\nB\n\n",
        b'"A"\n"B"\n',
        b"Product Key\nA\nB\n",
        b"activation_code\r\nA\r\nB\r\n",
        "Numéro de série\nA\nB\n".encode(),
    ],
)
def test_every_usual_form_of_file(tmp_path, content):
    values = [text for _line, text in read(tmp_path, content)]
    assert values == ["=A", "=B"]


def test_the_pools_own_code_is_a_header(tmp_path):
    assert read(tmp_path, b"authorisation-2\nA\n", "authorisation-2") == [(2, "=A")]
    assert read(tmp_path, b"authorisation-2\nA\n") == [(1, "=authorisation-2"), (2, "=A")]


def test_a_header_in_the_middle_is_a_key(tmp_path):
    assert read(tmp_path, b"A\nkey\n") == [(1, "=A"), (2, "=key")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'""', "empty"),
        (b"A,B", "2 columns"),
        (b"A,", "2 columns"),
        (b"A\x00B", "a control character (U+0000)"),
        (b"A\x85B".decode("latin-1").encode(), "a control character (U+0085)"),
        ("A\u2028B".encode(), "a control character (U+2028)"),
        (b"A\xff", "not UTF-8 text"),
        (b"x" * (LONGEST + 1), "501 characters, at most 500"),
        (b"x" * 200_000, "too many characters, at most 500"),
        (b'"A" B', "the quotes do not fit"),
    ],
)
def test_a_bad_line_is_named_and_the_next_one_is_read(tmp_path, line, said):
    (first, second, third) = read(tmp_path, b"GOOD\n" + line + b"\nNEXT\n")
    assert (first, third) == ((1, "=GOOD"), (3, "=NEXT"))
    assert second[0] == 2 and second[1].startswith(said)


def test_a_quote_that_is_never_closed_is_a_flaw_and_no_end_of_memory(tmp_path):
    entries = read(tmp_path, b'A\n"B\n' + b"C" * 100 + b"\n" * 3)
    assert entries[0] == (1, "=A") and entries[1][0] == 2 and not entries[1][1].startswith("=")


def test_a_quoted_line_break_is_a_control_character_and_line_numbers_go_on(tmp_path):
    assert read(tmp_path, b'"A\nB"\nC\n') == [(1, "a control character (U+000A)"), (3, "=C")]


def test_values_in_memory_are_checked_alike():
    assert [(entry.value, entry.flaw) for entry in Values((" A ", ""))] == [("A", None), ("", "empty")]


def test_a_file_is_a_stream(tmp_path):
    path = tmp_path / "keys.csv"
    path.write_text("\n".join(map(str, range(100_000))))
    assert [entry.value for entry in islice(CsvKeys(path), 3)] == ["0", "1", "2"]


# --- at rest ---------------------------------------------------------------------------------------------------


@given(st.text(min_size=1, max_size=60))
def test_what_was_sealed_opens_in_its_place_only(value):
    place = Place(uuid7(), uuid7(), uuid7())
    sealed = seal(KEYS, place, value)
    assert value.encode() not in sealed.secret or len(value.encode()) < 4
    assert open_key(KEYS, place, sealed.key_id, sealed.secret) == value
    for other in (
        Place(uuid7(), place.pool_id, place.credential_id),
        Place(place.tenant_id, uuid7(), place.credential_id),
        Place(place.tenant_id, place.pool_id, uuid7()),
    ):
        with pytest.raises(InvalidTag):
            open_key(KEYS, other, sealed.key_id, sealed.secret)


def test_spellings_of_one_key():
    assert normal("  ＡＢ\u00a0 C ") == "AB C"
    assert fingerprint(KEYS, " AB  C") == fingerprint(KEYS, "AB C")
    assert fingerprint(KEYS, "ab c") != fingerprint(KEYS, "AB C"), "case may be all that differs"
    assert len(set(fingerprints(KEYS, "AB C"))) == 2


def test_the_tail_is_what_a_person_reads_out():
    assert last_characters("ABCD-EF12-3456-x") == "23456X"
    assert tail(KEYS, "zzz-1234-56") == tail(KEYS, "123456") != tail(KEYS, "123457")
