"""Practice: a sketch of the student plays, and its turns are replayed with every other move.

A teacher's games show what is good where the teacher comes to; a student that decides a little differently comes to
other positions and goes on from them in another way. So a sketch plays the same opponents, and what each legal move
was worth is measured by really playing on from there, the sketch against the same opponent (a step of policy iteration
by rollouts: Lagoudakis and Parr 2003; on the positions that the learner itself reaches: Ross, Gordon and Bagnell 2011).
Each round's sketch knows all rounds before. Needs a game whose states can be copied.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from distill.judged import Judged, read_practised, student_base
from distill.pooled import pool
from distill.sketch import Sketch
from distill.teach import Lessons, OpenPlayer, close_player
from episodes.guest_player import GuestPlayer
from episodes.pairs import play_pairs
from episodes.player import Player
from episodes.players.model import ModelPlayer
from episodes.record import EpisodeRecord, SeatRecord
from episodes.store.store import Store
from models.remembered import Remembered
from optimize.seeds import Seeds, derive
from reflect.whatif import Plan, try_what_if
from reflect.whatif_rows import load_what_ifs, save_what_ifs

EXPLORE = 0.1
"""Share of a sketch's decisions in which any legal move is played: one that never errs visits too few positions."""
PLAN = Plan(continuations=1, seconds=4.0)
AT_ONCE = 64
"""Turns replayed between two writes to the store."""


@dataclass(frozen=True, slots=True)
class Practice:
    """``rounds`` of: a pair of games on each of ``pairs`` seeds against every opponent, and ``turns`` replayed."""

    rounds: int = 4
    pairs: int = 4
    turns: int = 1000


async def practise(
    store: Store,
    lessons: Lessons,
    taught: Sequence[Judged],
    practice: Practice,
    open_player: OpenPlayer,
    *,
    on_turns: Callable[[int, int], None] = lambda done, turns: None,
) -> list[str]:
    """Practise against the opponents of ``lessons``, beginning with what ``taught`` says; returns the episodes' ids.

    Nothing where no turn of ``taught`` has values to begin with, or the game's states cannot be copied. What was played
    or replayed already is found in the store. ``on_turns`` gets how many turns of all rounds are replayed.
    """
    judged = [turn for turn in taught if turn.source == "values"]
    if not judged or not lessons.game.capabilities.clone:
        return []
    opponents = [rehearsed(open_player(name)) for name in lessons.opponents]
    base, episodes = student_base(lessons.game), list[str]()
    try:
        for number in range(practice.rounds):
            ring = _Ring(store, lessons, Sketch.of(pool(lessons.game, judged), base), opponents, practice, number)
            played = await ring.play()
            await ring.replay(ring.choose(played), on_turns)
            ids = [episode for against in played for episode in against]
            judged += read_practised(store, lessons.game, ids, base)
            episodes += ids
    finally:
        for player in opponents:
            await close_player(player)
    return episodes


def rehearsed(player: Player) -> Player:
    """The player for practice: of a chat model's answers to each question a few are kept, a guest's too."""
    if isinstance(player, GuestPlayer):
        return replace(player, player=rehearsed(player.player))
    return replace(player, chat=Remembered(player.chat)) if isinstance(player, ModelPlayer) else player


@dataclass(frozen=True, slots=True)
class _Ring:
    """One round of practice."""

    store: Store
    lessons: Lessons
    sketch: Sketch
    opponents: Sequence[Player]
    practice: Practice
    number: int

    async def play(self) -> list[list[str]]:
        """The sketch's games against each opponent: lists of episode ids."""
        lessons = self.lessons
        setting = lessons.setting(self.store)
        seeds = Seeds(f"{lessons.scope} {self.number}", "practice").take(0, self.practice.pairs)
        curious = replace(self.sketch, explore=EXPLORE)
        found = []
        for opponent in self.opponents:
            pairs = await play_pairs(setting, curious, opponent, seeds)
            found.append([episode for pair in pairs if pair.k is not None for episode in pair.episodes])
        return found

    def choose(self, played: Sequence[Sequence[str]]) -> list[tuple[EpisodeRecord, int]]:
        """The turns to replay: evenly from the opponents and at random from the sketch's games with each."""
        count, chosen = self.practice.turns, []
        for place, episodes in enumerate(played):
            turns = [
                (record, turn.n)
                for record in map(self.store.episode, episodes)
                for turn in record.turns
                if record.seats[turn.seat].player == self.sketch.name and turn.move is not None and turn.order >= 0
            ]
            draw = np.random.default_rng(derive("practice", self.lessons.scope, self.number, place))
            share = count * (place + 1) // len(played) - count * place // len(played)
            chosen += [turns[one] for one in sorted(draw.permutation(len(turns))[:share])]
        return chosen

    async def replay(self, chosen: Sequence[tuple[EpisodeRecord, int]], on_turns: Callable[[int, int], None]) -> None:
        """What-ifs of the chosen turns, those that the store does not have yet."""
        game, players = self.lessons.game, {player.name: player for player in (self.sketch, *self.opponents)}

        def player_of(seat: SeatRecord) -> Player:
            return players[seat.player]

        known = load_what_ifs(self.store, game, sorted({record.id for record, _ in chosen}))
        there = {(one.episode, one.turn) for one in known}
        missing = [(record, n) for record, n in chosen if (record.id, n) not in there]

        def tell(left: int) -> None:
            on_turns((self.number + 1) * self.practice.turns - left, self.practice.rounds * self.practice.turns)

        tell(len(missing))
        for start in range(0, len(missing), AT_ONCE):
            found = [
                await try_what_if(self.store, record, game, n, player_of, plan=PLAN)
                for record, n in missing[start:][:AT_ONCE]
            ]
            save_what_ifs(self.store, game, [one for one in found if one is not None], self.lessons.night_id)
            tell(max(0, len(missing) - start - AT_ONCE))
