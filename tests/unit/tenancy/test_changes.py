"""Differences of two documents, as people read them."""

from platform_core.tenancy.changes import Change, ChangeKind, value_changes

OLD = {
    "brand": {"radius": 8, "logo": "a.svg"},
    "groups": [{"code": "a", "n": 1}, {"code": "b", "n": 2}],
    "x": [1],
}


def test_equal_documents_have_no_difference() -> None:
    assert list(value_changes("setting", OLD, OLD)) == []


def test_each_difference_has_its_path() -> None:
    new = {
        "brand": {"radius": 9, "font": "serif"},
        "groups": [{"code": "b", "n": 3}, {"code": "a", "n": 1}],
        "x": [2],
    }
    assert list(value_changes("setting", OLD, new)) == [
        Change(ChangeKind.CHANGE, "setting", "brand.radius", 8, 9),
        Change(ChangeKind.RETIRE, "setting", "brand.logo", "a.svg", None),
        Change(ChangeKind.ADD, "setting", "brand.font", None, "serif"),
        Change(ChangeKind.CHANGE, "setting", "groups (order)", ["a", "b"], ["b", "a"]),
        Change(ChangeKind.CHANGE, "setting", "groups.b.n", 2, 3),
        Change(ChangeKind.CHANGE, "setting", "x", [1], [2]),
    ]


def test_a_change_is_one_line() -> None:
    lines = [
        Change(ChangeKind.ADD, "product", "map-room").text(),
        Change(ChangeKind.CHANGE, "product", "map-room.version", "1", "2").text(),
        Change(ChangeKind.RETIRE, "offer", "map-room/all").text(),
        Change(ChangeKind.KEEP_SCREEN, "product", "map-room.version", "x" * 300, None).text(),
    ]
    assert lines[:3] == [
        "+ product map-room",
        "~ product map-room.version: '1' -> '2'",
        "- offer map-room/all",
    ]
    assert lines[3].startswith("= product map-room.version: kept as edited on a screen ('xxx")
    assert len(lines[3]) < 220
    assert not Change(ChangeKind.KEEP_SCREEN, "product", "a").is_pending
