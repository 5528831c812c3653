import asyncio
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from weak_games import AIMLESS, BASE, WEAK, play, player_of

from episodes.clock import Clock
from episodes.game import Capabilities
from episodes.games import load_game
from episodes.games.duel import GAME
from episodes.pairs import Setting, play_pairs
from episodes.store.store import Store
from models.errors import BadInput
from prompts.library import PromptLibrary
from prompts.prompt import Prompt
from prompts.rule import Rule
from reflect.advantage import Samples, Subsets, _by_coefficients, _by_samples, fit, smooth
from reflect.analyst import Candidate, Material, candidates, read_material
from reflect.decisionlist import problem, search, shares, value
from reflect.edits import apply_edits
from reflect.evidence import load_turns
from reflect.improver import evidence_samples
from reflect.rehearsal import Effort, samples_of
from reflect.standin import StandIn, habits_of
from reflect.whatif import Effect, Plan, WhatIf, study

SUBSETS = Subsets(GAME)
QUICK = Effort(rounds=1, turns=40, pairs=1)


def situations(count: int, seed: int) -> NDArray[np.int64]:
    draw = np.random.default_rng(seed)
    return np.stack([draw.integers(0, len(values), count) for values in GAME.features.values()], axis=1)


def test_the_model_finds_planted_effects_and_shrinks_what_is_not_there() -> None:
    values, draw = situations(600, 1), np.random.default_rng(2)
    jab, heavy = GAME.moves.index("jab"), GAME.moves.index("heavy")
    advantages = draw.normal(0, 0.1, (600, len(GAME.moves)))
    near = values[:, 0] == 1
    advantages[near & (values[:, 3] == 1), jab] += 0.2
    advantages[:, heavy] -= 0.05
    model = fit(SUBSETS, [Samples(values, advantages, np.ones(600))])
    means = model.means(values)
    assert means[near & (values[:, 3] == 1), jab].mean() > 0.12
    assert abs(means[~near, jab].mean()) < 0.02
    assert means[:, heavy].mean() == pytest.approx(-0.05, abs=0.01)
    assert means[:, 5].std() < 0.03
    mean, deviation = model.interval(values, np.ones(600), heavy)
    assert abs(mean + 0.05) < 3 * deviation and 0.001 < deviation < 0.02
    draws = np.stack([model.draw(values[:1], np.random.default_rng(k))[0] for k in range(200)])
    assert draws[:, heavy].mean() == pytest.approx(means[0, heavy], abs=0.02)


@pytest.mark.parametrize("count", [1, 40, 600])
def test_the_likelihood_of_a_prior_is_the_same_by_samples_and_by_coefficients(count: int) -> None:
    """Up to what does not depend on the prior: so the shorter way chooses the same one."""
    draw = np.random.default_rng(count)
    design = SUBSETS.holds(situations(count, 4)).astype(float)
    targets, precisions = draw.normal(0, 0.2, count), draw.uniform(1, 30, count)
    priors = [(1e-5, 1e-6), (1e-3, 1e-3), (1e-2, 1e-5)]
    samples = _by_samples(design, targets, precisions, SUBSETS.sizes)
    gram, moment = design.T @ (design * precisions[:, None]), design.T @ (targets * precisions)
    coefficients = _by_coefficients(gram, moment, SUBSETS.sizes)
    gaps = [samples(*prior) - coefficients(*prior) for prior in priors]
    assert gaps == pytest.approx([gaps[0]] * len(priors), abs=1e-8)
    assert len({samples(*prior) for prior in priors}) == len(priors)


def test_faded_samples_count_less() -> None:
    values = situations(200, 3)
    up, down = np.full((200, len(GAME.moves)), 0.1), np.full((200, len(GAME.moves)), -0.1)
    noise = np.random.default_rng(1).normal(0, 0.1, up.shape)
    one, faded = Samples(values, up + noise, np.ones(200)), Samples(values, down + noise, np.full(200, 0.3))
    assert 0.02 < fit(SUBSETS, [one, faded]).means(values).mean() < 0.08
    assert fit(SUBSETS, []).means(values).mean() == 0


def test_smoothing_gives_each_situation_its_level() -> None:
    values, draw = situations(500, 4), np.random.default_rng(5)
    level = np.where(values[:, 5] == 2, 0.3, -0.1)
    found = smooth(SUBSETS, values, level + draw.normal(0, 0.1, 500))
    assert np.abs(found - level).mean() < 0.04


def small_task(seed: int):  # type: ignore[no-untyped-def]
    draw = np.random.default_rng(seed)
    values = np.unique(situations(12, seed), axis=0)
    total = len(values)
    return problem(
        SUBSETS,
        values=values,
        weights=draw.random(total),
        advantages=draw.normal(0, 0.1, (total, len(GAME.moves))),
        legal=draw.random((total, len(GAME.moves))) < 0.8,
        habits=np.ones(len(GAME.moves)),
        price=0.001,
        limit=2,
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_search_is_close_to_the_best_pair_of_rules(seed: int) -> None:
    task = small_task(seed)
    found = value(task, search(task))
    single = [entry for entry in range(len(SUBSETS.members)) if len(SUBSETS.members[entry]) <= 1]
    entries = list(itertools.product(single, range(len(GAME.moves))))
    for entry in entries:
        assert found >= value(task, [entry]) - 1e-9
    best = max(value(task, [a, b]) for a in entries if SUBSETS.sizes[a[0]] == 1 for b in entries)
    assert found >= 0.85 * best


def test_shares_add_up_and_respect_the_order() -> None:
    task = small_task(7)
    entries = search(task)
    parts = shares(task, entries)
    assert sum(gain for _, _, gain in parts) - 0.001 * len(entries) + float(task.weights @ task.free) == pytest.approx(
        value(task, entries)
    )
    assert not np.any(np.sum([taken for taken, _, _ in parts], axis=0) > 1)
    sizes = [int(SUBSETS.sizes[subset]) for subset, _ in entries]
    assert sizes == sorted(sizes, reverse=True)


def test_samples_are_centred_on_what_the_player_does() -> None:
    situation = {feature: values[0] for feature, values in GAME.features.items()}
    found = WhatIf("e", 3, 0, situation, "jab", {"guard": Effect(0.1, 0.01, 2), "jump": Effect(-0.2, 0.01, 2)}, 0.5)
    samples = samples_of(GAME, [found], AIMLESS, 2.0)
    usual = (0.1 - 0.2 * 3) / 5
    row = dict(zip(GAME.moves, samples.advantages[0], strict=True))
    assert row["guard"] == pytest.approx(0.1 - usual) and row["jab"] == pytest.approx(-usual)
    assert np.isnan(row["heavy"]) and samples.weights[0] == 1.0


def test_evidence_leaves_out_what_rules_decided(played: tuple[Store, list[str]]) -> None:
    store, episodes = played
    turns = load_turns(store, GAME, player=WEAK.name, episodes=episodes)
    near = Rule.of(GAME, {"distance": "near"}, "jab")
    samples = evidence_samples(SUBSETS, turns, (near,))
    assert len(samples.values) == int((turns.values[:, 0] != 1).sum()) and not np.any(samples.values[:, 0] == 1)
    assert len(evidence_samples(SUBSETS, turns, ()).values) == len(turns)
    assert np.all((~np.isnan(samples.advantages)).sum(1) == 1)


def test_habits_are_learnt_from_the_stored_turns(tmp_path: Path) -> None:
    rules = (Rule.of(GAME, {"distance": "far"}, "fireball"),)
    with Store.open(tmp_path / "c.db") as store:
        play(store, 6, me=StandIn("ruled", rules, replace(AIMLESS, follows=0.8), "p"))
        turns = load_turns(store, GAME, player="ruled")
        found = habits_of(turns, {"p": rules})
        assert found.follows == pytest.approx(0.8 + 0.2 * AIMLESS.moves["fireball"] / 14, abs=0.09)
        assert found.moves["jump"] / found.moves["jab"] == pytest.approx(3, rel=0.35)
        unruled = habits_of(turns, {})
        assert unruled.moves["fireball"] > 1.4 * found.moves["fireball"] and unruled.follows == 0.98


def material(played: tuple[Store, list[str]], what_ifs: int = 0) -> Material:
    store, episodes = played
    turns = load_turns(store, GAME, player=WEAK.name, episodes=episodes)
    found = asyncio.run(study(store, GAME, turns, player_of, count=what_ifs, seed=3)) if what_ifs else []
    return read_material(store, GAME, WEAK.name, BASE, episodes=episodes, what_ifs=found, player_of=player_of)


def pair_score(store: Store, prompt: Prompt, pairs: int) -> float:
    """The prompt's mean pair score against the base, both played by the weak player, on seeds nothing else used."""
    better = replace(WEAK, name="better", rules=prompt.rules, prompt_id=prompt.id)
    setting = Setting(GAME, Clock("paused"), "gate", store)
    results = asyncio.run(play_pairs(setting, better, WEAK, range(10_000, 10_000 + pairs)))
    return sum(pair.k or 0 for pair in results) / (4 * pairs)


def test_rehearsed_candidates_beat_the_base_and_cite_their_turns(
    played: tuple[Store, list[str]], tmp_path: Path
) -> None:
    known = material(played, 20)
    found = asyncio.run(candidates(known, BASE, 3, 1, stage=known.stage(1), effort=Effort(2, 120, 1)))
    assert 1 <= len(found) <= 3
    prompts = [apply_edits(BASE, one.edits, GAME) for one in found]
    assert len({prompt.id for prompt in prompts}) == len(prompts)
    assert all(one.score is not None for one in found)
    with Store.open(tmp_path / "gate.db") as store:
        assert pair_score(store, prompts[0], 30) >= 0.65
    for edit in found[0].edits:
        assert edit.reason and edit.origin == "analyst"
    cites = [(edit, cite) for edit in found[0].edits for cite in edit.cites]
    assert cites
    store, _ = played
    for edit, cite in cites:
        turn = store.episode(cite.episode_id).turns[cite.turn_n]
        assert edit.rule is not None and edit.rule.matches(turn.situation)


def test_the_same_material_and_seed_give_the_same_candidates(played: tuple[Store, list[str]]) -> None:
    def run(seed: int) -> list[Candidate]:
        known = material(played)
        return asyncio.run(candidates(known, BASE, 3, seed, stage=known.stage(seed), effort=replace(QUICK, turns=10)))

    assert run(5) == run(5)


def test_without_rehearsal_several_lists_come_from_the_evidence_alone(played: tuple[Store, list[str]]) -> None:
    closed = replace(material(played, 20), game=replace(GAME, capabilities=Capabilities()))
    assert closed.stage(1) is None
    found = asyncio.run(candidates(closed, BASE, 4, 1, effort=QUICK))
    assert len(found) == 4 and all(one.score is None and one.edits for one in found)


def test_a_player_without_turns_is_an_error(played: tuple[Store, list[str]]) -> None:
    store, episodes = played
    with pytest.raises(BadInput, match="no stored turn"):
        read_material(store, GAME, "nobody", BASE, episodes=episodes, what_ifs=[], player_of=player_of)


def test_opponents_with_prompts_are_imitated_and_bots_play_themselves(tmp_path: Path) -> None:
    with Store.open(tmp_path / "c.db") as store:
        PromptLibrary(store).save(BASE, GAME)
        play(store, 1)
        setting = Setting(GAME, Clock("paused"), "play", store)
        rival = replace(WEAK, name="weak@rival")
        asyncio.run(play_pairs(setting, WEAK, rival, range(2)))
        found = read_material(
            store, GAME, WEAK.name, BASE, episodes=store.episode_ids(), what_ifs=[], player_of=player_of
        )
        kinds = {opponent.name: type(opponent).__name__ for opponent in found.opponents}
        assert kinds == {
            "bot:turtle": "BotPlayer",
            "bot:rushdown": "BotPlayer",
            "bot:jumper": "BotPlayer",
            "weak@rival": "StandIn",
        }


def test_the_horizon_is_in_the_games_own_time() -> None:
    assert Plan().horizon(GAME) == 240
    assert Plan(decisions=7).horizon(load_game("openspiel:tic_tac_toe")) == 7
