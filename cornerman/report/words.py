"""The story of the night in words, from its figures. Claims nothing that its figures do not show."""

from collections.abc import Sequence
from dataclasses import dataclass

from cornerman.format import count, duration, listed, number, pace, percent, percent_in_words, points_in_words, signed
from cornerman.losing import Answers
from cornerman.report.names import SHORT
from cornerman.report.results import Compared
from cornerman.report.student import Figures
from cornerman.report.view import Cost
from distill.method import Method
from optimize.stats.eprocess import interval
from optimize.stats.pairs import Counts


@dataclass(frozen=True, slots=True)
class Tally:
    """How much of everything there was."""

    game: str
    model: str
    episodes: int
    turns: int
    what_ifs: int
    proposed: int
    rejected: int
    candidates: int
    seconds: float
    """From its beginning to its end; 0 while it runs."""


def headline(promotions: Sequence[Compared], student_passed: bool) -> str:
    """The title: the one thing to know."""
    if promotions and student_passed:
        return "The guidance won, and the student beats it"
    if promotions:
        return "The guidance won"
    if student_passed:
        return "No guidance won; the student did"
    return "Nothing was promoted tonight"


def story(
    tally: Tally,
    promotions: Sequence[Compared],
    *,
    rules: int,
    before: Counts,
    after: Counts,
    measured: Compared | None,
    check: Compared | None,
    student: str,
    control: Compared | None = None,
    opponents: Sequence[str] = (),
) -> list[str]:
    """Paragraphs: what was played, what was learned, what was promoted, what the student can do."""
    told = [_played(tally), _learned(tally), *_promoted(tally, promotions, rules)]
    if opponents:
        told.insert(
            1,
            f"The night was about {listed(opponents)}. Prompts were compared by how they do against its opponents: in "
            "a pair of games both play the same opponent from the same start, and what counts is the difference.",
        )
    if control is not None and control.verdict == "alarm":
        told.insert(
            0,
            f"Alarm: {control.a} was measured against itself and did not come out even ({share(control.counts)}). "
            "Something favours a side, so nothing below should be trusted.",
        )
    if measured is not None:
        told.append(
            f"Measured once more against its opponents, on {count(measured.fresh.total, 'pair')} of games that no "
            f"decision saw, {measured.a} is {lead(measured.fresh)} ahead of {measured.b}."
            if measured.through
            else f"Measured once more against {measured.b}, on {count(measured.fresh.total, 'pair')} of games that no "
            f"decision saw, {measured.a} takes {share(measured.fresh)}."
        )
    if before.total and after.total:
        told.append(
            f"Against {'its opponents' if opponents else 'the league'} the base prompt took {share(before)}; "
            f"the certified prompt takes {share(after)}."
        )
    if check is not None:
        told.append(_checked(check, student))
    return told


def _played(tally: Tally) -> str:
    when = f"In {duration(tally.seconds)}" if tally.seconds else "So far"
    return (
        f"{when}, {tally.model} and its opponents played {count(tally.episodes, 'game')} of {tally.game} with "
        f"{count(tally.turns, 'decision')}. Every one of them is in the store with what the player saw, said and did."
    )


def _learned(tally: Tally) -> str:
    what_ifs = f"{count(tally.what_ifs, 'turn')} replayed with another move" if tally.what_ifs else "no turn replayed"
    rejected = f"; {count(tally.rejected, 'idea')} rejected" if tally.rejected else ""
    return (
        f"Between rounds the coach read the games, with {what_ifs} to test its hunches, and wrote "
        f"{count(tally.proposed, 'rule')}{rejected}. From these came {count(tally.candidates, 'candidate prompt')}."
    )


def _promoted(tally: Tally, promotions: Sequence[Compared], rules: int) -> list[str]:
    if not promotions:
        return ["No candidate gave enough evidence of being better, so the certified prompt is what it was before."]
    told = []
    for item in promotions:
        text = f"{item.a} passed the gate against {item.b} after {count(item.counts.total, 'pair')} of games"
        if item.through:
            text += f", both against {listed(item.through)}"
        if item.fresh.total and item.through:
            text += (
                f". On {count(item.fresh.total, 'fresh pair')}, played only to measure, it was {lead(item.fresh)} ahead"
            )
        elif item.fresh.total:
            text += f". On {count(item.fresh.total, 'fresh pair')}, played only to measure, it took {share(item.fresh)}"
        told.append(text + ".")
    told[-1] += f" The certified prompt now holds {count(rules, 'rule')}."
    return told


def _checked(check: Compared, student: str) -> str:
    won = {
        "better": "beats it",
        "promoted": "beats it",
        "worse": "is worse, and was not promoted",
        "futile": "is not better, and was not promoted",
    }
    what = won.get(check.verdict, "is not proved better, and was not promoted")
    return (
        f"The student {student[:SHORT]}, which gets no guidance in its prompt, was measured against {check.b} "
        f"with its real latency: it {what}. It took {share(check.measured)}."
    )


def student(student_id: str, base: str, method: Method, found: Figures) -> str:
    """Where the student comes from, what it kept of its teacher, and how fast it is."""
    told = (
        f"Student {student_id[:SHORT]} grew from {base} by fine-tuning a LoRA adapter of rank {method.rank} on its "
        "teacher's games and on its own practice; its prompt holds no guidance."
    )
    if found.before is not None and found.after is not None:
        told += (
            f" To {percent(found.after.agreement)} of the questions it answers with the move that it was "
            f"taught (before: {percent(found.before.agreement)})."
        )
    worth = found.worth
    if worth.before is not None and worth.after is not None:
        told += (
            f" On held-out turns, played on with every legal move, its choice gains {signed(worth.after, 3)} over "
            f"the average one (before: {signed(worth.before, 3)}; winning and not losing is worth 2)."
        )
    if found.kept is not None and found.faster is not None:
        told += (
            f" Against the league it keeps {percent(found.kept.share)} of the score of its unhurried teacher "
            f"(95% interval {percent(found.kept.low)} to {percent(found.kept.high)}) and decides "
            f"{pace(found.faster)}."
        )
    return told


def faults(counts: tuple[int, int]) -> list[str]:
    """What is said of games that broke, and of decisions lost to faults of players' own code."""
    games, decisions = counts
    if not games + decisions:
        return []
    return [
        f"Code of plug-ins broke: {count(games, 'game')} void, {count(decisions, 'decision')} lost. The table `faults` "
        "of the store has the tracebacks."
    ]


def losses(rows: Sequence[Cost]) -> tuple[str, ...]:
    """A line for each player that lost more than a tenth of its decisions, with what mends most of it."""
    hints = ((row, Answers(None, row.lost).hint) for row in rows)
    return tuple(
        f"{row.player} lost {number(row.lost.all)} of {count(row.lost.turns, 'decision')} ({row.kinds}): {hint}."
        for row, hint in hints
        if hint
    )


def share(counts: Counts) -> str:
    """E.g. ``61.0% of the points (95% interval 52.3% to 69.0%)``."""
    return percent_in_words(counts.mean, *interval(counts))


def lead(counts: Counts) -> str:
    """E.g. ``55.0 points of 100 (95% interval 40.7 to 70.1)``: the difference of two scores, half of which is what
    pairs through opponents show above one half."""
    low, high = interval(counts)
    return points_in_words(counts.mean - 0.5, low - 0.5, high - 0.5)
