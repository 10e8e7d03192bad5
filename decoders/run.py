"""Running a method on a model, recorded. The page, the command line and Python all come through `Recording`."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import torch
import transformers

from decoders import registry
from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.errors import BadParam, BadPrompt, Incompatible
from decoders.methods.base import Method
from decoders.models import catalogue
from decoders.models.base import Model, ModelSpec
from decoders.models.catalogue import Placement
from decoders.models.vocabulary import Aligned
from decoders.trace import (
    MAX_TEXT,
    Attention,
    Commit,
    Decide,
    Event,
    Finish,
    Forward,
    Judge,
    Propose,
    Reference,
    Trace,
)

LEVELS = {"timing": 0, "trace": 5, "full": 8}


class Recording:
    """One run. Iterate over it to watch it happen; `trace` is what has happened so far, `close()` stops it.

    `models` is a catalogue id, a `Model`, or a dict from role to either. `prompt` is text, or token ids (already
    inside any template). Everything that can be wrong is refused here, before weights are loaded. `level`: "timing"
    records no predictions, "trace" the top 5 per position, "full" the top 8. `chance` replaces the draws that
    `seed` would give: recorded ones, say. `placement` says where named models are put, and in which arithmetic."""

    def __init__(
        self,
        method: str | Method,
        models: str | Model | Mapping[str, str | Model],
        prompt: str | list[int],
        *,
        seed: int = 0,
        level: str = "trace",
        chance: Chance | None = None,
        placement: Placement = Placement(),  # noqa: B008 (it is frozen)
        **knobs: Any,
    ):
        self.method = registry.method(method) if isinstance(method, str) else method
        self.params = self.method.params.read(
            knobs
        )  # before models are looked up, so that a bad knob is the first thing said
        if level not in LEVELS:
            raise BadParam(f"level = {level!r}: must be one of {', '.join(LEVELS)}.")
        if type(seed) is not int or not 0 <= seed < 2**63:
            raise BadParam(f"seed = {seed!r}: must be a whole number from 0 to 2^63 - 1.")
        if isinstance(prompt, str) and not prompt.strip():
            raise BadPrompt("The prompt is empty: write a question, or pick one of the examples.")
        if isinstance(prompt, str) and len(prompt) > MAX_TEXT:
            raise BadPrompt(f"The prompt has {len(prompt)} characters: at most {MAX_TEXT} are allowed; shorten it.")
        given = dict(models) if isinstance(models, Mapping) else {next(iter(self.method.roles)): models}
        if set(given) != set(self.method.roles):
            raise Incompatible(
                f"{self.method.id} needs models for {', '.join(self.method.roles)}: got {', '.join(given) or 'none'}."
            )
        # In the method's order, whatever the caller's: the first role is the model that the trace is about.
        given = {role: given[role] for role in self.method.roles}
        for m in given.values():
            if isinstance(m, str):
                catalogue.source(m)  # a name that does not exist is said before files that are missing
        specs = {role: catalogue.spec(m) if isinstance(m, str) else m.spec for role, m in given.items()}
        for role, spec in specs.items():
            if spec.attention not in self.method.roles[role]:
                raise Incompatible(
                    f"{self.method.id} needs a model with {' or '.join(self.method.roles[role])} attention: "
                    f"{spec.id} is {spec.attention}; pick another model."
                )
        spec = next(iter(specs.values()))
        for name, default in self.params.misfits(spec.attention).items():
            raise Incompatible(
                f"{name} = {getattr(self.params, name)}: {spec.id} has {spec.attention} attention and keeps an exact "
                f"cache; use {name} = {default}, or pick a model that sees the whole canvas."
            )
        shared = {role: self._shared(given, role, specs) for role in given}
        self.models: dict[str, Model] = {
            role: catalogue.load(m, placement) if isinstance(m, str) else m for role, m in given.items()
        }
        for role, n in shared.items():
            if n is not None:
                self.models[role] = Aligned(self.models[role], n, spec.vocab_size)
        self.model = next(iter(self.models.values()))
        spec = self.model.spec
        if "block" not in knobs:
            self.params = replace(self.params, block=spec.block)
        if "proxy" not in knobs and hasattr(self.params, "proxy") and self.model.proxy is None:
            self.params = replace(self.params, proxy="none")  # a default that few models can keep
        self.prompt = prompt if isinstance(prompt, str) else ""
        ids = self.model.encode(prompt) if isinstance(prompt, str) else list(prompt)
        if not ids:
            raise BadPrompt("The prompt has no tokens: write a question.")
        for other in specs.values():
            if len(ids) + self.params.max_new > other.context:
                raise BadPrompt(
                    f"The prompt has {len(ids)} tokens and {self.params.max_new} are to be generated: {other.id} has "
                    f"room for {other.context} together; shorten the prompt or lower max_new."
                )
        origin = 0 if spec.attention == "block" else len(ids)
        self.canvas = Canvas(
            ids,
            self.params.max_new,
            block=self.params.block,
            mask=spec.mask,
            eos=spec.eos,
            origin=origin,
            early_stop=self.params.early_stop,
            top=LEVELS[level],
            grows=spec.attention == "causal",
        )
        self.start, self.seed, self.level = tuple(self.canvas.ids), seed, level
        self.events: list[Event] = []
        self.vocab: dict[int, str] = {}
        self.reference: Reference | None = None
        self._masks: dict[tuple, int] = {}
        self._learn([*ids, spec.mask, *spec.eos])
        self._events = self.method.decode(self.models, self.canvas, self.params, chance or Chance(seed))

    def _shared(self, given: Mapping[str, str | Model], role: str, specs: Mapping[str, ModelSpec]) -> int | None:
        """How many ids the model of a role shares with the first one, None where all of them."""
        first = next(iter(given))
        one, other = given[first], given[role]
        if isinstance(one, str) and isinstance(other, str):
            return catalogue.shared(other, one)
        if specs[role].vocab_size == specs[first].vocab_size:
            return None
        raise Incompatible(
            f"{self.method.id} needs models with the same vocabulary: {specs[first].id} has {specs[first].vocab_size} "
            f"tokens and {specs[role].id} has {specs[role].vocab_size}; pick another pair."
        )

    def __iter__(self) -> Iterator[Event]:
        """Yields each event as it happens, once. Leaving the loop early stops the run, as `close` does."""
        try:
            for event in self._events:
                yield self._keep(event)
            if not self.events or not isinstance(self.events[-1], Finish):
                yield self._keep(Finish(self.canvas.finished or "stopped"))
        except Exception:
            # A fault in a model or a method: what was recorded says so, and the fault goes on to whoever asked.
            self._keep(Finish("error"))
            raise
        finally:
            self.close()

    def close(self) -> None:
        """Stops the run where it is; what was recorded stays and says so."""
        self._events.close()  # type: ignore[attr-defined]
        if not self.events or not isinstance(self.events[-1], Finish):
            self._keep(Finish(self.canvas.finished or "stopped"))

    @property
    def drawn(self) -> bool:
        """Whether a method that reproduces its reference at temperature 0 is above it: two draws differ, and that says
        nothing."""
        return self.method.guarantee == "greedy-exact" and getattr(self.params, "temperature", 0.0) > 0

    @property
    def guarantee(self) -> str:
        """What this run promises: with an approximate cache nothing, even if its method is the reference. One that is
        `drawn` promises no longer the tokens of its reference but their distribution."""
        if self.params.loose:
            return "approximate"
        guarantee, _ = self.method.promise(self.params)
        return "exact" if self.drawn and guarantee == "greedy-exact" else guarantee

    def compare(self, stop: Callable[[], bool] = lambda: False) -> Reference | None:
        """Runs the method's reference decoder on the same prompt, model and shared settings, and keeps what came out.
        An approximate run is compared with the decoder that approximates nothing, the reference decoder itself with
        its own defaults; a greedy-exact one with the decoder whose tokens it promises, cache included.

        None if the method has no reference, if the run is `drawn`, or if `stop()`, asked after each event, said so
        before the end.
        """
        self.reference = None
        for _ in (events := self.comparing()):
            if stop():
                events.close()
        return self.reference

    def comparing(self) -> Generator[None]:
        """As `compare`, an event of the reference run at a time; closed before the end it leaves no reference."""
        other = self.rival()
        if other is None:
            return None
        for _ in other:
            yield
        t = other.trace
        _, name = self.method.promise(self.params)
        settings = other.params.loose or ({} if name else self.params.loose)
        label = (self.method.reference_label if name == self.method.reference else "") or t.title
        label += "".join(f", {knob} = {t.params[knob]}" for knob in settings)
        self.reference = Reference(t.method, label, t.tokens, t.calls, t.rows_tokens, t.seconds)
        self._learn(t.tokens)

    def rival(self) -> Recording | None:
        """The run that `compare` compares this one with, not begun; None where there is none."""
        _, name = self.method.promise(self.params)
        loose = self.guarantee == "approximate"
        if self.drawn or not (name or loose):
            return None
        reference = registry.method(name) if name else self.method
        ids = list(self.start[: self.canvas.prompt_len])
        shared = self.params.shared(reference.params)
        if loose:
            shared = {k.name: shared[k.name] for k in reference.params.knobs() if k.name in shared and not k.loose}
        return Recording(reference, self.model, ids, seed=self.seed, level="timing", **shared)

    @property
    def trace(self) -> Trace:
        method, spec = self.method, self.model.spec
        return Trace(
            method=method.id,
            title=method.title,
            paper=f"{method.paper}, arXiv:{method.arxiv}" if method.arxiv else method.paper,
            guarantee=self.guarantee,
            model=spec.id,
            models={role: m.spec.id for role, m in self.models.items()},
            params=asdict(self.params),
            seed=self.seed,
            prompt=self.prompt,
            prompt_len=self.canvas.prompt_len,
            canvas=self.start,
            block=self.params.block,
            mask=spec.mask,
            eos=spec.eos,
            vocab=dict(self.vocab),
            events=tuple(self.events),
            attention=spec.attention,
            attentions={m.spec.id: _attention(m.spec) for m in self.models.values()},
            specials=tuple(sorted({*spec.specials, spec.mask, *spec.eos} & self.vocab.keys())),
            hardware=hardware(self.model.device, self.model.dtype) + _compiled(self.model),
            dtype=str(self.model.dtype).removeprefix("torch."),
            versions={"torch": torch.__version__, "transformers": transformers.__version__},
            recorded=datetime.date.today().isoformat(),
            level=self.level,
            reference=self.reference,
        )

    def _keep(self, event: Event) -> Event:
        match event:
            case Forward():
                if event.sees:
                    # A mask is written down once; later calls name it by number.
                    known = event.sees in self._masks
                    number = self._masks.setdefault(event.sees, len(self._masks) + 1)
                    event = replace(event, mask=number, sees=() if known else event.sees)
                self._learn([token for belief in event.beliefs for token, _ in belief.top])
                self._learn([token for _, token in event.fed])
            case Decide():
                self._learn([token for slot in event.among for token, _ in slot])
                self._learn([token for tokens, _, _ in event.ngrams for token in tokens])
            case Propose(nodes):
                self._learn([token for node in nodes for _, token in node.fills])
            case Judge(verdicts):
                self._learn([v.choice[1] for v in verdicts if v.choice[1] >= 0])
            case Commit(edits):
                self._learn([edit.after for edit in edits])
        self.events.append(event)
        return event

    def _learn(self, tokens) -> None:
        for token in tokens:
            if token >= 0 and token not in self.vocab:  # -1 is the mask of a model without one
                self.vocab[token] = self.model.text(token)


def run(
    method: str | Method,
    models: str | Model | Mapping[str, str | Model],
    prompt: str | list[int],
    *,
    reference: bool = False,
    seed: int = 0,
    level: str = "trace",
    chance: Chance | None = None,
    placement: Placement = Placement(),  # noqa: B008 (it is frozen)
    **knobs: Any,
) -> Trace:
    """Runs to the end and returns the trace; with `reference` the method's reference decoder is run too.

    >>> run("ssd", "tiny-llada", "What is the capital of France?", n=4).text   # doctest: +SKIP
    """
    recording = Recording(method, models, prompt, seed=seed, level=level, chance=chance, placement=placement, **knobs)
    for _ in recording:
        pass
    if reference:
        recording.compare()
    return recording.trace


def _attention(spec: ModelSpec) -> Attention:
    return Attention(spec.attention, spec.block if spec.attention == "block" else 0)


def _compiled(model: Model) -> str:
    """How the calls of a model are compiled, in words; not every model can."""
    static = getattr(model, "static", None)
    return f", compiled calls ({static.kind})" if static is not None else ""


def hardware(device: torch.device, dtype: torch.dtype = torch.float32) -> str:
    """What the numbers were measured on, in words; the arithmetic where it is not float32."""
    arithmetic = "" if dtype == torch.float32 else f", {str(dtype).removeprefix('torch.')}"
    if device.type == "cuda":
        return torch.cuda.get_device_name(device) + arithmetic
    if device.type == "mps":
        return f"Apple GPU, {platform.machine()}{arithmetic}"
    return f"CPU {platform.machine()}, {torch.get_num_threads()} of {os.cpu_count()} threads{arithmetic}"
