"""The browser of these tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Error, sync_playwright

# Only this machine's names are resolved: a page that loads something from elsewhere fails.
ARGUMENTS = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


class NoBrowser(RuntimeError):
    """Chromium is missing; the text says what to install."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or else the one that Playwright has fetched."""
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        except Error as error:
            raise NoBrowser(
                "the tests in a browser need Chromium: run bin/setup --tests, or as root: apt-get install chromium "
                f"(where there is no such package: python -m playwright install chromium). {error}"
            ) from error
        try:
            yield browser
        finally:
            browser.close()
