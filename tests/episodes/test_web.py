"""Web tasks in a real Chromium: solved and failed through the text alone, reproducible, and nothing left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from waiting import wait_until
from web_player import SOLVERS, WebExpert

from episodes.clock import Clock
from episodes.contract import check_game
from episodes.game import ClosableState, Observation
from episodes.games import load_game
from episodes.games.web import NAMES, browser, load, task_names
from episodes.games.web.actions import Action, last_action, parse
from episodes.games.web.game import MAX_STEPS, WebState
from episodes.play import Match, play_episode
from episodes.player import Context, Decision
from episodes.players.bots import load_bot
from episodes.record import EpisodeRecord
from episodes.replay import replay
from models.errors import BadInput, Unavailable

try:
    browser.find_browser()
except BadInput as missing:
    pytest.skip(str(missing), allow_module_level=True)


def processes() -> list[str]:
    """Command lines of the browsers of this program that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "cornerman-browser-" in line:
            found.append(line)
    return found


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = profiles()
    yield
    wait_until(lambda: not processes(), "the end of the browser", 30)
    assert profiles() <= before


def profiles() -> set[Path]:
    """The folders of browsers; those of a program that was killed may lie there from before."""
    return set(Path(tempfile.gettempdir()).glob("cornerman-browser-*"))


def play(task: str, player: object, seed: int = 1) -> EpisodeRecord:
    match = Match(load_game(f"web:{task}"), (player,), seed, Clock.parse("paused"))  # type: ignore[arg-type]
    return asyncio.run(play_episode(match))


@pytest.mark.parametrize("task", SOLVERS)
def test_an_expert_solves_the_task_through_its_text(task: str) -> None:
    record = play(task, WebExpert(), seed=3)
    assert record.seats[0].score == 1.0
    assert record.ended_by == "result"
    assert all(turn.reply_class.value == "move" for turn in record.turns)
    if len(record.turns) > 1:
        assert "it was executed. On the page this changed:" in record.turns[1].observation


def test_a_task_done_wrong_is_lost() -> None:
    assert play("login-user", WebExpert(careless=True)).seats[0].score == 0.0


def test_an_episode_plays_again_in_another_browser() -> None:
    record = play("enter-text", load_bot("random"), seed=4)
    assert replay(record, load_game("web:enter-text")) == []


def test_the_same_seed_is_the_same_problem_as_in_miniwob_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    import gymnasium
    import miniwob

    gymnasium.register_envs(miniwob)
    chromium, driver = browser.find_browser()
    monkeypatch.setenv("MINIWOB_CHROME_BINARY", chromium)
    monkeypatch.setenv("MINIWOB_CHROMEDRIVER", driver)
    theirs = gymnasium.make("miniwob/login-user-v1", render_mode=None).unwrapped
    try:
        theirs.instance.record_screenshots = False
        seen, _ = theirs.reset(seed=5)
    finally:
        theirs.close()
    with closing(load("login-user").initial_state(5)) as state:
        assert state.view.utterance == seen["utterance"]
    with closing(load("login-user").initial_state(6)) as state:
        assert state.view.utterance != seen["utterance"]


def test_actions_that_fail_say_why_and_cost_a_step() -> None:
    with closing(load("choose-list").initial_state(1)) as state:
        assert state.observe(0).situation == {"last": "nothing", "form": "none", "steps": "many"}
        state.page.browser.driver.execute_script(
            "const cover = document.createElement('div'); cover.id = 'query2';"
            "cover.style = 'position:fixed;inset:0;background:red;z-index:9'; document.body.append(cover);"
        )
        state.apply({0: "click 2"})
        assert "could not be executed: another element covers it" in state.observe(0).text
        assert state.observe(0).situation["last"] == "failed"
        state.page.browser.driver.execute_script("document.getElementById('query2').remove();")
        state.apply({0: None})
        assert "no action that can be executed here" in state.observe(0).text
        assert f"Actions left: {MAX_STEPS - 2}." in state.observe(0).text
        for move in ("click 99", 'type 2 "x"', 'select 1 "nobody"', 'select 2 "x"', "Click the button", "click 2 "):
            assert not state.accepts(0, move), move
        option = state.view.elements[0].options[-1]  # type: ignore[index]
        state.apply({0: f'select 1 "{option}"'})
        assert f'now [1] select selected "{option}"' in state.observe(0).text
        while not state.is_terminal():
            state.apply({0: None})
        assert state.steps == MAX_STEPS
        assert state.returns() == (-1.0,)


def test_the_page_stands_still_while_a_player_thinks() -> None:
    def clock(state: WebState) -> int:
        return int(state.page.browser.driver.execute_script("return Date.now();"))

    with closing(load("click-test-2").initial_state(1)) as state:
        limit = state.page.browser.driver.execute_script("return core.EPISODE_MAX_TIME;")
        before = clock(state)
        time.sleep(0.2)
        assert clock(state) == before
        state.apply({0: "wait"})
        assert clock(state) == before + 1000
        assert state.observe(0).situation["last"] == "unchanged"
        state.apply({0: "click 1"})
    # However long the player thinks, the reward has not decayed and the task's own limit cannot be reached.
    assert state.returns() == (1.0,)
    assert limit > 1e9


class Raising:
    """A player whose program fails in its second turn, or that says ``asked`` and never answers."""

    name = model = "raising"
    prompt_id = None

    def __init__(self, asked: Callable[[], None] | None = None) -> None:
        self.asked = asked

    async def act(self, observation: Observation, context: Context) -> Decision:
        if self.asked:
            self.asked()
            await asyncio.Event().wait()
        if context.turn == 1:
            raise ZeroDivisionError
        return Decision("wait", "wait", 0.0)


def test_nothing_is_left_after_an_error_and_after_being_stopped() -> None:
    with pytest.raises(ZeroDivisionError):
        play("click-test-2", Raising())
    assert processes() == []

    async def stopped() -> None:
        asked = asyncio.Event()
        match = Match(load("click-test-2"), (Raising(asked.set),), 1, Clock.parse("paused"))
        playing = asyncio.create_task(play_episode(match))
        async with asyncio.timeout(120):
            await asked.wait()
        assert processes()
        playing.cancel()
        await playing

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stopped())


_PLAY = """
import asyncio
from episodes.clock import Clock
from episodes.contract import check_game
from episodes.games.web import load
from episodes.play import Match, play_episode
from test_web import Raising
player = Raising(lambda: print("asked", flush=True))
asyncio.run(play_episode(Match(load("click-test-2"), (player,), 1, Clock.parse("paused"))))
"""


def test_ctrl_c_ends_the_browser() -> None:
    folder, root = Path(__file__).parent, Path(__file__).parents[2]
    paths = os.pathsep.join([str(folder), str(root / "tests" / "support"), str(root)])
    with subprocess.Popen(
        [sys.executable, "-c", _PLAY],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "asked\n"
        assert processes()
        program.send_signal(signal.SIGINT)
        program.wait(60)


def test_a_browser_that_dies_is_nobodys_fault() -> None:
    state = load("click-test-2").initial_state(1)
    os.killpg(state.page.browser.driver.service.process.pid, signal.SIGKILL)
    with pytest.raises(Unavailable, match=r"the browser of web:click-test-2 is lost"):
        state.apply({0: "click 1"})
    state.close()
    state.close()


def test_a_browser_that_is_forgotten_ends_with_all_that_it_wrote() -> None:
    """What Chromium writes beside its profile as well: a browser that is killed does not clear that up."""
    folder = Path(load("click-test-2").initial_state(1).page.browser._folder)
    wait_until(lambda: not folder.exists(), "the end of its folder", 30)
    with closing(load("click-test-2").initial_state(1)) as state:
        assert list(Path(state.page.browser._folder).glob("org.chromium.*"))


@pytest.mark.slow
def test_a_web_task_keeps_the_contract_of_games() -> None:
    assert check_game(load("click-test-2")) == []


def test_actions_are_read_from_replies() -> None:
    assert last_action('I could click 3, but no: Type [4] "a \\"b\\"" ') == Action("type", 4, 'a "b"')
    assert last_action('select 2 "x"\nclick [7].') == Action("click", 7)
    assert last_action("I would wait") == Action("wait")
    assert last_action("awaiting clicks on 3") is None
    assert last_action('type 3 "\\q"') is None
    assert parse('type 3 "Zoë"') == Action("type", 3, "Zoë")
    assert parse('type  3 "Zoë"') is None
    assert load("enter-text").read_move('Sure: TYPE 1 "Jo"', Observation("", {}, ())) == 'type 1 "Jo"'


def test_games_are_found_by_the_task() -> None:
    assert set(NAMES) <= set(task_names())
    game = load("enter-text")
    assert game.capabilities.most_at_once == 2
    assert issubclass(WebState, ClosableState)
    with pytest.raises(BadInput, match="try web:click-test"):
        load("click-tset")
    with pytest.raises(BadInput, match="can only click, type and select"):
        load("drag-box")
    with pytest.raises(BadInput, match="no task"):
        load("../core/core")


def test_a_missing_browser_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match=r"chromium\) and no chromedriver \(Debian package chromium-driver\)"):
        load("click-test-2")
