"""What the games say: a row for each player with its rating, and a table of everybody against everybody.

Pure: games in, numbers out.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cornerman.colosseum.games import Fought, Seated, meetings
from cornerman.result import FLAT, HIDDEN, IF_ANY, Result
from models.errors import BadInput
from optimize.stats.plackett import Ranking, rate_rankings
from optimize.stats.ratings import Rating, rate
from optimize.stats.ratings import Result as Outcome

SAMPLES = 400
"""Bootstrap samples behind the intervals."""


@dataclass(frozen=True, slots=True)
class Elo:
    """A rating with its 95 % interval, relative to an average player."""

    elo: float
    elo_low: float
    elo_high: float


@dataclass(frozen=True, slots=True)
class Skill:
    """openskill's mean and standard deviation."""

    mu: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Standing:
    """One player. ``score`` is its share of the points in [0, 1]: where more than two play, of the others left behind.

    ``moves``, ``decisions``, ``tokens`` and ``cost_usd`` are means a game; ``illegal``, ``unreadable``, ``refused`` and
    ``timeouts`` shares of its decisions, and of the unreadable ones ``unparsable``, ``empty`` and ``truncated``;
    ``seats`` its score in each seat; ``forfeits`` the games that it lost so.
    """

    player: str
    model: str
    prompt_id: str | None
    games: int
    wins: int
    draws: int
    losses: int
    score: float
    moves: float
    decisions: float
    latency_ms: float | None
    illegal: float
    unreadable: float
    refused: float
    timeouts: float
    unparsable: float
    empty: float
    truncated: float
    tokens: float
    cost_usd: float
    forfeits: int
    seats: tuple[float | None, ...]
    rating: Elo = field(metadata=FLAT)
    without_forfeits: Elo | None
    """From the games that were played out; ``None`` where there are none."""
    openskill: Skill | None = field(default=None, metadata=IF_ANY)
    """Where that was asked for."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two players: the games in which they met, and A's wins, draws, losses and share of the points."""

    a: str
    b: str
    games: int
    wins: int
    draws: int
    losses: int
    score: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A player with its place, 1 for the best."""

    rank: int
    standing: Standing = field(metadata=FLAT)


@dataclass(frozen=True, slots=True)
class Standings(Result):
    """Players from the best to the last, over so many games of ``seats`` seats."""

    seats: int = field(metadata=HIDDEN)
    games: int = field(metadata=HIDDEN)
    forfeits: int
    rows: tuple[Standing, ...] = field(metadata=HIDDEN)
    pairings: tuple[Pairing, ...]

    @property
    def episodes(self) -> int:
        return self.games

    @property
    def players(self) -> tuple[Ranked, ...]:
        return tuple(Ranked(n, row) for n, row in enumerate(self.rows, 1))


@dataclass(frozen=True, slots=True)
class Ladder:
    """The standings of one game on one clock."""

    game: str
    clock: str
    standings: Standings = field(metadata=FLAT)


@dataclass(frozen=True, slots=True)
class LadderResult:
    """What ``cornerman ladder --json`` prints."""

    ladders: tuple[Ladder, ...]


def labelled(games: Sequence[Fought]) -> list[Fought]:
    """The games with players called by what tells them apart: one name may have had several models or prompts."""
    kinds: dict[str, set[tuple[str, str | None]]] = {}
    for game in games:
        for seat in game.seats:
            kinds.setdefault(seat.player, set()).add((seat.model, seat.prompt_id))

    def label(seat: Seated) -> str:
        known = kinds[seat.player]
        if len(known) == 1:
            return seat.player
        models = len({model for model, _ in known}) > 1
        prompt = f"prompt {seat.prompt_id[:8]}" if seat.prompt_id else ""
        return f"{seat.player} ({', '.join(part for part in (seat.model if models else '', prompt) if part)})"

    return [replace(game, seats=tuple(replace(seat, player=label(seat)) for seat in game.seats)) for game in games]


def standings(games: Sequence[Fought], *, samples: int = SAMPLES, openskill: bool = False) -> Standings:
    """Everything that the tables show. Raises ``BadInput`` where openskill is wanted and not installed."""
    seats = len(games[0].seats) if games else 0
    played_out = [game for game in games if not game.forfeited]
    rated = {row.player: row for row in ratings(games, samples=samples)}
    clean = {row.player: row for row in ratings(played_out, samples=samples)}
    skills = open_skills(games) if openskill else {}
    rows = [
        _standing(name, games, _elo(rated.get(name)) or Elo(0.0, 0.0, 0.0), _elo(clean.get(name)), skills.get(name))
        for name in sorted({seat.player for game in games for seat in game.seats})
    ]
    rows.sort(key=lambda row: (-row.rating.elo, row.player))
    order = [row.player for row in rows]
    return Standings(
        seats, len(games), sum(game.forfeited for game in games), tuple(rows), tuple(pairings(games, order))
    )


def ratings(games: Sequence[Fought], *, samples: int = SAMPLES) -> list[Rating]:
    """Bradley-Terry from the meetings of two, Plackett-Luce from the rankings of more; groups are drawn as a whole."""
    if games and len(games[0].seats) > 2:
        return rate_rankings([ranking(game) for game in games], samples=samples)
    results = [Outcome(one.a, one.b, one.score, pair=one.group) for one in meetings(games)]
    return rate(results, samples=samples)


def ranking(game: Fought) -> Ranking:
    """The players by their returns; a game that was broken off is a draw of all."""
    return Ranking.of(
        [(seat.player, 0.0 if game.ended_by == "limit" else seat.result) for seat in game.seats], game.group
    )


def _elo(row: Rating | None) -> Elo | None:
    return Elo(row.elo, row.elo_low, row.elo_high) if row else None


def _standing(name: str, games: Sequence[Fought], rating: Elo, clean: Elo | None, skill: Skill | None) -> Standing:
    places = [(game, n, seat) for game in games for n, seat in enumerate(game.seats) if seat.player == name]
    seats = [seat for _, _, seat in places]
    points = [_points(game, seat) for game, _, seat in places]
    own = [one.score if one.a == name else 1 - one.score for one in meetings(games) if name in (one.a, one.b)]
    outcomes = own if len(places[0][0].seats) == 1 else [seat.score for seat in seats]
    turns = sum(seat.turns for seat in seats)

    def share(column: str) -> float:
        return sum(getattr(seat, column) for seat in seats) / turns if turns else 0.0

    latencies = [latency for seat in seats for latency in seat.latencies]
    by_seat = [[p for p, (_, n, _) in zip(points, places, strict=True) if n == at] for at in range(len(games[0].seats))]
    return Standing(
        player=name,
        model=seats[0].model,
        prompt_id=seats[0].prompt_id,
        games=len(places),
        wins=outcomes.count(1.0),
        draws=outcomes.count(0.5),
        losses=outcomes.count(0.0),
        score=statistics.fmean(points),
        moves=statistics.fmean(seat.moves for seat in seats),
        decisions=turns / len(seats),
        latency_ms=statistics.median(latencies) if latencies else None,
        illegal=share("illegal"),
        unreadable=share("unreadable"),
        refused=share("refused"),
        timeouts=share("timeouts"),
        unparsable=share("unparsable"),
        empty=share("empty"),
        truncated=share("truncated"),
        tokens=statistics.fmean(seat.tokens for seat in seats),
        cost_usd=math.fsum(seat.cost_usd for seat in seats) / len(seats),
        forfeits=sum(game.forfeited and seat.result == min(s.result for s in game.seats) for game, _, seat in places),
        seats=tuple(statistics.fmean(found) if found else None for found in by_seat),
        rating=rating,
        without_forfeits=clean,
        openskill=skill,
    )


def _points(game: Fought, seat: Seated) -> float:
    return ranking(game).points()[seat.player] if len(game.seats) > 2 else seat.score


def pairings(games: Sequence[Fought], order: Sequence[str]) -> list[Pairing]:
    """Everybody who met, the better one first."""
    rank = {name: n for n, name in enumerate(order)}
    scores: dict[tuple[str, str], list[float]] = {}
    for one in meetings(games):
        ahead = rank[one.a] < rank[one.b]
        key = (one.a, one.b) if ahead else (one.b, one.a)
        scores.setdefault(key, []).append(one.score if ahead else 1 - one.score)
    return [
        Pairing(a, b, len(own), own.count(1.0), own.count(0.5), own.count(0.0), statistics.fmean(own))
        for (a, b), own in sorted(scores.items(), key=lambda item: (rank[item[0][0]], rank[item[0][1]]))
    ]


ORDERS = 20
"""Orders of the games over which openskill's ratings, which depend on the order, are averaged."""


def open_skills(games: Sequence[Fought], seed: int = 0) -> dict[str, Skill]:
    """A second opinion: openskill's Plackett-Luce (Weng and Lin, JMLR 12, 2011), mean and standard deviation of skill.

    It is updated game by game and so depends on their order, which is why it is no more than a check here: the mean
    over ``ORDERS`` orders drawn from ``seed``. Of one seat a game is a meeting on a seed.
    """
    import random

    try:
        from openskill.models import PlackettLuce
    except ImportError:
        raise BadInput("openskill is not installed: pip install 'cornerman[ratings]'") from None
    model = PlackettLuce()
    rankings = [ranking(game) for game in games if len(game.seats) > 1]
    if games and len(games[0].seats) == 1:
        rankings = [Ranking.of([(one.a, one.score), (one.b, 1 - one.score)]) for one in meetings(games)]
    totals: dict[str, Skill] = {}
    for order in range(ORDERS):
        skills = {name: model.rating(name=name) for one in rankings for name in one.players}
        for one in random.Random(f"{seed} {order}").sample(rankings, len(rankings)):
            # Whole places: openskill takes those that differ by a fraction for ties, and says nothing.
            ranks = [float(place) for place, names in enumerate(one.places) for _ in names]
            rated = model.rate([[skills[name]] for name in one.players], ranks=ranks)
            skills |= {name: team[0] for name, team in zip(one.players, rated, strict=True)}
        for name, skill in skills.items():
            sofar = totals.get(name, Skill(0.0, 0.0))
            totals[name] = Skill(sofar.mu + skill.mu / ORDERS, sofar.sigma + skill.sigma / ORDERS)
    return totals
