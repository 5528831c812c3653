"""The colosseum in words, from its figures. Claims nothing that its figures do not show."""

from collections.abc import Sequence

from cornerman.colosseum.standings import Pairing, Standing, Standings
from cornerman.format import count, elo, elo_interval, listed, milliseconds, number, percent

FEW = 20
"""Games of the leader below which nothing is called settled: a bootstrap of so few pairs is too sure of itself."""
CLEARLY_FASTER = 2.0
"""How many times faster a player must decide before that is told as the reason of anything."""


def headline(found: Standings) -> str:
    """Who leads, and whether that is settled."""
    first, *others = found.rows
    if others and first.games >= FEW and not _close(found):
        return f"{first.player} wins the colosseum"
    return f"{first.player} leads the colosseum"


def story(found: Standings, *, game: str, clock: str, system: str, voided: int) -> list[str]:
    """Paragraphs: what was played, who leads and how surely, what speed did, what was not played out."""
    told = [_played(found, game, clock, system), _leader(found)]
    told += [line for line in (_speed(found, clock), _forfeited(found)) if line]
    if voided:
        told.append(
            f"{count(voided, _unit(found.seats))} could not be counted because a provider failed or the game broke; "
            "the same command plays what is missing."
        )
    return told


def _unit(seats: int) -> str:
    return {1: "game", 2: "pair"}.get(seats, "table")


def _played(found: Standings, game: str, clock: str, system: str) -> str:
    how = {
        1: "Everybody played the same seeds alone; who did better on a seed is ahead there.",
        2: "Two players meet in pairs of games on one seed, with the sides swapped.",
    }.get(found.seats, "Each table played its seed in all rotations, so that everybody had every seat.")
    met = "in Swiss rounds" if system == "swiss" else "each against each" if found.seats == 2 else "at one table"
    who = (
        f"{count(len(found.rows), 'player')} met {met} in"
        if found.seats > 1
        else f"{count(len(found.rows), 'player')} played"
    )
    return f"{who} {count(found.games, 'game')} of {game} on the {clock} clock. {how}"


def _close(found: Standings) -> list[str]:
    """The players whose interval reaches the leader's."""
    first, *others = found.rows
    return [row.player for row in others if row.rating.elo_high >= first.rating.elo_low]


def _leader(found: Standings) -> str:
    first, close = found.rows[0], _close(found)
    text = (
        f"{first.player} stands at {elo(first.rating.elo)} Elo "
        f"{elo_interval(first.rating.elo_low, first.rating.elo_high)} and took {percent(first.score)} of the points."
    )
    if first.games < FEW:
        return text + f" The place is not settled: {count(first.games, 'game')} of a player say little."
    if not close:
        return text + " Nobody's interval reaches it."
    near = close if len(close) <= 2 else [*close[:2], f"{len(close) - 2} more"]
    who = listed(near)
    one = len(close) == 1
    return text + f" The place is not settled: the interval{'' if one else 's'} of {who} reach{'es' if one else ''} it."


def _speed(found: Standings, clock: str) -> str:
    """On a clock that charges the real time: the slowest player, and the best of those who are clearly faster.

    Where there are models it is about them: that a bot takes no time is no news.
    """
    timed = [row for row in found.rows if row.latency_ms is not None]
    models = [row for row in timed if row.tokens]
    timed = models if len(models) > 1 else timed
    if not clock.startswith("measured") or len(timed) < 2:
        return ""
    slow = max(timed, key=lambda row: row.latency_ms or 0.0)
    faster = [row for row in timed if CLEARLY_FASTER * (row.latency_ms or 0.0) <= (slow.latency_ms or 0.0)]
    if not faster:
        return ""
    quick = faster[0]
    text = (
        f"Time is charged: {quick.player} decides in {milliseconds(quick.latency_ms)} and gets in "
        f"{number(quick.moves)} moves a game; {slow.player}, the slowest, takes {milliseconds(slow.latency_ms)} and "
        f"gets in {number(slow.moves)}."
    )
    met = _between(found.pairings, quick, slow)
    if met is None:
        return text
    share, games = met
    return text + f" Against each other {quick.player} took {percent(share)} of the points in {count(games, 'game')}."


def _between(pairings: Sequence[Pairing], one: Standing, two: Standing) -> tuple[float, int] | None:
    for pairing in pairings:
        if (pairing.a, pairing.b) == (one.player, two.player):
            return pairing.score, pairing.games
        if (pairing.a, pairing.b) == (two.player, one.player):
            return 1 - pairing.score, pairing.games
    return None


def _forfeited(found: Standings) -> str:
    if not found.forfeits:
        return ""
    loser = max(found.rows, key=lambda row: (row.forfeits, row.player))
    out = sorted(
        (row for row in found.rows if row.without_forfeits),
        key=lambda row: -(row.without_forfeits.elo if row.without_forfeits else 0.0),
    )
    same = [row.player for row in out] == [row.player for row in found.rows]
    text = (
        f"{count(found.forfeits, 'game')} ended by forfeit, {loser.forfeits} of them lost by {loser.player}. "
        f"Without them the order is {'the same' if same else 'another'}"
    )
    if same or not out:
        return text + "."
    return text + f": {', '.join(row.player for row in out[:3])}{', …' if len(out) > 3 else ''}."
