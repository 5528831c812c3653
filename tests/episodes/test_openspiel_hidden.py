"""What a seat reads never tells what is hidden from it: every hidden event is changed, and its text must stay.

In a random game one event, a draw of chance or another seat's move, is replaced by another that could have happened.
The rest of the game is played again as it was. If the seat's information tensor (which OpenSpiel computes apart from
any text) is the same at the end and another seat's is not, then something hidden was changed: the seat's observation
must be equal to the last letter. OpenSpiel's plain text of a state does not pass this, which shows that it can fail.
"""

import random
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any

import pytest

from episodes.games.openspiel import OpenSpielGame, OpenSpielState, load
from episodes.games.openspiel.loading import load_spiel
from episodes.games.openspiel.plain import plain_telling
from episodes.games.openspiel.words import action_words
from models.errors import BadInput

HIDDEN = [
    "kuhn_poker",
    "kuhn_poker(players=3)",
    "leduc_poker",
    "liars_dice",
    "liars_dice(numdice=2)",
    "goofspiel(num_cards=5,imp_info=True,points_order=descending)",
    "phantom_ttt",
    "dark_hex(num_rows=2,num_cols=2)",
    "dark_hex",
    "battleship(board_width=2,board_height=2,ship_sizes=[1],ship_values=[1],num_shots=2)",
    "gin_rummy(hand_size=7)",
    "bridge(use_double_dummy_result=False)",
    "hearts",
    "euchre",
    "oh_hell",
    "spades",
    "skat",
    "dou_dizhu",
    "hanabi",
    "tiny_bridge_2p",
    "tiny_bridge_4p",
    "tiny_hanabi",
    "first_sealed_auction",
    "universal_poker",
    "latent_ttt",
]
Step = tuple[int, ...]
Read = Callable[[OpenSpielState, int], object]


def recalls(game: Any) -> bool:
    """Whether the game has a tensor of all that a seat has ever seen."""
    kind = game.get_type()
    return bool(kind.provides_information_state_string and kind.provides_information_state_tensor)


def knows(state: Any, seat: int) -> list[float]:
    """The tensor of what ``seat`` knows or, where OpenSpiel has only that, of what it sees."""
    if recalls(state.get_game()):
        return list(state.information_state_tensor(seat))
    return list(state.observation_tensor(seat))


def saw(game: Any, steps: list[Step], seat: int) -> list[list[float]]:
    """What ``seat`` saw along the way, moments at which nothing changed left out."""
    state = game.new_initial_state()
    seen: list[list[float]] = []
    for actions in steps:
        step(state, actions)
        now = [] if state.is_chance_node() else knows(state, seat)
        if now and (not seen or now != seen[-1]):
            seen.append(now)
    return seen


def step(state: Any, actions: Step) -> None:
    if state.is_simultaneous_node():
        state.apply_actions(list(actions))
    else:
        state.apply_action(actions[0])


def options(state: Any) -> list[Step]:
    if state.is_chance_node():
        return [(action,) for action, chance in state.chance_outcomes() if chance > 0]
    if state.is_simultaneous_node():
        rng = random.Random(0)
        seats = range(state.num_players())
        return [tuple(rng.choice(state.legal_actions(seat)) for seat in seats) for _ in range(12)]
    return [(action,) for action in state.legal_actions()]


def again(game: Any, steps: list[Step]) -> Any | None:
    """The game after ``steps``, or ``None`` if one of them is not possible there."""
    state = game.new_initial_state()
    for actions in steps:
        if state.is_terminal() or (len(actions) > 1) != state.is_simultaneous_node():
            return None
        if state.is_simultaneous_node():
            if any(action not in state.legal_actions(seat) for seat, action in enumerate(actions)):
                return None
        elif actions[0] not in state.legal_actions():
            return None
        step(state, actions)
    return None if state.is_terminal() or state.is_chance_node() else state


def acting(state: Any) -> list[int]:
    seats = range(state.num_players())
    return [seat for seat in seats if state.is_simultaneous_node() or seat == state.current_player()]


def swapped(steps: list[Step], at: int, other: Step) -> list[Step]:
    """The history with another event at ``at``; where that card or die is drawn later, the old one is drawn there."""
    return [*steps[:at], other, *(steps[at] if later == other else later for later in steps[at + 1 :])]


def changes(game: Any, seed: int, most: int) -> Iterator[tuple[Any, Any, int]]:
    """Positions of one random game, each beside another that ``seat`` cannot tell from it though somebody else can."""
    rng = random.Random(seed)
    state = game.new_initial_state()
    steps: list[Step] = []
    spots: list[list[Step]] = []
    for _ in range(most):
        if state.is_terminal():
            break
        if not state.is_chance_node() and rng.random() < 0.5:
            yield from _changed(game, state, steps, spots, rng)
        choices = options(state)
        chosen = rng.choice(choices)
        spots.append(choices)
        steps.append(chosen)
        step(state, chosen)


def _changed(
    game: Any, state: Any, steps: list[Step], spots: list[list[Step]], rng: random.Random
) -> Iterator[tuple[Any, Any, int]]:
    for at in rng.sample(range(len(steps)), min(len(steps), 4)):
        others = [other for other in spots[at] if other != steps[at]]
        for other in rng.sample(others, min(len(others), 2)):
            replaced = swapped(steps, at, other)
            changed = again(game, replaced)
            if changed is None or acting(changed) != acting(state):
                continue
            seats = range(game.num_players())
            unlike = [seat for seat in seats if knows(changed, seat) != knows(state, seat)]
            if unlike:
                alike = [seat for seat in seats if seat not in unlike]
                if not recalls(game):
                    alike = [seat for seat in alike if saw(game, steps, seat) == saw(game, replaced, seat)]
                yield from ((state, changed, seat) for seat in alike)


def leaks(game: OpenSpielGame, read: Read) -> tuple[int, list[str]]:
    """How many hidden changes were made in random games, and those that ``read`` shows."""
    tried, shown = 0, []
    every = (found for seed in range(40) for found in changes(game.spiel, seed, 70))
    for one, other, seat in islice(every, 60):
        tried += 1
        first, second = (read(OpenSpielState(game, state, 1), seat) for state in (one, other))
        if first != second:
            shown.append(f"seat {seat} after {one.history()} or {other.history()}:\n{first}\n{second}")
    return tried, shown


@cache
def loaded(name: str) -> OpenSpielGame:
    return load(name)


@pytest.mark.parametrize("name", HIDDEN)
def test_an_observation_does_not_show_what_is_hidden(name: str) -> None:
    tried, shown = leaks(loaded(name), lambda state, seat: state.observe(seat))
    assert shown == []
    assert tried > 20


def test_a_game_whose_own_text_leaks_is_caught_and_refused() -> None:
    with pytest.raises(BadInput, match="shows what is hidden"):
        load("go_fish")
    spiel = load_spiel("go_fish")
    words = action_words(spiel)
    leaking = OpenSpielGame("go_fish", spiel, plain_telling(spiel, words), words)
    assert leaks(leaking, lambda state, seat: state.observe(seat))[1]


@pytest.mark.parametrize("name", HIDDEN)
def test_the_plain_text_of_the_state_would_show_it(name: str) -> None:
    tried, shown = leaks(loaded(name), lambda state, seat: str(state.state))
    assert len(shown) > tried / 2
