"""Left to right, one forward call and one token at a time: what an autoregressive model does by itself.

Ashish Vaswani et al., "Attention Is All You Need", 2017, section 3; arXiv:1706.03762. This is the reference R4 that
methods with a causal target promise to reproduce. Keys and values of what is on the canvas are kept, which is exact
because no token sees a later one; `cache` off feeds the whole prefix again for every token, to show that the text is
the same and what it costs. Left out: truncated sampling (top-k, nucleus). `block` only numbers positions here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, knob
from decoders.trace import Event, Round


@dataclass(frozen=True)
class AR(Params):
    temperature: float = knob(0.0, "0 is greedy, 1 the model's own distribution", lo=0.0, hi=2.0, step=0.05, symbol="T")
    cache: bool = knob(True, "keep keys and values of what was read")


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: AR, rng: Chance) -> Iterator[Event]:
    context, vocab, n = Context(models["model"], canvas, cached=par.cache), models["model"].spec.vocab_size, 0
    while not canvas.finished:
        yield Round(n, canvas.block)

        # Predict the next token. Gumbel noise to the power T draws from softmax(logits / T).
        how = {}
        if par.temperature:
            u = rng.uniform(1, vocab, dtype=torch.float64)
            how = {"temperature": par.temperature, "uniform": u}
        seen = context.look([canvas.ids], [canvas.open()], "decode" if n else "prefill", **how)
        yield seen.call

        # Append it.
        yield canvas.write(seen.guesses[0], "unmasked")
        n += 1


METHOD = Method(
    id="ar",
    title="Autoregressive",
    paper="Autoregressive decoding (Vaswani et al. 2017)",
    arxiv="1706.03762",
    guarantee="reference",
    params=AR,
    decode=decode,
    emits=frozenset({"round", "forward", "commit", "finish"}),
    summary="One call, one token, from left to right: an ordinary language model, and what methods with "
    "such a target are measured against.",
    cost="1 call of 1 row and 1 token for 1 token.",
    roles={"model": ("causal",)},
)
