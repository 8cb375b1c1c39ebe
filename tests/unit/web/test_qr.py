"""The code on the receipt is a plain drawing."""

import re

import pytest

from platform_core.web.qr import qr_svg


@pytest.mark.feature("EXT-05")
@pytest.mark.parametrize("text", ["https://northfield.example/orders/7K2Q-M4XD-P0C", "x" * 500])
def test_the_code_has_no_style_script_or_size_and_keeps_its_proportions(text: str) -> None:
    svg = str(qr_svg(text))
    assert svg.startswith("<svg ") and svg.endswith("</svg>")
    assert "style" not in svg and "<script" not in svg and "xlink" not in svg
    assert not re.search(r"\s(width|height)=", svg)
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    assert box is not None and box[1] == box[2]


def test_a_text_cannot_leave_the_drawing() -> None:
    assert "<b>" not in str(qr_svg('<b>&"'))
