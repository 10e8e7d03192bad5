"""Models that a test can know by heart: exact hand-made ones, and tiny random transformers built from a config.

`Toy` implements the protocol of `decoders.models.base` without transformers: its logits are a function of the
position and of the (position, token) pairs its row may attend to, so that filling in one token changes what is
believed about the others.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from random import Random

import torch
import transformers

from decoders import masks
from decoders.methods.base import Method
from decoders.models import hf
from decoders.models.base import Cache, Logits, Model, ModelSpec
from decoders.models.hf import HFModel
from decoders.ngram import NGram
from decoders.run import Recording, run
from decoders.trace import Commit, Forward, Judge, Trace

Score = Callable[[int, tuple[tuple[int, int], ...]], list[float]]

LETTERS = "XABCDEFGHM"
"""The vocabulary of `scripted` models, token id = index; M is the mask."""


class Toy:
    """A model that is a table. `fed` keeps the rows of every call, in order."""

    def __init__(
        self,
        score: Score,
        *,
        vocab: int,
        mask: int,
        eos: tuple[int, ...] = (),
        attention: str = "full",
        block: int = 4,
        rows: str = "self",
        context: int = 512,
        id: str = "toy",
    ):
        self.spec = ModelSpec(id, vocab, mask, eos, rows=rows, attention=attention, block=block, context=context)
        self.score, self.fed = score, list[list[list[int]]]()
        # Two documents that know every 2-gram of neighbouring ids: a proxy with an opinion, if a poor one.
        self.proxy = NGram.fit([range(vocab), range(vocab)], vocab=vocab)

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32

    def encode(self, prompt: str) -> list[int]:
        return [ord(ch) % self.spec.mask for ch in prompt]

    def text(self, token: int) -> str:
        return f"<{token}>"

    def forward(
        self,
        ids: Sequence[int],
        *,
        role: str,
        pos: Sequence[int] | None = None,
        see: torch.Tensor | None = None,
        cache: Cache | None = None,
        keep: int = 0,
    ) -> tuple[Logits, Forward]:
        rows, call = self.many([ids], role=role, pos=pos, see=see, cache=cache, keep=keep)
        return rows[0], call

    def many(
        self,
        rows: Sequence[Sequence[int]],
        *,
        role: str,
        pos: Sequence[int] | None = None,
        see: torch.Tensor | None = None,
        cache: Cache | None = None,
        keep: int = 0,
    ) -> tuple[list[Logits], Forward]:
        start, length = len(cache) if cache is not None else 0, len(rows[0])
        assert {len(row) for row in rows} == {length}, "the rows of one call have equal length"
        self.fed.append([list(row) for row in rows])
        held, places = (
            [[int(x) for x in kept.flatten().tolist()] for kept in cache.layers[0]]
            if cache is not None and cache.layers
            else ([], [])
        )
        where = [*places, *(pos if pos is not None else range(start, start + length))]
        shift = self.spec.shift
        allowed = (self._own(start, length) if see is None else see).tolist()
        out = []
        for row in rows:
            keys = list(zip(where, [*held, *row], strict=True))
            visible = [tuple(sorted(k for k, ok in zip(keys, allowed[q], strict=True) if ok)) for q in range(length)]
            scores = [self.score(keys[start + q][0] + shift, visible[q])
                      for q in range(length)]  # fmt: skip
            out.append(
                Logits(
                    torch.tensor(scores, dtype=torch.float32),
                    where[start],
                    shift,
                    cache.last if cache is not None else None,
                )
            )
        if keep and cache is not None:
            # What stands where: the model of one layer whose keys know their own token and nothing else.
            assert all(list(row[:keep]) == list(rows[0][:keep]) for row in rows), "rows agree in what they keep"
            tokens, at = (
                torch.tensor(x, dtype=torch.float64).reshape(1, 1, -1, 1)
                for x in ([*held, *rows[0][:keep]], where[: start + keep])
            )
            cache.layers, cache.last = [(tokens, at)], out[0].rows[keep - 1]
        return out, Forward(
            role,
            length,
            len(rows),
            start,
            where[start],
            sees=() if see is None else masks.spans(see),
            model=self.spec.id,
        )

    def _own(self, start: int, length: int) -> torch.Tensor:
        if self.spec.attention == "causal":
            return masks.causal(start, length, self.device)
        if self.spec.attention == "block":
            return masks.block_causal(start, length, self.spec.block, self.device)
        return masks.full(start, length, self.device)


def hashed(seed: int = 0, *, vocab: int = 14, sway: float = 0.4, peak: float = 2.5, eos: int = 2, **spec) -> Toy:
    """Logits from a hash of the position, plus `sway` times a hash of the position and all visible tokens; the last
    id is the mask and never likely, the `eos` ids before it end a text."""
    mask = vocab - 1

    @cache  # tests of a distribution ask the same thousands of times
    def score(pos: int, seen: tuple[tuple[int, int], ...]) -> list[float]:
        known = tuple(pair for pair in seen if pair[1] != mask)
        base, now = Random(f"{seed} {pos}"), Random(f"{seed} {pos} {known}")
        return [peak * (base.gauss(0, 1) + sway * now.gauss(0, 1)) for _ in range(mask)] + [-30.0]

    return Toy(score, vocab=vocab, mask=mask, eos=tuple(range(mask - eos, mask)), **spec)


def written(events) -> list[tuple[str, list[str]]]:
    """Every commit: why, and the letters it put where."""
    return [
        (event.edits[0].why, [f"{LETTERS[e.after]}@{e.pos}" for e in event.edits])
        for event in events
        if isinstance(event, Commit)
    ]


def outcomes(events) -> list[list[str]]:
    """What became of the drafts, one list a judgement."""
    return [[v.outcome for v in event.verdicts] for event in events if isinstance(event, Judge)]


def spell(text: str) -> list[int]:
    """Token ids of a canvas written in `LETTERS`; blanks and bars are for the eye."""
    return [LETTERS.index(ch) for ch in text if ch not in " |"]


def scripted(script: dict[str, str], *, eos: str = "", **spec) -> Toy:
    """A model of the whole canvas that knows exactly the states of `script`: {"XXMM": "A@3 .95, B@2 .6, C@2 .3"}.
    Letters that are not named share what is left of a position evenly; a state that is not in the script is an error,
    because no method should ask for it."""
    table = {}
    for state, said in script.items():
        words = [word.replace("@", " ").split() for word in said.split(",")]
        table[tuple(spell(state))] = opinions = {}
        for letter, pos, p in words:
            opinions.setdefault(int(pos), {})[letter] = float(p)
    size = len(LETTERS)

    def score(pos: int, seen: tuple[tuple[int, int], ...]) -> list[float]:
        state = tuple(token for _, token in sorted(seen))
        if state not in table:
            raise AssertionError(f"asked about {''.join(LETTERS[t] for t in state)}, which is not in the script")
        known = table[state].get(pos, {"X": 1 / size})
        rest = (1 - sum(known.values())) / (size - len(known))
        return [math.log(known.get(letter, rest)) for letter in LETTERS]

    return Toy(score, vocab=size, mask=size - 1, eos=tuple(LETTERS.index(ch) for ch in eos), **spec)


# ------------------------------------------------------------ tiny random transformers
VOCAB, MASK, EOS = 48, 47, (44, 45, 46)

KINDS = {
    "llama-full": ("Llama", {"attention": "full"}),
    "qwen3-block": ("Qwen3", {"attention": "block", "block": 8}),
    "qwen2-next-full": ("Qwen2", {"attention": "full", "rows": "next"}),
    "qwen2-next-block": ("Qwen2", {"attention": "block", "block": 8, "rows": "next"}),
    "llama-causal": ("Llama", {"attention": "causal", "rows": "next"}),
}


def tiny(kind: str, seed: int = 0, peak: float = 4.0, layers: int = 2, blur: float = 0.0) -> HFModel:
    """A native transformers model of two layers with seeded weights, peaky enough that confidences spread over
    0.1..0.99; with `blur` one that is often of the same opinion as the one without. Made once, however the arguments
    are spelt."""
    return _tiny(kind, seed, peak, layers, blur)


@cache
def _tiny(kind: str, seed: int, peak: float, layers: int, blur: float) -> HFModel:
    family, facts = KINDS[kind]
    config = getattr(transformers, f"{family}Config")(
        vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=layers, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, max_position_embeddings=256, tie_word_embeddings=False,
        pad_token_id=None, bos_token_id=None, eos_token_id=EOS[0], attn_implementation="sdpa",
    )  # fmt: skip
    net = getattr(transformers, f"{family}ForCausalLM")(config)
    rng = torch.Generator("cpu").manual_seed(seed)
    with torch.no_grad():
        for name, weight in net.named_parameters():
            noise = torch.randn(weight.shape, generator=rng)
            if "norm" in name:
                weight.copy_(1 + 0.1 * noise)
            elif "embed" in name:
                weight.copy_(noise)
            elif "bias" in name:
                weight.copy_(0.3 * noise)
            else:
                weight.copy_(noise * ((peak if "lm_head" in name else 1.5) / math.sqrt(weight.shape[1])))
        net.lm_head.weight.add_(torch.randn(net.lm_head.weight.shape, generator=rng) * (blur * peak / math.sqrt(32)))
        net.lm_head.weight[MASK] = 0  # a score of 0 is never the best of 48
    proxy = NGram.fit([prompt(200, i) for i in range(3)], vocab=VOCAB)
    mask = -1 if facts["attention"] == "causal" else MASK
    name = f"tiny-{kind}-blurred" if blur else f"tiny-{kind}"
    return HFModel(net, None, ModelSpec(name, VOCAB, mask, EOS, context=256, **facts), proxy)


def cast(method: Method, model: Callable[[tuple[str, ...]], Model]) -> dict[str, Model]:
    """Models for every role of a method: `model` is called with the attentions that a role allows."""
    return {role: model(kinds) for role, kinds in method.roles.items()}


def tinies(method: Method, kind: str, seed: int = 0) -> dict[str, Model]:
    """Tiny transformers for a method: of that kind where a role allows its attention, else of one that it allows. Where
    a causal model is one choice of several, it is a blurred one: it drafts for another."""
    kinds = {"causal": "llama-causal", "block": "qwen3-block", "full": "llama-full"}

    def pick(allowed: tuple[str, ...]) -> Model:
        if KINDS[kind][1]["attention"] in allowed:
            return tiny(kind, seed)
        return tiny(kinds[allowed[0]], seed, blur=0.4 if len(allowed) > 1 else 0.0)

    return cast(method, pick)


def hashes(method: Method, seed: int = 0, **spec) -> dict[str, Model]:
    """Hash toys for a method. The causal one shares its opinions about positions with the other, so drafts are often
    right; a drafter that may be causal or block-causal sways more than its target."""
    causal = {**spec, "attention": "causal", "rows": "next", "id": "toy-causal"}
    kinds = {"causal": causal, "block": {**spec, "attention": "block"}, "full": {**spec, "attention": "full"}}

    def pick(allowed: tuple[str, ...]) -> Model:
        if allowed == ("causal", "block"):
            own = spec if spec.get("attention") == "block" else causal
            return hashed(seed, **{**own, "id": "toy-draft", "sway": 2 * spec.get("sway", 0.4)})
        return hashed(seed, **kinds.get(allowed[0] if len(allowed) == 1 else "", spec))

    return cast(method, pick)


def prompt(length: int, seed: int = 0) -> list[int]:
    """Token ids that are neither the mask nor an end of sequence."""
    rng = Random(f"prompt {seed}")
    return [rng.randrange(EOS[0]) for _ in range(length)]


def timed_run(monkeypatch, call: float, listener: float = 1000.0) -> Trace:
    """A run under a fake clock that stands still but for: `call` seconds in each forward call, 50 in those of a warm-up
    before, and `listener` whenever it is told what happened. Stepwise fills eight positions after a prompt of eleven:
    four tokens, the end of the text, and three behind it."""

    class Clock:
        now, each = 0.0, 50.0

        def perf_counter(self) -> float:
            return self.now

    clock, model, text = Clock(), tiny("llama-full"), [5, 6, 7, 8, EOS[0], 9, 9, 9]
    forward = model.net.forward

    def slow(*args, **named):
        clock.now += clock.each
        out = forward(*args, **named)
        for i, token in enumerate(text):
            out.logits[:, 11 + i, token] = 100.0
        return out

    monkeypatch.setattr(hf, "time", clock)
    monkeypatch.setattr(model.net, "forward", slow)
    knobs = {"max_new": 8, "block": 8, "early_stop": False}
    run("stepwise", model, prompt(11), **knobs)
    clock.each = call
    recording = Recording("stepwise", model, prompt(11), **knobs)
    for _ in recording:
        clock.now += listener
    return recording.trace
