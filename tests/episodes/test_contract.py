"""The contract test passes the built-in games and catches a game that breaks each rule."""

import itertools
import random
import sys
from collections.abc import Mapping
from dataclasses import replace

import pytest

from episodes.contract import check_game
from episodes.game import Capabilities, Input, Move, Observation, last_named
from episodes.games import known_games, load_game
from models.grammar import Either


class CountState:
    """Count to ten by ones and twos in turn; who says ten wins. A lost decision counts one."""

    def __init__(self) -> None:
        self.said: list[int] = []

    def to_act(self) -> tuple[int, ...]:
        return () if self.is_terminal() else (len(self.said) % 2,)

    def observe(self, seat: int) -> Observation:
        total = sum(self.said)
        return Observation(f"The count is {total}.", {"half": "low" if total < 5 else "high"}, self.legal_moves(seat))

    def legal_moves(self, seat: int) -> tuple[Move, ...]:
        return ("one", "two") if seat in self.to_act() else ()

    def accepts(self, seat: int, move: Move) -> bool:
        return move in self.legal_moves(seat)

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        (move,) = moves.values()
        self.said.append(2 if move == "two" else 1)

    def is_terminal(self) -> bool:
        return sum(self.said) >= 10

    def returns(self) -> tuple[float, ...]:
        if not self.is_terminal():
            return (0.0, 0.0)
        return (1.0, -1.0) if len(self.said) % 2 else (-1.0, 1.0)

    def clone(self) -> "CountState":
        other = type(self)()
        other.said = self.said.copy()
        return other

    def fingerprint(self) -> str:
        return str(self.said)

    def belief(self, seat: int, seed: int) -> "CountState":
        return self.clone()


class CountGame:
    name = "count"
    seats = 2
    tick_rate: int | None = None
    capabilities = Capabilities(clone=True)
    moves: tuple[Move, ...] = ("one", "two")
    features: Mapping[str, tuple[str, ...]] = {"half": ("low", "high")}
    rules = "Count to ten by one or two in turn; who says ten wins."
    state: type[CountState] = CountState

    def initial_state(self, seed: int) -> CountState:
        return self.state()

    def phrase(self, feature: str, value: str) -> str:
        return f"the count is {value}"

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        return last_named(reply, self.moves)


class RaceState(CountState):
    """The same in real time: a step takes five ticks, who has more steps after 60 wins."""

    def __init__(self) -> None:
        super().__init__()
        self.tick = 0
        self.free = [0, 0]
        self.steps = [0, 0]
        self.rows: list[Input] = []

    def is_terminal(self) -> bool:
        return self.tick >= 60

    def to_act(self) -> tuple[int, ...]:
        return () if self.is_terminal() else tuple(seat for seat in (0, 1) if self.free[seat] <= self.tick)

    def legal_moves(self, seat: int) -> tuple[Move, ...]:
        return ("one", "two")

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        for seat, move in moves.items():
            self.free[seat] = self.tick + 5
            if move is not None:
                self.steps[seat] += 1
                decision = sum(row.seat == seat for row in self.rows)
                self.rows.append(Input(seat, decision, move, "played", self.tick))

    def advance(self, ticks: int) -> int:
        waiting, start = self.to_act(), self.tick
        while self.tick - start < ticks and not self.is_terminal():
            self.tick += 1
            if set(self.to_act()) - set(waiting):
                break
        return self.tick - start

    def ready_in(self, seat: int) -> int:
        return max(self.free[seat] - self.tick, 0)

    def inputs(self) -> tuple[Input, ...]:
        return tuple(self.rows)

    def returns(self) -> tuple[float, ...]:
        lead = (self.steps[0] - self.steps[1]) / 100
        return (lead, -lead)

    def clone(self) -> "RaceState":
        other = type(self)()
        other.tick, other.free, other.steps = self.tick, self.free.copy(), self.steps.copy()
        other.rows = self.rows.copy()
        return other

    def fingerprint(self) -> str:
        return f"{self.tick} {self.free} {self.steps}"


EXTERNAL = ("web:", "diambra:", "textarena:")
"""Games in other processes are checked by the tests of what starts those."""


def game(state: type[CountState] = CountState, **changes: object) -> CountGame:
    real_time = {"tick_rate": 60} if issubclass(state, RaceState) else {}
    made: type[CountGame] = type("Changed", (CountGame,), {"state": state, **real_time, **changes})
    return made()


def changed(base: type[CountState], **methods: object) -> type[CountState]:
    return type("ChangedState", (base,), methods)


_COUNTER = itertools.count()


def _drifting_observe(self: CountState, seat: int) -> Observation:
    self.said.append(0)
    return CountState.observe(self, seat)


def _shared_clone(self: CountState) -> CountState:
    other = type(self)()
    other.said = self.said
    return other


def _overshoot(self: RaceState, ticks: int) -> int:
    self.tick += ticks + 1
    return ticks + 1


def _frozen_clock(self: RaceState, ticks: int) -> int:
    return 0 if self.to_act() else RaceState.advance(self, ticks)


def _stuck(self: RaceState, ticks: int) -> int:
    """It waits for whoever is to act, but not at the start."""
    return RaceState.advance(self, ticks) if not self.rows or not self.to_act() else 0


def _two_lines(self: CountState) -> tuple[float, ...]:
    raise ValueError("one\ntwo")


def _unlisted(self: CountState, seat: int) -> Observation:
    return replace(CountState.observe(self, seat), listed=None)  # type: ignore[arg-type]


def _observed(text: str, situation: dict[str, str], legal: tuple[str, ...]) -> object:
    return lambda self, seat: Observation(text, situation, legal)


class MachineState(CountState):
    """Its clones forget nothing but the random state."""

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        self.said.append(random.choice((1, 2)))


PLANS = {
    "capabilities": Capabilities(clone=True, plans=True),
    "first_move": lambda self, text: None,
    "rest_of": lambda self, plan: None,
}
GRAMMAR = PLANS | {"capabilities": Capabilities(clone=True, plans=True, grammar=True)}

BROKEN = {
    "name": (game(name="my game"), "name 'my game'"),
    "phrase": (game(phrase=lambda self, feature, value: ""), "phrase('half', 'low') is empty"),
    "one value": (game(features={"half": ("low",)}), "a feature needs two"),
    "no rules": (game(rules=""), "rules is empty"),
    "not repeatable": (game(MachineState), "played twice differs"),
    "impure observe": (game(changed(CountState, observe=_drifting_observe)), "not pure"),
    "no text": (game(changed(CountState, observe=_observed("", {"half": "low"}, ("one",)))), "text is empty"),
    "undeclared feature": (game(features={"other": ("a", "b")}), "situation and features differ"),
    "undeclared value": (game(features={"half": ("low", "middle")}), "which features does not list"),
    "undeclared move": (game(moves=("one", "three")), "'two' was legal and is not in moves"),
    "unread move": (game(read_move=lambda self, reply, observation: None), "a bare move must be read as itself"),
    "refused legal move": (game(changed(CountState, accepts=lambda self, seat, move: False)), "accepts refuses"),
    "accepts all": (game(changed(CountState, accepts=lambda self, seat, move: True)), "'no such move'"),
    "returns too many": (game(changed(CountState, returns=lambda self: (0.0,))), "give 2 values"),
    "returns too large": (game(changed(CountState, returns=lambda self: (2.0, -2.0))), "in [-1, 1]"),
    "to act after the end": (
        game(changed(CountState, to_act=lambda self: (len(self.said) % 2,))),
        "nobody may owe a decision",
    ),
    "endless": (game(changed(CountState, is_terminal=lambda self: False)), "did not end"),
    "no capabilities": (game(capabilities=None), "capabilities is None: give an episodes.game.Capabilities"),
    "silent clone": (game(capabilities=Capabilities()), "capabilities.clone and the states disagree: clone, fing"),
    "half a clone": (game(changed(CountState, belief=property())), "belief must be there where it is declared"),
    "unannounced time": (game(RaceState, tick_rate=None), "inputs is there and not declared"),
    "unannounced plans": (
        game(first_move=lambda self, text: None, rest_of=lambda self, plan: None),
        "capabilities.plans and the game disagree: first_move, rest_of is there",
    ),
    "plans that are none": (game(capabilities=Capabilities(clone=True, plans=True)), "first_move, rest_of must be"),
    "a grammar that is none": (game(CountState, **GRAMMAR), "plan_grammar must be there"),
    "an unannounced grammar": (
        game(CountState, **PLANS | {"plan_grammar": lambda self, observation: "one"}),
        "capabilities.grammar and the game disagree: plan_grammar is there",
    ),
    "a plan in other words": (
        game(CountState, **GRAMMAR | {"plan_grammar": lambda self, observation: Either(("one", "two", "two!"))}),
        "plan_grammar allows 'two!', which read_move reads as 'two'",
    ),
    "a plan that is refused": (
        game(
            CountState,
            **GRAMMAR
            | {
                "plan_grammar": lambda self, observation: Either(("one", "two", "three")),
                "read_move": lambda self, reply, observation: reply,
            },
        ),
        "plan_grammar allows 'three', which is not accepted",
    ),
    "a move that is no plan": (
        game(CountState, **GRAMMAR | {"plan_grammar": lambda self, observation: "one"}),
        "plan_grammar does not allow 'two', a legal move",
    ),
    "unannounced process": (game(changed(CountState, close=lambda self: None)), "capabilities.most_at_once and the"),
    "none at once": (
        game(
            changed(CountState, close=lambda self: None),
            capabilities=Capabilities(clone=True, most_at_once=0),
        ),
        "one at least",
    ),
    "empty term": (game(capabilities=Capabilities(clone=True, terms=("ten", " "))), "terms has an empty word"),
    "free text renamed": (game(moves=(), capabilities=Capabilities(clone=True, terms=())), "leave terms None"),
    "a plan of one move": (
        game(CountState, **PLANS | {"rest_of": lambda self, plan: plan}),
        "nothing is left of a single move",
    ),
    "a plan from nothing": (
        game(CountState, **PLANS | {"first_move": lambda self, text: "one"}),
        "nothing has arrived yet",
    ),
    "shared clone": (game(changed(CountState, clone=_shared_clone)), "playing a clone changed its original"),
    "changing fingerprint": (
        game(changed(CountState, fingerprint=lambda self: str(next(_COUNTER)))),
        "played twice differs",
    ),
    "constant fingerprint": (game(changed(CountState, fingerprint=lambda self: "same")), "fingerprint never changed"),
    "belief moves on": (
        game(changed(CountState, belief=lambda self, seat, seed: type(self)())),
        "looks different to seat",
    ),
    "crash": (game(changed(CountState, returns=lambda self: 1 / 0)), "ZeroDivisionError"),
    "leaving": (game(changed(CountState, returns=lambda self: sys.exit(0))), "the game raised SystemExit: 0"),
    "crash in two lines": (game(changed(CountState, returns=_two_lines)), "the game raised ValueError: one two"),
    "listed": (game(changed(CountState, observe=_unlisted)), "listed was None"),
    "tick rate without ticks": (game(tick_rate=60), "tick_rate and the states disagree: tick, advance"),
    "overshoot": (game(changed(RaceState, advance=_overshoot)), "never pass more"),
    "clock waits for thinkers": (game(changed(RaceState, advance=_frozen_clock)), "thinking does not stop the clock"),
    "time stands still": (game(changed(RaceState, advance=_stuck)), "passed no time"),
    "ready wrong": (game(changed(RaceState, ready_in=lambda self, seat: 3)), "0 means to act"),
    "inputs lost": (game(changed(RaceState, inputs=lambda self: ())), "inputs() accounts for 0"),
    "input without fate": (
        game(changed(RaceState, inputs=lambda self: (Input(0, 0, "one", "waiting", 0),))),
        "has no fate",
    ),
    "silence is free": (
        game(
            changed(
                CountState, apply=lambda self, moves: None if None in moves.values() else CountState.apply(self, moves)
            )
        ),
        "changed nothing",
    ),
}


@pytest.mark.parametrize("name", [name for name in known_games() if not name.startswith(EXTERNAL)])
def test_known_games_keep_the_contract(name: str) -> None:
    assert check_game(load_game(name)) == []


def test_the_examples_keep_the_contract() -> None:
    assert check_game(game()) == []
    assert check_game(game(RaceState)) == []


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_game_is_caught(rule: str) -> None:
    broken, says = BROKEN[rule]
    problems = check_game(broken)
    assert any(says in problem for problem in problems), problems
    assert not any("\n" in problem for problem in problems)


def test_what_was_found_before_it_raised_is_told_too() -> None:
    """The first feature is declared badly, and of the second there is no phrase."""

    def phrase(self: CountGame, feature: str, value: str) -> str:
        return {"half": "it is"}[feature]

    problems = check_game(game(features={"half": ("low",), "other": ("a", "b")}, phrase=phrase))
    assert "features['half'] is ('low',)" in problems[0]
    assert "the game raised KeyError: 'other'" in problems[1]


@pytest.mark.parametrize(
    ("reply", "moves", "named"),
    [
        ("I don\u2019t guard: I\u2019ll parry", ("guard", "i'll parry"), "i'll parry"),
        ("zur Mühle", ("zur muhle", "weg"), "zur muhle"),
        ("zur Muhle", ("zur Mühle", "weg"), "zur Mühle"),
        ("e\u0301, not e", ("e", "é"), "e"),
        ("\uff4a\uff41\uff42", ("jab", "throw"), "jab"),
        ("step \u2212 1", ("step - 1", "step 1"), "step - 1"),
        ("nothing of the kind", ("jab",), None),
    ],
)
def test_a_move_is_found_however_it_is_written(reply: str, moves: tuple[str, ...], named: str | None) -> None:
    """Accents count only where they tell two moves apart."""
    assert last_named(reply, moves) == named
