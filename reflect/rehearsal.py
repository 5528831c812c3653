"""Rehearsal: candidate lists of rules played out by a stand-in against stored opponents, in a game that can clone.

It serves to propose: lists that look good one move at a time often are not when followed for a whole game. Its scores
are never shown as results; the race and the gate play the real player. Knows nothing about stores or models.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from episodes.clock import Clock
from episodes.game import Capabilities, Game, Observation
from episodes.play import Match, play_episode
from episodes.player import Context, Decision, Player
from episodes.record import EpisodeRecord, SeatRecord
from models.errors import GameFault
from models.ids import seed63
from prompts.rule import Rule
from reflect.advantage import Samples
from reflect.standin import Habits, StandIn
from reflect.whatif import Plan, WhatIf, what_if

Rules = tuple[Rule, ...]
ME, RIVAL = "rehearsed", "current"
HOPELESS = 0.2
"""How far below the best list's mean pair score a list may fall before it is given up."""

Played = tuple[EpisodeRecord, int]
"""A game and the seat of the list that was rehearsed."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is rehearsed.

    ``rounds`` of improvement, each with what-ifs on ``turns`` turns; each list plays ``pairs`` pairs against every
    opponent.
    """

    rounds: int = 3
    turns: int = 400
    pairs: int = 2

    @property
    def final(self) -> int:
        """Pairs against every opponent that order what is proposed."""
        return 3 * self.pairs


DEFAULT_EFFORT = Effort()


@dataclass(frozen=True, slots=True)
class _Unprinted:
    """A game whose episodes are played without fingerprints, which take a third of the time and serve replays only."""

    game: Game

    @property
    def capabilities(self) -> Capabilities:
        return replace(self.game.capabilities, clone=False)

    def __getattr__(self, name: str) -> object:
        return getattr(self.game, name)


@dataclass(frozen=True, slots=True)
class _Guest:
    """An opponent that is shown the game itself: some look at what it is."""

    player: Player
    game: Game

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
        return await self.player.act(observation, replace(context, game=self.game))


@dataclass
class Stage:
    """Where lists are rehearsed. ``me`` is the stand-in with the current rules; ``opponents`` are the stored ones.

    ``rivalry``: whether lists also play against the current rules, as often as against all opponents together.
    """

    game: Game
    clock: Clock
    me: StandIn
    opponents: Sequence[Player]
    seed: int
    rivalry: bool = True
    results: dict[Rules, list[tuple[bool, float]]] = field(default_factory=dict)
    """The pairs that a list has played: whether against the current rules, and the score."""
    games: dict[Rules, list[Played]] = field(default_factory=dict)

    async def play(self, rules: Rules, first: int, pairs: int) -> None:
        """Play ``rules`` on the pair seeds ``first`` to ``first + pairs`` of each opponent; all lists meet the same.

        A list that falls far behind the best is not played to the end.
        """
        for pair in range(first, first + pairs):
            await self._play_all(rules, pair)
            if self.score(rules) < max(self.score(other) for other in self.results) - HOPELESS:
                return

    async def _play_all(self, rules: Rules, pair: int) -> None:
        mine = self.me.with_rules(ME, rules)
        rivals: list[Player] = [self.me.with_rules(RIVAL, self.me.rules)] * max(len(self.opponents), 1)
        if self.opponents and not self.rivalry:
            rivals = []
        game, games = cast(Game, _Unprinted(self.game)), self.games.setdefault(rules, [])
        for number, opponent in enumerate([*rivals, *(_Guest(one, self.game) for one in self.opponents)]):
            seed, score = derived(self.seed, f"pair {number} {pair}"), 0.0
            for seat in (0, 1):
                players = (opponent, mine) if seat else (mine, opponent)
                try:
                    record = await play_episode(Match(game, players, seed, self.clock, swapped=bool(seat)))
                except GameFault:  # says nothing about who plays; games that count will tell of it
                    score += 0.25
                    continue
                games.append((record, seat))
                score += record.seats[seat].score / 2
            self.results.setdefault(rules, []).append((number < len(rivals), score))

    async def rehearse(self, lists: Iterable[Rules], pairs: int) -> None:
        """Play the current rules and every list that has not been played yet, ``pairs`` pairs of each at most."""
        for rules in (self.me.rules, *lists):
            if rules not in self.results:
                await self.play(rules, 0, pairs)

    def score(self, rules: Rules) -> float:
        """Mean pair score so far, with ``rivalry`` half against the current rules and half against the opponents."""
        return float(np.mean([score for _, score in self.results[rules]]))

    def score_of_others(self, rules: Rules) -> float:
        """Mean pair score against all opponents but the current rules; 1/2 where there are none."""
        return float(np.mean([score for rival, score in self.results[rules] if not rival] or [0.5]))

    def ranked(self) -> list[Rules]:
        """All lists played so far, the best first."""
        return sorted(self.results, key=self.score, reverse=True)

    async def what_ifs(self, rules: Rules, count: int, seed: int) -> list[WhatIf]:
        """What-ifs on turns drawn evenly from the games that ``rules`` played, its stand-in playing on."""
        turns = [
            (record, turn.n)
            for record, seat in self.games[rules]
            for turn in record.turns
            if turn.seat == seat and turn.move is not None and turn.order >= 0
        ]
        picks = np.random.default_rng(seed).permutation(len(turns))[:count]
        players = {opponent.name: opponent for opponent in self.opponents}
        players |= {ME: self.me.with_rules(ME, rules), RIVAL: self.me.with_rules(RIVAL, self.me.rules)}

        def player_of(seat: SeatRecord) -> Player:
            return players[seat.player]

        found = []
        for record, n in (turns[pick] for pick in picks):
            with suppress(GameFault):
                one = await what_if(record, self.game, n, player_of, plan=Plan(continuations=1))
                if one is not None:
                    found.append(one)
        return found


def derived(seed: int, name: str) -> int:
    """A seed of 63 bits for a named use."""
    return seed63(f"{seed} {name}")


def samples_of(game: Game, what_ifs: Sequence[WhatIf], habits: Habits, weight: float = 1.0) -> Samples:
    """Advantages of every legal move against the mean of what a player of ``habits`` does without rules.

    Any baseline of the situation ranks moves the same; this one, a mean over many continuations, adds little noise.
    """
    features, index = list(game.features), {move: k for k, move in enumerate(game.moves)}
    values = np.zeros((len(what_ifs), len(features)), dtype=np.int64)
    advantages = np.full((len(what_ifs), len(game.moves)), np.nan)
    for row, found in enumerate(what_ifs):
        values[row] = [game.features[f].index(found.situation[f]) for f in features]
        differences = {found.move_played: 0.0, **{m: e.difference for m, e in found.alternatives.items()}}
        total = sum(habits.weight(move) for move in differences)
        usual = sum(habits.weight(move) * difference for move, difference in differences.items()) / total
        for move, difference in differences.items():
            advantages[row, index[move]] = difference - usual
    return Samples(values, advantages, weight * np.array([found.weight for found in what_ifs]))
