"""Golden play-throughs: a whole seeded game as readable text, one file a listed game.

Games in a browser or an emulator have none: their own tests play them.
``python tests/golden/record.py`` writes them all again; look at the difference before you commit it.
"""

import random
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
if __name__ == "__main__":
    sys.path.insert(0, str(FOLDER.parent.parent))

# Run as a script it needs the path above.
from episodes.game import CloneableState, ClosableState, Game, RealTimeState, State  # noqa: E402
from episodes.games import known_games, load_game  # noqa: E402

SEED = 7
ELSEWHERE = ("web:", "diambra:")


def golden_games() -> list[str]:
    return [name for name in known_games() if not name.startswith(ELSEWHERE)]


def golden_path(name: str) -> Path:
    return FOLDER / f"{re.sub(r'[^A-Za-z0-9]+', '_', name).strip('_')}.txt"


def transcript(game: Game) -> str:
    """The game of ``SEED`` with moves drawn from it: every observation, decision, result and input."""
    rng = random.Random(f"golden {SEED}")
    state = game.initial_state(SEED)
    try:
        return _transcript(game, state, rng)
    finally:
        if isinstance(state, ClosableState):
            state.close()


def _transcript(game: Game, state: State, rng: random.Random) -> str:
    lines = [f"# {game.name}, seed {SEED}"]
    decisions = 0
    while not state.is_terminal():
        moves = {}
        for seat in state.to_act():
            observation = state.observe(seat)
            moves[seat] = rng.choice(observation.legal_moves) if rng.random() > 0.02 or decisions < 9 else None
            lines += ["", f"## decision {decisions}, seat {seat}, {' '.join(observation.situation.values())}"]
            lines += observation.text.splitlines()
            lines += [f"legal: {', '.join(observation.legal_moves)}", f"> {moves[seat]}"]
            decisions += 1
        state.apply(moves)
        if isinstance(state, RealTimeState) and not state.is_terminal():
            state.advance(1 << 20)
            lines.append(f"tick {state.tick}")
        if isinstance(state, CloneableState):
            lines.append(f"state {state.fingerprint()}")
    lines += ["", f"returns {state.returns()}"]
    if isinstance(state, RealTimeState):
        lines += [f"{row.seat} {row.decision} {row.move}: {row.fate} at {row.tick}" for row in state.inputs()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for known in golden_games():
        golden_path(known).write_text(transcript(load_game(known)))
        print(f"wrote {golden_path(known)}")
