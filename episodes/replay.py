"""Playing a stored episode again from its moves and ticks, and naming the first state that differs.

Knows nothing about players: what they answered and when it took effect is in the record. The record does not say
whether a decision asked for at the very tick at which another took effect saw the state before or after; the state's
fingerprint tells.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from episodes.clock import Clock, SideClocks
from episodes.game import Game, Input, State, closable, real_time
from episodes.games import load_game
from episodes.play import decision_seed, fingerprint_of, score
from episodes.record import EpisodeRecord, Landing, TurnRecord
from episodes.store.store import Store
from models.errors import BadInput, GameFault


@dataclass(frozen=True, slots=True)
class Difference:
    """Where an episode did not play as stored; ``turn`` is ``None`` at its end."""

    episode_id: str
    turn: int | None
    tick: int
    what: str
    stored: str
    replayed: str

    def __str__(self) -> str:
        where = "at its end" if self.turn is None else f"turn {self.turn}"
        return (
            f"episode {self.episode_id}, {where}, tick {self.tick}: {self.what} was {self.stored}, now {self.replayed}"
        )


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment of a replay: a decision as it was asked for, or the end (``turn`` is ``None``).

    ``fates`` are what became of the decision's moves, in a real-time game. ``state`` is the true state at ``tick``,
    valid until the next frame is asked for; ``returns`` are the seats' returns there.
    """

    tick: int
    turn: TurnRecord | None
    fates: tuple[Input, ...]
    returns: tuple[float, ...]
    state: State


@dataclass(frozen=True, slots=True)
class Verification:
    """How many stored episodes and turns were played again, and what differed (at most one state an episode)."""

    episodes: int
    turns: int
    differences: tuple[Difference, ...]


@dataclass(slots=True)
class _Replay:
    """One episode being played again.

    ``landings`` is what took effect, in order, of which ``applied`` have been; ``counts`` and ``after`` say of each
    turn how many its seat had before, and how many landings must come before it, for a seat has one decision on its
    way at a time. ``clocks`` are there under a time control.
    """

    record: EpisodeRecord
    game: Game
    state: State
    landings: list[Landing]
    counts: list[int]
    after: list[int]
    clocks: SideClocks | None
    applied: int = 0

    def run(self) -> Iterator[tuple[TurnRecord | None, list[Difference]]]:
        """Bring the state to each turn in the order in which they were asked, then to the end."""
        for turn in self.record.turns:
            yield turn, self._seek(turn) or self._recharge(turn)
        yield None, self._finish()

    def _seek(self, turn: TurnRecord) -> list[Difference]:
        while (landing := self._next()) and (landing.tick < turn.tick or self.applied < self.after[turn.n]):
            if failed := self._apply():
                return failed
        if failed := self._advance(turn.tick, turn.n):
            return failed
        found = first = self._compare(turn)
        while found and (landing := self._next()) and landing.tick == turn.tick and _before(landing, turn):
            if failed := self._apply():
                return failed
            found = self._compare(turn)
        return first if found else []

    def _next(self) -> Landing | None:
        return self.landings[self.applied] if self.applied < len(self.landings) else None

    def _apply(self) -> list[Difference]:
        landing = self.landings[self.applied]
        first = landing.turns[0]
        if failed := self._advance(landing.tick, first.n):
            return failed
        self.applied += 1
        try:
            self.state.apply(landing.moves)
        except ValueError as error:
            return [self._difference(first.n, landing.tick, "move", repr(first.move), f"refused: {error}")]
        return []

    def _advance(self, tick: int, n: int | None) -> list[Difference]:
        state = real_time(self.game, self.state)
        if state is None:
            now = self.applied
        else:
            while state.tick < tick and not state.is_terminal():
                state.advance(tick - state.tick)
            now = state.tick
        return [] if now == tick else [self._difference(n, tick, "tick", str(tick), str(now))]

    def _compare(self, turn: TurnRecord) -> list[Difference]:
        observation = self.state.observe(turn.seat)
        pairs = {
            "fingerprint": (turn.fingerprint, fingerprint_of(self.game, self.state)),
            "observation": (turn.observation, observation.text),
            "situation": (turn.situation, dict(observation.situation)),
            "legal moves": (turn.legal_moves, observation.legal_moves),
            "reward": (turn.reward, self.state.returns()[turn.seat]),
        }
        return self._differences(turn.n, turn.tick, pairs)

    def _recharge(self, turn: TurnRecord) -> list[Difference]:
        """A declared clock charges what it declares; a measured one charged what the record says."""
        clock, rate = Clock.parse(self.record.clock), self.game.tick_rate
        seed = decision_seed(self.record.seed, turn.seat, self.counts[turn.n])
        if self.clocks is not None:
            self.clocks.spend(turn.seat, clock.seconds(turn.latency_ms / 1000, seed))
        if rate is None or clock.kind == "measured":
            return []
        lands = turn.tick + clock.charge(0.0, rate, seed)
        return self._differences(turn.n, turn.tick, {"tick of effect": (turn.lands, lands)})

    def _finish(self) -> list[Difference]:
        while self._next():
            if failed := self._apply():
                return failed
        record, state = self.record, self.state
        if failed := self._advance(record.ticks, None):
            return failed
        fallen = self.clocks is not None and bool(self.clocks.fallen)
        terminal, timed = fallen or state.is_terminal(), real_time(self.game, state)
        returns = self.clocks.returns() if self.clocks is not None and fallen else state.returns()
        scores = tuple(score(returns, seat, terminal) for seat in range(len(record.seats)))
        pairs = {
            "fingerprint": (record.final_fingerprint, fingerprint_of(self.game, state)),
            "ended": (record.ended_by != "limit", terminal),
            "flag": (record.ended_by == "flag", fallen),
            "inputs": (record.inputs, () if timed is None else timed.inputs()),
            "scores": (tuple(seat.score for seat in record.seats), scores),
            "results": (tuple(seat.result for seat in record.seats), tuple(returns)),
        }
        return self._differences(None, record.ticks, pairs)

    def close(self) -> None:
        """Give back what the state holds."""
        if (kept := closable(self.game, self.state)) is not None:
            kept.close()

    def _differences(self, n: int | None, tick: int, pairs: Mapping[str, tuple[object, object]]) -> list[Difference]:
        return [self._difference(n, tick, what, str(a), str(b)) for what, (a, b) in pairs.items() if a != b]

    def _difference(self, n: int | None, tick: int, what: str, stored: str, replayed: str) -> Difference:
        return Difference(self.record.id, n, tick, what, stored, replayed)


def _replay(record: EpisodeRecord, game: Game) -> _Replay:
    if game.name != record.game:
        raise BadInput(f"episode {record.id} is of {record.game}, not of {game.name}: give that game")
    if game.seats != len(record.seats):
        raise BadInput(f"episode {record.id} has {len(record.seats)} seats and {game.name} has {game.seats}")
    landings, control = record.landings(), Clock.parse(record.clock).control
    counts, after, asked, landed = [], [], [0] * game.seats, [0] * game.seats
    position = {turn.n: place for place, landing in enumerate(landings) for turn in landing.turns}
    for turn in record.turns:
        counts.append(asked[turn.seat])
        after.append(landed[turn.seat])
        asked[turn.seat] += 1
        landed[turn.seat] = position.get(turn.n, -1) + 1
    clocks = SideClocks(control, game.seats) if control else None
    return _Replay(record, game, game.initial_state(record.seed), landings, counts, after, clocks)


def _before(landing: Landing, turn: TurnRecord) -> bool:
    return all(other.n < turn.n for other in landing.turns)


def replay(record: EpisodeRecord, game: Game) -> list[Difference]:
    """Play ``record`` again; everything that differs at the first state that does, nothing if none does.

    Compared are, at each decision, the state's fingerprint, what the seat saw, its legal moves and its return; on a
    declared clock the tick of effect; and at the end the state, the scores and what became of every input. A game
    whose states have no fingerprint is compared by what the seats saw, and one that breaks differs. Raises ``BadInput``
    for another game's record.
    """
    try:
        playing = _replay(record, game)
        try:
            return next((found for _, found in playing.run() if found), [])
        finally:
            playing.close()
    except GameFault as broke:
        return [Difference(record.id, None, record.ticks, "the game", "played to its end", f"broken {broke}")]


def frames(record: EpisodeRecord, game: Game) -> Iterator[Frame]:
    """The episode decision by decision, played again; raises ``BadInput`` where it does not play as stored."""
    playing = _replay(record, game)
    fates = fates_of(record)
    try:
        for turn, differences in playing.run():
            if differences:
                raise BadInput(f"{differences[0]}; the game's rules have changed since")
            tick, own = (record.ticks, ()) if turn is None else (turn.tick, fates.get(turn.n, ()))
            yield Frame(tick, turn, own, playing.state.returns(), playing.state)
    finally:
        playing.close()


def fates_of(record: EpisodeRecord) -> dict[int, tuple[Input, ...]]:
    """What became of the moves of each turn, by its number; nothing for a turn that never took effect."""
    given: dict[tuple[int, int], list[Input]] = {}
    for one in record.inputs:
        given.setdefault((one.seat, one.decision), []).append(one)
    found: dict[int, tuple[Input, ...]] = {}
    # A seat's decisions are counted as they take effect; the rest of a plan counts as one more.
    taken = [0] * len(record.seats)
    for landing in record.landings():
        for turn in landing.turns:
            found[turn.n] = (*found.get(turn.n, ()), *given.get((turn.seat, taken[turn.seat]), ()))
            taken[turn.seat] += 1
    return found


def verify_episodes(
    store: Store,
    episode_ids: Iterable[str] | None = None,
    *,
    games: Callable[[str], Game] = load_game,
    on_progress: Callable[[int, list[Difference]], None] = lambda done, differences: None,
) -> Verification:
    """Play stored episodes again, all unless ids are given; ``on_progress`` is called after each.

    ``games`` finds a game by its name; pass another for games that are not installed.
    """
    loaded: dict[str, Game] = {}
    episodes = turns = 0
    differences: list[Difference] = []
    for episode_id in store.episode_ids() if episode_ids is None else episode_ids:
        record = store.episode(episode_id)
        if record.game not in loaded:
            loaded[record.game] = games(record.game)
        found = replay(record, loaded[record.game])
        episodes, turns = episodes + 1, turns + len(record.turns)
        differences += found
        on_progress(episodes, found)
    return Verification(episodes, turns, tuple(differences))
