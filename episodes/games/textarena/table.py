"""One TextArena game being played, inside the worker's process: starts, steps, and tries moves without making them.

Imports TextArena; knows nothing about processes, and gives plain values that JSON can hold.
"""

import contextlib
import copy
import json
import random
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import textarena as ta
from textarena.envs.registration import ENV_REGISTRY

from episodes.games.textarena.vocabulary import SILENCE, moves_of

MOST_PLAYERS = 15
EXAMPLES = 12
MOST_TRIED = 60
"""How many accepted moves are shown where moves are free text, and how many are tried for that."""
_TALK = "I have nothing to add."
_COMMON = ("[pass]", "[call]", "[0]", "[1]", "[0 0]")
_BRACKETED = re.compile(r"\[[^\[\]\n]{1,40}\]")
_LISTING = re.compile(r"^(?:available (?:moves|actions)|your available actions are|valid moves)\b.*$", re.I | re.M)
"""How TextArena lists legal moves; whether they are shown is for the prompt to say."""
_COLOUR = re.compile(r"\x1b\[\d*m")
_LONG = 12
"""Characters from which a player's words are looked for in the game's own messages."""


class CannotPlay(Exception):
    """Why a game cannot be played here, in one line."""


class Table:
    """A game from its start. ``moves`` are all of its moves, or none where they are free text.

    ``bracketed`` says that TextArena wants moves in square brackets. What seats see is handed out once, by ``view``.
    """

    def __init__(self, game_id: str, players: int | None, seed: int) -> None:
        self.env, self.players = _started(game_id, players, seed)
        wrappers = ENV_REGISTRY[game_id].default_wrappers or []
        self.bracketed = any(wrapper.__name__ == "ActionFormattingWrapper" for wrapper in wrappers)
        self.moves = moves_of(self.env)
        self.done = False
        self.refused = False
        self.at_fault: int | None = None
        self._words: list[str] = []
        self._named: dict[int, dict[str, None]] = {}
        if not self.moves and self._fails_always():
            raise CannotPlay(f"TextArena's {game_id} does not run: its own code fails whatever is said")

    def step(self, move: str | None) -> None:
        """Make a move; ``None`` is an empty action. A seat on whose action TextArena's own code fails has lost."""
        action = "" if move in (None, SILENCE) else str(move)
        seat = self.env.state.current_player_id
        invalid = _watched(self.env)
        self._words.append(action)
        try:
            self.done = bool(self.env.step(action)[0])
        except Exception:  # TextArena's code may raise anything on words that it did not foresee
            self.done, self.at_fault = True, seat
        finally:
            del self.env.state.set_invalid_move
        self.refused = bool(invalid) or self.at_fault is not None

    def accepts(self, move: str) -> bool:
        """Whether TextArena would take ``move`` from the seat that is to act; tried on a copy, so nothing changes."""
        if self.done:
            return False
        if self.moves:
            return move in self.moves and self._tried(move) == "taken"
        return move == SILENCE or self._tried(move) == "taken"

    def view(self) -> dict[str, Any]:
        """What is new: messages a seat, the seat to act with its moves, and the results."""
        state = self.env.state
        seat = state.current_player_id
        if self.done:
            new = {str(pid): messages for pid, messages in state.observations.items() if messages}
            state.observations = {pid: [] for pid in state.observations}
        else:
            new = {str(seat): self.env.get_observation()[1]}
        return {
            "seat": None if self.done else seat,
            "messages": {pid: self._told(int(pid), messages) for pid, messages in new.items()},
            "legal": [] if self.done else self._legal(seat, new[str(seat)]),
            "refused": self.refused,
            "turn": state.turn,
            "max_turns": state.max_turns,
            "returns": self._returns(),
        }

    def _told(self, seat: int, messages: list[Any]) -> list[tuple[str, str]]:
        """(who, text) of each message; who is ``game``, ``self`` or a player's name. Players' words stay as said."""
        told = []
        for sender, text, _ in messages:
            if sender == ta.GAME_ID:
                told.append(("game", self._of_the_game(text)))
            else:
                name = self.env.state.role_mapping.get(sender, f"Player {sender}")
                told.append(("self" if sender == seat else str(name), text))
        return [(who, text) for who, text in told if text or who != "game"]

    def _of_the_game(self, text: str) -> str:
        """A message of the game's own, in which players' words, should it repeat them, stand in quotes."""
        if self.moves:
            text = _LISTING.sub("", text)
        for words in self._words:
            if len(words) >= _LONG and words in text:
                text = text.replace(words, json.dumps(words, ensure_ascii=False))
        return text.strip()

    def _legal(self, seat: int, messages: list[Any]) -> list[str]:
        """All legal moves, or some that are taken now where moves are free text."""
        if self.moves:
            return [move for move in self.moves if self._tried(move) == "taken"]
        named = self._named.setdefault(seat, {})
        for sender, text, kind in messages:
            if sender == ta.GAME_ID:
                quoted = "" if kind is ta.ObservationType.PROMPT else "\n".join(self._words)
                # Only what the game itself wrote is an example: a player's words are not, even where it repeats them.
                named |= dict.fromkeys(group for group in _BRACKETED.findall(text) if group not in quoted)
        tries = [*list(named)[-MOST_TRIED:], *(_COMMON if self.bracketed else ()), _TALK]
        taken = [move for move in dict.fromkeys(tries) if self._tried(move) == "taken"]
        return taken[:EXAMPLES] or [SILENCE]

    def _tried(self, move: str) -> str:
        """``taken``, ``invalid`` or ``failed``: what comes of ``move`` on a copy, all random numbers kept."""
        with _randomness_kept():
            try:
                env = copy.deepcopy(self.env)
                invalid = _watched(env)
                env.step(move)
            except Exception:  # as in ``step``
                return "failed"
        return "invalid" if invalid else "taken"

    def _fails_always(self) -> bool:
        return all(self._tried(move) == "failed" for move in ("", _TALK, *_COMMON))

    def _returns(self) -> list[float]:
        """In [-1, 1]; 0 while it runs. Alone, TextArena's share of the task done, in [0, 1], is stretched over it."""
        if self.at_fault is not None:
            return [-1.0 if seat == self.at_fault else float(self.players > 1) for seat in range(self.players)]
        if not self.done:
            return [0.0] * self.players
        # Some games give the words of a refusal where its cost belongs: then it costs everything.
        given = (self.env.state.rewards or {}).items()
        rewards = {seat: float(reward) if isinstance(reward, int | float) else -1.0 for seat, reward in given}
        if self.players == 1:
            return [2 * min(max(rewards.get(0, 0.0), 0.0), 1.0) - 1]
        largest = max((abs(reward) for reward in rewards.values()), default=0.0)
        return [rewards.get(seat, 0.0) / max(largest, 1.0) for seat in range(self.players)]


def _started(game_id: str, players: int | None, seed: int) -> tuple[Any, int]:
    """The environment after its reset, without TextArena's own wrappers, and its number of players."""
    if game_id not in ENV_REGISTRY:
        raise CannotPlay(f"TextArena knows no game {game_id}: names are like Nim-v0 or TicTacToe-v0")
    if game_id.endswith(("-raw", "-train")):
        raise CannotPlay(f"{game_id} differs only in how TextArena shows it: use {game_id.rpartition('-')[0]}")
    numbers = (2, 1, *range(3, MOST_PLAYERS + 1)) if players is None else (players,)
    for number in numbers:
        env = _reset(game_id, number, seed)
        if env is not None:
            return env, number
    fit = [number for number in range(1, MOST_PLAYERS + 1) if _reset(game_id, number, seed) is not None]
    if not fit:
        raise CannotPlay(f"TextArena's {game_id} starts with no number of players from 1 to {MOST_PLAYERS}")
    raise CannotPlay(f"TextArena's {game_id} is not for {players} players, but for {', '.join(map(str, fit))}")


def _reset(game_id: str, players: int, seed: int) -> Any:
    """An environment reset for ``players``, or ``None`` if it is not for that many."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        env = ta.make(game_id)
        while isinstance(env, ta.Wrapper):
            env = env.env
    except Exception as error:  # whatever building a game may raise is a reason why it cannot be played
        raise CannotPlay(f"TextArena's {game_id} cannot be played here: {_why(error)}") from None
    try:
        env.reset(num_players=players, seed=seed)
    except (AssertionError, ValueError, KeyError, IndexError):
        return None
    except Exception as error:  # as above
        raise CannotPlay(f"TextArena's {game_id} cannot be played here: {_why(error)}") from None
    return env if env.state.num_players == players else None


def _why(error: Exception) -> str:
    """One line that says what to do about a game that does not start."""
    text = " ".join(_COLOUR.sub("", str(error)).split())
    if isinstance(error, LookupError) and (resource := re.search(r"Resource '?(\w+)", text)):
        return f"it needs the word list {resource[1]!r}, once: python -m nltk.downloader {resource[1]}"
    if "API key" in text or "API_KEY" in text:
        return "another model over the network is its judge"
    if isinstance(error, SyntaxError):
        return "its code needs a newer Python"
    return f"{type(error).__name__}: {text[:150]}"


def _watched(env: Any) -> list[bool]:
    """A list that grows whenever ``env`` calls a move invalid; TextArena forgets it by the end of the step."""
    calls: list[bool] = []
    state = env.state
    original = type(state).set_invalid_move

    def set_invalid_move(*args: Any, **kwargs: Any) -> Any:
        calls.append(True)
        return original(state, *args, **kwargs)

    state.set_invalid_move = set_invalid_move
    return calls


@contextlib.contextmanager
def _randomness_kept() -> Iterator[None]:
    kept, of_numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(kept)
        np.random.set_state(of_numpy)
