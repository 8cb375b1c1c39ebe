"""The one stylesheet keeps to what browsers of 2020 can do, and to colours that the theme brings."""

import re
from pathlib import Path

import pytest

import platform_core.web
from platform_core.web.theme import PLATFORM_BRAND, tokens

WEB = Path(platform_core.web.__file__).parent
CSS = re.sub(r"/\*.*?\*/", "", (WEB / "static" / "store.css").read_text(), flags=re.DOTALL)
RULES = [(m[1].strip(), m[2]) for m in re.finditer(r"([^{}]+)\{([^{}]*)\}", CSS)]


@pytest.mark.parametrize(
    "new",
    [
        r"@layer", r"@container", r"@property", r"@scope", r":has\(", r":is\(", r":where\(", r"oklch\(", r"color-mix\(",
        r"\(from ", r"light-dark\(", r"\(width", r"\binset\b", r"inset-(block|inline)", r"(margin|padding)-(block|inline):",
        r"\btranslate:", r"\brotate:", r"\bscale:", r"overflow: clip", r"accent-color: auto", r"&",
    ],
)  # fmt: skip
def test_nothing_newer_than_2020_without_a_way_round(new: str) -> None:
    without_shadows = CSS.replace("box-shadow: inset", "")
    without_shadows = (
        without_shadows.replace("clip-path: inset(50%)", "")
        .replace("var(--inset)", "")
        .replace("--inset:", "")
    )
    assert not re.search(new, without_shadows)


def test_boxes_in_a_row_are_kept_apart_by_margins() -> None:
    """gap in flex boxes came with Chrome 84 and Safari 14.1."""
    for selector, body in RULES:
        if re.search(r"display:\s*(inline-)?flex", body):
            assert "gap" not in body, selector


def test_not_takes_one_selector() -> None:
    assert not re.search(r":not\([^()]*,", CSS)


def test_newer_selectors_never_share_a_list() -> None:
    """An unknown selector in a list drops the whole rule, for all of its selectors."""
    for selector, _body in RULES:
        if "," in selector:
            assert "focus-visible" not in selector
            assert "::-webkit-" not in selector
            assert "::-moz-" not in selector


def test_colours_come_from_the_theme() -> None:
    screen = CSS.partition("@media print")[0]
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", screen)) <= {"#fff", "#000"}  # the QR code's plate, masks
    used = set(re.findall(r"var\(--([\w-]+)", CSS))
    own = set(re.findall(r"(?<![\w-])--([\w-]+):", CSS))
    shape = {"font-brand", "radius", "radius-s", "radius-l", "logo", "mark-display"}
    tones = {"tone", "tone-wash", "tone-line"}
    assert used <= own | shape | tones | set(tokens(PLATFORM_BRAND))


def test_no_template_styles_or_scripts_inline() -> None:
    for path in (WEB / "templates").rglob("*.jinja2"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)", text), path.name
