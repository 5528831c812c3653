"""The human whose draft it was, as a player: plays a draft again as it went, so that it becomes an episode."""

from dataclasses import dataclass

from episodes.game import Observation
from episodes.games.draft.follow import FollowState
from episodes.player import Context, Decision
from models.errors import BadInput

NAME = "human:17lands"


@dataclass(frozen=True, slots=True)
class RecordedDrafter:
    """Takes what the human took. One of two cards taken together comes before the other as the file names them."""

    name: str = NAME
    model: str = NAME
    prompt_id: str | None = None

    async def act(self, observation: Observation, context: Context) -> Decision:
        if not isinstance(context.state, FollowState):
            raise BadInput(f"{self.name} plays recorded drafts only, not {context.game.name}")
        card = context.state.wanted[0]
        return Decision(card, card, 0.0)
