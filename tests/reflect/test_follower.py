"""The follower: a player that does what its prompt's rules say, in any game."""

import asyncio
from collections import Counter

from episodes.game import Observation
from episodes.games import load_game
from episodes.games.duel import GAME as DUEL
from episodes.player import Context
from prompts.base import default_base
from prompts.prompt import GuidanceItem, compose
from prompts.rule import Rule
from reflect.standin import FOLLOWER, Habits, StandIn, follower

RPS = load_game("openspiel:roshambo(rounds=5)")
LEGAL = ("rock", "paper", "scissors")
FIRST = {**{feature: values[0] for feature, values in RPS.features.items()}, "theirs": "rock"}


def player(*items: GuidanceItem) -> StandIn:
    return follower(compose(RPS, default_base(RPS, FOLLOWER), items), "follower@test")


def rule(move: str, **situation: str) -> GuidanceItem:
    return GuidanceItem(Rule.of(RPS, situation, move))


def moves(one: StandIn, legal: tuple[str, ...] = LEGAL, count: int = 300, **situation: str) -> Counter[str | None]:
    seen = Observation("", {**FIRST, **situation}, legal)
    context = [Context(RPS, 0, seed, 0, RPS.initial_state(1)) for seed in range(count)]
    return Counter(asyncio.run(one.act(seen, at)).move for at in context)


def test_the_first_rule_that_fits_decides() -> None:
    one = player(rule("paper", theirs="rock"), rule("rock", theirs="scissors"), rule("scissors"))
    assert moves(one) == {"paper": 300}
    assert moves(one, theirs="scissors") == {"rock": 300}
    assert moves(one, theirs="paper") == {"scissors": 300}


def test_without_a_rule_that_fits_it_draws_evenly_from_the_seed() -> None:
    one = player(rule("paper", theirs="scissors"), GuidanceItem(None, "always throw scissors"))
    drawn = moves(one)
    assert set(drawn) == set(LEGAL)
    assert all(abs(count - 100) < 33 for count in drawn.values())  # four standard deviations
    assert moves(one) == drawn


def test_a_rule_whose_move_is_not_legal_is_no_help() -> None:
    assert set(moves(player(rule("paper")), legal=("rock", "scissors"))) == {"rock", "scissors"}


def test_it_says_what_it_is() -> None:
    one = player(rule("paper"))
    assert (one.model, one.name) == ("follower", "follower@test")
    assert one.prompt_id == compose(RPS, default_base(RPS, FOLLOWER), [rule("paper")]).id
    assert StandIn("other", (), Habits({})).model == "stand-in"


def test_a_move_without_a_weight_has_weight_one() -> None:
    assert Habits({"jab": 3.0}).weights(DUEL).sum() == 3 + len(DUEL.moves) - 1
