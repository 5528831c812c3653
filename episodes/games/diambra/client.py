"""The real client of DIAMBRA Arena, in a process and an environment of its own: ``python -I client.py FD``.

It is told what to do in JSON lines on the socket ``FD`` and steps one engine; it plays nothing by itself. Imports
nothing of this program. Ends when ``FD`` is closed. Every setting that the client would draw at random is pinned.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

MIRRORED = (0, 5, 4, 3, 2, 1, 8, 7, 6)
"""The stick of a fighter that faces left, by that of one that faces right."""
FRAME_SHAPE = (128, 128, 1)
"""Pixels are not used; a small picture keeps messages small."""
CONNECT_S = 30


class UserFault(Exception):
    """A setting that the game does not have, in one line."""


class Client:
    """One engine, from the first ``open`` to the end of the process; ``open`` again starts another fight."""

    def __init__(self) -> None:
        self.env: Any = None
        self.opened: tuple[str, str, int] | None = None
        self.told: dict[str, Any] = {}

    def open(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = (request["address"], request["game"], request["step_ratio"])
        if self.opened != wanted:
            self.env = self._made(*wanted)
            self.opened = wanted
        listed = list(self.env.env_info.characters_info.char_list)
        barred = list(self.env.env_info.characters_info.char_forbidden_list)
        free = [name for name in listed if name not in barred]
        first = request["character"] or free[0]
        if first not in free:
            raise UserFault(f"{request['game']} has no character {first}: use one of {', '.join(free)}")
        team = (first, *(name for name in free if name != first))[:3]
        options = {"characters": (team, team), **self._pinned(), "difficulty": self.env.env_info.difficulty_bounds.min}
        seen, info = self.env.reset(seed=request["seed"], options=options)
        self.told = told(seen, info["env_done"])
        return {"characters": listed, "bounds": self._bounds(), **self.told}

    def steps(self, request: dict[str, Any]) -> dict[str, Any]:
        """Steps with each seat's (stick, button), until all are done or the fight is over; the last is told."""
        rounds, count = [], 0
        for pads in request["pads"]:
            count += 1
            before = self.told["seen"]
            actions = {}
            for seat, (stick, button) in enumerate(pads):
                facing_left = before[f"P{seat + 1}"].get("side", seat)
                actions[f"agent_{seat}"] = [MIRRORED[stick] if facing_left else stick, button]
            seen, reward, done, _, info = self.env.step(actions)
            self.told = told(seen, done or info["env_done"])
            if info["round_done"] or self.told["done"]:
                rounds.append({"before": before, "after": self.told["seen"], "reward": int(reward)})
            if self.told["done"]:
                break
        return {**self.told, "steps": count, "rounds": rounds}

    def close(self) -> None:
        if self.env is not None:
            self.env.arena_engine.close()

    def _made(self, address: str, game: str, step_ratio: int) -> Any:
        from diambra.arena import EnvironmentSettingsMultiAgent, Roles, SpaceTypes, make

        if self.env is not None:
            self.close()
            self.env = None
        settings = EnvironmentSettingsMultiAgent(
            step_ratio=step_ratio,
            frame_shape=FRAME_SHAPE,
            splash_screen=False,
            grpc_timeout=CONNECT_S,
            action_space=(SpaceTypes.MULTI_DISCRETE,) * 2,
            role=(Roles.P1, Roles.P2),  # left to itself the client flips a coin
        )
        return make(game, settings, env_addresses=[address], log_level=30).unwrapped

    @staticmethod
    def _pinned() -> dict[str, Any]:
        from diambra.arena import Roles

        return {
            "role": (Roles.P1, Roles.P2),
            "outfits": (1, 2),
            "super_art": (1, 1),
            "fighting_style": (1, 1),
            "ultimate_style": ((1, 1, 1), (1, 1, 1)),
            "speed_mode": (1, 1),
        }

    def _bounds(self) -> dict[str, int]:
        """The largest value of each number that a fighter has."""
        from diambra.engine import model

        states = self.env.env_info.ram_states_categories[model.RamStatesCategories.P1].ram_states
        return {model.RamStates.Name(key): info.max for key, info in states.items()}


def told(seen: dict[str, Any], done: bool) -> dict[str, Any]:
    """An observation as plain values, without its pixels."""
    plain = {
        key: {name: number(value) for name, value in part.items()} if isinstance(part, dict) else number(part)
        for key, part in seen.items()
        if key != "frame"
    }
    return {"seen": plain, "done": bool(done)}


def number(value: Any) -> int:
    """A plain number: some come as arrays of one."""
    return int(value.item() if hasattr(value, "item") else value)


def main(channel: socket.socket) -> None:
    client = Client()
    for line in channel.makefile("rb"):
        request = json.loads(line)
        try:
            answer = getattr(client, request["do"])(request) if request["do"] in ("open", "steps") else {}
        except UserFault as error:
            answer = {"bad_input": str(error)}
        except Exception as error:  # the client and its engine may raise anything; said in a line, the fight is void
            answer = {"fault": f"failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"}
        channel.sendall(json.dumps(answer).encode() + b"\n")
    client.close()


def end_with(parent: int) -> None:
    """End this process when its parent has, also while an engine keeps it waiting."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program, which then hangs up
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    main(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)  # gRPC's threads are not waited for
