"""Trains the in-house models: `python -m training.train tiny-llada [--stage causal|masked] [--minutes M | --steps N]`.

Stage `causal` trains a small Llama to predict the next token on packed rows.  Stage `masked` starts from its weights
and turns it into a masked diffusion model with LLaDA's fine-tuning recipe (Nie et al. 2025, algorithm 2): position i
predicts token i, attention is full inside a document, the prompt stays clean, answer tokens are masked with
probability t and weighted 1/t.

A run without `--stage` does both.  A stage that was interrupted goes on from its checkpoint with the same schedule.
Data and masks of a step depend only on the seed and the step number; the learning rate of a run with `--minutes`
follows the clock, so only runs with `--steps` repeat exactly.  The rows of a step are shared out over one single-thread
process per core: on a busy machine they wait for each other once a step, threads would do so thousands of times.
"""

import argparse
import copy
import json
import math
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import distributed
from torch.multiprocessing.spawn import spawn
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM

from training import tokenizer as tok
from training.corpus import FAMILIES, HELD_OUT, TRAIN, Item, grade, items

CHECKPOINTS = Path(__file__).resolve().parent / "checkpoints"
SEED = 0
FAMILY_WEIGHT = {"word": 40, "list": 24, "facts": 13, "story": 8, "code": 15}
ROWS, ROW_LENGTH = 16, 256
MINUTES = {"causal": 15.0, "masked": 45.0}
# stage -> (Muon learning rate of the matrices, AdamW learning rate of embeddings and norms, warm-up steps)
RATES = {"causal": (0.02, 3e-3, 60), "masked": (0.01, 1.5e-3, 60)}
PROMPT_WEIGHT = 0.3  # of a prompt token in the causal loss: prompts hold random numbers nobody has to predict
FILL_WEIGHT = 0.2  # of an end token after the first one: easy, and else most of the loss
SMALLEST_RATIO = 0.3  # 1/t is clipped here: a few tokens of nearly clean documents would else outweigh all others
# Share of documents that are corrupted the way block-wise decoding sees them.  High, because a worked answer repeats
# its results: under uniform masking a result can mostly be copied from its other place, and sums are hardly learnt.
BLOCK_SHARE = 0.8
OPENING_SHARE = 0.25  # of these: the block is masked whole, as when decoding enters it
BLOCKS = (4, 8, 16, 32, 64)
RIGHT_WEIGHT = 0.3  # of a position right of the block: all masked there, and methods may draft that far
# Share of documents trained in two streams: the clean answer, and a corrupted copy whose blocks see only the clean text
# left of them (Arriola et al. 2025).  Every answer token is then scored in one pass, and sums are learnt much sooner.
TWO_STREAM_SHARE = 0.75
TWO_STREAM_BLOCKS = (1, 1, 1, 2, 4, 8, 16)
SNUG_SHARE = 0.5  # share of documents with little end fill, so that a row holds more documents
AREAS = (32, 64, 96, 128)  # lengths of the answer area (answer, first end token, end fill)
LOG_EVERY, SAVE_SECONDS, EVALUATE_SECONDS = 20, 120.0, 420.0


def build_model() -> LlamaForCausalLM:
    """A Llama of 5.2 million parameters with tied embeddings, freshly initialised from `SEED`."""
    torch.manual_seed(SEED)
    config = LlamaConfig(
        vocab_size=tok.VOCAB_SIZE,
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=8,
        head_dim=32,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        bos_token_id=None,
        eos_token_id=tok.EOS,
        pad_token_id=tok.PAD,
    )
    return LlamaForCausalLM(config)


def draw_documents(rng: random.Random, n: int, tokenizer) -> list[tuple[list[int], list[int]]]:
    """`n` training documents as (prompt ids, answer ids with one end token), families drawn by `FAMILY_WEIGHT`."""
    names = rng.choices(tuple(FAMILY_WEIGHT), tuple(FAMILY_WEIGHT.values()), k=n)
    documents = []
    for family in FAMILIES:
        for item in items(family, TRAIN, names.count(family), rng.getrandbits(62)):
            documents.append((tok.encode_prompt(tokenizer, item.prompt), tok.encode_answer(tokenizer, item.answer)))
    rng.shuffle(documents)
    return documents


def causal_batch(step: int, tokenizer) -> dict[str, torch.Tensor]:
    """Rows of back-to-back documents: ids (ROWS, ROW_LENGTH + 1) and the normalised loss weight of every id."""
    rng = random.Random(f"{SEED}/causal/{step}")
    ids, weights = [], []
    size = ROWS * (ROW_LENGTH + 1)
    while len(ids) < size:
        for prompt, answer in draw_documents(rng, 128, tokenizer):
            ids += prompt + answer
            weights += [PROMPT_WEIGHT] * len(prompt) + [1.0] * len(answer)
    weight = torch.tensor(weights[:size]).view(ROWS, -1)
    return {"ids": torch.tensor(ids[:size]).view(ROWS, -1), "weights": weight / weight[:, 1:].sum()}


def corrupt(rng: random.Random, answer: list[int], area: int, ratio: float) -> tuple[list[int], list[float], float]:
    """Mask an answer area of `area` tokens with ratio t = `ratio`.

    Returns (input ids, loss weight of each position, the weight all positions would have in expectation).  Some
    documents are masked uniformly; in `BLOCK_SHARE` of them everything left of a random block is clean, everything
    right of it is masked, and only the block is masked with ratio t: the states that block-wise decoding visits.
    """
    target = answer + [tok.EOS] * (area - len(answer))
    start, end = 0, area
    if rng.random() < BLOCK_SHARE:
        block = rng.choice([b for b in BLOCKS if b < 2 * area])
        # Blocks behind the first end token hold nothing but fill, so they are drawn seldom.
        last = area if rng.random() < 0.1 else len(answer)
        start = rng.randrange(math.ceil(last / block)) * block
        end = min(area, start + block)
        if rng.random() < OPENING_SHARE:
            ratio = 1.0
    inputs, weights, expected = list(target), [0.0] * area, 0.0
    for i in range(start, area):
        value = 1.0 if i < len(answer) else FILL_WEIGHT
        if i >= end:
            inputs[i] = tok.MASK
            weights[i] = value * RIGHT_WEIGHT
            expected += weights[i]
            continue
        expected += value
        if rng.random() < ratio:
            inputs[i] = tok.MASK
            weights[i] = value / max(ratio, SMALLEST_RATIO)
    return inputs, weights, expected


@dataclass
class Packed:
    """A corrupted document before packing, one entry per token of the input.

    A token sees another one of its document if the two are in the same group, or if the other's `level` is below its
    own `sight`.
    """

    ids: list[int]
    targets: list[int]
    weights: list[float]
    positions: list[int]
    level: list[int]
    sight: list[int]
    group: list[int]
    expected: float


def one_stream(rng: random.Random, prompt: list[int], answer: list[int], ratio: float) -> Packed:
    """Prompt and corrupted answer area with full attention: exactly what decoding feeds the model."""
    least = math.ceil(len(answer) / 32) * 32
    if rng.random() < SNUG_SHARE:
        area = len(answer) + rng.randrange(6)
    else:
        area = least if rng.random() < 0.7 else rng.choice([a for a in AREAS if a >= least])
    inputs, weights, expected = corrupt(rng, answer, area, ratio)
    n = len(prompt) + area
    return Packed(
        prompt + inputs,
        prompt + answer + [tok.EOS] * (area - len(answer)),
        [0.0] * len(prompt) + weights,
        list(range(n)),
        [0] * n,
        [0] * n,
        [0] * n,
        expected,
    )


def two_streams(rng: random.Random, prompt: list[int], answer: list[int], ratio: float) -> Packed:
    """Prompt, clean answer and a corrupted copy of the answer at the same positions.

    The prompt sees itself, a clean token the prompt and the clean tokens up to itself, a block of the copy itself and
    all that is clean left of it.  Nothing lies right of a block here; `one_stream` documents teach that case.
    """
    p, a, block = len(prompt), len(answer), rng.choice(TWO_STREAM_BLOCKS)
    if block == 1 or rng.random() < OPENING_SHARE:
        ratio = 1.0
    hidden = [rng.random() < ratio for _ in answer]
    starts = [i // block * block for i in range(a)]
    return Packed(
        ids=prompt + answer + [tok.MASK if h else t for h, t in zip(hidden, answer, strict=True)],
        targets=prompt + answer + answer,
        weights=[0.0] * (p + a) + [1.0 / max(ratio, SMALLEST_RATIO) if h else 0.0 for h in hidden],
        positions=list(range(p + a)) + list(range(p, p + a)),
        level=[0] * p + list(range(1, a + 1)) + [ROW_LENGTH] * a,
        sight=[1] * p + list(range(2, a + 2)) + [start + 1 for start in starts],
        group=[-1] * p + list(range(-2, -2 - a, -1)) + starts,
        expected=float(a),
    )


def masked_batch(step: int, tokenizer) -> dict[str, torch.Tensor]:
    """Packed corrupted documents.

    ids, targets, positions: (ROWS, ROW_LENGTH) int64, positions restart at 0 in every document; mask: (ROWS, 1,
    ROW_LENGTH, ROW_LENGTH) bool, True where a query (first) sees a key (second), never across documents; weights:
    (ROWS, ROW_LENGTH) float32, normalised over the step.
    """
    rng = random.Random(f"{SEED}/masked/{step}")
    pool = draw_documents(rng, 128, tokenizer)
    offset = rng.random()
    shape = (ROWS, ROW_LENGTH)
    # Padding is a document of its own, so it sees itself and no row of the mask is empty.
    fields = {"ids": tok.PAD, "targets": tok.PAD, "positions": 0, "documents": -1, "level": 0, "sight": 0, "group": 0}
    batch = {name: torch.full(shape, value) for name, value in fields.items()}
    weights, total = torch.zeros(shape), 0.0
    used, failures = [0] * ROWS, 0
    for i, (prompt, answer) in enumerate(pool):
        # Mask ratios are spread evenly over (0, 1] within a step: same distribution, less noise.
        ratio = 1.0 - (offset + i * 0.6180339887) % 1.0
        kind = two_streams if rng.random() < TWO_STREAM_SHARE else one_stream
        document = kind(rng, prompt, answer, ratio)
        size = len(document.ids)
        row = next((r for r in range(ROWS) if used[r] + size <= ROW_LENGTH), None)
        if row is None:
            failures += 1
            if failures > 12:
                break
            continue
        at = slice(used[row], used[row] + size)
        for name in ("ids", "targets", "positions", "level", "sight", "group"):
            batch[name][row, at] = torch.tensor(getattr(document, name))
        batch["documents"][row, at] = i
        weights[row, at] = torch.tensor(document.weights)
        total += document.expected
        used[row] += size
    seen = batch["group"][:, :, None] == batch["group"][:, None, :]
    seen |= batch["level"][:, None, :] < batch["sight"][:, :, None]
    seen &= batch["documents"][:, :, None] == batch["documents"][:, None, :]
    return {
        "ids": batch["ids"],
        "targets": batch["targets"],
        "positions": batch["positions"],
        "mask": seen[:, None],
        "weights": weights / total,
    }


def causal_loss(model, forward, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Weighted mean next-token cross-entropy (the weights of a whole step add up to 1)."""
    hidden = forward(batch["ids"][:, :-1])
    logits = model.lm_head(hidden).float()
    losses = F.cross_entropy(logits.flatten(0, 1), batch["ids"][:, 1:].flatten(), reduction="none")
    return (losses * batch["weights"][:, 1:].flatten()).sum()


def masked_loss(model, forward, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """LLaDA's bound on the negative log-likelihood per answer token, estimated on the masked positions only."""
    hidden = forward(batch["ids"], batch["mask"], batch["positions"])
    at = batch["weights"] > 0
    logits = model.lm_head(hidden[at]).float()
    losses = F.cross_entropy(logits, batch["targets"][at], reduction="none")
    return (losses * batch["weights"][at]).sum()


def optimizers(model, stage: str) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for the embedding and the norms."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    inside = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in inside]
    muon, adam, _ = RATES[stage]
    return [
        torch.optim.Muon(matrices, lr=muon, adjust_lr_fn="original"),
        torch.optim.AdamW(rest, lr=adam, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def add_up(model, loss: torch.Tensor, seconds: float) -> float:
    """Sum gradients and loss over the workers, in place; returns the first worker's seconds."""
    gradients = [p.grad for p in model.parameters()]
    clock = torch.tensor([seconds if distributed.get_rank() == 0 else 0.0])
    flat = torch.cat([g.flatten() for g in gradients] + [loss.detach().view(1), clock])
    distributed.all_reduce(flat)
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()
    loss.data.fill_(flat[-2])
    return flat[-1].item()


@torch.no_grad()
def decode_masked(model, prompts: list[list[int]], area: int = 64, block: int = 32) -> list[list[int]]:
    """Greedy step-by-step decoding of a batch: one token per prompt and call, left block first.

    In the leftmost block with a mask the position whose best token is most probable is filled with it.  An end token
    in a finished block ends the answer.  Returns the answer ids before the first end token.
    """
    width = max(map(len, prompts)) + area
    ids = torch.full((len(prompts), width), tok.PAD)
    for row, prompt in enumerate(prompts):
        ids[row, : len(prompt) + area] = torch.tensor(prompt + [tok.MASK] * area)
    starts = torch.tensor([len(prompt) for prompt in prompts])
    column = torch.arange(width)[None]
    mask = (ids != tok.PAD)[:, None, None, :].expand(-1, 1, width, -1)
    active = torch.arange(len(prompts))
    for begin in range(0, area, block):
        here = (column >= starts[:, None] + begin) & (column < starts[:, None] + begin + block)
        for _ in range(block):
            with torch.autocast("cpu", torch.bfloat16):
                hidden = model.model(
                    input_ids=ids[active], attention_mask=mask[active].contiguous(), use_cache=False
                ).last_hidden_state
                slots = hidden[here[active]].view(len(active), block, -1)
                logits = model.lm_head(slots).float()
            logits[..., tok.MASK] = -torch.inf
            confidence, choice = logits.softmax(-1).max(-1)
            current = ids[active][here[active]].view(len(active), block)
            best = confidence.masked_fill(current != tok.MASK, -1.0).argmax(-1)
            ids[active, starts[active] + begin + best] = choice.gather(1, best[:, None])[:, 0]
        ended = (ids[active].masked_fill(~here[active], tok.PAD) == tok.EOS).any(1)
        active = active[~ended]
        if not len(active):
            break
    answers = []
    for row, prompt in enumerate(prompts):
        answer = ids[row, len(prompt) : len(prompt) + area].tolist()
        answers.append(answer[: next((i for i, t in enumerate(answer) if t in (tok.EOS, tok.MASK)), area)])
    return answers


@torch.no_grad()
def decode_causal(model, prompts: list[list[int]], area: int = 64) -> list[list[int]]:
    """Greedy next-token decoding of a batch without a cache; returns the answer ids before the end token."""
    rows = [list(prompt) for prompt in prompts]
    active = list(range(len(rows)))
    for _ in range(area):
        width = max(len(rows[r]) for r in active)
        ids = torch.tensor([rows[r] + [tok.PAD] * (width - len(rows[r])) for r in active])
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
            last = hidden[torch.arange(len(active)), torch.tensor([len(rows[r]) - 1 for r in active])]
            choice = model.lm_head(last).argmax(-1).tolist()
        for r, token in zip(active, choice, strict=True):
            rows[r].append(token)
        active = [r for r in active if rows[r][-1] != tok.EOS]
        if not active:
            break
    return [[t for t in row[len(prompt) :] if t != tok.EOS] for row, prompt in zip(rows, prompts, strict=True)]


def held_out_accuracy(model, stage: str, n: int, tokenizer) -> dict[str, float]:
    """Accuracy by graded family on `n` held-out items each."""
    asked: list[Item] = [item for family in FAMILIES if family != "story" for item in items(family, HELD_OUT, n, 99)]
    prompts = [tok.encode_prompt(tokenizer, item.prompt) for item in asked]
    model.eval()
    answers = (decode_causal if stage == "causal" else decode_masked)(model, prompts)
    model.train()
    right: dict[str, int] = {}
    for item, answer in zip(asked, answers, strict=True):
        right[item.family] = right.get(item.family, 0) + bool(grade(item, tokenizer.decode(answer)))
    return {family: count / n for family, count in right.items()}


def export(model, folder: Path = tok.MODEL_DIR) -> None:
    """Write config.json, model.safetensors (bfloat16) and generation.json, each replaced in one move."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        copy.deepcopy(model).to(torch.bfloat16).save_pretrained(temporary)
        generation = {
            "mask": tok.MASK,
            "eos": tok.EOS,
            "block": 32,
            "family": "llada",
            "attention": "full",
            "rows": "self",
        }
        Path(temporary, "generation.json").write_text(json.dumps(generation, indent=2) + "\n", encoding="utf-8")
        for name in ("config.json", "model.safetensors", "generation.json"):
            Path(temporary, name).chmod(0o644)
            os.replace(Path(temporary, name), folder / name)


def train_stage(rank: int, workers: int, rendezvous: str, stage: str, minutes: float | None, steps: int | None) -> None:
    """Train one stage to the end of its budget, starting or resuming from `training/checkpoints/`.

    Worker `rank` of `workers` computes the gradient of every `workers`-th row; worker 0 also keeps the clock, the log,
    the checkpoint and the exports.
    """
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=workers)
    tokenizer = tok.load()
    model = build_model()
    optimisers = optimizers(model, stage)
    path = CHECKPOINTS / f"{stage}.pt"
    step, spent, rate = 0, 0.0, RATES[stage]
    if path.exists():
        state = torch.load(path, weights_only=True)
        model.load_state_dict(state["model"])
        for optimiser, saved in zip(optimisers, state["optimizers"], strict=True):
            optimiser.load_state_dict(saved)
        step, spent = state["step"], state["seconds"]
    elif stage == "masked":
        before = CHECKPOINTS / "causal.pt"
        if not before.exists():
            sys.exit("Stage masked starts from the causal weights: run --stage causal first.")
        model.load_state_dict(torch.load(before, weights_only=True)["model"])
    log_path = CHECKPOINTS / f"{stage}.log"

    def log(**fields) -> None:
        if rank:
            return
        line = json.dumps({"stage": stage, "step": step, "seconds": round(spent, 1), **fields})
        print(line, flush=True)
        with log_path.open("a", encoding="utf-8") as out:
            out.write(line + "\n")

    def save() -> None:
        if rank:
            return
        temporary = path.with_suffix(".tmp")
        torch.save(
            {
                "model": model.state_dict(),
                "optimizers": [o.state_dict() for o in optimisers],
                "step": step,
                "seconds": spent,
            },
            temporary,
        )
        os.replace(temporary, path)

    def hidden_causal(ids):
        return model.model(input_ids=ids, use_cache=False).last_hidden_state

    def hidden_masked(ids, mask, positions):
        return model.model(
            input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False
        ).last_hidden_state

    forward = torch.compile(hidden_causal if stage == "causal" else hidden_masked, dynamic=False)
    batch_of, loss_of = (causal_batch, causal_loss) if stage == "causal" else (masked_batch, masked_loss)
    budget = 0.0 if steps else 60 * (minutes if minutes is not None else MINUTES[stage])
    log(event="start", parameters=sum(p.numel() for p in model.parameters()), minutes=budget / 60 or None, steps=steps)
    if stage == "masked" and step == 0 and rank == 0:
        export(model)
    saved_at = evaluated_at = spent
    running: list[float] = []
    clock = time.monotonic()
    while (progress := step / steps if steps else spent / budget) < 1:
        factor = min(1.0, (step + 1) / rate[2]) * min(1.0, (1.0 - progress) / 0.8)
        for optimiser, peak in zip(optimisers, rate, strict=False):
            optimiser.param_groups[0]["lr"] = peak * factor
        with torch.autocast("cpu", torch.bfloat16):
            batch = {name: rows[rank::workers] for name, rows in batch_of(step, tokenizer).items()}
            loss = loss_of(model, forward, batch)
        loss.backward()
        now = time.monotonic()
        # Every worker goes by the first one's clock, so that all leave the loop at the same step.
        spent, clock = add_up(model, loss, spent + now - clock), now
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        running.append(loss.item())  # of the whole step, after `add_up`
        step += 1
        if step % LOG_EVERY == 0:
            log(loss=round(sum(running) / len(running), 4), factor=round(factor, 3))
            running = []
        if spent - saved_at > SAVE_SECONDS:
            save()
            saved_at = spent
        if spent - evaluated_at > EVALUATE_SECONDS:
            if rank == 0:
                log(held_out=held_out_accuracy(model, stage, 24, tokenizer))
                if stage == "masked":
                    export(model)
            evaluated_at = spent
    save()
    if rank == 0:
        if stage == "masked":
            export(model)
        log(event="end", held_out=held_out_accuracy(model, stage, 50, tokenizer))
    distributed.destroy_process_group()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=["tiny-llada"])
    parser.add_argument("--stage", choices=["causal", "masked"], help="only this stage (default: both in turn)")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=float, help="wall-clock budget of a stage, evaluation pauses included")
    budget.add_argument("--steps", type=int, help="number of steps of a stage")
    arguments = parser.parse_args()
    # A plain `kill` would leave the workers behind; leaving through an exception ends these daemons too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    if not (tok.MODEL_DIR / "tokenizer.json").exists():
        tok.save(tok.train_tokenizer(SEED))
    workers = max(w for w in (1, 2, 4, 8) if w <= (os.cpu_count() or 1))
    for stage in [arguments.stage] if arguments.stage else ["causal", "masked"]:
        with tempfile.TemporaryDirectory() as folder:
            spawn(
                train_stage,
                nprocs=workers,
                daemon=True,
                args=(workers, str(Path(folder, "rendezvous")), stage, arguments.minutes, arguments.steps),
            )


if __name__ == "__main__":
    main()
