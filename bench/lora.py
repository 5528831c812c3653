"""LoRA tokens a second of ``distill.train`` against a bare torch loop on the same batches.

    python bench/lora.py [--model rookie] [--epochs 8] [--repeat 2]
    python bench/lora.py --model smollm2 --epochs 1 --questions 60

The bare loop is what one would write by hand: peft's LoRA, the optimizer, a forward pass, the weighted log-likelihood,
a backward pass, on tensors made beforehand, all on the GPU if there is one. ``train`` also shuffles, clips, schedules,
looks at held-out turns and writes ten checkpoints a run. Both compute in the same precision.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from peft import LoraConfig, get_peft_model

from distill.base import parameters
from distill.encode import Encoder, Example, balanced
from distill.method import SMALL, Method
from distill.train import fast_bfloat16, lesson_of, load_base, one_thread, train
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
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    half = device.type == "cuda" or fast_bfloat16()
    model = get_peft_model(
        model,
        LoraConfig(r=method.rank, lora_alpha=method.alpha, target_modules="all-linear", task_type="CAUSAL_LM"),
    ).to(device)
    sequences = balanced(Encoder(tokenizer, 1024, ends).sequences(rows, length=method.length, seed=1))
    batches = [
        collate([columns(one) for one in sequences[start : start + method.batch]], 0)
        for start in range(0, len(sequences), method.batch)
    ]
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer: torch.optim.Optimizer = (
        torch.optim.Muon(trained, lr=method.rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        if method.optimizer == "muon"
        else torch.optim.AdamW(trained, lr=method.rate, weight_decay=0.0)
    )
    model.train()
    began = time.perf_counter()
    for _ in range(method.epochs):
        for made in batches:
            batch = {name: value.to(device) for name, value in made.items()}
            inputs = {name: batch[name] for name in ("input_ids", "position_ids", "attention_mask")}
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                logs = model(**inputs, use_cache=False).logits.flatten(0, 1)[batch["places"]].float().log_softmax(-1)
            picked = logs.gather(-1, batch["targets"][:, None])[:, 0]
            loss = -(picked * batch["token_weights"]).sum() / len(batch["input_ids"])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    if device.type == "cuda":
        torch.cuda.synchronize()
    tokens = method.epochs * sum(len(one.ids) for one in sequences)
    return tokens / (time.perf_counter() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="rookie", help="the base: rookie, smollm2, a folder")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--questions", type=int, default=600)
    parser.add_argument("--repeat", type=int, default=2, help="alternate so many times and take the best of each")
    arguments = parser.parse_args()
    base, rows = model_folder(arguments.model), examples(arguments.questions)
    if parameters(base) < SMALL:
        one_thread()
    suited = Method.suited(parameters(base), lesson_of(base, rows))
    method = replace(suited, epochs=arguments.epochs, patience=0)
    ours = by_hand = 0.0
    for _ in range(arguments.repeat):
        by_hand = max(by_hand, bare(base, rows, method))
        with tempfile.TemporaryDirectory() as folder:
            trained = train(base, rows, rows[: len(rows) // 8], method, Path(folder) / "adapter")
        ours = max(ours, trained.tokens_per_second)
    print(f"bare loop: {by_hand:,.0f} tokens/s; train: {ours:,.0f} tokens/s; ratio {ours / by_hand:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
