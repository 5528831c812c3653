"""Playing one episode: what is recorded, what a clock costs, and what every class of reply leads to."""

import asyncio
from dataclasses import replace

import pytest
from small_games import BUSY, ROUND, Heap, HeapState, Rope, TinyChat, Told, Trio, drawn

from episodes.clock import Clock
from episodes.game import Game, Observation
from episodes.games import load_game
from episodes.play import MAX_TURNS, Match, decision_seed, play_episode, score
from episodes.player import Context, Decision, Player, ReplyClass
from episodes.players.model import ModelPlayer
from episodes.record import EpisodeRecord
from episodes.replay import replay
from models.chat import ChatRequest, Completion, Usage
from models.errors import ModelError, Refused, TimedOut, Unavailable

PAUSED = Clock("paused")


def play(game: Game, *players: Player, clock: Clock = PAUSED, seed: int = 3) -> EpisodeRecord:
    return asyncio.run(play_episode(Match(game, players, seed, clock)))


def modelled(*answers: object, **fields: object) -> ModelPlayer:
    return ModelPlayer("tiny@base", TinyChat(answers), "The rules.", "{text} | {situation} | {legal}", **fields)  # type: ignore[arg-type]


def same_but_for_time(record: EpisodeRecord) -> EpisodeRecord:
    return replace(record, started="", seconds=0.0)


def test_a_turn_based_episode() -> None:
    one, two = Told("one", lambda seen, context: "take-2"), Told("two", lambda seen, context: "take-1")
    record = play(Heap(), one, two)  # 8 stones: 2 1 2 1 2
    assert [turn.move for turn in record.turns] == ["take-2", "take-1"] * 2 + ["take-2"]
    assert [turn.seat for turn in record.turns] == [0, 1, 0, 1, 0]
    assert [turn.tick for turn in record.turns] == [turn.lands for turn in record.turns] == [0, 1, 2, 3, 4]
    assert [turn.order for turn in record.turns] == [0, 1, 2, 3, 4]
    assert [seat.score for seat in record.seats] == [1.0, 0.0]
    assert (record.ended_by, record.ticks, record.inputs) == ("result", 5, ())
    assert record.turns[1].observation == "6 stones are left."
    assert record.turns[-1].legal_moves == ("take-1", "take-2")
    assert record.turns[0].fingerprint == HeapState(8).fingerprint()
    assert record.final_fingerprint == HeapState(0, 1, 0).fingerprint()
    assert replay(record, Heap()) == []


def test_no_move_forfeits_where_the_rules_say_so() -> None:
    record = play(Heap(), Told("one", drawn), Told("two", lambda seen, context: None))
    assert record.ended_by == "forfeit"
    assert [seat.score for seat in record.seats] == [1.0, 0.0]
    assert record.turns[-1].reply_class is ReplyClass.EMPTY
    assert replay(record, Heap()) == []


@pytest.mark.parametrize("silent", [(0,), (1,), (2,), (0, 1, 2)])
def test_whoever_is_silent_when_all_decide_at_once_forfeits(silent: tuple[int, ...]) -> None:
    def choose(seen: Observation, context: Context) -> str | None:
        return None if context.seat in silent else "high"

    record = play(Trio(), *(Told(name, choose) for name in "abc"))
    assert record.ended_by == "forfeit"
    assert [seat.result for seat in record.seats] == [0.0 if seat in silent else 0.5 for seat in range(3)]
    assert play(Trio(), *(Told(name, lambda seen, context: "low") for name in "abc")).ended_by == "result"


@pytest.mark.parametrize("silent", [0, 1])
def test_a_lost_decision_that_the_game_outlives_is_no_forfeit(silent: int) -> None:
    def choose(seen: Observation, context: Context) -> str | None:
        return None if context.seat == silent and context.turn == 0 else seen.legal_moves[0]

    game = load_game("pettingzoo:rps_v2(max_cycles=3)")
    record = play(game, Told("one", choose), Told("two", choose))
    assert [turn.move for turn in record.turns if turn.order == 0].count(None) == 1
    assert record.ended_by == "result"


def test_a_game_that_never_ends_is_stopped_as_a_draw() -> None:
    class Endless(HeapState):
        def apply(self, moves: object) -> None:
            self.mover = 1 - self.mover

        def clone(self) -> HeapState:
            return self

    class EndlessHeap(Heap):
        def initial_state(self, seed: int) -> HeapState:
            return Endless(9)

    record = play(EndlessHeap(), Told("one", drawn), Told("two", drawn))
    assert (len(record.turns), record.ended_by) == (MAX_TURNS, "limit")
    assert [seat.score for seat in record.seats] == [0.5, 0.5]
    assert replay(record, EndlessHeap()) == []


def test_paused_real_time() -> None:
    """On the paused clock a seat decides the moment it is free: pushes of 12 ticks, so 20 in a round."""
    record = play(Rope(), Told("one", lambda seen, context: "push"), Told("two", lambda seen, context: "wait"), seed=1)
    first = [turn for turn in record.turns if turn.seat == 0]
    assert [turn.tick for turn in first] == [turn.lands for turn in first] == list(range(0, ROUND, BUSY["push"]))
    assert [seat.score for seat in record.seats] == [1.0, 0.0]
    assert record.ticks == ROUND
    assert {given.fate for given in record.inputs} == {"played"}
    assert replay(record, Rope()) == []


def test_thinking_time_is_overlapped_with_moving() -> None:
    """A seat that needs 6 ticks is asked 6 ticks before its push of 12 ends, so it loses time only once."""
    record = play(
        Rope(),
        Told("one", lambda seen, context: "push"),
        Told("two", lambda seen, context: "wait"),
        clock=Clock("simulated", 100),
        seed=1,
    )
    first = [turn for turn in record.turns if turn.seat == 0]
    assert all(turn.lands == turn.tick + 6 for turn in record.turns)
    assert [turn.lands for turn in first][:4] == [6, 18, 30, 42]


def test_simulated_clock_is_reproducible() -> None:
    def once(latency: float) -> EpisodeRecord:
        players = [Told(name, drawn, lambda context: latency) for name in ("one", "two")]
        return same_but_for_time(play(Rope(), *players, clock=Clock("simulated", 180, 90)))

    first, second = once(0.25), once(0.25)
    assert first == second
    slower = once(0.5)  # what it really took is recorded but costs nothing
    assert [turn.lands for turn in slower.turns] == [turn.lands for turn in first.turns]
    assert slower.final_fingerprint == first.final_fingerprint
    assert replay(first, Rope()) == []


def test_measured_latency_costs_moves_and_replays_exactly() -> None:
    fast = Told("fast", lambda seen, context: "push", lambda context: 0.01)
    slow = Told("slow", lambda seen, context: "push", lambda context: 0.3 + context.turn % 7 / 10)
    record = play(Rope(), fast, slow, clock=Clock("measured"))
    counts = [sum(turn.seat == seat for turn in record.turns) for seat in (0, 1)]
    assert counts[0] > counts[1]
    assert {turn.lands - turn.tick for turn in record.turns if turn.seat == 0} == {1}
    assert [turn.lands - turn.tick for turn in record.turns if turn.seat == 1][:3] == [18, 24, 30]
    assert replay(record, Rope()) == []


def test_measured_latency_is_not_shared() -> None:
    """While latency is real, no two decisions are under way at once."""
    shared = Told("both", drawn)
    play(Rope(), shared, shared, clock=Clock("measured"))
    assert shared.most == 1
    play(Rope(), shared, shared)
    assert shared.most == 2


def test_a_decision_after_the_end_is_kept_and_changes_nothing() -> None:
    late = Told("late", lambda seen, context: "push", lambda context: 10.0)
    record = play(Rope(), late, late, clock=Clock("measured"))
    assert [turn.order for turn in record.turns] == [-1, -1]
    assert record.inputs == ()
    assert replay(record, Rope()) == []


def test_a_players_seed_depends_on_nothing_but_episode_seat_and_turn() -> None:
    seeds: list[tuple[int, int, int]] = []

    def note(seen: Observation, context: Context) -> str:
        seeds.append((context.seat, context.turn, context.seed))
        return drawn(seen, context)

    play(Heap(), Told("one", note), Told("two", note), seed=5)
    assert all(seed == decision_seed(5, seat, turn) for seat, turn, seed in seeds)
    assert len({seed for *_, seed in seeds}) == len(seeds)
    assert [turn for seat, turn, _ in seeds if seat == 0] == list(range(sum(seat == 0 for seat, *_ in seeds)))


def test_a_fault_of_one_seat_ends_the_others_thinking() -> None:
    ended: list[str] = []

    class Thinking(Told):
        async def act(self, observation: Observation, context: Context) -> Decision:
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append("cancelled")
            return await super().act(observation, context)

    async def run() -> None:
        with pytest.raises(Unavailable):
            await play_episode(Match(Rope(), (modelled(Unavailable("down")), Thinking("t", drawn)), 1, PAUSED))
        await asyncio.sleep(0)

    asyncio.run(run())
    assert ended == ["cancelled"]


@pytest.mark.parametrize(
    ("answer", "reply_class", "move", "reply"),
    [
        ("I push.", ReplyClass.MOVE, "push", "I push."),
        ("yank", ReplyClass.ILLEGAL, None, "yank"),
        ("Let me think about it.", ReplyClass.UNPARSABLE, None, "Let me think about it."),
        (" \n", ReplyClass.EMPTY, None, " \n"),
        (("First I consider", "length"), ReplyClass.TRUNCATED, None, "First I consider"),
        (("so: push", "length"), ReplyClass.MOVE, "push", "so: push"),
        ("I'm sorry, I can't help with fighting.", ReplyClass.REFUSED, None, "I'm sorry, I can't help with fighting."),
        (("push", "refusal"), ReplyClass.REFUSED, None, "push"),
        (Refused("blocked by the provider"), ReplyClass.REFUSED, None, "blocked by the provider"),
        (TimedOut("too slow"), ReplyClass.TIMEOUT, None, ""),
        ("half \ud83d a smile, push", ReplyClass.MOVE, "push", "half ? a smile, push"),
    ],
)
def test_every_class_of_reply(answer: object, reply_class: ReplyClass, move: str | None, reply: str) -> None:
    record = play(Rope(), modelled(answer), Told("two", drawn))
    turn = next(turn for turn in record.turns if turn.seat == 0)
    assert (turn.reply_class, turn.move, turn.reply) == (reply_class, move, reply)
    assert turn.messages[0].content == "The rules."
    assert turn.messages[1].content == "Tick 0, the rope is at 0. | even | push, wait"
    if not isinstance(answer, ModelError):
        assert (turn.tokens_in, turn.tokens_out, turn.cost_usd, turn.latency_ms) == (11, 3, 0.001, 250.0)
    assert replay(record, Rope()) == []


def test_a_model_that_hangs_is_a_timeout() -> None:
    class Hanging(TinyChat):
        async def answer(self, request: ChatRequest) -> Completion:
            await asyncio.sleep(3600)
            return Completion("push", Usage(), 3600.0)

    player = replace(modelled(), chat=Hanging(["push"]), time_limit=0.001)
    record = play(Heap(), player, Told("two", drawn))
    assert record.turns[0].reply_class is ReplyClass.TIMEOUT
    assert record.turns[0].latency_ms >= 1.0
    assert (record.ended_by, record.seats[0].score) == ("forfeit", 0.0)


def test_a_model_is_held_to_legal_moves_only_where_wanted() -> None:
    held, free = modelled("push"), modelled("push", constrained=False)
    play(Rope(), held, free)
    assert held.chat.requests[0].choices == ("push", "wait")  # type: ignore[attr-defined]
    assert free.chat.requests[0].choices is None  # type: ignore[attr-defined]
    assert held.chat.requests[0].seed == decision_seed(3, 0, 0)  # type: ignore[attr-defined]


def test_a_providers_fault_is_no_episode() -> None:
    with pytest.raises(Unavailable):
        play(Rope(), modelled("push", Unavailable("down")), Told("two", drawn))


@pytest.mark.parametrize(
    ("returns", "scores"),
    [
        ((1.0, -1.0), (1, 0)),
        ((0.0, 0.0), (0.5, 0.5)),
        ((0.2, 0.5, 0.5), (0, 0.5, 0.5)),
        ((0.5,), (0.75,)),
        ((-1.0,), (0.0,)),
    ],
)
def test_score(returns: tuple[float, ...], scores: tuple[float, ...]) -> None:
    assert tuple(score(returns, seat) for seat in range(len(returns))) == scores


def test_the_id_of_an_episode_says_what_decides_it() -> None:
    one, two = Told("one", drawn), Told("two", drawn)
    base = Match(Heap(), (one, two), 3, PAUSED)
    assert base.id == Match(Heap(), (Told("one", drawn), Told("two", drawn)), 3, PAUSED, night_id="n", pair_id="p").id
    others = [
        replace(base, seed=4),
        replace(base, clock=Clock("measured")),
        replace(base, purpose="gate"),
        replace(base, scope="tonight"),
        replace(base, swapped=True),
        replace(base, game=Rope()),
        replace(base, players=(two, one)),
        replace(base, players=(replace(one, prompt_id="p1"), two)),
        replace(base, players=(replace(one, model="bigger"), two)),
    ]
    assert len({base.id, *(other.id for other in others)}) == len(others) + 1
