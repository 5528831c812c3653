"""The telling of any game: what OpenSpiel itself says that a seat may know, and how often the seat has moved.

Where something is hidden, the seat reads its information state (or its observation, where there is none), never the
whole position: OpenSpiel's plain text of a state shows everybody's cards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from episodes.game import Move
from episodes.games.openspiel.boards import PHASES, PHRASES, phase
from episodes.games.openspiel.telling import ANSWER
from episodes.games.openspiel.words import slug

_MADE = ("none", "one", "two", "more")
_MADE_PHRASES = {
    "none": "you have made no move yet",
    "one": "you have made one move",
    "two": "you have made two moves",
    "more": "you have made three moves or more",
}
Source = Literal["information_state_string", "observation_string"]
SHOWN = 40
"""Moves of the history that the text lists, the latest."""


@dataclass(frozen=True, slots=True)
class PlainTelling:
    """``open`` says that every seat sees everything; ``sources`` are the texts of OpenSpiel that a seat reads.

    ``words`` are the game's; ``about`` is its rules in a sentence or two.
    """

    title: str
    about: str
    words: tuple[tuple[Move, ...], ...]
    open: bool
    sources: tuple[Source, ...]

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        return {"phase": PHASES} if self.open else {"moves_made": _MADE}

    @property
    def rules(self) -> str:
        return f"{self.about} {ANSWER}"

    @property
    def terms(self) -> tuple[str, ...]:
        return (self.title,)

    def phrase(self, feature: str, value: str) -> str:
        return PHRASES[feature, value] if feature == "phase" else _MADE_PHRASES[value]

    def told(self, state: Any, seat: int) -> str:
        """OpenSpiel's own text for ``seat``."""
        texts = [str(getattr(state, source)(seat)).strip() for source in self.sources]
        # An observation is read beside the information state where it is drawn, as a board is, and adds a picture.
        drawn = [text for text in texts[1:] if "\n" in text and text not in texts[0]]
        return "\n".join([*drawn, texts[0]])

    def lines(self, state: Any, seat: int, over: bool) -> list[str]:
        what = "You see:" if self.open else "You know:"
        lines = [f"You are player {seat + 1} of {len(self.words)}.", what, self.told(state, seat) or "nothing yet"]
        if self.open:
            lines.append(f"Moves so far: {self._history(state)}.")
        meanings = "" if over else self._meanings(state, seat)
        return [*lines, meanings] if meanings else lines

    def _history(self, state: Any) -> str:
        """The latest moves, where their names say what they are."""
        made = [(one.player, one.action) for one in state.full_history() if one.player >= 0]
        words = [self.words[player][action] for player, action in made]
        hidden = len(words) - SHOWN
        return (f"{hidden} earlier ones, " if hidden > 0 else "") + (", ".join(words[-SHOWN:]) or "none")

    def _meanings(self, state: Any, seat: int) -> str:
        """What the moves that have no name of their own mean here."""
        if state.is_chance_node() or not (state.is_simultaneous_node() or state.current_player() == seat):
            return ""
        named = ((action, state.action_to_string(seat, action)) for action in state.legal_actions(seat))
        words = self.words[seat]
        unlike = [f"{words[action]} is {name.strip()}" for action, name in named if words[action] != slug(name)]
        return f"Here {'; '.join(unlike)}." if unlike else ""

    def situation(self, state: Any, seat: int, over: bool) -> dict[str, str]:
        """Where something is hidden, even how many moves were made may be: only the seat's own count."""
        if self.open:
            return {"phase": phase(len(state.history()), state.get_game().max_game_length())}
        made = sum(one.player == seat for one in state.full_history())
        return {"moves_made": _MADE[min(made, 3)]}


def plain_telling(spiel: Any, words: tuple[tuple[Move, ...], ...]) -> PlainTelling:
    """The telling of OpenSpiel's game ``spiel``, which can be observed one way or the other."""
    kind = spiel.get_type()
    return PlainTelling(kind.long_name, _about(spiel), words, not hides(spiel), sources_of(spiel))


def sources_of(spiel: Any) -> tuple[Source, ...]:
    """What OpenSpiel provides for one seat's eyes: nothing, and then the game cannot be played.

    An observation is enough where nothing is hidden; elsewhere it may forget what the information state keeps.
    """
    kind = spiel.get_type()
    given: list[Source] = []
    if kind.provides_information_state_string:
        given.append("information_state_string")
    if kind.provides_observation_string:
        given.append("observation_string")
    return tuple(given) if hides(spiel) else tuple(given[-1:])


def hides(spiel: Any) -> bool:
    """Whether something may be hidden from a seat."""
    import pyspiel

    return bool(spiel.get_type().information == pyspiel.GameType.Information.IMPERFECT_INFORMATION)


_ABOUT = {
    "kuhn_poker": (
        "Kuhn poker: three cards, 0 (lowest), 1 and 2; each player puts in one chip and is dealt one card. In turn "
        "they pass or bet one more chip. Bet answered by bet, and pass by pass, compares the cards and the higher one "
        "takes the pot; a bet that is passed takes it at once. What you know begins with your card; then p is a pass, "
        "b a bet."
    ),
    "leduc_poker": (
        "Leduc poker: six cards, two of each of three ranks. Each player antes one chip and is dealt one card; after a "
        "first round of betting one public card is shown and a second round follows. Raises are 2 chips in the first "
        "round and 4 in the second, at most two a round. A card that pairs the public one wins, else the higher rank. "
        "Cards 0 and 1 are the lowest rank, 2 and 3 the middle one, 4 and 5 the highest."
    ),
    "liars_dice": (
        "Liar's dice: everybody rolls dice that only they see. In turn a player bids how many dice of a face there are "
        "among all dice (N-F: at least N dice show F, and sixes count as any face), higher than the last bid, or calls "
        "liar. After a call the dice are shown: if the bid was true the caller loses, otherwise the bidder."
    ),
    "goofspiel": (
        "Goofspiel: everybody holds the same cards 1, 2, 3 and so on. Point cards are turned up one by one; all bid "
        "one of their cards at the same moment, the highest bid takes the points, equal ones nobody. Bid cards are "
        "used up."
    ),
    "oshi_zumo": (
        "Oshi-Zumo: both wrestlers have coins and bid some of them at the same moment; the higher bid pushes the other "
        "one a field back. Bids are spent. Whoever is pushed out, or stands further back at the end, loses."
    ),
    "nim": (
        "Nim: piles of objects. In turn a player takes any number of objects, at least one, from one pile. "
        "Whoever takes the last object {}."
    ),
    "blotto": (
        "Colonel Blotto: both players divide their coins among the fields at the same moment; the one with more coins "
        "on a field wins it, and whoever wins more fields wins."
    ),
    "phantom_ttt": (
        "Phantom tic-tac-toe: three in a row win, but you see only your own marks. A move to a cell that the opponent "
        "has taken fails and shows you that cell; then you move again."
    ),
    "dark_hex": (
        "Dark Hex: you connect your two sides of the board and see only your own stones. A move to a taken cell fails "
        "and shows it to you; then you move again. Player 1 (x) connects top and bottom, player 2 (o) left and right."
    ),
    "battleship": (
        "Battleship: both place their ships in secret, then shoot in turn at cells of the other's board. A ship whose "
        "every cell was hit is sunk; sunk ships score their value."
    ),
}


def _about(spiel: Any) -> str:
    """A sentence or two of rules where we have them; the name, and who plays for what, where not."""
    short = spiel.get_type().short_name
    if short == "nim":
        return _ABOUT[short].format("loses" if spiel.get_parameters().get("is_misere", True) else "wins")
    if short in _ABOUT:
        return _ABOUT[short]
    seats = spiel.num_players()
    who = "a game for one" if seats == 1 else f"a game for {seats} players"
    return f"{spiel.get_type().long_name}, {who}."
