"""What tests of cart, checkout and receipt do again and again, through the pages alone."""

from typing import Any

from tests.common.shop import Browser


def form_values(page: Any, form_id: str = "go") -> list[tuple[str, str]]:
    """The fields of a form as a browser sends it: boxes only when they are ticked."""
    form = page.html.find("form", id=form_id)
    assert form is not None, page.text
    values = []
    for field in form.find_all("input"):
        if field.get("type") == "checkbox" and not field.has_attr("checked"):
            continue
        values.append((field["name"], field.get("value", "")))
    return values


def ticked(page: Any) -> list[tuple[str, str]]:
    """The same, with every licence agreement accepted."""
    boxes = page.html.find("form", id="go").find_all("input", type="checkbox")
    named = {box["name"] for box in boxes}
    kept = [(name, value) for name, value in form_values(page) if name not in named]
    return kept + [(box["name"], box["value"]) for box in boxes]


def csrf(browser: Browser) -> dict[str, str]:
    """The hidden field of a signed-in form; nothing for a visitor."""
    return browser.csrf if "sid" in browser.cookies else {}


def put(browser: Browser, product: str, variant: str = "", quantity: str = "1", status: int = 303) -> Any:
    """Put something into the cart."""
    values = {"product": product, "variant": variant, "quantity": quantity, **csrf(browser)}
    return browser.post("/cart", values, status=status)


def to_review(browser: Browser) -> Any:
    """From the cart through the details to the review."""
    page = browser.get("/checkout", status=200)
    return browser.post("/checkout", form_values(page), status=303).follow(status=200)


def proceed(browser: Browser, review: Any, status: int = 303) -> Any:
    """Press Proceed with Order, with all agreements accepted."""
    return browser.post(review.request.path, ticked(review), status=status)


def order(browser: Browser, product: str, variant: str = "", quantity: str = "1") -> Any:
    """Order one product, and come to its receipt."""
    put(browser, product, variant, quantity)
    return proceed(browser, to_review(browser)).follow(status=200)


def number_of(receipt: Any) -> str:
    """The order's number on its receipt."""
    return str(receipt.request.path.rsplit("/", 1)[1])
