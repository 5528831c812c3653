"""What doctor says of the models of the configuration: it asks each three small questions, and says what they show."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty_server import FaultyServer
from typer.testing import CliRunner

from cornerman import checkup
from cornerman.cli import app

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "MINE")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    monkeypatch.chdir(tmp_path)
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)
    with FaultyServer() as faulty:
        yield faulty


def doctor(*sections: str, game: str = "duel", options: tuple[str, ...] = ()) -> dict[str, Any]:
    Path("cornerman.toml").write_text("\n".join([f'game = "{game}"', *sections]))
    result = CliRunner().invoke(app, ["doctor", "--json", *options])
    assert result.exit_code in (0, 1), result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def told(found: dict[str, Any], role: str) -> tuple[str, str]:
    """The level and the line of a role."""
    (one,) = [finding for finding in found["findings"] if finding["what"].startswith(f"[{role}]")]
    return one["level"], one["detail"]


def section(role: str, model: str, url: str, *more: str) -> str:
    return "\n".join([f"[{role}]", f'model = "{model}"', f'base_url = "{url}"', *more])


def test_a_player_is_asked_for_decisions_and_what_they_show_is_said(server: FaultyServer) -> None:
    found = doctor(section("player", "openai:ok", server.url, "price = [1.0, 2.0]"))
    (asked,) = found["endpoints"]
    assert (asked["role"], asked["asked"], asked["answered"], asked["readable"]) == ("player", True, 3, 3)
    assert (asked["held"], asked["price"], asked["problem"]) == ("free", [1.0, 2.0], "")
    assert asked["latency_ms"] > 0
    assert (asked["tokens"], asked["cost_usd"]) == (39, pytest.approx(3 * (10 * 1.0 + 3 * 2.0) / 1e6))
    assert len(server.requests) == 3
    level, line = told(found, "player")
    assert level == "warn" and "10 tokens" in asked["notes"][0], "what is told of a model is a warning"
    assert "3 of 3 answers readable; free text" in line and "US$ 1 and 2 per million tokens" in line
    keys = [finding for finding in found["findings"] if finding["what"] == "OPENAI_API_KEY"]
    assert [key["level"] for key in keys] == ["ok"], "a server of one's own needs no key"


def test_a_model_that_can_be_held_is(server: FaultyServer) -> None:
    found = doctor(section("player", "llamacpp:ok", server.url))
    assert found["endpoints"][0]["held"] == "plans"
    assert told(found, "player")[1].startswith("3 of 3 answers readable; held to plans; ")
    assert "pattern" in str(server.requests[-1])
    free = doctor(section("player", "llamacpp:ok", server.url, "free = true"))
    assert free["endpoints"][0]["held"] == "free"
    assert "pattern" not in str(server.requests[-1])
    moves = doctor(section("player", "llamacpp:ok", server.url), game="openspiel:tic_tac_toe")
    assert moves["endpoints"][0]["held"] == "moves"


def test_what_cannot_be_read_is_a_warning_with_the_way_out(server: FaultyServer) -> None:
    server.changes = lambda answer, request: (
        answer
        | {"choices": [{"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "Well, I"}}]}
    )
    found = doctor(section("player", "openai:ok", server.url, "price = [0.0, 0.0]"))
    level, line = told(found, "player")
    assert level == "warn"
    assert "0 of 3 answers readable" in line and "raise max_tokens" in line
    assert found["endpoints"][0]["lost"]["truncated"] == 3


def test_a_reflecting_model_is_asked_for_a_list(server: FaultyServer) -> None:
    def listed(answer: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
        asked = request["messages"][-1]["content"]
        numbers = [int(word.strip(",")) for word in asked.split() if word.strip(",").isdigit()]
        said = {"role": "assistant", "content": f"Here it is: {numbers}"}
        return answer | {"choices": [{"index": 0, "finish_reason": "stop", "message": said}]}

    server.changes = listed
    found = doctor(section("reflector", "openai:ok", server.url, "price = [0.0, 0.0]"))
    asked = {one["role"]: one for one in found["endpoints"]}["reflector"]
    assert (asked["answered"], asked["readable"], asked["held"]) == (3, 3, None)
    assert server.requests[-1]["max_tokens"] == checkup.LIST_TOKENS


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('[player]\nmodel = "openai:gpt-5-nano"', "OPENAI_API_KEY is not set"),
        ('[teacher]\nmodel = "anthropic:claude-haiku-4-5"', "ANTHROPIC_API_KEY is not set"),
        ('[player]\nmodel = "llamacpp:x"\nbase_url = "http://127.0.0.1:1/v1"', "is the server running and reachable?"),
        ('[player]\nmodel = "local:/no/such/folder"', "no model '/no/such/folder'"),
        ('[player]\nmodel = "vllm:http://127.0.0.1:1"', "does not list its models"),
        ('[player]\nmodel = "openay:x"', "did you mean openai:NAME?"),
        ('[player]\nmodel = "openai:x"\nbase_url = "http://127.0.0.1:1/v1"', "limit of $5 could not be kept"),
    ],
)
def test_a_model_that_does_not_answer_is_one_line_with_the_way_out(lines: str, said: str, server: FaultyServer) -> None:
    found = doctor(lines)
    role = lines[1 : lines.index("]")]
    level, line = told(found, role)
    assert level == "fail"
    assert said in line
    assert "\n" not in line
    assert found["failed"] >= 1


@pytest.mark.parametrize("model", ["denied", "broken", "empty", "garbled", "hangup", "truncated", "blocked", "limited"])
def test_a_faulty_server_ends_nothing(model: str, server: FaultyServer) -> None:
    found = doctor(section("player", f"openai:{model}", server.url, "price = [0.0, 0.0]"))
    level, line = told(found, "player")
    assert line
    assert (level == "ok") == (found["endpoints"][0]["readable"] == 3)


def test_its_cost_is_bounded_whatever_a_night_may_spend(server: FaultyServer) -> None:
    dear = ("price = [1.0, 100.0]", "max_tokens = 4000")
    found = doctor(section("player", "openai:ok", server.url, *dear), "[budget]\nusd = 100.0")
    assert "lower max_tokens, or --offline" in told(found, "player")[1]
    assert server.requests == []


def test_offline_nobody_is_asked(server: FaultyServer) -> None:
    found = doctor(section("player", "openai:ok", server.url), options=("--offline",))
    assert (found["endpoints"], server.requests) == ([], [])


def test_time_runs_out_in_one_line(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "CALL_S", 0.2)
    found = doctor(section("player", "openai:slow", server.url, "price = [0.0, 0.0]"))
    level, line = told(found, "player")
    assert level == "fail" and "no answer within" in line
    assert len(server.requests) == 1


def test_a_person_is_not_asked_and_bots_are_no_models(server: FaultyServer) -> None:
    found = doctor('[player]\nmodel = "follower"', '[reflector]\nmodel = "manual:letters"')
    (asked,) = found["endpoints"]
    assert (asked["role"], asked["asked"]) == ("reflector", False)
    assert told(found, "reflector") == ("ok", "a person answers: not asked")


def test_the_rookie_says_where_it_computes(server: FaultyServer) -> None:
    (asked,) = doctor()["endpoints"]
    assert (asked["device"], asked["precision"], asked["held"]) == ("cpu", "float64", "moves")
    assert (asked["readable"], asked["price"]) == (3, [0.0, 0.0])
