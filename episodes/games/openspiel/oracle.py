"""The oracle of a small game of OpenSpiel: ``Exhaustion`` where nothing is hidden, otherwise ``Equilibrium``."""

from functools import lru_cache
from typing import Any

from episodes.game import Move
from episodes.games.openspiel.equilibrium import Equilibrium, equilibrium
from episodes.games.openspiel.exhaustion import Exhaustion, exhausted
from episodes.games.openspiel.game import OpenSpielGame, OpenSpielState
from episodes.games.openspiel.plain import hides
from episodes.games.openspiel.rounds import RoundsTelling
from models.errors import BadInput

Oracle = Exhaustion | Equilibrium


@lru_cache(maxsize=8)
def solved(game: OpenSpielGame) -> Oracle:
    """The oracle of ``game``; raises ``BadInput`` where it is too large, or of a kind that has no exact play here."""
    import pyspiel

    rules = _rules(game)
    hidden = hides(rules)
    zero_sum = rules.get_type().utility == pyspiel.GameType.Utility.ZERO_SUM
    if not (game.seats == 2 and zero_sum) and (hidden or game.together or game.seats > 1):
        raise BadInput(f"there is no exact play of {game.name} here: it takes two seats and a zero sum, or one seat")
    if not hidden:
        return exhausted(game, rules)
    rules = pyspiel.convert_to_turn_based(rules) if game.together else rules
    if not rules.get_type().provides_information_state_string:
        raise BadInput(f"there is no exact play of {game.name} here: OpenSpiel has no information states of it")
    return equilibrium(game, rules)


def _rules(game: OpenSpielGame) -> Any:
    """What is to be solved: one round, where rounds are alike and only their points add up."""
    import pyspiel

    if not isinstance(game.telling, RoundsTelling):
        return game.spiel
    stage = game.spiel.get_parameters()["stage_game"]
    return pyspiel.load_game(stage["name"], {key: value for key, value in stage.items() if key != "name"})


def best_moves(state: OpenSpielState, seat: int) -> dict[Move, float]:
    """How likely exact play chooses each move of ``seat``, which is to act."""
    return solved(state.game).best(state, seat)
