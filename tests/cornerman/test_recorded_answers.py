"""What a large language model answered as the reflecting model, word for word, through parsing, placing and the gate.

It coached the rookie that played the champion below in a demo night of duel; the answers are in tests/fixtures/answers.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cornerman.cli import app
from episodes.clock import Clock
from episodes.games.duel import GAME
from episodes.players.bots import load_bot
from episodes.store.store import Store
from models.hub import ROOKIE
from models.local import LocalModel
from models.scripted import ScriptedModel
from optimize.arena import Arena, Series, play_together
from optimize.gate import GateResult, GateRule, gate
from optimize.opro import Opro
from optimize.proposal import Workshop
from optimize.seeds import Seeds
from prompts.base import default_base
from prompts.library import PromptLibrary
from prompts.prompt import GuidanceItem, Prompt, compose, player
from prompts.rule import Rule
from reflect.analyst import read_material
from reflect.answers import Checker
from reflect.digest import Names
from reflect.edits import Edit, apply_edits, in_front
from reflect.engine import language_model, run_program
from reflect.programs import write_program
from reflect.reach import reach

ANSWERS = Path(__file__).parents[1] / "fixtures" / "answers"
SUPER = Rule.of(GAME, {"meter": "full", "shot": "clear"}, "super")
NEAR = Rule.of(GAME, {"distance": "near", "shot": "clear"}, "uppercut")
TOUCHING = Rule.of(GAME, {"distance": "touching", "shot": "clear"}, "uppercut")
ALWAYS = Rule((), "jump")
CHAMPION = compose(GAME, default_base(GAME, "rookie"), [GuidanceItem(rule) for rule in (SUPER, NEAR, TOUCHING, ALWAYS)])
RETREAT = Rule.of(GAME, {"opponent": "recovering", "last": "whiffed"}, "retreat")
THROW = Rule.of(GAME, {"opponent": "guarding", "distance": "touching"}, "throw")
HEAVY = Rule.of(GAME, {"opponent": "advancing", "distance": "near"}, "heavy")
CHANCES = 8
"""Candidates of a demo night."""


@pytest.fixture(scope="module")
def rookie() -> Iterator[LocalModel]:
    model = LocalModel(ROOKIE, name="rookie", kind="rookie")
    yield model
    asyncio.run(model.close())


def proposed() -> tuple[Edit, ...]:
    """The edits of the recorded proposal; the games that it cites are taken to be there."""
    chat = ScriptedModel([(ANSWERS / "proposal.md").read_text(encoding="utf-8")])
    fields = "rules vocabulary guidance limits evidence what_ifs notes rejected wanted before"
    asked = dict.fromkeys(fields.split(), "-")

    async def main() -> tuple[Edit, ...]:
        model = language_model(chat, 1, max_tokens=8000, temperature=1.0)
        answered = await run_program(write_program().acall, model, complaint="none", **asked)
        games = Names("g")
        for n in range(1, 7):
            games.name(f"game {n}")
        checker = Checker(GAME, CHAMPION, games, Names("r"), lambda episode, turn: True, (), "recorded")
        edits, refused = checker.proposal(answered.proposals[0])
        assert refused == []
        return edits

    return asyncio.run(main())


def tried(rookie: LocalModel, candidate: Prompt, folder: Path, pairs: int = 24) -> GateResult:
    async def main(store: Store) -> GateResult:
        arena = Arena(GAME, Clock("paused"), store, scope="recorded answers")
        mine, theirs = (player(rookie, one, GAME, f"rookie@{one.id[:8]}") for one in (candidate, CHAMPION))
        rule = GateRule(candidates=CHANCES, max_pairs=pairs)
        return await gate(arena, mine, theirs, rule, Seeds("recorded", candidate.id))

    with Store.open(folder / "store.db") as store:
        return asyncio.run(main(store))


def test_it_is_the_champion_that_was_coached() -> None:
    assert CHAMPION.id.startswith("6a55cebd")


def test_the_rules_of_a_proposal_win_in_front_and_decide_nothing_behind(rookie: LocalModel, tmp_path: Path) -> None:
    edits = proposed()
    assert [edit.rule for edit in edits] == [RETREAT, THROW, HEAVY] and all(edit.place is None for edit in edits)
    behind, front = apply_edits(CHAMPION, edits, GAME), apply_edits(CHAMPION, in_front(edits), GAME)
    assert behind.rules == (SUPER, NEAR, TOUCHING, RETREAT, THROW, HEAVY, ALWAYS)
    assert front.rules == (RETREAT, THROW, HEAVY, SUPER, NEAR, TOUCHING, ALWAYS)
    assert tried(rookie, front, tmp_path).verdict == "promoted"
    assert tried(rookie, behind, tmp_path, 8).sample.counts.mean < 0.7


def test_rehearsal_puts_the_list_that_wins_first(rookie: LocalModel, tmp_path: Path) -> None:
    """Games rebuilt from their seeds; stand-ins then play every list."""
    names = ["bot:rushdown", "bot:turtle"]
    with Store.open(tmp_path / "store.db") as store:
        PromptLibrary(store).save(CHAMPION, GAME)
        arena = Arena(GAME, Clock("paused"), store, scope="recorded answers")
        me = player(rookie, CHAMPION, GAME, "rookie@6a55cebd")
        bots = {name: load_bot(name.removeprefix("bot:")) for name in names}
        lanes = [Series(arena, me, bot, Seeds("recorded", "play"), "play") for bot in bots.values()]
        asyncio.run(play_together(lanes, 3))
        material = read_material(
            store,
            GAME,
            me.name,
            CHAMPION,
            episodes=store.episode_ids(),
            what_ifs=[],
            player_of=lambda seat: bots[seat.player],
        )
    stage = material.stage(1)
    assert stage is not None
    edits = proposed()
    behind, front = apply_edits(CHAMPION, edits, GAME).rules, apply_edits(CHAMPION, in_front(edits), GAME).rules
    asyncio.run(stage.rehearse([behind, front], 6))
    assert stage.ranked()[0] == front
    assert stage.score(front) > stage.score(CHAMPION.rules) + 0.1 > stage.score(behind)
    lists = reach(material.turns, behind), reach(material.turns, front)
    assert [one.decides for one in lists[0][3:6]] == [0, 0, 0], "behind the champion's rules they decide nothing"
    assert sum(one.decides for one in lists[1][:3]) > 0


def test_the_list_of_opro_keeps_its_own_order_and_wins(rookie: LocalModel, tmp_path: Path) -> None:
    chat = ScriptedModel([(ANSWERS / "opro.md").read_text(encoding="utf-8")])
    proposal = asyncio.run(Opro(chat, Workshop(GAME, CHAMPION.base)).propose((), seed=1, count=1))
    (candidate,) = proposal.candidates
    assert candidate.rules[0] == RETREAT and candidate.rules[3] == THROW and candidate.rules[-1] == ALWAYS
    assert tried(rookie, candidate, tmp_path).verdict == "promoted"


def test_what_opro_wrote_in_reflect_is_tried_by_optimize(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer serves all three programs: notes, proposals (of games that are not there), a list of OPRO's."""
    monkeypatch.chdir(tmp_path)
    notes, opro = "[[ ## notes ## ]]\n[]\n\n", (ANSWERS / "opro.md").read_text(encoding="utf-8")
    said = notes + (ANSWERS / "proposal.md").read_text(encoding="utf-8") + opro
    Path("answers.jsonl").write_text("\n".join([json.dumps({"reply": said})] * 60), encoding="utf-8")
    Path("cornerman.toml").write_text(
        '[player]\nmodel = "follower"\n[reflector]\nmodel = "scripted:answers.jsonl"\n', encoding="utf-8"
    )
    run("play", "follower@base", "bot:random", "--episodes", "8")
    run("reflect", "base", "--size", "smoke")
    written = Opro(ScriptedModel([]), Workshop(GAME, CHAMPION.base)).read(opro)
    listed = {one["id"]: one for one in run("prompts", "list")["prompts"]}
    assert any(one["origin"] == "opro" for one in listed.values())
    found = run("optimize", "--size", "smoke")
    (mine,) = [one["id"] for one in listed.values() if one["origin"] == "opro"]
    shown = run("prompts", "show", mine)
    assert [item["text"] for item in shown["items"]] == [item.line(GAME, remarks=True) for item in written]
    assert mine in json.dumps(found)


def run(*words: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))
