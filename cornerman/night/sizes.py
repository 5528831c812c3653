"""How large a night is: how many pairs each stage may play. Three sizes, chosen with ``--size``."""

from dataclasses import dataclass
from typing import Literal

from distill.practice import Practice
from reflect.rehearsal import Effort

SizeName = Literal["smoke", "demo", "full"]


@dataclass(frozen=True, slots=True)
class Size:
    """Bounds of one night, in pairs (two episodes each) unless said otherwise.

    ``play`` is pairs against each league member a round; ``what_ifs`` is turns replayed with other moves a round;
    ``rehearsals`` how much the analyst tries its lists in games of a stand-in; ``guard`` is pairs against each group of
    others; ``effects`` is pairs for each rule's own worth; ``control`` is pairs of the champion against itself;
    ``teach`` is the teacher's pairs against each of its opponents; ``teacher`` is the embedded search's iterations;
    ``practice`` is the student's own; ``epochs`` bounds the training of a small student.
    """

    rounds: int
    play: int
    what_ifs: int
    rehearsals: Effort
    candidates: int
    race: int
    gate: int
    guard: int
    confirm: int
    effects: int
    control: int
    teacher: int
    teach: int
    practice: Practice
    epochs: int
    check: int
    league: int


SIZES: dict[SizeName, Size] = {
    "smoke": Size(
        rounds=1,
        play=1,
        what_ifs=4,
        rehearsals=Effort(rounds=1, turns=40, pairs=1),
        candidates=2,
        race=8,
        gate=40,
        guard=4,
        confirm=10,
        effects=2,
        control=2,
        teacher=40,
        teach=1,
        practice=Practice(rounds=1, pairs=1, turns=24),
        epochs=3,
        check=4,
        league=1,
    ),
    "demo": Size(
        rounds=2,
        play=8,
        what_ifs=60,
        rehearsals=Effort(),
        candidates=6,
        race=40,
        gate=200,
        guard=28,
        confirm=100,
        effects=20,
        control=20,
        teacher=600,
        teach=4,
        practice=Practice(),
        epochs=60,
        check=120,
        league=6,
    ),
    "full": Size(
        rounds=6,
        play=30,
        what_ifs=400,
        rehearsals=Effort(rounds=6),
        candidates=12,
        race=120,
        gate=600,
        guard=112,
        confirm=200,
        effects=60,
        control=100,
        teacher=800,
        teach=30,
        practice=Practice(rounds=6, pairs=16, turns=4000),
        epochs=60,
        check=400,
        league=40,
    ),
}
