"""Human drafts in the store, players measured against them, and a student of them.

A draft becomes an episode by being played again as its human played it, so all that holds for episodes holds for it.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cornerman.faults import Fault
from cornerman.losing import UNASKED, Answers
from cornerman.losing import answers as answers_of
from cornerman.night.schooling import wishes_of
from cornerman.result import FLAT, TEXT
from cornerman.session import TOLD
from cornerman.workplace import Workplace
from distill.dataset import DatasetReport, build_dataset, save_dataset
from distill.student import fits, make_student
from distill.train import Fit
from episodes.clock import Clock
from episodes.game import Game
from episodes.games import load_game
from episodes.games.draft import load
from episodes.games.draft.agreement import KINDS, Agreement, Answer, Kind, agreement, answers
from episodes.games.draft.follow import FollowGame, questions
from episodes.games.draft.human import NAME, RecordedDrafter
from episodes.games.draft.view import FEATURES
from episodes.pairs import play_matches, scope_with
from episodes.play import Match
from episodes.player import Player
from episodes.store.lost import Lost, lost_in
from episodes.store.store import Store
from models.errors import BadInput, Void

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What ``cornerman drafts import --json`` prints.

    ``rows`` are picks and ``drafts`` drafts of the file, ``top`` those that are whole and a top drafter's, of which
    ``train`` may be learned from and ``held_out`` may not; ``left_out`` are the others by reason. ``episodes`` are in
    the store now, ``new`` of them since this run.
    """

    path: Path
    game: str
    player: str
    episodes: int
    new: int
    rows: int
    drafts: int
    top: int
    train: int
    held_out: int
    left_out: Mapping[str, int]
    odd_pools: int


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """What ``cornerman drafts score --json`` prints: agreement with the humans over all picks, by kind and by phase.

    ``answers`` says what the player is held to and which decisions it lost. ``latency_p50_ms`` is the median over
    drafts of a draft's median decision, ``None`` without any.
    """

    player: str
    game: str
    drafts: int
    all: Agreement = field(metadata=FLAT)
    kinds: Mapping[Kind, Agreement]
    phases: Mapping[str, Agreement]
    illegal: int
    unreadable: int
    refused: int
    timeouts: int
    latency_p50_ms: float | None
    cost_usd: float
    voided: int
    faults: tuple[Fault, ...] = field(metadata=TEXT)
    answers: Answers = UNASKED


@dataclass(frozen=True, slots=True)
class DraftStudent:
    """What ``cornerman drafts distill --json`` prints; see ``cornerman.distilling.DistilResult``."""

    student: str
    path: Path
    game: str
    teacher: str
    dataset: str
    learned: DatasetReport = field(metadata=FLAT)
    measured: Mapping[str, object] = field(metadata=FLAT)
    before: Fit
    after: Fit


def read_file(game: str, on_progress: Progress) -> None:
    """Read the file of a ``draft:`` game now, if it was never read: opening the game then takes no time."""
    prefix, _, rest = game.split("+", maxsplit=1)[0].partition(":")
    if prefix == "draft":
        load(rest, on_progress)


def training_game(path: Path, on_progress: Progress) -> FollowGame:
    """The training drafts of a file; ``on_progress`` gets bytes read and the file's size if it must be read."""
    game = load(f"{path}(split=train)", on_progress)
    assert isinstance(game, FollowGame), "one seat was asked for"
    return game


def import_drafts(store: Store, game: FollowGame, limit: int | None, on_progress: Progress) -> ImportResult:
    """Keep the training drafts, at most ``limit``, as episodes of their humans; those that are there stay."""
    facts, count = game.prepared.facts, game.drafts if limit is None else min(limit, game.drafts)
    done = new = 0

    def matches() -> Iterator[Match]:
        nonlocal new
        for seed in range(count):
            match = _human_match(game, seed)
            new += store.scores(match.id) is None
            yield match

    def on_result(match: Match, outcome: tuple[float, ...] | Void) -> None:
        nonlocal done
        done += 1
        on_progress(done, count)

    asyncio.run(play_matches(matches(), store, concurrency=1, on_result=on_result))
    return ImportResult(
        path=game.prepared.path,
        game=game.name,
        player=NAME,
        episodes=done,
        new=new,
        rows=facts.rows,
        drafts=facts.drafts,
        top=sum(facts.sides.values()),
        train=facts.sides["train"],
        held_out=facts.sides["held-out"],
        left_out=facts.left_out,
        odd_pools=facts.odd_pools,
    )


def _human_match(game: FollowGame, seed: int) -> Match:
    """The human's own play-through. Its scope names the draft, so that it is the same episode in a newer file."""
    return Match(
        game=game,
        players=(RecordedDrafter(),),
        seed=seed,
        clock=Clock.parse("paused"),
        purpose="teach",
        scope=f"17lands {game.draft(seed).id}",
    )


async def score_player(place: Workplace, player: Player, drafts: int, on_progress: Progress) -> ScoreResult:
    """Put ``player`` to at most ``drafts`` drafts of the game.

    A provider's fault voids its draft. The same command asks nothing twice.
    """
    plain = _followed(place.game)
    wanted = min(drafts, plain.drafts)
    matches = [_scored_match(place, player, seed) for seed in range(wanted)]
    faults: list[Fault] = []
    finished: list[Match] = []

    def on_result(match: Match, outcome: tuple[float, ...] | Void) -> None:
        if isinstance(outcome, Void):
            faults.append(Fault.of(outcome))
        else:
            finished.append(match)
        on_progress(len(finished) + len(faults), wanted)

    width = 1 if player.name == "human" else 64
    await play_matches(matches, place.store, concurrency=width, on_result=on_result)
    finished.sort(key=lambda match: match.seed)
    found = [answers(questions(plain.draft(match.seed)), place.store.episode(match.id)) for match in finished]
    seats = [seat for match in finished for seat in place.store.summary(match.id).seats]
    latencies = sorted(seat.latency_p50_ms for seat in seats if seat.latency_p50_ms is not None)
    return ScoreResult(
        player=player.name,
        game=place.game.name,
        drafts=len(finished),
        all=agreement(found),
        kinds={kind: agreement(found, _of_kind(kind)) for kind in KINDS},
        phases={phase: agreement(found, _of_phase(phase)) for phase in FEATURES["phase"]},
        illegal=sum(seat.illegal for seat in seats),
        unreadable=sum(seat.unreadable for seat in seats),
        refused=sum(seat.refused for seat in seats),
        timeouts=sum(seat.timeouts for seat in seats),
        answers=answers_of(player, place.game, _lost(place, finished)),
        latency_p50_ms=latencies[len(latencies) // 2] if latencies else None,
        cost_usd=sum(seat.cost_usd for seat in seats),
        voided=len(faults),
        faults=tuple(faults[:TOLD]),
    )


def _lost(place: Workplace, finished: Sequence[Match]) -> Lost:
    return sum(lost_in(place.store, [match.id for match in finished]).values(), Lost())


def _scored_match(place: Workplace, player: Player, seed: int) -> Match:
    """One of before it was kept what shapes a player's answers is taken for the same."""
    match = Match(place.game, (player,), seed, Clock.parse("paused"), "check", scope="drafts score")
    if place.store.lacks_identities(match.id):
        return match
    return replace(match, scope=scope_with(match.scope, player))


def _of_kind(kind: str) -> Callable[[Answer], bool]:
    return lambda answer: answer.kind == kind


def _of_phase(phase: str) -> Callable[[Answer], bool]:
    return lambda answer: answer.phase == phase


def _followed(game: Game) -> FollowGame:
    """The game beneath its variants, which must be one of following a human."""
    plain = load_game(game.name.split("+", maxsplit=1)[0])
    if not isinstance(plain, FollowGame):
        raise BadInput(f"{game.name} asks nobody to agree with a human: use --game draft:FILE.csv.gz")
    return plain


def distil_drafts(place: Workplace, path: Path, base: str, on_progress: Progress) -> DraftStudent:
    """Train a student on the imported drafts of a file.

    The student plays ``draft:FILE``, whose drafts and held-out cards it has not seen. ``on_progress`` gets steps.
    """
    store, game = place.store, _followed(place.game)
    ids = store.episode_ids(game=f"draft:{path}(split=train)", player=NAME)
    if not ids:
        raise BadInput(f"no drafts of {path} are in {store.path}: cornerman drafts import {path}")
    dataset = build_dataset(store, game, ids, NAME)
    save_dataset(store, dataset)
    student = make_student(
        store,
        dataset,
        game,
        base=base,
        wishes=wishes_of(place.config),
        least=0.0,  # people do not agree with each other: there is no share that a student must reach
        root=place.config.night.folder / "students",
        on_progress=lambda at: on_progress(at.step, at.steps),
    )
    before, after = fits(student)
    return DraftStudent(
        student=student.id,
        path=student.folder,
        game=game.name,
        teacher=NAME,
        dataset=dataset.id,
        learned=dataset.report,
        measured=student.measured,
        before=before,
        after=after,
    )
