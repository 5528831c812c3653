"""One MiniWoB++ task in a browser: what is on the page, and doing something to it.

Time on the page is virtual: it stands still while a player thinks and passes by one second after every action, so that
animations end and no result depends on how fast the host is. Knows nothing about players.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from episodes.games.web.browser import Browser, first_line
from models.errors import BadInput, Unavailable

_T = TypeVar("_T")

STEP_MS = 1000
"""Milliseconds of the page's time that pass after each action."""
_START_S = 1735732800
"""The page's clock at the start, seconds: the first of January 2025, noon. Some tasks show the date."""
_LONGEST_MS = 2**31 - 1
"""A task's own time limit, set out of reach: the longest that a page's timer can wait."""
_LOAD_S = 60
_LISTEN = """
window.cornermanListening = new WeakSet();
const listen = EventTarget.prototype.addEventListener;
EventTarget.prototype.addEventListener = function (type, ...rest) {
  if (['click', 'mousedown', 'mouseup'].includes(type) && this instanceof Element) window.cornermanListening.add(this);
  return listen.call(this, type, ...rest);
};
"""
"""Run before the page's own scripts: remembers which elements hear a click, which cannot be asked of a page."""


@dataclass(frozen=True, slots=True)
class Element:
    """A control or a text on the page. ``ref`` is its number, the same for as long as the element exists.

    ``value`` is what a field holds or a list has selected, ``checked`` whether a box is, ``options`` a list's choices;
    each is ``None`` for other elements. ``look`` is colour, place and size of an element without words.
    """

    ref: int
    tag: str
    role: str
    text: str
    control: bool
    focused: bool
    disabled: bool
    value: str | None
    checked: bool | None
    options: tuple[str, ...] | None
    look: str

    @property
    def takes_text(self) -> bool:
        return self.value is not None and self.options is None and not self.disabled


@dataclass(frozen=True, slots=True)
class View:
    """The page at one moment. ``reward`` is the task's own, in [-1, 1], without its decay over time, once ``done``."""

    utterance: str
    elements: tuple[Element, ...]
    done: bool
    reward: float

    def element(self, ref: int) -> Element | None:
        return next((element for element in self.elements if element.ref == ref), None)


def task_folder() -> Path:
    """Where the pages of MiniWoB++ are; raises ``BadInput`` if it is not installed."""
    found = find_spec("miniwob")
    if found is None or found.origin is None or find_spec("selenium") is None:
        raise BadInput("MiniWoB++ is not installed: pip install 'cornerman[web]'")
    return Path(found.origin).parent / "html" / "miniwob"


@cache
def _script() -> str:
    return (Path(__file__).parent / "page.js").read_text()


class Page:
    """A task of MiniWoB++ as ``seed`` draws it, the same as its own environment's, in a browser of its own."""

    def __init__(self, task: str, seed: int) -> None:
        self.task = task
        self.browser = Browser()
        self.now = 0
        try:
            self._guarded(lambda: self._open(seed))
        except BaseException:
            self.browser.close()
            raise

    def look(self) -> View:
        seen = self._guarded(lambda: self.browser.driver.execute_script(_script()))
        if seen is None:
            return View("", (), done=True, reward=-1.0)  # a link led away from the task
        elements = []
        for row in seen["elements"]:
            row["options"] = None if row["options"] is None else tuple(row["options"])
            elements.append(Element(**row))
        reward = min(max(float(seen["reward"]), -1.0), 1.0)
        return View(str(seen["utterance"]), tuple(elements), bool(seen["done"]), reward)

    def click(self, ref: int) -> str | None:
        """A real click in the middle of the element; what went wrong, or ``None``. So with the other actions."""
        return self._act(lambda: self._element(ref).click())

    def type(self, ref: int, text: str) -> str | None:
        """Key strokes into a field in place of what it holds; a line break is the Enter key."""
        from selenium.webdriver.common.keys import Keys

        def fill() -> None:
            field = self._element(ref)
            if field.get_property("value"):
                field.clear()
            field.send_keys(text.replace("\n", Keys.ENTER))

        return self._act(fill)

    def select(self, ref: int, option: str) -> str | None:
        """The option with that text in a list, which in a list of several is added to those selected."""
        from selenium.webdriver.support.ui import Select

        return self._act(lambda: Select(self._element(ref)).select_by_visible_text(option))

    def wait(self) -> None:
        self._act(lambda: None)

    def close(self) -> None:
        self.browser.close()

    def _element(self, ref: int) -> Any:
        return self.browser.driver.execute_script("return window.cornermanRefs.elements[arguments[0]];", ref)

    def _act(self, action: Callable[[], None]) -> str | None:
        from selenium.common.exceptions import ElementClickInterceptedException as Intercepted
        from selenium.common.exceptions import (
            ElementNotInteractableException,
            ElementNotSelectableException,
            InvalidElementStateException,
            NoSuchElementException,
            StaleElementReferenceException,
        )

        def attempt() -> str | None:
            try:
                action()
            except Intercepted:
                return "another element covers it"
            except StaleElementReferenceException:
                return "it is no longer on the page"
            except (ElementNotInteractableException, ElementNotSelectableException, InvalidElementStateException):
                return "it cannot be used at the moment"
            except NoSuchElementException:
                return "there is no such option"
            return None

        failed = self._guarded(attempt)
        self._guarded(lambda: self._pass(STEP_MS))
        return failed

    def _open(self, seed: int) -> None:
        driver = self.browser.driver
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _LISTEN})
        driver.get((task_folder() / f"{self.task}.html").as_uri())
        deadline = time.monotonic() + _LOAD_S
        while not driver.execute_script(
            "return document.readyState === 'complete' && Boolean(document.getElementById('sync-task-cover'));"
        ):
            if time.monotonic() > deadline:
                raise Unavailable(f"the page of web:{self.task} did not load in {_LOAD_S} s")
            time.sleep(0.01)
        self._time("pause", initialVirtualTime=_START_S)
        self.now = self._clock()
        # Past 2**53 a number is none that JavaScript knows.
        driver.execute_script(
            "Math.seedrandom(arguments[0]); core.setDataMode('train'); core.EPISODE_MAX_TIME = arguments[1];"
            "core.startEpisodeReal();",
            seed if abs(seed) < 2**53 else str(seed),
            _LONGEST_MS,
        )
        for _ in range(20):
            self._pass(STEP_MS)
            if driver.execute_script("return WOB_TASK_READY;"):
                return
        raise Unavailable(f"the task web:{self.task} does not become ready")

    def _time(self, policy: str, **settings: object) -> None:
        self.browser.driver.execute_cdp_cmd("Emulation.setVirtualTimePolicy", {"policy": policy, **settings})

    def _pass(self, milliseconds: int) -> None:
        """Let the page's time pass to a moment counted from the start, so that nothing adds up."""
        self.now += milliseconds
        left = self.now - self._clock()
        if left > 0:
            self._time("advance", budget=left)
        deadline = time.monotonic() + _LOAD_S
        while self._clock() < self.now:
            if time.monotonic() > deadline:
                raise Unavailable(f"time stands still on the page of web:{self.task}")
            time.sleep(0.002)

    def _clock(self) -> int:
        """The page's time, milliseconds."""
        return int(self.browser.driver.execute_script("return Date.now();"))

    def _guarded(self, call: Callable[[], _T]) -> _T:
        """What ``call`` returns; a browser that does not answer is ``Unavailable``."""
        from selenium.common.exceptions import WebDriverException
        from urllib3.exceptions import HTTPError

        try:
            return call()
        except (WebDriverException, HTTPError, OSError) as error:
            self.browser.close()
            raise Unavailable(f"the browser of web:{self.task} is lost: {first_line(error)}") from None
