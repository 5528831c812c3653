"""Evidence: what was done in which situation and how it turned out, over all stored turns of a player.

A situation here is a subset of at most two feature values. Turns of one game are not independent, so every standard
error is computed over groups of whole episodes. Advantages are shrunken towards the move's overall one by empirical
Bayes. This is observation, not experiment: what else differed between the turns is not known; what-ifs are the test.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from episodes.game import Game, Move
from episodes.record import EpisodeRecord
from episodes.store.store import Store
from reflect.rows import TurnRow, turn_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
T = TypeVar("T")
Outcome = Literal["gain", "score"]

LOOKAHEAD = 4
"""Own decisions after which the change in return is read."""
GROUPS = 200
"""Groups into which episodes are dealt for standard errors: enough for a normal interval, few enough to be quick."""
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Turns:
    """A player's decisions side by side, T of them, in the order of episode, seat and turn.

    ``values`` (T, F) are indices into the game's values of each feature; ``moves`` (T,) into its moves, -1 where the
    decision gave none; ``legal`` (T, M); ``gains`` (T,) the change in the seat's return over its next ``LOOKAHEAD``
    decisions (at the end it is the final return); ``scores`` (T,) the final score; ``episodes`` (T,)
    indices into ``episode_ids``; ``swings`` (T,) the absolute change in return up to the seat's next decision; ``late``
    (T,) whether it is one of its seat's last ``LOOKAHEAD`` in its game.
    """

    game: Game
    values: Ints
    moves: Ints
    legal: NDArray[np.bool_]
    gains: Floats
    scores: Floats
    swings: Floats
    late: NDArray[np.bool_]
    episodes: Ints
    episode_ids: list[str]
    ns: Ints
    prompt_ids: list[str | None]

    def __len__(self) -> int:
        return len(self.moves)

    @cached_property
    def outcome(self) -> Outcome:
        """Gains where the game pays on the way; final scores where only the end does.

        The gain of a late turn reaches to the end of its game, so it says nothing about the way.
        """
        return "gain" if np.any(self.gains[~self.late] != 0) else "score"

    def situation(self, index: int) -> dict[str, str]:
        """The situation of one turn."""
        features = self.game.features
        return {f: features[f][v] for f, v in zip(features, self.values[index], strict=True)}


def load_turns(
    store: Store,
    game: Game,
    *,
    player: str | None = None,
    episodes: Sequence[str] | None = None,
    model: str | None = None,
    purpose: str | None = None,
) -> Turns:
    """All stored turns in ``game`` that fit every filter given: a player by its name in the record, a model, some
    episodes, a purpose."""
    rows = turn_rows(store, game.name, player=player, episodes=episodes, model=model, purpose=purpose)
    return gather(game, rows, store.text)


def gather(game: Game, rows: Iterable[TurnRow], text: Callable[[str], str]) -> Turns:
    """Turns from rows in the order of episode, seat and turn; ``text`` finds a text by its id."""
    columns = list(zip(*rows, strict=True)) or [()] * len(TurnRow._fields)
    episode, ns, seats, situation, move, legal, reward, score, result, prompt_ids = columns
    # Few texts are different, so each is read once and rows are filled by number.
    codes = [{value: k for k, value in enumerate(values)} for values in game.features.values()]
    situations, situation_of = _numbered(situation)
    found = [json.loads(known) for known in situations]
    values = np.array(
        [[code[one[f]] for code, f in zip(codes, game.features, strict=True)] for one in found], dtype=int
    )
    legals, legal_of = _numbered(legal)
    allowed = [set(json.loads(text(known))) for known in legals]
    legal_moves = np.array([[one in moves for one in game.moves] for moves in allowed], dtype=bool)
    move_names, move_of = _numbered(move)
    move_index = np.array([game.moves.index(name) if name in game.moves else -1 for name in move_names], dtype=int)
    episode_ids, episodes = _numbered(episode)
    scores = np.array(score, dtype=float)
    seat_of = episodes * game.seats + np.array(seats, dtype=np.int64)
    rewards, results = np.array(reward, dtype=float), np.array(result, dtype=float)
    return Turns(
        game=game,
        values=values.reshape(-1, len(game.features))[situation_of],
        moves=move_index[move_of],
        legal=legal_moves.reshape(len(allowed), len(game.moves))[legal_of],
        gains=_changes(rewards, results, seat_of, LOOKAHEAD),
        scores=scores,
        swings=np.abs(_changes(rewards, results, seat_of, 1)),
        late=~_followed(seat_of, LOOKAHEAD),
        episodes=episodes,
        episode_ids=episode_ids,
        ns=np.array(ns, dtype=np.int64),
        prompt_ids=list(prompt_ids),
    )


def _numbered(column: Iterable[T]) -> tuple[list[T], Ints]:
    """The different values of a column in the order of their first appearance, and each row's number among them."""
    numbers: dict[T, int] = {}
    rows = [numbers.setdefault(value, len(numbers)) for value in column]
    return list(numbers), np.array(rows, dtype=np.int64)


def turns_of(game: Game, played: Iterable[tuple[EpisodeRecord, int]]) -> Turns:
    """The turns of one seat of each of some games, each game once."""
    rows = (
        TurnRow(
            record.id,
            turn.n,
            seat,
            json.dumps(turn.situation),
            turn.move,
            json.dumps(turn.legal_moves),
            turn.reward,
            record.seats[seat].score,
            record.seats[seat].result,
            record.seats[seat].prompt_id,
        )
        for record, seat in played
        for turn in record.turns
        if turn.seat == seat
    )
    return gather(game, rows, lambda text: text)


def _changes(rewards: Floats, results: Floats, seat_of: Ints, ahead: int) -> Floats:
    """The change in return over the next ``ahead`` decisions of the same seat; at its end the return is the result."""
    later, followed = results.copy(), _followed(seat_of, ahead)
    later[followed] = rewards[np.flatnonzero(followed) + ahead]
    return later - rewards


def _followed(seat_of: Ints, ahead: int) -> NDArray[np.bool_]:
    """Which decisions have ``ahead`` more of the same seat of the same game after them."""
    followed = np.zeros(len(seat_of), dtype=bool)
    if len(seat_of) > ahead:
        followed[:-ahead] = seat_of[ahead:] == seat_of[:-ahead]
    return followed


@dataclass(frozen=True, slots=True)
class Cell:
    """One move in one situation.

    ``n`` turns; ``share`` of all turns were in this situation; ``gain`` and ``score`` are means over the ``n``;
    ``advantage`` is the mean outcome less that of the other moves in the same situation, ``error`` its standard error
    over groups of episodes; ``shrunken`` is its empirical-Bayes estimate with the 95 % interval ``low`` to ``high``.
    """

    situation: tuple[tuple[str, str], ...]
    move: Move
    n: int
    share: float
    gain: float
    score: float
    advantage: float
    error: float
    shrunken: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class _Block:
    """All cells of one subset of features: arrays (S, M) over its S situations and the M moves."""

    features: tuple[int, ...]
    n: Floats
    gain: Floats
    score: Floats
    advantage: Floats
    error: Floats


def tabulate(turns: Turns, *, least: int = 5) -> list[Cell]:
    """Every (situation, move) with at least ``least`` turns, the overall ones first, then by the order of features.

    Shrinkage: cells with one feature, and those with two, are each taken as drawn around the move's overall advantage
    with a variance estimated by the method of moments (DerSimonian and Laird 1986).
    """
    sizes = [len(values) for values in turns.game.features.values()]
    taken = turns.moves >= 0
    order = [pick for count in range(3) for pick in combinations(range(len(sizes)), count)]
    if not taken.any():
        return []
    blocks = [_block(turns, taken, pick, sizes) for pick in order]
    centre = (np.nan_to_num(blocks[0].advantage[0]), np.nan_to_num(blocks[0].error[0]))
    return [
        cell
        for count in range(min(2, len(sizes)) + 1)
        for cell in _cells(turns, [b for b in blocks if len(b.features) == count], centre, least, int(taken.sum()))
    ]


def _block(turns: Turns, taken: NDArray[np.bool_], pick: tuple[int, ...], sizes: list[int]) -> _Block:
    """Sums by (situation, move, group of episodes), and from them means, advantages and clustered errors."""
    moves, groups = len(turns.game.moves), min(GROUPS, len(turns.episode_ids))
    code = np.zeros(int(taken.sum()), dtype=np.int64)
    for feature in pick:
        code = code * sizes[feature] + turns.values[taken, feature]
    situations = int(np.prod([sizes[feature] for feature in pick], dtype=int))
    index = (code * moves + turns.moves[taken]) * groups + turns.episodes[taken] % groups
    shape = (situations, moves, groups)

    def total(weights: Floats | None) -> Floats:
        return np.bincount(index, weights, minlength=situations * moves * groups).reshape(shape).astype(float)

    gains, scores = turns.gains[taken], turns.scores[taken]
    count, y = total(None), total(gains if turns.outcome == "gain" else scores)
    n = count.sum(2)
    with np.errstate(invalid="ignore", divide="ignore"):
        # (S, M) means of this move and of the others, then (S, M, G) what each group adds to the difference's error.
        others, other_n = y.sum(1, keepdims=True) - y, count.sum(1, keepdims=True) - count
        mean, other_mean = y.sum(2) / n, others.sum(2) / other_n.sum(2)
        influence = (y - count * mean[..., None]) / n[..., None]
        influence -= (others - other_n * other_mean[..., None]) / other_n.sum(2)[..., None]
        error = np.sqrt((influence**2).sum(2) * groups / max(groups - 1, 1))
        gain = total(gains).sum(2) / n
        score = total(scores).sum(2) / n
    return _Block(pick, n, gain, score, mean - other_mean, error)


def _cells(turns: Turns, blocks: list[_Block], centre: tuple[Floats, Floats], least: int, total: int) -> list[Cell]:
    """Shrink the cells of blocks with equally many features together, towards ``centre`` (which has an error too)."""
    overall, overall_error = centre
    names, moves = list(turns.game.features), turns.game.moves
    raw = np.concatenate([(block.advantage - overall).ravel() for block in blocks])
    error = np.concatenate([block.error.ravel() for block in blocks])
    n = np.concatenate([block.n.ravel() for block in blocks])
    usable = (n >= least) & np.isfinite(raw) & np.isfinite(error) & (error > 0)
    spread = between_variance(raw[usable], error[usable])
    cells = []
    for block in blocks:
        sizes = [len(turns.game.features[names[feature]]) for feature in block.features]
        for s, m in zip(*np.nonzero(block.n >= least), strict=True):
            advantage, wrong = float(block.advantage[s, m]), float(block.error[s, m])
            if not (np.isfinite(advantage) and np.isfinite(wrong) and wrong > 0):
                continue
            keep = 1.0 if not block.features else spread / (spread + wrong**2)
            shrunken = float(overall[m]) + keep * (advantage - float(overall[m]))
            margin = Z95 * np.sqrt(keep * wrong**2 + ((1 - keep) * overall_error[m]) ** 2)
            where = np.unravel_index(s, sizes) if sizes else ()
            situation = tuple(
                (names[f], turns.game.features[names[f]][int(v)]) for f, v in zip(block.features, where, strict=True)
            )
            cells.append(
                Cell(
                    situation=situation,
                    move=moves[m],
                    n=int(block.n[s, m]),
                    share=float(block.n[s].sum() / total),
                    gain=float(block.gain[s, m]),
                    score=float(block.score[s, m]),
                    advantage=advantage,
                    error=wrong,
                    shrunken=shrunken,
                    low=float(shrunken - margin),
                    high=float(shrunken + margin),
                )
            )
    return cells


def between_variance(differences: Floats, errors: Floats) -> float:
    """The variance of the true values behind ``differences`` from 0, given their standard errors; at least 0.

    The moment estimator of DerSimonian and Laird (1986) with the centre known to be 0.
    """
    if len(differences) == 0:
        return 0.0
    weight = 1 / errors**2
    return max(0.0, float((np.sum(weight * differences**2) - len(differences)) / np.sum(weight)))
