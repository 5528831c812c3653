"""What a model that plays is held to: as much as it can be, unless somebody says otherwise, and its matches say so."""

import asyncio
import json
from dataclasses import dataclass

import pytest
from fake_chat import FakeChat
from small_games import Rope

from episodes.game import Game
from episodes.games import load_game
from episodes.games.duel import GAME as DUEL
from episodes.play import decision_seed
from episodes.player import Context, Decision
from episodes.players.model import Held, ModelPlayer
from models.chat import ChatRequest, Completion, Holds, Usage
from models.grammar import Walker
from models.limits import Limited
from models.replicas import Replicas
from models.wrapping import Lent
from prompts.base import Base
from prompts.prompt import Prompt, player

PICKING = Base("duel", "brief", "Fight.", "{situation}", constrained=True, remarks=False)
READING = Base("duel", "full", "Fight.", "{text}", constrained=False, remarks=True)


class Holding(FakeChat):
    """A model that can be held to what ``holds`` says."""

    def __init__(self, holds: Holds) -> None:
        super().__init__()
        self.holds: Holds = holds

    async def answer(self, request: ChatRequest) -> Completion:
        return Completion("guard", Usage(), 0.0)


def decided(one: ModelPlayer, game: Game) -> tuple[Decision, ChatRequest]:
    state = game.initial_state(1)
    decision = asyncio.run(one.act(state.observe(0), Context(game, 0, decision_seed(1, 0, 0), 0, state)))
    return decision, one.chat.requests[-1]  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Case:
    holds: Holds
    base: Base
    free: bool
    held: Held
    """What it is held to."""
    sent: Held
    """What it is asked for; a prompt that asks for one move says so to any model."""
    identity: str | None
    """What identifies the match beside the prompt: only what the prompt does not say."""


CASES = [
    Case("grammar", READING, False, "plans", "plans", "plans"),
    Case("choices", READING, False, "moves", "moves", "moves"),
    Case("nothing", READING, False, "free", "free", None),
    Case("grammar", READING, True, "free", "free", None),
    Case("grammar", PICKING, False, "moves", "moves", None),
    Case("choices", PICKING, False, "moves", "moves", None),
    Case("nothing", PICKING, False, "free", "moves", None),
    Case("choices", PICKING, True, "free", "free", "free"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_a_model_is_held_to_in_a_game_of_plans(case: Case) -> None:
    one = player(Holding(case.holds), Prompt(case.base), DUEL, "m@base", free=case.free)
    _, request = decided(one, DUEL)
    assert one.held_in(DUEL) == case.held
    assert (request.choices is not None, request.grammar is not None) == (case.sent == "moves", case.sent == "plans")
    assert json.loads(one.identity).get("held") == case.identity


def test_in_other_games_it_is_held_to_moves() -> None:
    base = Base("rope", "full", "Play.", "{text}", constrained=False, remarks=True)
    one = player(Holding("grammar"), Prompt(base), Rope(), "m@base")
    assert one.held_in(Rope()) == "moves"
    assert decided(one, Rope())[1].choices == ("push", "wait")


def test_where_moves_are_not_shown_nobody_is_held_to_them() -> None:
    game = load_game("duel+unlisted")
    base = Base(game.name, "full", "Fight.", "{text}", constrained=False, remarks=True)
    one = player(Holding("grammar"), Prompt(base), game, "m@base")
    assert one.held_in(game) == "free"
    assert "held" not in json.loads(one.identity)
    _, request = decided(one, game)
    assert (request.choices, request.grammar) == (None, None)


def test_the_grammar_is_that_of_the_moment() -> None:
    """Without a full meter a plan cannot begin with super; on a condition it can."""
    one = player(Holding("grammar"), Prompt(READING), DUEL, "m@base")
    decision, request = decided(one, DUEL)
    assert decision.move == "guard"
    assert request.grammar is not None
    walker = Walker(request.grammar)
    assert walker.knows("jab; super if full")
    assert not walker.knows("super")
    assert walker.knows("super if full; guard")


def test_a_wrapped_model_holds_what_it_is_made_of() -> None:
    inner = Holding("choices")
    assert Lent(inner).holds == "choices"
    assert Lent(FakeChat()).holds == "nothing"
    assert Replicas([inner, inner], "two").holds == "choices"
    assert Limited.holds.fget is Lent.holds.fget  # type: ignore[attr-defined]
