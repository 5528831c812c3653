"""How much turns and moves count."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.weights import move_shares, outcome_weights

returns = st.lists(st.tuples(st.sampled_from([-1.0, 0.0, 1.0]), st.sampled_from("ab")), min_size=1, max_size=40)


def test_a_turn_counts_by_how_its_game_went_against_that_opponent_from_that_seat() -> None:
    weights = outcome_weights([1, -1, 1, 1], ["strong", "strong", "weak", "weak"], temperature=1.0, clip=20.0)
    assert weights == pytest.approx([math.e, 1 / math.e, 1.0, 1.0])


@given(returns, st.floats(0.2, 5), st.floats(1.1, 20))
def test_weights_are_positive_bounded_and_ordered(
    games: list[tuple[float, str]], temperature: float, clip: float
) -> None:
    values, groups = [game[0] for game in games], [game[1] for game in games]
    weights = outcome_weights(values, groups, temperature=temperature, clip=clip)
    assert all(1 / clip - 1e-9 <= weight <= clip + 1e-9 for weight in weights)
    for one, value, group in zip(weights, values, groups, strict=True):
        for other, less, same in zip(weights, values, groups, strict=True):
            assert not (group == same and value > less) or one >= other


def test_a_lost_game_still_teaches() -> None:
    assert min(outcome_weights([1, 1, 1, -1], ["x"] * 4, temperature=0.1, clip=5.0)) == pytest.approx(0.2)


@given(
    st.dictionaries(st.sampled_from(["jab", "heavy", "throw", "guard"]), st.floats(-1, 1), min_size=1),
    st.floats(0.01, 1),
    st.floats(0, 0.2),
)
def test_shares_sum_to_one_and_follow_the_values(values: dict[str, float], temperature: float, least: float) -> None:
    shares = move_shares(values, temperature=temperature, least=least)
    assert math.fsum(shares.values()) == pytest.approx(1.0)
    assert max(values, key=lambda move: values[move]) in shares
    assert all(share >= least for share in shares.values())
    for one in shares:
        for other in shares:
            assert values[one] <= values[other] or shares[one] >= shares[other]
