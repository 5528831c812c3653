"""What a drafter sees, as text and as a situation: the pack, and the cards taken so far. Nothing of other seats.

A 17lands file knows cards by name only; so do these features.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from episodes.game import Move, Observation, last_named, plain
from episodes.games.draft.drafts import Card

_ROUNDS = ("first", "second", "third", "later")
_YES_NO = ("yes", "no")
FEATURES: Mapping[str, tuple[str, ...]] = {
    "round": _ROUNDS,
    "phase": ("early", "middle", "late"),
    "offered": ("many", "some", "few"),
    "back": _YES_NO,
    "copies": _YES_NO,
}
_PHRASES = {
    **{("round", value): f"the pack is of the {value} round" for value in _ROUNDS[:3]},
    ("round", "later"): "the pack is of a later round than the third",
    ("phase", "early"): "the pick is one of the first four of its round",
    ("phase", "middle"): "the pick is between the fifth and the ninth of its round",
    ("phase", "late"): "the pick is the tenth of its round or a later one",
    ("offered", "many"): "the pack offers ten different cards or more",
    ("offered", "some"): "the pack offers between four and nine different cards",
    ("offered", "few"): "the pack offers two or three different cards",
    ("back", "yes"): "the pack has come round again",
    ("back", "no"): "the pack has not been seen before",
    ("copies", "yes"): "a card of the pack is in your pool already",
    ("copies", "no"): "no card of the pack is in your pool",
}
_NOTHING = "nothing yet"
_SPLIT = " // "
_POOL = re.compile(r"^Your \w+ \(\d+ \w+\): (?P<cards>.*)\.$", re.M)
_ENTRY = re.compile(r"(?P<name>.+?)(?: \(x(?P<copies>\d+)\))?")
TERMS = ("Magic: The Gathering", "booster draft", "booster", "draft", "pool", "pack", "packs", "card", "cards")
"""Words by which a reader would know what is played."""


@dataclass(frozen=True, slots=True)
class View:
    """One pick as its seat sees it. Numbers count from 0; ``back``: the pack may be one that this seat passed on."""

    pack_number: int
    pick_number: int
    pack: tuple[Card, ...]
    pool: tuple[Card, ...]
    back: bool

    @property
    def choices(self) -> tuple[Card, ...]:
        """The different cards of the pack."""
        return tuple(dict.fromkeys(self.pack))

    def observation(self) -> Observation:
        text = (
            f"Pack {self.pack_number + 1}, pick {self.pick_number + 1}.\n"
            f"Your pool ({_cards(len(self.pool))}): {listed(self.pool) or _NOTHING}.\n"
            f"The pack ({_cards(len(self.pack))}): {listed(self.pack)}."
        )
        return Observation(text, self.situation(), self.choices)

    def situation(self) -> dict[str, str]:
        offered, number = len(self.choices), self.pick_number
        return {
            "round": _ROUNDS[min(self.pack_number, 3)],
            "phase": "early" if number < 4 else "middle" if number < 9 else "late",
            "offered": "many" if offered >= 10 else "some" if offered >= 4 else "few",
            "back": "yes" if self.back else "no",
            "copies": "no" if set(self.pool).isdisjoint(self.pack) else "yes",
        }


def came_back(pack: tuple[Card, ...], earlier: Iterable[tuple[Card, ...]]) -> bool:
    """Whether a pack may be what was left of one of the ``earlier`` ones of its round."""
    now = Counter(pack)
    return any(now < Counter(one) for one in earlier)


def listed(cards: Iterable[Card]) -> str:
    """Cards in the order given, copies counted; names may hold commas, so semicolons part them."""
    return "; ".join(f"{card} (x{count})" if count > 1 else card for card, count in Counter(cards).items())


def read_pool(text: str) -> tuple[Card, ...] | None:
    """The pool that an observation's text lists, or ``None`` where the text is none of a draft."""
    found = _POOL.search(text)
    if found is None:
        return None
    cards: list[Card] = []
    for entry in found["cards"].split("; "):
        card = _ENTRY.fullmatch(entry)
        cards += [card["name"]] * int(card["copies"] or 1) if card and entry != _NOTHING else []
    return tuple(cards)


def _cards(number: int) -> str:
    return "1 card" if number == 1 else f"{number} cards"


def phrase(feature: str, value: str) -> str:
    """A clause that says ``feature`` is ``value``."""
    return _PHRASES[feature, value]


def read_card(reply: str, moves: tuple[Move, ...], choices: tuple[Move, ...]) -> Move | None:
    """The card that a reply names: itself if it is nothing but a name, else the last one named of the pack, or of all.

    A name may be part of another one, and reasons name other cards; so the pack comes first. Accents, the kind of
    apostrophe and the second half of a split card (`Fire // Ice`) may be missing.
    """
    bare = plain(reply).strip(" \n\"'*.")
    for known in (choices, moves):
        if card := _called(known).get(bare):
            return card
    for known in (choices, moves):
        called = _called(known)
        if name := last_named(reply, tuple(called)):
            return called[name]
    return None


@lru_cache(maxsize=256)
def _called(cards: tuple[Move, ...]) -> Mapping[str, Move]:
    """Cards by their names in plain letters, and split ones by their first halves, where those are nobody else's."""
    names = {plain(card): card for card in cards}
    halves = {name: name.partition(_SPLIT)[0] for name in names if _SPLIT in name}
    shared = Counter(halves.values())
    return {half: names[name] for name, half in halves.items() if shared[half] == 1} | names
