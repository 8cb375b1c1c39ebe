"""Colour sums: sRGB, OKLCH and WCAG contrast, without a dependency.

OKLCH names a colour by how light it looks (0..1), how colourful it is (chroma, 0..about 0.37) and its hue in
degrees; equal lightness looks equally light in every hue, which is what derived tokens need. Matrices: Björn
Ottosson, "A perceptual color space for image processing" (2020). Luminance and contrast: WCAG 2.2.
"""

import math
import re
from functools import lru_cache
from typing import NamedTuple

HEX_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
WHITE = "#ffffff"
BLACK = "#000000"


class OKLCH(NamedTuple):
    """A colour by lightness (0..1), chroma and hue (degrees)."""

    light: float
    chroma: float
    hue: float


class OKLab(NamedTuple):
    """The same space in rectangular form."""

    light: float
    a: float
    b: float


def _channels(colour: str) -> tuple[float, float, float]:
    if not HEX_COLOUR.fullmatch(colour):
        raise ValueError(f"not a colour of the form #rrggbb: {colour!r}")
    return _LINEAR[int(colour[1:3], 16)], _LINEAR[int(colour[3:5], 16)], _LINEAR[int(colour[5:7], 16)]


def _to_linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


_LINEAR = tuple(_to_linear(step / 255) for step in range(256))


def _byte(linear: float) -> int:
    value = min(1.0, max(0.0, linear))
    encoded = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
    return round(encoded * 255)


def _linear_rgb(light: float, a: float, b: float) -> tuple[float, float, float]:
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def _fits(rgb: tuple[float, float, float]) -> bool:
    return min(rgb) >= -0.0005 and max(rgb) <= 1.0005


def to_oklab(colour: str) -> OKLab:
    """`#rrggbb` in OKLab; ValueError for anything else."""
    r, g, b = _channels(colour)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return OKLab(
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def to_oklch(colour: str) -> OKLCH:
    """`#rrggbb` in OKLCH; the hue of a grey is 0."""
    light, a, b = to_oklab(colour)
    chroma = math.hypot(a, b)
    return (
        OKLCH(light, chroma, math.degrees(math.atan2(b, a)) % 360)
        if chroma > 1e-5
        else OKLCH(light, 0.0, 0.0)
    )


def from_oklab(light: float, a: float, b: float) -> str:
    """`#rrggbb` of an OKLab colour; where sRGB cannot show it, its chroma is reduced until it can."""
    rgb = _linear_rgb(light, a, b)
    if not _fits(rgb):
        low, high = 0.0, 1.0
        for _step in range(9):
            middle = (low + high) / 2
            if _fits(_linear_rgb(light, a * middle, b * middle)):
                low = middle
            else:
                high = middle
        rgb = _linear_rgb(light, a * low, b * low)
    return "#{:02x}{:02x}{:02x}".format(*(_byte(value) for value in rgb))


def from_oklch(light: float, chroma: float, hue: float) -> str:
    """`#rrggbb` of an OKLCH colour: lightness and hue are kept, chroma gives way."""
    angle = math.radians(hue)
    return from_oklab(light, chroma * math.cos(angle), chroma * math.sin(angle))


def mix(one: str, other: str, share: float) -> str:
    """`one` with `share` (0..1) of `other` in it, mixed in OKLab."""
    first, second = to_oklab(one), to_oklab(other)
    return from_oklab(*(a + (b - a) * share for a, b in zip(first, second, strict=True)))


@lru_cache(maxsize=4096)
def luminance(colour: str) -> float:
    """Relative luminance 0..1 as WCAG 2.2 defines it."""
    r, g, b = _channels(colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast_ratio(one: str, other: str) -> float:
    """Contrast of two `#rrggbb` colours, 1..21 (WCAG 2.2, 1.4.3)."""
    a, b = luminance(one), luminance(other)
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)
