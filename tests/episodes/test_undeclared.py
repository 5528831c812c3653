"""Games written before capabilities were declared: they load, keep the contract and play as they did."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from small_games import Heap

from episodes.clock import Clock
from episodes.contract import check_game
from episodes.game import Capabilities
from episodes.games import load_game
from episodes.games.undeclared import declared
from episodes.play import Match, play_episode
from episodes.players.bots import load_bot
from episodes.players.search import SearchPlayer
from episodes.replay import replay
from models.errors import BadInput

BEFORE = Path(__file__).with_name("undeclared_game.py")
"""The example of docs/own-game.md as it was then."""


@pytest.mark.parametrize("variant", ["", "+unlisted"])
def test_a_game_of_then_loads_keeps_the_contract_and_plays(variant: str) -> None:
    game = load_game(f"{BEFORE}:GAME{variant}")
    assert game.name == f"twenty-one{variant}"
    assert game.capabilities == Capabilities(clone=True)
    assert check_game(game) == []
    record = asyncio.run(
        play_episode(Match(game, (SearchPlayer(iterations=300), load_bot("random")), 1, Clock("paused")))
    )
    assert record.seats[0].score == 1.0
    assert record.final_fingerprint.startswith("2")
    assert replay(record, game) == []


def test_what_it_can_do_is_read_off_its_members() -> None:
    plain = SimpleNamespace(can_clone=False, seats=2)
    assert declared(plain).capabilities == Capabilities()
    assert declared(plain).seats == 2
    able = SimpleNamespace(
        can_clone=True, first_move=lambda text: None, rest_of=lambda plan: None, most_at_once=3, terms=["a"]
    )
    assert declared(able).capabilities == Capabilities(clone=True, plans=True, most_at_once=3, terms=("a",))


def test_a_game_of_then_that_inherits_the_protocols_is_read_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "heir.py"
    heir = BEFORE.read_text().replace("import Move", "import ExternalGame, Move, PlanGame, RenamableGame")
    heir = heir.replace(
        "@dataclass(frozen=True, slots=True)\nclass TwentyOne:", "HEIR\n@dataclass(frozen=True)\nclass TwentyOne(Heir):"
    )
    heir = heir.replace(
        "HEIR",
        """
class Heir(ExternalGame, RenamableGame, PlanGame):
    most_at_once = 3
    terms = ("count",)

    def first_move(self, text):
        return None

    def rest_of(self, plan):
        return None
""",
    )
    path.write_text(heir)
    expected = Capabilities(clone=True, plans=True, most_at_once=3, terms=("count",))
    assert load_game(f"{path}:GAME").capabilities == expected


def test_an_heir_of_then_may_have_left_out_whether_it_copies(tmp_path: Path) -> None:
    """It had the empty member of the protocol, which said no."""
    path = tmp_path / "silent.py"
    silent = BEFORE.read_text().replace("    can_clone: bool = True\n", "").replace("import Move", "import Game, Move")
    path.write_text(
        silent.replace("(frozen=True, slots=True)\nclass TwentyOne:", "(frozen=True)\nclass TwentyOne(Game):")
    )
    assert load_game(f"{path}:GAME").capabilities == Capabilities()


def test_a_declaration_goes_before_members(tmp_path: Path) -> None:
    path = tmp_path / "both.py"
    both = BEFORE.read_text().replace("    seats: int = 2\n", "    seats: int = 2\n    capabilities = Capabilities()\n")
    path.write_text(both.replace("import Move", "import Capabilities, Move"))
    assert load_game(f"{path}:GAME").capabilities == Capabilities()


def test_a_game_that_says_neither_is_no_game(tmp_path: Path) -> None:
    path = tmp_path / "neither.py"
    path.write_text(BEFORE.read_text().replace("    can_clone: bool = True\n", ""))
    with pytest.raises(BadInput, match="has no capabilities; see the contract"):
        load_game(f"{path}:GAME")
    with pytest.raises(BadInput, match="TwentyOne is a class, not a game: name an instance"):
        load_game(f"{BEFORE}:TwentyOne")


@dataclass(frozen=True)
class Then(Heap):
    """It says in a member of its own that it cannot be copied, as games did; nobody looks any more."""

    can_clone: bool = False


def test_members_are_not_looked_at_after_loading() -> None:
    record = asyncio.run(play_episode(Match(Then(), (load_bot("random"),) * 2, 1, Clock("paused"))))
    assert record.final_fingerprint
