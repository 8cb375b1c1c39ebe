"""A store's stylesheet from five values: every token is worked out here and written as a plain hex colour.

Lightness is fixed by a token's role, its hue comes from the brand, its chroma is capped; then each ink moves away
from the grounds it stands on until its contrast is enough. So every brand colour gives a readable store, in
light and in dark, on browsers that know nothing but `var()`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from platform_core.web.colour import (
    BLACK,
    HEX_COLOUR,
    OKLCH,
    WHITE,
    contrast_ratio,
    from_oklch,
    luminance,
    mix,
    to_oklch,
)
from platform_core.web.logo import logo_problem

__all__ = [
    "FONTS",
    "PAIRS",
    "PLATFORM_BRAND",
    "Brand",
    "contrast_ratio",
    "logo_problem",
    "theme_css",
    "tokens",
]

FONTS: Mapping[str, str] = {
    "system": 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif',
    "humanist": '"Avenir Next", Avenir, "Segoe UI Variable Display", "Segoe UI", "Noto Sans", system-ui, sans-serif',
    "serif": '"Iowan Old Style", "Palatino Linotype", Palatino, "URW Palladio L", P052, "Noto Serif", Georgia, serif',
    "rounded": 'ui-rounded, "SF Pro Rounded", "Hiragino Maru Gothic ProN", "Segoe UI Variable Display", Nunito,'
    " system-ui, sans-serif",
}
"""Headings' fonts by their key in a store file: only what readers have, nothing is fetched."""

WHITE_TEXT_BELOW = 0.179
"""Luminance of a ground at which white and black text both have a contrast of 4.58."""

TEXT = 4.5
MARK = 3.0
MEANINGS = ("ok", "warn", "bad", "info")
_GROUNDS = ("paper", "surface", "sunken", "wash")
_WASHES = tuple(f"{meaning}-wash" for meaning in MEANINGS)

PAIRS: tuple[tuple[str, str, float], ...] = (
    ("brand-on", "brand", TEXT),
    ("brand-on", "brand-away", TEXT),
    *((ink, ground, 7.0) for ink in ("ink",) for ground in (*_GROUNDS, *_WASHES, "accent-wash")),
    *((ink, ground, TEXT) for ink in ("ink-2", "brand-ink") for ground in (*_GROUNDS, *_WASHES)),
    ("accent-ink", "surface", TEXT),
    ("accent-ink", "accent-wash", TEXT),
    *((edge, ground, MARK) for edge in ("control", "brand-edge", "accent-edge") for ground in _GROUNDS),
    *((meaning, f"{meaning}-wash", TEXT) for meaning in MEANINGS),
    *((meaning, ground, TEXT) for meaning in MEANINGS for ground in _GROUNDS),
)
"""(foreground, ground, least contrast) of each pair of tokens that the stylesheet puts together."""


@dataclass(frozen=True, slots=True)
class Brand:
    """What a store says about its look: colours `#rrggbb`, a key of `FONTS`, corner radius in px, a one-colour SVG.

    ValueError if a value is of another form: they are written into a stylesheet as they are.
    """

    colour: str
    accent: str
    font: str = "system"
    radius: int = 10
    logo_svg: str | None = None

    def __post_init__(self) -> None:
        for value in (self.colour, self.accent):
            if not HEX_COLOUR.fullmatch(value):
                raise ValueError(f"not a colour of the form #rrggbb: {value!r}")
        if self.font not in FONTS:
            raise ValueError(f"unknown font {self.font!r}; one of {', '.join(FONTS)}")
        if not 0 <= self.radius <= 24:
            raise ValueError(f"radius of {self.radius} px; 0 to 24")


PLATFORM_BRAND = Brand(
    colour="#2d4a5e",
    accent="#d08a3c",
    font="system",
    radius=10,
    logo_svg='<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><path d="M7 8h8v28H7zM18 4h8v32h-8z'
    "M29 10.3l7.7-2.1 6.9 25.7-7.7 2.1zM4 39h40v4H4z"
    '"/></svg>',
)
"""The look of the base domain, which belongs to no institution."""

# Meaning never comes from the brand: red stays red in a red store. Word, wash, line.
_MEANING_LIGHT = {
    "ok": ((0.46, 0.11, 152), (0.965, 0.028, 152), (0.83, 0.07, 152)),
    "warn": ((0.46, 0.10, 68), (0.968, 0.038, 84), (0.85, 0.08, 80)),
    "bad": ((0.47, 0.17, 27), (0.966, 0.02, 25), (0.84, 0.07, 25)),
    "info": ((0.46, 0.11, 245), (0.965, 0.02, 240), (0.83, 0.05, 240)),
}
_MEANING_DARK = {
    "ok": ((0.82, 0.13, 152), (0.27, 0.035, 152), (0.42, 0.05, 152)),
    "warn": ((0.84, 0.12, 80), (0.28, 0.04, 75), (0.43, 0.05, 75)),
    "bad": ((0.80, 0.11, 25), (0.27, 0.045, 25), (0.43, 0.07, 25)),
    "info": ((0.82, 0.09, 240), (0.27, 0.035, 240), (0.42, 0.045, 240)),
}


def _meaning(table: Mapping[str, tuple[tuple[float, float, float], ...]]) -> dict[str, str]:
    found = {}
    for name, (word, wash, line) in table.items():
        found[name] = from_oklch(*word)
        found[f"{name}-wash"] = from_oklch(*wash)
        found[f"{name}-line"] = from_oklch(*line)
    return found


_MEANING_OF = {False: _meaning(_MEANING_LIGHT), True: _meaning(_MEANING_DARK)}


def _readable(start: OKLCH, grounds: Iterable[str], least: float, dark: bool) -> str:
    """`start`, darkened (in dark mode lightened) step by step until it reaches `least` on every ground."""
    hardest = min(grounds, key=luminance) if not dark else max(grounds, key=luminance)
    light, chroma, hue = start
    while True:
        colour = from_oklch(light, chroma, hue)
        if contrast_ratio(colour, hardest) >= least or not 0.0 < light < 1.0:
            return colour
        light = min(1.0, light + 0.01) if dark else max(0.0, light - 0.01)


def tokens(brand: Brand, *, dark: bool = False) -> dict[str, str]:
    """Each colour token of a brand as `#rrggbb`, for light or dark pages."""
    main, second = to_oklch(brand.colour), to_oklch(brand.accent)

    def tint(light: float, share: float, cap: float) -> str:
        return from_oklch(light, min(main.chroma * share, cap), main.hue)

    on = WHITE if luminance(brand.colour) < WHITE_TEXT_BELOW else BLACK
    found = {
        "brand": brand.colour.lower(),
        "brand-on": on,
        # Away from its text: contrast can only rise.
        "brand-away": mix(brand.colour, BLACK if on == WHITE else WHITE, 0.16),
        "accent": brand.accent.lower(),
        **_MEANING_OF[dark],
    }
    if dark:
        found["paper"] = tint(0.185, 0.2, 0.012)
        found["surface"] = tint(0.225, 0.2, 0.014)
        found["sunken"] = tint(0.155, 0.2, 0.010)
        found["wash"] = tint(0.275, 0.4, 0.032)
        found["line"] = tint(0.335, 0.2, 0.014)
        found["accent-wash"] = from_oklch(0.29, min(second.chroma * 0.3, 0.035), second.hue)
    else:
        found["paper"] = tint(0.984, 1.0, 0.003)
        found["surface"] = WHITE
        found["sunken"] = tint(0.96, 0.1, 0.007)
        found["wash"] = tint(0.955, 0.3, 0.019)
        found["line"] = tint(0.9, 0.12, 0.012)
        found["accent-wash"] = from_oklch(0.965, min(second.chroma * 0.3, 0.03), second.hue)

    def ink(name: str, start: OKLCH) -> None:
        rules = [(ground, least) for fore, ground, least in PAIRS if fore == name]
        found[name] = _readable(start, [found[ground] for ground, _least in rules], rules[0][1], dark)

    def of(base: OKLCH, light: float, cap: float, share: float = 1.0) -> OKLCH:
        return OKLCH(light, min(base.chroma * share, cap), base.hue)

    def at_most(base: OKLCH, light: float, cap: float) -> OKLCH:
        return of(base, max(base.light, light) if dark else min(base.light, light), cap)

    ink("ink", of(main, 0.95, 0.008) if dark else of(main, 0.225, 0.022))
    ink("ink-2", of(main, 0.77, 0.014) if dark else of(main, 0.435, 0.018))
    ink("control", of(main, 0.6, 0.02, 0.2))
    ink("brand-ink", at_most(main, 0.8, 0.11) if dark else at_most(main, 0.47, 0.17))
    ink("brand-edge", at_most(main, 0.6, 1.0))
    ink("accent-ink", at_most(second, 0.82, 0.12) if dark else at_most(second, 0.46, 0.15))
    ink("accent-edge", at_most(second, 0.6, 1.0))
    return found


def _block(values: Mapping[str, str], indent: str) -> str:
    return "".join(f"{indent}--{name}: {value};\n" for name, value in values.items())


def theme_css(brand: Brand, logo_url: str | None) -> str:
    """The whole of a store's own stylesheet; `logo_url` is the address of its logo on the same host, None without one.

    A browser that cannot read `prefers-color-scheme` gets the light page.
    """
    if not all(c.isascii() and (c.isalnum() or c in "/._-") for c in logo_url or ""):
        raise ValueError(f"not a plain path: {logo_url!r}")
    light, dark = tokens(brand), tokens(brand, dark=True)
    shape = {
        "font-brand": FONTS[brand.font],
        "radius": f"{brand.radius}px",
        "radius-s": f"{min(brand.radius, 12)}px",
        "radius-l": f"{brand.radius * 1.3:.4g}px",
        "logo": f'url("{logo_url}")' if logo_url else "none",
        "mark-display": "block" if logo_url else "none",
    }
    changed = {name: value for name, value in dark.items() if light[name] != value}
    return (
        f":root {{\n  color-scheme: light dark;\n{_block(light, '  ')}{_block(shape, '  ')}}}\n"
        f"@media (prefers-color-scheme: dark) {{\n  :root {{\n{_block(changed, '    ')}  }}\n}}\n"
    )
