"""``cornerman distill``: a teacher plays, a student learns, and is put to the test."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cornerman.format import count, pace, percent, percent_with_interval
from cornerman.options import ConfigFile, Db, GameName, Json, Seed
from cornerman.terminal import emit, live, note, say

if TYPE_CHECKING:
    from cornerman.distilling import DistilResult


def distill(
    *,
    teacher: Annotated[
        str | None, typer.Option(help="E.g. search:400 or openai:NAME@certified. Default: the configuration's.")
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option("--against", help="An opponent; repeat it. Default: house bots and champion.")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="rookie, smollm2, a Hugging Face name, a folder or a GGUF file. Default: the configuration's."
        ),
    ] = None,
    pairs: Annotated[int, typer.Option(min=2, help="Pairs of games against each opponent.")] = 4,
    practice: Annotated[
        int, typer.Option(min=0, help="Turns of the student's own that are replayed in each of four rounds; 0: none.")
    ] = 1000,
    check: Annotated[int, typer.Option(min=0, help="Pairs at most that decide whether it is better; 0: none.")] = 100,
    passes: Annotated[
        int | None, typer.Option(min=1, help="Over all questions, at most. This and the next: default as it suits.")
    ] = None,
    rank: Annotated[int | None, typer.Option(min=1, help="Rank of the LoRA adapter.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0, help="The peak; it falls to 0.")] = None,
    length: Annotated[int | None, typer.Option(min=1, help="Tokens of a training sequence.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Sequences a step.")] = None,
    patience: Annotated[
        int | None, typer.Option(min=0, help="Checks in a row that are clearly worse, after which it stops; 0: never.")
    ] = None,
    optimizer: Annotated[Literal["adamw", "muon"] | None, typer.Option(help="What moves the weights.")] = None,
    bits: Annotated[int | None, typer.Option(min=4, max=4, help="4: hold the base in 4 bits (bitsandbytes).")] = None,
    game: GameName = None,
    seed: Seed = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Let a strong player teach on the paused clock, train a student on its games and on practice, and check it.

    The student gets a short prompt without guidance. One that says less than half of what it was taught is not kept,
    and the exit code is 1. The check is the champions' gate, with the student's real latency.
    The same command goes on where it stopped.

    Example: cornerman distill --teacher search:200 --pairs 4 --check 40
    """
    from cornerman.distilling import course, distil
    from cornerman.workplace import workplace
    from distill.method import Wishes

    with workplace(db, config, game, seed=seed) as place:
        wanted = course(
            place,
            teacher=teacher,
            opponents=tuple(against or ()),
            base=base,
            pairs=pairs,
            practice=practice,
            check=check,
            wishes=Wishes(passes, rank, learning_rate, length, batch, patience, optimizer, 4 if bits else None),
        )
        with live("teaching …") as on_line:
            found = place.run(lambda: distil(place, wanted, on_line, note))
    if as_json:
        emit(found)
    else:
        _print(found)


def _print(found: "DistilResult") -> None:
    from cornerman.losing import lines

    say(f"student {found.student} in {found.path}")
    say(f"learned from {count(found.learned.episodes, 'game')}: {found.teacher}'s and practice")
    say(
        f"answers {percent(found.after.agreement)} of what it was taught "
        f"(before training {percent(found.before.agreement)})"
    )
    for line in lines(list(found.answers.items())):
        say(line)
    check = found.check
    if check is not None:
        shares = percent_with_interval(0.5 + check.gain, 0.5 + check.gain_low, 0.5 + check.gain_high)
        say(f"against the champion: {check.verdict}, {shares} of the points")
        say(f"keeps {percent(check.kept.share)} of its teacher's score, decides {pace(check.faster)}")
