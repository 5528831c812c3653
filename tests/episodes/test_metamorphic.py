"""What must not change when a game is told in other words, or when its players change places.

All games that are shipped and run in this process are played, with moves drawn at random and some decisions lost.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_games import Told

from episodes.clock import Clock
from episodes.game import Game, Move, Observation, State, cloneable, real_time
from episodes.games import known_games, load_game
from episodes.games.duel import Duel
from episodes.games.duel.engine import DuelState
from episodes.play import Match, play_episode
from episodes.player import Context

HERE = [name for name in known_games() if not name.startswith("textarena:")]
"""Without those that are described by a process of their own: to ask for their capabilities would start it."""
GAMES = {name: game for name in HERE if (game := load_game(name)).capabilities.most_at_once is None}
RENAMABLE = [name for name, game in GAMES.items() if game.capabilities.terms is not None and game.moves]
SYMMETRIC = ("openspiel:roshambo", "pettingzoo:rps_v2", "openspiel:goofspiel(num_cards=4,points_order=descending)")
"""Games in which both decide at once and nothing but the seat's number tells one from the other."""
SEEDS = st.integers(0, 10**6)
few = settings(max_examples=6, deadline=None)


def side_by_side(
    plain: Game, other: Game, seed: int, moves: Callable[[Move], Move], seen: Callable[[Observation], Observation]
) -> None:
    """Play both with the same decisions and compare everything; ``moves`` and ``seen`` tell them as ``other`` does."""
    rng = random.Random(seed)
    one, two = plain.initial_state(seed), other.initial_state(seed)
    _compare(plain, one, other, two, seen)
    for _ in range(200):
        if one.is_terminal():
            break
        decisions: dict[int, Move | None] = {}
        for seat in one.to_act():
            legal = one.observe(seat).legal_moves
            decisions[seat] = rng.choice(legal) if rng.random() > 0.02 else None
            assert two.accepts(seat, moves(legal[0]))
            # A move that is never legal elsewhere is refused here as well: legality is told in the other words.
            for move in plain.moves:
                assert two.accepts(seat, moves(move)) == one.accepts(seat, move)
        one.apply(decisions)
        two.apply({seat: None if move is None else moves(move) for seat, move in decisions.items()})
        timed, dressed = real_time(plain, one), real_time(other, two)
        if timed is not None and dressed is not None and not timed.is_terminal():
            ticks = rng.choice((5, 40, 1000))
            assert timed.advance(ticks) == dressed.advance(ticks)
        _compare(plain, one, other, two, seen)
    if (timed := real_time(plain, one)) and (dressed := real_time(other, two)):
        told = [replace(row, move=moves(row.move)) for row in timed.inputs()]
        assert told == list(dressed.inputs())


def _compare(plain: Game, one: State, other: Game, two: State, seen: Callable[[Observation], Observation]) -> None:
    assert (one.to_act(), one.is_terminal(), one.returns()) == (two.to_act(), two.is_terminal(), two.returns())
    for seat in range(plain.seats):
        assert seen(one.observe(seat)) == two.observe(seat)
    if (copied := cloneable(plain, one)) and (dressed := cloneable(other, two)):
        assert copied.fingerprint() == dressed.fingerprint()
        assert copied.clone().observe(0).situation == dressed.belief(0, 3).observe(0).situation


@pytest.mark.parametrize("name", GAMES)
@few
@given(seed=SEEDS)
def test_unlisted_changes_nothing_but_what_is_listed(name: str, seed: int) -> None:
    plain, other = GAMES[name], load_game(f"{name}+unlisted")
    assert (other.moves, other.features, other.rules) == (plain.moves, plain.features, plain.rules)
    assert (other.seats, other.tick_rate, other.capabilities) == (plain.seats, plain.tick_rate, plain.capabilities)
    side_by_side(plain, other, seed, lambda move: move, lambda observation: replace(observation, listed=False))


@pytest.mark.parametrize("name", RENAMABLE)
@few
@given(seed=SEEDS)
def test_renamed_is_the_same_game_under_other_words(name: str, seed: int) -> None:
    plain, other = GAMES[name], load_game(f"{name}+renamed")
    word = dict(zip(plain.moves, other.moves, strict=True))
    assert len(set(word.values())) == len(word)
    assert not set(word) & set(word.values())
    assert other.capabilities == replace(plain.capabilities, terms=None)

    def seen(observation: Observation) -> Observation:
        legal = tuple(word[move] for move in observation.legal_moves)
        return replace(observation, text=other.dress.text_out(observation.text), legal_moves=legal)  # type: ignore[attr-defined]  # how a variant tells it

    side_by_side(plain, other, seed, lambda move: word[move], seen)


@pytest.mark.parametrize("name", RENAMABLE)
def test_what_is_read_under_other_words_is_what_is_read(name: str) -> None:
    plain, other = GAMES[name], load_game(f"{name}+renamed")
    one, two = plain.initial_state(3), other.initial_state(3)
    for old, new in zip(plain.moves, other.moves, strict=True):
        for reply in ("{}", "I thought about it: {}", "{}."):
            read = plain.read_move(reply.format(old), one.observe(0))
            told = other.read_move(reply.format(new), two.observe(0))
            assert told == (None if read is None else dict(zip(plain.moves, other.moves, strict=True))[read])
        assert other.read_move(old, two.observe(0)) is None


# Players and sides swapped.


def by_number(number: int) -> Callable[[Observation, Context], str | None]:
    """A player that draws by its own number and turn, so that it plays alike in either seat; now and then nothing."""

    def choose(observation: Observation, context: Context) -> str | None:
        rng = random.Random(f"{number} {context.turn}")
        return rng.choice(observation.legal_moves) if rng.random() > 0.05 else None

    return choose


def results(game: Game, seed: int, swapped: bool) -> tuple[tuple[float, ...], str, int]:
    """The results of the two players, whoever sat where, how it ended and how long it took."""
    players = [Told("a", by_number(seed)), Told("b", by_number(seed + 1))]
    match = Match(game, tuple(reversed(players) if swapped else players), seed, Clock.parse("simulated:100"))
    record = asyncio.run(play_episode(match))
    found = {seat.player: seat.result for seat in record.seats}
    return (found["a"], found["b"]), record.ended_by, record.ticks


@pytest.mark.parametrize("name", SYMMETRIC)
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_players_who_swap_seats_swap_results(name: str, seed: int) -> None:
    game = load_game(name)
    assert results(game, seed, swapped=True) == results(game, seed, swapped=False)


@dataclass(frozen=True, slots=True)
class Mirrored(Duel):
    """Duel with its sides swapped: each fighter starts with what the other had."""

    def initial_state(self, seed: int) -> DuelState:
        return Duel.initial_state(self, seed).mirrored()


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_players_who_swap_seats_and_fighters_swap_results(seed: int) -> None:
    assert results(Mirrored(), seed, swapped=True) == results(Duel(), seed, swapped=False)
