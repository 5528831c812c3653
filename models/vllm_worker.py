"""vLLM's offline engine behind a pipe: batches of chat requests in, answers out, one JSON object a line.

Runs in vLLM's own environment, which has none of this repository's packages, so it imports nothing of theirs. Started
by ``models/vllm_batch.py``:  python vllm_worker.py '{"model": DIR, ...}'

    {"requests": [{"messages": […], "choices": […] or null, "regex": … or null, "max_tokens": n, "temperature": x,
                   "seed": n or null}, …]}
    {"answers": [{"text": …, "tokens_in": n, "tokens_out": n, "finish": "stop" or "length"}, …]}

The first line out is {"ready": true}. A request that vLLM refuses (a prompt that is too long, say) is answered by
{"error": …} in its place, and the others of its batch are answered all the same.
"""

import ctypes
import json
import os
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1


def main() -> None:
    if sys.platform == "linux":  # end with whoever started this, even in the middle of a batch
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # vLLM and its libraries print to standard output: the pipe gets a descriptor of its own, they get the log.
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as out:
        os.dup2(2, 1)
        from vllm import LLM

        llm = LLM(**json.loads(sys.argv[1]))
        print(json.dumps({"ready": True}), file=out, flush=True)
        for line in sys.stdin:
            answers = answered(llm, json.loads(line)["requests"])
            print(json.dumps({"answers": answers}), file=out, flush=True)


def answered(llm: Any, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers to a batch; where the batch as a whole is refused, each request is tried alone."""
    try:
        outputs = llm.chat(
            [request["messages"] for request in requests], [sampling(request) for request in requests], use_tqdm=False
        )
    except Exception as problem:
        if len(requests) == 1:
            return [{"error": f"{type(problem).__name__}: {problem}"}]
        return [answered(llm, [request])[0] for request in requests]
    return [
        {
            "text": output.outputs[0].text,
            "tokens_in": len(output.prompt_token_ids),
            "tokens_out": len(output.outputs[0].token_ids),
            "finish": output.outputs[0].finish_reason,
        }
        for output in outputs
    ]


def sampling(request: dict[str, Any]) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    choices, regex = request["choices"], request["regex"]
    held = StructuredOutputsParams(choice=choices or None, regex=regex) if choices or regex else None
    return SamplingParams(
        max_tokens=request["max_tokens"],
        temperature=request["temperature"],
        seed=request["seed"],
        structured_outputs=held,
    )


if __name__ == "__main__":
    main()
