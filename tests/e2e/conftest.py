"""Fixtures of the end-to-end part: one demo, one browser."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.demo import Demo

HERE = Path(__file__).parent
BROWSER_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark this part, and leave the fuzzing to its end."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
    # It leaves portfolios and decided alerts behind, so everything else comes first.
    items.sort(key=lambda item: item.path == HERE / "test_openapi.py")


def chromium_path() -> str | None:
    """Return Debian's or another installed Chromium; None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="package")
def demo() -> Iterator[Demo]:
    """Run the demo for all tests of this part and make sure that it leaves nothing."""
    folder = Path(tempfile.mkdtemp(prefix="stratford-e2e-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user and must reach its folder
    running = Demo(folder)
    try:
        running.start()
        yield running
    finally:
        left = running.stop()
        output = running.output.read_text()
        shutil.rmtree(folder, ignore_errors=True)
    assert left == [], f"The demo left processes behind: {left}"
    assert "none is left" in output, output[-2000:]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Run one browser for this part only: Playwright's loop stays in the thread while it lives."""
    path = chromium_path()
    if path is None:
        pytest.skip("There is no Chromium here (Debian: apt-get install chromium).")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(BROWSER_FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, demo: Demo) -> Iterator[Page]:
    """Return a page in a fresh browser profile; the demo's address is its base."""
    context = browser.new_context(base_url=demo.base_url, viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()
