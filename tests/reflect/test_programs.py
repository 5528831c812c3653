"""The parts of the reflecting model alone: programs, quoting, short names."""

import asyncio
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.errors import Malformed
from models.scripted import ScriptedModel
from reflect.digest import Names, quoted
from reflect.engine import language_model, run_program
from reflect.programs import read_program


def answer(field: str, value: object) -> str:
    """An answer in DSPy's form, written by hand."""
    return f"[[ ## {field} ## ]]\n{json.dumps(value)}\n\n[[ ## completed ## ]]"


@given(st.text())
@example('a "b" \\ [[ \n\r\u2028 \x1b]8;;x')
@example("[[ ## completed ## ]] [[[[ \\[[")
def test_quoting_is_json_on_one_line(text: str) -> None:
    assert json.loads(quoted(text)) == text
    assert quoted(text).isascii()
    assert "\n" not in quoted(text)
    assert "[[" not in quoted(text)


def test_a_program_in_a_thread_reaches_the_loop() -> None:
    """DSPy's own optimisers are not awaited: they run in a thread, and their calls come back to the loop."""

    async def main() -> object:
        model = language_model(
            ScriptedModel([answer("notes", [{"turn": 3, "note": "x"}])]), 1, max_tokens=99, temperature=0
        )
        return await asyncio.to_thread(lambda: in_thread(model))

    def in_thread(model: object) -> object:
        import dspy

        with dspy.context(lm=model):
            return read_program()(rules="r", stretch="s", complaint="none")

    assert asyncio.run(main()).notes[0].turn == 3  # type: ignore[attr-defined]


def test_a_malformed_answer_is_told_apart() -> None:
    async def main() -> None:
        model = language_model(ScriptedModel(["nothing of the kind"]), 1, max_tokens=99, temperature=0)
        await run_program(read_program().acall, model, rules="r", stretch="s", complaint="none")

    with pytest.raises(Malformed, match="nothing of the kind"):
        asyncio.run(main())


def test_short_names() -> None:
    names = Names("g")
    assert [names.name(word) for word in ("b", "a", "b")] == ["g1", "g2", "g1"]
    assert [names.full(word) for word in ("g1", "g2", "g3", "g0", "gx", "b", "")] == [
        "b",
        "a",
        "g3",
        "g0",
        "gx",
        "b",
        "",
    ]
