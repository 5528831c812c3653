"""A tool task as an environment of Gymnasium: look prices up, calculate, answer. Calls are lines of text."""

import ast
import operator
import string
from typing import Any, ClassVar

import gymnasium
from gymnasium import spaces

PRINTABLE = "".join(sorted(string.printable.replace("\t\n\r\x0b\x0c", "")))
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


class PriceTask(gymnasium.Env[dict[str, Any], str]):  # type: ignore[misc]
    """What do so many of two goods cost? Worth 1 if right, half of that within a tenth of it."""

    metadata: ClassVar[dict[str, Any]] = {
        "render_modes": [],
        "return_range": (0.0, 1.0),
        "rules": "Say what the order costs. Calls: `lookup NAME` gives a price, `calculate SUM` the value of a sum of "
        "whole numbers, `answer NUMBER` ends the task.",
    }
    observation_space = spaces.Dict(
        {
            "task": spaces.Text(200, charset=PRINTABLE),
            "results": spaces.Text(600, charset=PRINTABLE, min_length=0),
            "calls": spaces.Discrete(20),
        }
    )
    action_space = spaces.Text(80, charset=PRINTABLE)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        super().reset(seed=seed)
        self.prices = {name: int(self.np_random.integers(3, 30)) for name in ("bread", "milk", "tea")}
        self.order = [
            (str(name), int(self.np_random.integers(2, 9))) for name in self.np_random.permutation(["bread", "tea"])
        ]
        self.calls = 0
        self.results: list[str] = []
        return self._seen(), {"examples": ["lookup bread", "lookup milk", "calculate 2 * 3", "answer 12"]}

    def step(self, action: str) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        self.calls += 1
        tool, _, argument = action.partition(" ")
        if tool == "answer":
            return self._seen(), self._worth(argument), True, False, {}
        tools = {"lookup": self._lookup, "calculate": _calculate}
        self.results.append(tools[tool](argument) if tool in tools else f"there is no tool {tool}")
        return self._seen(), 0.0, False, False, {"examples": ["lookup bread", "calculate 1 + 1", "answer 1"]}

    def _lookup(self, name: str) -> str:
        return f"{name} costs {self.prices[name]}" if name in self.prices else f"no price of {name}"

    def _worth(self, argument: str) -> float:
        true = sum(self.prices[name] * count for name, count in self.order)
        off = abs(int(argument) - true) if argument.isdigit() else true
        return 1.0 if off == 0 else 0.5 if off <= true / 10 else 0.0

    def _seen(self) -> dict[str, Any]:
        task = " and ".join(f"{count} {name}" for name, count in self.order)
        return {"task": f"What do {task} cost?", "results": "; ".join(self.results), "calls": self.calls}


def _calculate(text: str) -> str:
    def value(node: ast.AST) -> int:
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return int(OPERATORS[type(node.op)](value(node.left), value(node.right)))
        raise ValueError

    try:
        return "the sum is " + str(value(ast.parse(text, mode="eval").body))
    except (SyntaxError, ValueError):
        return "that is no sum"


class Counter(gymnasium.Env[Any, Any]):  # type: ignore[misc]
    """Numbers of every kind. It ends when all dials are set."""

    observation_space = spaces.Dict(
        {
            "dials": spaces.MultiDiscrete([2, 3]),
            "board": spaces.Box(0, 9, (2, 3), dtype=int),
            "camera": spaces.Box(0.0, 1.0, (8, 9)),
            "pair": spaces.Tuple((spaces.Discrete(3, start=1), spaces.MultiBinary(2))),
        }
    )
    action_space = spaces.MultiDiscrete([2, 3])

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        import numpy as np

        super().reset(seed=seed)
        self.board = self.np_random.integers(0, 9, (2, 3))
        self.camera = np.zeros((8, 9), dtype=np.float32)
        return self._seen([0, 0]), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if list(action) == [0, 2]:
            raise RuntimeError("the dial fell off")
        return self._seen(list(action)), -3.0, list(action) == [1, 2], False, {}

    def _seen(self, dials: list[int]) -> Any:
        return {"dials": dials, "board": self.board, "camera": self.camera, "pair": (2, [0, 1])}


gymnasium.register("PriceTask-v0", "tool_env:PriceTask", max_episode_steps=8)
gymnasium.register("Counter-v0", "tool_env:Counter")
