"""A game as a reflecting model reads it: JSON lines in windows, each thing said once, runs of like turns folded.

Whatever a player wrote, the opponent above all, is quoted as a JSON string, so that it cannot pass for anything else.
Knows nothing about who reads.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby

from episodes.game import Game
from episodes.record import EpisodeRecord, TurnRecord
from prompts.prompt import estimate_tokens
from reflect.digest import line

LIKE = 3
"""Turns of the player in a row that are alike are told one by one below this number, and as one run from it on."""
_HEAD = re.compile(r"([^\d:]*[^\W\d_]{2}[^\d:]*(?:\d+(?=:))?)[\d:]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one game: ``turns`` are the numbers of its turns, ``text`` its JSON lines under a first one."""

    episode: str
    turns: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A turn of the player (the game's first and last may lack one) and the turns of others that came before it."""

    others: tuple[TurnRecord, ...]
    own: TurnRecord | None

    @property
    def turns(self) -> tuple[TurnRecord, ...]:
        return self.others if self.own is None else (*self.others, self.own)

    @property
    def likeness(self) -> object:
        """Equal for exchanges that differ in time and numbers only; what others wrote beside a move makes a
        difference."""
        told = [(one.seat, one.move, one.reply_class, one.reply.strip()) for one in self.turns]
        own = self.own
        return own and (told, own.situation, own.reward, _NUMBER.sub("0", own.observation))


def windows(record: EpisodeRecord, game: Game, seat: int, name: str, tokens: int) -> list[Window]:
    """The whole game as ``seat`` lived through it, in windows of about ``tokens`` tokens at most.

    Of the player's turns the first in a window has its whole situation and observation, the others what changed since
    the turn before.
    """
    head = {
        "episode": name,
        "you": f"seat {seat}",
        "your_score": record.seats[seat].score,
        "opponents": [one.player for one in record.seats if one.seat != seat],
        "ended_by": record.ended_by,
        "turns": len(record.turns),
    }
    writer = _Writer(record, game, seat, line(head), tokens)
    for run in _runs(_exchanges(record.turns, seat)):
        writer.put(run)
    writer.finish()
    return writer.done


def _exchanges(turns: Sequence[TurnRecord], seat: int) -> Iterator[_Exchange]:
    others: list[TurnRecord] = []
    for turn in turns:
        if turn.seat == seat:
            yield _Exchange(tuple(others), turn)
            others = []
        else:
            others.append(turn)
    if others:
        yield _Exchange(tuple(others), None)


def _runs(exchanges: Iterator[_Exchange]) -> Iterator[list[_Exchange]]:
    """Exchanges in a row that are alike, together."""
    run: list[_Exchange] = []
    for one in exchanges:
        if run and (one.own is None or one.likeness != run[0].likeness):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


@dataclass
class _Writer:
    """Writes runs into windows. ``last`` is the player's turn that this window told last."""

    record: EpisodeRecord
    game: Game
    seat: int
    head: str
    most: int
    done: list[Window] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    used: int = 0
    last: TurnRecord | None = None

    def put(self, run: list[_Exchange]) -> None:
        """Tell a run, in a new window where this one is full."""
        folded = len(run) >= LIKE
        for exchange in run[: 1 if folded else None]:
            self._put(exchange.turns, partial(self._exchange, exchange))
        if folded:
            self._put([turn for exchange in run[1:] for turn in exchange.turns], partial(self._again, run))

    def _put(self, turns: Sequence[TurnRecord], told: Callable[[], dict[str, object]]) -> None:
        text = line(told())
        if self.turns and self.used + estimate_tokens(text) > self.most:
            self.finish()
            text = line(told())
        self.used += estimate_tokens(text) if self.turns else estimate_tokens(f"{self.head}{text}")
        self.turns += [turn.n for turn in turns]
        self.lines.append(text)
        self.last = next((turn for turn in reversed(turns) if turn.seat == self.seat), self.last)

    def finish(self) -> None:
        """End the window."""
        if self.turns:
            self.done.append(Window(self.record.id, tuple(self.turns), "\n".join([self.head, *self.lines])))
        self.turns, self.lines, self.used, self.last = [], [], 0, None

    def _exchange(self, exchange: _Exchange) -> dict[str, object]:
        own = exchange.own
        if own is None:
            return {"turn": exchange.turns[-1].n} | self._others(exchange)
        return {"turn": own.n} | self._when(own) | self._others(exchange) | self._seen(own) | self._did(own)

    def _again(self, run: list[_Exchange]) -> dict[str, object]:
        """What a run of like exchanges was, its first one apart."""
        own = run[-1].own
        assert own is not None, "the end of a game is like nothing else"
        told: dict[str, object] = {"turns": [run[1].turns[0].n, own.n], "times": len(run) - 1}
        return told | self._when(own) | self._others(run[-1]) | self._seen(own) | self._did(own)

    def _when(self, turn: TurnRecord) -> dict[str, object]:
        return {} if self.game.tick_rate is None else {"second": round(turn.tick / self.game.tick_rate, 2)}

    def _others(self, exchange: _Exchange) -> dict[str, object]:
        """What the others chose since the player's turn before, each alone where there is but one choice."""
        told: dict[str, list[object]] = {}
        for turn in exchange.others:
            who = "opponent" if self.game.seats == 2 else f"seat {turn.seat}"
            told.setdefault(who, []).append(_chosen(turn))
        return {who: moves[0] if len(moves) == 1 else moves for who, moves in told.items()}

    def _seen(self, turn: TurnRecord) -> dict[str, object]:
        """What is new in the observation and in the situation, each said once."""
        told: dict[str, object] = {}
        saw, gone = changed("" if self.last is None else self.last.observation, turn.observation)
        named = set(re.findall(r"\w+", saw)) if self.last is not None else set()
        known = {} if self.last is None else self.last.situation
        news = {name: value for name, value in turn.situation.items() if known.get(name) != value}
        if rest := {name: value for name, value in news.items() if value not in named}:
            told["situation"] = rest
        return told | {name: text for name, text in (("saw", saw), ("gone", gone)) if text}

    def _did(self, turn: TurnRecord) -> dict[str, object]:
        told: dict[str, object] = {"you": _chosen(turn)}
        if self.record.clock != "paused":
            told["took_ms"] = round(turn.latency_ms)
        if self.last is None or self.last.reward != turn.reward:
            told["return"] = round(turn.reward, 4)
        return told


def _chosen(turn: TurnRecord) -> object:
    """A move, or with it what was said instead of a bare move and how it failed."""
    told: dict[str, object] = {"move": turn.move}
    if turn.move is None:
        told["failed"] = turn.reply_class.value
    if turn.reply.strip() != (turn.move or ""):
        told["said"] = turn.reply
    return turn.move if told == {"move": turn.move} else told


def changed(before: str, now: str) -> tuple[str, str]:
    """What is new in the text ``now`` of several lines, and the lines of ``before`` whose like is gone.

    Two lines are alike that begin with the same words, up to the first number or colon. Of a line that has as many
    words as its like only those are told that differ; ``...`` stands for two or more before them that do not. What
    begins with nothing of its own, such as the rows of a board, is told in whole blocks.
    """
    both = _heads(before), _heads(now)
    twice = {head for heads in both for head, times in heads.items() if times > 1}
    old, new = _parts(before, twice), _parts(now, twice)
    if sum(isinstance(key, int) for key in old) != sum(isinstance(key, int) for key in new):
        old = {key: text for key, text in old.items() if not isinstance(key, int)}
    told = [
        text if isinstance(key, int) else _shortened(old.get(key, ""), text)
        for key, text in new.items()
        if old.get(key) != text
    ]
    gone = [text for key, text in old.items() if key not in new and not isinstance(key, int)]
    return "\n".join(told), "\n".join(gone)


def _heads(text: str) -> Counter[str]:
    return Counter(map(_head, text.split("\n")))


def _parts(text: str, twice: Collection[str]) -> dict[str | int, str]:
    """Lines by what they begin with, and blocks of the others by their number."""
    parts: dict[str | int, str] = {}
    for named, lines in groupby(text.split("\n"), lambda one: bool(head := _head(one)) and head not in twice):
        block = list(lines)
        if named:
            parts |= {_head(one): one for one in block}
        elif block != [""]:
            parts[sum(isinstance(key, int) for key in parts)] = "\n".join(block)
    return parts


def _head(text: str) -> str:
    """The words that a line begins with, up to its first number or colon, a label such as "Round 3:" whole: what it is
    about, if that is clear."""
    found = _HEAD.match(text)
    return found[1] if found else ""


def _shortened(before: str, now: str) -> str:
    old, new = before.split(" "), now.split(" ")
    if len(old) != len(new):
        return now
    head = len(_head(now).split())
    told: list[str] = []
    for same, words in groupby(enumerate(new), lambda one: one[0] >= head and old[one[0]] == one[1]):
        said = [word for _, word in words]
        told += ["..."] if same and len(said) > 1 else said
    return " ".join(told).removesuffix(" ...")
