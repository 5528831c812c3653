"""The analyst: statistics that write guidance where no strong language model is configured.

It is not a language model. It fits a model of how much better each move is in each situation to the evidence and the
what-ifs, searches for the list of rules that is worth most under it, and, where the game can be copied, rehearses lists
with a stand-in and improves them on what those games show. It proposes; whether a proposal is any good is decided by
race and gate.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from episodes.clock import Clock
from episodes.game import Game
from episodes.player import Player
from episodes.record import EpisodeRecord, SeatRecord
from episodes.store.store import Store
from models.errors import BadInput
from prompts.library import Citation, PromptLibrary
from prompts.prompt import DEFAULT_BUDGET, Budget, Prompt
from prompts.rule import Rule
from reflect.advantage import Subsets
from reflect.decisionlist import shares
from reflect.edits import Edit, apply_edits, edits_between
from reflect.evidence import Turns, load_turns
from reflect.improver import Insight, evidence_samples, improve, insight, to_entries
from reflect.rehearsal import DEFAULT_EFFORT, Effort, Rules, Stage, derived, samples_of
from reflect.standin import StandIn, habits_of
from reflect.whatif import PlayerOf, WhatIf

NAME = "analyst"
CITED = 5
"""Turns cited for a rule."""
GIVEN_UP = 0.05
"""Mean pair score against all others that a candidate may lose in rehearsal for what it gains on the current rules."""
_DRAWN = 4
"""Draws of the model for each candidate wanted, where nothing can be rehearsed."""


@dataclass(frozen=True, slots=True)
class Material:
    """All that the analyst works on, read from the store.

    ``turns`` are the player's in the games reflected on; ``me`` its stand-in with the current rules; ``opponents`` one
    player for each that it met there.
    """

    game: Game
    turns: Turns
    what_ifs: Sequence[WhatIf]
    me: StandIn
    opponents: Sequence[Player]
    clock: Clock

    def stage(self, seed: int, *, rivalry: bool = True) -> Stage | None:
        """Where lists are rehearsed; ``None`` in a game that cannot be copied, or about which no rule can be written.

        ``rivalry`` is whether a list should beat the current rules too, and not only the opponents better than they do.
        """
        if not (self.game.capabilities.clone and self.game.moves):
            return None
        return Stage(self.game, self.clock, self.me, self.opponents, derived(seed, "stage"), rivalry)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Edits that make a candidate of the current prompt. ``score`` is its mean pair score in rehearsal, if any."""

    edits: tuple[Edit, ...]
    score: float | None = None


def read_material(
    store: Store,
    game: Game,
    player: str,
    current: Prompt,
    *,
    episodes: Sequence[str],
    what_ifs: Sequence[WhatIf],
    player_of: PlayerOf,
) -> Material:
    """What the store holds about ``player`` (its name in the record) in some episodes.

    House bots are played by themselves in rehearsals; whoever plays with a prompt is replaced by a stand-in. Raises
    ``BadInput`` where the player has no turn in these episodes.
    """
    turns = load_turns(store, game, player=player, episodes=episodes)
    if not len(turns):
        raise BadInput(f"{player} has no stored turn in {len(episodes)} episodes of {game.name}: play some games first")
    first = store.episode(turns.episode_ids[0])
    me = next(seat for seat in first.seats if seat.player == player)
    stand_in = _stand_in(store, game, me, first, current.rules)
    others: dict[str, Player] = {}
    for episode_id in turns.episode_ids:
        for seat in store.summary(episode_id).seats:
            if seat.player != player and seat.player not in others:
                record = store.episode(episode_id)
                found = next(one for one in record.seats if one.player == seat.player)
                others[seat.player] = (
                    player_of(found) if found.prompt_id is None else _stand_in(store, game, found, record, None)
                )
    return Material(game, turns, what_ifs, stand_in, list(others.values()), Clock.parse(first.clock))


def _stand_in(store: Store, game: Game, seat: SeatRecord, record: EpisodeRecord, rules: Rules | None) -> StandIn:
    """The imitation of a seat's player, from all games of its model that were played to look at it."""
    turns = load_turns(store, game, model=seat.model, purpose=record.purpose)
    library = PromptLibrary(store)
    rules_of: dict[str | None, Sequence[Rule]] = {
        prompt_id: library.get(prompt_id, game).rules for prompt_id in set(turns.prompt_ids) if prompt_id is not None
    }
    latency = median(turn.latency_ms for turn in record.turns if turn.seat == seat.seat) / 1000
    habits = habits_of(turns, rules_of, latency)
    return StandIn(seat.player, tuple(rules_of[seat.prompt_id] if rules is None else rules), habits, seat.prompt_id)


async def candidates(
    material: Material,
    current: Prompt,
    k: int,
    seed: int,
    *,
    stage: Stage | None = None,
    effort: Effort = DEFAULT_EFFORT,
    budget: Budget = DEFAULT_BUDGET,
    on_round: Callable[[int], None] = lambda done: None,
) -> list[Candidate]:
    """Up to ``k`` different candidates, the most promising first, each a list of edits to ``current``.

    With a ``stage`` (``Material.stage``) lists are rehearsed in it, as much as ``effort`` says. There are none where
    moves are free text, about which no rule can be written. The same material and seed give the same candidates.
    """
    game = material.game
    if not game.moves:
        return []
    limit = budget.items - sum(item.rule is None for item in current.items)
    subsets = Subsets(game)
    samples = [evidence_samples(subsets, material.turns, current.rules)]
    if material.what_ifs:
        samples.append(samples_of(game, material.what_ifs, material.me.habits))
    known = insight(subsets, material.turns, samples, material.me.habits, limit)
    scores: dict[Rules, float | None]
    if stage is not None:
        origins = await improve(stage, known, samples, effort, on_round)
        scores = {rules: stage.score(rules) for rules in await _finalists(stage, effort, k)}
    else:
        drawn = known.lists(current.rules, _DRAWN * k, np.random.default_rng(derived(seed, "lists")))
        origins, scores = dict.fromkeys(drawn, known), dict.fromkeys(drawn)
    found: list[Candidate] = []
    for rules, score in scores.items():
        edits = edits_between(current, rules, game)
        if edits and len(found) < k:
            explained = tuple(explain(edit, rules, origins[rules], material) for edit in edits)
            apply_edits(current, explained, game, budget=budget)
            found.append(Candidate(explained, score))
    return found


async def _finalists(stage: Stage, effort: Effort, k: int) -> list[Rules]:
    """The new lists to propose, the best first, after the best have played more.

    A list that beats the current rules by giving up more against everybody else is left out; if that leaves nothing,
    the one that does best against the others is proposed.
    """
    current = stage.me.rules
    for rules in dict.fromkeys([*stage.ranked()[:k], current]):
        await stage.play(rules, effort.pairs, effort.final - effort.pairs)
    most = max(len(results) for results in stage.results.values())
    ranked = [rules for rules in stage.ranked() if len(stage.results[rules]) == most and rules != current]
    floor = stage.score_of_others(current) - GIVEN_UP
    kept = [rules for rules in ranked if stage.score_of_others(rules) >= floor]
    return kept or sorted(ranked, key=stage.score_of_others, reverse=True)[:1]


def explain(edit: Edit, rules: Rules, known: Insight, material: Material) -> Edit:
    """``edit`` with its reason in numbers and the turns that support it."""
    if edit.rule is None:
        return replace(edit, reason="not in the best list found")
    place = rules.index(edit.rule)
    task = known.task()
    taken, share, _ = shares(task, to_entries(known.model.subsets, rules))[place]
    move = material.game.moves.index(edit.rule.move)
    if not taken.any():
        return replace(edit, reason="decides nothing that was seen", cites=citations(edit.rule, material))
    gain, deviation = known.model.interval(known.values[taken], known.weights[taken], move)
    usual = float((task.weights * taken) @ task.free / (task.weights * taken).sum())
    reason = (
        f"decides {share:.1%} of turns; {edit.rule.move} is worth {gain - usual:+.3f} ± {deviation:.3f} a turn there"
    )
    return replace(edit, reason=reason, cites=citations(edit.rule, material))


def citations(rule: Rule, material: Material) -> tuple[Citation, ...]:
    """The turns that speak most for ``rule``: what-ifs in which its move did better, then turns where it went well."""
    tried = sorted(
        (
            (found.alternatives[rule.move], found)
            for found in material.what_ifs
            if rule.move in found.alternatives and rule.matches(found.situation)
        ),
        key=lambda pair: (-pair[0].difference, pair[1].episode, pair[1].turn),
    )
    cites = [
        Citation(found.episode, found.turn, f"what if {rule.move}: {effect.difference:+.3f} ± {effect.error:.3f}")
        for effect, found in tried[:CITED]
        if effect.difference > 0
    ]
    turns = material.turns
    index = turns.game.moves.index(rule.move)
    played = [row for row in np.flatnonzero(turns.moves == index) if rule.matches(turns.situation(int(row)))]
    for row in sorted(played, key=lambda row: -float(turns.gains[row]))[: CITED - len(cites)]:
        note = f"{rule.move} here: {turns.gains[row]:+.3f} in the turns that followed"
        cites.append(Citation(turns.episode_ids[int(turns.episodes[row])], int(turns.ns[row]), note))
    return tuple(cites)
