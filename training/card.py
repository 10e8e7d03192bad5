"""The model cards: `python -m training.card [MODEL ...]` writes each bundled model's README.md.

Every number of a card comes from the files beside it: config.json, training.json (written by training) and
measured.json (written by the measurements); nothing is typed in here but sentences.
"""

import argparse
import json
from typing import Any

from decoders.models import measured
from decoders.models.catalogue import MODELS
from training import shapes
from training import tokenizer as tok
from training.batches import AREAS, BLOCK_SIZES, FAMILY_WEIGHT, OPENING_SHARE, ROW_LENGTH
from training.corpus import facts

TITLES = {
    "tiny-llada": "A masked diffusion language model",
    "tiny-sdar": "A block diffusion language model",
    "nano-sdar": "A small block diffusion language model",
    "tiny-ar": "An autoregressive language model",
}
TAGS = {
    "tiny-llada": "masked-diffusion, llada, tiny",
    "tiny-sdar": "block-diffusion, sdar, tiny",
    "nano-sdar": "block-diffusion, sdar, tiny",
    "tiny-ar": "causal-lm, tiny",
}
PURPOSE = {
    "tiny-llada": "It sees the whole answer at once and may fill any position at any time. It is not a chat model.",
    "tiny-sdar": "Full attention inside a block, causal between blocks, so finished blocks stay in an exact KV cache. "
    "Trained with block sizes "
    + ", ".join(map(str, BLOCK_SIZES))
    + " mixed; block size 1 is autoregressive decoding with the same weights.",
    "nano-sdar": "The same as tiny-sdar, and several times cheaper: it drafts where tiny-sdar checks.",
    "tiny-ar": "It checks what a diffusion model drafts (DiffuSpec), and is what such drafting is measured against. "
    "`trigram.safetensors` beside the weights is a token 3-gram of the training text, the proxy that DiffuSpec's path "
    "search scores drafts with.",
}
RUNS = {
    "full": "run with full attention: position i predicts token i",
    "block": "run block-causally, blocks counted from position 0, prompt included: position i predicts token i",
    "causal": "causal: position i predicts token i + 1",
}
ATTENTION = {
    "full": "Attention must be full, not causal: pass an explicit 4-D boolean mask, and `use_cache=False`.",
    "block": "The mask must be explicit (4-D boolean): a causal or missing one gives silently wrong text.",
    "causal": "",
}
HELD_OUT = {
    "word": "new chains of operations; for one operation, new pairings of story and numbers",
    "code": "new combinations of task, number, name and wording",
    "facts": "new wordings of trained facts",
    "choice": "new combinations of a fact and its options",
    "story": "new requests; no grader, scored by the perplexity of its text under tiny-ar",
}
OBJECTIVES = {
    "causal": "Next-token prediction; prompt tokens count less than answer tokens.",
    "blocks": "Block diffusion in its two-copy layout (Arriola et al. 2025; SDAR): the clean text, and a corrupted "
    "copy of the answer whose blocks see themselves and the clean blocks to their left, so every block gives loss. "
    "Each block draws its own mask ratio; three in ten are masked whole, half of the others from some token on.",
    "masked": "LLaDA's fine-tuning loss: the prompt stays clean, answer tokens are masked with ratio t and weighted "
    "1/t (clipped at t = 0.3). Half of the documents show the answer as block-wise decoding meets it, with areas of "
    f"up to {max(AREAS)} tokens filled up with end tokens; the others in two copies.",
}
HISTORY = (
    "Stages of an earlier model are those of the release before this one, on older corpora with a vocabulary of "
    "1,536. Then the vocabulary was fitted anew on the present corpus, with 2,000 entries: tokens that both have "
    "kept their embedding, a new one began as the mean of the pieces it replaces. While the present stages ran the "
    "mixture of the corpus was changed (more, then fewer exercises in reciting and choosing; later multiple choice "
    "is worked out option by option, and larger blocks are drawn more often), and so was their length. Answers that "
    "stop at the right option are newer than every stage that does not say what was `drawn`. `python -m "
    "training.train` trains a model of this kind from nothing, not these very weights."
)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def accuracy(name: str, result: dict[str, Any] | None) -> str:
    command = f"`python -m training.evaluate {name} --n {result['n'] if result else 200} --save`"
    if result is None:
        return f"Not measured since the weights changed: run {command}."
    knobs = ", ".join(f"{k} = {v}" for k, v in result["settings"].items())
    lines = [
        f"{command}: method {result['method']}, {knobs}, greedy, fp32, questions of seed {result['seed']}; 95 % Wilson "
        f"intervals; {result['date']}.",
        "",
        "| family | what is held out | right | 95 % interval | n | tokens per call |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for family, r in result["families"].items():
        right, between = "not graded", "-"
        if r["accuracy"] is not None:
            right, between = percent(r["accuracy"]), f"{percent(r['low'])} to {percent(r['high'])}"
        elif r.get("perplexity"):
            right = f"perplexity {r['perplexity']:.2f}"
        row = (family, HELD_OUT[family], right, between, r["n"], f"{r['tokens_per_call']:.2f}")
        lines.append(f"| {' | '.join(map(str, row))} |")
    return "\n".join(lines)


def tradeoff(name: str, result: dict[str, Any], vary: str, what: str) -> str:
    option = "" if vary == "threshold" else f" --vary {vary}"
    families = list(next(iter(result["settings"].values()))["families"])
    lines = [
        f"`python -m bench tradeoff --model {name}{option} --n {result['n']} --save`: {what} on the same "
        f"{result['n']} held-out questions of each graded family; differences are paired, with 95 % intervals; "
        f"{result['date']}.",
        "",
        f"| setting | tokens per call | right | points against {result['compared_with']} | {' | '.join(families)} |",
        f"| {' | '.join(['---'] * (4 + len(families)))} |",
    ]
    for setting, r in result["settings"].items():
        points = f"{r['points']:+.1f} ± {r['plus_minus']:.1f}" if setting != result["compared_with"] else "-"
        shares = " | ".join(f"{share:.0f}" for share in r["families"].values())
        lines.append(f"| {setting} | {r['tokens_per_call']:.2f} | {r['accuracy']:.1f} % | {points} | {shares} |")
    return "\n".join(lines)


def shares(stage: dict[str, Any]) -> str | None:
    """What a stage drew, where that is written down and not the usual mixture."""
    mixture = stage.get("mixture", {})
    said = [("", mixture.get("families"), FAMILY_WEIGHT), ("blocks ", mixture.get("blocks"), BLOCK_SIZES)]
    blocks = stage["objective"] == "blocks"
    told = [
        what + ", ".join(f"{key} {weight:g}" for key, weight in drawn.items())
        for what, drawn, usual in said
        if drawn
        and (blocks or not what)
        and {str(k): v for k, v in usual.items()} != {str(k): v for k, v in drawn.items()}
    ]
    told += [
        f"{100 * mixture[share]:.0f} % {what}"
        for share, usual, what in (
            ("opening", OPENING_SHARE, "of the blocks masked whole"),
            ("ordered", 0.0, "of those shown in the model's own order"),
        )
        if stage["objective"] != "causal" and mixture.get(share, usual) != usual
    ]
    told += [f"multiple choice in the form `{mixture['form']}`"] if "form" in mixture else []
    return "; ".join(told) or None


def training(name: str) -> str:
    stages = json.loads((MODELS / name / "training.json").read_text(encoding="utf-8"))["stages"]
    lines = [
        "| stage | objective | starts from | steps | rows a step | Muon | AdamW | core hours | drawn |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for s in stages:
        steps = s["steps"] if s["steps"] == s["planned"] else f"{s['steps']} of {s['planned']}"
        start = s["start"] or "random weights"
        row = (s["model"], s["objective"], start, steps, s["rows"], s["muon"], s["adam"], s["core_hours"], shares(s))
        lines.append(f"| {' | '.join('-' if value is None else str(value) for value in row)} |")
    hours = sum(s["core_hours"] for s in stages)
    told = [f"- **{o}**: {text}" for o, text in OBJECTIVES.items() if o in {s["objective"] for s in stages}]
    usual = ", ".join(f"{family} {weight}" for family, weight in FAMILY_WEIGHT.items())
    parts = [
        f"`python -m training.train {name}`, seed {stages[-1]['seed']}, {hours:.1f} hours of one CPU core for the "
        f"stages below. A row is {ROW_LENGTH} tokens of packed documents (shares of the families: {usual}, where "
        "`drawn` says no others); learning rates are peaks, they warm up and fall to 0; matrices are trained with "
        "Muon, embeddings and norms with AdamW.",
        "\n".join(lines),
        "\n".join(told),
    ]
    if any(s["start"].startswith("an earlier") for s in stages):
        parts.append(HISTORY)
    return "\n\n".join(parts)


def known_facts() -> int:
    """How many facts the corpus states, small talk aside."""
    return sum(len(row[0]) for kind, row in facts.KINDS.items() if kind != "chat")


def card(name: str) -> str:
    """The model card of a bundled model, as Markdown."""
    config = json.loads((MODELS / name / "config.json").read_text(encoding="utf-8"))
    generation = json.loads((MODELS / name / "generation.json").read_text(encoding="utf-8"))
    results, attention = measured.read(name), generation["attention"]
    size = sum(p.numel() for p in shapes.build(name, 0).parameters())
    megabytes = (MODELS / name / "model.safetensors").stat().st_size / 1e6
    special = ", ".join(f"`{token.replace('|', chr(92) + '|')}` {i}" for i, token in enumerate(tok.SPECIAL))
    parts = [
        f"---\nlicense: apache-2.0\nlanguage: en\nlibrary_name: transformers\ntags: [{TAGS[name]}]\n---",
        f"# {name}",
        f"{TITLES[name]} of {size / 1e6:.1f} million parameters, trained on two CPU cores for this explorer. "
        f"{PURPOSE[name]}",
        "\n".join(
            [
                "| | |",
                "| --- | --- |",
                f"| architecture | `{config['architectures'][0]}` (native), {RUNS[attention]} |",
                f"| size | {size:,} parameters: {config['num_hidden_layers']} layers, hidden {config['hidden_size']}, "
                f"{config['num_attention_heads']} heads of {config['head_dim']}, feed-forward "
                f"{config['intermediate_size']}, tied embeddings; bfloat16, {megabytes:.1f} MB |",
                f"| compute | {shapes.compute(name) / shapes.compute('tiny-llada'):.2f} times tiny-llada's per token |",
                f"| context | {config['max_position_embeddings']} positions; trained on rows of {ROW_LENGTH} |",
                "| prompt | `<\\|user\\|>question<\\|assistant\\|>`, then "
                + ("the answer and an end token |" if attention == "causal" else "masks for the answer |"),
                f"| tokenizer | byte-level BPE, {config['vocab_size']:,} entries; every digit is its own token; any "
                "text can be encoded; the same for all bundled models |",
                f"| special ids | {special} |",
                "| licence | Apache-2.0, weights and data |",
            ]
        ),
        ATTENTION[attention],
        "## Held-out accuracy",
        accuracy(name, results.get("accuracy")),
    ]
    if "threshold" in results:
        what = f"the confidence threshold against one token per call, blocks of {generation['block']},"
        parts += ["## Speed against right answers", tradeoff(name, results["threshold"], "threshold", what)]
    if "block" in results:
        parts += ["## Block sizes", tradeoff(name, results["block"], "block", "one token per call,")]
    if "proxy" in results:
        parts += ["## The 3-gram proxy", proxy(results["proxy"])]
    parts += [
        "## What it can and cannot answer",
        "Questions of the five families in wordings near those of the corpus; lower case, a missing question mark and "
        '"please" are part of it. It fails at everything else, in fluent nonsense, and facts that were not trained are '
        "unknown to it. Nothing it says should be relied on. The questions above come from the templates of the "
        "training text: the numbers say how well it does inside its small world, not how well it knows English.",
        "## Data",
        "Generated by `training/corpus` from word lists and templates written for this project; no outside text. Five "
        "families: word problems of one to three operations with written-out steps, tiny Python functions, facts "
        f"({known_facts()} of them), multiple choice, short stories. Train and held-out items are kept apart by a hash "
        "of what the question means. Facts are the exception: a fact that was never trained cannot be answered, so "
        "there the wordings are held out. Everything is drawn from a seed.",
        "## Training",
        training(name),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def proxy(result: dict[str, Any]) -> str:
    lines = [
        f"`python -m bench proxy --n {result['n']} --save`: DiffuSpec on {result['prompts']} held-out prompts of all "
        f"families, drafts by {result['draft']}; {result['date']}.",
        "",
        "| path search scores with | accepted of drafted | accepted per round | calls of the target |",
        "| --- | --- | --- | --- |",
    ]
    for setting, r in result["settings"].items():
        lines.append(f"| {setting} | {percent(r['acceptance'])} | {r['accepted_a_round']:.2f} | {r['target_calls']} |")
    lines += ["", f"Accepted per round, trigram minus none: {result['difference']:+.3f} ± {result['plus_minus']:.3f}."]
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    bundled = [name for name in shapes.FACTS if (MODELS / name / "model.safetensors").exists()]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(bundled)} (default: all)")
    for name in parser.parse_args().models or bundled:
        if name not in bundled:
            parser.error(f"{name} is not bundled: choose from {', '.join(bundled)}.")
        (MODELS / name / "README.md").write_text(card(name), encoding="utf-8")
        print(f"assets/models/{name}/README.md")


if __name__ == "__main__":
    main()
