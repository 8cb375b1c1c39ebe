"""A brand's theme: readable whatever the colour, plain values only, and no logo that could do anything."""

import re
from itertools import product

import pytest

from platform_core.web.colour import from_oklch, to_oklch
from platform_core.web.theme import (
    FONTS,
    PAIRS,
    PLATFORM_BRAND,
    Brand,
    contrast_ratio,
    logo_problem,
    theme_css,
    tokens,
)

SWEEP = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in product(range(0, 256, 17), repeat=3)]
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48">{}</svg>'


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_pair_is_readable_for_4096_brand_colours(dark: bool) -> None:
    assert len(SWEEP) == 4096
    worst: dict[tuple[str, str, float], tuple[float, str]] = {}
    for index, colour in enumerate(SWEEP):
        # The accent walks through the same colours in another order, so that both meet all kinds of partners.
        found = tokens(Brand(colour, SWEEP[(index * 2741 + 7) % len(SWEEP)]), dark=dark)
        for ink, ground, least in PAIRS:
            ratio = contrast_ratio(found[ink], found[ground])
            if ratio < worst.get((ink, ground, least), (99.0, ""))[0]:
                worst[ink, ground, least] = (ratio, colour)
    for kind, least in (("text", 4.5), ("mark", 3.0)):
        ratio, ink, ground, colour = min(
            (r, i, g, c) for (i, g, n), (r, c) in worst.items() if (n >= 4.5) == (least == 4.5)
        )
        print(f"lowest {kind}: {ratio:.2f}, {ink} on {ground} with brand {colour}")
    short = {pair: found for pair, found in worst.items() if found[0] < pair[2]}
    assert not short


def test_text_on_the_brand_is_white_until_black_is_as_good() -> None:
    assert tokens(Brand("#17503a", "#e0a526"))["brand-on"] == "#ffffff"
    assert tokens(Brand("#ffd400", "#e0a526"))["brand-on"] == "#000000"


def test_a_brand_colour_that_is_readable_is_used_as_it_is() -> None:
    found = tokens(Brand("#17503A", "#e0a526"))
    assert found["brand"] == found["brand-ink"] == found["brand-edge"] == "#17503a"


def test_red_stays_red_in_a_red_store() -> None:
    red, green = tokens(Brand("#b00020", "#b00020")), tokens(Brand("#17503a", "#e0a526"))
    for name in ("ok", "ok-wash", "ok-line", "warn", "bad", "bad-wash", "info", "info-line"):
        assert red[name] == green[name]


@pytest.mark.feature("TEN-04")
def test_the_stylesheet_holds_plain_values_for_light_and_dark() -> None:
    css = theme_css(Brand("#17503a", "#e0a526", "serif", 10, "<svg/>"), "/theme/0123456789abcdef.svg")
    light, dark = css.split("@media (prefers-color-scheme: dark)")
    assert '--logo: url("/theme/0123456789abcdef.svg");' in light
    assert "--radius: 10px;" in light
    assert "--radius-s: 10px;" in light
    assert "--radius-l: 13px;" in light
    assert f"--font-brand: {FONTS['serif']};" in light
    for name in {pair for ink, ground, _least in PAIRS for pair in (ink, ground)}:
        assert re.search(rf"--{name}: #[0-9a-f]{{6}};", light)
    assert "--paper: #" in dark
    assert not re.search(r"oklch|color-mix|from var|rgb\(", css)


def test_a_store_without_a_logo_shows_none() -> None:
    css = theme_css(Brand("#17503a", "#e0a526"), None)
    assert "--logo: none;" in css
    assert "--mark-display: none;" in css


@pytest.mark.parametrize(
    "values",
    [
        ("red", "#e0a526", "serif", 10),
        ("#17503a", "#e0a526;}", "serif", 10),
        ("#17503a", "#e0a526\n", "serif", 10),
        ("#17503a", "#e0a526", "Comic Sans", 10),
        ("#17503a", "#e0a526", "serif", 25),
        ("#17503a", "#e0a526", "serif", -1),
    ],
)
def test_a_brand_takes_only_what_may_stand_in_a_stylesheet(values: tuple[str, str, str, int]) -> None:
    with pytest.raises(ValueError, match=r"colour|font|radius"):
        Brand(*values)


def test_the_logo_s_address_must_be_a_plain_path() -> None:
    with pytest.raises(ValueError, match="plain path"):
        theme_css(PLATFORM_BRAND, '/x.svg"); } body { display: none')


def test_colour_sums_come_back_to_where_they_started() -> None:
    for colour in SWEEP[::37]:
        assert from_oklch(*to_oklch(colour)) == colour
    assert contrast_ratio("#000000", "#ffffff") == pytest.approx(21)
    assert contrast_ratio("#777777", "#777777") == 1


def test_a_colour_outside_srgb_keeps_lightness_and_hue() -> None:
    light, chroma, hue = to_oklch(from_oklch(0.6, 0.4, 145))
    assert light == pytest.approx(0.6, abs=0.005)
    assert hue == pytest.approx(145, abs=1)
    assert chroma < 0.25


def test_good_logos_are_let_in() -> None:
    assert logo_problem(SVG.format('<path d="M0 0h48v48z"/>')) is None
    assert logo_problem(SVG.format('<g id="p"><path d="M0 0h4z"/></g><use href="#p"/>').encode()) is None
    assert logo_problem('<?xml version="1.0" encoding="UTF-8"?>\n' + SVG.format("")) is None
    assert PLATFORM_BRAND.logo_svg is not None
    assert logo_problem(PLATFORM_BRAND.logo_svg) is None


@pytest.mark.parametrize(
    "svg",
    [
        SVG.format("<script>alert(1)</script>"),
        SVG.format("<path onload='x()' d='M0 0'/>"),
        SVG.format("<path OnClick='x()' d='M0 0'/>"),
        SVG.format("<path style='fill:red' d='M0 0'/>"),
        SVG.format("<style>*{}</style>"),
        SVG.format("<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'/></foreignObject>"),
        SVG.format("<image href='https://elsewhere.example/x.png'/>"),
        SVG.format("<use href='https://elsewhere.example/x.svg#a'/>"),
        SVG.format("<use xmlns:xlink='http://www.w3.org/1999/xlink' xlink:href='x.svg#a'/>"),
        SVG.format("<path fill='url(https://elsewhere.example/x)' d='M0 0'/>"),
        SVG.format('<path fill="URL( \'//elsewhere.example/x\')" d="M0 0"/>'),
        SVG.format("<a href='javascript:x()'><path d='M0 0'/></a>"),
        SVG.format("<animate attributeName='href' to='x'/>"),
        SVG.format("<p xmlns='http://www.w3.org/1999/xhtml'/>"),
        '<!DOCTYPE svg [<!ENTITY x "xxxxxxxxxx">]>' + SVG.format("&x;"),
        '<?xml-stylesheet href="https://elsewhere.example/x.css"?>' + SVG.format(""),
        SVG.format("<path"),
        "<svg/>",
        "<html/>",
        "",
        SVG.format("<path d='" + "M0 0" * 6000 + "'/>"),
    ],
)
def test_logos_that_could_act_load_or_style_are_refused(svg: str) -> None:
    assert logo_problem(svg)
    assert logo_problem(svg.encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    assert logo_problem(b"\xff\xfe<svg/>")
