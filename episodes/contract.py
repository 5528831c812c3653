"""The contract test of a game, for its author: ``check_game(GAME)`` plays it at random and says what it breaks.

Each problem is one line that names the rule, what was seen, and what to do. First comes what the game declares: the
other checks go by it, as everything does that plays games. Knows nothing about any game.
"""

import math
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from episodes.fault import told
from episodes.game import (
    Capabilities,
    CloneableState,
    Game,
    Move,
    RealTimeState,
    State,
    cloneable,
    closable,
    grammar_game,
    plan_game,
    real_time,
)
from models.errors import GameFault
from models.grammar import Walker, drawn

SEEDS = (1, 2)
MOST_DECISIONS = 1000
"""Decisions of a random play-through after which a game is said never to end."""
_ENDLESS = "did not end within"
_FATES = {"played", "late", "superseded", "skipped"}


def check_game(game: Game) -> list[str]:
    """Problems found, each at most once and the earliest first; empty if the game keeps the contract.

    A game that never ends is not checked further, nor one that declares what is not so.
    """
    problems = _found(_capabilities, game)
    for check in () if problems else _CHECKS:
        if any(_ENDLESS in problem for problem in problems):
            break
        problems += _found(check, game)
    return list(dict.fromkeys(problems))


def _found(check: Callable[[Game], Iterator[str]], game: Game) -> list[str]:
    """The problems that ``check`` found and, last, what the game raised meanwhile."""
    found: list[str] = []
    try:
        found.extend(check(game))  # what came before an error stays
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an author's code may raise anything, and saying what is this tool's work
        rule = (check.__doc__ or "").strip().rstrip(".")
        said = f"broke {error}" if isinstance(error, GameFault) else f"raised {told(error)}"
        found.append(f"while checking that {rule}: the game {said}")
    return found


def _walk(game: Game, seed: int, *, peek: bool = False) -> Iterator[State]:
    """A random play-through: yields the one state before every decision and, last, at the end.

    ``peek`` observes every seat twice along the way, which must change nothing.
    """
    rng = random.Random(f"contract {seed}")
    with fresh_state(game, seed) as state:
        for _ in range(MOST_DECISIONS):
            yield state
            if state.is_terminal():
                return
            if peek:
                for seat in range(game.seats):
                    state.observe(seat)
            seats = state.to_act()
            state.apply({seat: rng.choice(state.observe(seat).legal_moves) for seat in seats})
            _pass_time(game, state, rng.choice((1, 7, 60, 1000)) if game.tick_rate else 0)


@contextmanager
def fresh_state(game: Game, seed: int) -> Iterator[State]:
    """A fresh state, closed at the end where it can be."""
    state = game.initial_state(seed)
    try:
        yield state
    finally:
        if (kept := closable(game, state)) is not None:
            kept.close()


def _pass_time(game: Game, state: State, ticks: int) -> None:
    """Let time pass, where it passes and the game is not over."""
    timed = real_time(game, state)
    if timed is not None and not state.is_terminal():
        timed.advance(ticks)


def _look(game: Game, state: State) -> list[object]:
    """Everything about a state that can be seen from outside."""
    seen: list[object] = [state.to_act(), state.is_terminal(), state.returns()]
    seen += [state.observe(seat) for seat in range(game.seats)]
    if (copied := cloneable(game, state)) is not None:
        seen.append(copied.fingerprint())
    if (timed := real_time(game, state)) is not None:
        seen += [timed.tick, [timed.ready_in(seat) for seat in range(game.seats)], timed.inputs()]
    return seen


_REAL_TIME = ("tick", "advance", "ready_in", "inputs")
_CLONE = ("clone", "fingerprint", "belief", "legal_moves")
_CLOSE = ("close",)
_PLANS = ("first_move", "rest_of")
_GRAMMAR = ("plan_grammar",)


def _capabilities(game: Game) -> Iterator[str]:
    """what it declares is there, and what is there is declared."""
    declared: object = getattr(game, "capabilities", None)
    if not isinstance(declared, Capabilities):
        yield (
            f"capabilities is {declared!r}: give an episodes.game.Capabilities(...) of what the game can do beyond "
            "the plain contract, Capabilities() if that is nothing"
        )
        return
    state = game.initial_state(SEEDS[0])
    external = declared.most_at_once is not None
    yield from _members(state, "states", "tick_rate", game.tick_rate is not None, _REAL_TIME)
    yield from _members(state, "states", "capabilities.clone", declared.clone, _CLONE)
    yield from _members(state, "states", "capabilities.most_at_once", external, _CLOSE)
    yield from _members(game, "game", "capabilities.plans", declared.plans, _PLANS)
    yield from _members(game, "game", "capabilities.grammar", declared.grammar, _GRAMMAR)
    if hasattr(state, "close"):
        state.close()


def _members(owner: object, where: str, capability: str, declared: bool, members: tuple[str, ...]) -> Iterator[str]:
    missing = [member for member in members if not hasattr(owner, member)]
    if declared and missing:
        yield (
            f"{capability} and the {where} disagree: {', '.join(missing)} must be there where it is declared, for "
            "whoever reads the declaration calls it; write it, or declare nothing"
        )
    if not declared and not missing:
        yield (
            f"{capability} and the {where} disagree: {', '.join(members)} is there and not declared, so that nobody "
            "will call it; declare it, or leave it out"
        )


def _declarations(game: Game) -> Iterator[str]:
    """its name, seats, moves, features and phrases are declared well."""
    if not re.fullmatch(r"[\w\-:(),;=.+/~\[\]]+", game.name):
        yield f"name {game.name!r}: use letters, digits and - _ : ( ) [ ] , ; = . + / ~, so that it is one word"
    if game.seats < 1:
        yield f"seats is {game.seats}: a game needs at least one"
    if game.tick_rate is not None and game.tick_rate < 1:
        yield f"tick_rate is {game.tick_rate}: give ticks a second, or None for a turn-based game"
    most, terms = game.capabilities.most_at_once, game.capabilities.terms
    if most is not None and most < 1:
        yield f"capabilities.most_at_once is {most}: give how many episodes can run beside each other, one at least"
    if terms is not None and not all(term.strip() for term in terms):
        yield "capabilities.terms has an empty word: name words and phrases of the rules and texts"
    if terms is not None and not game.moves:
        yield "capabilities.terms is declared and moves is empty: free text has no other words; leave terms None"
    if len(set(game.moves)) < len(game.moves):
        yield "moves names a move twice: list every single move that can ever be legal, once, or none for free text"
    if not game.rules.strip():
        yield "rules is empty: a model that has never seen the game needs them in its prompt"
    for feature, values in game.features.items():
        if len(values) < 2 or len(set(values)) < len(values):
            yield f"features[{feature!r}] is {values}: a feature needs two or more different values"
        for value in values:
            if not game.phrase(feature, value).strip():
                yield f"phrase({feature!r}, {value!r}) is empty: give a clause that can follow 'When'"


def _repeatability(game: Game) -> Iterator[str]:
    """the same seed and moves give the same play-through."""
    for seed in SEEDS:
        for n, (one, two) in enumerate(zip(_walk(game, seed), _walk(game, seed), strict=False)):
            if _look(game, one) != _look(game, two):
                yield (
                    f"seed {seed} played twice differs after {n} decisions: draw every random number from the seed, "
                    "never from global state or the clock, and share nothing between states"
                )
                break


def _purity(game: Game) -> Iterator[str]:
    """observing changes nothing."""
    for seed in SEEDS:
        for plain, peeked in zip(_walk(game, seed), _walk(game, seed, peek=True), strict=False):
            before = _look(game, plain)
            if _look(game, plain) != before or _look(game, peeked) != before:
                yield "observe is not pure: a state that was observed plays on differently from one that was not"
                return


def _observations(game: Game) -> Iterator[str]:
    """what seats see is declared and their legal moves are accepted."""
    for seed in SEEDS:
        for state in _walk(game, seed):
            for seat in range(game.seats):
                yield from _observation(game, state, seat)


def _observation(game: Game, state: State, seat: int) -> Iterator[str]:
    observation = state.observe(seat)
    if not observation.text.strip():
        yield "observe(...).text is empty: it is all that a language model sees"
    if set(observation.situation) != set(game.features):
        missing = sorted(set(game.features) ^ set(observation.situation))
        yield f"situation and features differ in {missing}: every observation gives every feature and no other"
    if not isinstance(observation.listed, bool):
        yield f"observe(...).listed was {observation.listed!r}: True or False, whether a prompt shows legal_moves"
    for feature, value in observation.situation.items():
        if value not in game.features.get(feature, (value,)):
            yield f"situation[{feature!r}] was {value!r}, which features does not list: declare it"
    for move in observation.legal_moves:
        if game.moves and move not in game.moves:
            yield f"{move!r} was legal and is not in moves: moves lists all that can ever be legal"
        elif game.read_move(move, observation) != move:
            yield f"read_move({move!r}) gives {game.read_move(move, observation)!r}: a bare move must be read as itself"
    if seat in state.to_act():
        if not observation.legal_moves:
            yield "a seat was to act without a legal move: end the game or leave the seat out of to_act()"
        refused = [move for move in observation.legal_moves if not state.accepts(seat, move)]
        if refused:
            yield f"accepts refuses the legal move {refused[0]!r}: what legal_moves offers, apply must take"
        if game.moves and state.accepts(seat, "no such move"):
            yield "accepts takes 'no such move': it must refuse what is no move of the game"


def _results(game: Game) -> Iterator[str]:
    """returns has one value a seat in [-1, 1], and play ends with nobody to act."""
    for seed in SEEDS:
        state: State | None = None
        for state in _walk(game, seed):
            returns = state.returns()
            if len(returns) != game.seats or not all(math.isfinite(value) and abs(value) <= 1 for value in returns):
                yield f"returns() was {returns}: give {game.seats} values in [-1, 1], at any time"
            if not state.is_terminal() and game.tick_rate is None and not state.to_act():
                yield "nobody is to act and the game is not over: a turn-based game would hang here"
                return
        if state is not None and not state.is_terminal():
            yield f"seed {seed} {_ENDLESS} {MOST_DECISIONS} decisions: add a limit on turns or time"
            return
        elif state is not None and state.to_act():
            yield f"to_act() is {state.to_act()} after the end: nobody may owe a decision once the game is over"


def _copies(game: Game) -> Iterator[str]:
    """clones are equal, independent, and have the same future."""
    for seed in SEEDS if game.capabilities.clone else ():
        prints: set[str] = set()
        for current in _walk(game, seed):
            copied = cloneable(game, current)
            assert copied is not None
            yield from _copy(game, copied)
            prints.add(copied.fingerprint())
        if len(prints) < 2:
            yield "fingerprint never changed in a whole game: it must cover everything that decides the future"


def _copy(game: Game, state: CloneableState) -> Iterator[str]:
    before = _look(game, state)
    one, two = state.clone(), state.clone()
    if _look(game, one) != before:
        yield "clone() differs from its original: copy everything, and let fingerprint depend on the position alone"
    futures = [_future(game, copy) for copy in (one, two)]
    if _look(game, state) != before:
        yield "playing a clone changed its original: copy every list and object that a move changes"
        return
    if futures[0] != futures[1]:
        yield "two clones given the same moves went different ways: copy what decides the future, random state too"
    for seat in range(game.seats):
        if state.legal_moves(seat) != state.observe(seat).legal_moves:
            yield f"legal_moves({seat}) is not observe({seat}).legal_moves"
        if state.belief(seat, 7).observe(seat) != state.observe(seat):
            yield f"belief({seat}, ...) looks different to seat {seat} itself: change only what the seat cannot see"
    if _look(game, state) != before:
        yield "belief() changed its state: work on a copy"


def _future(game: Game, state: State) -> list[object]:
    """What is seen of a few decisions played on from here."""
    rng = random.Random("future")
    seen: list[object] = []
    for _ in range(3):
        if state.is_terminal():
            break
        state.apply({seat: rng.choice(state.observe(seat).legal_moves) for seat in state.to_act()})
        _pass_time(game, state, 25)
        seen.append(_look(game, state))
    return seen


def _time(game: Game) -> Iterator[str]:
    """time passes as asked, stops for whoever becomes free, and every input has a fate."""
    with fresh_state(game, SEEDS[0]) as state:
        timed = real_time(game, state)
        if timed is None:
            return
        waiting = timed.to_act()
        passed = timed.advance(10)
        if waiting and passed < 10 and timed.to_act() == waiting and not timed.is_terminal():
            yield f"advance(10) passed {passed} while {waiting} had yet to decide: thinking does not stop the clock"
            return
    for seed in SEEDS:
        with fresh_state(game, seed) as state:
            timed = real_time(game, state)
            assert timed is not None
            yield from _time_of_state(game, timed, random.Random(f"time {seed}"))


def _time_of_state(game: Game, state: RealTimeState, rng: random.Random) -> Iterator[str]:
    decisions = [0] * game.seats
    for _ in range(MOST_DECISIONS):
        if state.is_terminal():
            break
        for seat in range(game.seats):
            if (state.ready_in(seat) == 0) != (seat in state.to_act()):
                yield f"ready_in({seat}) is {state.ready_in(seat)} while to_act() is {state.to_act()}: 0 means to act"
        asked = [seat for seat in state.to_act() if rng.random() < 0.8]
        if asked:
            state.apply({seat: rng.choice(state.observe(seat).legal_moves) for seat in asked})
            for seat in asked:
                decisions[seat] += 1
        before, ticks = state.tick, rng.choice((1, 5, 30))
        passed = state.advance(ticks)
        if not 0 <= passed <= ticks or state.tick - before != passed:
            yield f"advance({ticks}) returned {passed} while tick went from {before} to {state.tick}: never pass more"
        if not passed and not state.is_terminal():
            yield f"advance({ticks}) passed no time: stop for a seat that becomes free, and never before one tick"
            return
        if passed < ticks and not state.is_terminal() and not state.to_act():
            yield f"advance({ticks}) stopped after {passed} though nobody is to act: stop only for a seat or the end"
    yield from _fates(game, state, decisions)


def _fates(game: Game, state: RealTimeState, decisions: list[int]) -> Iterator[str]:
    rows = state.inputs()
    open_rows = [row for row in rows if row.fate not in _FATES]
    if state.is_terminal() and open_rows:
        yield f"after the end the input {open_rows[0]} has no fate: call it late when the game ends before it starts"
    for seat in range(game.seats):
        accounted = {row.decision for row in rows if row.seat == seat}
        if accounted != set(range(decisions[seat])):
            yield f"seat {seat} made {decisions[seat]} decisions and inputs() accounts for {len(accounted)}"


def _forfeits(game: Game) -> Iterator[str]:
    """a decision without a move is taken and costs something other than the program's life."""
    for seat in range(game.seats):
        with fresh_state(game, SEEDS[0]) as state:
            yield from _silent(game, state, seat)


def _silent(game: Game, state: State, seat: int) -> Iterator[str]:
    for _ in range(MOST_DECISIONS):
        if state.is_terminal():
            return
        moves: dict[int, Move | None] = {s: state.observe(s).legal_moves[0] for s in state.to_act()}
        if seat in moves:
            moves[seat] = None
        before = _look(game, state)
        state.apply(moves)
        _pass_time(game, state, 30)
        if _look(game, state) == before:
            yield f"apply({{{seat}: None}}) changed nothing: a lost decision must cost a turn, time or the game"
            return
    yield f"a game in which seat {seat} never decides does not end: a silent player must not hold it up"


def _closing(game: Game) -> Iterator[str]:
    """an external game's states can be closed, at any time and twice."""
    with fresh_state(game, SEEDS[0]) as state:
        if (kept := closable(game, state)) is not None:
            kept.close()
    return iter(())


def _single_moves(game: Game) -> Iterator[str]:
    """a single move is a whole plan."""
    planned = plan_game(game)
    if planned is None:
        return
    if (found := planned.first_move("")) is not None:
        yield f"first_move('') is {found!r}: nothing has arrived yet, so something that follows may change it"
    for move in game.moves:
        if (rest := planned.rest_of(move)) is not None:
            yield f"rest_of({move!r}) is {rest!r}: nothing is left of a single move"


def _written_plans(game: Game) -> Iterator[str]:
    """a plan that its grammar allows is read as it is written, and accepted."""
    planned = grammar_game(game)
    if planned is None:
        return
    for seed in SEEDS:
        rng = random.Random(f"plans {seed}")
        for state in _walk(game, seed):
            for seat in state.to_act():
                seen = state.observe(seat)
                grammar = planned.plan_grammar(seen)
                plan = drawn(grammar, rng)
                if (found := game.read_move(plan, seen)) != plan:
                    yield f"plan_grammar allows {plan!r}, which read_move reads as {found!r}: write plans as it does"
                elif not state.accepts(seat, plan):
                    yield f"plan_grammar allows {plan!r}, which is not accepted: whoever is held to it loses decisions"
                walker = Walker(grammar)
                for move in seen.legal_moves:
                    if not walker.knows(move):
                        yield f"plan_grammar does not allow {move!r}, a legal move: a single move is a plan"


_CHECKS: tuple[Callable[[Game], Iterator[str]], ...] = (
    _declarations,
    _results,
    _repeatability,
    _purity,
    _observations,
    _copies,
    _time,
    _forfeits,
    _closing,
    _single_moves,
    _written_plans,
)
