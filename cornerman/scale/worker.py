"""A worker: plays the matches that it is given, many at once, and says what they cost. One process, one event loop.

Knows nothing about Ray, which calls it, nor about the store.
"""

import asyncio
import os
import platform
import socket
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from cornerman.config import Config
from cornerman.opening import model_options, open_simple, student_device
from cornerman.scale.lease import Leased, Purse
from cornerman.scale.tickets import (
    Fault,
    Grant,
    Hello,
    ModelCard,
    PlayerCard,
    Reply,
    Setup,
    Ticket,
    decode,
    encode,
)
from episodes.clock import Clock
from episodes.fault import faults_of
from episodes.game import Game
from episodes.games import load_game
from episodes.play import Match, play_episode
from episodes.player import Player
from episodes.players.model import ModelPlayer
from models.chat import ChatModel
from models.errors import BadInput, CornermanError, Void
from models.local import LocalModel
from models.notes import Notes
from models.registry import ModelOptions, open_model
from models.traffic import Traffic

LAST_MATCHES_S = 2.0
"""How long matches that were called off may take to clear up."""


def identity() -> Hello:
    """This very process."""
    return Hello(version("cornerman"), platform.python_version(), socket.gethostname())


class Worker:
    """Takes and gives JSON (see ``tickets``). Games, models and players are opened once and kept."""

    def __init__(self, setup: bytes) -> None:
        made_with = decode(Setup, setup)
        self._workers = made_with.workers
        self._config = Config.model_validate_json(made_with.config)
        self._purse = Purse(limited_usd=made_with.limited_usd, limited_tokens=made_with.limited_tokens)
        self._traffic = Traffic()
        self._notes = Notes(lambda text: None)  # they go with every reply: the program says them, once for all workers
        self._games: dict[str, Game] = {}
        self._models: dict[ModelCard, ChatModel] = {}
        self._players: dict[tuple[str, bytes], Player] = {}
        self._playing: set[asyncio.Task[bytes]] = set()
        # As the program does for itself: threads that wait for each other make small matrices slow.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        if Path(made_with.folder).is_dir():
            os.chdir(made_with.folder)  # so that relative paths mean the same files, where the folder is shared

    async def hello(self) -> bytes:
        return encode(identity())

    async def play(self, sent: bytes) -> bytes:
        """Play a ``Ticket``; an error of ours is part of the ``Reply``, any other is raised."""
        task = asyncio.ensure_future(self._play(sent))
        self._playing.add(task)
        task.add_done_callback(self._playing.discard)
        return await task

    async def _play(self, sent: bytes) -> bytes:
        record, fault = None, None
        try:
            record = await play_episode(self._match(decode(Ticket, sent)))
        except CornermanError as error:
            fault = Fault(type(error).__name__, str(error), faults_of(error) if isinstance(error, Void) else ())
        return encode(Reply(record, fault, self._purse.ledger.totals(), self._notes.told))

    async def wants(self) -> bytes:
        """Wait until more of the budget is needed: an ``Ask``."""
        return encode(await self._purse.wants())

    async def granted(self, grant: bytes) -> None:
        self._purse.granted(decode(Grant, grant))

    async def finish(self) -> bytes:
        """Close the models when no match is left under way; the last ``Reply``, without a record."""
        if self._playing:
            await asyncio.wait(self._playing, timeout=LAST_MATCHES_S)
        for model in self._models.values():
            await model.close()
        return encode(Reply(None, None, self._purse.ledger.totals(), self._notes.told))

    def _match(self, ticket: Ticket) -> Match:
        if ticket.game not in self._games:
            self._games[ticket.game] = load_game(ticket.game)
        game = self._games[ticket.game]
        players = tuple(self._player(card, ticket.game) for card in ticket.players)
        return Match(game=game, players=players, clock=Clock.parse(ticket.clock), **ticket.match)

    def _player(self, card: PlayerCard, game: str) -> Player:
        key = game, encode(card)
        if key not in self._players:
            self._players[key] = self._open(card, self._games[game])
        return self._players[key]

    def _open(self, card: PlayerCard, game: Game) -> Player:
        if card.model is not None and card.prompted is not None:
            if card.model not in self._models:
                self._models[card.model] = self._chat(card.model)
            return ModelPlayer(chat=self._models[card.model], **card.prompted)
        if card.stand_in is not None:
            return card.stand_in
        player = open_simple(card.spec, game)
        if player is None:
            raise BadInput(f"{card.spec} is not installed on {socket.gethostname()}: install it on every node")
        return player

    def _chat(self, card: ModelCard) -> ChatModel:
        if card.folder is None:
            options = model_options(
                self._config, card.spec, self._purse.ledger, self._traffic, card.role, notes=self._notes
            )
            return Leased(open_model(card.spec, _share(options, self._workers)), self._purse)
        device = student_device(self._config, card.spec, card.role)
        adapter = None if card.adapter is None else Path(card.adapter)
        for folder in filter(None, (Path(card.folder), adapter)):
            if not folder.is_dir():
                raise BadInput(
                    f"{socket.gethostname()} does not see {folder}, the folder of {card.spec}: put students on a "
                    "folder that every node shares under one path"
                )
        return LocalModel(Path(card.folder), name=card.spec, kind="student", adapter=adapter, device=device)


def _share(options: ModelOptions, workers: int) -> ModelOptions:
    """One worker's part of what the account and its server allow."""
    requests, tokens, calls = options.requests_per_minute, options.tokens_per_minute, options.concurrency
    return replace(
        options,
        requests_per_minute=None if requests is None else requests / workers,
        tokens_per_minute=None if tokens is None else tokens / workers,
        concurrency=None if calls is None else max(1, calls // workers),
    )
