"""The league: whom a player is measured against, and the table of everybody against everybody.

House bots, the base prompt, past champions and students. Knows players by their names on the command line only.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from optimize.arena import PairSource, Sample, Series, play_together
from optimize.seeds import Seeds
from optimize.stats.pairs import Counts
from optimize.stats.ratings import Rating, Result, rate

P = TypeVar("P")
PAST_CHAMPIONS = 3


def league_names(
    bots: Sequence[str], model: str, champions: Sequence[str] = (), students: Sequence[str] = ()
) -> list[str]:
    """Names of the members: ``bot:STYLE``, ``MODEL@base``, ``MODEL@PROMPT`` for the last past champions, students.

    ``champions`` are prompt ids, oldest first; the newest ``PAST_CHAMPIONS`` distinct ones stay, newest first.
    """
    past = list(dict.fromkeys(reversed(champions)))[:PAST_CHAMPIONS]
    names = [f"bot:{style}" for style in bots] + [f"{model}@base"]
    names += [f"{model}@{prompt}" for prompt in past] + [f"student:{student}" for student in students]
    return list(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class PayoffTable:
    """Every pair of players met on the same seeds; ``samples[a, b]`` is from a's point of view, with a before b."""

    names: tuple[str, ...]
    samples: Mapping[tuple[str, str], Sample]

    def counts(self, a: str, b: str) -> Counts:
        """The five counts of ``a`` against ``b``; raises ``KeyError`` for players who did not meet."""
        if (a, b) in self.samples:
            return self.samples[a, b].counts
        return self.samples[b, a].counts.mirror

    def matrix(self) -> list[list[float | None]]:
        """Mean pair score of the row's player against the column's, ``None`` where they did not meet."""
        met = self.samples.keys() | {(b, a) for a, b in self.samples}
        return [[self.counts(a, b).mean if (a, b) in met else None for b in self.names] for a in self.names]

    def ratings(self, seed: int = 0) -> list[Rating]:
        """Bradley-Terry ratings, best first; a pair counts as two games and is drawn as a whole by the bootstrap."""
        results = [
            Result(a, b, k / 2, 2.0, pair=(a, b, n))
            for (a, b), sample in self.samples.items()
            for n, k in enumerate(sample.outcomes)
        ]
        return rate(results, seed=seed)


async def play_league(
    source: PairSource[P], name: str, player: P, members: Mapping[str, P], *, root: str | int, pairs: int
) -> PayoffTable:
    """``player`` against every member on the same seeds. A member of the same name is not met."""
    others = [member for member in members if member != name]
    players = {name: player, **{member: members[member] for member in others}}
    return await _play(source, players, [(name, member) for member in others], root, pairs)


async def play_all(source: PairSource[P], players: Mapping[str, P], *, root: str | int, pairs: int) -> PayoffTable:
    """Everybody against everybody on the same seeds."""
    return await _play(source, players, list(itertools.combinations(players, 2)), root, pairs)


async def _play(
    source: PairSource[P], players: Mapping[str, P], meetings: list[tuple[str, str]], root: str | int, pairs: int
) -> PayoffTable:
    seeds = Seeds(root, "league")
    lanes = [Series(source, players[a], players[b], seeds, "league") for a, b in meetings]
    await play_together(lanes, pairs)
    samples = {meeting: lane.sample for meeting, lane in zip(meetings, lanes, strict=True)}
    return PayoffTable(tuple(players), samples)
