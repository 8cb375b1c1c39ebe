"""`webstore tenants`: what it prints, what it writes and how it ends."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from platform_core.app.settings import Settings
from platform_core.cli import main
from platform_core.cli.context import Context
from platform_core.cli.store_reports import MANY
from tests.common.store_files import LOGO, STORE, line_of, write_download, write_store

TEXT = STORE.replace("plugins.lamp", "plugins.access_guarantee")


class Operator:
    """Somebody at a terminal."""

    def __init__(self, url: str, folder: Path) -> None:
        self.tenants = folder / "tenants"
        self.tenants.mkdir()
        self.data_dir = folder / "data"
        self.settings = Settings(url, self.data_dir, self.tenants, folder / "secret.key")

    def run(self, *arguments: str, tenants_dir: Path | None = None) -> Result:
        settings = self.settings
        if tenants_dir is not None:
            settings = Settings(settings.database_url, self.data_dir, tenants_dir, settings.secret_file)
        context = Context(settings)
        try:
            return CliRunner().invoke(main, ["tenants", *arguments], obj=context, catch_exceptions=False)
        finally:
            context.database.dispose()

    def write(self, text: str = TEXT, slug: str = "harbour") -> Path:
        write_download(self.data_dir, slug)
        return write_store(self.tenants, text, slug)


@pytest.fixture
def operator(database_url: str, tmp_path: Path) -> Operator:
    return Operator(database_url, tmp_path)


def test_check_says_file_line_key_found_allowed(operator: Operator) -> None:
    text = TEXT.replace('["CAD"', '["CADD"').replace("[support]", '[support]\npassword = "hunter2"')
    path = operator.write(text)
    result = operator.run("check")
    assert result.exit_code == 1
    assert (
        f"{path}:{line_of(text, 'currencies =')}: store.currencies[1]: "
        "found 'CADD'; allowed: an ISO 4217 currency such as CAD" in result.stderr
    )
    assert (
        f"{path}:{line_of(text, 'password')}: support.password: found a plain secret (not shown)"
        in result.stderr
    )
    assert "2 problems in 1 file" in result.stderr
    assert "hunter2" not in result.output
    report = json.loads(operator.run("check", "--json").stdout)
    assert [problem["key"] for problem in report["problems"]] == ["store.currencies[1]", "support.password"]


def test_check_of_good_files_and_of_one_by_path(operator: Operator) -> None:
    path = operator.write()
    operator.write(slug="marina")
    (operator.tenants / "platform.toml").write_text("[hosts]\n")
    result = operator.run("check")
    assert (result.exit_code, result.stdout) == (0, "2 store files checked, no problem found\n")
    assert "1 store file checked" in operator.run("check", str(path)).stdout


def test_two_files_cannot_be_one_store(operator: Operator, tmp_path: Path) -> None:
    one, other = operator.write(), write_store(tmp_path / "more", TEXT)
    result = operator.run("check", str(one), str(other))
    assert result.exit_code == 1
    assert f"a slug of its own; {one} has this one" in result.stderr


def test_diff_then_apply_then_no_changes(operator: Operator) -> None:
    operator.write()
    pending = operator.run("diff")
    assert pending.exit_code == 3
    assert "  + product stat-workbench\n" in pending.stdout
    dry = operator.run("apply", "--dry-run", "harbour")
    assert (dry.exit_code, dry.stdout) == (0, pending.stdout)
    applied = operator.run("apply", "--json")
    assert applied.exit_code == 0
    assert json.loads(applied.stdout)["stores"][0]["revision"] == 1
    for arguments in (["apply"], ["apply", "harbour"], ["apply", "--all"], ["diff"]):
        again = operator.run(*arguments)
        assert (again.exit_code, again.stdout) == (0, "no changes\n")
    operator.write(TEXT.replace('version = "11.2"', 'version = "12"'))
    assert operator.run("apply").stdout == (
        "harbour: 1 change (revision 2)\n  ~ product stat-workbench.version: '11.2' -> '12'\n"
    )


def test_one_bad_file_holds_the_others_back_unless_told(operator: Operator) -> None:
    operator.write()
    operator.write(TEXT.replace('colour = "#17503a"', 'color = "#17503a"'), "marina")
    write_store(operator.tenants, TEXT, "pier")
    refused = operator.run("apply")
    assert refused.exit_code == 1
    assert "marina.toml" in refused.stderr and "did you mean 'colour'?" in refused.stderr
    assert "pier.toml" in refused.stderr and "no file 'pier/setup.exe'" in refused.stderr
    assert "no store yet" in operator.run("list").stdout
    partly = operator.run("apply", "--keep-going")
    assert partly.exit_code == 1 and "harbour" in partly.stdout
    assert [store["slug"] for store in json.loads(operator.run("list", "--json").stdout)] == ["harbour"]


def test_a_store_whose_file_is_gone_stays(operator: Operator) -> None:
    path = operator.write()
    operator.run("apply")
    path.unlink()
    for arguments in (["check"], ["diff"], ["apply"], ["list"]):
        result = operator.run(*arguments)
        assert (result.exit_code, result.stderr) == (0, "harbour is in the database, but has no file\n")
    named = operator.run("apply", "harbour")
    assert named.exit_code == 1 and "harbour is in the database, but has no file" in named.stderr
    assert "harbour  Harbour College  revision 1" in operator.run("list").stdout
    unknown = operator.run("diff", "nowhere")
    assert unknown.exit_code == 1 and "nowhere.toml" in unknown.stderr


def test_an_export_can_be_applied_elsewhere(operator: Operator, tmp_path: Path) -> None:
    operator.write()
    operator.run("apply")
    out = tmp_path / "out"
    assert operator.run("export", "harbour", "--to", str(out)).stdout == f"{out / 'harbour'}.toml\n"
    assert (out / "harbour.svg").read_text() == LOGO
    assert operator.run("export", "harbour").stdout == (out / "harbour.toml").read_text()
    assert operator.run("diff", tenants_dir=out).stdout == "no changes\n"
    unknown = operator.run("export", "nowhere")
    assert unknown.exit_code == 1 and "webstore tenants list" in unknown.stderr


@pytest.mark.feature("TEN-04")
def test_a_plugin_is_switched_and_stays_so(operator: Operator) -> None:
    operator.write()
    operator.run("apply")
    shown = operator.run("plugin", "harbour", "access_guarantee", "show")
    assert shown.stdout == "access_guarantee is on at harbour, as the store file says\n  days = 31\n"
    off = operator.run("plugin", "harbour", "access_guarantee", "off")
    assert off.stdout == "access_guarantee is off at harbour, set by a person\n"
    assert "nothing to do" in operator.run("plugin", "harbour", "access_guarantee", "off").stdout
    kept = operator.run("apply", "--all")
    assert kept.exit_code == 0
    assert "= plugin access_guarantee.enabled: kept as edited on a screen (False)" in kept.stdout
    on = json.loads(operator.run("plugin", "harbour", "access_guarantee", "on", "--json").stdout)
    assert (on["enabled"], on["changed"], on["settings"]) == (True, True, {"days": 31})
    unknown = operator.run("plugin", "harbour", "access_guaranty", "on")
    assert unknown.exit_code == 1 and "installed: access_guarantee" in unknown.stderr


def test_without_a_database_the_way_out_is_named(tmp_path: Path) -> None:
    operator = Operator(f"sqlite:///{tmp_path / 'nothing.db'}", tmp_path)
    operator.write()
    assert operator.run("check").exit_code == 0
    for arguments in (["diff"], ["apply"], ["list"], ["export", "harbour"]):
        result = operator.run(*arguments)
        assert result.exit_code == 1 and "webstore db upgrade" in result.stderr
    assert not (tmp_path / "nothing.db").exists()


def test_many_stores_show_progress(operator: Operator) -> None:
    small = TEXT[: TEXT.index("[[publishers]]")]
    for number in range(MANY):
        write_store(operator.tenants, small, f"harbour-{number}")
    result = operator.run("apply")
    assert result.exit_code == 0
    assert f"{MANY} of {MANY} checked" in result.stderr and f"{MANY} of {MANY} applied" in result.stderr
    assert operator.run("apply").stdout == "no changes\n"


@pytest.mark.parametrize("command", ["check", "diff", "apply", "list", "export", "plugin"])
def test_each_help_has_an_example(operator: Operator, command: str) -> None:
    result = operator.run(command, "--help")
    assert result.exit_code == 0
    assert f"Example: webstore tenants {command}" in result.stdout


def test_wrong_usage_ends_with_two(operator: Operator) -> None:
    assert operator.run("plugin", "harbour").exit_code == 2
    assert operator.run("apply", "--nothing").exit_code == 2
