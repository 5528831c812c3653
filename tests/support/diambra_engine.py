"""An engine that speaks DIAMBRA's protocol and plays our own fighter, for tests: no emulator, no ROM.

``python diambra_engine.py LOG`` runs in ``.venv-diambra``, binds a free port of the loopback and prints it. It reads
the stick and the buttons as an arcade game does: a motion and a button make a special move if the fighter is free to
begin one, and what comes while it is busy is lost. ``LOG`` gets a JSON line for every call, with what every step was
given.

It says that it is ``sfiii3n``: the numbers of duel are shown in that game's units.
"""

import json
import random
import sys
from concurrent import futures
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, TextIO

import grpc
from diambra.engine import interface_pb2 as model
from diambra.engine import interface_pb2_grpc as service

from episodes.games.duel import GAME as DUEL
from episodes.games.duel import frames
from episodes.games.duel.engine import DuelState
from episodes.games.duel.fighter import STUNNED

GAME = "sfiii3n"
FEATURES = json.loads((files("diambra.arena.utils") / "integratedGames.json").read_text())[GAME]
ROUNDS = FEATURES["rounds_per_stage"]
FULL = FEATURES["health"][1]
ROUND_TICKS = 400
"""Shorter rounds than duel's own, so that tests need not wait for so many."""
MOTION_TICKS = 24
"""How long ago the first stick position of a motion may be."""
LEFT, RIGHT, DOWN = 1, 5, 7
MIRRORED = (0, 5, 4, 3, 2, 1, 8, 7, 6)
MOTIONS = (
    ((7, 6, 5, 7, 6, 5), (1, 2, 3), "super"),
    ((5, 7, 6), (1, 2, 3), "uppercut"),
    ((7, 6, 5), (1, 2, 3), "fireball"),
)
BUTTONS = {1: "jab", 2: "heavy", 3: "heavy", 4: "jab", 5: "heavy", 6: "heavy", 7: "throw", 8: "heavy"}
STICKS = {5: "advance", 1: "retreat", 8: "guard", 3: "jump", 4: "jump", 2: "jump"}


class Hands:
    """What one player's stick and buttons have done, and the move that they ask for now."""

    def __init__(self) -> None:
        self.sticks: list[tuple[int, int]] = []
        self.button = 0

    def move(self, tick: int, stick: int, button: int) -> str | None:
        if not self.sticks or self.sticks[-1][1] != stick:
            self.sticks.append((tick, stick))
        pressed = button if button != self.button else 0
        self.button = button
        if pressed:
            recent = [position for then, position in self.sticks if tick - then <= MOTION_TICKS and position]
            for motion, buttons, move in MOTIONS:
                if pressed in buttons and tuple(recent[-len(motion) :]) == motion:
                    return move
            return BUTTONS.get(pressed)
        return STICKS.get(stick)


class Engine(service.EnvServerServicer):  # type: ignore[misc]
    """One fight at a time; a round is a duel."""

    def __init__(self, log: TextIO) -> None:
        self.log = log
        self.settings = model.EnvSettings()
        self.duel: DuelState = DUEL.initial_state(0)
        self.seed = self.round = self.steps = 0
        self.wins = [0, 0]
        self.hands = (Hands(), Hands())
        self.characters = [0, 0]

    def EnvInit(self, request: Any, context: Any) -> Any:  # noqa: N802  # the protocol's own names
        self.settings = request
        self.say(call="init", game=request.game_id, step_ratio=request.step_ratio)
        answer = model.EnvInitResponse()
        answer.frame_shape.h, answer.frame_shape.w = request.frame_shape.h, request.frame_shape.w
        answer.frame_shape.c = request.frame_shape.c
        actions = answer.available_actions
        actions.n_moves, actions.n_attacks, actions.n_attacks_no_comb = FEATURES["n_actions"]
        for n in range(actions.n_moves):
            actions.moves.append(model.EnvInitResponse.AvailableActions.Button(key=f"Move{n}", label=str(n)))
        for n in range(actions.n_attacks):
            actions.attacks.append(model.EnvInitResponse.AvailableActions.Button(key=f"But{n}", label=str(n)))
        answer.characters_info.char_list.extend(FEATURES["char_list"])
        answer.characters_info.char_forbidden_list.extend(FEATURES["char_forbidden_list"])
        answer.characters_info.chars_to_select = answer.characters_info.chars_per_round = 1
        answer.difficulty_bounds.min, answer.difficulty_bounds.max = FEATURES["difficulty"][:2]
        for category, states in self.categories().items():
            for name, (kind, low, high) in states.items():
                info = answer.ram_states_categories[category].ram_states[model.RamStates.Value(name)]
                info.type, info.min, info.max = model.SpaceTypes.Value(kind), low, high
        return answer

    def Reset(self, request: Any, context: Any) -> Any:  # noqa: N802
        roles = [player.role for player in request.player_settings]
        names = [player.characters[0] for player in request.player_settings]
        self.say(call="reset", seed=request.random_seed, roles=roles, characters=names, steps=self.steps)
        self.seed, self.round, self.wins, self.steps = request.random_seed, 0, [0, 0], 0
        self.characters = [FEATURES["char_list"].index(name) for name in names]
        self.new_round()
        return self.answer(0, round_done=False, game_done=False)

    def Step(self, request: Any, context: Any) -> Any:  # noqa: N802
        pads = [(action.move, action.attack) for action in request.actions]
        before, begun = self.health(), []
        for _ in range(self.settings.step_ratio):
            if not self.duel.is_terminal():
                begun += self.tick(pads)
        self.say(call="step", step=self.steps, pads=pads, begun=begun, round=self.round)
        self.steps += 1
        after = self.health()
        reward = (before[1] - after[1]) - (before[0] - after[0])
        if not self.duel.is_terminal():
            return self.answer(reward, round_done=False, game_done=False)
        lead = self.duel.returns()[0]
        self.wins[0] += lead > 0
        self.wins[1] += lead < 0
        self.round += 1
        over = max(self.wins) == ROUNDS or self.round == 2 * ROUNDS
        if over:  # as the mock of diambra-arena does, the end of the game puts everything back
            self.wins = [0, 0]
        self.new_round()
        return self.answer(reward, round_done=True, game_done=over)

    def Close(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.say(call="close")
        return model.Empty()

    def Shutdown(self, request: Any, context: Any) -> Any:  # noqa: N802
        return model.Empty()

    def new_round(self) -> None:
        self.duel = DUEL.initial_state(random.Random(f"{self.seed} {self.round}").getrandbits(30))
        self.duel.rules = replace(self.duel.rules, round_ticks=ROUND_TICKS)
        self.hands = (Hands(), Hands())

    def tick(self, pads: list[tuple[int, int]]) -> list[tuple[int, str]]:
        """One tick of the duel; the moves that began, by seat."""
        begun = []
        for seat, (stick, button) in enumerate(pads):
            facing = MIRRORED[stick] if seat else stick
            move = self.hands[seat].move(self.duel.tick, facing, button)
            if move and seat in self.duel.to_act() and self.duel.accepts(seat, move):
                begun.append((seat, move))
        if begun:
            self.duel.apply(dict(begun))
        self.duel.advance(1)
        return begun

    def health(self) -> list[int]:
        return [fighter.health * FULL // frames.HEALTH for fighter in self.duel.fighters]

    def categories(self) -> dict[int, dict[str, list[Any]]]:
        own = FEATURES["ram_states"]["Px"]
        categories = model.RamStatesCategories
        return {categories.common: FEATURES["ram_states"]["common"], categories.P1: own, categories.P2: own}

    def answer(self, reward: int, *, round_done: bool, game_done: bool) -> Any:
        answer = model.StepResetResponse(reward=reward)
        shape = self.settings.frame_shape
        answer.observation.frame = bytes(shape.h * shape.w * shape.c)
        left = (ROUND_TICKS - self.duel.tick) * 99 // ROUND_TICKS
        values = {model.RamStatesCategories.common: {"stage": 1, "timer": left}}
        for seat, category in enumerate((model.RamStatesCategories.P1, model.RamStatesCategories.P2)):
            fighter = self.duel.fighters[seat]
            values[category] = {
                "side": seat,
                "wins": self.wins[seat],
                "character": self.characters[seat],
                "stun_bar": 0,
                "stunned": int(fighter.act == STUNNED),
                "super_bar": min(fighter.meter, frames.METER) * 128 // frames.METER,
                "super_type": 0,
                "super_count": int(fighter.meter >= frames.METER),
                "super_max_count": 1,
                "health": self.health()[seat],
            }
        for category, states in values.items():
            for name, value in states.items():
                answer.observation.ram_states_categories[category].ram_states[model.RamStates.Value(name)] = value
        flags = {"round_done": round_done, "stage_done": game_done, "game_done": game_done}
        for name, flag in (flags | {"episode_done": game_done, "env_done": game_done}).items():
            answer.info.game_states[model.GameStates.Value(name)] = flag
        return answer

    def say(self, **call: object) -> None:
        print(json.dumps(call), file=self.log, flush=True)


def main() -> None:
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    with Path(sys.argv[1]).open("a") as log:
        service.add_EnvServerServicer_to_server(Engine(log), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        print(port, flush=True)
        sys.stdin.read()  # until whoever started this hangs up
        server.stop(0)


if __name__ == "__main__":
    main()
