"""Batches behind a pipe. vLLM is pretended here; the real one is asked in tests/serving/test_vllm_paths.py."""

import asyncio
import os
import time
from pathlib import Path

import pytest
from pretended_vllm import model_folder, pretended

from models.chat import ChatRequest, Completion, Message, Usage
from models.errors import BadInput, Malformed, ModelError, Unavailable
from models.patience import time_limit
from models.registry import open_model
from models.retry import Retrying
from models.vllm_batch import VLLMBatchModel

MESSAGES = (Message("user", "far"),)


@pytest.fixture
def batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VLLMBatchModel:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    return VLLMBatchModel(model_folder(tmp_path), name="vllm-batch:m", root=pretended(tmp_path), most=8)


def running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_what_waits_is_one_batch(batch: VLLMBatchModel) -> None:
    async def main() -> tuple[list[Completion], int]:
        done = await asyncio.gather(*(batch.complete(ChatRequest(MESSAGES, seed=number)) for number in range(10)))
        assert batch._process is not None
        pid = batch._process.pid
        await batch.close()
        await batch.close()
        return done, pid

    done, pid = asyncio.run(main())
    assert [one.text for one in done] == [f"far {8 if seed < 8 else 2} {seed}" for seed in range(10)]
    assert {one.usage for one in done} == {Usage(5, 2)}
    assert all(one.latency > 0 for one in done)
    assert not running(pid)


def ask(batch: VLLMBatchModel, *texts: str) -> list[Completion | ModelError]:
    async def main() -> list[Completion | ModelError]:
        asked = (batch.complete(ChatRequest((Message("user", text),), choices=("jab",))) for text in texts)
        done = await asyncio.gather(*asked, return_exceptions=True)
        await batch.close()
        return done  # type: ignore[return-value]  # any other exception fails the test

    return asyncio.run(main())


def test_without_a_system_role_the_user_says_it(batch: VLLMBatchModel) -> None:
    messages = (Message("system", "Fight."), Message("user", "as gemma"))
    model = Retrying(batch, max_retries=0)

    async def main() -> list[Completion]:
        done = [await model.complete(ChatRequest(messages)) for _ in range(2)]
        await batch.close()
        return done

    assert [one.text for one in asyncio.run(main())] == ["Fight.\n\nas gemma 1 None"] * 2


def test_one_that_is_refused_leaves_the_others_alone(batch: VLLMBatchModel) -> None:
    first, refused, spelled = ask(batch, "far", "too long", "j a b")
    assert isinstance(first, Completion)
    assert first.text == "far 1 None"
    assert isinstance(refused, Unavailable)
    assert not refused.retryable
    assert "the prompt is too long" in str(refused)
    assert isinstance(spelled, Completion)
    assert spelled.text == "jab"


def test_a_process_that_dies_is_started_anew(batch: VLLMBatchModel) -> None:
    async def main() -> None:
        done = await asyncio.gather(
            *(batch.complete(ChatRequest((Message("user", text),))) for text in ("far", "die")), return_exceptions=True
        )
        assert all(isinstance(one, Unavailable) and one.retryable for one in done), done
        assert "status 9" in str(done[0])
        assert (await batch.complete(ChatRequest(MESSAGES))).text == "far 1 None"
        await batch.close()

    asyncio.run(main())


def test_one_that_does_not_start_says_why_and_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = pretended(tmp_path)
    monkeypatch.setattr("models.vllm_batch.home", lambda: root)
    for variable in [name for name in os.environ if name.endswith("_API_KEY")]:
        monkeypatch.delenv(variable)
    model = open_model(f"vllm-batch:{model_folder(tmp_path, 'unloadable')}")

    async def main() -> None:
        began = time.perf_counter()
        with pytest.raises(Unavailable, match="no room for the KV cache"):
            await model.complete(ChatRequest(MESSAGES))
        assert time.perf_counter() - began < 5
        await model.close()

    asyncio.run(main())


def test_one_that_talks_nonsense_is_malformed(tmp_path: Path) -> None:
    root = pretended(tmp_path, "import os; print('hello, I am no worker', flush=True); os._exit(0)")
    batch = VLLMBatchModel(model_folder(tmp_path), name="vllm-batch:m", root=root)
    (fault,) = ask(batch, "far")
    assert isinstance(fault, Malformed)


def test_one_that_never_gets_ready_is_ended(tmp_path: Path) -> None:
    root = pretended(tmp_path, "import time; time.sleep(60)")
    batch = VLLMBatchModel(model_folder(tmp_path), name="vllm-batch:m", root=root, seconds=0.5)
    (fault,) = ask(batch, "far")
    assert isinstance(fault, Unavailable)
    assert not fault.retryable


def test_a_time_limit_stands_still(batch: VLLMBatchModel) -> None:
    """The process takes longer to start than anybody has for a decision."""

    async def main() -> str:
        async with time_limit(0.01):
            found = await batch.complete(ChatRequest(MESSAGES))
        await batch.close()
        return found.text

    assert asyncio.run(main()) == "far 1 None"


def test_folders_and_environments_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no model folder"):
        open_model(f"vllm-batch:{tmp_path / 'nowhere'}")
    with pytest.raises(BadInput, match="make vllm"):
        VLLMBatchModel(model_folder(tmp_path), name="vllm-batch:m", root=tmp_path)
