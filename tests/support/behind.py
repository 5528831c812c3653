"""A player whose name does not say what is behind it."""

from dataclasses import dataclass

from episodes.game import Observation
from episodes.player import Context, Decision, Player


@dataclass(frozen=True)
class Behind:
    """``player`` under its own name, with an ``identity`` that shapes its answers in name only."""

    player: Player
    identity: str

    @property
    def name(self) -> str:
        return self.player.name

    @property
    def model(self) -> str:
        return self.player.model

    @property
    def prompt_id(self) -> str | None:
        return self.player.prompt_id

    async def act(self, observation: Observation, context: Context) -> Decision:
        return await self.player.act(observation, context)
