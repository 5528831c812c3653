"""What a game does not declare is not called, whatever its objects have."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from small_games import Heap, Rope, Told, drawn

from episodes.clock import Clock
from episodes.game import Capabilities, Game, State, cloneable, closable, plan_game, real_time
from episodes.play import Match, play_episode
from episodes.players.search import SearchPlayer
from episodes.record import EpisodeRecord
from episodes.replay import replay
from models.errors import BadInput

PLAIN = {"to_act", "observe", "accepts", "apply", "is_terminal", "returns"}
REAL_TIME = {"tick", "advance", "ready_in", "inputs"}
CLONE = {"clone", "fingerprint", "belief", "legal_moves"}


@dataclass
class Watched:
    """A state that notes what is asked of it, and of its copies."""

    inner: Any
    asked: set[str]

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        found = getattr(self.inner, name)
        if name in ("clone", "belief"):
            return lambda *given: Watched(found(*given), self.asked)
        return found


@dataclass
class Watching:
    """``game`` with watched states that have everything, also what it does not declare."""

    game: Game
    asked: set[str] = field(default_factory=set)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.game, name)

    def initial_state(self, seed: int) -> State:
        state: Any = self.game.initial_state(seed)
        state.close = lambda: None  # nobody may call it
        return Watched(state, self.asked)


def watched(game: Game, *players: Any) -> tuple[EpisodeRecord, set[str]]:
    watching: Any = Watching(game)
    record = asyncio.run(
        play_episode(Match(watching, players or (Told("a", drawn), Told("b", drawn)), 1, Clock("paused")))
    )
    assert replay(record, watching) == []
    return record, watching.asked


EXPECTED: Mapping[str, tuple[Game, set[str]]] = {
    "turns": (Heap(Capabilities()), PLAIN),
    "turns, copies": (Heap(), PLAIN | {"fingerprint"}),
    "time": (Rope(Capabilities()), PLAIN | REAL_TIME),
    "time, copies": (Rope(), PLAIN | REAL_TIME | {"fingerprint"}),
    "another process": (Heap(Capabilities(most_at_once=2)), PLAIN | {"close"}),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_playing_and_replaying_ask_for_what_is_declared(kind: str) -> None:
    game, expected = EXPECTED[kind]
    _, asked = watched(game)
    assert asked <= expected
    assert asked - PLAIN == {name for name in expected - PLAIN if name != "ready_in" or name in asked}


def test_search_copies_only_where_that_is_declared() -> None:
    _, asked = watched(Heap(), SearchPlayer(iterations=5), Told("b", drawn))
    assert asked <= PLAIN | CLONE
    with pytest.raises(BadInput, match="heap: its states cannot be copied"):
        watched(Heap(Capabilities()), SearchPlayer(iterations=5), Told("b", drawn))


def test_a_state_is_given_as_what_it_is_declared_to_be() -> None:
    heap, rope = Heap(Capabilities()), Rope(Capabilities(clone=True, plans=True, most_at_once=1))
    state = heap.initial_state(1)
    assert (real_time(heap, state), cloneable(heap, state), closable(heap, state), plan_game(heap)) == (None,) * 4
    rope_state: Any = rope.initial_state(1)
    given = (real_time(rope, rope_state), cloneable(rope, rope_state), closable(rope, rope_state), plan_game(rope))
    assert all(one is other for one, other in zip(given, (rope_state, rope_state, rope_state, rope), strict=True))
