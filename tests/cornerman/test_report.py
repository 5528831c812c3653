"""The report: what it says comes out of the store, what others wrote is only shown, and it asks for nothing."""

import html.parser
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from small_night import HOSTILE, NightStore

from cornerman.config import BudgetSection, Config, NightSection
from cornerman.format import milliseconds
from cornerman.night.measuring import unevenness
from cornerman.report import words
from cornerman.report.build import build_report, render
from cornerman.report.charts import Walk, evidence_chart, interval_chart, nice_step, power
from cornerman.report.gather import gather
from cornerman.report.results import estimate
from cornerman.report.stage import staged
from cornerman.report.student import figures_of
from cornerman.report.view import View
from cornerman.result import as_json
from distill.method import Method
from distill.rows import student_rows
from episodes.games import load_game
from episodes.games.duel import GAME
from episodes.pairs import PairResult
from episodes.store.runs import Runs
from models.errors import BadInput
from optimize.arena import Sample
from optimize.comparison_store import ComparisonStore, Contestant, Entry
from optimize.stats.eprocess import interval
from optimize.stats.pairs import Counts


class Page(html.parser.HTMLParser):
    """The page as a reader without a browser sees it."""

    VOID = frozenset({"meta", "link", "input", "img", "br", "line", "circle", "rect", "path", "polyline"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name == "href" and tag == "a" and value:
                self.links.append(value)
            elif name in ("src", "href", "action", "data", "srcset", "poster") and value:
                self.addresses.append(value)
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def text(night_store: NightStore) -> str:
    return build_report(night_store.store, night_store.night)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_the_page_is_well_formed_and_its_links_lead_somewhere(page: Page) -> None:
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert page.links
    for link in page.links:
        assert link.startswith("#")
        assert link[1:] in page.ids


def test_the_page_asks_for_nothing(page: Page, text: str) -> None:
    assert [address for address in page.addresses if not address.startswith("data:")] == []
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in text


def test_hostile_words_are_shown_and_not_obeyed(page: Page, text: str) -> None:
    assert page.tags.count("script") == 2
    assert "img" not in page.tags
    assert page.handlers == []
    assert "&lt;/script&gt;" in text or "\\u003c/script\\u003e" in text
    assert HOSTILE not in text
    assert "{{7*7}}" in text, "template marks in data stay as they are"
    assert "\x1b" not in text


def test_the_story_says_what_the_store_says(night_store: NightStore) -> None:
    view = gather(night_store.store, night_store.night)
    (games,) = night_store.store.db.execute("select count(*) from episodes").fetchone()
    told = " ".join(view.story)
    assert f"{games:,} games of duel" in told
    assert "passed the gate against rookie@base after 20 pairs" in told
    fresh = view.comparisons[1]
    assert (fresh.role, fresh.pairs) == ("measure", 6)
    assert [rule.text for rule in view.guidance] == ["When the opponent is far, use fireball.", "Always use jab."]
    assert view.guidance[0].effect.startswith("worth +21.0 points of 100 [+8.0, +34.0]")
    assert [item.turn for item in view.guidance[0].evidence] == [3, 8]
    assert view.matrix is not None
    assert view.matrix.columns == ("bot:turtle", "bot:random")
    assert [label for label, _ in view.matrix.rows] == ["rookie@base", "rookie@certified", "student:abc123"]
    assert view.student is not None
    assert [bar.text for bar in view.student.bars] == ["130 ms", "4.40 ms", "2.10 ms"]
    assert "keeps 93% of the score" in view.student.words
    assert "62 times faster" in view.student.words
    assert any("cornerman prompts rollback certified" in command for command, _ in view.undo)


def test_a_player_that_beat_itself_is_the_first_thing_told(night_store: NightStore) -> None:
    store, night = night_store.store, night_store.night
    assert "Alarm" not in " ".join(gather(store, night).story)
    comparisons = ComparisonStore(store)
    (row,) = store.db.query("select seed, pair_id from comparison_pairs where stage = 'gate' and k = 4 limit 1")
    won = Sample((PairResult(row["seed"], row["pair_id"], ("", ""), 4),))
    side = Contestant("rookie@certified", night_store.certified.id)
    stages = {"compare": won}
    comparisons.record(
        Entry(f"{night}-control", "duel", "paused", "control", side, side, stages, "alarm", 0.05, night_id=night)
    )
    try:
        told = gather(store, night).story
    finally:
        comparisons.withdraw(f"{night}-control")
    assert told[0].startswith("Alarm: rookie@certified was measured against itself")


def test_the_tile_counts_calls_that_were_no_turns(night_store: NightStore) -> None:
    store, night = night_store.store, night_store.night
    with store.transaction() as connection:
        connection.execute(
            "insert into spending (night_id, model, calls, tokens_in, tokens_out, cost_usd, priced) "
            "values (?, 'openai:coach', 3, 1000, 200, 0.25, 1)",
            [night],
        )
    try:
        view = gather(store, night)
    finally:
        with store.transaction() as connection:
            connection.execute("delete from spending where night_id = ?", [night])
    assert [fact.value for fact in view.facts if fact.label == "Cost"] == ["US$ 0.2500"]
    assert view.total_cost.startswith("Hosted models cost US$ 0.2500 for 1,200 tokens, reflection included.")


def test_one_side_that_is_better_is_uneven_whichever_it_is() -> None:
    even, better = Counts(5, 10, 20, 10, 5), Counts(0, 1, 4, 10, 25)
    assert unevenness(even) < 1.1
    assert unevenness(better) == unevenness(better.mirror) > 20


def test_the_league_table_counts_whole_pairs(night_store: NightStore) -> None:
    view = gather(night_store.store, night_store.night)
    assert view.matrix is not None
    for name, cells in view.matrix.rows:
        for opponent, cell in zip(view.matrix.columns, cells, strict=True):
            who = {"rookie@base": night_store.base.id, "rookie@certified": night_store.certified.id}.get(name)
            row = night_store.store.db.execute(
                "select avg(s.score), count(*) from seats s join episodes e on e.id = s.episode_id "
                "join seats o on o.episode_id = e.id and o.seat != s.seat where e.purpose = 'league' "
                "and o.player = ? and (s.prompt_id = ? and s.player like 'rookie%' or s.player = ?)",
                [opponent, who, name],
            ).fetchone()
            assert cell.value == pytest.approx(row[0])
            assert cell.note == f"{row[1]} games"


def test_a_night_without_a_promotion_says_so(night_store: NightStore) -> None:
    view = gather(night_store.store, night_store.night)
    bare = replace(
        view, guidance=(), matrix=None, student=None, curves=None, strength=None, game=None, comparisons=(), facts=()
    )
    found = Page(render(bare))
    assert found.open == []
    assert found.tags.count("script") == 0


def test_an_unknown_night_is_bad_input(night_store: NightStore) -> None:
    with pytest.raises(BadInput, match="no night"):
        build_report(night_store.store, "nothing")


def test_the_stage_shows_the_very_game(night_store: NightStore) -> None:
    store = night_store.store
    for episode in store.episode_ids(limit=8):
        record = store.episode(episode)
        shown = staged(GAME, record, ("one", "two"), "")
        ticks = [frame[0] for frame in shown.frames]
        assert ticks == sorted(set(ticks))
        assert (ticks[0], ticks[-1]) == (0, record.ticks)
        health = (shown.frames[-1][2], shown.frames[-1][9])
        scores = tuple(seat.score for seat in record.seats)
        assert scores[0] == (health[0] > health[1]) + (health[0] == health[1]) / 2
        assert [(turn.n, turn.reply_class, turn.latency) for turn in shown.turns] == [
            (turn.n, turn.reply_class.value, milliseconds(turn.latency_ms)) for turn in record.turns
        ]


def test_what_the_pages_script_reads_is_plain_json(night_store: NightStore) -> None:
    record = night_store.store.episode(night_store.store.episode_ids(limit=1)[0])
    read = as_json(staged(GAME, record, ("one", "two"), "a title"))
    assert read.keys() == {"players", "turns", "frames", "setting"}
    assert read == json.loads(json.dumps(read))
    undrawn = as_json(staged(load_game("openspiel:tic_tac_toe"), replace(record, turns=()), ("one", "two"), ""))
    assert (undrawn["frames"], undrawn["setting"]) == ([], None)


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        ({}, ()),
        ({"before": {"loss": 2.0, "agreement": 0.2}, "after": {"loss": 1.0, "agreement": 0.71}}, ("To 71% of the",)),
        ({"worth": {"before": None, "after": None}}, ()),
        ({"worth": {"before": -0.1, "after": 0.25}}, ("gains +0.250 over the average one (before: -0.100;",)),
        (
            {"kept": {"share": 0.93, "low": 0.86, "high": 1.01, "student": {}, "teacher": {}}, "faster": 61.9},
            ("keeps 93% of the score", "(95% interval 86% to 101%)", "62 times faster"),
        ),
        ({"card": {"strength": "of a later version"}, "steps": 3}, ()),
    ],
)
def test_a_student_is_told_of_as_far_as_it_came(
    night_store: NightStore, measured: dict[str, object], told: tuple[str, ...]
) -> None:
    row = student_rows(night_store.store)[0]
    figures = figures_of(row._replace(measured=json.dumps(measured)))
    text = words.student("abc123", "rookie", Method(rank=16), figures)
    assert text.startswith("Student abc123 grew from rookie by fine-tuning a LoRA adapter of rank 16 on its")
    assert all(one in text for one in told)
    assert text.endswith("holds no guidance.") == (not told)


def test_a_night_is_read_with_the_configuration_that_it_kept(
    night_store: NightStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = Runs(night_store.store).night(night_store.night)

    def kept(config: str) -> View:
        monkeypatch.setattr(Runs, "night", lambda self, night_id: replace(night, config=config))
        return gather(night_store.store, night.id)

    unlimited = Config(budget=BudgetSection(usd=float("inf")), night=NightSection(opponents=("bot:turtle",)))
    assert kept(unlimited.model_dump_json()).opponents == ("bot:turtle",)
    assert kept("{}").opponents == ()
    with pytest.raises(BadInput, match="unknown key 'gaem'"):
        kept('{"gaem": 1}')


def test_intervals_are_those_of_the_statistics() -> None:
    counts = Counts(1, 2, 3, 4, 5)
    row = estimate("x", counts, "after")
    assert (row.mean, row.low, row.high) == (counts.mean, *interval(counts))
    chart = interval_chart([row])
    assert chart.rows[0].left < chart.rows[0].x < chart.rows[0].right
    assert chart.ticks[0].at < chart.reference < chart.ticks[-1].at


def test_the_evidence_chart_ends_where_the_evidence_does() -> None:
    walk = Walk("a", tuple(0.1 * n for n in range(1001)))
    chart = evidence_chart([walk], [(240.0, "promoted")])
    points = [tuple(map(float, point.split(","))) for point in chart.curves[0].points.split()]
    assert points[-1] == chart.curves[0].end
    assert len(points) < 600
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert chart.curves[0].final == "10^43"
    limits = [level.y for level in chart.levels if level.kind == "limit"]
    ones = [level.y for level in chart.levels if level.kind == "one"]
    assert limits[0] < ones[0], "larger is higher on the page"


def test_steps_and_powers() -> None:
    assert [nice_step(value) for value in (0.3, 1.1, 3, 7, 11, 23, 60)] == [1, 2, 5, 10, 20, 50, 100]
    assert [power(decade) for decade in (-1, 0, 3, 6)] == ["0.1", "1", "1,000", "10^6"]


def test_every_colour_that_the_page_uses_is_defined_for_light_and_dark() -> None:
    css = (Path(__file__).parents[2] / "cornerman" / "report" / "page.css").read_text()
    roots = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    light, dark = (set(re.findall(r"(--[a-z-]+):", root)) for root in roots[:2])
    used = set(re.findall(r"var\((--[a-z-]+)\)", css)) - {"--depth"}
    assert used <= light
    assert light == dark
