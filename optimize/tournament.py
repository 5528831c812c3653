"""Who meets whom: round robin, Swiss rounds, and tables of more than two players. Pure, and the same every time.

Knows nothing about games: a player is a name, a result is points.
"""

import itertools
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from optimize.seeds import derive

Pairing = tuple[str, str]


def round_robin(names: Sequence[str]) -> list[Pairing]:
    """Every two players once, in the order of ``names``."""
    return list(itertools.combinations(names, 2))


def drawn_order(names: Sequence[str], seed: int) -> list[str]:
    """``names`` in an order drawn from ``seed``."""
    return sorted(names, key=lambda name: derive("draw", seed, name))


@dataclass(frozen=True, slots=True)
class SwissTable:
    """How a Swiss tournament stands. ``points`` has every player; equal ones keep its order, the order of the draw.

    ``met`` counts the meetings of two players (a key is a ``frozenset`` of both), ``byes`` the rounds sat out.
    """

    points: Mapping[str, float]
    met: Mapping[frozenset[str], int] = field(default_factory=dict)
    byes: Mapping[str, int] = field(default_factory=dict)

    def meetings(self, a: str, b: str) -> int:
        return self.met.get(frozenset((a, b)), 0)


@dataclass(frozen=True, slots=True)
class SwissRound:
    """The pairings of one round; ``bye`` is who sits out where the number of players is odd."""

    pairings: tuple[Pairing, ...]
    bye: str | None = None


def swiss_round(table: SwissTable) -> SwissRound:
    """Pair neighbours by points; raises ``ValueError`` for fewer than two players.

    Nobody meets the same player twice if there is any round without it, and otherwise as seldom as can be. The bye
    goes to one who has had the fewest, the lowest first. Each player from the top gets the nearest one with whom the
    rest can still be paired.
    """
    ranked = sorted(table.points, key=lambda name: -table.points[name])
    if len(ranked) < 2:
        raise ValueError(f"a round has two players or more, not {len(ranked)}")
    byes: list[str | None] = [None]
    if len(ranked) % 2:
        fewest = min(table.byes.get(name, 0) for name in ranked)
        byes = [name for name in reversed(ranked) if table.byes.get(name, 0) == fewest]
    for most in range(max(table.met.values(), default=0) + 1):
        for bye in byes:
            pairings = _paired([name for name in ranked if name != bye], table, most)
            if pairings is not None:
                return SwissRound(tuple(pairings), bye)
    raise AssertionError("unreachable: in the end everybody may meet everybody")


def _paired(ranked: list[str], table: SwissTable, most: int) -> list[Pairing] | None:
    """All of ``ranked`` in pairs that have met ``most`` times at most, or ``None`` where that cannot be."""

    def pairable(names: Sequence[str]) -> bool:
        allowed = [[n for n, b in enumerate(names) if a != b and table.meetings(a, b) <= most] for a in names]
        return all(mate >= 0 for mate in matching(allowed))

    if not pairable(ranked):
        return None
    found = []
    left = ranked
    while left:
        first, others = left[0], left[1:]
        # ``sorted`` keeps the order of points among those met equally often.
        for other in sorted(others, key=lambda name: table.meetings(first, name)):
            rest = [name for name in others if name != other]
            if table.meetings(first, other) <= most and pairable(rest):
                found.append((first, other))
                left = rest
                break
    return found


def matching(neighbours: Sequence[Sequence[int]]) -> list[int]:
    """The largest set of pairs in a graph: each vertex's mate, -1 for one without.

    Edmonds, Canadian Journal of Mathematics 17 (1965): alternating paths are grown from each free vertex, and a cycle
    of odd length (a blossom) is treated as one vertex, its base. ``neighbours`` is symmetric.
    """
    mates = [-1] * len(neighbours)
    for vertex in range(len(neighbours)):
        if mates[vertex] < 0:
            _Search(neighbours, mates, vertex).augment()
    return mates


class _Search:
    """One alternating tree from a free vertex; ``parent`` leads from odd vertices towards the root."""

    def __init__(self, neighbours: Sequence[Sequence[int]], mates: list[int], root: int) -> None:
        self._neighbours = neighbours
        self._mates = mates
        self._root = root
        self._parent = [-1] * len(mates)
        self._base = list(range(len(mates)))

    def augment(self) -> None:
        """Flip a path from the root to another free vertex, if there is one."""
        vertex = self._free_end()
        while vertex >= 0:
            before = self._parent[vertex]
            following = self._mates[before]
            self._mates[vertex], self._mates[before] = before, vertex
            vertex = following

    def _free_end(self) -> int:
        parent, mates, base = self._parent, self._mates, self._base
        even, queue = {self._root}, deque([self._root])
        while queue:
            vertex = queue.popleft()
            for other in self._neighbours[vertex]:
                if base[vertex] == base[other] or mates[vertex] == other:
                    continue
                if other == self._root or (mates[other] >= 0 and parent[mates[other]] >= 0):
                    for grown in self._contract(vertex, other):
                        if grown not in even:
                            even.add(grown)
                            queue.append(grown)
                elif parent[other] < 0:
                    parent[other] = vertex
                    if mates[other] < 0:
                        return other
                    even.add(mates[other])
                    queue.append(mates[other])
        return -1

    def _contract(self, a: int, b: int) -> list[int]:
        """Make the blossom that the edge a-b closes one vertex; returns the vertices in it."""
        top = self._common_base(a, b)
        inside: set[int] = set()
        self._mark(a, top, b, inside)
        self._mark(b, top, a, inside)
        grown = [vertex for vertex in range(len(self._base)) if self._base[vertex] in inside]
        for vertex in grown:
            self._base[vertex] = top
        return grown

    def _mark(self, vertex: int, top: int, child: int, inside: set[int]) -> None:
        while self._base[vertex] != top:
            mate = self._mates[vertex]
            inside |= {self._base[vertex], self._base[mate]}
            self._parent[vertex] = child
            child, vertex = mate, self._parent[mate]

    def _common_base(self, a: int, b: int) -> int:
        above = set(self._bases_above(a))
        return next(base for base in self._bases_above(b) if base in above)

    def _bases_above(self, vertex: int) -> Iterator[int]:
        while True:
            vertex = self._base[vertex]
            yield vertex
            if self._mates[vertex] < 0:
                return
            vertex = self._parent[self._mates[vertex]]


def draw_tables(names: Sequence[str], seats: int, rounds: int, seed: int) -> list[list[tuple[str, ...]]]:
    """For each round, tables of ``seats`` players, as many as there are players for.

    Who has played least is seated first, beside those met least often; draws from ``seed`` decide the rest. Raises
    ``ValueError`` where there are fewer players than seats.
    """
    if len(names) < seats:
        raise ValueError(f"{seats} seats need as many players, not {len(names)}")
    games: Counter[str] = Counter()
    met: Counter[frozenset[str]] = Counter()
    found = []
    for number in range(rounds):
        order = sorted(names, key=lambda name: (games[name], derive("table", seed, number, name)))
        waiting = order[: len(names) // seats * seats]
        tables = []
        while waiting:
            seated = [waiting.pop(0)]
            while len(seated) < seats:
                known = [sum(met[frozenset((name, other))] for other in seated) for name in waiting]
                seated.append(waiting.pop(known.index(min(known))))
            games.update(seated)
            met.update(map(frozenset, itertools.combinations(seated, 2)))
            tables.append(tuple(seated))
        found.append(tables)
    return found


def seatings(table: Sequence[str]) -> list[tuple[str, ...]]:
    """A table in all its rotations, so that everybody has every seat once: of two, the pair with its sides swapped."""
    return [tuple(table[shift:]) + tuple(table[:shift]) for shift in range(len(table))]
