"""DIAMBRA's arcade games: the real client, against an engine of ours that speaks its protocol and plays duel.

Every test that needs an engine takes one or two; the client's environment is built if it is not there yet.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import environments
import pytest
from small_games import Told, drawn
from waiting import has_ended, wait_until

from episodes.clock import Clock
from episodes.contract import check_game
from episodes.fault import FaultPlace, GuestFault
from episodes.game import Capabilities
from episodes.games import load_game
from episodes.games.diambra import NAMES, install, load
from episodes.games.diambra.engines import addresses, close_engines
from episodes.games.diambra.game import DiambraGame
from episodes.games.diambra.moves import ARCADES, IDLE, SPECIALS, steps_of
from episodes.games.diambra.observe import FEATURES, Fight, phrase
from episodes.games.diambra.state import PASS_TICKS, DiambraState
from episodes.pairs import Setting, play_matches
from episodes.play import Match, play_episode
from episodes.player import Player
from episodes.record import EpisodeRecord
from episodes.replay import replay, verify_episodes
from episodes.store.store import Store
from models.errors import BadInput, Unavailable, Void

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "tests" / "support" / "diambra_engine.py"
MIRRORED = (0, 5, 4, 3, 2, 1, 8, 7, 6)
FAST = "diambra:sfiii3n(step_ratio=6)"


class TestEngine:
    """A running engine; ``calls`` are those that it logged."""

    __test__ = False

    def __init__(self, python: Path, log: Path) -> None:
        self.log = log
        command = [str(python), str(ENGINE), str(log)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert self.process.stdout is not None
        self.address = f"127.0.0.1:{self.process.stdout.readline().strip()}"

    def calls(self, kind: str) -> list[dict[str, Any]]:
        calls = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [call for call in calls if call["call"] == kind]

    def last_fight(self) -> list[dict[str, Any]]:
        """The steps since the last reset."""
        steps: list[dict[str, Any]] = []
        for call in map(json.loads, self.log.read_text().splitlines()):
            if call["call"] == "reset":
                steps = []
            elif call["call"] == "step":
                steps.append(call)
        return steps

    def stop(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter of the client's environment, which is built if it is missing (about half a minute)."""
    return environments.ready("diambra")


@pytest.fixture(scope="module")
def idle() -> Iterator[list[TestEngine]]:
    """Engines that no test uses at the moment, with nothing in their logs."""
    engines: list[TestEngine] = []
    yield engines
    for engine in engines:
        engine.stop()


@pytest.fixture
def engines(
    python: Path, idle: list[TestEngine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[int], list[TestEngine]]]:
    """A function that gets so many more engines and names all in ``DIAMBRA_ENVS``."""
    running: list[TestEngine] = []

    def start(count: int) -> list[TestEngine]:
        numbers = range(len(running), len(running) + count)
        running.extend(idle.pop() if idle else TestEngine(python, tmp_path / f"engine-{n}.jsonl") for n in numbers)
        monkeypatch.setenv("DIAMBRA_ENVS", " ".join(engine.address for engine in running))
        return running

    yield start
    close_engines()
    for engine in running:
        if engine.process.poll() is None:
            engine.log.write_text("")
            idle.append(engine)


def play(game: DiambraGame, *players: Player, clock: str = "paused", seed: int = 3) -> EpisodeRecord:
    return asyncio.run(play_episode(Match(game, players, seed, Clock.parse(clock))))


def told(name: str, *plans: str, latency: float = 0.0) -> Told:
    """Decides ``plans`` in turn, over and over."""
    return Told(name, lambda seen, context: plans[context.turn % len(plans)], lambda context: latency)


def same_but_for_time(record: EpisodeRecord) -> EpisodeRecord:
    return replace(record, started="", seconds=0.0)


def assert_inputs_arrived(record: EpisodeRecord, game: DiambraGame, engine: TestEngine) -> int:
    """Every input that is said to have been played reached the engine whole, at the tick at which it must."""
    steps = engine.last_fight()
    busy: list[set[int]] = [set(), set()]
    played = 0
    for given in record.inputs:
        if given.fate != "played":
            continue
        assert given.tick % game.step_ratio == 0
        first = given.tick // game.step_ratio
        for n, (stick, button) in enumerate(steps_of(game.inputs[given.move], game.step_ratio), start=first):
            if n < len(steps):  # the end of the fight may cut a move short
                wanted = [MIRRORED[stick] if given.seat else stick, button]
                assert steps[n]["pads"][given.seat] == wanted, f"{given} at step {n}"
                assert n not in busy[given.seat], f"{given} began before the move before it had ended"
                busy[given.seat].add(n)
        played += 1
    for n, step in enumerate(steps):
        for seat in range(2):
            if n not in busy[seat]:  # nothing under way: crouching and guarding
                assert step["pads"][seat] == [MIRRORED[IDLE[0]] if seat else IDLE[0], 0]
    return played


# A whole fight.


def test_a_whole_fight_is_recorded_and_replays(engines: Callable[[int], list[TestEngine]], tmp_path: Path) -> None:
    (engine,) = engines(1)
    game = load("sfiii3n(step_ratio=6)")
    record = play(game, told("puncher", "forward; heavy-punch", "dash; throw"), told("sitter", "guard"))
    assert record.ended_by == "result"
    assert sorted(seat.score for seat in record.seats) == [0, 1]
    assert record.seats[0].score == 1
    assert record.ticks == 6 * len(engine.last_fight())
    assert assert_inputs_arrived(record, game, engine) > 20
    with Store.open(tmp_path / "s.db") as store:
        store.save(record)
        verified = verify_episodes(store)
        assert (verified.episodes, verified.turns, verified.differences) == (1, len(record.turns), ())
    changed = replace(record.turns[2], move="jump")
    found = replay(replace(record, turns=(*record.turns[:2], changed, *record.turns[3:])), game)
    assert found and found[0].turn is not None
    # One client and one start of the game served both fights; only resets came between.
    assert len(engine.calls("init")) == 1
    assert len(engine.calls("reset")) >= 3


@pytest.mark.parametrize("clock", ["paused", "simulated:130,60", "measured"])
def test_no_input_is_lost_on_any_clock(engines: Callable[[int], list[TestEngine]], clock: str) -> None:
    (engine,) = engines(1)
    game = load("sfiii3n(step_ratio=4)")  # ticks of decisions seldom fall on steps
    latency = 0.0 if clock == "paused" else 0.21
    one = told("one", "fireball; dragon-punch; forward", "light-kick; jump-forward", latency=latency)
    two = told("two", "sweep; guard; hurricane-kick", "dash; throw; back", latency=latency / 3)
    record = play(game, one, two, clock=clock)
    assert assert_inputs_arrived(record, game, engine) > 40
    rows = [row for row in record.inputs if row.fate != "waiting"]
    landed = [turn.move or "" for turn in record.turns if turn.order >= 0]
    assert len(rows) == len(record.inputs) == sum(len(move.split(";")) for move in landed)
    firsts = {(row.seat, row.decision): row for row in reversed(record.inputs)}
    fates = {row.fate for row in firsts.values() if row.tick < record.ticks - 200}
    assert fates == {"played"}  # the first move of every plan, not only of most
    assert replay(record, game) == []


def test_the_first_input_of_a_fight_makes_the_move(engines: Callable[[int], list[TestEngine]]) -> None:
    (engine,) = engines(1)
    with closing(load("sfiii3n").initial_state(1)) as state:
        state.apply({0: "fireball", 1: "fireball"})
        state.advance(60)
    steps = engine.last_fight()
    assert [step["pads"] for step in steps[:4]] == [[[7, 0], [7, 0]], [[6, 0], [8, 0]], [[5, 2], [1, 2]], [[0, 0]] * 2]
    assert sorted(map(tuple, steps[2]["begun"])) == [(0, "fireball"), (1, "fireball")]


def test_roles_are_pinned_and_seeds_reach_the_engine(engines: Callable[[int], list[TestEngine]]) -> None:
    (engine,) = engines(1)
    game = load("sfiii3n(character=Ryu,step_ratio=6)")
    for seed in range(8):  # the client's own coin would have given the other order for half of them
        game.initial_state(seed).close()
    resets = engine.calls("reset")
    assert [call["roles"] for call in resets] == [[2, 3]] * 8  # P1 and P2
    assert [call["seed"] for call in resets] == list(range(8))
    assert {tuple(call["characters"]) for call in resets} == {("Ryu", "Ryu")}


def test_fights_beside_each_other_are_what_each_is_alone(engines: Callable[[int], list[TestEngine]]) -> None:
    """Game time does not depend on the load of this machine; two engines take two fights at once, and no more."""
    game = load(FAST.removeprefix("diambra:"))
    clock = Clock.parse("simulated:200,120")
    matches = [Match(game, (Told("a", drawn), Told("b", drawn)), seed, clock) for seed in (1, 2, 3)]
    engines(1)
    alone = [same_but_for_time(asyncio.run(play_episode(match))) for match in matches]
    assert len({record.inputs for record in alone}) == 3
    engines(1)
    kept: dict[str, EpisodeRecord] = {}

    class Sink:
        def scores(self, episode_id: str) -> None:
            return None

        def save(self, record: EpisodeRecord) -> None:
            kept[record.id] = same_but_for_time(record)

        def save_faults(self, place: FaultPlace, faults: Sequence[GuestFault]) -> None:
            raise AssertionError(f"nobody here is a guest: {faults}")

    faults: list[object] = []
    setting = Setting(game, clock, "play", Sink())
    assert (game.capabilities.most_at_once, setting.width) == (2, 2)

    def report(match: Match, scores: tuple[float, ...] | Void) -> None:
        if isinstance(scores, Void):
            faults.append(scores)

    asyncio.run(play_matches(matches, Sink(), concurrency=3, on_result=report))
    assert faults == []
    assert [kept[match.id] for match in matches] == alone


@pytest.mark.slow
def test_the_game_keeps_the_contract(engines: Callable[[int], list[TestEngine]]) -> None:
    engines(2)  # the contract test plays two fights beside each other
    game = load_game(FAST)
    assert game.capabilities == Capabilities(plans=True, grammar=True, most_at_once=2)
    assert check_game(game) == []


# Inputs and their fates.


@pytest.fixture
def state(engines: Callable[[int], list[TestEngine]]) -> Iterator[DiambraState]:
    engines(1)
    with closing(load("sfiii3n").initial_state(2)) as fresh:
        yield fresh


def fates(state: DiambraState) -> list[tuple[str, str, int]]:
    return [(given.move, given.fate, given.tick) for given in state.inputs()]


def test_a_new_decision_takes_the_place_of_the_rest(state: DiambraState) -> None:
    assert state.to_act() == (0, 1)
    state.apply({0: "forward; light-punch; guard"})
    assert fates(state) == [("forward", "played", 0), ("light-punch", "waiting", 0), ("guard", "waiting", 0)]
    assert state.ready_in(0) == 18 + 12 + 18
    assert state.to_act() == (1,)
    assert state.advance(10) == 10  # seat 1 thinks, and time passes all the same
    state.apply({0: "throw"})
    assert fates(state)[1:] == [
        ("light-punch", "superseded", 10),
        ("guard", "superseded", 10),
        ("throw", "waiting", 10),
    ]
    assert state.ready_in(0) == 8 + 30  # the move under way is finished first
    assert state.advance(100) == 38
    assert fates(state)[3] == ("throw", "played", 18)
    assert state.to_act() == (0, 1)


def test_a_decision_between_two_steps_begins_with_the_next(state: DiambraState) -> None:
    assert state.advance(4) == 4
    state.apply({0: "light-punch"})
    assert fates(state) == [("light-punch", "waiting", 4)]
    assert state.to_act() == (1,)
    assert state.ready_in(0) == 2 + 12
    assert state.advance(100) == 14
    assert fates(state) == [("light-punch", "played", 6)]


def test_no_move_guards_and_costs_time(state: DiambraState) -> None:
    state.apply({0: None, 1: "heavy-kick"})
    assert state.ready_in(0) == PASS_TICKS
    assert [given.seat for given in state.inputs()] == [1]
    assert "Your last moves: none." in state.observe(0).text
    assert state.observe(0).situation["opponent"] == "striking"


def test_a_super_needs_a_full_bar(state: DiambraState) -> None:
    assert "super" not in state.observe(0).legal_moves
    assert not state.accepts(0, "super")
    assert not state.accepts(0, "super; guard")
    assert state.accepts(0, "guard; super")
    state.apply({0: "guard; super; forward", 1: "guard"})
    state.advance(30)
    assert [fate for _, fate, _ in fates(state)[:3]] == ["played", "skipped", "played"]


def test_what_is_no_plan_is_refused(state: DiambraState) -> None:
    for bad in ("", "punch", "guard; punch", "guard; guard; guard; guard; guard", "guard guard"):
        assert not state.accepts(0, bad)
        with pytest.raises(ValueError, match="seat 0 cannot decide"):
            state.apply({0: bad})


def test_what_comes_too_late_is_late(engines: Callable[[int], list[TestEngine]]) -> None:
    engines(1)
    game = load("sfiii3n(step_ratio=6)")
    record = play(game, told("one", "guard; forward; dash; throw"), told("two", "back; back; back; back"))
    late = [given for given in record.inputs if given.fate == "late"]
    assert late
    assert {given.tick for given in late} == {record.ticks}
    assert {given.fate for given in record.inputs} <= {"played", "late"}


def test_the_observation_says_what_is_known_and_what_is_not(state: DiambraState) -> None:
    state.apply({0: "forward; fireball", 1: "jump-back"})
    state.advance(40)
    seen = state.observe(1)
    lines = seen.text.splitlines()
    assert lines[0].startswith("Street Fighter III: 3rd Strike, stage 1. Timer: 89.")
    assert lines[1] == "Rounds won: you 0, the opponent 0; 2 win the game."
    assert re.match(r"You: Ken, on the right, health \d+ of 160, stun bar 0 of 72, super bar \d+ of 128, ", lines[2])
    assert "Opponent: Ken, on the left" in lines[3]
    assert lines[4] == "Distance: unknown, the engine tells no positions."
    assert lines[5:] == ["Your last moves: jump-back.", "The opponent's last moves: forward, fireball."]
    assert set(seen.situation) == set(FEATURES)
    assert seen.situation["opponent"] == "special"
    assert seen.situation["side"] == "right"
    assert all(phrase(feature, value) for feature, values in FEATURES.items() for value in values)


# Rounds.


def fight(**own: int) -> Fight:
    numbers = {"health": 100, "wins": 0, "character": 0} | own
    return Fight("T", 2, ["A"], {"health": 100}, {"P1": dict(numbers), "P2": dict(numbers)})


def ended(before: tuple[int, int], wins: tuple[int, int], reward: int) -> dict[str, Any]:
    def side(health: int, won: int) -> dict[str, int]:
        return {"health": health, "wins": won}

    return {
        "before": {"P1": side(before[0], 0), "P2": side(before[1], 0)},
        "after": {"P1": side(100, wins[0]), "P2": side(100, wins[1])},
        "reward": reward,
    }


@pytest.mark.parametrize(
    ("round_", "rounds"),
    [
        (ended((10, 90), (1, 0), 0), [1, 0]),  # the engine shows who won, whatever came before
        (ended((50, 20), (0, 0), 20), [1, 0]),  # at the end of the game it puts wins back: who led counts
        (ended((5, 20), (0, 0), -5), [0, 1]),
        (ended((5, 3), (0, 0), -4), [0, 1]),  # the last blow turned it
        (ended((20, 20), (0, 0), 0), [0, 0]),
        (ended((-1, 20), (0, 0), 0), [0, 1]),
    ],
)
def test_rounds_are_counted(round_: dict[str, Any], rounds: list[int]) -> None:
    current = fight()
    current.end_round(round_)
    assert current.rounds == rounds


def test_teams_share_their_health() -> None:
    team = Fight("T", 1, ["A", "B"], {"health_1": 100, "health_2": 100}, {
        "P1": {"health_1": 50, "health_2": 100, "character_1": 0, "character_2": 1, "active_character": 1},
        "P2": {"health_1": -1, "health_2": 100, "character_1": 0, "character_2": 1, "active_character": 0},
    })  # fmt: skip
    assert (team.health(0), team.health(1)) == (0.75, 0.5)
    assert team.text(0, ((), ())).splitlines()[2] == "You: B, on the left, health 1 50 of 100, health 2 100 of 100."
    assert team.situation(0, ((), ()))["health"] == "ahead"


# Names, moves and plans.


def test_the_table_of_games_is_the_packages_own(python: Path) -> None:
    code = "import json, diambra.arena as a; print(json.dumps(a.available_games(print_out=False)))"
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True)
    listed = json.loads(done.stdout)
    assert set(listed) == set(ARCADES) == set(NAMES)
    for game_id, arcade in ARCADES.items():
        features = listed[game_id]
        assert arcade.rounds == features["rounds_per_stage"]
        assert arcade.character is None or arcade.character in features["char_list"]
        game = load(game_id)
        single = features["n_actions"][2] - 1
        assert len(arcade.attacks) in (0, single)
        sticks, buttons = (max(part[n] for parts in game.inputs.values() for part in parts) for n in (0, 1))
        assert sticks < features["n_actions"][0]
        assert buttons < features["n_actions"][1]
        assert game.plans.read(game.rules.split("e.g. ")[1]) is not None


def test_options_of_a_name() -> None:
    ken, ryu, hugo = load("sfiii3n"), load("sfiii3n(character=Ryu)"), load("sfiii3n(character=Hugo,step_ratio=1)")
    assert (ken.character, ken.step_ratio, ken.name) == ("Ken", 3, "diambra:sfiii3n")
    assert ryu.name == "diambra:sfiii3n(character=Ryu)"
    assert "fireball" in ryu.moves
    assert not set(SPECIALS) & set(hugo.moves)
    for bad in ("sfii", "sfiii3n(step_ratio=7)", "sfiii3n(step_ratio=x)", "sfiii3n(colour=red)", "sfiii3n()"):
        with pytest.raises(BadInput, match=r"DIAMBRA has no game|the options are"):
            load(bad)


def test_plans_are_read_as_people_write_them() -> None:
    game = load("sfiii3n")
    seen: Any = None
    assert game.read_move("I would jump, but: Dash ; THROW", seen) == "dash; throw"
    assert game.read_move("jump-forward beats jump", seen) == "jump"
    assert game.read_move("guard; jump\nsince throw fails", seen) == "guard; jump"
    assert game.read_move("a punch", seen) is None
    assert game.read_move("; ".join(["guard"] * 5), seen) == "; ".join(["guard"] * 5)
    assert game.first_move("dash; thr") == "dash"
    assert game.first_move("dash") is None
    assert game.first_move("I will dash; throw") is None
    assert game.rest_of("dash; throw; guard") == "throw; guard"
    assert game.rest_of("dash") is None
    for move in game.moves:
        assert game.read_move(move, seen) == move


# Engines and processes.


def test_without_engines_or_client_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    game = load("sfiii3n")
    monkeypatch.delenv("DIAMBRA_ENVS", raising=False)
    assert game.capabilities.most_at_once == 1
    with pytest.raises(BadInput, match="DIAMBRA_ENVS names no engine: start one"):
        game.initial_state(1)
    monkeypatch.setenv("DIAMBRA_ENVS", "localhost:50051, 10.0.0.1:50052 [::1]:50053")
    assert addresses() == ["localhost:50051", "10.0.0.1:50052", "[::1]:50053"]
    monkeypatch.setenv("DIAMBRA_ENVS", "localhost")
    with pytest.raises(BadInput, match="names 'localhost', which is no host:port"):
        game.initial_state(1)
    monkeypatch.setenv("DIAMBRA_ENVS", "localhost:50051")
    monkeypatch.setattr("episodes.games.diambra.install.home", lambda: tmp_path)
    with pytest.raises(BadInput, match="run `make diambra`"):
        game.initial_state(1)


def test_installing_again_changes_nothing(python: Path) -> None:
    said: list[str] = []
    assert install.install(install.home(), said.append) == python
    assert [line.endswith("is complete") for line in said] == [True]


def test_an_engine_that_does_not_answer(python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIAMBRA_ENVS", "127.0.0.1:1")
    with pytest.raises(Unavailable, match=r"no DIAMBRA engine answers at 127\.0\.0\.1:1"):
        load("sfiii3n").initial_state(1)


def test_an_unknown_character_is_the_users_fault(engines: Callable[[int], list[TestEngine]]) -> None:
    engines(1)
    with pytest.raises(BadInput, match=r"sfiii3n has no character Blanka: use one of Alex, "):
        load("sfiii3n(character=Blanka)").initial_state(1)
    with pytest.raises(BadInput, match="no character Gill"):  # forbidden
        load("sfiii3n(character=Gill)").initial_state(1)
    load("sfiii3n").initial_state(1).close()


def test_an_engine_that_dies_voids_the_fight_and_a_new_one_is_used(engines: Callable[[int], list[TestEngine]]) -> None:
    engine = engines(1)[0]
    game = load("sfiii3n")
    with closing(game.initial_state(1)) as state:
        state.advance(3)
        engine.process.kill()
        engine.process.wait()
        with pytest.raises(Unavailable, match=f"engine at {engine.address}"):
            state.advance(60)
    with pytest.raises(Unavailable, match="no DIAMBRA engine answers"):
        game.initial_state(1)
    engines(1)
    with ExitStack() as stack, pytest.raises(Unavailable):  # of the two addresses one is dead
        for _ in range(2):
            stack.enter_context(closing(game.initial_state(1)))


def test_a_client_that_dies_is_replaced(engines: Callable[[int], list[TestEngine]]) -> None:
    (engine,) = engines(1)
    game = load("sfiii3n")
    with closing(game.initial_state(1)) as state:
        client = state._engine.client
        assert client is not None
        os.kill(client.pid, signal.SIGKILL)
        with pytest.raises(Unavailable, match="ended in the middle of a game"):
            state.advance(60)
    with closing(game.initial_state(1)) as state:
        assert state.advance(60) == 60
    assert len(engine.calls("init")) == 2


def test_a_second_fight_waits_for_the_engine(engines: Callable[[int], list[TestEngine]]) -> None:
    engines(1)
    game = load("sfiii3n")
    first = game.initial_state(1)
    opened: list[DiambraState] = []
    waiting = threading.Thread(target=lambda: opened.append(game.initial_state(2)))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    first.close()
    first.close()  # harmless
    waiting.join(60)
    assert opened
    del opened[:]  # a state that is dropped gives its engine back too
    game.initial_state(3).close()


def test_clients_leave_the_engine_in_order_and_are_gone(engines: Callable[[int], list[TestEngine]]) -> None:
    (engine,) = engines(1)
    state = load("sfiii3n").initial_state(1)
    client = state._engine.client
    assert client is not None
    environment = Path(f"/proc/{client.pid}/environ").read_bytes()
    assert b"DIAMBRA_ENVS" not in environment  # the client would take it for its own
    state.close()
    close_engines()
    assert not Path(f"/proc/{client.pid}").exists()
    assert len(engine.calls("close")) == 1


def test_a_program_that_is_killed_leaves_no_client(engines: Callable[[int], list[TestEngine]]) -> None:
    engines(1)
    code = (
        "import time\n"
        "from episodes.games.diambra import load\n"
        "state = load('sfiii3n').initial_state(1)\n"
        "print(state._engine.client.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT) as program:
        assert program.stdout is not None
        pid = int(program.stdout.readline())
        program.kill()
    wait_until(lambda: has_ended(pid), "the end of the client")
