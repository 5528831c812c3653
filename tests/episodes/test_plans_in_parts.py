"""Plans that arrive in parts: the first move plays before the reply ends, the rest when it has, and nothing is lost."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from small_games import Rope, Told, drawn

from episodes.clock import Clock
from episodes.games.duel import Duel
from episodes.games.duel.engine import DuelState
from episodes.games.duel.plans import first_step, read_plan
from episodes.games.duel.words import FEATURES, MOVES
from episodes.play import Match, play_episode
from episodes.player import ReplyClass
from episodes.players.model import ModelPlayer
from episodes.record import EpisodeRecord
from episodes.replay import fates_of, frames, replay
from episodes.store.store import Store
from models.chat import ChatRequest, Completion, FinishReason, Usage
from models.endpoint import Endpoint
from models.errors import TimedOut
from reflect.branch import branch_at

PIECE = 0.03
"""Seconds from one piece of a reply to the next: two ticks."""


@dataclass
class Slow:
    """A chat model that writes ``pieces``, one every ``PIECE`` seconds, and ends ``after`` seconds later."""

    pieces: Sequence[str]
    after: float = 0.0
    finish: FinishReason = "stop"
    fails: bool = False
    name: str = "slow"
    endpoint: Endpoint = field(default_factory=lambda: Endpoint("fake"))
    streams: bool = True

    async def complete(self, request: ChatRequest) -> Completion:
        text, started = "", time.perf_counter()
        for piece in self.pieces:
            await asyncio.sleep(PIECE)
            text += piece
            if request.on_text:
                request.on_text(text)
        await asyncio.sleep(self.after)
        if self.fails:
            raise TimedOut("no end in sight")
        return Completion(text, Usage(5, 5), time.perf_counter() - started, self.finish)

    async def close(self) -> None:
        return


@dataclass(frozen=True, slots=True)
class Short(Duel):
    """A duel of three seconds."""

    def initial_state(self, seed: int) -> DuelState:
        state = Duel.initial_state(self, seed)
        state.rules = replace(state.rules, round_ticks=180)
        return state


def play(chat: Slow, clock: str = "measured") -> EpisodeRecord:
    player = ModelPlayer("slow@base", chat, "rules", "{text}", constrained=False)
    match = Match(Short(), (player, Told("b", lambda seen, context: "guard")), 2, Clock.parse(clock))
    record = asyncio.run(play_episode(match))
    assert replay(record, Short()) == []
    return record


def own(record: EpisodeRecord) -> list[int]:
    return [turn.n for turn in record.turns if turn.seat == 0 and turn.order >= 0]


def test_the_first_move_takes_effect_before_the_reply_ends() -> None:
    record = play(Slow(["jab;", " heavy;", " guard"], after=0.2))
    turn = record.turns[own(record)[0]]
    assert turn.move == "jab; heavy; guard"
    assert turn.split is not None
    assert (turn.split.first, turn.split.rest) == ("jab", "heavy; guard")
    assert turn.ended_ms is not None
    assert 1000 * PIECE <= turn.latency_ms <= turn.ended_ms - 200 - 2000 * PIECE
    assert turn.lands + 12 <= turn.split.lands


def test_the_first_input_of_a_plan_is_never_lost() -> None:
    """Not even where the rest arrives before the first move could start."""
    for pieces, after in ((["jab; heavy; guard"], 0.0), (["jab;", " heavy; guard"], 0.1), (["jab;", " throw"], 0.4)):
        record = play(Slow(pieces, after))
        fates = fates_of(record)
        landed = [turn for turn in record.turns if turn.seat == 0 and turn.order >= 0]
        assert len(landed) >= 2
        for turn in landed[:-1]:
            jabs = [given.fate for given in fates[turn.n] if given.move == "jab"]
            assert "played" in jabs or jabs == ["superseded"]
        played = [
            given for given in record.inputs if given.seat == 0 and given.move == "jab" and given.fate == "played"
        ]
        assert len(played) >= len(landed) - 1


def test_one_move_in_a_long_reply_is_charged_when_it_was_there() -> None:
    record = play(Slow(["jab\n", "because it is quick", " and he is near"], after=0.1))
    turn = record.turns[own(record)[0]]
    assert (turn.move, turn.split) == ("jab", None)
    assert turn.ended_ms is not None
    assert 1000 * PIECE <= turn.latency_ms <= turn.ended_ms - 100 - 2000 * PIECE


def test_what_was_played_stays_played() -> None:
    """The reply goes on as no plan, gets too long, is cut off, or never ends: its first move counts all the same."""
    for chat in (
        Slow(["jab;", " no, wait"]),
        Slow(["jab;", " jab; jab; jab; jab"]),
        Slow(["jab;", " hea"], finish="length"),
        Slow(["jab;"], fails=True),
    ):
        turn = play(chat).turns[0]
        assert (turn.reply_class, turn.move) == (ReplyClass.MOVE, "jab"), chat
    refused = play(Slow(["jab;"], finish="refusal")).turns[0]
    assert (refused.reply_class, refused.move) == (ReplyClass.REFUSED, None)


def test_a_call_made_again_begins_anew() -> None:
    @dataclass
    class Again(Slow):
        async def complete(self, request: ChatRequest) -> Completion:
            assert request.on_text is not None
            request.on_text("throw;")
            await asyncio.sleep(PIECE)
            return await super().complete(request)

    turn = play(Again(["jab;", " guard"])).turns[0]
    assert turn.move == "jab; guard"
    assert turn.split is not None
    assert turn.split.first == "jab"


def test_a_clock_that_does_not_measure_takes_the_plan_whole() -> None:
    for clock in ("paused", "simulated:100"):
        turn = play(Slow(["jab;", " guard"], after=0.05), clock).turns[0]
        assert (turn.move, turn.split) == ("jab; guard", None)


def test_a_split_plan_is_stored_shown_and_branched(tmp_path: Path) -> None:
    record = play(Slow(["jab;", " heavy; guard"], after=0.2))
    with Store.open(tmp_path / "s.db") as store:
        store.save(record)
        assert store.episode(record.id) == record
    n = own(record)[1]
    branch = branch_at(record, Short(), n)
    assert isinstance(branch.state, DuelState)
    assert branch.state.tick == record.turns[n].lands
    assert branch.legal
    first = next(frame for frame in frames(record, Short()) if frame.turn)
    assert [given.move for given in first.fates] in (["jab", "heavy", "guard"], ["guard"])


STEP = st.builds(
    lambda move, condition: move + (f" if {condition}" if condition else ""),
    st.sampled_from(MOVES),
    st.none() | st.sampled_from([value for values in FEATURES.values() for value in values]),
)
WORD = st.sampled_from([";", "; ", "\n", " ", ".", "and", "then", "`", "if near", *MOVES]) | STEP


@given(st.lists(WORD, max_size=8).map("".join), st.text(alphabet=";\n .jab`", max_size=6), st.data())
def test_no_text_takes_a_first_move_back(text: str, more: str, data: st.DataObject) -> None:
    whole = text + more
    first = first_step(whole[: data.draw(st.integers(0, len(whole)))])
    if first is not None:
        plan = read_plan(whole)
        assert plan is not None
        assert plan.partition(";")[0].strip() == first


def test_a_plan_at_the_beginning_counts_and_otherwise_the_last() -> None:
    assert read_plan("jab; heavy if landed\nThen I would throw.") == "jab; heavy if landed"
    assert read_plan("**jab**\nthrow") == "jab"
    assert read_plan("Jab is weak here, so: throw") == "throw"
    assert first_step("jab") is None
    assert first_step("JAB ;") == "jab"
    assert first_step("jab if near;") is None
    assert first_step("I jab;") is None


def test_players_of_games_without_plans_are_not_listened_to() -> None:
    player = ModelPlayer("slow@base", Slow(["push"]), "rules", "{text}", constrained=False)
    record = asyncio.run(play_episode(Match(Rope(), (player, Told("b", drawn)), 2, Clock("measured"))))
    assert all(turn.ended_ms is None for turn in record.turns)
