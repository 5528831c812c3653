"""LoRA tokens a second of ``distill.train`` against a bare torch loop on the same batches.

    python bench/lora.py [--base rookie] [--epochs 4] [--repeat 2]

The bare loop is what one would write by hand: peft's LoRA, Muon, a forward pass, the weighted log-likelihood, a
backward pass, on tensors made beforehand. ``train`` also shuffles, clips, schedules and writes ten checkpoints a run.
Both compute in the same precision.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from peft import LoraConfig, get_peft_model

from distill.encode import Encoder, Example, balanced
from distill.method import Method
from distill.train import fast_bfloat16, load_base, one_thread, train
from distill.trainer import collate, columns
from episodes.games.duel.words import FEATURES, MOVES
from models.hub import model_folder


def examples(count: int) -> list[Example]:
    """Random situations with three answers each."""
    draw = Random(1)
    found = []
    for _ in range(count):
        situation = " ".join(draw.choice(values) for values in FEATURES.values())
        found += [Example("Duel.", situation, move, draw.random() + 0.1) for move in draw.sample(MOVES, 3)]
    return found


def bare(base: Path, rows: list[Example], method: Method) -> float:
    """Tokens a second of the loop written by hand."""
    model, tokenizer, ends = load_base(base)
    model = get_peft_model(
        model,
        LoraConfig(r=method.rank, lora_alpha=method.alpha, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    sequences = balanced(Encoder(tokenizer, 1024, ends).sequences(rows, length=method.length, seed=1))
    batches = [
        collate([columns(one) for one in sequences[start : start + method.batch]], 0)
        for start in range(0, len(sequences), method.batch)
    ]
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.Muon(trained, lr=method.rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    model.train()
    began = time.perf_counter()
    for _ in range(method.epochs):
        for batch in batches:
            inputs = {name: batch[name] for name in ("input_ids", "position_ids", "attention_mask")}
            with torch.autocast("cpu", torch.bfloat16, enabled=fast_bfloat16()):
                logs = model(**inputs, use_cache=False).logits[:, :-1].float().log_softmax(-1)
            picked = logs.gather(-1, batch["labels"][:, 1:].clamp(min=0)[..., None])[..., 0]
            loss = -(picked * batch["token_weights"][:, 1:]).sum() / len(batch["labels"])
            loss.backward()
            optimizer.step()  # type: ignore[no-untyped-call]
            optimizer.zero_grad()
    tokens = method.epochs * sum(len(one.ids) for one in sequences)
    return tokens / (time.perf_counter() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="rookie")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--repeat", type=int, default=2, help="alternate so many times and take the best of each")
    arguments = parser.parse_args()
    base, rows = model_folder(arguments.base), examples(600)
    one_thread()
    method = Method(epochs=arguments.epochs)
    ours = by_hand = 0.0
    for _ in range(arguments.repeat):
        by_hand = max(by_hand, bare(base, rows, method))
        with tempfile.TemporaryDirectory() as folder:
            trained = train(base, rows, rows[:225], method, Path(folder) / "adapter")
        ours = max(ours, trained.tokens_per_second)
    print(f"bare loop: {by_hand:,.0f} tokens/s; train: {ours:,.0f} tokens/s; ratio {ours / by_hand:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
