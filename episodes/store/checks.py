"""What an episode must be before it is kept: a record that contradicts itself is refused.

Knows nothing about files and tables.
"""

import math
from itertools import chain

from episodes.record import EpisodeRecord, TurnRecord
from models.errors import BadInput


def check(record: EpisodeRecord) -> None:
    """Raise ``ValueError`` for a record that contradicts itself, ``BadInput`` for a seed that no column can hold.

    Turns and seats are numbered from 0, every turn and every fault is a seat's, and a score is 0, 1/2 or 1, or graded
    in a game of one seat.
    """
    if not -(2**63) <= record.seed < 2**63:
        raise BadInput(f"the seed {record.seed} does not fit in 64 bits: choose a smaller one")
    if [seat.seat for seat in record.seats] != list(range(len(record.seats))):
        raise ValueError(f"episode {record.id}: seats must be numbered from 0 in order")
    if [turn.n for turn in record.turns] != list(range(len(record.turns))):
        raise ValueError(f"episode {record.id}: turns must be numbered from 0 in order")
    seats = {seat.seat for seat in record.seats}
    if strangers := {turn.seat for turn in record.turns} - seats:
        raise ValueError(f"episode {record.id}: turns of seats that are not there: {sorted(strangers)}")
    faulty = [fault.seat for fault in record.faults if fault.where == "player" and fault.seat is not None]
    if len(faulty) < len(record.faults) or faulty != sorted(seats & set(faulty)):
        raise ValueError(f"episode {record.id}: faults are of players, one a seat, in seat order")
    if not math.isfinite(record.seconds) or not all(map(math.isfinite, chain.from_iterable(map(_reals, record.turns)))):
        raise ValueError(f"episode {record.id}: seconds, latencies, costs and rewards are finite numbers")
    graded = len(record.seats) == 1 and 0 <= record.seats[0].score <= 1
    if not record.seats or not (graded or all(seat.score in (0.0, 0.5, 1.0) for seat in record.seats)):
        raise ValueError(f"episode {record.id}: a seat's score is 0, 1/2 or 1, and there is at least one seat")
    if not all(math.isfinite(value) for turn in record.turns if turn.values for value in turn.values.values()):
        raise ValueError(f"episode {record.id}: the values of moves are finite numbers")
    if not all(math.isfinite(seat.result) for seat in record.seats):
        raise ValueError(f"episode {record.id}: a seat's result is a finite number")


def _reals(turn: TurnRecord) -> tuple[float, float, float]:
    return (turn.latency_ms, turn.cost_usd, turn.reward)
