"""A player that is not ours and breaks: it loses the decision, the fault is in the record, and nothing else ends."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from breaking import Clumsy, breaking, fails
from small_games import Alone, Heap, Rope, Told, drawn

from cornerman.opening import open_simple
from episodes.clock import Clock
from episodes.exchange import export_episodes, import_episodes
from episodes.fault import GuestFault
from episodes.game import Game, Observation
from episodes.guest_player import GuestPlayer, guest_player
from episodes.pairs import Setting, play_pairs
from episodes.play import Match, play_episode
from episodes.player import Context, Decision, Player, ReplyClass
from episodes.record import EpisodeRecord
from episodes.replay import replay
from episodes.store.store import Store
from models.chat import Message, Usage
from models.errors import BadInput, BudgetExhausted, GameFault, Unavailable

FINE = Decision("take-1", "take-1", 0.0)


def guest(answer: Callable[[Observation, Context], Any], **fields: Any) -> GuestPlayer:
    return guest_player(Clumsy(answer, **fields), "here.py:PLAYER")


def play(*players: Player, game: Game | None = None, clock: str = "paused", seed: int = 3) -> EpisodeRecord:
    return asyncio.run(play_episode(Match(game or Heap(), players, seed, Clock.parse(clock))))


def test_a_player_that_raises_loses_the_decision_and_the_rules_say_what_that_costs() -> None:
    record = play(Told("one", drawn), guest(fails))
    assert [turn.reply_class for turn in record.turns] == [ReplyClass.MOVE, ReplyClass.FAULT]
    assert record.turns[1].move is None and record.ended_by == "forfeit"
    assert [seat.score for seat in record.seats] == [1.0, 0.0]
    (fault,) = record.faults
    assert (fault.where, fault.seat, fault.player, fault.turn, fault.tick, fault.times) == (
        "player",
        1,
        "clumsy",
        1,
        1,
        1,
    )
    assert fault.message.startswith("in act: ZeroDivisionError: division by zero (breaking.py, line ")
    assert "Traceback (most recent call last)" in fault.traceback
    assert fault.line("heap") == f"the player clumsy broke at turn 1 {fault.message}; the decision is lost"
    assert replay(record, Heap()) == []


def test_a_player_that_raises_always_is_one_fault_with_how_often() -> None:
    """In the rope a lost decision is a wait, so the game goes on."""
    record = play(guest(fails), Told("two", lambda *_: "push"), game=Rope())
    own = [turn for turn in record.turns if turn.seat == 0]
    assert record.ended_by == "result" and [seat.score for seat in record.seats] == [0.0, 1.0]
    assert {turn.reply_class for turn in own} == {ReplyClass.FAULT}
    assert [(fault.seat, fault.turn, fault.times) for fault in record.faults] == [(0, 0, len(own))]
    assert replay(record, Rope()) == []


def test_a_player_that_raises_once_goes_on() -> None:
    record = play(guest(lambda seen, context: fails() if context.turn == 3 else None), guest(fails), game=Rope())
    own = [turn.reply_class for turn in record.turns if turn.seat == 0]
    assert own[3] is ReplyClass.FAULT and own.count(ReplyClass.MOVE) == len(own) - 1
    assert [(fault.seat, fault.times) for fault in record.faults] == [(0, 1), (1, len(record.turns) - len(own))]


def rubbish(**fields: Any) -> Decision:
    """A decision with fields of types that the contract does not have."""
    return replace(FINE, **fields)


RUBBISH: list[tuple[Any, str]] = [
    ("take-1", "a Decision is wanted"),
    (rubbish(move=1), "a text is wanted"),
    (replace(FINE, move=None), "there is a move if the class is 'move'"),
    (replace(FINE, reply_class=ReplyClass.EMPTY), "there is a move if the class is 'move'"),
    (rubbish(reply_class="move"), "a ReplyClass is wanted"),
    (rubbish(raw=None), "the reply is a text"),
    (replace(FINE, latency=-1.0), "a latency is seconds"),
    (replace(FINE, latency=float("nan")), "a latency is seconds"),
    (replace(FINE, latency=1e300), "a latency is seconds"),
    (rubbish(latency="1"), "TypeError"),
    (replace(FINE, cost=float("inf")), "a cost is US dollars"),
    (replace(FINE, cost=-1.0), "a cost is US dollars"),
    (replace(FINE, usage=Usage(-1, 0)), "a Usage with counts of 0 or more"),
    (replace(FINE, usage=Usage(2**70, 0)), "a smaller number"),
    (rubbish(usage=None), "a Usage"),
    (rubbish(messages=[Message("user", "x")]), "a tuple of messages"),
    (rubbish(messages=("x",)), "a Message is wanted"),
    (replace(FINE, messages=(Message("user", "\ud800"),)), "surrogate"),
    (replace(FINE, move="\ud800"), "surrogate"),
    (replace(FINE, first="take-1"), "a first move is for plans"),
    (rubbish(messages=(Message("owner", "x"),)), "one of system, user, assistant"),  # type: ignore[arg-type]
    (replace(FINE, usage=Usage(2**61, 0)), "a Usage with counts of 0 or more"),
    (replace(FINE, cost=1e300), "a cost is US dollars"),
    (replace(FINE, latency=2.0, ended=1.0), "whose move was there after 2.0 s cannot end before"),
    (rubbish(thought=None), "the thought is a text"),
    (rubbish(values=None), "by move, are wanted"),
    (rubbish(values={7: 0.5}), "a text is wanted"),
    (rubbish(values={"\ud800": 0.5}), "surrogate"),
    (rubbish(fault="a fault"), "a player that breaks raises"),
    (rubbish(fault=GuestFault("game", "E", "it was the game", "")), "a player that breaks raises"),
    (Decision(None, "", 0.0, ReplyClass.FAULT), "a player that breaks raises"),
]


@pytest.mark.parametrize(("answer", "told"), RUBBISH)
def test_what_is_no_decision_is_a_fault(answer: Any, told: str) -> None:
    record = play(guest(lambda seen, context: answer), Told("two", drawn))
    assert record.turns[0].reply_class is ReplyClass.FAULT
    assert told in record.faults[0].message


def test_numbers_of_other_libraries_are_kept_as_plain_ones(tmp_path: Path) -> None:
    """SQLite knows no number of numpy's and no fraction."""
    numbers: Any = {
        "latency": np.float32(0.5),
        "ended": Fraction(3, 4),
        "cost": Decimal("0.25"),
        "usage": Usage(np.int64(3), np.uint8(4)),  # type: ignore[arg-type]
        "values": MappingProxyType({"take-1": np.float32(0.5)}),
    }
    odd = replace(FINE, **numbers | {"values": {}})
    object.__setattr__(odd, "values", numbers["values"])
    record = play(guest(lambda seen, context: odd), Told("two", drawn))
    turn = record.turns[0]
    assert (turn.latency_ms, turn.ended_ms, turn.cost_usd, turn.tokens_in, turn.tokens_out, turn.values) == (
        500.0,
        750.0,
        0.25,
        3,
        4,
        {"take-1": 0.5},
    )
    with Store.open(tmp_path / "s.db") as store:
        store.save(record)
        assert store.episode(record.id) == record


def test_what_it_does_to_what_it_was_shown_is_not_what_is_kept() -> None:
    def scribbling(seen: Observation, context: Context) -> None:
        note: Any = seen.situation
        note["stones"] = {"a", "set"}

    record = play(guest(scribbling), Told("two", drawn))
    assert {turn.situation["stones"] for turn in record.turns} <= {"few", "many"}
    assert replay(record, Heap()) == []


def test_a_method_that_cannot_be_awaited_is_a_fault() -> None:
    class Plain(Clumsy):
        def act(self, observation: Observation, context: Context) -> Decision:  # type: ignore[override]
            return FINE

    plain: Any = Plain(fails)
    record = play(guest_player(plain, "here.py:PLAYER"), Told("two", drawn))
    assert record.faults[0].kind == "TypeError" and "await" in record.faults[0].message


def test_a_move_that_the_game_refuses_is_illegal_as_a_models_is() -> None:
    record = play(guest(lambda seen, context: Decision("take-9", "", 0.25)), Told("two", drawn))
    (turn,) = record.turns
    assert (turn.reply_class, turn.move, turn.reply, turn.latency_ms) == (ReplyClass.ILLEGAL, None, "take-9", 250.0)
    assert record.faults == ()


def test_its_time_is_charged_until_it_broke() -> None:
    class Slow(Clumsy):
        async def act(self, observation: Observation, context: Context) -> Decision:
            await asyncio.sleep(0.02)
            return fails()  # type: ignore[no-any-return]

    record = play(guest_player(Slow(fails), "x"), Told("two", lambda *_: "wait"), game=Rope(), clock="measured")
    assert all(turn.latency_ms >= 20 and turn.lands > turn.tick for turn in record.turns if turn.seat == 0)


@pytest.mark.parametrize(
    "error", [Unavailable("down"), BudgetExhausted("spent"), BadInput("no key"), KeyboardInterrupt()]
)
def test_errors_of_ours_and_ctrl_c_stay_what_they_are(error: BaseException) -> None:
    def raising(*_: object) -> Any:
        raise error

    with pytest.raises(type(error)):
        play(guest(raising), Told("two", drawn))


def test_leaving_the_program_is_not_its_to_decide() -> None:
    def leave(*_: object) -> Any:
        raise SystemExit(3)

    assert play(guest(leave), Told("two", drawn)).faults[0].kind == "SystemExit"


def test_an_error_that_is_no_exception_is_a_fault_too() -> None:
    """As the panics of libraries in Rust are."""

    class Panic(BaseException):
        pass

    def panic(*_: object) -> Any:
        raise Panic("index out of bounds")

    assert play(guest(panic), Told("two", drawn)).faults[0].message.startswith("in act: ")
    with pytest.raises(GameFault, match=r"in apply: .*Panic: index out of bounds"):
        play(Told("one", drawn), Told("two", drawn), game=breaking("apply", panic))


def test_a_call_of_its_own_that_is_called_off_is_a_fault_and_being_called_off_is_not() -> None:
    class Waiting(Clumsy):
        async def act(self, observation: Observation, context: Context) -> Decision:
            waiting = asyncio.get_running_loop().create_future()
            if self.name == "gives up":
                asyncio.get_running_loop().call_soon(waiting.cancel)
            await waiting
            return FINE

    record = play(guest_player(Waiting(fails, name="gives up"), "x"), Told("two", drawn))
    assert record.faults[0].kind == "CancelledError"

    async def called_off() -> None:
        match = Match(Heap(), (guest_player(Waiting(fails), "x"), Told("two", drawn)), 3, Clock("paused"))
        task = asyncio.create_task(play_episode(match))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(called_off())


def test_a_players_fault_is_kept_where_the_episode_is_void(tmp_path: Path) -> None:
    """The player breaks at the first turn, then the provider of the other fails."""
    down = Told("two", lambda seen, context: (_ for _ in ()).throw(Unavailable("down")))
    clumsy = guest(fails, name="p")
    with Store.open(tmp_path / "s.db") as store:
        setting = Setting(Rope(), Clock("paused"), "play", store, night_id="n")
        (pair,) = asyncio.run(play_pairs(setting, clumsy, Told("two", drawn), [1]))
        assert pair.k is not None and store.fault_counts("n")[1] > 0
        late = guest(lambda seen, context: fails() if context.turn == 0 else None, name="q")

        def failing(seen: Observation, context: Context) -> str:
            return "wait" if context.turn < 2 else down.choose(seen, context) or ""

        (pair,) = asyncio.run(play_pairs(setting, late, Told("three", failing), [1]))
        assert pair.k is None and not pair.broke
        ((place, fault),) = store.faults(pair.episodes[0])
        assert (fault.player, fault.seat, fault.turn, fault.times, place.night_id) == ("q", 0, 0, 1, "n")
        # Played to its end later, the record's own faults take their place.
        (pair,) = asyncio.run(play_pairs(setting, guest(lambda *_: None, name="q"), Told("three", drawn), [1]))
        assert pair.k is not None and store.faults(pair.episodes[0]) == []


def test_a_game_that_breaks_under_a_guest_is_the_games_fault() -> None:
    def curious(seen: Observation, context: Context) -> Any:
        context.state.accepts(context.seat, "take-1")

    with pytest.raises(GameFault, match="in accepts: ZeroDivisionError"):
        play(guest(curious), Told("two", drawn), game=breaking("accepts"))


def test_the_store_and_its_files_have_it(tmp_path: Path) -> None:
    record = play(guest(fails), Told("two", drawn), game=Rope())
    with Store.open(tmp_path / "s.db") as store:
        store.save(record)
        assert store.episode(record.id) == record
        assert store.wrong_totals(record.id) == []
        seats = store.summary(record.id).seats
        assert [seat.faults for seat in seats] == [record.faults[0].times, 0]
        assert [seat.illegal + seat.unreadable + seat.refused + seat.timeouts for seat in seats] == [0, 0]
        with store.transaction() as connection:
            connection.execute("update seats set faults = faults + 1 where seat = 0")
        assert store.wrong_totals(record.id) == [0]
        for name in ("e.jsonl", "e.parquet"):
            export_episodes(store, tmp_path / name)
            with Store.open(tmp_path / f"{name}.db") as other:
                import_episodes(other, tmp_path / name)
                assert other.episode(record.id) == record
    twice = replace(record, faults=record.faults * 2)
    with Store.open(tmp_path / "t.db") as store, pytest.raises(ValueError, match="one a seat"):
        store.save(twice)


def test_alone_it_loses_what_the_game_says() -> None:
    record = play(guest(fails), game=Alone())
    assert (record.seats[0].score, record.ended_by, len(record.faults)) == (0.5, "forfeit", 1)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("import nothing_of_that_name", "cannot be loaded: ModuleNotFoundError"),
        ("import sys\nsys.exit(0)", "cannot be loaded: SystemExit: 0 .p.py, line 2."),
        ("class P:\n    name = model = 7\n    prompt_id = None\n    act = None\nP = P()", "a text is wanted"),
        ("class P:\n    @property\n    def name(self): return 1 / 0\nP = P()", "ZeroDivisionError"),
        ("class P:\n    name = model = 'p'\n    prompt_id = 4\n    act = None\nP = P()", "a text is wanted"),
    ],
)
def test_a_player_that_cannot_even_be_opened_is_bad_input(tmp_path: Path, lines: str, told: str) -> None:
    (tmp_path / "p.py").write_text(lines, encoding="utf-8")
    with pytest.raises(BadInput, match=told):
        open_simple(f"{tmp_path}/p.py:P", Heap())


def test_nor_may_one_that_is_opened_leave_the_program() -> None:
    class Leaving(Clumsy):
        @property
        def name(self) -> str:
            raise SystemExit(0)

        @name.setter
        def name(self, name: str) -> None: ...

    with pytest.raises(BadInput, match=r"^p.py:P cannot be opened: in its name, model and prompt_id: SystemExit: 0"):
        guest_player(Leaving(fails), "p.py:P")


def test_players_of_files_are_guests_and_those_of_this_program_are_not(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(
        "class P:\n    name = model = 'p'\n    prompt_id = None\n    async def act(self, o, c): raise OSError\nP = P()",
        encoding="utf-8",
    )
    opened = open_simple(f"{tmp_path}/p.py:P", Heap())
    assert isinstance(opened, GuestPlayer) and opened.name == "p"
    assert play(opened, Told("two", drawn)).faults[0].kind == "OSError"
    for spec in ("bot:random", "search:5"):
        assert not isinstance(open_simple(spec, Heap()), GuestPlayer)
    with pytest.raises(ZeroDivisionError):
        play(Clumsy(fails), Told("two", drawn))
