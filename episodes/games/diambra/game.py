"""DIAMBRA's arcade games in the words of the contract: real time, two seats, plans of moves. Knows no processes."""

from dataclasses import dataclass

from episodes.game import Capabilities, Move, Observation
from episodes.games.diambra import observe
from episodes.games.diambra.engines import addresses
from episodes.games.diambra.moves import ARCADES, SPECIALS
from episodes.games.diambra.plans import MAX_STEPS
from episodes.games.diambra.setup import Setup
from episodes.games.diambra.state import DiambraState
from models.grammar import Grammar


@dataclass(frozen=True, slots=True)
class DiambraGame(Setup):
    """One arcade game."""

    seats = 2
    tick_rate = 60
    features = observe.FEATURES

    @property
    def capabilities(self) -> Capabilities:
        """Plans, and as many episodes at once as there are engines."""
        return Capabilities(plans=True, grammar=True, most_at_once=max(len(addresses()), 1))

    @property
    def rules(self) -> str:
        arcade = ARCADES[self.game_id]
        special = [move for move in self.moves if move in SPECIALS]
        win = "1 round won wins" if arcade.rounds == 1 else f"{arcade.rounds} rounds won win"
        lines = [
            f"{arcade.title}: an arcade fighting game. Bring the opponent's health to 0, or have more health when the "
            f"timer ends, and you win a round; {win} the game. Both fighters are the same character. Time runs while "
            "you think: until your decision arrives your fighter finishes its plan and then crouches and guards.",
            f"Moves: {', '.join(self.moves)}.",
        ]
        if special:
            lines.append(
                f"Special moves ({', '.join(special)}) do more and leave you open longer when they miss; super needs a "
                "full super bar."
            )
        lines.append(
            f'Answer with one move, or with a plan of up to {MAX_STEPS} moves separated by ";", e.g. '
            f'"{self.moves[6]}; {self.moves[7]}; guard". Forward is towards the opponent, whichever side you are on.'
        )
        return "\n".join(lines)

    def initial_state(self, seed: int) -> DiambraState:
        """A fight on a free engine; raises ``BadInput`` if there is no engine or no client."""
        return DiambraState(self, seed)

    def phrase(self, feature: str, value: str) -> str:
        return observe.phrase(feature, value)

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        """The plan that the reply begins with, or else the last one named; a single move is a plan."""
        return self.plans.read(reply)

    def first_move(self, text: str) -> Move | None:
        return self.plans.first(text)

    def rest_of(self, plan: Move) -> Move | None:
        return plan.partition(";")[2].strip() or None

    def plan_grammar(self, observation: Observation) -> Grammar:
        return self.plans.grammar(observation.legal_moves)
