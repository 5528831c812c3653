"""A headless Chromium of its own for one episode, driven through chromedriver.

Nothing is downloaded and no page reaches the network: the browser resolves no host. Knows nothing about tasks.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import weakref
from contextlib import suppress
from typing import Any

from models.errors import BadInput, Unavailable

_FLAGS = (
    "headless=new",
    "disable-background-networking",
    "disable-component-update",
    "disable-default-apps",
    "disable-features=MediaRouter,OptimizationHints,Translate",
    "disable-dev-shm-usage",
    "disable-extensions",
    "disable-gpu",
    "disable-sync",
    "force-device-scale-factor=1",
    "host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
    "lang=en-US",
    "mute-audio",
    "no-default-browser-check",
    "no-first-run",
    "password-store=basic",
    "window-size=500,600",
)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_PATIENCE = 120
"""Seconds that one call to the browser may take before the browser is said to be lost: on a machine with ten times more
to do than it can, starting one was seen to take 50."""


def find_browser() -> tuple[str, str]:
    """Paths of Chromium and of chromedriver; raises ``BadInput`` with the Debian packages that have them."""
    browser = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    missing = [
        f"{what} (Debian package {package})"
        for what, package, path in (("Chromium", "chromium", browser), ("chromedriver", "chromium-driver", driver))
        if path is None
    ]
    if browser is None or driver is None:
        raise BadInput(f"web tasks are played in a real browser, and this machine has no {' and no '.join(missing)}")
    return browser, driver


class Browser:
    """One running Chromium; ``driver`` is Selenium's. Close it, or its processes end with the program."""

    def __init__(self) -> None:
        from selenium import webdriver
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver.chrome.service import Service

        browser, driver = find_browser()
        self._folder = tempfile.mkdtemp(prefix="cornerman-browser-")
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        options.unhandled_prompt_behavior = "accept"
        for flag in (*_FLAGS, f"user-data-dir={self._folder}/profile"):
            options.add_argument(f"--{flag}")
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium's sandbox refuses to run as root
        # A process group of its own: Ctrl-C reaches this program only, which then ends the whole group.
        # What Chromium puts beside its profile would outlive it: that goes into the same folder.
        own = {**os.environ, "TMPDIR": self._folder}
        service = Service(driver, log_output=subprocess.DEVNULL, env=own, popen_kw={"start_new_session": True})
        try:
            chrome: Any = webdriver.Chrome(options, service)
        except (WebDriverException, OSError) as error:
            _end(_group(service), self._folder)
            raise Unavailable(f"Chromium does not start: {first_line(error)}") from None
        except BaseException:
            _end(_group(service), self._folder)
            raise
        chrome.command_executor.client_config.timeout = _PATIENCE
        chrome.set_page_load_timeout(_PATIENCE)
        self.driver = chrome
        self._ended = weakref.finalize(self, _end, _group(service), self._folder)

    def close(self) -> None:
        """Quit the browser and remove its files; whatever is left of its processes is killed."""
        if not self._ended.alive:
            return
        with suppress(Exception):  # a browser that is gone already cannot be asked to quit
            self.driver.quit()
        self._ended()


def _group(service: Any) -> int | None:
    process = getattr(service, "process", None)
    return None if process is None else int(process.pid)


def _end(group: int | None, folder: str) -> None:
    if group is not None:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def first_line(error: BaseException) -> str:
    """The first line of an exception's message: Selenium's run on with stack traces of the driver."""
    lines = str(getattr(error, "msg", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
