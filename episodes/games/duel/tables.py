"""Duel's frame table and vocabulary as Markdown: ``python -m episodes.games.duel.tables`` prints them for the docs."""

from episodes.games.duel.frames import FIREBALL, FRAMES, JUMP, Frame
from episodes.games.duel.words import FEATURES, MOVES, phrase

_COLUMNS = (
    "move",
    "startup",
    "active",
    "recovery",
    "total",
    "reach",
    "damage",
    "chip",
    "hit stun",
    "block stun",
    "on hit",
    "on block",
    "push",
    "speed",
)


_VARIES = "varies"


def frame_table() -> str:
    """One row a move; ``on hit`` and ``on block`` hold where the first active tick meets."""
    rows = []
    for move, (name, frame) in enumerate(zip(MOVES, FRAMES, strict=True)):
        numbers: list[int | str] = [frame.startup, frame.active, frame.recovery, frame.total]
        if frame.damage:
            numbers += [frame.reach or "any", frame.damage, frame.chip, frame.hit_stun, frame.block_stun]
            numbers += [_VARIES, _VARIES] if move in (FIREBALL, JUMP) else [frame.on_hit, _on_block(frame)]
            numbers.append(frame.push)
        else:
            numbers += ["-"] * 8
        numbers.append(frame.speed or "-")
        rows.append([f"`{name}`", *numbers])
    return _markdown(list(_COLUMNS), rows)


def _on_block(frame: Frame) -> int | str:
    return frame.on_block if frame.block_stun else "cannot be blocked"


def feature_table() -> str:
    """One row a feature, with the clause that rules use for each of its values."""
    rows: list[list[int | str]] = [
        [f"`{feature}`", "; ".join(f"`{value}` ({phrase(feature, value)})" for value in values)]
        for feature, values in FEATURES.items()
    ]
    return _markdown(["feature", "values, and how a rule says them"], rows)


def _markdown(head: list[str], rows: list[list[int | str]]) -> str:
    lines: list[list[int | str]] = [[*head], ["---" for _ in head], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    print(frame_table(), feature_table(), sep="\n\n")
