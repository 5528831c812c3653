"""Print how fast this Python is: rounds of a small loop a second, the best of several tries."""

import time


class Point:
    __slots__ = ("x", "y")

    def __init__(self, x: int, y: int) -> None:
        self.x = x
        self.y = y

    def sum(self) -> int:
        return self.x + self.y


def work(rounds: int) -> None:
    counts: dict[int, int] = {}
    for n in range(rounds):
        counts[n % 997] = counts.get(n % 991, 0) + Point(n, n).sum() + len(str(n))


def seconds(rounds: int) -> float:
    began = time.process_time()
    work(rounds)
    return time.process_time() - began


ROUNDS = 50_000
print(round(ROUNDS / min(seconds(ROUNDS) for _ in range(7))))
