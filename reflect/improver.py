"""Improving a list of rules round by round: learn advantages, search lists, rehearse them, learn from the rehearsals.

Policy iteration by rollouts, kept honest by choosing among lists on whole rehearsed games: a list that looks good move
by move may be poor when followed throughout. Knows nothing about stores or prompts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from episodes.game import Game
from prompts.rule import Rule
from reflect.advantage import AdvantageModel, Floats, Ints, Samples, Subsets, fit, smooth
from reflect.decisionlist import Bools, Entry, Problem, problem, search
from reflect.evidence import Turns, turns_of
from reflect.rehearsal import Effort, Rules, Stage, derived, samples_of
from reflect.standin import Habits, matched

PRICE = 0.001
"""Return a turn that a rule must add to be worth its place."""
FADE = 0.3
"""What a round's what-ifs still count in the next: they were made under other rules."""

DRAWN = 4
"""Lists a round that come from draws of the model."""


@dataclass(frozen=True)
class Insight:
    """A model of advantages and the situations it is to be used in: U distinct ones with how often each occurred."""

    model: AdvantageModel
    values: Ints
    weights: Floats
    legal: Bools
    habits: Floats
    limit: int

    def task(self, advantages: Floats | None = None) -> Problem:
        """The search problem under the expected advantages, or under others (U, M)."""
        return problem(
            self.model.subsets,
            values=self.values,
            weights=self.weights,
            advantages=self.model.means(self.values) if advantages is None else advantages,
            legal=self.legal,
            habits=self.habits,
            price=PRICE,
            limit=self.limit,
        )

    def lists(self, start: Rules, drawn: int, generator: np.random.Generator) -> list[Rules]:
        """The best list grown from ``start``, the best grown from nothing, and the best under each of ``drawn`` draws
        of the model (Thompson sampling), without repeats."""
        task, game = self.task(), self.model.subsets.game
        found = [search(task, to_entries(self.model.subsets, start)), search(task)]
        found += [search(self.task(self.model.draw(self.values, generator))) for _ in range(drawn)]
        return list(dict.fromkeys(to_rules(game, self.model.subsets, entries) for entries in found))


def insight(subsets: Subsets, turns: Turns, samples: Sequence[Samples], habits: Habits, limit: int) -> Insight:
    """What ``samples`` say about the situations of ``turns``."""
    values, where = np.unique(turns.values, axis=0, return_inverse=True)
    weights = np.bincount(where.ravel()).astype(float)
    legal = np.zeros((len(values), turns.legal.shape[1]))
    np.add.at(legal, where.ravel(), turns.legal)
    usual = legal >= weights[:, None] / 2
    return Insight(fit(subsets, samples), values, weights, usual, habits.weights(turns.game), limit)


def evidence_samples(subsets: Subsets, turns: Turns, rules: Rules) -> Samples:
    """Each stored turn that none of ``rules`` decided as one sample of the advantage of the move that was played: its
    outcome against the expected one of its situation. A decided turn has nothing to be compared with."""
    played = np.flatnonzero((turns.moves >= 0) & ~matched(turns, rules))
    outcome = turns.gains if turns.outcome == "gain" else 2 * turns.scores - 1
    advantages = np.full((len(played), len(turns.game.moves)), np.nan)
    if len(played):
        expected = smooth(subsets, turns.values[played], outcome[played])
        advantages[np.arange(len(played)), turns.moves[played]] = outcome[played] - expected
    return Samples(turns.values[played], advantages, np.ones(len(played)))


async def improve(
    stage: Stage,
    first: Insight,
    samples: Sequence[Samples],
    effort: Effort,
    on_round: Callable[[int], None] = lambda done: None,
) -> dict[Rules, Insight]:
    """Rehearse lists in ``stage`` for ``effort.rounds`` rounds; each new list with the insight that it came from.

    ``stage.ranked()`` then has all of them and the current rules, the best first.
    """
    origins: dict[Rules, Insight] = {}

    async def try_lists(known: Insight) -> None:
        for rules in known.lists(stage.ranked()[0], DRAWN, generator):
            if rules not in stage.results:
                origins[rules] = known
                await stage.play(rules, 0, effort.pairs)

    generator = np.random.default_rng(derived(stage.seed, "draws"))
    known, kept, subsets = first, list(samples), first.model.subsets
    await stage.play(stage.me.rules, 0, effort.pairs)
    for number in range(effort.rounds):
        await try_lists(known)
        on_round(number + 1)
        best = stage.ranked()[0]
        found = await stage.what_ifs(best, effort.turns, derived(stage.seed, f"what-ifs {number}"))
        kept = [Samples(old.values, old.advantages, old.weights * FADE) for old in kept]
        kept.append(samples_of(stage.game, found, stage.me.habits))
        known = insight(subsets, turns_of(stage.game, stage.games[best]), kept, stage.me.habits, first.limit)
    await try_lists(known)
    return origins


def to_entries(subsets: Subsets, rules: Rules) -> list[Entry]:
    """Rules as the search knows them."""
    game = subsets.game
    names, places = list(game.features), {member: k for k, member in enumerate(subsets.members)}
    return [
        (
            places[tuple((names.index(f), game.features[f].index(v)) for f, v in rule.conditions)],
            game.moves.index(rule.move),
        )
        for rule in rules
    ]


def to_rules(game: Game, subsets: Subsets, entries: Sequence[Entry]) -> Rules:
    """The inverse of ``to_entries``."""
    return tuple(Rule.of(game, subsets.situation(subset), game.moves[move]) for subset, move in entries)
