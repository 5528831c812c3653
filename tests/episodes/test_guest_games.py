"""A game that is not ours and breaks: its episode is void, its fault is told, and nothing else ends."""

import asyncio
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from breaking import Ledger, breaking, fails
from fake_chat import FakeChat
from remote_heap import Remote
from small_games import Alone, GuessState, Heap, HeapState, Rope, RopeState, TinyChat, Told, drawn

from episodes.clock import Clock
from episodes.contract import check_game
from episodes.fault import LONGEST_TRACEBACK, GuestFault, faults_of
from episodes.game import Capabilities, Game, Input, Observation, cloneable
from episodes.games import load_game
from episodes.games.duel import GAME as DUEL
from episodes.games.duel import Duel
from episodes.games.variants import dressed
from episodes.guest_game import guest_game, unsaid
from episodes.pairs import PairResult, Setting, play_pairs
from episodes.play import Match, play_episode
from episodes.player import Player
from episodes.players.bots import load_bot
from episodes.players.model import ModelPlayer
from episodes.players.search import load_search
from episodes.record import EpisodeRecord
from episodes.replay import replay
from episodes.store.store import Store
from models.chat import ChatRequest, Completion, Usage
from models.errors import BadInput, BudgetExhausted, GameFault, Unavailable


class Planner(FakeChat):
    """Streams a plan, whose first move is there before its end."""

    streams = True

    async def answer(self, request: ChatRequest) -> Completion:
        if request.on_text:
            request.on_text("jab; guard")
        await asyncio.sleep(0.05)
        return Completion("jab; guard", Usage(), 0.05)


def guest(game: Game, place: str = "here.py:GAME") -> Game:
    return guest_game(game, place, load_game)


def play(game: Game, *players: Player, clock: str = "paused", seed: int = 3) -> EpisodeRecord:
    return asyncio.run(play_episode(Match(game, players, seed, Clock.parse(clock))))


def fault(game: Game, *players: Player, **how: Any) -> GuestFault:
    """The one fault of a game that breaks."""
    with pytest.raises(GameFault) as raised:
        play(game, *(players or (load_bot("random"), load_bot("random"))), **how)
    (found,) = faults_of(raised.value)
    assert found.where == "game" and found.player is None and found.message == str(raised.value)
    return found


@pytest.mark.parametrize(
    "call", ["initial_state", "to_act", "observe", "apply", "is_terminal", "returns", "fingerprint"]
)
def test_what_a_state_raises_voids_the_episode(call: str) -> None:
    found = fault(breaking(call))
    assert found.kind == "ZeroDivisionError"
    assert found.message.startswith(f"in {call}: ZeroDivisionError: division by zero (breaking.py, line ")
    assert 'raise ZeroDivisionError("division by zero")' in found.traceback


@pytest.mark.parametrize(
    ("call", "told"),
    [("tick", "is_terminal"), ("advance", "advance"), ("ready_in", "ready_in"), ("inputs", "inputs")],
)
def test_so_does_what_a_state_with_time_raises(call: str, told: str) -> None:
    """The rope asks for its own tick when it is asked whether it is over."""
    assert fault(breaking(call, game=Rope)).message.startswith(f"in {told}: ZeroDivisionError")


@pytest.mark.parametrize(("how", "told"), [(fails, "ZeroDivisionError"), (lambda self: "7", "a whole number")])
def test_so_does_a_tick_that_cannot_be_read(how: Callable[..., Any], told: str) -> None:
    class Timeless(RopeState):
        tick = property(how, lambda self, value: None)

        def is_terminal(self) -> bool:
            return False

    class Broken(Rope):
        def initial_state(self, seed: int) -> RopeState:
            return Timeless(0)

    found = fault(guest(Broken()))
    assert found.message.startswith("in tick: ") and told in found.message


@pytest.mark.parametrize(("call", "told"), [("clone", "belief"), ("belief", "belief"), ("legal_moves", "legal_moves")])
def test_so_does_what_a_search_meets(call: str, told: str) -> None:
    """The heap's belief is a clone."""
    assert fault(breaking(call), load_search("20"), load_search("20")).message.startswith(f"in {told}: ")


def test_a_search_comes_to_an_end_in_a_game_that_does_not() -> None:
    game = breaking("apply", lambda state, moves: None)
    state = cloneable(game, game.initial_state(1))
    assert state is not None
    assert load_search("2").choose(game, state, 0, 1) in state.legal_moves(0)


@pytest.mark.parametrize("call", ["read_move", "accepts"])
def test_so_does_what_a_model_player_meets(call: str) -> None:
    asked = ModelPlayer("tiny@base", TinyChat(["take-1"]), "The rules.", "{text}")
    assert fault(breaking(call), asked, asked).message.startswith(f"in {call}: ")


@pytest.mark.parametrize("call", ["first_move", "rest_of"])
@pytest.mark.parametrize(("how", "told"), [(fails, "ZeroDivisionError"), (lambda *_: 5, "a text is wanted")])
def test_so_does_what_a_plan_meets(call: str, how: Callable[..., Any], told: str) -> None:
    game = guest(type("Broken", (Duel,), {call: how})())
    planner = ModelPlayer("planner@base", Planner(), "The rules.", "{text}", constrained=False)
    found = fault(game, planner, load_bot("random"), clock="measured")
    assert found.message.startswith(f"in {call}: ") and told in found.message


@pytest.mark.parametrize(("how", "told"), [(fails, "ZeroDivisionError"), (lambda *_: ["jab"], "a grammar is wanted")])
def test_so_does_a_grammar(how: Callable[..., Any], told: str) -> None:
    game = guest(type("Broken", (Duel,), {"plan_grammar": how})())
    held = ModelPlayer("planner@base", Planner(), "The rules.", "{text}", held="plans")
    found = fault(game, held, load_bot("random"))
    assert found.message.startswith("in plan_grammar: ") and told in found.message


@pytest.mark.parametrize("variants", [(), ("unlisted",)])
def test_a_game_without_words_is_told_by_its_names(variants: tuple[str, ...]) -> None:
    game = breaking("phrase")
    assert unsaid(game) == ()
    worn = dressed(game, variants)
    assert worn.phrase("stones", "few").endswith("stones is few")
    worn.phrase("stones", "many")
    (fault,) = unsaid(worn)
    assert fault.message.startswith("in phrase: ZeroDivisionError") and "in fails" in fault.traceback
    assert fault.line("heap").endswith("; situations are told by their names")
    assert unsaid(load_game("duel")) == ()


def test_it_is_said_where_and_of_whom() -> None:
    def late(self: HeapState, seat: int) -> Observation:
        if self.stones < 5:
            raise KeyError(self.stones)
        return HeapState.observe(self, seat)

    found = fault(breaking("observe", late), Told("one", lambda *_: "take-2"), Told("two", lambda *_: "take-2"))
    # 8 stones: the two see 8 and 6, and the first breaks at 4.
    assert (found.seat, found.turn, found.tick, found.kind) == (0, 2, 1, "KeyError")
    assert found.line("heap").startswith("the game heap broke in observe: KeyError: 4 (test_guest_games.py, line ")


WRONG: list[tuple[str, Callable[..., Any], str]] = [
    ("returns", lambda self: (1.0,), "2 finite numbers"),
    ("returns", lambda self: (float("nan"), 0.0), "2 finite numbers"),
    ("returns", lambda self: None, "TypeError"),
    ("to_act", lambda self: (0, 0), "different seats from 0 to 1"),
    ("to_act", lambda self: (2,), "different seats from 0 to 1"),
    ("to_act", lambda self: (), "nobody is to act and the game is not over"),
    ("observe", lambda self, seat: "8 stones", "an Observation is wanted"),
    ("observe", lambda self, seat: Observation("8", {"stones": "few"}, ()), "has no legal move"),
    ("observe", lambda self, seat: Observation("8", {"stones": "few"}, (1, 2)), "a text is wanted"),  # type: ignore[arg-type]
    ("observe", lambda self, seat: Observation("8", {"stones": "red"}, ("take-1",)), "as its 'stones'"),
    ("observe", lambda self, seat: Observation("8", {}, ("take-1",)), "as its 'stones'"),
    ("observe", lambda self, seat: Observation(8, {"stones": "few"}, ("take-1",)), "a text is wanted"),  # type: ignore[arg-type]
    ("observe", lambda self, seat: Observation("\ud800", {"stones": "few"}, ("take-1",)), "surrogate"),
    ("observe", lambda self, seat: Observation("8", {"stones": "few"}, ("take-1",), "no"), "listed is True or False"),  # type: ignore[arg-type]
    ("fingerprint", lambda self: 7, "a text is wanted"),
    ("initial_state", lambda self, seed: None, "a state with"),
]


@pytest.mark.parametrize(("call", "how", "told"), WRONG)
def test_an_answer_that_the_contract_does_not_allow_is_a_fault(call: str, how: Callable[..., Any], told: str) -> None:
    found = fault(breaking(call, how))
    assert found.message.startswith(f"in {call}: ") and told in found.message


def stuck(self: RopeState, ticks: int) -> int:
    return 0


def timeless(self: RopeState, ticks: int) -> int:
    self.tick, before = 0, self.tick
    return ticks if before else RopeState.advance(self, ticks)


def lost(self: RopeState) -> Any:
    return (Input(0, 0, "push", "forgotten", 0),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "how", "told"),
    [
        ("advance", stuck, "time has to pass"),
        ("advance", timeless, "tick went from"),
        ("advance", lambda self, ticks: ticks + 1, "at most"),
        ("inputs", lost, "a fate is one of waiting, played, late, superseded, skipped"),
        ("inputs", lambda self: (Input(2, 0, "push", "played", 0),), "seats from 0 to 1"),
        ("inputs", lambda self: ["push"], "an Input is wanted"),
        ("inputs", lambda self: (Input(0, 0, 7, "played", 0),), "a text is wanted"),  # type: ignore[arg-type]
        ("ready_in", lambda self, seat: None, "a whole number is wanted"),
    ],
)
def test_so_is_one_of_a_state_with_time(call: str, how: Callable[..., Any], told: str) -> None:
    """Time that does not pass would keep the program for ever."""
    found = fault(breaking(call, how, game=Rope))
    assert found.message.startswith(f"in {call}: ") and told in found.message


def test_answers_are_kept_as_plain_values(tmp_path: Path) -> None:
    """SQLite knows no number of numpy's, and what a game changes later is not what a seat saw."""
    shown: dict[str, str] = {}

    def observe(self: RopeState, seat: int) -> Observation:
        seen = RopeState.observe(self, seat)
        shown.clear()
        shown.update(seen.situation)
        return Observation(seen.text, shown, list(seen.legal_moves), np.bool_(True))  # type: ignore[arg-type]

    def inputs(self: RopeState) -> Any:
        numpy: Any = np
        return (replace(one, tick=numpy.int64(one.tick), seat=numpy.int8(one.seat)) for one in self.given)

    players = (load_bot("random"), load_bot("random"))
    expected = play(Rope(), *players, seed=1)  # whose rope drifts as little as the broken one's
    for call, how in (("observe", observe), ("inputs", inputs)):
        game = breaking(call, how, game=Rope)
        record = play(game, *players, seed=1)
        assert (record.inputs, record.turns) == (expected.inputs, expected.turns)
        with Store.open(tmp_path / f"{call}.db") as store:
            store.save(record)
            assert store.episode(record.id) == record
        assert replay(record, game) == []


@pytest.mark.parametrize("call", ["clone", "belief"])
def test_a_copy_must_be_a_state(call: str) -> None:
    assert "a state with" in fault(breaking(call, lambda *_: 5), load_search("20"), load_search("20")).message


def test_one_seat_has_its_return_between_the_bounds() -> None:
    class Rich(Alone):
        def initial_state(self, seed: int) -> GuessState:
            class State(GuessState):
                def returns(self) -> tuple[float, ...]:
                    return (2.0,)

            return State(1)

    assert "1 finite numbers in [-1, 1]" in fault(guest(Rich()), load_bot("random")).message


def test_a_seat_that_is_asked_early_needs_a_move() -> None:
    """On a clock that costs time seats are asked while they are still busy; whoever is asked must have a choice."""

    def observe(self: RopeState, seat: int) -> Observation:
        seen = RopeState.observe(self, seat)
        return Observation(seen.text, seen.situation, seen.legal_moves if seat in self.to_act() else ())

    game = breaking("observe", observe, game=Rope)
    assert play(game, load_bot("random"), load_bot("random")).ended_by == "result"
    assert "is asked for a move and has none" in fault(game, clock="simulated:100").message
    assert "is asked for a move and has none" in fault(dressed(game, ["unlisted"]), clock="simulated:100").message


def test_the_program_is_ended_by_what_ends_it() -> None:
    def stop(*_: object) -> Any:
        raise KeyboardInterrupt

    def leave(*_: object) -> Any:
        raise SystemExit(3)

    with pytest.raises(KeyboardInterrupt):
        play(breaking("apply", stop), load_bot("random"), load_bot("random"))
    assert fault(breaking("apply", leave)).kind == "SystemExit"


@pytest.mark.parametrize("error", [BadInput("no such deck"), Unavailable("down"), BudgetExhausted("spent")])
def test_errors_of_ours_stay_what_they_are(error: Exception) -> None:
    def raising(*_: object) -> Any:
        raise error

    with pytest.raises(type(error), match=str(error)):
        play(breaking("apply", raising), load_bot("random"), load_bot("random"))


def test_a_fault_of_this_programs_own_games_is_no_guests() -> None:
    class Ours(Heap):
        def initial_state(self, seed: int) -> Any:
            return fails()

    with pytest.raises(ZeroDivisionError):
        play(Ours(), load_bot("random"), load_bot("random"))


def test_no_keys_and_no_end_of_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_GAME_SERVER_TOKEN", "correct-horse-battery")

    def leaking(*_: object) -> Any:
        raise RuntimeError(
            "sk-abcdefghijklmnop https://me:secret@host/x?k=1 correct-horse-battery \ud800" + "x" * 10**6
        )

    found = fault(breaking("apply", leaking))
    for text in (found.message, found.traceback):
        assert not any(secret in text for secret in ("sk-abcdef", "secret", "k=1", "correct-horse"))
        text.encode()
    assert len(found.traceback) <= LONGEST_TRACEBACK and len(found.message) < 400 and "\n" not in found.message


def test_deep_recursion_and_errors_that_cannot_be_shown_are_told_too() -> None:
    def deep(self: object, *_: object) -> Any:
        return deep(self)

    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    def mute(*_: object) -> Any:
        raise Mute

    assert fault(breaking("apply", deep)).kind == "RecursionError"
    assert fault(breaking("apply", mute)).kind == "Mute"


def test_a_file_whose_name_is_no_text_can_be_told(tmp_path: Path) -> None:
    """As one that was named in another encoding than the system's."""
    scope: dict[str, Any] = {}
    exec(compile("def lost(*_):\n    raise OSError", "sp\udce9l.py", "exec"), scope)
    game = breaking("apply", scope["lost"])
    assert fault(game).message == "in apply: OSError (sp?l.py, line 2)"
    with Store.open(tmp_path / "s.db") as store:
        setting = Setting(game, Clock("paused"), "play", store)
        (pair,) = asyncio.run(play_pairs(setting, load_bot("random"), load_bot("random"), [1]))
        assert store.faults(pair.broke)


def test_a_pair_is_void_and_the_others_count(tmp_path: Path) -> None:
    """The heap of seven breaks: that is the one of seed 2, whoever plays."""

    def picky(self: HeapState, seat: int) -> Observation:
        if self.stones == 7:
            raise LookupError("seven")
        return HeapState.observe(self, seat)

    game = breaking("observe", picky)
    with Store.open(tmp_path / "s.db") as store:
        told: list[str] = []
        store.on_fault = lambda place, fault: told.append(f"{place.episode_id} {fault.kind}")
        setting = Setting(game, Clock("paused"), "play", store, night_id="n1")
        ones = Told("a", lambda *_: "take-1"), Told("b", lambda *_: None)

        def run() -> list[PairResult]:
            return asyncio.run(play_pairs(setting, *ones, [1, 2, 4]))

        results = run()
        assert [result.k for result in results] == [4, None, 4]
        assert results[1].broke and results[1].fault.startswith("GameFault: in observe: LookupError: seven")
        assert told == [f"{episode} LookupError" for episode in results[1].episodes]
        place, found = store.faults(results[1].episodes[0])[0]
        assert (place.game, place.night_id, place.pair_id) == ("heap", "n1", results[1].pair_id)
        assert (found.seat, found.turn, found.kind) == (0, 0, "LookupError")
        assert store.fault_counts("n1") == (2, 0)
        assert run() == results
        assert store.fault_counts("n1") == (2, 0), "the same episode that breaks again is one"


def test_closing_is_the_games_too() -> None:
    class Stuck(Remote):
        def initial_state(self, seed: int) -> Any:
            state = super().initial_state(seed)
            real = state.close

            def close() -> None:
                real()
                raise OSError("still in use")

            state.close = close  # type: ignore[method-assign]  # the state breaks when it is closed
            return state

    first = Told("one", drawn), Told("two", drawn)
    assert "in close: OSError: still in use" in fault(guest(Stuck()), *first).message
    down = Told("one", lambda *_: (_ for _ in ()).throw(Unavailable("down")))
    with pytest.raises(Unavailable, match="down"):
        play(guest(Stuck()), down, first[1])


def test_a_guest_plays_exactly_as_it_does_bare() -> None:
    for game, clock in ((Heap(), "paused"), (Rope(), "simulated:100,50"), (DUEL, "simulated:200")):
        for players in ((load_bot("random"), load_bot("random")), (load_search("30"), load_bot("random"))):
            records = [play(one, *players, clock=clock) for one in (game, guest(game))]
            bare, found = [(one.final_fingerprint, [turn.move for turn in one.turns], one.inputs) for one in records]
            assert bare == found
            assert replay(records[0], guest(game)) == []


def test_a_guest_has_the_capabilities_of_its_game_and_no_others() -> None:
    games: tuple[Game, ...] = (Heap(), Rope(), DUEL, Remote())
    for game in games:
        shown = guest(game)
        assert (shown.name, shown.moves, shown.seats) == (game.name, game.moves, game.seats)
        assert (shown.capabilities, shown.tick_rate) == (game.capabilities, game.tick_rate)
        assert hasattr(shown, "first_move") == game.capabilities.plans
        if game.capabilities.most_at_once is None:
            assert check_game(shown) == []  # which finds what is declared and not there, and the other way round
    assert guest(Heap()).initial_state(3).stones == 8, "its own attributes can be read"  # type: ignore[attr-defined]


def test_another_process_opens_it_anew(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "own-game.md").read_text(encoding="utf-8")
    (tmp_path / "own.py").write_text(page.partition("```python\n")[2].partition("\n```")[0], encoding="utf-8")
    for place in (f"{tmp_path}/own.py:GAME", f"{tmp_path}/own.py:GAME+unlisted"):
        game = load_game(place)
        again = pickle.loads(pickle.dumps(game))
        assert again is not game and again.name == game.name
        assert play(again, load_bot("random"), load_bot("random")).turns
    assert type(load_game(f"{tmp_path}/own.py:GAME", bare=True)).__name__ == "TwentyOne"


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"name": 7}, "a text is wanted"),
        ({"seats": "two"}, "a whole number is wanted"),
        ({"seats": 0}, "one seat at least"),
        ({"tick_rate": 0}, "ticks a second, from 1 to 1000000, or None"),
        ({"tick_rate": 10**9}, "ticks a second, from 1 to 1000000, or None"),
        ({"moves": None}, "a tuple of texts is wanted"),
        ({"moves": ("take-1", 2)}, "a text is wanted"),
        ({"features": ["stones"]}, "a mapping is wanted"),
        ({"features": {"stones": "few"}}, "a tuple of texts is wanted"),
        ({"rules": None}, "a text is wanted"),
        ({"capabilities": Capabilities(most_at_once=0)}, "one episode at least"),
        ({"capabilities": Capabilities(terms=(7,))}, "a text is wanted"),  # type: ignore[arg-type]
    ],
)
def test_a_game_that_declares_rubbish_is_bad_input(declared: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=f"^here.py:GAME cannot be opened: in its declarations: .*{told}"):
        guest(type("Odd", (Heap,), {"__init__": lambda self: None} | declared)())


def test_what_it_declares_is_read_as_plain_values() -> None:
    declared = {"seats": np.int64(2), "moves": ["take-1", "take-2", "take-3"], "features": {"stones": ["few", "many"]}}
    game = guest(type("Loose", (Heap,), {"__init__": lambda self: None} | declared)())
    assert (game.moves, game.features, type(game.seats)) == (Heap().moves, {"stones": ("few", "many")}, int)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("1 / 0", "cannot be loaded: ZeroDivisionError"),
        ("import sys\nsys.exit(0)", "cannot be loaded: SystemExit: 0 .bad.py, line 2."),
        ("def game(", r"cannot be loaded: .*bad.py.*SyntaxError"),
        ("raise ValueError('one\\ntwo')", r"cannot be loaded: ValueError: one two .bad.py, line 1.$"),
        ("class Game:\n    def __getattr__(self, n): exit(0)\nGAME = Game()", "SystemExit"),
        (
            "class Game:\n    name = seats = tick_rate = moves = features = rules = None\n    can_clone = True\n"
            "    initial_state = phrase = read_move = None\n    terms = 5\nGAME = Game()",
            "TypeError",
        ),
        ("class Game:\n    @property\n    def name(self): return 1 / 0\nGAME = Game()", "ZeroDivisionError"),
    ],
)
def test_a_game_that_cannot_even_be_opened_is_bad_input(tmp_path: Path, lines: str, told: str) -> None:
    (tmp_path / "bad.py").write_text(lines, encoding="utf-8")
    with pytest.raises(BadInput, match=told):
        load_game(f"{tmp_path}/bad.py:GAME")


def test_a_game_that_broke_differs_from_its_record() -> None:
    record = play(Heap(), load_bot("random"), load_bot("random"))
    (found,) = replay(record, breaking("apply"))
    assert found.what == "the game" and "in apply: ZeroDivisionError" in found.replayed


def test_a_sink_gets_the_faults_of_void_episodes() -> None:
    sink = Ledger()
    setting = Setting(breaking("apply"), Clock("paused"), "play", sink)
    asyncio.run(play_pairs(setting, Told("a", drawn), Told("b", drawn), [1]))
    assert [(place.game, fault.kind) for place, fault in sink.faults] == [("heap", "ZeroDivisionError")] * 2
