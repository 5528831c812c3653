"""The players of a colosseum, opened under their names and settings.

A player whose provider fails again and again is left out for the rest of the run: its games are void, nobody waits for
them, and the same command plays them when the provider is back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cornerman.colosseum.roster import Entry, section
from cornerman.config import PlayerSection
from cornerman.night.recognition import UNSHAPING
from cornerman.night.steps import digest
from cornerman.players import Players
from cornerman.workplace import Workplace
from episodes.game import Observation
from episodes.player import Context, Decision, Player, identity_of
from episodes.players.model import ModelPlayer
from models.errors import BudgetExhausted, ModelError, Unavailable
from optimize.arena import MAX_FAULTS

FORMERLY_UNSHAPING = frozenset({"api_key_env"})
"""Settings that changed nothing in the games of the first colosseums."""


@dataclass(slots=True)
class Entrant:
    """A player under its name in the colosseum.

    ``settings`` is a hash of what it is and of how it is asked, ``former_settings`` that of the first colosseums, in
    which limits, prices and time limits counted.
    """

    name: str
    player: Player
    settings: str
    former_settings: str
    faults: int = 0
    """Decisions in a row that a provider did not give."""
    last_fault: str = ""
    latencies: list[float] = field(default_factory=list)
    """Seconds of the decisions of this run."""

    @property
    def model(self) -> str:
        return self.player.model

    @property
    def prompt_id(self) -> str | None:
        return self.player.prompt_id

    @property
    def identity(self) -> str:
        return identity_of(self.player)

    async def act(self, observation: Observation, context: Context) -> Decision:
        """The player's own decision; ``Unavailable`` without asking it once it is left out."""
        if self.faults >= MAX_FAULTS:
            raise Unavailable(f"{self.name} is left out after {self.faults} faults, the last: {self.last_fault}")
        try:
            decision = await self.player.act(observation, context)
        except BudgetExhausted:
            raise
        except ModelError as fault:
            self.faults += 1
            self.last_fault = str(fault)
            raise
        self.faults = 0
        self.latencies.append(decision.latency)
        return decision


class Entrants:
    """Opens the players of a roster; models that are opened alike are opened once. ``close`` when done."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._opened: dict[str, Players] = {}

    def open(self, entries: Sequence[Entry]) -> list[Entrant]:
        """Raises ``BadInput`` for a player that cannot be opened."""
        return [
            Entrant(entry.name, self._player(entry), self._settings(entry), self._settings(entry, FORMERLY_UNSHAPING))
            for entry in entries
        ]

    def _player(self, entry: Entry) -> Player:
        place = self._place
        if not entry.options:
            return place.players.open(entry.player, place.game)
        chosen = section(entry, place.config)
        shared = chosen.model_dump(exclude={"temperature", "max_tokens"})
        key = digest(shared)
        if key not in self._opened:
            config = place.config.model_copy(update={"player": PlayerSection.model_validate(chosen.model_dump())})
            self._opened[key] = Players(config, place.store, place.players.ledger, free=place.players.free)
        player = self._opened[key].open(entry.player, place.game)
        if isinstance(player, ModelPlayer):
            return replace(player, temperature=chosen.temperature, max_tokens=chosen.max_tokens)
        return player

    def _settings(self, entry: Entry, unshaping: frozenset[str] = UNSHAPING) -> str:
        options: dict[str, Any] = {}
        if entry.model is not None:
            # A default that is written out is no change.
            chosen = section(entry, self._place.config)
            options = chosen.model_dump(mode="json", exclude_defaults=True, exclude=set(unshaping))
        return digest([entry.player, options])

    async def close(self) -> None:
        """Close what was opened beside the workplace's own players."""
        for players in self._opened.values():
            await players.close()
