"""Made draft files with exactly the columns of 17lands: ``python -m tests.support.made_drafts FILE``.

Eight people sit at a table and pass real packs. A card has a colour and a strength; good drafters take strong cards and
keep to their colours, others are carried away by noise. Same arguments, same file.
"""

import argparse
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

SEATS = 8
COLOURS = 5
ROUNDS = 3
HEAD = (
    "expansion,event_type,draft_id,draft_time,rank,event_match_wins,event_match_losses,pack_number,pick_number,pick,"
    "pick_maindeck_rate,pick_sideboard_in_rate"
)
_FIRST = ("Ash", "Bramble", "Cinder", "Dawn", "Ember", "Frost", "Gale", "Hollow", "Iron", "Jade", "Kelp", "Lantern",
          "Marsh", "Night", "Oak", "Pearl", "Quarry", "River", "Salt", "Thorn")  # fmt: skip
_SECOND = ("Adept", "Bear", "Charm", "Drake", "Envoy", "Falcon", "Giant", "Hunter", "Imp", "Jester", "Knight", "Lurker",
           "Mystic", "Nomad", "Ogre", "Pilgrim", "Raider", "Sage")  # fmt: skip


@dataclass(frozen=True, slots=True)
class MadeSet:
    """A made expansion: ``colours`` (C,), ``strength`` (C,), and ``rarity`` (C,), the weight of a card in a pack."""

    code: str
    names: tuple[str, ...]
    colours: NDArray[np.int64]
    strength: NDArray[np.float64]
    rarity: NDArray[np.float64]


def made_set(code: str = "MADE", cards: int = 120, seed: int = 1) -> MadeSet:
    """``cards`` (at most 360) different names, a few of them with a comma or an apostrophe; sorted, as in the files."""
    draw = np.random.default_rng([seed, cards])
    names = [f"{first} {second}" for first in _FIRST for second in _SECOND]
    chosen = [names[at] for at in draw.permutation(len(names))[:cards]]
    dressed = [
        f"{name}, the Bold" if at % 9 == 0 else f"{name}'s Oath" if at % 11 == 0 else name
        for at, name in enumerate(chosen)
    ]
    rarity = draw.choice([8.0, 3.0, 1.0], p=[0.5, 0.3, 0.2], size=cards)
    return MadeSet(code, tuple(sorted(dressed)), draw.integers(0, COLOURS, cards), draw.normal(0, 1, cards), rarity)


@dataclass(frozen=True, slots=True)
class Tables:
    """``packs`` (T, 8, rounds, K): cards of the packs opened; ``good`` (T, 8): who knows how to draft.

    ``seen`` (T, 8, rounds, K, K): the pack before each pick, -1 where a card is gone; ``taken`` (T, 8, rounds, K).
    """

    good: NDArray[np.bool_]
    seen: NDArray[np.int64]
    taken: NDArray[np.int64]


def play_tables(made: MadeSet, tables: int, *, pack: int, top: float, draw: np.random.Generator) -> Tables:
    """Draft at ``tables`` tables with packs of ``pack`` different cards; a share ``top`` of the people is good."""
    cards = len(made.names)
    good = draw.random((tables, SEATS)) < top
    noise = np.where(good, 0.15, 1.5)[..., None]
    loyal = np.where(good, 0.35, 0.1)[..., None]
    seen = np.full((tables, SEATS, ROUNDS, pack, pack), -1)
    taken = np.zeros((tables, SEATS, ROUNDS, pack), dtype=np.int64)
    held = np.zeros((tables, SEATS, COLOURS))
    at, who = np.ogrid[:tables, :SEATS]
    for turn in range(ROUNDS):
        keys = draw.gumbel(size=(tables, SEATS, cards)) + np.log(made.rarity)
        packs = np.sort(np.argpartition(-keys, pack, axis=-1)[..., :pack], axis=-1)
        for number in range(pack):
            seen[:, :, turn, number] = packs
            there = packs >= 0
            colour = made.colours[packs]
            liking = loyal * np.minimum(np.take_along_axis(held, colour, axis=-1), 6)
            worth = made.strength[packs] + liking + noise * draw.gumbel(size=packs.shape)
            place = np.where(there, worth, -np.inf).argmax(axis=-1)
            card = packs[at, who, place]
            taken[:, :, turn, number] = card
            held[at, who, made.colours[card]] += 1
            packs[at, who, place] = -1
            packs = np.roll(packs, 1 if turn % 2 == 0 else -1, axis=1)
    return Tables(good, seen, taken)


def header(made: MadeSet) -> str:
    """The first line, names with a comma quoted."""
    counts = [f"pack_card_{name}" for name in made.names] + [f"pool_{name}" for name in made.names]
    return ",".join([HEAD, *map(_quoted, counts), "user_n_games_bucket", "user_game_win_rate_bucket"])


def lines(made: MadeSet, tables: Tables, *, first: int, draw: np.random.Generator, people: int) -> Iterator[bytes]:
    """The rows of ``people`` people of every table. ``first`` numbers the tables, which begin an hour apart."""
    quoted = [_quoted(name) for name in made.names]
    cards = len(made.names)
    empty = b",".join([b"0"] * (2 * cards))
    for table in range(len(tables.good)):
        for seat in range(people):
            good = bool(tables.good[table, seat])
            start = datetime(2026, 3, 1) + timedelta(hours=first + table, seconds=int(draw.integers(0, 60)))
            wins = int(draw.integers(0, 8))
            about = f"{made.code},PremierDraft,{draw.bytes(16).hex()},{start:%Y-%m-%d %H:%M:%S},gold,{wins},2,"
            rate = draw.choice([0.60, 0.62, 0.66]) if good else draw.choice([0.46, 0.52, 0.56])
            tail = f",{draw.choice([100, 500]) if good else draw.choice([1, 50, 100])},{rate:.2f}\n".encode()
            pool = [0] * cards
            for turn in range(tables.taken.shape[2]):
                for number, card in enumerate(tables.taken[table, seat, turn].tolist()):
                    pack = [one for one in tables.seen[table, seat, turn, number].tolist() if one >= 0]
                    counts = _counts(empty, pack, pool)
                    yield f"{about}{turn},{number},{quoted[card]},0.5,0.1,".encode() + counts + tail
                    pool[card] += 1


def _counts(empty: bytes, pack: list[int], pool: list[int]) -> bytes:
    """The counts of one row, written over a row of nothing."""
    if max(pool) > 9:
        return b",".join([*(b"%d" % (one in pack) for one in range(len(pool))), *(b"%d" % count for count in pool)])
    counts = bytearray(empty)
    for one in pack:
        counts[2 * one] += 1
    for one, count in enumerate(pool):
        if count:
            counts[2 * (len(pool) + one)] += count
    return bytes(counts)


def write_drafts(
    path: Path,
    *,
    tables: int = 200,
    cards: int = 120,
    code: str = "MADE",
    seed: int = 1,
    pack: int = 14,
    people: int = 2,
    top: float = 0.5,
    megabytes: float | None = None,
) -> MadeSet:
    """Write a file, gzipped if its name says so, and return its set. ``megabytes``: stop once so much was written."""
    made = made_set(code, cards, seed)
    draw = np.random.default_rng([seed, 17])
    written = 0
    with _open(path) as file:
        file.write(header(made).encode() + b"\n")
        for first in range(0, tables, 50):
            played = play_tables(made, min(50, tables - first), pack=pack, top=top, draw=draw)
            for line in lines(made, played, first=first, draw=draw, people=people):
                written += file.write(line)
            if megabytes is not None and written >= megabytes * 1e6:
                break
    return made


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "wb", compresslevel=1)) if path.suffix == ".gz" else path.open("wb")


def _quoted(name: str) -> str:
    return f'"{name}"' if "," in name else name


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("file", type=Path, help="e.g. draft_data_public.MADE.PremierDraft.csv.gz")
    parser.add_argument("--tables", type=int, default=200, help="tables of eight; the file has two people of each")
    parser.add_argument("--cards", type=int, default=120, help="cards of the set, at most 360")
    parser.add_argument("--code", default="MADE", help="the set's name")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    write_drafts(given.file, tables=given.tables, cards=given.cards, code=given.code, seed=given.seed)


if __name__ == "__main__":
    main()
