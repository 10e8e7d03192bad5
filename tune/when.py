"""When is a method slower than plain decoding? A recorded run against a plain one of the same prompt, on another card,
as another model, for more texts at once or more text before: all of it MODELLED, as `tune.roofline` says.

What a run asked of its models is taken as it was: which drafts were kept is the recorded run's, also where the sizes
of another model are put in its place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from decoders.errors import UnknownName, UsageError
from decoders.models.public import PAIRS, PUBLIC
from decoders.trace import Trace
from tune.calls import Call, profile
from tune.cards import card as card_of
from tune.cards import cards, dims, machine, this_cpu
from tune.roofline import MOST, Card, Dims, Modelled, crossover, modelled, ratio, scale

# One token a call, in the order of the model: what every other method is compared with.
PLAIN = ("stepwise", "ar")
# A model of each attention that a run is asked as, unless another is named.
USUAL = {"full": "llada-8b", "block": "sdar-8b", "causal": "qwen3-8b"}
NO_PLAIN = "There is no plain run to compare with: run {method} on this prompt, or this method with its reference."


class Plain(NamedTuple):
    """Plain decoding of a run's prompt by its model: its calls, measured seconds in them, and `exact` if the calls were
    recorded, not told from a reference's totals."""

    label: str
    calls: tuple[Call, ...]
    seconds: float
    hardware: str
    exact: bool


def plain(trace: Trace, others: Iterable[Trace] = ()) -> Plain:
    """The plain run that `trace` is compared with: one of the `others` of the same prompt, model and length, else the
    trace's own reference; raises `UsageError` where there is neither."""
    kind = "ar" if trace.attention == "causal" else "stepwise"
    fits = [
        t
        for t in (trace, *others)
        if t.method == kind
        and t.model == trace.model
        and t.prompt == trace.prompt
        and (kind == "ar" or len(t.canvas) == len(trace.canvas))
        and t.params.get("max_new") == trace.params.get("max_new")
        and t.params.get("block") == trace.params.get("block")
        and not t.params.get("fold")
        and t.params.get("cache", "none") == "none"
    ]
    # Times are compared, so one from the same machine comes first.
    fits.sort(key=lambda t: (t is not trace, t.hardware != trace.hardware))
    ref = trace.reference
    if fits:
        best = fits[0]
        seconds, hardware = best.seconds, best.hardware
        if best is not trace and ref is not None and ref.method == kind:
            seconds, hardware = ref.seconds, trace.hardware  # measured beside the run itself
        return Plain(best.title, profile(best.forwards), seconds, hardware, True)
    if ref is None or ref.method not in PLAIN:
        raise UsageError(NO_PLAIN.format(method=kind))
    return Plain(ref.label, told(trace), ref.seconds, trace.hardware, False)


def told(trace: Trace) -> tuple[Call, ...]:
    """The calls of a trace's plain reference, from its totals: exact for models that see everything and for causal
    ones; of block-causal ones the calls are spread evenly over the blocks."""
    ref, model = trace.reference, trace.model
    assert ref is not None, "asked of a trace with a reference"
    if trace.attention == "full":
        return (Call(model, 1, round(ref.rows_tokens / ref.calls), 0, ref.calls),)
    if trace.attention == "causal":
        steps = ref.calls - 1
        return (
            Call(model, 1, ref.rows_tokens - steps, 0, 1),
            *(Call(model, 1, 1, trace.prompt_len + i, 1) for i in range(steps)),
        )
    rule = trace.attentions.get(model)
    block = (rule.block if rule else 0) or trace.block or 1
    read = trace.prompt_len // block * block
    steps = ref.calls - (read > 0)
    length = max(1, round((ref.rows_tokens - read) / max(1, steps)))
    blocks = max(1, -(-(len(ref.tokens) - read) // block))
    first = [Call(model, 1, read, 0, 1)] if read else []
    return (*first, *(Call(model, 1, length, read + block * (i * blocks // steps), 1) for i in range(steps)))


def usual(trace: Trace) -> str:
    """The public model that a run is asked as unless another is named."""
    return USUAL[trace.attention]


def offers(trace: Trace) -> list[str]:
    """The public models that a run can be asked as: those of its model's attention, and for two models those that a
    public drafter is known for."""
    targets = {pair.target for pair in PAIRS if trace.method in pair.methods}
    # A base model and its descendants have the same sizes: the first one stands for them.
    seen: dict[tuple, str] = {}
    for known in PUBLIC:
        sizes = dims(known.id)
        if sizes.attention == trace.attention and (len(set(trace.models.values())) == 1 or known.id in targets):
            seen.setdefault(tuple(replace(sizes, name="", context=0).__dict__.values()), known.id)
    first = usual(trace)
    named = {first if dims(first).parameters == dims(name).parameters else name: None for name in seen.values()}
    return sorted(named, key=lambda name: (name != first, dims(name).parameters))


def sizes(trace: Trace, like: str = "") -> dict[str, Dims]:
    """The dims of a run's models by name; with `like`, of that public model and a public drafter of it instead, keeping
    the recorded models' rules of attention. Raises `UsageError`."""
    names = list(dict.fromkeys(trace.models.values()))
    if not like:
        try:
            return {name: dims(name) for name in names}
        except UnknownName as error:
            raise UsageError(f"{error} Ask it as a public model.") from error
    if like not in (known := offers(trace)):
        raise UnknownName(f"model with {trace.attention} attention to ask this run as", like, known)
    chosen = {trace.model: like}
    for name in names:
        if name != trace.model:
            chosen[name] = next(p.draft for p in PAIRS if p.target == like and trace.method in p.methods)
    return {name: replace(dims(of), attention=_attention(trace, name)) for name, of in chosen.items()}


def _attention(trace: Trace, name: str) -> str:
    if name == trace.model:
        return trace.attention
    rule = trace.attentions.get(name)
    return rule.kind if rule else dims(name).attention


class Where(NamedTuple):
    """What is asked: a card by its id, a public model whose sizes are put in ("": the run's own), texts at once, tokens
    of context more, and compiled calls or ordinary ones."""

    card: str = "h100"
    like: str = ""
    batch: int = 1
    context: int = 0
    compiled: bool = False


def where(ask: Mapping[str, Any], like: str = "") -> Where:
    """From plain values that somebody sent, `like` where they name no model; raises `UsageError` for a wrong one."""

    def whole(name: str, least: int) -> int:
        value = ask.get(name)
        if value is None:
            return least
        if type(value) is not int or not least <= value <= MOST[name]:
            raise UsageError(f"{name} = {value!r}: must be a whole number from {least} to {MOST[name]}.")
        return value

    named = ask.get("like")
    return Where(
        card_of(str(ask.get("card") or Where().card)).id,
        like if named is None else str(named),
        whole("batch", 1),
        whole("context", 0),
        bool(ask.get("compiled")),
    )


def answer(trace: Trace, other: Plain, at: Where) -> dict[str, Any]:
    """All that is to be said, in plain JSON values; MODELLED is whatever does not lie under `measured`."""
    mine, own = profile(trace.forwards), None
    like = sizes(trace, at.like)
    try:
        own = sizes(trace)
    except UsageError:
        if not at.like:
            raise
    more = {"batch": at.batch, "context": at.context, "compiled": at.compiled}
    chosen = card_of(at.card)
    same = trace.hardware == other.hardware
    measured = {
        "run": trace.seconds,
        "plain": other.seconds,
        "ratio": trace.seconds / other.seconds if same and other.seconds else None,
        "hardware": trace.hardware,
    }
    return {
        "title": trace.title,
        "model": trace.model,
        "guarantee": trace.guarantee,
        "itself": trace.method in PLAIN and other.exact and mine == other.calls,
        "plain": {"label": other.label, "exact": other.exact},
        "asked": at._asdict(),
        "offers": [[name, dims(name).parameters] for name in offers(trace)],
        "sizes": {name: [d.name, d.parameters, d.context] for name, d in like.items()},
        "measured": measured,
        "here": _row(this_cpu(), mine, other.calls, own, {}) if own else None,
        "rows": [_row(card, mine, other.calls, like, more) for card in cards()],
        "crossing": _crossings(chosen, mine, other.calls, like, more),
        "curves": {along: _curve(chosen, mine, other.calls, like, more, along) for along in ("batch", "context")},
        "fit": _fit(),
    }


def _row(
    card: Card, mine: Sequence[Call], other: Sequence[Call], like: Mapping[str, Dims], more: Mapping[str, Any]
) -> dict[str, Any]:
    run, base = (modelled(calls, like, card, **more) for calls in (mine, other))
    return {
        "card": card.id,
        "title": card.title,
        "dtype": card.dtype,
        "run": run.seconds,
        "plain": base.seconds,
        "ratio": run.seconds / base.seconds,
        "bound": run.bound,
        "plain_bound": base.bound,
        "shares": run.shares,
        "fits": run.fits and base.fits,
        "needs": max(run.needs, base.needs),
        "memory": card.memory,
        "bandwidth": card.bandwidth,
        "peak": card.peak,
        "compiled": run.compiled,
        "source": card.source,
        "url": card.url,
    }


def _crossings(
    card: Card, mine: Sequence[Call], other: Sequence[Call], like: Mapping[str, Dims], more: Mapping[str, Any]
) -> dict[str, Any]:
    """From where on a run is slower than plain decoding along batch and context, with the fitted kernels and with ones
    that reach all of the card: between the two lies what is not known of the card's own kernels."""
    ideal = replace(card, reach=(1.0, 1.0), blend=math.inf)
    out: dict[str, Any] = {"ratio": ratio(mine, other, like, card, **more)}
    for along in MOST:
        out[along] = crossover(mine, other, like, card, along, **more)
        out[f"{along}_ideal"] = crossover(mine, other, like, ideal, along, **more)
    return out


def _curve(
    card: Card,
    mine: Sequence[Call],
    other: Sequence[Call],
    like: Mapping[str, Dims],
    more: Mapping[str, Any],
    along: str,
) -> list[list[Any]]:
    """[batch or context, ratio, what binds the run, whether it fits] at each doubling."""
    out = []
    for at in scale(along):
        run: Modelled = modelled(mine, like, card, **{**more, along: at})
        base = modelled(other, like, card, **{**more, along: at})
        out.append([at, run.seconds / base.seconds, run.bound, run.fits and base.fits])
    return out


def _fit() -> dict[str, Any]:
    found = machine()
    return {
        **{k: found["fit"][k] for k in ("call", "layer", "memory", "compute", "blend", "error")},
        "hardware": found["hardware"],
        "date": found["date"],
        "validated": found.get("validated"),
    }
