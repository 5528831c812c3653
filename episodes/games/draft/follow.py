"""One seat in a human's place: ``draft:FILE``. At every pick it sees what a top drafter saw, and says what to take.

Whatever it says, the human's card goes into the pool: so all players are asked the same questions, and their answers
can be compared. The score is the share of picks on which seat and human agree. A pick of a single card is nobody's
choice and is not asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from episodes.game import Capabilities, Move, Observation
from episodes.games.draft.drafts import Card, Draft
from episodes.games.draft.prepared import Prepared
from episodes.games.draft.split import Side, without_unseen
from episodes.games.draft.view import FEATURES, TERMS, View, came_back, listed, phrase, read_card


@dataclass(frozen=True, slots=True)
class Question:
    """A pick with a choice, and the cards that the human took of it and still had to take."""

    view: View
    wanted: tuple[Card, ...]


def questions(draft: Draft) -> tuple[Question, ...]:
    """What a draft asks, in order. Two cards taken of one pack are two questions."""
    found: list[Question] = []
    seen: dict[int, list[tuple[Card, ...]]] = {}
    for pick, pool in zip(draft.picks, draft.pools(), strict=True):
        earlier = seen.setdefault(pick.pack_number, [])
        back = came_back(pick.pack, earlier)
        earlier.append(pick.pack)
        pack = list(pick.pack)
        for number, card in enumerate(pick.taken):
            view = View(pick.pack_number, pick.pick_number, tuple(pack), pool + pick.taken[:number], back)
            if len(view.choices) > 1:
                found.append(Question(view, pick.taken[number:]))
            pack.remove(card)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class FollowGame:
    """The drafts of one side of a file; training drafts come without the held-out cards."""

    name: str
    prepared: Prepared
    side: Side

    seats = 1
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
        return (
            f"You take part in a booster draft of Magic: The Gathering ({facts.expansion}, {facts.event}). Everybody "
            "at the table opens a pack, takes a card from it into their pool and passes the rest on; when the packs "
            f"are empty the next ones are opened, {facts.rounds} rounds in all. You sit in the place of one of the "
            "best drafters: you see their packs and the pool that they had then. Of every pack name the one card that "
            "makes the deck that you will build of your pool strongest. Your score is the share of picks in which you "
            "take what they took. Answer with the name of one card of the pack."
        )

    @property
    def drafts(self) -> int:
        """How many drafts there are; the seeds from 0 on draw them one after the other."""
        return self.prepared.facts.sides[self.side]

    def draft(self, seed: int) -> Draft:
        """The human's draft that ``seed`` draws."""
        draft = self.prepared.draft(self.side, seed % self.drafts)
        return without_unseen(draft) if self.side == "train" else draft

    def initial_state(self, seed: int) -> "FollowState":
        draft = self.draft(seed)
        pool = tuple(card for pick in draft.picks for card in pick.taken)
        return FollowState(questions(draft), pool)

    def phrase(self, feature: str, value: str) -> str:
        return phrase(feature, value)

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        return read_card(reply, self.moves, observation.legal_moves)


class FollowState:
    """``at`` the question that is asked now; ``agreed`` of those before it were answered as the human did."""

    def __init__(self, asked: tuple[Question, ...], pool: tuple[Card, ...]) -> None:
        self._questions = asked
        self._pool = pool
        self.at = 0
        self.agreed = 0

    @property
    def wanted(self) -> tuple[Card, ...]:
        """What the human took here."""
        return self._questions[self.at].wanted

    def to_act(self) -> tuple[int, ...]:
        return () if self.is_terminal() else (0,)

    def observe(self, seat: int) -> Observation:
        if self.is_terminal():
            situation = View(3, 14, (), self._pool, False).situation()
            return Observation(f"The draft is over. The pool: {listed(self._pool)}.", situation, ())
        return self._questions[self.at].view.observation()

    def accepts(self, seat: int, move: Move) -> bool:
        return not self.is_terminal() and move in self._questions[self.at].view.pack

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        """No decision disagrees; a card that is not in the pack is a ``ValueError``."""
        move = moves[0]
        if move is not None and not self.accepts(0, move):
            raise ValueError(f"{move} is not in the pack")
        self.agreed += move in self.wanted
        self.at += 1

    def is_terminal(self) -> bool:
        return self.at == len(self._questions)

    def returns(self) -> tuple[float, ...]:
        """Agreements less disagreements, over all questions of the draft."""
        if not self._questions:
            return (0.0,)
        return ((2 * self.agreed - self.at) / len(self._questions),)
