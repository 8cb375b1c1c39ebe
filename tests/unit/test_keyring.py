import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from platform_core.keyring import BadKeyRing, KeyRing, Sealed, new_key_line

BOUND = b"tenant|pool|id"


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.create(tmp_path / "deep" / "secret.key")


def test_what_was_sealed_opens_again(ring: KeyRing) -> None:
    sealed = ring.seal("credential", b"AAAA-BBBB", BOUND)
    assert sealed.key_id == ring.current
    assert b"AAAA" not in sealed.blob
    assert ring.open("credential", sealed, BOUND) == b"AAAA-BBBB"
    assert ring.seal("credential", b"AAAA-BBBB", BOUND).blob != sealed.blob


def test_nothing_may_change(ring: KeyRing) -> None:
    sealed = ring.seal("credential", b"AAAA-BBBB", BOUND)
    flipped = Sealed(sealed.key_id, sealed.blob[:-1] + bytes([sealed.blob[-1] ^ 1]))
    for purpose, what, bound in (
        ("credential", sealed, b"another|pool|id"),
        ("upload", sealed, BOUND),
        ("credential", flipped, BOUND),
    ):
        with pytest.raises(InvalidTag):
            ring.open(purpose, what, bound)


def test_a_key_that_is_not_on_the_ring_is_named(ring: KeyRing) -> None:
    for key_id in ("k00000000", ""):
        with pytest.raises(KeyError):
            ring.open("credential", Sealed(key_id, b"x" * 40), BOUND)


def test_purposes_never_share_a_key(ring: KeyRing) -> None:
    made = {ring.derive(purpose) for purpose in ("a", "b", "a:fingerprint")}
    assert len(made) == 3
    assert ring.fingerprint("a", b"x") == ring.fingerprint("a", b"x") != ring.fingerprint("b", b"x")


def test_after_rotation_old_material_still_opens(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    old = KeyRing.create(path)
    sealed = old.seal("credential", b"old", BOUND)
    path.write_text(new_key_line() + "\n" + path.read_text())
    ring = KeyRing.load(path)
    assert ring.ids == [ring.current, old.current]
    assert ring.current != old.current
    assert ring.open("credential", sealed, BOUND) == b"old"
    assert ring.seal("credential", b"new", BOUND).key_id == ring.current
    assert ring.fingerprint("credential", b"old", old.current) == old.fingerprint("credential", b"old")


def test_a_new_ring_is_its_owners_alone_and_an_old_one_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    first = KeyRing.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyRing.create(path).ids == first.ids
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret.key"]


def test_processes_that_start_at_once_share_one_ring(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    with ThreadPoolExecutor(16) as pool:
        rings = list(pool.map(lambda _n: KeyRing.create(path).ids, range(64)))
    assert {tuple(ids) for ids in rings} == {tuple(KeyRing.load(path).ids)}


GOOD = base64.b64encode(b"k" * 32).decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at least one key"),
        ("nonsense\n", "secret.key:1: allowed is `id:` and 32 bytes in base64"),
        (f"k1:{GOOD}\nk2:{GOOD[:20]}\n", "secret.key:2: "),
        (f":{GOOD}\n", "secret.key:1: "),
        (f"k1:{GOOD}\nk1:{GOOD}\n", "secret.key:2: the id k1 stands there twice"),
        (f"{'k' * 17}:{GOOD}\n", "secret.key:1: "),
        ("k1:é\n", "cannot be read"),
    ],
)
def test_a_bad_file_says_where_and_never_shows_a_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "secret.key"
    path.write_text(text, "utf-8")
    with pytest.raises(BadKeyRing) as refused:
        KeyRing.load(path)
    assert said in str(refused.value)
    assert GOOD[:8] not in str(refused.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadKeyRing, match="webstore demo"):
        KeyRing.load(tmp_path / "none.key")
