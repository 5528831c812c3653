"""Several seats at one table: ``draft:FILE(seats=8)``. Real packs are opened, passed left, right, left, and emptied.

The packs are those that top drafters of held-out hours opened. A pool is worth the mean value of its best cards, as
many as a deck has; a card's value is how early top drafters of the training hours took it. A seat's return is that of
its pool less the mean of the others' pools, so returns sum to zero. Whether the cards go together is not judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from statistics import fmean

from episodes.game import Capabilities, Move, Observation
from episodes.games.draft.drafts import Card
from episodes.games.draft.prepared import Prepared
from episodes.games.draft.view import FEATURES, TERMS, View, came_back, listed, phrase, read_card
from models.errors import BadInput

DECK = 23
"""Cards of a pool that a deck of forty has beside its lands."""


@dataclass(frozen=True)
class TableGame:
    """A table of ``seats`` players."""

    name: str
    prepared: Prepared
    seats: int

    tick_rate = None
    features = FEATURES

    @property
    def moves(self) -> tuple[Move, ...]:
        return self.prepared.facts.cards

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(terms=(*TERMS, self.prepared.facts.expansion))

    @property
    def rules(self) -> str:
        facts = self.prepared.facts
        takes = "a card" if facts.takes == 1 else f"{facts.takes} cards"
        return (
            f"A booster draft of Magic: The Gathering ({facts.expansion}, {facts.event}) with {self.seats} players. "
            f"Each opens a pack, takes {takes} from it into their pool and passes the rest on, to the left in the "
            f"first round, to the right in the second, and so on; {facts.rounds} rounds in all. At the end a pool is "
            f"worth the mean value of its best {DECK} cards, where a card's value is how early the best drafters take "
            "it; who has the best pool wins. Answer with the name of one card of the pack; who names none gets the "
            "worst."
        )

    @cached_property
    def values(self) -> dict[Card, float]:
        """What each card counts, from 0 to 1."""
        counts = self.prepared.counts("all cards")
        return dict(zip(counts.cards, counts.values().tolist(), strict=True))

    def initial_state(self, seed: int) -> "TableState":
        facts = self.prepared.facts
        rounds = [self._packs(seed, number) for number in range(facts.rounds)]
        return TableState(self, rounds)

    def _packs(self, seed: int, number: int) -> list[tuple[Card, ...]]:
        """A pack for each seat, all of one size; no pack is at the table twice."""
        drafts, size = self.prepared.facts.sides["held-out"], self.prepared.facts.pack
        found: list[tuple[Card, ...]] = []
        for position in Random(f"table {seed}").sample(range(drafts), drafts):
            picks = self.prepared.draft("held-out", position).picks
            opened = next((one.pack for one in picks if (one.pack_number, one.pick_number) == (number, 0)), ())
            if len(opened) == size:
                found.append(opened)
            if len(found) == self.seats:
                return found
        raise BadInput(
            f"{self.prepared.path} has only {len(found)} held-out packs of {size} cards for round {number + 1}: too "
            f"few for a table of {self.seats}"
        )

    def phrase(self, feature: str, value: str) -> str:
        return phrase(feature, value)

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        return read_card(reply, self.moves, observation.legal_moves)


@dataclass
class TableState:
    """``packs`` and ``pools`` by seat; ``seen``: the packs that each seat has had in this round; ``picks`` of it."""

    game: TableGame
    rounds: list[list[tuple[Card, ...]]]
    number: int = 0
    picks: int = 0
    packs: list[tuple[Card, ...]] = field(init=False)
    pools: list[tuple[Card, ...]] = field(init=False)
    seen: list[list[tuple[Card, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        self.pools = [()] * self.game.seats
        self._open()
        self._settle()

    def _open(self) -> None:
        self.packs = list(self.rounds[self.number])
        self.picks = 0
        self.seen = [[] for _ in range(self.game.seats)]

    def to_act(self) -> tuple[int, ...]:
        return tuple(seat for seat, pack in enumerate(self.packs) if len(set(pack)) > 1)

    def observe(self, seat: int) -> Observation:
        view = self._view(seat)
        if self.is_terminal():
            return Observation(f"The draft is over. Your pool: {listed(view.pool)}.", view.situation(), ())
        return view.observation()

    def _view(self, seat: int) -> View:
        pack = self.packs[seat]
        number = self.picks // self.game.prepared.facts.takes
        return View(self.number, number, pack, self.pools[seat], came_back(pack, self.seen[seat]))

    def accepts(self, seat: int, move: Move) -> bool:
        return seat in self.to_act() and move in self.packs[seat]

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        """Everybody takes a card; a card that is not in the seat's pack is a ``ValueError``."""
        for seat, move in moves.items():
            if move is not None and not self.accepts(seat, move):
                raise ValueError(f"{move} is not in the pack of seat {seat}")
        self._take(moves)
        self._settle()

    def _settle(self) -> None:
        """Take what nobody has a choice about, until somebody has one or all packs are empty."""
        while not self.to_act() and not self.is_terminal():
            self._take({})

    def _take(self, moves: Mapping[int, Move | None]) -> None:
        takes, values = self.game.prepared.facts.takes, self.game.values
        for seat, pack in enumerate(self.packs):
            if not pack:
                continue
            card = moves.get(seat) or min(pack, key=lambda one: (values[one], one))
            at = pack.index(card)
            self.seen[seat].append(pack)
            self.packs[seat] = pack[:at] + pack[at + 1 :]
            self.pools[seat] += (card,)
        self.picks += 1
        if not any(self.packs) and self.number + 1 < len(self.rounds):
            self.number += 1
            self._open()
        elif self.picks % takes == 0:
            step = 1 if self.number % 2 == 0 else -1
            self.packs = [self.packs[(seat - step) % len(self.packs)] for seat in range(len(self.packs))]

    def is_terminal(self) -> bool:
        return not any(self.packs)

    def returns(self) -> tuple[float, ...]:
        """All 0 until the end."""
        if not self.is_terminal():
            return (0.0,) * len(self.pools)
        worth = [pool_value(pool, self.game.values) for pool in self.pools]
        others = len(worth) - 1
        return tuple(one - (sum(worth) - one) / others for one in worth)


def pool_value(pool: tuple[Card, ...], values: Mapping[Card, float]) -> float:
    """The mean value of the best ``DECK`` cards, in [0, 1]."""
    return fmean(sorted((values[card] for card in pool), reverse=True)[:DECK])
