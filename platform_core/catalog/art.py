"""Product pictures: covers of one series, drawn from a product's slug, pattern and monogram.

The pattern shows what a tool makes. The slug alone throws the dice for ground, ink and the pattern's numbers, so the
same product has the same picture in every store, on every machine, for ever. A monogram names it, bottom left.
"""

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from platform_core.web.colour import from_oklch

WIDTH, HEIGHT = 400, 300
MONOGRAM = re.compile(r"[A-Za-z0-9]{1,3}")
LETTERS = "system-ui,-apple-system,Segoe UI,Roboto,Noto Sans,Helvetica,Arial,sans-serif"
Item = TypeVar("Item")


class _Dice:
    """Whole numbers from a text: bytes of SHA-256, then of its hash, and so on."""

    def __init__(self, text: str) -> None:
        self._bytes = self._stream(text.encode())

    @staticmethod
    def _stream(seed: bytes) -> Iterator[int]:
        while True:
            seed = hashlib.sha256(seed).digest()
            yield from seed

    def roll(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included; at most 65,536 apart."""
        return low + ((next(self._bytes) << 8) | next(self._bytes)) % (high - low + 1)

    def pick(self, items: tuple[Item, ...]) -> Item:
        """One of `items`."""
        return items[self.roll(0, len(items) - 1)]


@dataclass(frozen=True, slots=True)
class _Inks:
    """A ground, three inks from far to near, and the ink of the letters, as `#rrggbb`."""

    ground: str
    far: str
    middle: str
    near: str
    letter: str

    def ink(self, number: int) -> str:
        """Far, middle, near for 0, 1, 2, and round again."""
        return (self.far, self.middle, self.near)[number % 3]


# Lightness and chroma of ground, far, middle, near, letter: equal in all hues, so no cover shouts.
_TONES = {
    "deep": ((0.33, 0.078), (0.45, 0.10), (0.63, 0.12), (0.85, 0.10), (0.97, 0.02)),
    "mid": ((0.54, 0.115), (0.45, 0.11), (0.71, 0.11), (0.93, 0.05), (0.99, 0.01)),
    "light": ((0.905, 0.045), (0.82, 0.08), (0.66, 0.12), (0.39, 0.10), (0.30, 0.08)),
}
_HUES = (16, 45, 75, 125, 160, 190, 222, 252, 283, 315, 343)
_TONE_OF_ROLL = ("deep", "light", "mid", "deep", "light")
_SECOND_HUE = (0, 0, 40, -40, 150)


def _inks(dice: _Dice) -> _Inks:
    hue, tone = dice.pick(_HUES), _TONES[dice.pick(_TONE_OF_ROLL)]
    guest = hue + dice.pick(_SECOND_HUE)  # one ink may be a guest from another family
    hues = (hue, hue, guest, hue, hue)
    return _Inks(*(from_oklch(light, chroma, h % 360) for (light, chroma), h in zip(tone, hues, strict=True)))


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _rect(x: float, y: float, w: float, h: float, fill: str, rx: float = 0) -> str:
    corner = f' rx="{_n(rx)}"' if rx else ""
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}"{corner} fill="{fill}"/>'


def _path(d: str, fill: str = "none", stroke: str = "", width: float = 0) -> str:
    line = f' stroke="{stroke}" stroke-width="{_n(width)}"' if stroke else ""
    return f'<path d="{d}" fill="{fill}"{line}/>'


def _disc(x: float, y: float, r: float, fill: str, stroke: str = "", width: float = 0) -> str:
    line = f' stroke="{stroke}" stroke-width="{_n(width)}"' if stroke else ""
    return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(r)}" fill="{fill}"{line}/>'


def _office(dice: _Dice, inks: _Inks) -> Iterator[str]:
    """Sheets of paper, tossed on a desk; the uppermost is written on."""
    turn = dice.roll(-18, -9)
    for number in range(3):
        x, y = 148 + number * 24, 40 + number * 26
        lines = ""
        if number == 2:
            lines = "".join(
                _rect(x + 22, y + 30 + row * 21, dice.roll(58, 142), 7, inks.ground, 3.5) for row in range(6)
            )
        yield f'<g transform="rotate({turn} 290 320)">{_rect(x, y, 188, 330, inks.ink(number), 7)}{lines}</g>'
        turn += dice.roll(9, 14)


def _statistics(dice: _Dice, inks: _Inks) -> Iterator[str]:
    """A histogram and the bell that it was drawn from."""
    centre, spread, tall = dice.roll(190, 255), dice.roll(56, 82), dice.roll(196, 224)

    def bell(x: float) -> float:
        return tall * math.exp(-(((x - centre) / spread) ** 2) / 2)

    odd = dice.roll(3, 5)
    for number in range(16):
        x = 10 + number * 25
        height = max(8.0, bell(x + 8) * dice.roll(78, 100) / 108)
        yield _rect(x, HEIGHT - height, 17, height, inks.far if number % odd == 1 else inks.middle)
    points = " ".join(f"{x},{_n(HEIGHT - 10 - bell(x))}" for x in range(0, WIDTH + 1, 10))
    yield f'<polyline points="{points}" fill="none" stroke="{inks.near}" stroke-width="5" stroke-linejoin="round"/>'


def _engineering(dice: _Dice, inks: _Inks) -> Iterator[str]:
    """Towers of blocks, seen from above at a slant."""
    half = dice.roll(40, 44)
    rise = half * 0.52
    over, down = f"{half} {_n(rise)}", f"{half} -{_n(rise)}"
    for level in range(7):  # far rows first; the blocks of one row never hide each other
        left = right = top = ""
        for column in range(max(0, level - 3), min(4, level + 1)):
            row = level - column
            height = dice.roll(0, 4) * 19 + 16
            x, y = 276 + (column - row) * half, 92 + (column + row) * rise - height
            left += f"M{_n(x - half)} {_n(y + rise)}l{over}v{height + 60}l-{down}z"
            right += f"M{_n(x + half)} {_n(y + rise)}l-{over}v{height + 60}l{down}z"
            top += f"M{_n(x)} {_n(y)}l{over}-{over}-{down}z"
        yield _path(left, inks.middle) + _path(right, inks.far) + _path(top, inks.near)


def _design(dice: _Dice, inks: _Inks) -> Iterator[str]:
    """Ribbons along a curve, with the handles that bend it."""
    lift = dice.roll(-28, 28)
    for number, width in enumerate((62, 36, 12)):
        y = 118 + number * 50
        bend = f"M-40 {y + dice.roll(30, 80)}C{dice.roll(70, 130)} {y - dice.roll(70, 120)} {dice.roll(230, 290)} "
        end = f"{y + dice.roll(90, 150)} 440 {y - lift - dice.roll(10, 60)}"
        yield _path(bend + end, "none", inks.ink(number), width)
    x1, y1, x2, y2 = dice.roll(205, 240), dice.roll(34, 66), dice.roll(318, 350), dice.roll(150, 186)
    yield _path(f"M{x1} {y1}L{x2} {y2}", "none", inks.near, 2.5)
    yield _disc(x1, y1, 8, inks.ground, inks.near, 3) + _disc(x2, y2, 8, inks.ground, inks.near, 3)
    yield _rect((x1 + x2) / 2 - 8, (y1 + y2) / 2 - 8, 16, 16, inks.near, 2)


def _code(dice: _Dice, inks: _Inks) -> Iterator[str]:
    """A listing from afar: indented lines of words in three inks."""
    depth = 0
    words: dict[str, list[str]] = {inks.far: [], inks.middle: [], inks.near: []}
    for row in range(12):
        depth = min(4, max(0, depth + dice.pick((1, 1, 0, 0, -1, -2))))
        x = 128 + depth * 28
        for _word in range(dice.roll(1, 4)):
            long = dice.roll(14, 66)
            if x + long > 388:
                break
            words[inks.ink(dice.roll(0, 2))].append(f"M{x} {20 + row * 24}h{long}")
            x += long + 24
    for colour, lines in words.items():
        yield f'<path d="{"".join(lines)}" fill="none" stroke="{colour}" stroke-width="11" stroke-linecap="round"/>'


def _ebook(dice: _Dice, inks: _Inks) -> Iterator[str]:
    """An open book's pages, fanned out from the spine."""
    pages, x, y = 14, dice.roll(206, 226), 306
    spread = 152 / (pages - 1)
    fans: list[str] = ["", "", ""]
    for number in range(pages):
        long = dice.roll(232, 296)
        at = [math.radians(-173 + (number + part) * spread) for part in (0.0, 0.64)]
        corners = [f"{_n(x + long * math.cos(a))} {_n(y + long * math.sin(a))}" for a in at]
        fans[number % 3] += f"M{x} {y}L{corners[0]} {corners[1]}z"
    for number, d in enumerate(fans):
        yield _path(d, inks.ink(number))


def _science(dice: _Dice, inks: _Inks) -> Iterator[str]:
    """Cells under a lens, each with its wall and its nucleus."""
    places = ((62, 74), (186, 48), (312, 84), (398, 186), (118, 186), (252, 204), (348, 298), (16, 262))
    for number, (x0, y0) in enumerate(places):
        x, y, r = x0 + dice.roll(-14, 14), y0 + dice.roll(-12, 12), dice.roll(40, 64)
        yield _disc(x, y, r, inks.ink(number % 2)) + _disc(x, y, r - 9, "none", inks.ground, 2.5)
        yield _disc(x + dice.roll(-13, 13), y + dice.roll(-11, 11), dice.roll(9, 15), inks.near)


def _maps(dice: _Dice, inks: _Inks) -> Iterator[str]:
    """A hill by its contour lines, tinted by height."""
    cx, cy = dice.roll(205, 295), dice.roll(95, 150)
    phase, skew = dice.roll(0, 62) / 10, dice.roll(10, 18) / 100
    low = (inks.far, inks.ground, inks.far, inks.ground, inks.far)
    tints = (inks.near, inks.near, inks.middle, inks.middle, *low)
    for ring in range(8, -1, -1):
        points = []
        for step in range(26):
            angle = 2 * math.pi * step / 26
            wave = 1 + skew * math.sin(2 * angle + phase) + 0.08 * math.sin(3 * angle - phase + ring / 3)
            r = (ring + 0.8) * 30 * wave
            points.append(f"{cx + r * 1.15 * math.cos(angle):.0f} {cy + r * math.sin(angle):.0f}")
        d = f"M{'L'.join(points)}z"
        yield f'<path d="{d}" fill="{tints[ring]}" stroke="{inks.middle}" stroke-width="2.5" stroke-linejoin="round"/>'


def _media(dice: _Dice, inks: _Inks) -> Iterator[str]:
    """A wave form of sound, bar by bar."""
    fast, slow = dice.roll(22, 44) / 100, dice.roll(7, 12) / 100
    bars: list[str] = ["", "", ""]
    for number in range(24):
        height = 22 + abs(math.sin(number * fast + 0.4) * math.cos(number * slow)) * dice.roll(140, 214)
        ink = 2 if number % 6 == 3 else number % 2
        bars[ink] += f"M{16 + number * 16} {_n(138 - height / 2)}v{_n(height)}"
    for number, d in enumerate(bars):
        yield f'<path d="{d}" fill="none" stroke="{inks.ink(number)}" stroke-width="9" stroke-linecap="round"/>'


def _mathematics(dice: _Dice, inks: _Inks) -> Iterator[str]:
    """Truchet's tiling: quarter discs, each turned one of four ways."""
    size = 50
    tiles: list[str] = ["", "", ""]
    for y in range(0, HEIGHT, size):
        for x in range(0, WIDTH, size):
            quarter = (
                f"M{x} {y}h50a50 50 0 0 1-50 50z",
                f"M{x + size} {y}v50a50 50 0 0 1-50-50z",
                f"M{x + size} {y + size}h-50a50 50 0 0 1 50-50z",
                f"M{x} {y + size}v-50a50 50 0 0 1 50 50z",
            )
            tiles[dice.roll(0, 2)] += dice.pick(quarter)
    for number, d in enumerate(tiles):
        yield _path(d, inks.ink(number))


def _writing(dice: _Dice, inks: _Inks) -> Iterator[str]:
    """Quotation marks of several voices."""
    mark = "M0 84V50Q0 6 46 0v26q-18 4-18 24h30v34z"
    first = dice.roll(0, 2)
    for number, (x, y, scale) in enumerate(((94, 22, 1.15), (248, 98, 1.5), (14, 154, 0.85))):
        place = f"translate({x + dice.roll(-8, 8)} {y + dice.roll(-8, 6)}) scale({scale})"
        drawn = _path(mark, inks.ink(first + number))
        yield f'<g transform="{place}">{drawn}<g transform="translate(74)">{drawn}</g></g>'


def _data(dice: _Dice, inks: _Inks) -> Iterator[str]:
    """Stacks of discs, as data stores are drawn."""
    for column, x in enumerate((96, 216, 336)):
        discs = dice.roll(2, 5)
        for number in range(discs):
            y = HEIGHT - 2 - number * 45
            yield _path(f"M{x - 52} {y - 34}v34a52 18 0 0 0 104 0v-34z", inks.ink((number + column) % 2))
            lid = inks.near if number == discs - 1 else inks.middle
            yield f'<ellipse cx="{x}" cy="{y - 34}" rx="52" ry="18" fill="{lid}"/>'


def _security(dice: _Dice, inks: _Inks) -> Iterator[str]:
    """Shields within shields."""
    x, lean = dice.roll(228, 262), dice.roll(20, 28)
    for scale, fill in ((2.5, inks.far), (1.95, inks.middle), (1.4, inks.ground), (0.85, inks.near)):
        s, top = scale, 140 - 78 * scale
        yield _path(
            f"M{x} {_n(top)}l{_n(62 * s)} {_n(lean * s)}v{_n(46 * s)}q0 {_n(58 * s)}-{_n(62 * s)} {_n(88 * s)}"
            f"q-{_n(62 * s)}-{_n(30 * s)}-{_n(62 * s)}-{_n(88 * s)}v-{_n(46 * s)}z",
            fill,
        )


_DRAWN: Mapping[str, Callable[[_Dice, _Inks], Iterator[str]]] = {
    "office": _office,
    "statistics": _statistics,
    "engineering": _engineering,
    "design": _design,
    "code": _code,
    "ebook": _ebook,
    "science": _science,
    "maps": _maps,
    "media": _media,
    "mathematics": _mathematics,
    "writing": _writing,
    "data": _data,
    "security": _security,
}
PATTERNS = frozenset(_DRAWN)
"""Names of the patterns that a category or a product may ask for."""


@lru_cache(maxsize=512)
def cover(slug: str, pattern: str, monogram: str) -> str:
    """A product's cover as an SVG of 400 x 300, the same bytes for the same three words.

    ValueError for a pattern that is not in `PATTERNS` or a monogram that is not one to three letters or digits.
    """
    if pattern not in PATTERNS:
        raise ValueError(f"unknown pattern {pattern!r}; one of {', '.join(sorted(PATTERNS))}")
    if not MONOGRAM.fullmatch(monogram):
        raise ValueError(f"a monogram has one to three letters or digits, not {monogram!r}")
    dice = _Dice(slug)
    inks = _inks(dice)
    plate = 34 + 27 * len(monogram)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f"{_rect(0, 0, WIDTH, HEIGHT, inks.ground)}{''.join(_DRAWN[pattern](dice, inks))}"
        f"{_path(f'M0 {HEIGHT - 66}h{plate - 12}a12 12 0 0 1 12 12v54H0z', inks.ground)}"
        f'<text x="18" y="{HEIGHT - 20}" font-family="{LETTERS}" font-size="38" font-weight="700" letter-spacing="-1" '
        f'fill="{inks.letter}">{monogram}</text></svg>\n'
    )
