"""Trains the in-house models: `python -m training.train tiny-llada [--steps N] [--workers W]`.

Every model but the trunks starts from another one (`RECIPES`), which is trained first where it is missing:

    trunk (causal) -> tiny-llada (masked diffusion) -> tiny-sdar (block diffusion)
    trunk -> tiny-ar (causal, grown to 20 layers)        nano-trunk (causal) -> nano-sdar (block diffusion)

A run that was interrupted goes on from its checkpoint in `training/checkpoints/`; a larger `--steps` goes on from a
finished one with a longer schedule. `--start tiny-llada` starts from the weights of that model instead, as they are
in `assets/models`: so a shipped model is trained further, on steps not drawn before. Data and masks of a step depend
only on the seed and the step number. `--families choice=60,word=40` and `--blocks 16=1,32=2` change what is drawn.
The rows of a step are shared out over the workers, single-thread processes whose gradients are added up: on a busy
machine they wait for each other once a step, threads would do so thousands of times.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import distributed
from torch.multiprocessing.spawn import spawn
from torch.nn import functional as F

from training import batches, shapes
from training import tokenizer as tok
from training.corpus import FAMILIES
from training.corpus.choice import FORMS
from training.corpus.drill import EXERCISES
from training.evaluate import evaluate, wrap
from training.muon import FAST_BFLOAT16, Muon

CHECKPOINTS = Path(__file__).resolve().parent / "checkpoints"
LOG_EVERY, SAVE_SECONDS, EVALUATE_SECONDS = 20, 120.0, 1200.0
WARM_UP = 40
# glibc gives every large tensor back to the system and takes it again, zeroed: a third of a step. A worker reads these
# when it starts.
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(8 << 30),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


@dataclass(frozen=True)
class Recipe:
    """How a model is trained: its objective, the model it starts from, the steps and the packed rows of a
    step, the peak learning rates of Muon (matrices) and AdamW (embedding, norms), and the last part of the run in which
    they fall to zero."""

    objective: str
    start: str
    steps: int
    rows: int
    muon: float
    adam: float
    decay: float
    mixture: batches.Mixture = batches.Mixture()


# A drafter writes a few tokens at a time, and a small model learns a few skills at a time.
NANO = batches.Mixture(
    {"word": 24, "code": 20, "facts": 12, "choice": 28, "story": 2, "drill": 6, "seek": 8},
    {1: 3, 4: 3, 8: 4},
    form="listed",
)
THROUGH = batches.Mixture(form="through")
RECIPES = {
    "trunk": Recipe("causal", "", 3000, 16, 0.02, 3e-3, 1.0),
    "nano-trunk": Recipe("causal", "", 4000, 16, 0.02, 4e-3, 1.0),
    "tiny-llada": Recipe("masked", "trunk", 7000, 16, 0.01, 1.5e-3, 1.0, THROUGH),
    "tiny-sdar": Recipe("blocks", "tiny-llada", 2000, 16, 0.01, 1.5e-3, 1.0, THROUGH),
    "nano-sdar": Recipe("blocks", "nano-trunk", 6000, 16, 0.015, 2e-3, 1.0, NANO),
    "tiny-ar": Recipe("causal", "trunk", 1000, 12, 0.01, 1.5e-3, 1.0),
}


def loss_of(model, forward, batch: batches.Batch) -> torch.Tensor:
    """Weighted mean cross-entropy of the targets (the weights of a whole step add up to about 1): for the diffusion
    objectives the bound on the negative log-likelihood per answer token, on the masked positions only."""
    hidden = forward(batch["ids"], batch["mask"], batch["positions"])
    at = batch["weights"] > 0
    logits = model.lm_head(hidden[at]).float()
    losses = F.cross_entropy(logits, batch["targets"][at], reduction="none")
    return (losses * batch["weights"][at]).sum()


@torch.no_grad()
def certainty(model, forward, batch: batches.Batch) -> torch.Tensor:
    """The probability of the best token, (rows, ROW_LENGTH) float32, at the positions of blocks that are masked whole;
    0 elsewhere."""
    with torch.autocast("cpu", torch.bfloat16, enabled=FAST_BFLOAT16):
        hidden = forward(batch["ids"], batch["mask"], batch["positions"])
        at = batch["opened"] > 0
        logits = model.lm_head(hidden[at]).float()
    sure = torch.zeros(at.shape)
    sure[at] = logits.softmax(-1).amax(-1)
    return sure


def optimizers(model, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for the embedding and the norms."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    inside = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in inside]
    return [
        Muon(matrices, lr=recipe.muon),
        torch.optim.AdamW(rest, lr=recipe.adam, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def rate(recipe: Recipe, step: int, steps: int) -> float:
    """The factor on the peak learning rates: linear warm-up, constant, linear fall over the last `decay` of the run."""
    fall = (1.0 - step / steps) / recipe.decay if recipe.decay else 1.0
    return min(1.0, (step + 1) / WARM_UP, fall)


def add_up(model, loss: torch.Tensor) -> None:
    """Sum gradients and loss over the workers, in place."""
    gradients = [p.grad for p in model.parameters()]
    flat = torch.cat([g.flatten() for g in gradients] + [loss.detach().view(1)])
    distributed.all_reduce(flat)
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()
    loss.data.fill_(flat[-1])


def held_out_accuracy(name: str, model, n: int, seed: int) -> dict[str, float | None]:
    """Accuracy by graded family on `n` held-out questions each, decoded one token a call by the real decoders."""
    model.eval()
    wrapped = wrap(name, model)
    method = "ar" if shapes.FACTS[name]["attention"] == "causal" else "stepwise"
    results = {
        family: evaluate(wrapped, method, n, family, seed=seed) for family in ("word", "code", "facts", "choice")
    }
    model.train()
    return {family: result.accuracy for family, result in results.items()}


def train(
    rank: int, workers: int, rendezvous: str, name: str, steps: int, start: str, mixture: batches.Mixture | None = None
) -> None:
    """Train one model to `steps`, starting or resuming from `training/checkpoints/`; `mixture` replaces the recipe's.

    Worker `rank` of `workers` computes the gradient of every `workers`-th row; worker 0 also keeps the log, the
    checkpoint and the exports.
    """
    torch.set_num_threads(1)
    if workers > 1:
        distributed.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=workers)
    recipe, tokenizer = RECIPES[name], tok.load()
    recipe = replace(recipe, mixture=mixture or recipe.mixture)
    model = shapes.build(name, batches.SEED)
    optimisers = optimizers(model, recipe)
    peaks = [recipe.muon, recipe.adam]
    path = CHECKPOINTS / f"{name}.pt"
    step, spent, before, first, earlier, drawn = 0, 0.0, [], 0, 0.0, 0
    if path.exists():
        state = torch.load(path, weights_only=True)
        model.load_state_dict(state["model"])
        for optimiser, saved in zip(optimisers, state["optimizers"], strict=True):
            optimiser.load_state_dict(saved)
        step, spent, before, last = state["step"], state["seconds"], state["stages"][:-1], state["stages"][-1]
        start, first, earlier = last["start"], last.get("first", 0), last.get("earlier", 0.0)
        drawn = last.get("drawn", 0)
        if step >= first + last["planned"]:  # finished: going on with a longer schedule is a stage of its own
            start, before, first, earlier = name, state["stages"], step, spent
    elif start:
        shapes.start_from(model, shapes.weights(start, CHECKPOINTS))
        before = shapes.stages(start, CHECKPOINTS)
        drawn = sum(stage["steps"] for stage in before if stage["objective"] == recipe.objective)

    def log(**fields) -> None:
        if rank == 0:
            line = json.dumps({"model": name, "step": step, "seconds": round(spent, 1), **fields})
            print(line, flush=True)
            with (CHECKPOINTS / f"{name}.log").open("a", encoding="utf-8") as out:
                out.write(line + "\n")

    def save() -> None:
        if rank == 0:
            stage = {"model": name, **asdict(recipe), "start": start, "steps": step - first, "planned": steps - first}
            stage |= {"first": first, "earlier": earlier, "drawn": drawn}
            stage |= {"seed": batches.SEED, "bfloat16": FAST_BFLOAT16}
            stage["core_hours"] = round((spent - earlier) * workers / 3600, 2)
            state = {
                "model": model.state_dict(),
                "optimizers": [o.state_dict() for o in optimisers],
                "step": step,
                "seconds": spent,
                "stages": [*before, stage],
            }
            torch.save(state, path.with_suffix(".tmp"))
            os.replace(path.with_suffix(".tmp"), path)
            if name in shapes.FACTS:
                shapes.export(model, name, state["stages"])

    def hidden(ids, mask, positions):
        return model.model(
            input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False
        ).last_hidden_state

    forward = torch.compile(hidden, dynamic=False)
    log(
        event="start",
        start=start,
        parameters=sum(p.numel() for p in model.parameters()),
        steps=steps,
        bf16=FAST_BFLOAT16,
    )
    running: list[float] = []
    clock = saved_at = evaluated_at = time.monotonic()
    while step < steps:
        factor = rate(recipe, step, steps)
        for optimiser, peak in zip(optimisers, peaks, strict=True):
            optimiser.param_groups[0]["lr"] = peak * factor
        rows = {
            key: v[rank::workers]
            for key, v in batches.batch(recipe.objective, drawn + step, recipe.rows, tokenizer, recipe.mixture).items()
        }
        if recipe.mixture.ordered:
            luck = random.Random(f"{batches.SEED}/reveal/{drawn + step}/{rank}")
            batches.reveal(rows, certainty(model, forward, rows), recipe.mixture.ordered, luck)
        with torch.autocast("cpu", torch.bfloat16, enabled=FAST_BFLOAT16):
            loss = loss_of(model, forward, rows)
        loss.backward()
        if workers > 1:
            add_up(model, loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        running.append(loss.item())  # of the whole step, after `add_up`
        step += 1
        now = time.monotonic()
        spent, clock = spent + now - clock, now
        if step % LOG_EVERY == 0:
            log(loss=round(sum(running) / len(running), 4), factor=round(factor, 3))
            running = []
        if rank == 0 and now - saved_at > SAVE_SECONDS:
            save()
            saved_at = now
        if rank == 0 and name in shapes.FACTS and now - evaluated_at > EVALUATE_SECONDS:
            log(held_out=held_out_accuracy(name, model, 24, seed=99))
            evaluated_at = time.monotonic()
    save()
    if rank == 0 and name in shapes.FACTS:
        log(event="end", held_out=held_out_accuracy(name, model, 24, seed=99))
    if workers > 1:
        distributed.destroy_process_group()


def plan(name: str) -> list[str]:
    """The models to train for `name`, in order: what it starts from comes first where that is missing, unless it has
    begun already."""
    start = RECIPES[name].start
    if (
        not start
        or (CHECKPOINTS / f"{name}.pt").exists()
        or (CHECKPOINTS / f"{start}.pt").exists()
        or (shapes.MODELS / start / "model.safetensors").exists()
    ):
        return [name]
    return [*plan(start), name]


def shares(text: str, known: Sequence[str]) -> dict[str, float]:
    """`a=2,b=1` as a dict; raises ValueError in one sentence for an unknown name or a share that is not positive."""
    out = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        if name not in known:
            raise ValueError(f"{part!r}: {name!r} is none of {', '.join(known)}.")
        try:
            out[name] = float(share)
        except ValueError:
            raise ValueError(f"{part!r}: write {name}=NUMBER.") from None
        if not out[name] > 0:
            raise ValueError(f"{part!r}: a share must be above 0; leave {name} out instead.")
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=list(RECIPES))
    parser.add_argument("--steps", type=int, help="steps of this model in all (default: its recipe's)")
    parser.add_argument(
        "--start", choices=list(RECIPES), help="start from this model's weights (default: its recipe's)"
    )
    parser.add_argument(
        "--families",
        metavar="F=SHARE,...",
        help="families, and exercises (drill, letters, until, seek), to draw (default: the recipe's)",
    )
    parser.add_argument("--opening", type=float, help="share of blocks masked whole (default: the recipe's)")
    parser.add_argument(
        "--ordered", type=float, help="share of those shown in the model's order (default: the recipe's)"
    )
    parser.add_argument("--blocks", metavar="B=SHARE,...", help="block sizes to draw (default: the recipe's)")
    parser.add_argument("--form", choices=FORMS, help="form of multiple choice answers (default: the recipe's)")
    cores = max(w for w in (1, 2, 4, 8) if w <= (os.cpu_count() or 1))
    parser.add_argument(
        "--workers", type=int, default=cores, choices=(1, 2, 4, 8), help="processes (default: %(default)s)"
    )
    arguments = parser.parse_args()
    if arguments.steps is not None and arguments.steps < 1:
        parser.error(f"--steps {arguments.steps}: must be at least 1.")
    mixture = RECIPES[arguments.model].mixture
    try:
        if arguments.families:
            mixture = replace(mixture, families=shares(arguments.families, (*FAMILIES, *EXERCISES)))
        if arguments.blocks:
            sizes = shares(arguments.blocks, [str(b) for b in batches.BLOCK_SIZES])
            mixture = replace(mixture, blocks={int(b): share for b, share in sizes.items()})
    except ValueError as error:
        parser.error(str(error))
    for name in ("opening", "ordered"):
        if (share := getattr(arguments, name)) is not None:
            if not 0 <= share <= 1:
                parser.error(f"--{name} {share}: must be from 0 to 1.")
            mixture = replace(mixture, **{name: share})
    mixture = replace(mixture, form=arguments.form or mixture.form)
    # A plain `kill` would leave the workers behind; leaving through an exception ends these daemons too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ.update(KEEP_MEMORY)
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    if not (tok.MODEL_DIR / "tokenizer.json").exists():
        tok.save(tok.train_tokenizer(batches.SEED))
    for name in [arguments.model] if arguments.start else plan(arguments.model):
        start = arguments.start or RECIPES[name].start
        steps = arguments.steps if name == arguments.model and arguments.steps else RECIPES[name].steps
        with tempfile.TemporaryDirectory() as folder:
            spawn(
                train,
                nprocs=arguments.workers,
                daemon=True,
                args=(
                    *(arguments.workers, str(Path(folder, "rendezvous")), name, steps, start),
                    mixture if name == arguments.model else None,
                ),
            )


if __name__ == "__main__":
    main()
