"""Names for actions: OpenSpiel's own, made into words that can be typed, where an action is called the same everywhere.

Where what an action is called depends on the position (chess: "Nf3"), it is ``action-N`` instead, and the text of an
observation says what each means there.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from episodes.game import Move

_GAMES, _PLIES = 3, 300
"""Random games in which actions are looked at before their names are trusted."""
_WHO = re.compile(r"^\s*(?:\[P\d+\]|Pl\d+:|p\d+:|Player:? ?\d+(?: Action:)?|player=\d+ move=)\s*")
_SIGNS = str.maketrans({"♣": "c", "♦": "d", "♥": "h", "♠": "s", "*": "x", "\\": "b", "/": "f", "@": "a"})

Names = Mapping[tuple[int, int], str]
"""What OpenSpiel calls an action of a seat, by seat and action."""


def action_words(spiel: Any) -> tuple[tuple[Move, ...], ...]:
    """A word for every action of every seat; no seat has a word twice."""
    names = _names(spiel) or {}
    actions = range(spiel.num_distinct_actions())
    found = []
    for seat in range(spiel.num_players()):
        slugs = [slug(names.get((seat, action), "")) for action in actions]
        often = Counter(slugs)
        found.append(tuple(one if one and often[one] == 1 else f"action-{n}" for n, one in enumerate(slugs)))
    return tuple(found)


def slug(name: str) -> Move:
    """``name`` in lower case, without the player's name before it, everything but letters and digits a hyphen.

    >>> slug("Pl0: shoot at (3, 8)"), slug("[P1]Bid: 4"), slug("1♣"), slug("a5b6*")
    ('shoot-at-3-8', 'bid-4', '1c', 'a5b6x')
    """
    plain = _WHO.sub("", name).translate(_SIGNS).lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _names(spiel: Any) -> dict[tuple[int, int], str] | None:
    """OpenSpiel's names, or ``None`` if one action was seen under two.

    Positions are asked about actions that are not legal in them only if no two legal ones disagreed: some games crash.
    """
    import pyspiel

    seen: dict[tuple[int, int], str] = {}
    first: Any = None
    for state in _positions(spiel):
        first = state.clone() if first is None else first
        for seat in range(spiel.num_players()):
            for action in state.legal_actions(seat):
                name = state.action_to_string(seat, action)
                if seen.setdefault((seat, action), name) != name:
                    return None
    named = dict(seen)
    for seat in range(spiel.num_players()):
        for action in range(spiel.num_distinct_actions()):
            try:
                name = first.action_to_string(seat, action)
            except pyspiel.SpielError:
                continue
            if named.setdefault((seat, action), name) != name:
                return None
    return named


def _positions(spiel: Any) -> Iterator[Any]:
    """Positions of a few random games in which somebody is to act; the same every time."""
    rng = random.Random("names of actions")
    for _ in range(_GAMES):
        state = spiel.new_initial_state()
        for _ in range(_PLIES):
            if state.is_terminal():
                break
            if not state.is_chance_node():
                yield state
            play_at_random(state, rng)


def play_at_random(state: Any, rng: random.Random) -> None:
    """One step of OpenSpiel's ``state``: a draw of chance, or a random action of whoever is to act."""
    if state.is_chance_node():
        actions, chances = zip(*state.chance_outcomes(), strict=True)
        state.apply_action(rng.choices(actions, chances)[0])
    elif state.is_simultaneous_node():
        seats = range(state.num_players())
        state.apply_actions([rng.choice(state.legal_actions(seat) or [0]) for seat in seats])
    else:
        state.apply_action(rng.choice(state.legal_actions()))
