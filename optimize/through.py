"""Comparing two players through opponents: they never meet, each plays the same opponent from the same start.

What a pair of the two against each other cannot show: always paper is even with a random player, and takes every
game from one that always throws rock. Here a pair is A against an opponent and then B against it, on one seed and in
the same seat, with k = 2 + 2 (score of A - score of B). Under "A is no better than B against these opponents" the mean
of k/4 is at most one half, so the race, the gate and the confirmation hold as they stand.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from episodes.game import Game
from episodes.pairs import PairResult, play_matches, scope_with, void_pair
from episodes.play import Match, play_episode
from episodes.player import Player
from episodes.record import Purpose
from models.errors import BadInput, Void
from optimize.arena import Arena
from optimize.seeds import derive

KIND = "through"


class Named(Protocol):
    """A player, or a side of a stored comparison."""

    @property
    def name(self) -> str: ...

    @property
    def prompt_id(self) -> str | None: ...


def through_points(a: float, b: float) -> int:
    """k in 0..4 from the scores (0, 1/2 or 1) of A and of B against the same opponent."""
    return round(2 + 2 * (a - b))


@dataclass(frozen=True, slots=True)
class Through:
    """Plays pairs through ``opponents`` in the game and on the clock of ``arena``, and keeps every episode.

    The seed of a pair draws its opponent and its seat, evenly: so every pair has the same chance of each, whatever
    came before, and evidence adds up under the mean over all opponents. Raises ``BadInput`` where that makes no sense.
    """

    arena: Arena
    opponents: tuple[Player, ...]

    def __post_init__(self) -> None:
        check_opponents(self.arena.game, [player.name for player in self.opponents])

    def facing(self, seed: int) -> tuple[Player, int]:
        """The opponent of the pair on ``seed``, and the seat in which A and B meet it."""
        drawn = derive(KIND, seed) % (2 * len(self.opponents))
        return self.opponents[drawn // 2], drawn % 2

    async def play(self, a: Player, b: Player, seeds: Sequence[int], purpose: Purpose) -> list[PairResult]:
        """As ``PairSource.play``; a result has A's episode first. Raises ``BadInput`` where a side is an opponent."""
        for side in (a, b):
            if any((side.name, side.prompt_id) == (other.name, other.prompt_id) for other in self.opponents):
                raise BadInput(f"{side.name} cannot be one of the opponents through which it is compared: name others")
        pairs = [self._matches(a, b, seed, purpose) for seed in seeds]
        outcomes: dict[str, tuple[float, ...] | Void] = {}
        setting = self.arena.setting(purpose)
        async with self.arena.turn():
            await play_matches(
                (match for pair in pairs for match in pair),
                setting.sink,
                concurrency=setting.width,
                on_result=lambda match, outcome: outcomes.update({match.id: outcome}),
                run=play_episode if setting.runner is None else setting.runner.play,
            )
        results = [self._pair(pair, outcomes) for pair in pairs]
        for result in results:
            self.arena.on_pair(result)
        return results

    def _matches(self, a: Player, b: Player, seed: int, purpose: Purpose) -> tuple[Match, Match]:
        """A's match and B's; see ``episodes.pairs.pair_matches`` for pairs that were stored before."""
        scope, predates = self.arena.scope, self.arena.predates
        pair = self._matches_in(scope, a, b, seed, purpose)
        wanted = scope if predates is None else scope_with(scope, a, b, self.facing(seed)[0])
        if predates is None or wanted == scope or any(predates(match.id) for match in pair):
            return pair
        return self._matches_in(wanted, a, b, seed, purpose)

    def _matches_in(self, scope: str, a: Player, b: Player, seed: int, purpose: Purpose) -> tuple[Match, Match]:
        arena, (opponent, seat) = self.arena, self.facing(seed)
        sides = [f"{player.name} {player.model} {player.prompt_id}" for player in (a, b, opponent)]
        parts = [KIND, scope, arena.game.name, purpose, str(arena.clock), str(seed), str(seat), *sides]
        pair_id = hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()
        first = Match(
            game=arena.game,
            players=(opponent, a) if seat else (a, opponent),
            seed=seed,
            clock=arena.clock,
            purpose=purpose,
            # B plays the same game in the pairs of other candidates: each pair keeps its own.
            scope=f"{scope} {pair_id}",
            pair_id=pair_id,
            night_id=arena.night_id,
        )
        return first, replace(first, players=(opponent, b) if seat else (b, opponent), swapped=True)

    def _pair(self, pair: tuple[Match, Match], outcomes: Mapping[str, tuple[float, ...] | Void]) -> PairResult:
        match, other = pair
        assert match.pair_id is not None
        first, second, ids = outcomes[match.id], outcomes[other.id], (match.id, other.id)
        if isinstance(first, Void) or isinstance(second, Void):
            return void_pair(match, ids, (first, second))
        seat = self.facing(match.seed)[1]
        return PairResult(match.seed, match.pair_id, ids, through_points(first[seat], second[seat]))


def check_opponents(game: Game, names: Sequence[str]) -> None:
    """Raise ``BadInput`` where a comparison through these opponents is none."""
    if not names:
        raise BadInput("a comparison through opponents needs one: name it with --against or in `[night] opponents`")
    if game.seats != 2:
        raise BadInput(f"{game.name} has {game.seats} seat{'s' * (game.seats != 1)}: opponents are for games of two")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"the opponent {twice[0]} is named twice: each counts alike, so name it once")


def described(opponents: Sequence[Named]) -> str:
    """What a comparison through ``opponents`` keeps of them, as JSON."""
    return json.dumps({"pairs": KIND, "opponents": [[one.name, one.prompt_id] for one in opponents]})


def opponents_of(config: str | None) -> tuple[tuple[str, str | None], ...]:
    """The inverse of ``described``: names and prompt ids; empty for a comparison of two who met."""
    found = json.loads(config) if config else {}
    return tuple((name, prompt_id) for name, prompt_id in found.get("opponents", ()))
