"""Tactics matter in duel and no style rules it: payoffs between house bots, repeated moves, rules and chance."""

import itertools
import random
from collections.abc import Callable

import pytest

from episodes.game import Observation
from episodes.games.duel import GAME, observe
from episodes.games.duel.words import MOVES
from episodes.players.bots import BOTS, STYLES, BotPlayer, Habit, load_bot

Choice = Callable[[Observation, int], str]
PAIRS = 60
SENSIBLE = tuple(STYLES)

GOOD_RULES = (
    ("opponent=jumping", "uppercut"),
    ("opponent=recovering distance=near", "heavy"),
    ("distance=touching last=landed", "throw"),
    ("distance=touching", "jab"),
    ("distance=near", "heavy"),
    ("distance=midway", "fireball"),
    ("distance=far", "fireball"),
)
"""Seven rules of the form that guidance has; where none can be followed a rule player moves at random."""


def rule_player(rules: tuple[tuple[str, str], ...]) -> Choice:
    return BotPlayer("rules", tuple(Habit.parse(when, f"{move} 1") for when, move in rules)).choose


def repeating(move: str) -> Choice:
    """One move for ever, guarding where it is not legal."""
    return lambda observation, seed: move if move in observation.legal_moves else "guard"


def result(first: Choice, second: Choice, seed: int) -> float:
    """The score of ``first`` in seat 0."""
    rng = random.Random(f"tactics {seed}")
    state = GAME.initial_state(seed)
    while not state.is_terminal():
        moves = {}
        for seat in state.to_act():
            seen = Observation("", observe.situation(state, seat), state.legal_moves(seat))
            moves[seat] = (first, second)[seat](seen, rng.getrandbits(60))
        state.apply(moves)
        state.advance(1000)
    return (state.returns()[0] + 1) / 2


def pair_score(one: Choice, two: Choice, pairs: int = PAIRS) -> float:
    """Mean score of ``one`` over pairs with the sides swapped on the same seed."""
    games = [(result(one, two, seed), 1 - result(two, one, seed)) for seed in range(pairs)]
    return sum(map(sum, games)) / (2 * pairs)


@pytest.fixture(scope="module")
def payoffs() -> dict[tuple[str, str], float]:
    table = {}
    for one, two in itertools.combinations(BOTS, 2):
        table[one, two] = pair_score(load_bot(one).choose, load_bot(two).choose)
        table[two, one] = 1 - table[one, two]
    return table


def test_no_bot_beats_all_others(payoffs: dict[tuple[str, str], float]) -> None:
    for bot in BOTS:
        assert any(payoffs[other, bot] > 0.52 for other in BOTS if other != bot), f"{bot} beats everybody: {payoffs}"


def test_every_style_beats_chance(payoffs: dict[tuple[str, str], float]) -> None:
    for bot in SENSIBLE:
        assert payoffs[bot, "random"] > 0.6, bot


def test_styles_differ_widely(payoffs: dict[tuple[str, str], float]) -> None:
    assert payoffs["turtle", "zoner"] > 0.6
    assert payoffs["grappler", "turtle"] > 0.6
    assert payoffs["rushdown", "grappler"] > 0.6
    assert payoffs["punisher", "jumper"] > 0.8


@pytest.mark.parametrize("move", MOVES)
def test_no_single_move_beats_a_sensible_bot(move: str) -> None:
    for bot in SENSIBLE:
        assert pair_score(repeating(move), load_bot(bot).choose, 25) <= 0.5, bot


def test_a_few_rules_beat_chance_clearly() -> None:
    assert pair_score(rule_player(GOOD_RULES), load_bot("random").choose) > 0.8
    assert pair_score(rule_player(GOOD_RULES[:4]), load_bot("random").choose) > 0.65


def test_bad_rules_lose_to_chance() -> None:
    bad = (("distance=touching", "fireball"), ("distance=near", "uppercut"), ("distance=midway", "jab"))
    assert pair_score(rule_player(bad), load_bot("random").choose) < 0.4


def test_games_have_a_good_length() -> None:
    decisions, ticks = [], []
    for seed in range(40):
        rng = random.Random(seed)
        state = GAME.initial_state(seed)
        bots = [load_bot(rng.choice(SENSIBLE)).choose for _ in range(2)]
        while not state.is_terminal():
            moves = {
                seat: bots[seat](
                    Observation("", observe.situation(state, seat), state.legal_moves(seat)), rng.getrandbits(60)
                )
                for seat in state.to_act()
            }
            state.apply(moves)
            state.advance(1000)
        decisions += [fighter.decisions for fighter in state.fighters]
        ticks.append(state.tick)
    assert 18 < sum(decisions) / len(decisions) < 45
    assert sum(tick < 1500 for tick in ticks) > 25
