import math
import random
from pathlib import Path

import numpy as np
import pytest

from models.errors import BadInput
from optimize.stats.elo import ELO_PER_LOGIT
from optimize.stats.eprocess import log_e
from optimize.stats.estimate import pairs_to_decision
from optimize.stats.pairs import Counts
from optimize.stats.ratings import Result, fit, rate
from optimize.stats.report import eprocess_report, ratings_report, read_results, sprt_report


def test_the_likelihood_equations_hold() -> None:
    """At the optimum everybody has scored what was expected, the virtual draw included."""
    rng = np.random.default_rng(3)
    wins = rng.integers(0, 30, (6, 6)).astype(float)
    np.fill_diagonal(wins, 0)
    ratings = fit(wins)
    for i in range(6):
        expected = sum((wins[i, j] + wins[j, i]) / (1 + math.exp(ratings[j] - ratings[i])) for j in range(6) if j != i)
        assert wins[i].sum() + 0.25 == pytest.approx(expected + 0.5 / (1 + math.exp(-ratings[i])), abs=1e-7)


def test_two_players_have_the_closed_form_in_the_limit() -> None:
    rows = rate([Result("a", "b", 75_000, 100_000)], samples=0)
    assert [row.player for row in rows] == ["a", "b"]
    assert rows[0].elo - rows[1].elo == pytest.approx(ELO_PER_LOGIT * math.log(3), abs=0.1)
    assert rows[0].elo == pytest.approx(-rows[1].elo)
    assert (rows[0].games, rows[0].score) == (100_000, 75_000)


def test_true_ratings_come_back_and_intervals_cover_them() -> None:
    rng = random.Random(5)
    truth = {"a": 120.0, "b": 40.0, "c": 0.0, "d": -160.0}
    results = []
    for n in range(6000):
        a, b = rng.sample(sorted(truth), 2)
        chance = 1 / (1 + 10 ** ((truth[b] - truth[a]) / 400))
        results.append(Result(a, b, float(rng.random() < chance), pair=n))
    for row in rate(results, samples=100):
        assert row.elo == pytest.approx(truth[row.player], abs=15)
        assert row.elo_low < row.elo < row.elo_high
        assert row.elo_low - 10 < truth[row.player] < row.elo_high + 10


def test_the_order_of_results_changes_nothing() -> None:
    rng = random.Random(1)
    results = []
    for n in range(200):
        a, b = rng.sample("abcde", 2)
        results.append(Result(a, b, rng.choice([0, 0.5, 1]), pair=n))
    shuffled = rng.sample(results, len(results))
    assert rate(results, samples=20) == rate(shuffled, samples=20)


def test_undefeated_and_disconnected_players_stay_finite() -> None:
    results = [Result("champion", "x", 1.0)] * 50 + [Result("p", "q", 0.5)] * 4 + [Result("z", "champion", 0.0)] * 10**3
    rows = {row.player: row for row in rate(results, samples=50)}
    assert all(math.isfinite(value) for row in rows.values() for value in (row.elo, row.elo_low, row.elo_high))
    assert rows["champion"].elo > 0 > rows["x"].elo
    assert rows["p"].elo == pytest.approx(0, abs=1e-6)
    assert rows["q"].elo == pytest.approx(0, abs=1e-6)
    huge = rate([Result("a", "b", 10**6, 10**6), Result("c", "b", 0, 10**6)], samples=5)
    assert [row.player for row in huge] == ["a", "b", "c"]


def test_pairs_are_drawn_as_a_whole() -> None:
    """Two games of a pair that always split carry no luck; taken alone they do."""
    split = [Result("a", "b", float(n % 2), pair=n // 2) for n in range(100)]
    alone = [Result(r.a, r.b, r.score) for r in split]
    together, apart = (rate(results, samples=100)[0] for results in (split, alone))
    assert together.elo_high - together.elo_low < 1e-6
    assert apart.elo_high - apart.elo_low > 20


def test_an_impossible_result_is_refused() -> None:
    with pytest.raises(ValueError, match="between two players"):
        Result("a", "a", 0.5)
    with pytest.raises(ValueError, match="between 0 and its games"):
        Result("a", "b", 1.5)
    assert rate([]) == []


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "results.csv"
    path.write_text(text)
    return path


def test_a_csv_file_is_rated(tmp_path: Path) -> None:
    path = write(
        tmp_path, "seed,player_a,player_b,result,pair\n1,x,y,win,p\n1,y,x,L,p\n\n2,x,y,1/2-1/2,q\n3,x,y,0.5,r\n"
    )
    assert read_results(path)[1] == Result("y", "x", 0.0, pair="p")
    report = ratings_report(path, samples=20)
    assert report.results == 4
    first, second = report.ratings
    assert (first.player, first.score, first.games) == ("x", 3.0, 4.0)
    assert first.elo_low <= first.elo <= first.elo_high
    assert second.elo < 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no results"),
        ("a,b,score\n", "holds no results"),
        ("a,score\nx,1\n", "line 1: no column b or player_b"),
        ("a,b,score\nx,y,1\nx,y\n", "line 3: 2 cells"),
        ("a,b,score\nx,y,2\n", "line 2: the score '2'"),
        ("a,b,score\nx,y,won\n", "line 2: the score 'won'"),
        ("a,b,score\nx,y,nan\n", "line 2: the score 'nan'"),
        ("a,b,score\n\nx,x,1\n", "line 3: 'x' cannot play against itself"),
        ("a,b,score\n,x,1\n", "line 2: a player has no name"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_results(write(tmp_path, text))


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read"):
        read_results(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_results(tmp_path / "binary.csv")


def test_reports_hold_what_outside_readers_rely_on() -> None:
    report = eprocess_report(Counts(2, 6, 20, 18, 14))
    assert report.e == pytest.approx(996.5859161576814)
    assert report.e_lower == pytest.approx(0.07690197812155752)
    assert (report.low, report.high) == pytest.approx((0.540899212844975, 0.7516954187415872))
    assert report.elo_low is not None and report.elo is not None and report.elo_high is not None
    assert report.elo_low < report.elo < report.elo_high
    assert eprocess_report(Counts(n4=3)).elo_high is None
    test = sprt_report(Counts(2, 6, 20, 18, 14), 0, 50, "normalized")
    assert test.llr == pytest.approx(4.790345805394164)
    assert (test.lower, test.upper, test.verdict) == (-test.upper, test.upper, "accepted")
    with pytest.raises(BadInput, match="unknown model 'wald'"):
        sprt_report(Counts(), 0, 50, "wald")
    with pytest.raises(BadInput, match="alpha"):
        eprocess_report(Counts(), alpha=1.5)


def test_the_estimate_is_the_first_pair_that_decides() -> None:
    counts = Counts(2, 6, 20, 18, 14)

    def decided(cells: tuple[float, ...]) -> bool:
        return log_e(cells) >= math.log(10**6)

    pairs = pairs_to_decision(counts, decided, 10_000)
    assert pairs is not None and 30 < pairs < 200
    shares = [n / counts.total for n in counts]
    grown = [n + pairs * share for n, share in zip(counts, shares, strict=True)]
    assert log_e(grown) == pytest.approx(math.log(10**6), abs=1.5)
    assert pairs_to_decision(counts, decided, pairs - 1) is None
    assert pairs_to_decision(counts, lambda cells: True, 10) == 0
    assert pairs_to_decision(counts.mirror, decided, 10_000) is None
