"""Judging stored play by an oracle: blunders and regret where positions have exact values, else exploitability."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from episodes.game import Game, Move
from episodes.games.openspiel.equilibrium import Equilibrium
from episodes.games.openspiel.exhaustion import TINY, Exhaustion
from episodes.games.openspiel.game import OpenSpielState, undressed
from episodes.games.openspiel.oracle import solved
from episodes.record import EpisodeRecord
from models.errors import BadInput

Counts = dict[str, dict[int, int]]


@dataclass(slots=True)
class Judged:
    """One player's decisions. ``regret`` is the sum of what they cost, in returns; a decision without a move costs as
    much as losing. ``counts`` are its actions by information state, where positions have no values.
    """

    moves: int = 0
    blunders: int = 0
    regret: float = 0.0
    illegal: int = 0
    counts: Counts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PositionsRow:
    """A player where positions have exact values. ``blunder_rate`` is the share of its moves that cost something,
    ``mean_regret`` what a move cost on average, in returns (-1 to 1)."""

    player: str
    moves: int
    blunders: int
    blunder_rate: float
    mean_regret: float
    illegal: int


@dataclass(frozen=True, slots=True)
class PositionsResult:
    """What ``cornerman oracle --json`` prints where nothing is hidden. ``value`` is each seat's return under exact
    play."""

    game: str
    episodes: int
    value: tuple[float, ...]
    players: tuple[PositionsRow, ...]
    kind: Literal["positions"] = "positions"


@dataclass(frozen=True, slots=True)
class PoliciesRow:
    """A player where something is hidden. ``exploitability`` is what a best response to the policy that its moves show
    wins on average, as a return; it was seen to move in ``states_seen`` of the game's ``states``."""

    player: str
    moves: int
    illegal: int
    exploitability: float
    states_seen: int
    states: int


@dataclass(frozen=True, slots=True)
class PoliciesResult:
    """What ``cornerman oracle --json`` prints where something is hidden."""

    game: str
    episodes: int
    value: tuple[float, ...]
    exploitability_uniform: float
    exploitability_equilibrium: float
    players: tuple[PoliciesRow, ...]
    kind: Literal["policies"] = "policies"


OracleResult = PositionsResult | PoliciesResult


def judge(game: Game, records: Iterable[EpisodeRecord], player: str | None = None) -> OracleResult:
    """What the oracle of ``game`` says of every player of ``records``, or of ``player`` alone.

    Raises ``BadInput`` for a game that has no oracle, and where there is nothing to judge.
    """
    found = undressed(game, game.initial_state(0))
    if found is None:
        raise BadInput(f"the oracle solves small games of OpenSpiel only, not {game.name}: see docs/openspiel.md")
    oracle = solved(found[0])
    judged: dict[str, Judged] = {}
    episodes = 0
    for record in records:
        episodes += 1
        for name, state, seat, move in _decisions(game, record):
            if player in (None, name):
                _judge(judged.setdefault(name, Judged()), oracle, state, seat, move)
    if not judged:
        whose = f" of {player}" if player else ""
        raise BadInput(f"no decision{whose} in {game.name} is stored: see `cornerman episodes list --game {game.name}`")
    by_name = sorted(judged.items())
    if isinstance(oracle, Exhaustion):
        rows = tuple(_row(name, one) for name, one in by_name)
        return PositionsResult(game.name, episodes, tuple(oracle.solve()), rows)
    return PoliciesResult(
        game=game.name,
        episodes=episodes,
        value=tuple(oracle.value()),
        exploitability_uniform=oracle.exploitability(oracle.uniform),
        exploitability_equilibrium=oracle.exploitability(oracle.policy),
        players=tuple(_policy_row(name, one, oracle) for name, one in by_name),
    )


def _decisions(game: Game, record: EpisodeRecord) -> Iterator[tuple[str, OpenSpielState, int, Move | None]]:
    """Every decision of an episode: the player's name, the position, the seat and the move in the game's own words."""
    state = game.initial_state(record.seed)
    for landing in record.landings():
        found = undressed(game, state)
        assert found is not None, "a state of a game of OpenSpiel is one of its own"
        plain, position = found
        for seat, move in landing.moves.items():
            known = move is not None and move in game.moves
            said = plain.moves[game.moves.index(move)] if known and move is not None else None
            yield record.seats[seat].player, position, seat, said
        state.apply(landing.moves)


def _judge(
    judged: Judged, oracle: Exhaustion | Equilibrium, state: OpenSpielState, seat: int, move: Move | None
) -> None:
    judged.moves += 1
    legal = move is not None and state.accepts(seat, move)
    judged.illegal += not legal
    if isinstance(oracle, Exhaustion):
        values = oracle.move_values(state, seat)
        cost = max(values.values()) - (values[move] if legal and move is not None else -1.0)
        judged.regret += max(cost, 0.0)
        judged.blunders += cost > TINY
    elif legal and move is not None:
        taken = judged.counts.setdefault(oracle.information_state(state, seat), {})
        action = state.game.actions[seat][move]
        taken[action] = taken.get(action, 0) + 1


def _row(name: str, judged: Judged) -> PositionsRow:
    return PositionsRow(
        player=name,
        moves=judged.moves,
        blunders=judged.blunders,
        blunder_rate=judged.blunders / judged.moves,
        mean_regret=judged.regret / judged.moves,
        illegal=judged.illegal,
    )


def _policy_row(name: str, judged: Judged, oracle: Equilibrium) -> PoliciesRow:
    return PoliciesRow(
        player=name,
        moves=judged.moves,
        illegal=judged.illegal,
        exploitability=oracle.exploitability(oracle.empirical(judged.counts)),
        states_seen=len(judged.counts),
        states=len(oracle.information_states),
    )
