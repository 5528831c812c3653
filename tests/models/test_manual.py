import asyncio
import threading
from pathlib import Path

import pytest
from waiting import wait_until

import models.manual
from models.chat import ChatRequest, Completion, Message
from models.errors import BadInput
from models.manual import ManualModel, request_hash

MESSAGES = (Message("system", "You are a coach."), Message("user", "What now?\n\n# not a heading of ours"))


def answer_later(folder: Path, text: str, choices: tuple[str, ...] | None = None) -> tuple[Completion, list[str]]:
    """Ask, and write the answer as a person would once the request is there."""
    told: list[str] = []
    looked, read = threading.Event(), models.manual._read_answer

    def looking(path: Path) -> str | None:
        found = read(path)
        if path.exists() and not found:
            looked.set()
        return found

    def person() -> None:
        wait_until(lambda: list(folder.glob("*.request.md")), "a request")
        (request,) = folder.glob("*.request.md")
        path = folder / request.name.replace("request", "answer")
        path.write_text("")
        assert looked.wait(60), "nobody looked at the file that is still empty"
        path.write_text(text)

    thread = threading.Thread(target=person, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models.manual, "_read_answer", looking)
        model = ManualModel(folder, poll_s=0.01, notify=told.append)
        completion = asyncio.run(model.complete(ChatRequest(MESSAGES, choices=choices)))
    thread.join()
    return completion, told


def test_a_request_is_written_and_its_answer_read(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "letters"
    completion, told = answer_later(folder, "\n  Use throw.\n\n", ("Use throw.", "Wait."))
    assert completion.text == "Use throw."
    assert completion.latency > 0.01
    assert completion.cost == 0
    assert len(told) == 1
    key = request_hash(ChatRequest(MESSAGES, ("Use throw.", "Wait.")))
    assert f"{key}.answer.md" in told[0]
    page = (folder / f"{key}.request.md").read_text()
    assert all(message.content in page for message in MESSAGES)
    assert "- Use throw.\n- Wait." in page
    assert str(folder / f"{key}.answer.md") in page
    assert not list(folder.glob(".*"))


def test_an_answer_that_is_there_is_used_at_once(tmp_path: Path) -> None:
    answer_later(tmp_path, "Use jab.")

    async def again() -> Completion:
        model = ManualModel(tmp_path, notify=lambda text: pytest.fail("nobody need be asked"))
        return await model.complete(ChatRequest(MESSAGES, max_tokens=9, temperature=1.0, seed=3))

    assert asyncio.run(again()).text == "Use jab."


def test_a_request_is_announced_once_even_when_asked_twice(tmp_path: Path) -> None:
    told: list[str] = []

    async def impatient() -> None:
        model = ManualModel(tmp_path, poll_s=0.01, notify=told.append)
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await model.complete(ChatRequest(MESSAGES))

    asyncio.run(impatient())
    assert len(told) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_names_depend_on_all_that_is_asked() -> None:
    hashes = {
        request_hash(ChatRequest(MESSAGES)),
        request_hash(ChatRequest(MESSAGES, ())),
        request_hash(ChatRequest(MESSAGES, ("a",))),
        request_hash(ChatRequest(MESSAGES[:1])),
        request_hash(ChatRequest((Message("user", MESSAGES[0].content), MESSAGES[1]))),
    }
    assert len(hashes) == 5
    assert request_hash(ChatRequest(MESSAGES)) == "6b909b4b5f7a3f5216bb", "answers people wrote would be lost"


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be made"):
        ManualModel(tmp_path / "file" / "letters")
