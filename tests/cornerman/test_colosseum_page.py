"""The page and the tables behind it: every number from the games, everything escaped, one game of every pairing."""

import asyncio
import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import CHROMIUM, PROBE, browse
from colosseum_games import PAIR, RACE
from small_night import HOSTILE

from cornerman.colosseum.charts import Dot, bands, speed_chart
from cornerman.colosseum.entrants import Entrant
from cornerman.colosseum.games import Fought, Seated, fought, meetings, venues
from cornerman.colosseum.page import Occasion, exhibits, matrix, render
from cornerman.colosseum.run import Tournament, play_tournament
from cornerman.colosseum.standings import Standings, labelled, standings
from cornerman.colosseum.story import headline, story
from episodes.clock import Clock
from episodes.game import Game
from episodes.games.duel import GAME
from episodes.player import Decision, Player
from episodes.players.bots import load_bot
from episodes.store.store import Store


def seated(player: str, score: float, result: float | None = None, **given: Any) -> Seated:
    values = {
        "model": "m",
        "prompt_id": None,
        "moves": 9,
        "turns": 10,
        "illegal": 1,
        "unreadable": 0,
        "refused": 2,
        "timeouts": 0,
        "tokens": 100,
        "cost_usd": 0.5,
        "latencies": (10.0,) * 10,
    }
    return Seated(player=player, score=score, result=2 * score - 1 if result is None else result, **(values | given))


def game(n: int, *seats: Seated, ended_by: str = "result", group: str = "") -> Fought:
    return Fought(f"g{n}", group or f"pair{n // 2}", 20 + n, ended_by, seats)


class Quiet:
    """A watcher that hears nothing."""

    def begin(self, sittings: object) -> None:
        return

    def done(self, sitting: object, scores: object) -> None:
        return


class Hostile:
    """Answers with what a page must show and not obey."""

    prompt_id = None
    name = model = HOSTILE

    async def act(self, observation: Any, context: Any) -> Decision:
        return Decision("guard", HOSTILE, 0.4)


def held(path: Path, game: Game, players: dict[str, Player], clock: str = "paused") -> tuple[Standings, str]:
    with Store.open(path) as store:
        entrants = {name: Entrant(name, player, name, name) for name, player in players.items()}
        tournament = Tournament(game, Clock.parse(clock), entrants, pairs=2)
        played = asyncio.run(play_tournament(tournament, store, Quiet()))
        games = fought(store, [match.id for one in played.whole() for match in one.matches])
        found = standings(games, samples=20)
        occasion = Occasion(tournament.id, game.name, clock, "round-robin", 1)
        return found, render(occasion, found, exhibits(store, game, games, found), voided=played.voided)


@pytest.fixture(scope="module")
def duels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Standings, str]]:
    players: dict[str, Player] = {name: load_bot(name) for name in ("turtle", "zoner")}
    players[HOSTILE] = Hostile()
    yield held(tmp_path_factory.mktemp("colosseum") / "c.db", GAME, players, "measured")


def test_the_rows_are_sums_of_the_games() -> None:
    games = [
        game(0, seated("a", 1.0), seated("b", 0.0, refused=0)),
        game(1, seated("b", 0.0, moves=1, latencies=(30.0,) * 10), seated("a", 1.0)),
        game(2, seated("a", 0.5), seated("b", 0.5), ended_by="limit"),
        game(3, seated("b", 1.0), seated("a", 0.0), ended_by="forfeit"),
    ]
    found = standings(games, samples=10)
    a, b = found.rows
    assert (a.player, a.games, a.wins, a.draws, a.losses, a.score, a.seats) == ("a", 4, 2, 1, 1, 0.625, (0.75, 0.5))
    assert (a.illegal, a.refused, b.refused, a.tokens, a.cost_usd) == (0.1, 0.2, 0.15, 100, 0.5)
    assert (a.moves, b.moves, a.decisions) == (9, 7, 10)
    assert (a.latency_ms, b.latency_ms) == (10, 10)
    assert (a.forfeits, b.forfeits, found.forfeits) == (1, 0, 1)
    assert a.without_forfeits is not None and a.without_forfeits.elo > a.rating.elo > 0
    (pairing,) = found.pairings
    assert (pairing.a, pairing.b, pairing.games, pairing.wins, pairing.draws, pairing.losses) == ("a", "b", 4, 2, 1, 1)
    assert matrix(found)[1][1][0].text == "38%"
    assert matrix(found)[0][1][0].value is None


def test_of_many_seats_everybody_meets_everybody_and_a_game_broken_off_is_a_draw() -> None:
    three = (seated("a", 1.0, 0.9), seated("b", 0.0, 0.1), seated("c", 0.0, -0.5))
    assert [(one.a, one.b, one.score) for one in meetings([game(0, *three)])] == [
        ("a", "b", 1.0),
        ("a", "c", 1.0),
        ("b", "c", 1.0),
    ]
    assert {one.score for one in meetings([game(0, *three, ended_by="limit")])} == {0.5}
    rows = {row.player: row for row in standings([game(0, *three)], samples=0).rows}
    assert (rows["a"].score, rows["b"].score, rows["c"].score) == (1.0, 0.5, 0.0)
    assert rows["a"].rating.elo > rows["b"].rating.elo > rows["c"].rating.elo


def test_alone_players_meet_on_a_seed_by_their_returns() -> None:
    games = [
        game(0, seated("a", 0.75, 0.5), group="seed"),
        game(1, seated("b", 0.6, 0.2), group="seed"),
        game(2, seated("a", 0.9, 0.8), group="other seed"),
    ]
    assert [(one.a, one.b, one.score, one.group) for one in meetings(games)] == [("a", "b", 1.0, "seed")]
    rows = {row.player: row for row in standings(games, samples=0).rows}
    assert (rows["a"].wins, rows["a"].losses, rows["b"].losses) == (1, 0, 1)
    assert rows["a"].score == pytest.approx(0.825)


def test_one_name_with_several_prompts_is_several_players() -> None:
    games = [
        game(0, seated("x", 1.0, prompt_id="a" * 20), seated("y", 0.0)),
        game(1, seated("x", 1.0, prompt_id="b" * 20), seated("y", 0.0)),
    ]
    names = {seat.player for one in labelled(games) for seat in one.seats}
    assert names == {"x (prompt aaaaaaaa)", "x (prompt bbbbbbbb)", "y"}
    other = [game(0, seated("x", 1.0), seated("y", 0.0)), game(1, seated("x", 1.0, model="n"), seated("y", 0.0))]
    assert {seat.player for one in labelled(other) for seat in one.seats} == {"x (m)", "x (n)", "y"}


def told_of(found: Standings) -> list[str]:
    return story(found, game="duel", clock="paused", system="swiss", voided=2)


def test_the_story_says_who_leads_and_whether_that_is_settled() -> None:
    clear = standings([game(n, seated("a", 1.0), seated("b", 0.0)) for n in range(60)], samples=100)
    assert headline(clear) == "a wins the colosseum"
    assert "Nobody's interval reaches it." in " ".join(told_of(clear))
    few = standings([game(n, seated("a", 1.0), seated("b", 0.0)) for n in range(8)], samples=100)
    assert headline(few) == "a leads the colosseum"
    assert "The place is not settled: 8 games of a player say little." in " ".join(told_of(few))
    even = standings([game(2 * n, seated("a", float(n % 5 > 1)), seated("b", float(n % 5 < 2))) for n in range(25)])
    assert headline(even) == "a leads the colosseum"
    told = " ".join(told_of(even))
    assert "2 players met in Swiss rounds in 25 games of duel on the paused clock." in told
    assert "The place is not settled: the interval of b reaches it." in told
    assert "2 pairs could not be counted because a provider failed or the game broke" in told
    assert "Time is charged" not in told


def test_labels_cover_no_dot_and_no_label() -> None:
    fast = [(100.0 + n, 1.0 + n % 3) for n in range(8)]
    games = [
        game(
            n,
            seated(f"player-{n}", 1.0, latencies=(ms,) * 3),
            seated(f"player-{(n + 1) % 8}", 0.0, latencies=(ms,) * 3),
        )
        for n, (ms, _) in enumerate(fast)
    ]
    chart = speed_chart(standings(games, samples=5).rows)
    assert chart is not None and len(chart.dots) == 8

    def box(dot: Dot) -> tuple[float, float, float, float]:
        length = 7 * (len(dot.name) + len(dot.detail) + 1)
        left = dot.label_x - (length if dot.anchor == "end" else 0)
        return left, dot.label_y - 11, left + length, dot.label_y + 3

    boxes = [box(dot) for dot in chart.dots]
    for n, one in enumerate(boxes):
        assert one[0] >= 0 and one[2] <= chart.width
        for other in boxes[:n]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    same = [game(n, seated("a", 1.0), seated("b", 0.0)) for n in range(2)]
    assert speed_chart(standings(same, samples=0).rows) is None


def test_the_bands_stay_on_their_scale() -> None:
    drawn = bands(standings([game(n, seated("a", 1.0), seated("b", 0.0)) for n in range(10)], samples=30).rows, False)
    for row in drawn.rows:
        assert 0 <= row.left <= row.at <= row.right <= 100
        assert row.clean is None
    assert [tick.at for tick in drawn.ticks] == sorted(tick.at for tick in drawn.ticks)
    assert (drawn.ticks[0].at, drawn.ticks[-1].at) == (0, 100)


def test_the_page_obeys_nothing_that_a_player_wrote(duels: tuple[Standings, str]) -> None:
    found, page = duels
    assert HOSTILE not in page
    assert "<img src=x" not in page
    assert "\x1b" not in page
    assert html.escape("{{7*7}}") in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page
    assert page.count("<option value=") == len(found.pairings) == 3


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian package chromium)")
@pytest.mark.parametrize(("scheme", "size"), [("1", "1100,900"), ("0", "400,800")], ids=["light", "dark phone"])
def test_the_page_runs_in_a_browser(duels: tuple[Standings, str], tmp_path: Path, scheme: str, size: str) -> None:
    found, page = duels
    seen = driven(page, tmp_path, scheme, size)
    assert seen["faults"] == []
    assert seen["fetched"] == []
    assert seen["title"].startswith(f"{found.rows[0].player}"[:5])
    assert seen["wide"] <= 0, "the page scrolls sideways"
    assert len(seen["games"]) == 3
    assert len({one["title"] for one in seen["games"]}) == 3
    for one in seen["games"]:
        assert one["start"] != one["end"], "the replay does not move"
        assert one["drawn"]
    names = {name for one in seen["games"] for name in one["players"]}
    assert {"turtle", "zoner"} < names


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian package chromium)")
def test_a_game_that_is_not_drawn_is_told_move_by_move(tmp_path: Path) -> None:
    players: dict[str, Player] = {name: load_bot("random") for name in ("one", "two", "three")}
    _, page = held(tmp_path / "c.db", RACE, players)
    seen = driven(page, tmp_path, "1", "1100,900")
    assert seen["faults"] == []
    assert not any(one["drawn"] for one in seen["games"])
    for one in seen["games"]:
        assert sorted(one["players"]) == ["one", "three", "two"]
        assert "You are at" in " ".join(one["end"])


DRIVE = """
<script>
(async () => {
  const seen = {games: []}, choice = document.getElementById("choice"), slider = document.getElementById("at");
  const minds = () => Array.from(document.querySelectorAll(".minds > div"), (box) => box.textContent);
  for (const option of choice.options) {
    choice.value = option.value;
    choice.dispatchEvent(new Event("change"));
    while (document.documentElement.dataset.shown !== option.value) await new Promise((done) => setTimeout(done, 5));
    const start = minds();
    slider.value = slider.max;
    slider.dispatchEvent(new Event("input"));
    seen.games.push({
      start, end: minds(), title: document.getElementById("choice-title").textContent,
      drawn: getComputedStyle(document.getElementById("scene")).display !== "none",
      players: Array.from(document.querySelectorAll(".minds h3"), (head) => head.textContent),
    });
  }
  seen.title = document.title;
  seen.faults = window.faults;
  seen.fetched = performance.getEntriesByType("resource").map((entry) => entry.name);
  seen.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const out = document.createElement("pre");
  out.id = "probe";
  out.textContent = JSON.stringify(seen);
  document.body.append(out);
})();
</script>
"""


def driven(page: str, folder: Path, scheme: str, size: str) -> dict[str, Any]:
    """What a browser sees that looks at every game of the page."""
    path = folder / "page.html"
    path.write_text(page.replace("<body>", "<body>" + PROBE).replace("</body>", DRIVE + "</body>"))
    flags = ("--dump-dom", f"--window-size={size}", f"--blink-settings=preferredColorScheme={scheme}")
    dom = browse(path, folder, *flags, "--virtual-time-budget=20000", "--enable-logging=stderr")
    assert "CONSOLE" not in dom.stderr
    probe = dom.stdout[dom.stdout.index('id="probe">') + len('id="probe">') : dom.stdout.rindex("</pre>")]
    seen: dict[str, Any] = json.loads(html.unescape(probe))
    return seen


def test_venues_hold_whole_groups_only(tmp_path: Path) -> None:
    players: dict[str, Player] = {name: load_bot("random") for name in ("one", "two")}
    held(tmp_path / "c.db", PAIR, players)
    with Store.open(tmp_path / "c.db") as store:
        (venue,) = venues(store)
        assert (venue.game, venue.clock, len(venue.ids)) == ("race-2", "paused", 4)
        assert venues(store, "duel") == venues(store, None, "measured") == []
