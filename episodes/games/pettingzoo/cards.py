"""Poker of PettingZoo (RLCard underneath) in words: Leduc hold'em and Texas hold'em with and without limit.

A seat sees its own cards, the public ones, everybody's chips and bets. RLCard's state of a player holds just that.
"""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from episodes.game import Move
from episodes.games.pettingzoo.wording import View, Wording

_SUITS = {"S": "spades", "H": "hearts", "D": "diamonds", "C": "clubs"}
_RANKS = {"J": "jack", "Q": "queen", "K": "king", "A": "ace", "T": "10"}
_FACING = {
    ("facing", "bet"): "you have to call, raise or fold",
    ("facing", "nothing"): "you may check",
}


def card(written: str) -> str:
    """RLCard writes suit and rank: ``SJ`` is the jack of spades."""
    return f"{_RANKS.get(written[1], written[1])} of {_SUITS[written[0]]}"


class _Poker(Wording):
    open = True
    order: tuple[Move, ...] = ("call", "raise", "fold", "check")
    terms = ("poker", "hold'em", "texas", "leduc", "bet", "bets", "jack", "queen", "king", "ace")
    own_rules: str
    most: float
    """What a seat can lose: in games with fixed bets in big blinds, without limit in chips, as RLCard counts."""
    phrases: ClassVar[Mapping[tuple[str, str], str]]

    def __init__(self, name: str, env: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(name, env, metadata)
        self.names = self.order
        self.rules = self.own_rules
        self.bound = self.most * (len(env.possible_agents) - 1)

    def raw(self, view: View) -> Mapping[str, Any]:
        """RLCard's own state of the seat."""
        state: Mapping[str, Any] = view.env.unwrapped.env.get_state(view.seat)["raw_obs"]
        return state

    def hand(self, raw: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """Own and public cards."""
        return list(raw["hand"]), list(raw["public_cards"])

    def text(self, view: View) -> str:
        raw = self.raw(view)
        own, public = self.hand(raw)
        chips = [f"{self._who(view, seat)} {int(chips)}" for seat, chips in enumerate(raw["all_chips"])]
        bets = [f"{self._who(view, entry.seat)}: {entry.move}" for entry in view.log]
        return "\n".join(
            [
                f"You hold the {' and the '.join(map(card, own))}.",
                f"Public cards: {', '.join(map(card, public)) or 'none'}.",
                f"Chips in the pot: {', '.join(chips)}.",
                f"Bets so far: {', '.join(bets) or 'none'}.",
            ]
        )

    def phrase(self, feature: str, value: str) -> str:
        return self.phrases[feature, value]

    def redeal(self, env: Any, agent: str, rng: random.Random) -> None:
        """Shuffle the cards that the seat does not see, those of others and the rest of the deck, and deal them anew.

        That is the chance of the deal alone: nothing is concluded from how the others bet.
        """
        seat = env.possible_agents.index(agent)
        game = env.unwrapped.env.game
        others = [player for player in game.players if player.player_id != seat]
        hands = [player.hand if isinstance(player.hand, list) else [player.hand] for player in others]
        unseen = [*game.dealer.deck, *(one for hand in hands for one in hand)]
        rng.shuffle(unseen)
        for player, hand in zip(others, hands, strict=True):
            dealt = [unseen.pop() for _ in hand]
            player.hand = dealt if isinstance(player.hand, list) else dealt[0]
        game.dealer.deck = unseen

    def secret(self, env: Any) -> str:
        game = env.unwrapped.env.game
        hands = [player.hand if isinstance(player.hand, list) else [player.hand] for player in game.players]
        deck = [str(one) for one in game.dealer.deck]
        return f"{[[str(one) for one in hand] for hand in hands]} {deck} {[p.in_chips for p in game.players]}"

    @staticmethod
    def _who(view: View, seat: int) -> str:
        return "you" if seat == view.seat else f"player {seat + 1}"

    @staticmethod
    def _facing(raw: Mapping[str, Any]) -> str:
        """Whether the seat has put less into the pot than another."""
        return "bet" if max(raw["all_chips"]) > raw["my_chips"] else "nothing"


class Leduc(_Poker):
    most = 7.0
    features: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "card": ("jack", "queen", "king"),
        "public": ("none", "pair", "higher", "lower"),
        "facing": ("bet", "nothing"),
    }
    phrases: ClassVar[Mapping[tuple[str, str], str]] = _FACING | {
        ("card", "jack"): "you hold a jack",
        ("card", "queen"): "you hold a queen",
        ("card", "king"): "you hold a king",
        ("public", "none"): "no public card has been shown",
        ("public", "pair"): "the public card pairs yours",
        ("public", "higher"): "the public card is higher than yours",
        ("public", "lower"): "the public card is lower than yours",
    }
    own_rules = (
        "Leduc hold'em: a deck of six cards, from the lowest to the highest jack, queen and king, each twice; one card "
        "to each of two players, who put 1 and 2 chips into the pot. After a round of bets a public card is shown and "
        "there is a second round. With raise you put in what the other has and 2 chips more, in the second round 4, at "
        "most twice a round; with call as much as the other; with check nothing, where nothing is owed. With fold you "
        "lose what you put in. In the end a pair with the public card wins the pot, else the higher card."
    )

    def hand(self, raw: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        return [raw["hand"]], [raw["public_card"]] if raw["public_card"] else []

    def situation(self, view: View) -> dict[str, str]:
        raw = self.raw(view)
        (own,), public = self.hand(raw)
        order = "JQK"
        if not public:
            shown = "none"
        elif public[0][1] == own[1]:
            shown = "pair"
        else:
            shown = "higher" if order.index(public[0][1]) > order.index(own[1]) else "lower"
        return {"card": _RANKS[own[1]], "public": shown, "facing": self._facing(raw)}


class TexasHoldem(_Poker):
    most = 25.0
    features: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "round": ("first", "flop", "turn", "river"),
        "made": ("nothing", "pair", "more"),
        "facing": ("bet", "nothing"),
    }
    phrases: ClassVar[Mapping[tuple[str, str], str]] = _FACING | {
        ("round", "first"): "no public card has been shown",
        ("round", "flop"): "three public cards have been shown",
        ("round", "turn"): "four public cards have been shown",
        ("round", "river"): "all five public cards have been shown",
        ("made", "nothing"): "you have no pair",
        ("made", "pair"): "you have one pair",
        ("made", "more"): "you have two pairs or three cards of a rank or more",
    }
    own_rules = (
        "Texas hold'em with fixed bets: each player has two cards, five public ones come in three rounds (three, one, "
        "one), and bets are made before, between and after. Two players put in 1 and 2 chips at the start. With raise "
        "you put in what another has and 2 chips more, in the last two rounds 4, at most four times a round; with call "
        "as much as another; with check nothing, where nothing is owed. With fold you lose what you put in. The best "
        "five of seven cards win the pot."
    )

    def situation(self, view: View) -> dict[str, str]:
        raw = self.raw(view)
        own, public = self.hand(raw)
        # What the public cards have among themselves everybody has: only what a card of one's own is part of counts.
        counts = Counter(one[1] for one in own + public)
        alike = sorted((counts[rank] for rank in {one[1] for one in own}), reverse=True)
        made = "nothing" if alike[0] == 1 else "pair" if alike[0] == 2 and sum(alike) - len(alike) == 1 else "more"
        return {
            "round": {0: "first", 3: "flop", 4: "turn", 5: "river"}[len(public)],
            "made": made,
            "facing": self._facing(raw),
        }


class NoLimitHoldem(TexasHoldem):
    most = 100.0
    order = ("fold", "check-or-call", "raise-half-pot", "raise-pot", "all-in")
    own_rules = (
        "Texas hold'em without limit: each player has 100 chips and two cards, five public ones come in three rounds "
        "(three, one, one), and bets are made before, between and after. Two players put in 1 and 2 chips at the "
        "start. With raise-half-pot, raise-pot and all-in you put in half of the pot, the pot or all you have; with "
        "check-or-call what others have put in more. With fold you lose what you put in. The best five of seven cards "
        "win the pot."
    )
