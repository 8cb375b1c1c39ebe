"""A real browser before real servers: web, downloads and worker on a seeded database of their own."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.common.shop import seed
from tests.common.site import Site, serving

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Servers and worker, stopped at the end."""
    data_dir = tmp_path_factory.mktemp("site")
    url = f"sqlite:///{data_dir / 'webstore.db'}"
    seed(url, data_dir)
    with serving(url, data_dir) as made:
        yield made


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def open_browser(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`open_browser(phone=True, script=False, language="fr")`: a page in a context of its own."""
    contexts: list[BrowserContext] = []

    def make(*, phone: bool = False, script: bool = True, dark: bool = False) -> Page:
        context = chromium.new_context(
            viewport=PHONE if phone else DESK,
            java_script_enabled=script,
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        return page

    yield make
    for context in contexts:
        context.close()
