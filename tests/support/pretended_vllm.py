"""vLLM as a test can have it: a Python whose ``vllm`` answers with the size of its batch."""

import sys
import textwrap
from pathlib import Path

PRETENDED = """
    import json, os, sys, types

    class LLM:
        \"\"\"Answers with the size of its batch; what it is asked says what goes wrong.\"\"\"

        def __init__(self, **settings):
            print("loading", file=sys.stdout)  # as vLLM does: standard output is not the pipe's
            if settings["model"].endswith("unloadable"):
                raise ValueError("no room for the KV cache")

        def chat(self, conversations, sampling, use_tqdm):
            said = [conversation[-1]["content"] for conversation in conversations]
            if "die" in said:
                os._exit(9)
            if "too long" in said:
                raise ValueError("the prompt is too long")
            if "as gemma" in said and any(one["role"] == "system" for talk in conversations for one in talk):
                raise ValueError("System role not supported")
            texts = [f"{one} {len(said)} {how.seed}" for one, how in zip(said, sampling)]
            texts = [" j a b" if text.startswith("j a b") else text for text in texts]
            held = [getattr(how.structured_outputs, "regex", None) for how in sampling]
            texts = ["jab" if regex and "jab" in regex else text for text, regex in zip(texts, held)]
            output = lambda text: types.SimpleNamespace(text=text, token_ids=[1, 2], finish_reason="stop")
            return [types.SimpleNamespace(prompt_token_ids=[1] * 5, outputs=[output(text)]) for text in texts]

    class SamplingParams(types.SimpleNamespace):
        pass

    vllm = types.ModuleType("vllm")
    vllm.LLM, vllm.SamplingParams = LLM, SamplingParams
    parameters = types.ModuleType("vllm.sampling_params")
    parameters.StructuredOutputsParams = types.SimpleNamespace
    sys.modules |= {"vllm": vllm, "vllm.sampling_params": parameters}
    assert not [name for name in os.environ if name.endswith("_API_KEY") and name != "VLLM_API_KEY"], "a key came along"
"""


def pretended(folder: Path, code: str = PRETENDED) -> Path:
    """An environment whose Python has the pretended vLLM, and else runs what it is told to run."""
    python = folder / ".venv-vllm" / "bin" / "python"
    python.parent.mkdir(parents=True)
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(textwrap.dedent(code))
    python.write_text(f'#!/bin/sh\nPYTHONPATH={site} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return folder


def model_folder(folder: Path, name: str = "model") -> Path:
    found = folder / name
    found.mkdir()
    (found / "config.json").write_text('{"max_position_embeddings": 512}')
    (found / "model.safetensors").write_bytes(b"")
    return found
