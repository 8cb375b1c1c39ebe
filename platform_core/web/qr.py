"""Addresses as QR codes: from a course page to a product (EXT-15), from a phone to a computer (EXT-05)."""

from functools import lru_cache

import segno
from markupsafe import Markup

KEPT = 512


@lru_cache(KEPT)  # finding the best mask takes longer than all the rest of a page
def qr_svg(text: str) -> Markup:
    """A QR code (ISO/IEC 18004, error correction M) as an SVG without size, style and script, for a white plate."""
    code = segno.make(text, error="m", micro=False)
    drawing = code.svg_inline(border=0, omitsize=True, svgclass=None, lineclass=None)
    return Markup(drawing.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1))  # noqa: S704  (drawn here)
