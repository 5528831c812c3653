"""House bots: scripted players for duel, each with a style, and ``bot:random`` for any game.

A style is a list of situations with weighted moves; the first situation that holds decides, and the decision's seed
draws from its moves. Bots read the observation only. Knows nothing about duel's numbers.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from episodes.game import Move, Observation
from episodes.player import Context, Decision
from models.errors import BadInput


@dataclass(frozen=True, slots=True)
class Habit:
    """When every feature of ``when`` has one of the values given, draw from ``moves`` by weight."""

    when: Mapping[str, tuple[str, ...]]
    moves: Mapping[Move, int]

    @classmethod
    def parse(cls, when: str, moves: str) -> "Habit":
        """From ``"distance=near|midway opponent=jumping"`` and ``"uppercut 3 guard 1"``."""
        conditions = (part.split("=") for part in when.split())
        words = moves.split()
        return cls(
            {feature: tuple(values.split("|")) for feature, values in conditions},
            dict(zip(words[::2], map(int, words[1::2]), strict=True)),
        )

    def holds(self, situation: Mapping[str, str]) -> bool:
        return all(situation.get(feature) in values for feature, values in self.when.items())


def _style(*habits: tuple[str, str]) -> tuple[Habit, ...]:
    return tuple(Habit.parse(when, moves) for when, moves in habits)


STYLES: Mapping[str, tuple[Habit, ...]] = {
    "rushdown": _style(
        ("meter=full distance=touching|near opponent=striking|recovering", "super 1"),
        ("last=landed opponent=jumping|striking distance=touching|near", "jab 2 heavy 2 throw 1"),
        ("opponent=jumping distance=touching|near|midway", "uppercut 3 guard 1"),
        ("shot=incoming distance=midway|far", "jump 3 guard 1"),
        ("distance=touching last=blocked", "guard 2 throw 2 jab 1"),
        ("distance=touching", "jab 4 throw 3 heavy 5"),
        ("distance=near opponent=striking|recovering", "heavy 3 guard 1"),
        ("distance=near", "advance 2 heavy 6 jab 1"),
        ("distance=midway", "advance 4 jump 2"),
        ("", "advance 1"),
    ),
    "zoner": _style(
        ("opponent=jumping distance=touching|near|midway", "uppercut 4 guard 1"),
        ("distance=midway|far shot=flying", "guard 2 retreat 2"),
        ("shot=incoming distance=far", "fireball 2 jump 2"),
        ("shot=incoming", "jump 3 guard 1"),
        ("distance=far", "fireball 6 guard 1"),
        ("distance=midway opponent=striking|recovering shot=clear", "fireball 1 jump 2 guard 1"),
        ("distance=midway wall=cornered", "fireball 2 jump 1 heavy 1 guard 1"),
        ("distance=midway", "fireball 3 retreat 3 guard 1"),
        ("distance=near opponent=striking|recovering", "heavy 2 guard 2"),
        ("distance=near wall=cornered", "heavy 3 jab 1 guard 2"),
        ("distance=near", "heavy 2 retreat 3 guard 2"),
        ("", "jab 4 guard 3 retreat 1 throw 1"),
    ),
    "turtle": _style(
        ("last=landed opponent=striking meter=full distance=touching|near", "super 1"),
        ("last=landed opponent=striking|jumping distance=touching", "jab 4 heavy 1 guard 1"),
        ("last=landed opponent=striking|jumping distance=near", "heavy 4 guard 1"),
        ("last=landed opponent=stunned distance=touching|near", "heavy 2 guard 1"),
        ("opponent=jumping distance=touching|near|midway", "uppercut 2 guard 2"),
        ("distance=touching", "guard 5 jab 4 throw 1"),
        ("distance=near opponent=advancing|striking|recovering", "heavy 2 guard 2"),
        ("shot=incoming distance=midway|far", "guard 1 jump 3"),
        ("opponent=recovering distance=midway|far", "advance 2 guard 1"),
        ("distance=far|midway health=behind", "fireball 4 advance 1 guard 1"),
        ("distance=far", "guard 6 fireball 1"),
        ("", "guard 1"),
    ),
    "grappler": _style(
        ("last=landed opponent=striking|jumping distance=touching", "throw 1 jab 1"),
        ("last=landed opponent=striking|jumping distance=near", "heavy 1"),
        ("opponent=jumping distance=touching|near|midway", "uppercut 4 guard 1"),
        ("distance=touching opponent=guarding|standing|stunned", "throw 5 jab 1"),
        ("distance=touching", "throw 4 guard 2 jab 2"),
        ("shot=incoming", "guard 2 jump 2"),
        ("distance=near opponent=striking|recovering", "guard 2 heavy 2"),
        ("distance=midway opponent=striking|recovering", "jump 3 guard 1"),
        ("distance=near", "advance 5 heavy 2 guard 1"),
        ("distance=midway", "advance 3 jump 1 guard 1"),
        ("", "advance 4 guard 1"),
    ),
    "jumper": _style(
        ("last=landed opponent=stunned distance=touching|near", "jab 3 throw 1 heavy 2"),
        ("last=landed opponent=striking|jumping distance=touching", "jab 2 heavy 1"),
        ("last=landed opponent=striking|jumping distance=near", "heavy 1"),
        ("opponent=jumping distance=touching|near|midway", "uppercut 2 guard 1"),
        ("opponent=recovering distance=near", "heavy 3 guard 1"),
        ("opponent=striking distance=near", "jump 1 guard 2"),
        ("opponent=striking distance=midway", "fireball 2 guard 1 jump 1"),
        ("opponent=recovering distance=midway", "jump 2 advance 1 guard 1"),
        ("distance=midway", "jump 4 advance 1 guard 1"),
        ("distance=far shot=incoming", "jump 1"),
        ("distance=far", "advance 3 fireball 1"),
        ("distance=near", "jump 3 heavy 2 retreat 1 guard 1"),
        ("", "jump 2 jab 2 guard 2 throw 1"),
    ),
    "punisher": _style(
        ("last=landed opponent=striking|jumping meter=full distance=touching|near", "super 1"),
        ("last=landed opponent=striking|jumping distance=touching", "jab 5 throw 1 heavy 1"),
        ("last=landed opponent=striking|jumping distance=near", "heavy 4 jab 1"),
        ("opponent=jumping distance=touching|near|midway", "uppercut 5 guard 1"),
        ("shot=incoming", "guard 2 jump 1"),
        ("opponent=recovering distance=near", "heavy 4 guard 1"),
        ("opponent=recovering distance=touching", "heavy 1 throw 2 jab 1"),
        ("opponent=recovering distance=midway", "advance 1 fireball 1 jump 1"),
        ("opponent=striking distance=midway", "fireball 2 guard 1"),
        ("distance=touching", "guard 2 jab 5"),
        ("distance=near opponent=advancing", "heavy 3 guard 1"),
        ("distance=near", "guard 4 retreat 1 heavy 2"),
        ("distance=midway opponent=advancing", "guard 2 heavy 2 fireball 1"),
        ("distance=midway", "guard 3 advance 1 retreat 1 fireball 1"),
        ("", "advance 2 fireball 1 guard 1"),
    ),
}
"""The styles of the house bots of duel, in the order in which reports show them."""

BOTS = ("random", *STYLES)


@dataclass(frozen=True, slots=True)
class BotPlayer:
    """Draws from the first habit that holds and has a legal move; where there is none, evenly from the legal moves."""

    style: str
    habits: tuple[Habit, ...]
    prompt_id: str | None = None

    @property
    def name(self) -> str:
        return f"bot:{self.style}"

    @property
    def model(self) -> str:
        return self.name

    async def act(self, observation: Observation, context: Context) -> Decision:
        """Raises ``BadInput`` in a game that has not the moves of its style."""
        if any(move not in context.game.moves for habit in self.habits for move in habit.moves):
            raise BadInput(f"{self.name} plays duel only, not {context.game.name}: use bot:random there")
        move = self.choose(observation, context.seed)
        return Decision(move, move, 0.0)

    def choose(self, observation: Observation, seed: int) -> Move:
        """The decision alone; a seat that is asked while it has no legal move cannot happen, see ``Observation``."""
        rng = random.Random(seed)
        legal = observation.legal_moves
        for habit in self.habits:
            if habit.holds(observation.situation):
                moves = [move for move in habit.moves if move in legal]
                if moves:
                    return rng.choices(moves, [habit.moves[move] for move in moves])[0]
        return rng.choice(legal)


def load_bot(style: str) -> BotPlayer:
    """The player of ``bot:STYLE``; raises ``BadInput``."""
    if style not in BOTS:
        raise BadInput(f"unknown bot {style!r}: use {', '.join(f'bot:{name}' for name in BOTS)}")
    return BotPlayer(style, STYLES.get(style, ()))
