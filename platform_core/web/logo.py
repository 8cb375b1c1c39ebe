"""Which logos are let in: a small SVG of shapes and nothing that acts, loads or styles."""

import re
from xml.etree import ElementTree

from platform_core.web.i18n import _

SVG = "http://www.w3.org/2000/svg"
MOST_BYTES = 20_000
SHAPES = frozenset(
    {
        "svg",
        "g",
        "path",
        "rect",
        "circle",
        "ellipse",
        "line",
        "polyline",
        "polygon",
        "defs",
        "use",
        "clipPath",
        "mask",
    }
    | {"linearGradient", "radialGradient", "stop", "symbol", "title", "desc"}
)
_LOCAL = re.compile(r"#[A-Za-z][\w.-]*")
_ADDRESS = re.compile(r"url\((?!\s*['\"]?#)", re.IGNORECASE)


def _element_problem(element: ElementTree.Element) -> str | None:
    namespace, _brace, name = element.tag.rpartition("}")
    if namespace != "{" + SVG or name not in SHAPES:
        return _("it contains <${name}>", mapping={"name": name})
    for key, value in element.attrib.items():
        attribute = key.rpartition("}")[2].lower()
        if attribute.startswith("on"):
            return _("it contains the event attribute ${name}", mapping={"name": attribute})
        if attribute == "style":
            return _("it contains a style attribute; use fill and stroke attributes")
        if attribute in {"href", "src"} and not _LOCAL.fullmatch(value):
            return _("it refers to something outside itself: ${name}", mapping={"name": value[:60]})
        if _ADDRESS.search(value) or "javascript:" in value.lower():
            return _("it refers to something outside itself: ${name}", mapping={"name": value[:60]})
    return None


def logo_problem(svg: str | bytes) -> str | None:
    """Why an SVG must not be a store's logo, as words to translate; None if it may be.

    `<!` and processing instructions are refused before parsing, so that no entity is ever expanded.
    """
    data = svg.encode("utf-8", "replace") if isinstance(svg, str) else svg
    if len(data) > MOST_BYTES:
        return _("it has ${size} bytes; at most 20,000 are allowed", mapping={"size": len(data)})
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _("it is not UTF-8 text")
    if "<!" in text:
        return _("it contains a document type, an entity, a comment or CDATA")
    body = re.sub(r"\A\s*<\?xml [^<>?]*\?>", "", text)
    if "<?" in body:
        return _("it contains a processing instruction")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  (no "<!" in it: nothing to expand)
    except ElementTree.ParseError as error:
        return _("it is not well-formed XML: ${reason}", mapping={"reason": str(error)})
    if root.tag != "{" + SVG + "}svg":
        return _("its outermost element is not <svg> of the SVG namespace")
    return next(filter(None, map(_element_problem, root.iter())), None)
