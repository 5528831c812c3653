"""The contract suite of players: every shipped player keeps it, and every way of breaking it is told."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from breaking import breaking
from made_drafts import write_drafts

from distill.judged import Judged, student_base
from distill.pooled import pool
from distill.sketch import Sketch
from episodes.game import Observation
from episodes.games import load_game
from episodes.player import Context, Decision, Player, ReplyClass
from episodes.player_contract import check_player
from episodes.players.bots import BOTS, load_bot
from episodes.players.drafter import load_drafter
from episodes.players.mcts import load_mcts
from episodes.players.model import ModelPlayer
from episodes.players.oracle import OraclePlayer
from episodes.players.roshambo import load_roshambo, roshambo_bots
from episodes.players.search import load_search
from models.chat import Message
from models.errors import BadInput, Unavailable
from models.scripted import ScriptedModel
from prompts.base import base_for
from prompts.prompt import GuidanceItem, Prompt, compose
from prompts.prompt import player as prompted
from prompts.rule import Rule
from reflect.standin import Habits, StandIn, follower

DUEL = load_game("duel")
TICTACTOE, KUHN, LEDUC, ROSHAMBO = (
    load_game(f"openspiel:{name}") for name in ("tic_tac_toe", "kuhn_poker", "leduc_poker", "roshambo(rounds=12)")
)
OWN_DRAWS = {
    "biopic",
    "greenberg",
    "iocainebot",
    "mixed_strategy",
    "phasenbott",
    "shofar",
    "sunCrazybot",
    "sunNervebot",
}
"""Bots that remember what they drew, which is drawn again from the episode's seed."""


def check(player: Player, *games: Any, **claims: bool) -> list[str]:
    return asyncio.run(check_player(player, games, **claims))


def answer(messages: Sequence[Message], choices: Sequence[str] | None) -> str:
    """A move now, a move that may not be legal, or words, as the question has it."""
    options = (choices[0] if choices else "a1", "jab", "I do not know.", "")
    return options[len(messages[-1].content) % len(options)]


def prompt() -> Prompt:
    item = GuidanceItem(Rule((("distance", "far"),), "fireball"))
    return compose(DUEL, base_for(DUEL, "brief"), (item,))


def sketch() -> Sketch:
    situation = {name: values[0] for name, values in DUEL.features.items()}
    judged = Judged("e", 0, "p", " ".join(situation.values()), situation, {"jab": 0.5, "guard": 0.0}, 1.0, "what-if")
    return Sketch.of(pool(DUEL, [judged] * 20), student_base(DUEL))


@pytest.mark.parametrize("style", BOTS)
def test_the_house_bots_keep_it(style: str) -> None:
    assert check(load_bot(style), DUEL) == []


def test_so_does_the_random_bot_everywhere() -> None:
    assert check(load_bot("random"), TICTACTOE, KUHN, LEDUC, ROSHAMBO, load_game("duel+unlisted")) == []


@pytest.mark.parametrize("game", [DUEL, TICTACTOE, KUHN, LEDUC])
def test_so_does_search(game: Any) -> None:
    assert check(load_search("4"), game) == []


def test_so_do_openspiels_own_players() -> None:
    assert check(load_mcts("5"), TICTACTOE) == []
    assert check(OraclePlayer(), TICTACTOE, KUHN) == []


@pytest.mark.parametrize("bot", roshambo_bots())
def test_so_do_the_bots_of_the_competitions(bot: str) -> None:
    assert check(load_roshambo(bot), ROSHAMBO, blind=bot not in OWN_DRAWS) == []


def test_so_does_the_drafter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_drafts(tmp_path / "made.csv.gz", tables=60, cards=60, top=0.7)
    assert check(load_drafter("made.csv.gz"), load_game("draft:made.csv.gz")) == []


def test_so_do_players_with_rules() -> None:
    assert check(follower(prompt(), "follower@rules"), DUEL) == []
    assert check(StandIn("weak", (), Habits({"jab": 3.0}, follows=0.9)), DUEL, TICTACTOE) == []


@pytest.mark.parametrize("game", [DUEL, TICTACTOE])
def test_so_does_a_model_whatever_it_answers(game: Any) -> None:
    assert check(ModelPlayer("m@base", ScriptedModel(answer), "The rules.", "{text} {legal}"), game) == []
    free = prompted(ScriptedModel(answer), compose(game, base_for(game, "full")), game, "m@full")
    assert check(free, game) == []


def test_so_does_a_sketch() -> None:
    assert check(sketch(), DUEL) == []


# Every way of breaking it.

Act = Callable[[Observation, Context], Any]


@dataclass
class Odd:
    act_: Act
    name: Any = "odd"
    model: Any = "odd"
    prompt_id: Any = None

    async def act(self, observation: Observation, context: Context) -> Decision:
        await asyncio.sleep(0)
        return self.act_(observation, context)  # type: ignore[no-any-return]


def first(observation: Observation, context: Context) -> Decision:
    return Decision(observation.legal_moves[0], "", 0.0)


def peeking(observation: Observation, context: Context) -> Decision:
    """Bets by the other's card."""
    state: Any = context.state
    legal = observation.legal_moves
    return Decision(legal[hash(str(state.state)) % len(legal)], "", 0.0)


def meddling(observation: Observation, context: Context) -> Decision:
    context.state.apply({context.seat: observation.legal_moves[0]})
    return first(observation, context)


def failing(observation: Observation, context: Context) -> Decision:
    raise ZeroDivisionError("division by zero")


def leaving(observation: Observation, context: Context) -> Decision:
    raise SystemExit(0)


def wordy(observation: Observation, context: Context) -> Decision:
    raise ValueError("one\ntwo")


def once() -> Act:
    """A decision, and from then on nothing."""
    count = itertools.count()
    return lambda observation, context: None if next(count) else first(observation, context)


def counting() -> Act:
    count = itertools.count()

    def act(observation: Observation, context: Context) -> Decision:
        return Decision(observation.legal_moves[next(count) % len(observation.legal_moves)], "", 0.0)

    return act


@pytest.mark.parametrize(
    ("player", "game", "told"),
    [
        (Odd(first, name="two\nlines"), TICTACTOE, "name is 'two\\nlines'"),
        (Odd(first, prompt_id=7), TICTACTOE, "prompt_id is 7"),
        (Odd(failing), TICTACTOE, "it raised ZeroDivisionError: division by zero"),
        (Odd(lambda *_: "a1"), TICTACTOE, "a Decision is wanted"),
        (Odd(lambda *_: Decision("z9", "", 0.0)), TICTACTOE, "it chose 'z9', which the game refuses"),
        (Odd(lambda *_: Decision(None, "", 0.0)), TICTACTOE, "there is a move if the class is 'move'"),
        (Odd(lambda *_: Decision(None, "", -1.0, ReplyClass.EMPTY)), TICTACTOE, "a latency is seconds"),
        (
            Odd(lambda *_: Decision(None, "", 2.0, ReplyClass.EMPTY, ended=1.0)),
            TICTACTOE,
            "there after 2.0 s cannot end before",
        ),
        (Odd(lambda *_: Decision(None, "", 0.0, ReplyClass.FAULT)), TICTACTOE, "act broke"),
        (Odd(lambda *_: Decision(None, "", 0.0, "empty")), TICTACTOE, "a ReplyClass is wanted"),  # type: ignore[arg-type]
        (Odd(leaving), TICTACTOE, "it raised SystemExit: 0"),
        (Odd(wordy), TICTACTOE, "it raised ValueError: one two"),
        (Odd(once()), TICTACTOE, "' and then None"),
        (Odd(counting()), TICTACTOE, "the same observation and seed gave"),
        (Odd(meddling), TICTACTOE, "deciding changed the state"),
        (Odd(peeking), LEDUC, "where only what it cannot see was different"),
    ],
)
def test_what_breaks_it_is_told(player: Odd, game: Any, told: str) -> None:
    problems = check(player, game)
    assert any(told in problem for problem in problems), problems
    assert len(problems) == len(set(problems)) and all("\n" not in problem for problem in problems)


def test_what_was_found_before_it_raised_is_told_too() -> None:
    def then_raising(observation: Observation, context: Context) -> Decision:
        return Decision(None, "", 0.0) if context.turn == 0 else failing(observation, context)

    problems = check(Odd(then_raising), TICTACTOE)
    assert "there is a move if the class is 'move'" in problems[0] and "it raised ZeroDivisionError" in problems[-1]


def test_names_that_cannot_be_asked_for_are_told() -> None:
    class Nameless(Odd):
        def __getattribute__(self, name: str) -> Any:
            return 1 / 0 if name == "model" else super().__getattribute__(name)

    problems = check(Nameless(first), TICTACTOE)
    assert problems[0].startswith("model raised ZeroDivisionError: division by zero (test_player_contract.py, line ")


@pytest.mark.parametrize("call", ["initial_state", "to_act", "observe", "apply", "accepts", "returns", "belief"])
def test_a_game_that_breaks_is_not_the_players_fault(call: str) -> None:
    game: Any = breaking(call)
    for one, told in ((game, f"in {call}: Zero"), (game.inner, "Zero")):
        problems = check(Odd(first), one)
        assert problems and all(problem.startswith(f"heap itself broke: {told}") for problem in problems), problems


def test_one_that_keeps_what_belongs_to_one_game_is_told() -> None:
    class Forgetful(Odd):
        """Keeps the seed of its last decision between asking and answering."""

        async def act(self, observation: Observation, context: Context) -> Decision:
            self.seed = context.seed
            await asyncio.sleep(0)
            return Decision(observation.legal_moves[self.seed % len(observation.legal_moves)], "", 0.0)

    assert any("asked for at the same time differ" in problem for problem in check(Forgetful(first), TICTACTOE))


def test_who_does_not_claim_to_repeat_itself_need_not() -> None:
    assert check(Odd(counting()), TICTACTOE, repeats=False) == []


def test_what_ends_a_run_ends_the_check() -> None:
    def down(*_: object) -> Decision:
        raise Unavailable("down")

    with pytest.raises(Unavailable):
        check(Odd(down), TICTACTOE)
    with pytest.raises(BadInput, match="plays duel only"):
        check(load_bot("turtle"), TICTACTOE)


def test_the_page_names_the_command(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "own-player.md").read_text(encoding="utf-8")
    code = page.partition("```python\n")[2].partition("\n```")[0]
    scope: Mapping[str, Any] = {}
    exec(compile(code, "counter.py", "exec"), scope)  # type: ignore[arg-type]
    assert check(scope["PLAYER"], DUEL, TICTACTOE) == []
