"""Held-out accuracy of a model under a decoding method.

`python -m training.evaluate tiny-llada --method stepwise --n 200 [--set KNOB=VALUE] [--json]` asks `n` held-out
questions of each family and grades what comes out.  Stories have no right answer: they are scored by the perplexity of
their text under tiny-ar, which has read the same kind of story.  Intervals are 95 % Wilson score intervals.  `--save`
writes the result to the model's `measured.json`, from which its card is made (`python -m training.card`).
"""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from decoders import registry
from decoders.models import catalogue, measured
from decoders.models.base import Model, ModelSpec
from decoders.models.hf import HFModel
from decoders.run import run
from training import shapes
from training import tokenizer as tok
from training.corpus import FAMILIES, HELD_OUT, grade, items

SEED = 1  # other questions than the ones watched during training, which use seed 99
SLOTS = 64
STORIES = 50  # at most: their perplexity is a mean over some 2,000 tokens
JUDGE = "tiny-ar"


@dataclass(frozen=True)
class Result:
    """One family: share of right answers with its 95 % interval (None without a grader), speed, and for ungraded text
    its perplexity per token under the judge."""

    accuracy: float | None
    low: float | None
    high: float | None
    n: int
    tokens_per_call: float
    perplexity: float | None = None

    def fields(self) -> dict[str, Any]:
        """As plain data; graded families have no perplexity."""
        return {k: v for k, v in asdict(self).items() if k != "perplexity" or self.accuracy is None}


def wilson(right: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share of `right` in `n`."""
    share = right / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def wrap(name: str, net: PreTrainedModel) -> Model:
    """A network in training as a model that the decoders take."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tok.MODEL_DIR, local_files_only=True)
    facts = dict(shapes.FACTS[name])
    eos, mask, block = int(facts["eos"]), int(facts["mask"]), int(facts["block"])
    spec = ModelSpec(name, tok.VOCAB_SIZE, mask, (eos,), str(facts["rows"]), str(facts["attention"]), block)
    return HFModel(net, tokenizer, spec)


@torch.inference_mode()
def surprise(judge: Model, prompt: str, tokens: Sequence[int]) -> float:
    """The negative log-likelihood in nats of `tokens` after the prompt, under a causal model."""
    ids = judge.encode(prompt)
    whole = [*ids, *tokens]
    logits, _ = judge.forward(whole, role="judge")
    scores = logits.gather(range(len(ids), len(whole))).double().log_softmax(-1)
    return -float(scores[torch.arange(len(tokens)), torch.tensor(list(tokens))].sum())


def evaluate(
    models: str | Model | Mapping[str, str | Model], method: str, n: int, family: str, seed: int = SEED, **knobs: Any
) -> Result:
    """Ask `n` held-out questions of one family; tokens per call is all tokens over all forward calls."""
    grades, tokens, calls, nats, judged = [], 0, 0, 0.0, 0
    for item in items(family, HELD_OUT, n, seed):
        trace = run(method, models, item.prompt, level="timing", **{"max_new": SLOTS, **knobs})
        grades.append(grade(item, trace.text))
        calls += trace.calls
        tokens += round(trace.tokens_per_call * trace.calls)
        if item.grader is None and trace.tokens and catalogue.default_block(JUDGE):
            nats += surprise(catalogue.load(JUDGE), item.prompt, trace.tokens)
            judged += len(trace.tokens)
    speed = round(tokens / calls, 3)
    if None in grades:
        return Result(None, None, None, n, speed, round(math.exp(nats / judged), 3) if judged else None)
    low, high = wilson(sum(grades), n)
    return Result(round(sum(grades) / n, 4), round(low, 4), round(high, 4), n, speed)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model of the catalogue")
    parser.add_argument("--draft", help="the draft model, for methods that need one")
    parser.add_argument("--method", help="a decoding method (default: stepwise, or ar for a causal model)")
    parser.add_argument("--n", type=int, default=200, help="questions per family (default: 200)")
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=FAMILIES, help="only these")
    parser.add_argument("--seed", type=int, default=SEED, help="which held-out questions (default: %(default)s)")
    parser.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE", help="a setting of the method")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--save", action="store_true", help="keep the result for the model's card")
    arguments = parser.parse_args()
    if arguments.n < 1:
        parser.error("--n must be at least 1.")
    if arguments.save and set(arguments.families) != set(FAMILIES):
        parser.error("--save keeps all families: leave --families out.")
    method = arguments.method or ("ar" if catalogue.spec(arguments.model).attention == "causal" else "stepwise")
    roles = tuple(registry.method(method).roles)
    models = dict(zip(roles, (arguments.model, arguments.draft), strict=False))
    knobs = dict(setting.split("=", 1) for setting in arguments.set)
    results = {}
    if not arguments.json:
        print(f"{'family':8} {'accuracy':>9}  {'95 % interval':>16} {'n':>5} {'tokens/call':>12}")
    for family in arguments.families:
        n = min(arguments.n, STORIES) if family == "story" else arguments.n
        result = results[family] = evaluate(models, method, n, family, arguments.seed, **knobs)
        if not arguments.json:
            share = f"ppl {result.perplexity}" if result.accuracy is None else f"{result.accuracy:.1%}"
            between = "-" if result.low is None else f"{result.low:.1%} to {result.high:.1%}"
            print(f"{family:8} {share:>9}  {between:>16} {result.n:5} {result.tokens_per_call:12.2f}", flush=True)
    families = {family: result.fields() for family, result in results.items()}
    if arguments.save:
        asked = {"method": method, "n": arguments.n, "seed": arguments.seed, "settings": {"max_new": SLOTS, **knobs}}
        measured.keep(arguments.model, "accuracy", {**asked, "families": families})
    if arguments.json:
        print(json.dumps({"families": families}))


if __name__ == "__main__":
    main()
