"""`webstore keys`: what it says, what it answers to scripts, and a long import beside a busy shop."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from platform_core.app.settings import Settings
from platform_core.cli import main
from platform_core.cli.context import Context
from platform_core.db import Database
from platform_core.fulfilment.models import Credential, EntitlementState, ImportState, KeyImport
from tests.common.factories import RING, House

ROOT = Path(__file__).parent.parent.parent
BIG = os.environ.get("WEBSTORE_BIG") == "1"
LINES = 1_000_000 if BIG else 20_000


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def key_line(key_id: str) -> str:
    return f"{key_id}:{base64.b64encode(RING[key_id]).decode()}\n"


@pytest.fixture
def settings(house: House, tmp_path: Path) -> Settings:
    secret = tmp_path / "secret.key"
    secret.write_text(key_line("k1"))
    url = house.database.url.render_as_string(hide_password=False)
    return Settings(url, tmp_path, tmp_path / "tenants", secret)


def run(settings: Settings, *arguments: str):
    context = Context(settings)
    try:
        return CliRunner().invoke(main, ["keys", *arguments], obj=context)
    finally:
        context.database.dispose()


def into(product) -> list[str]:
    return ["--store", "school", "--product", product.slug, "--code", "key"]


def test_import_count_and_rotate(house, settings, tmp_path):
    product = house.product("tool")
    path = tmp_path / "keys.csv"
    path.write_text("product key\nA-1\nA-2\nA-3\n")
    done = run(settings, "import", *into(product), str(path))
    assert (done.exit_code, done.output) == (0, "3 keys loaded\n")
    house.buy(product)
    counted = json.loads(run(settings, "count", "--store", "school", "--json").output)
    assert counted == [{"product": "tool", "code": "key", "available": 2, "issued": 1, "dead": 0}]
    assert "2 left" in run(settings, "count", "--store", "school").output
    settings.secret_file.write_text(key_line("k2") + key_line("k1"))
    assert run(settings, "rotate").output == "school: 3 keys\n3 keys sealed anew with k2\n"
    assert run(settings, "rotate").output == "0 keys sealed anew with k2\n"


def test_a_ring_without_the_old_key_is_named(house, settings):
    house.load(house.product(), ["A"])
    settings.secret_file.write_text(key_line("k2"))
    done = run(settings, "rotate", "--store", "school")
    assert done.exit_code == 1
    assert "store school: a credential is sealed with key 'k1'" in done.output


def test_bad_lines_are_named_on_the_error_output(house, settings, tmp_path):
    product = house.product()
    path = tmp_path / "keys.csv"
    path.write_text("A,B\nGOOD\nGOOD\n")
    done = run(settings, "import", *into(product), str(path))
    assert done.exit_code == 1 and done.stdout == ""
    assert done.stderr.splitlines() == [
        "line 1: 2 columns, one is wanted; put a key with a comma in quotes",
        "line 3: the same key as in line 2",
        "nothing loaded: 2 bad lines",
    ]
    answer = json.loads(run(settings, "import", *into(product), "--json", str(path)).stdout)
    assert (answer["accepted"], answer["flaw_count"]) == (0, 2)


@pytest.mark.parametrize(
    ("product", "code", "said"),
    [
        ("nothing", "key", "found no product 'nothing' in this store"),
        ("tool", "serial", "tool has no credential 'serial'; allowed: key"),
        ("leaflet", "key", "leaflet has no credential 'key'; it needs none"),
    ],
)
def test_a_pool_that_does_not_exist_is_refused(house, settings, tmp_path, product, code, said):
    house.product("tool")
    house.product("leaflet", credentials=())
    path = tmp_path / "keys.csv"
    path.write_text("A\n")
    done = run(settings, "import", "--store", "school", "--product", product, "--code", code, str(path))
    assert done.exit_code == 1 and said in done.output


def test_a_file_without_keys_is_refused(house, settings, tmp_path):
    path = tmp_path / "keys.csv"
    path.write_text("\ufeffkey\r\n\r\n", newline="")
    done = run(settings, "import", *into(house.product()), str(path))
    assert done.exit_code == 1 and "no keys in the file" in done.output


def start(settings: Settings, product, path: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "platform_core.cli", "keys", "import", *into(product), str(path)],
        cwd=ROOT,
        env={
            **os.environ,
            "WEBSTORE_DATABASE_URL": settings.database_url,
            "WEBSTORE_DATA_DIR": str(settings.data_dir),
            "WEBSTORE_SECRET_FILE": str(settings.secret_file),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0


def test_a_long_import_stays_small_and_lets_buyers_in(house, settings, tmp_path):
    product, other = house.product("loaded"), house.product("bought", credentials=())
    path = tmp_path / "keys.csv"
    with path.open("w") as file:
        for number in range(LINES):
            file.write(f"KEY-{number:08}-{number * 7919 % 1000003:07}\r\n")
    account = house.account()
    began = time.monotonic()
    importer = start(settings, product, path)
    sizes: list[int] = []
    bought, longest = 0, 0.0
    told: list[str] = []
    assert importer.stdout is not None and importer.stderr is not None
    errors = importer.stderr
    reader = threading.Thread(target=lambda: told.extend(errors))
    reader.start()
    while importer.poll() is None:
        loading = any(line.startswith("loaded") for line in told)
        if loading or bought == 0:
            at = time.monotonic()
            order = house.buy(other, account_id=account)
            longest = max(longest, time.monotonic() - at)
            assert house.entitlements(order)[0].state is EntitlementState.ACTIVE
            bought += 1
        if loading:
            sizes.append(resident(importer.pid))
        time.sleep(0.05)
    reader.join()
    assert importer.returncode == 0, told
    assert importer.stdout.read() == f"{LINES} keys loaded\n"
    importer.stdout.close()
    importer.stderr.close()
    sizes = [size for size in sizes if size]
    first, peak = sizes[0], max(sizes)
    print(
        f"\n{LINES} lines in {time.monotonic() - began:.0f} s, resident {first >> 20} MB after the first"
        f" 10,000, {peak >> 20} MB at most; {bought} orders meanwhile, the longest took {longest * 1000:.0f} ms"
    )
    assert bought >= 2
    assert peak - first < 16 << 20
    with house.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Credential)) == LINES


@pytest.mark.parametrize("point", ["keys.batch", "keys.live", "keys.committed"])
def test_an_import_killed_anywhere_counts_whole_or_not_at_all(house, settings, tmp_path, point):
    product = house.product("loaded")
    path = tmp_path / "keys.csv"
    path.write_text("\n".join(f"K-{number}" for number in range(2500)))
    killed = start(settings, product, path, WEBSTORE_KILL_AT=point)
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    committed = point == "keys.committed"
    order = house.buy(product)
    expected = EntitlementState.ACTIVE if committed else EntitlementState.WAITING
    assert house.entitlements(order)[0].state is expected
    if committed:
        return
    house.work(minutes=30)
    with house.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Credential)) == 0
        assert session.scalars(sa.select(KeyImport.state)).one() is ImportState.FAILED
    done = run(settings, "import", *into(product), str(path))
    assert done.output == "2500 keys loaded\n"
    house.work()
    assert house.entitlements(order)[0].state is EntitlementState.ACTIVE
