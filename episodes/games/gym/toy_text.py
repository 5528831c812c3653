"""Gymnasium's toy text games in words: frozen lake, cliff walking, taxi, blackjack.

Their rewards are summed as they are; ``own_range`` says which sums are the returns -1 and 1.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from episodes.game import Move
from episodes.games.gym.wording import Wording

_LEFT_FIRST = ("left", "down", "right", "up")
_UP_FIRST = ("up", "right", "down", "left")
_STEPS = {"left": (0, -1), "down": (1, 0), "right": (0, 1), "up": (-1, 0)}
_SIDES = (
    "You go to the column before with left, to the next with right, to the row above with up, to the one below with "
    "down."
)
_YES_NO = ("yes", "no")


class _Grid(Wording):
    """A walk on a grid: what lies on each of the four sides is the situation."""

    kinds: ClassVar[Mapping[str, str]]
    """Names of the cells by their letter."""
    nouns: ClassVar[Mapping[str, str]]
    order: tuple[str, ...]
    """The four sides in the order of the actions."""

    def moves(self, env: Any) -> tuple[Move, ...]:
        return self.order

    def grid(self, env: Any) -> list[str]:
        raise NotImplementedError

    def place(self, env: Any, observation: Any) -> tuple[int, int]:
        return divmod(int(observation), len(self.grid(env)[0]))

    def text(self, env: Any, observation: Any) -> str:
        row, column = self.place(env, observation)
        rows = [" ".join(line) for line in self.grid(env)]
        rows[row] = rows[row][: 2 * column] + "P" + rows[row][2 * column + 1 :]
        return "\n".join([f"You (P) are in row {row + 1}, column {column + 1} of the map:", *rows])

    def situation(self, env: Any, observation: Any, progress: float) -> dict[str, str]:
        row, column = self.place(env, observation)
        return {
            side: self._beside(self.grid(env), row + down, column + right) for side, (down, right) in _STEPS.items()
        }

    def phrase(self, feature: str, value: str) -> str:
        where = {"up": "above you", "down": "below you"}.get(feature, f"to your {feature}")
        return f"there is {self.nouns[value]} {where}"

    def _beside(self, grid: list[str], row: int, column: int) -> str:
        inside = 0 <= row < len(grid) and 0 <= column < len(grid[0])
        return self.kinds[grid[row][column]] if inside else "wall"


class FrozenLake(_Grid):
    kinds: ClassVar[Mapping[str, str]] = {"S": "ice", "F": "ice", "H": "hole", "G": "goal"}
    nouns: ClassVar[Mapping[str, str]] = {
        "ice": "ice",
        "hole": "a hole",
        "goal": "the goal",
        "wall": "the edge of the lake",
    }
    order = _LEFT_FIRST
    features: ClassVar[Mapping[str, tuple[str, ...]]] = dict.fromkeys(_LEFT_FIRST, ("ice", "hole", "goal", "wall"))
    terms = ("frozen", "lake", "slippery")
    own_range = (0.0, 1.0)

    own_rules = (
        "Walk over a frozen lake from the start (S) to the goal (G) on ice (F) without falling into a hole (H), "
        "which ends the walk. The ice may be slippery: then a step goes as meant or to one of the two sides "
        "of that, each one time in three. Only reaching the goal counts. " + _SIDES
    )

    def grid(self, env: Any) -> list[str]:
        return [b"".join(row).decode() for row in env.unwrapped.desc]


class CliffWalking(_Grid):
    kinds: ClassVar[Mapping[str, str]] = {".": "ground", "C": "cliff", "G": "goal"}
    nouns: ClassVar[Mapping[str, str]] = {
        "ground": "ground",
        "cliff": "the cliff",
        "goal": "the goal",
        "wall": "the edge of the map",
    }
    order = _UP_FIRST
    features: ClassVar[Mapping[str, tuple[str, ...]]] = dict.fromkeys(_UP_FIRST, ("ground", "cliff", "goal", "wall"))
    terms = ("cliff",)
    own_range = (-200.0, -13.0)  # a fall and a long walk; the shortest walk

    own_rules = (
        "Walk from the lower left corner to the goal (G) in the lower right one. Every step costs 1. The cliff (C) "
        "lies between: stepping into it costs 100 and takes you back to the start. The less you pay the better. "
        + _SIDES
    )

    def grid(self, env: Any) -> list[str]:
        return ["." * 12, "." * 12, "." * 12, "." + "C" * 10 + "G"]


class Taxi(Wording):
    features: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "passenger": ("waiting", "aboard"),
        "at_target": _YES_NO,
        "target_row": ("here", "above", "below"),
        "target_column": ("here", "left", "right"),
    }
    terms = ("taxi", "passenger")
    own_range = (-200.0, 20.0)  # driving about until the end; a passenger at once
    _names = ("down", "up", "right", "left", "pickup", "dropoff")
    _stands = ("red", "green", "yellow", "blue")

    own_rules = (
        "Drive a taxi on a map of 5 by 5 places: fetch the passenger from one of the four stands (R red, G green, "
        "Y yellow, B blue) and take him to another. With pickup he gets in, with dropoff out. You cannot drive through "
        "a wall (|), only where there is a colon. Every step costs 1, pickup or dropoff at a wrong place 10; the "
        "passenger at his destination is worth 20. The less you pay the better. " + _SIDES
    )

    def moves(self, env: Any) -> tuple[Move, ...]:
        return self._names

    def text(self, env: Any, observation: Any) -> str:
        row, column, passenger, destination = env.unwrapped.decode(int(observation))
        rows = [b"".join(line).decode() for line in env.unwrapped.desc]
        at = 2 * column + 1
        rows[row + 1] = rows[row + 1][:at] + "T" + rows[row + 1][at + 1 :]
        where = "aboard" if passenger == 4 else f"waiting at {self._stands[passenger]} {self._spot(env, passenger)}"
        return "\n".join(
            [
                f"Your taxi (T) is in row {row + 1}, column {column + 1}. The passenger is {where} and wants to go to "
                f"{self._stands[destination]} {self._spot(env, destination)}. The map:",
                *rows,
            ]
        )

    def situation(self, env: Any, observation: Any, progress: float) -> dict[str, str]:
        row, column, passenger, destination = env.unwrapped.decode(int(observation))
        to_row, to_column = env.unwrapped.locs[destination if passenger == 4 else passenger]
        return {
            "passenger": "aboard" if passenger == 4 else "waiting",
            "at_target": "yes" if (row, column) == (to_row, to_column) else "no",
            "target_row": "here" if to_row == row else "above" if to_row < row else "below",
            "target_column": "here" if to_column == column else "left" if to_column < column else "right",
        }

    def phrase(self, feature: str, value: str) -> str:
        if feature == "passenger":
            return f"the passenger is {value}"
        if feature == "at_target":
            return f"you are {'' if value == 'yes' else 'not '}where you have to go"
        if feature == "target_row":
            return "you are in the right row" if value == "here" else f"you have to go further {_VERTICAL[value]}"
        return "you are in the right column" if value == "here" else f"you have to go further {value}"

    @staticmethod
    def _spot(env: Any, stand: int) -> str:
        row, column = env.unwrapped.locs[stand]
        return f"(row {row + 1}, column {column + 1})"


_VERTICAL = {"above": "up", "below": "down"}


class Blackjack(Wording):
    features: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "total": ("low", "stiff", "high"),
        "dealer": ("weak", "strong"),
        "ace": _YES_NO,
    }
    terms = ("blackjack", "dealer", "ace", "bust")
    own_range = (-1.0, 1.0)
    _phrases: ClassVar[Mapping[tuple[str, str], str]] = {
        ("total", "low"): "you cannot go over 21 with one more card",
        ("total", "stiff"): "your total is 12 to 16 without a usable ace",
        ("total", "high"): "your total is 17 or more, or you have a usable ace and 12 or more",
        ("dealer", "weak"): "the dealer shows 2 to 6",
        ("dealer", "strong"): "the dealer shows 7 or more or an ace",
        ("ace", "yes"): "you have a usable ace",
        ("ace", "no"): "you have no usable ace",
    }

    own_rules = (
        "Blackjack against the dealer, with an endless deck: get closer to 21 than the dealer without going over. "
        "Picture cards count 10, an ace 1 or 11. You see your total and one of the dealer's two cards. With hit "
        "you take a card; with stick you stop, and the dealer draws to 17 or more."
    )

    def moves(self, env: Any) -> tuple[Move, ...]:
        return ("stick", "hit")

    def text(self, env: Any, observation: Any) -> str:
        total, shown, ace = map(int, observation)
        held = "an ace that counts 11" if ace else "no ace that counts 11"
        return f"Your total is {total}, with {held}. The dealer shows {'an ace' if shown == 1 else shown}."

    def situation(self, env: Any, observation: Any, progress: float) -> dict[str, str]:
        total, shown, ace = map(int, observation)
        level = "low" if total <= 11 else "high" if ace or total >= 17 else "stiff"
        return {"total": level, "dealer": "weak" if 2 <= shown <= 6 else "strong", "ace": "yes" if ace else "no"}

    def phrase(self, feature: str, value: str) -> str:
        return self._phrases[feature, value]


WORDINGS: Mapping[str, type[Wording]] = {
    "FrozenLakeEnv": FrozenLake,
    "CliffWalkingEnv": CliffWalking,
    "TaxiEnv": Taxi,
    "BlackjackEnv": Blackjack,
}
"""By the class of the environment, which is that of Gymnasium's own toy text games."""
