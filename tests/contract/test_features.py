"""Feature rows and the tests that name them."""

from tools import features


def test_no_test_names_a_row_that_does_not_exist() -> None:
    rows = {row for group in features.known().values() for row in group}
    assert not set(features.proofs()) - rows


def test_the_list_holds_each_row_once() -> None:
    groups = features.known()
    rows = [row for group in groups.values() for row in group]
    assert len(rows) == len(set(rows)) == 248
    assert all(row.startswith(f"{group}-") for group, members in groups.items() for row in members)


def test_marks_are_found_where_pytest_finds_them(tmp_path, monkeypatch) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text(
        "import pytest\n"
        "pytestmark = [pytest.mark.feature('A-1')]\n"
        "@pytest.mark.feature('A-2', 'A-3')\n"
        "class TestX:\n"
        "    @pytest.mark.parametrize('n', [pytest.param(1, marks=pytest.mark.feature('A-4'))])\n"
        "    def test_y(self, n): pass\n"
        "def helper(): pass\n"
    )
    monkeypatch.setattr(features, "ROOT", tmp_path)
    test = ["tests/test_x.py::TestX::test_y"]
    assert features.proofs() == {"A-1": test, "A-2": test, "A-3": test, "A-4": test}
