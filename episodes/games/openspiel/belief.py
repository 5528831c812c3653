"""What a seat may believe a position to be: another one that looks the same to it, drawn at random.

Three ways, by name: ``open`` (nothing is hidden), ``resample`` (OpenSpiel's own sampler of the game), ``replay`` (the
game played again from its start, whatever is hidden drawn anew, as long as everything looks to the seat as it did).
Replays are drawn by backtracking, so what can still be true is found, though not always with its exact probability.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from episodes.games.openspiel.plain import hides, sources_of
from episodes.games.openspiel.words import play_at_random
from models.errors import BadInput

Imagining = Literal["open", "resample", "replay"]

MOST_STEPS = 1 << 16
"""Positions that the longest search for one replay may look at."""
_FIRST_SEARCH = 1 << 6
_TRIAL_GAMES, _TRIAL_STEPS = 2, 1 << 13
_TOO_LARGE = {"bridge"}
"""Games in which even trying takes too long."""
_SAMPLED = {
    "bargaining",
    "blackjack",
    "euchre",
    "gin_rummy",
    "hearts",
    "kuhn_poker",
    "leduc_poker",
    "oh_hell",
    "universal_poker",
}
"""Games for which OpenSpiel has a sampler, and a quick one."""


def imagining(spiel: Any) -> Imagining | None:
    """The way that works for this game: tried on a few random games, the same ones every time."""
    if not hides(spiel):
        return "open"
    if spiel.get_type().short_name in _TOO_LARGE:
        return None
    way: Imagining = "resample" if spiel.get_type().short_name in _SAMPLED else "replay"
    return way if _works(spiel, way) else None


def _works(spiel: Any, way: Imagining) -> bool:
    rng = random.Random("ways to imagine")
    for _ in range(_TRIAL_GAMES):
        state = spiel.new_initial_state()
        while not state.is_terminal():
            if not state.is_chance_node():
                for seat in range(spiel.num_players()):
                    try:
                        other = imagined(state, seat, way, rng, _TRIAL_STEPS)
                    except BadInput:
                        return False
                    if look(other, seat) != look(state, seat):
                        return False
            play_at_random(state, rng)
    return True


def look(state: Any, seat: int) -> tuple[Any, ...]:
    """Everything by which ``seat`` could tell one position from another, its own moves included."""
    seen = tuple(getattr(state, source)(seat) for source in sources_of(state.get_game()))
    own = tuple(one.action for one in state.full_history() if one.player == seat)
    acts = state.is_simultaneous_node() or state.current_player() == seat
    return (*seen, own, tuple(state.legal_actions(seat)) if acts else None)


def imagined(state: Any, seat: int, way: Imagining, rng: random.Random, most: int = MOST_STEPS) -> Any:
    """A position that looks to ``seat`` like ``state``, of OpenSpiel's own kind.

    Raises ``BadInput`` where a replay did not find one within ``most`` steps.
    """
    if way == "open":
        return state.clone()
    if way == "resample":
        return state.resample_from_infostate(seat, rng.random)
    return _replayed(state, seat, rng, most)


def _replayed(state: Any, seat: int, rng: random.Random, most: int) -> Any:
    """Searches from the start, each for twice as long as the one before: a wrong guess made early is soon forgotten."""
    quest = _Quest(state.get_game(), seat, look(state, seat), _looks_on_the_way(state, seat))
    steps = _FIRST_SEARCH
    while steps <= most:
        found = quest.search(rng, steps)
        if found is not None:
            return found
        steps *= 2
    raise BadInput(
        f"{state.get_game().get_type().short_name}: what player {seat + 1} cannot see could not be imagined within "
        f"{most} steps; this game is too large for a search here"
    )


@dataclass(frozen=True, slots=True)
class _Quest:
    """A position that looks to ``seat`` like ``goal``, on a way on which the game looked as it did: ``seen``."""

    game: Any
    seat: int
    goal: tuple[Any, ...]
    seen: list[tuple[Any, ...]]

    def search(self, rng: random.Random, steps: int) -> Any | None:
        """Depth first, in random order, over at most ``steps`` positions."""
        stack = [(0, iter([self.game.new_initial_state()]))]
        for _ in range(steps):
            if not stack:
                break
            at, following = stack[-1]
            here = next(following, None)
            if here is None:
                stack.pop()
                continue
            now = _glance(here, self.seat)
            if now != self.seen[at]:
                if at + 1 == len(self.seen) or now != self.seen[at + 1]:
                    continue
                at += 1
            if here.is_terminal():
                continue
            if at + 1 == len(self.seen) and not here.is_chance_node() and look(here, self.seat) == self.goal:
                return here
            stack.append((at, _children(here, self.seat, self.goal[-2], rng)))
        return None


def _glance(state: Any, seat: int) -> tuple[Any, ...]:
    """``look`` without what takes long and follows from it."""
    return tuple(getattr(state, source)(seat) for source in sources_of(state.get_game()))


def _looks_on_the_way(state: Any, seat: int) -> list[tuple[Any, ...]]:
    """How the game looked to ``seat`` from its start to here; what looked the same one after the other counts once."""
    game = state.get_game()
    past = game.new_initial_state()
    looks = [_glance(past, seat)]
    moves = list(state.full_history())
    while moves:
        if past.is_simultaneous_node():
            past.apply_actions([one.action for one in moves[: game.num_players()]])
            moves = moves[game.num_players() :]
        else:
            past.apply_action(moves.pop(0).action)
        now = _glance(past, seat)
        if now != looks[-1]:
            looks.append(now)
    return looks


def _children(state: Any, seat: int, own: tuple[int, ...], rng: random.Random) -> Iterator[Any]:
    """The positions after ``state`` in random order; ``seat`` does what it did, ``own`` from the start."""
    made = sum(one.player == seat for one in state.full_history())
    mine = own[made] if made < len(own) else None
    if state.is_simultaneous_node():
        yield from _joint_children(state, seat, mine, rng)
        return
    if state.is_chance_node():
        # Likely outcomes come first: exponential draws over the chances sort like drawing without replacement.
        draws = sorted((rng.expovariate(chance), action) for action, chance in state.chance_outcomes() if chance > 0)
        actions = [action for _, action in draws]
    elif state.current_player() == seat:
        actions = [mine] if mine in state.legal_actions() else []
    else:
        actions = state.legal_actions()
        rng.shuffle(actions)
    for action in actions:
        yield state.child(action)


def _joint_children(state: Any, seat: int, mine: int | None, rng: random.Random) -> Iterator[Any]:
    """After a simultaneous move: the others' moves are drawn one by one, without repeats, as long as a search asks."""
    tried: set[tuple[int, ...]] = set()
    choices = [
        ([mine] if mine is not None else []) if player == seat else state.legal_actions(player) or [0]
        for player in range(state.num_players())
    ]
    total = 1
    for options in choices:
        total *= len(options)
    while len(tried) < total:
        joint = tuple(rng.choice(options) for options in choices)
        if joint not in tried:
            tried.add(joint)
            child = state.clone()
            child.apply_actions(list(joint))
            yield child
