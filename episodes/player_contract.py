"""The contract test of a player, for its author: ``check_player(PLAYER, GAMES)`` asks it along random play-throughs.

Each problem is one line that names the rule, what was seen, and what to do. Knows nothing about any player or game.
"""

import asyncio
import random
import reprlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace

from episodes.contract import fresh_state
from episodes.fault import checked_text, told
from episodes.game import Game, Observation, cloneable, real_time
from episodes.guest_player import checked
from episodes.player import Context, Decision, Player, ReplyClass
from models.errors import BadInput, CornermanError, GameFault, ModelError
from models.together import together

SEEDS = (1, 2)
MOST_DECISIONS = 400
"""Decisions of a play-through after which it is left."""
ALL_UNTIL, EVERY = 8, 7
"""The player is asked at each of the first decisions of a play-through and then now and then."""
BELIEFS = (11, 12)
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class _Moment:
    """One decision that is owed."""

    observation: Observation
    context: Context

    @property
    def place(self) -> str:
        return f"{self.context.game.name}, seat {self.context.seat}, decision {self.context.turn}"


async def check_player(player: Player, games: Sequence[Game], *, repeats: bool = True, blind: bool = True) -> list[str]:
    """Problems found, each at most once and the earliest first; empty if the player keeps the contract.

    ``repeats`` says that it claims to decide the same where the observation and the seed are the same, as every player
    should that can; ``blind`` that nothing of the state matters but what its seat may know (a bot that draws its own
    past again from the episode's seed cannot say so). Raises what ends a run: ``ModelError`` of a provider, and
    ``BadInput`` of a game that the player says it cannot play.
    """
    problems = list(_names(player))
    for game in games:
        for seed in SEEDS:
            try:
                async for found in _along(player, game, seed, repeats=repeats, blind=blind):
                    problems.append(found)  # noqa: PERF401  # what came before an error stays
            except _Raised as raised:
                problems.append(f"in {game.name} it raised {raised}; a bad answer is a Decision without a move")
            except (BadInput, ModelError):
                raise
            except Exception as error:  # so may the game's
                broke = str(error) if isinstance(error, GameFault) else told(error)
                problems.append(f"{game.name} itself broke: {broke}; `cornerman game-check` says more")
    return list(dict.fromkeys(problems))


class _Raised(Exception):
    """What the player's code raised, in words."""


def _names(player: Player) -> Iterator[str]:
    for what in ("name", "model", "prompt_id"):
        try:
            value = getattr(player, what)
        except Exception as error:  # an author's code may raise anything, and saying what is this tool's work
            yield f"{what} raised {told(error)}: give a text that is always the same"
            continue
        if value is None and what == "prompt_id":
            continue
        if not isinstance(value, str) or not value or not value.isprintable():
            yield f"{what} is {value!r}: give a text of one line that can be stored and shown"


async def _act(player: Player, observation: Observation, context: Context) -> object:
    """What the player answers, which may be anything; raises ``_Raised`` where it breaks."""
    try:
        return await player.act(observation, context)
    except (CornermanError, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError):
        raise
    except BaseException as error:  # as above
        raise _Raised(told(error)) from error


async def _along(player: Player, game: Game, seed: int, *, repeats: bool, blind: bool) -> AsyncIterator[str]:
    """A random play-through in which the player is asked, and what it answers has no effect."""
    rng = random.Random(f"player {seed}")
    turns = [0] * game.seats
    with fresh_state(game, seed) as state:
        for n in range(MOST_DECISIONS):
            if state.is_terminal():
                return
            seats = state.to_act()
            for seat in seats:
                if n < ALL_UNTIL or n % EVERY == 0:
                    context = Context(game, seat, rng.getrandbits(63), turns[seat], state)
                    moment = _Moment(state.observe(seat), context)
                    before = _look(moment)
                    async for found in _asked(player, moment, repeats=repeats, blind=blind):
                        yield found
                    if _look(moment) != before:
                        yield (
                            f"deciding changed the state ({moment.place}): look at it through belief() and play on "
                            "copies only"
                        )
                        return
                turns[seat] += 1
            state.apply({seat: rng.choice(state.observe(seat).legal_moves) for seat in seats})
            if (timed := real_time(game, state)) is not None and not timed.is_terminal():
                timed.advance(rng.choice((1, 7, 60)))


async def _asked(player: Player, moment: _Moment, *, repeats: bool, blind: bool) -> AsyncIterator[str]:
    before = _look(moment)
    decision = await _act(player, moment.observation, moment.context)
    if _look(moment) != before:
        return
    problems = list(_answer(decision, moment))
    for found in problems:
        yield found
    if problems or not repeats:
        return
    again = await _act(player, moment.observation, moment.context)
    if _said(again) != _said(decision):
        yield (
            f"the same observation and seed gave {_said(decision)} and then {_said(again)} ({moment.place}): draw "
            "every random number from context.seed, and keep nothing from one decision to the next"
        )
        return
    if blind:
        for found in await _unseen(player, moment, decision):
            yield found
    for found in await _together(player, moment):
        yield found


def _answer(decision: object, moment: _Moment) -> Iterator[str]:
    """Problems of one answer by itself."""
    if isinstance(decision, Decision) and decision.reply_class is ReplyClass.FAULT:
        yield f"act broke ({moment.place}): {decision.fault.message if decision.fault else 'it says so'}"
        return
    try:
        answer = checked(decision)
        checked_text(answer.raw)
    except Exception as broken:  # what it gave may be of any type
        yield f"act {told(broken)} ({moment.place}); see Decision in episodes/player.py"
        return
    if answer.move is not None and not moment.context.state.accepts(moment.context.seat, answer.move):
        yield (
            f"it chose {answer.move!r}, which the game refuses ({moment.place}): choose from observation.legal_moves, "
            "or say that the reply is illegal"
        )


async def _unseen(player: Player, moment: _Moment, decision: object) -> list[str]:
    """What is hidden from its seat must not matter."""
    context = moment.context
    state = cloneable(context.game, context.state)
    if state is None:
        return []
    for seed in BELIEFS:
        other = replace(context, state=state.belief(context.seat, seed))
        found = await _act(player, moment.observation, other)
        if _said(found) != _said(decision):
            return [
                f"it gave {_said(decision)}, and {_said(found)} where only what it cannot see was different "
                f"({moment.place}): look at the state through belief() only"
            ]
    return []


async def _together(player: Player, moment: _Moment) -> list[str]:
    """Decisions of several games at once are those of the games one after the other."""
    contexts = [replace(moment.context, seed=moment.context.seed ^ n) for n in range(AT_ONCE)]
    alone = [_said(await _act(player, moment.observation, context)) for context in contexts]
    both = await together(_act(player, moment.observation, context) for context in reversed(contexts))
    if alone != [_said(one) for one in reversed(both)]:
        return [
            f"decisions asked for at the same time differ from the same ones asked for in turn ({moment.place}): one "
            "player serves many games at once, so keep nothing on it that belongs to one of them"
        ]
    return []


def _said(decision: object) -> str:
    """What must be the same when a decision is made again: all but its time and cost."""
    return (
        repr(decision.move or str(decision.reply_class)) if isinstance(decision, Decision) else reprlib.repr(decision)
    )


def _look(moment: _Moment) -> list[object]:
    """What of the state can be seen from outside."""
    state, seats = moment.context.state, range(moment.context.game.seats)
    seen: list[object] = [
        state.to_act(),
        state.is_terminal(),
        state.returns(),
        *(state.observe(seat) for seat in seats),
    ]
    if (copied := cloneable(moment.context.game, state)) is not None:
        seen.append(copied.fingerprint())
    return seen
