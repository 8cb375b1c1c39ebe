"""Every page, at desk and phone width, in each language and brand: nothing overflows, and axe finds nothing."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.test_student_journey import order, sign_in
from tests.common.site import Site

pytestmark = pytest.mark.browser

OPEN = (
    "/",
    "/products",
    "/products?q=statt+workbnch",
    "/products/{product}",
    "/cart",
    "/sign-in",
    "/nowhere",
)
OWN = (
    "/",
    "/products",
    "/products/{product}",
    "/cart",
    "/account/orders",
    "/account/profile",
    "/account/password",
    "/account/eligibility",
    "/sign-out",
)
PRODUCTS = {"northfield": "stat-workbench", "montclair": "stat-workbench", "sakura": "vector-studio"}
OVERFLOW = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
SMALL_TARGETS = """() => [...document.querySelectorAll('a.btn, button, input:not([type=hidden]), select, summary')]
  .filter(e => e.offsetParent && !e.closest('.vh'))
  .map(e => [e, e.type === 'checkbox' || e.type === 'radio' ? (e.closest('label') || e).getBoundingClientRect()
                                                             : e.getBoundingClientRect()])
  .filter(([e, r]) => r.height < 24 || r.width < 24).map(([e]) => e.outerHTML.slice(0, 120))"""


def axe(page: Page) -> list[str]:
    """What axe finds, as readable lines."""
    source = (files("axe_core_python") / "axe.min.js").read_text("utf-8")
    page.evaluate(source)
    result: dict[str, Any] = page.evaluate(
        "async () => await axe.run(document, {resultTypes: ['violations']})"
    )
    return [
        f"{found['id']}: {node['html'][:160]}" for found in result["violations"] for node in found["nodes"]
    ]


def check(page: Page, site: Site, slug: str, paths: tuple[str, ...]) -> list[str]:
    """Problems of each page, named by path."""
    problems = []
    for path in paths:
        path = path.format(product=PRODUCTS[slug])
        page.goto(site.url(slug, path))
        if page.evaluate(OVERFLOW):
            problems.append(f"{slug}{path}: wider than the screen")
        problems += [f"{slug}{path}: small target {html}" for html in page.evaluate(SMALL_TARGETS)]
        problems += [f"{slug}{path}: {line}" for line in axe(page)]
    return problems


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize(
    ("slug", "language"), [("northfield", "en"), ("northfield", "fr"), ("montclair", "fr"), ("sakura", "en")]
)
def test_pages_fit_and_can_be_read_by_everybody(
    site: Site, open_browser: Callable[..., Page], slug: str, language: str, phone: bool
) -> None:
    page = open_browser(phone=phone)
    page.goto(site.url(slug, f"/?lang={language}"))
    problems = check(page, site, slug, OPEN)
    sign_in(page, site, "longname" if slug == "northfield" else "student", slug)
    problems += check(page, site, slug, OWN)
    assert problems == []


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_the_steps_to_a_receipt_fit_and_can_be_read_by_everybody(
    site: Site, open_browser: Callable[..., Page], phone: bool
) -> None:
    page = open_browser(phone=phone, dark=True)
    sign_in(page, site, "everywhere")
    problems = []
    page.goto(site.url("northfield", "/products/atlas-4k"))
    page.click(".product__buy button.btn--go")
    problems += [f"cart: {line}" for line in axe(page)]
    page.click(".cart__sum .btn--go")
    problems += [f"details: {line}" for line in axe(page)]
    page.click("main form button.btn--go >> visible=true")
    problems += [f"review: {line}" for line in axe(page)]
    order(page, site, "campus-suite")
    problems += [f"receipt: {line}" for line in axe(page)]
    problems += ["receipt: wider than the screen"] if page.evaluate(OVERFLOW) else []
    page.goto(site.url("northfield", "/account/orders"))
    problems += [f"orders: {line}" for line in axe(page)]
    assert problems == []


def test_pages_load_nothing_from_elsewhere(site: Site, open_browser: Callable[..., Page]) -> None:
    page = open_browser()
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    sign_in(page, site)
    for path in ("/", "/products", "/products/stat-workbench", "/cart"):
        page.goto(site.url("northfield", path))
    assert hosts == {f"northfield.localhost:{site.port}"}
