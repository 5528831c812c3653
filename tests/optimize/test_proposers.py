import asyncio
import json

import pytest
from fake_chat import FakeChat
from hypothesis import given
from hypothesis import strategies as st

from episodes.games.duel import GAME
from models.chat import ChatRequest, Completion, Usage
from models.errors import BudgetExhausted, RateLimited
from models.scripted import ScriptedModel
from optimize.opro import PAST_PROMPTS, Opro, rules_json
from optimize.proposal import Proposal, Scored, Workshop
from optimize.propose import Search
from prompts.base import base_for
from prompts.prompt import Budget, GuidanceItem
from prompts.rule import Rule
from reflect.edits import Edit

WORKSHOP = Workshop(GAME, base_for(GAME, "brief"))


def item(distance: str, move: str, remark: str = "") -> GuidanceItem:
    return GuidanceItem(Rule.of(GAME, {"distance": distance} if distance else {}, move), remark)


FAR, NEAR, TOUCH, ELSE = item("far", "fireball"), item("near", "heavy"), item("touching", "throw"), item("", "guard")
POOL = [FAR, NEAR, TOUCH, ELSE, item("far", "advance"), item("near", "guard"), item("midway", "jump")]
GOOD = '[{"when": {"distance": "far"}, "use": "fireball"}, {"when": {}, "use": "guard", "remark": "wait"}]'


def proposed(
    *answers: str, past: tuple[Scored, ...] = (), workshop: Workshop = WORKSHOP
) -> tuple[Proposal, ScriptedModel]:
    model = ScriptedModel(list(answers))
    return asyncio.run(Opro(model, workshop).propose(past, seed=1, count=len(answers))), model


def test_a_candidate_is_read_from_json_with_or_without_words_around_it() -> None:
    fenced = "I think so.\n```json\n" + GOOD.replace("fireball", "advance") + "\n```"
    proposal, _ = proposed(GOOD, fenced)
    assert proposal.refused == ()
    first, second = proposal.candidates
    assert first.rules == (FAR.rule, ELSE.rule)
    assert first.items[1].remark == "wait"
    assert first.items[0].origin == "scripted"
    assert second.rules[0] == Rule.of(GAME, {"distance": "far"}, "advance")


@pytest.mark.parametrize(
    "around",
    [
        "As in [1] and [the notes], {}",
        "{} The first rule [far] decides most.",
        'First I had [{{"when": {{}}, "use": "jab"}}], but better is\n{}',
        '<think>Perhaps [{{"when": {{}}, "use": "jab"}}]?</think>{}',
        '<THINKING>[{{"when": {{}}, "use": "jab"}}]</THINKING>\n{}',
        '[{{"when": {{}}, "use": "jab"}}] no, rather</think>{}',
        '{}<think>or [{{"when": {{}}, "use": "jab"}}]',
        "```json\n{}\n``` (see [2])",
    ],
)
def test_the_last_array_outside_a_thought_is_the_answer(around: str) -> None:
    proposal, _ = proposed(around.format(GOOD))
    assert [one.rules for one in proposal.candidates] == [(FAR.rule, ELSE.rule)]


def test_what_is_only_thought_is_no_answer() -> None:
    for answer in (f"<think>{GOOD}</think>", f"<think>{GOOD}", f"{GOOD}</think> I cannot say."):
        proposal, _ = proposed(answer)
        assert proposal.candidates == () and "no JSON array" in proposal.refused[0].reason


def test_its_length_and_warmth_are_what_is_configured() -> None:
    model = Provider(GOOD)
    asyncio.run(Opro(model, WORKSHOP, max_tokens=77, temperature=0.5).propose((), seed=1, count=1))
    assert [(request.max_tokens, request.temperature) for request in model.requests] == [(77, 0.5)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('[{"when":' * 100_000, "no JSON array"),
        ("", "no JSON array"),
        ("just jab", "no JSON array"),
        ("[]", "no JSON array"),
        ("[1, 2", "no JSON array"),
        ("[" * 100_000 + "]", "no readable JSON"),
        ("[{]", "no readable JSON"),
        ("[3]", "keys when, use"),
        ('[{"when": {}}]', "keys when, use"),
        ('[{"when": {}, "use": "jab", "why": "because"}]', "keys when, use"),
        ('[{"when": "far", "use": "jab"}]', '"when" is an object'),
        ('[{"when": {"distance": 3}, "use": "jab"}]', '"when" is an object'),
        ('[{"when": {}, "use": ["jab"]}]', '"when" is an object'),
        ('[{"when": {"distance": "close"}, "use": "jab"}]', "knows no situation distance=close"),
        ('[{"when": {}, "use": "hadouken"}]', "knows no move 'hadouken'"),
        ('[{"when": {"distance": "far", "meter": "full", "health": "even"}, "use": "jab"}]', "at most 2 conditions"),
        (json.dumps([{"when": {}, "use": "jab"}] * 2), "twice"),
        (json.dumps([{"when": {}, "use": m, "remark": r} for m in GAME.moves[:3] for r in "abc"]), "may have 8"),
        (json.dumps([{"when": {}, "use": "jab", "remark": "x" * 301}]), "at most 300 characters"),
    ],
)
def test_a_malformed_candidate_is_refused_with_its_reason(answer: str, reason: str) -> None:
    proposal, _ = proposed(answer, GOOD)
    assert len(proposal.candidates) == 1
    assert proposal.refused[0].text == answer
    assert reason in proposal.refused[0].reason


def test_over_long_candidates_are_refused_by_the_token_budget() -> None:
    small = Workshop(GAME, WORKSHOP.base, Budget(tokens=5))
    proposal, _ = proposed(GOOD, workshop=small)
    assert proposal.candidates == ()
    assert "may take 5" in proposal.refused[0].reason


def test_what_was_tried_before_is_refused() -> None:
    past = Scored(WORKSHOP.prompt([FAR]), 0.6)
    known = rules_json(past.prompt)
    proposal, _ = proposed(known, GOOD, GOOD, past=(past,))
    assert len(proposal.candidates) == 1
    assert [refusal.text for refusal in proposal.refused] == [known, GOOD]


def test_the_question_shows_the_best_twenty_worst_first_with_whole_scores() -> None:
    prompts = [WORKSHOP.prompt([item(d, m)]) for d in GAME.features["distance"] for m in GAME.moves]
    past = [Scored(prompt, (n * 7 % 30) / 30 + 0.004) for n, prompt in enumerate(prompts[:30])]
    _, model = proposed(GOOD, past=tuple(past))
    system, user = (message.content for message in model.requests[0])
    shown = [int(line.removeprefix("score: ")) for line in user.splitlines() if line.startswith("score: ")]
    expected = sorted(round(100 * scored.score) for scored in past)[-PAST_PROMPTS:]
    assert shown == expected
    assert rules_json(max(past, key=lambda scored: scored.score).prompt) in user
    assert GAME.rules.strip() in system
    assert all(move in system for move in GAME.moves)


class Provider(FakeChat):
    """Answers, fails, or is out of money, as told."""

    name = "provider"

    def __init__(self, *answers: object) -> None:
        super().__init__()
        self.answers = list(answers)

    async def answer(self, request: ChatRequest) -> Completion:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Completion) else Completion(str(answer), Usage(), 0.1)


def test_calls_are_warm_seeded_and_may_fail_one_by_one() -> None:
    cut = Completion(GOOD, Usage(), 0.1, "length")
    model = Provider(RateLimited("slow down"), GOOD, cut)
    proposal = asyncio.run(Opro(model, WORKSHOP).propose((), seed=4, count=3))
    assert len(proposal.candidates) == 1
    assert sorted(refusal.reason for refusal in proposal.refused) == [
        "RateLimited: slow down",
        "the answer did not end by itself (length)",
    ]
    assert {request.temperature for request in model.requests} == {1.0}
    assert len({request.seed for request in model.requests}) == 3


def test_an_exhausted_budget_is_not_swallowed() -> None:
    with pytest.raises(BudgetExhausted):
        asyncio.run(Opro(Provider(BudgetExhausted("enough")), WORKSHOP).propose((), seed=4, count=1))


def test_rules_survive_the_round_trip() -> None:
    prompt = WORKSHOP.prompt([FAR, item("near", "jab", "quick"), ELSE])
    read = Opro(ScriptedModel([]), WORKSHOP).read(rules_json(prompt))
    assert WORKSHOP.prompt(read).id == prompt.id


@given(st.integers(0, 10**6))
def test_the_search_gives_different_prompts_within_the_budget(seed: int) -> None:
    champion = WORKSHOP.prompt([FAR, ELSE])
    past = [Scored(WORKSHOP.prompt([NEAR, TOUCH]), 0.7), Scored(WORKSHOP.prompt([NEAR]), 0.4)]
    candidates = Search(WORKSHOP, POOL).propose(past, champion, seed).candidates
    assert len(candidates) == 8
    ids = {prompt.id for prompt in candidates}
    assert len(ids) == 8
    assert not ids & {champion.id, *(scored.prompt.id for scored in past)}
    assert all(set(prompt.items) <= set(POOL) and len(prompt.items) <= 8 for prompt in candidates)
    again = Search(WORKSHOP, POOL).propose(past, champion, seed).candidates
    assert candidates == again


def test_the_first_candidate_takes_the_best_suggestions() -> None:
    champion = WORKSHOP.prompt([ELSE])
    tight = Workshop(GAME, WORKSHOP.base, Budget(items=3))
    first = Search(tight, POOL).propose((), champion, 1).candidates[0]
    assert first.items == (FAR, NEAR, ELSE)


def test_suggestions_come_from_edits_of_reflection() -> None:
    edits = [
        Edit("add", FAR.rule),
        Edit("retire", targets=("x",)),
        Edit("change", NEAR.rule, ("y",)),
        Edit("add", FAR.rule),
    ]
    assert list(Search.of(WORKSHOP, edits).suggestions) == [FAR, NEAR]


def test_every_kind_of_edit_happens() -> None:
    champion = WORKSHOP.prompt([FAR, NEAR, TOUCH])
    seen = [p.items for seed in range(30) for p in Search(WORKSHOP, POOL).propose((), champion, seed).candidates]
    sets = [set(items) for items in seen]
    before = set(champion.items)
    assert any(after > before for after in sets)
    assert any(after < before for after in sets)
    assert any(after == before for after in sets)
    assert any(items[0] == POOL[4] and items[1:] == (NEAR, TOUCH) for items in seen)
    parent = Scored(WORKSHOP.prompt([POOL[6], ELSE]), 0.9)
    crossed = [p.items for seed in range(30) for p in Search(WORKSHOP, []).propose([parent], champion, seed).candidates]
    assert any(set(items) & before and set(items) & set(parent.prompt.items) for items in crossed)


def test_a_small_space_is_exhausted_without_hanging() -> None:
    champion = WORKSHOP.prompt([FAR])
    proposal = Search(WORKSHOP, [FAR]).propose((), champion, 1)
    assert [prompt.items for prompt in proposal.candidates] == [()]
    assert Search(WORKSHOP, []).propose((), WORKSHOP.prompt([]), 1).candidates == ()
