"""What happens when somebody clicks: plain functions of values, tested without a browser.

Our own errors become one sentence: in a toast, by `polite`, or (those of a race) in its lens. Anything else is a bug
and keeps its traceback."""

import atexit
import base64
import functools
import inspect
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr

from app import links, race, space, stage, words
from app.cards import cards
from app.drawn import Drawn
from app.guest import Guest
from app.masks import masks
from app.space import Job, Live, News, NoGPU
from app.store import Entry, Store
from app.summary import summary
from app.sweeps import Sweeps
from decoders.errors import BadParam, ExplorerError, UnknownName, UsageError
from decoders.methods.base import Method
from decoders.models import catalogue
from decoders.models.catalogue import Placement
from decoders.registry import method as find
from decoders.trace import Finish, Trace
from viz import exports, theme
from viz.base import View

# At most this many messages a second: Gradio paints about 80 yields a second at best, and the player needs far fewer.
MESSAGES_PER_SECOND = 12
# More figures than this are not drawn for one question; the player asks for a few at a time.
MAX_FIGURES = 64
# An endpoint's defaults are written down before anyone has named a model, so the block size cannot be that model's.
OWN_BLOCK = 0
# An endpoint's arithmetic unless another is named: the usual one of the machine.
USUAL = "auto"


def polite(handler: Callable) -> Callable:
    """Turns an `ExplorerError` into Gradio's toast, for functions and generators."""

    def toast(error: ExplorerError) -> gr.Error:
        return gr.Error(
            str(error),
            title="Check the settings" if isinstance(error, UsageError) else "That did not work",
            duration=None,
        )

    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stream(*args: Any) -> Iterator:
            try:
                yield from handler(*args)
            except ExplorerError as error:
                raise toast(error) from error

        return stream

    @functools.wraps(handler)
    def call(*args: Any, **named: Any) -> Any:
        try:
            return handler(*args, **named)
        except ExplorerError as error:
            raise toast(error) from error

    return call


class Handlers:
    """The handlers of one page; `store` holds its runs, `methods` and `views` are what it offers, `offered` the models
    beside the bundled ones. With `loading` a visitor may name any other. `tables` are sweeps to look at beside the
    shipped one."""

    def __init__(
        self,
        methods: tuple[Method, ...],
        views: tuple[View, ...],
        offered: tuple[Guest, ...] = (),
        loading: bool = False,
        tables: tuple[Path, ...] = (),
    ):
        self.methods, self.views, self.store = methods, {view.id: view for view in views}, Store()
        self.offered, self.loading = offered, loading
        self.drawn = Drawn()
        self.sweeps = Sweeps(methods, self.admit, tables)
        self.files = Path(tempfile.mkdtemp(prefix="unmasked-"))
        atexit.register(shutil.rmtree, self.files, ignore_errors=True)

    # ------------------------------------------------------------ asked by the player
    def trace(self, ask: dict) -> str:
        """The whole run as JSON text, or {"error": sentence}."""
        entry = self.store.get(ask.get("run"))
        return entry.trace.to_json() if entry is not None else json.dumps({"error": words.GONE})

    def figure(self, ask: dict) -> dict:
        """A view of a run at a cursor, `ask["at"]`, as `View.answer` gives it, or {"empty": sentence}."""
        dark = bool(ask.get("dark"))
        answer = json.loads(self._answers(ask, [ask.get("at")], dark)[0])
        if "layout" in answer:
            answer["layout"].setdefault("template", theme.template_json(dark))
        return answer

    def figures(self, ask: dict) -> str:
        """A view of a run at many cursors, `ask["ats"]`, as JSON text: `figures` in that order, and the `template` of
        those that have none of their own."""
        dark, ats = bool(ask.get("dark")), ask.get("ats")
        answers = self._answers(ask, ats[:MAX_FIGURES] if isinstance(ats, list) else [], dark)
        return f'{{"template":{json.dumps(theme.template_json(dark))},"figures":[{",".join(answers)}]}}'

    def _answers(self, ask: dict, ats: list, dark: bool) -> list[str]:
        entry, view = self.store.get(ask.get("run")), self.views.get(str(ask.get("view")))
        if entry is None or view is None:
            return [json.dumps({"empty": words.GONE})] * len(ats)
        # Read first: a run that ends in between is drawn once more, and never kept as it was before.
        done, trace = entry.done.is_set(), entry.trace
        last = len(trace.events)

        def text(at: object) -> str:
            cursor = min(max(0, at), last) if type(at) is int else last
            if not done:
                return _json(view.answer(trace, cursor, dark))
            # A script draws in both themes from one payload.
            shade = None if view.medium == "script" else dark
            key = (entry.id, last, trace.reference is not None, view.id, cursor, shade)
            return self.drawn.get(key, lambda: _json(view.answer(trace, cursor, dark)))

        return [text(at) for at in ats]

    def runs(self, ask: dict) -> dict:
        """Which runs of a run's prompt can race it: see `app.race.runs`."""
        return race.runs(self.store, self.methods, ask)

    def masks(self, ask: dict) -> dict:
        """A call of each kind of mask on a run's prompt: see `app.masks.masks`."""
        return masks(self.store, self.methods, self.drawn, ask)

    def tune(self, ask: dict) -> dict:
        """Points of sweeps, their runs and what a sweep would cost: see `app.sweeps`."""
        return self.sweeps.tune(ask)

    def cards(self, ask: dict) -> dict:
        """What a run would take on other cards: see `app.cards.cards`."""
        return cards(self.store, self.methods, ask)

    def file(self, ask: dict) -> dict:
        """The run in one of `viz.exports.FORMATS` as {name, base64}, or {"error": sentence}."""
        entry, format = self.store.get(ask.get("run")), str(ask.get("as"))
        if entry is None:
            return {"error": words.GONE}
        try:
            data = exports.write(entry.trace, format)
        except ExplorerError as error:
            return {"error": str(error)}
        return {"name": exports.FORMATS[format].name(entry.trace), "base64": base64.b64encode(data).decode()}

    # ------------------------------------------------------------ asked by buttons
    def decode(
        self,
        method: str,
        model: str,
        prompt: str,
        seed: float,
        compare: bool,
        knobs: dict[str, Any],
        draft: str | None = None,
        dtype: str | None = None,
    ) -> Iterator[tuple[str, str, str | None]]:
        """Runs and streams (message, run id, file to save). Ends within one step of `stop`. `draft` is the second
        model of methods that have two, `dtype` the arithmetic where it is not to be the usual one. Where a Space gets
        no card for it, a recorded run is shown and that is said."""
        asked = find(method, self.methods)
        models = catalogue.default_models(asked)
        models |= {role: name for role, name in zip(asked.roles, (model, draft), strict=False) if name}
        job = Job(asked, self.admit(models), prompt, int(seed), knobs, placed(dtype), compare)
        with closing(space.run((job,))) as told:
            try:
                live = Live(next(told))
            except NoGPU as error:
                yield self._instead(asked, prompt, error)
                return
            yield from self._stream(self.store.add(live, job=job), live, told)

    def _stream(self, entry: Entry, live: Live, told: Generator[News]) -> Iterator[tuple[str, str, str | None]]:
        sent, texts, last = 0, 0, 0.0

        def news(**more: Trace) -> str:
            nonlocal sent, texts
            events, vocab = live.events[sent:], dict(islice(live.vocab.items(), texts, None))
            text = stage.message(entry.id, sent, events, vocab, **more)
            sent, texts = sent + len(events), len(live.vocab)
            return text

        try:
            yield news(begin=live.trace), entry.id, None
            try:
                for heard in told:
                    if entry.stop.is_set():
                        break
                    live.hear(heard)
                    ended = bool(heard.events) and isinstance(heard.events[-1], Finish)
                    if ended or time.monotonic() - last >= 1 / MESSAGES_PER_SECOND:
                        yield news(), entry.id, None
                        last = time.monotonic()
            except NoGPU as error:
                gr.Warning(words.CUT_SHORT.format(reason=error.reason), duration=None)
            told.close()
            entry.end()
            yield news(end=entry.trace), entry.id, self.save(entry)
        except Exception:
            entry.end("error")
            raise
        finally:
            # Also reached when the tab is closed or the event is cancelled: Gradio closes the generator.
            told.close()
            entry.end()
            entry.done.set()

    def _instead(self, method: Method, prompt: str, error: NoGPU) -> tuple[str, str, str | None]:
        """A recorded run of the method, of this prompt if there is one; raises the error where there is none."""
        found = [self.store.get(run) for run in self.store.ids() if run.startswith("bundled:")]
        runs = [entry for entry in found if entry is not None and entry.trace.method == method.id]
        if not runs:
            raise error
        best = max(runs, key=lambda entry: entry.trace.prompt == prompt)
        own = words.SAME_PROMPT if best.trace.prompt == prompt else words.OTHER_PROMPT
        gr.Warning(words.INSTEAD.format(reason=error.reason, method=method.title, prompt=own), duration=None)
        return self.show(best.id)

    def admit(self, models: dict[str, str]) -> dict[str, str]:
        """The same models; raises `UnknownName` for one that this page does not run: a path or hub id is somebody's
        else until whoever started the page allows it."""
        if not self.loading:
            known = [entry.id for entry in catalogue.CATALOGUE] + [guest.name for guest in self.offered]
            for name in models.values():
                if name not in known:
                    raise UnknownName("model on this page", name, known)
        return models

    def stop(self, run_id: str | None) -> None:
        """Asks the run to end and waits until it has, at most two seconds."""
        entry = self.store.get(run_id)
        if entry is not None:
            entry.stop.set()
            entry.done.wait(2)

    def open(self, path: str | None) -> tuple[str, str, str]:
        """A trace file as a run of this page, labelled a replay."""
        trace = Trace.load(path or "")
        entry = self.store.add(
            trace=replace(trace, provenance="simulated" if trace.provenance == "simulated" else "replay")
        )
        return stage.load(entry.id), entry.id, self.save(entry)

    def show(self, run_id: str) -> tuple[str, str, str | None]:
        """A bundled run by its id."""
        entry = self.store.get(run_id)
        if entry is None:
            raise UsageError(words.GONE)
        return stage.load(entry.id), entry.id, self.save(entry)

    def reference(self, event: gr.EventData) -> str:
        """Runs the reference decoder of a finished run and sends the header with what came out."""
        entry = self.store.get(event._data.get("run"))
        if entry is None or entry.job is None or not entry.done.is_set():
            raise UsageError(words.NO_REFERENCE)
        ran = space.made(replace(entry.job, decode=False, compare=True))
        if ran.reference is None:
            raise UsageError(words.NO_REFERENCE)
        trace = entry.finished = replace(entry.trace, reference=ran.reference, vocab={**entry.trace.vocab, **ran.vocab})
        return stage.message(entry.id, len(trace.events), [], trace.vocab, end=trace)

    def race(
        self, ask: dict, page: dict[str, dict[str, Any]], model: str = "", dtype: str | None = None
    ) -> Iterator[str]:
        """Methods run one after another, as messages to the race lens: see `app.race.race`. What goes wrong is said
        there, in the place where it was asked."""
        try:
            for news in race.race(self.store, self.methods, ask, page, model, placed(dtype)):
                yield stage.news("race", ask.get("id"), **news)
        except ExplorerError as error:
            yield stage.news("race", ask.get("id"), error=str(error))

    def sweep(self, ask: dict) -> Iterator[str]:
        """Some seconds of a sweep, as messages to its lens: see `app.sweeps.Sweeps.turn`."""
        try:
            for news in self.sweeps.turn(ask):
                yield stage.news("sweep", ask.get("id"), **news)
        except ExplorerError as error:
            yield stage.news("sweep", ask.get("id"), error=str(error))

    def again(self, asked: links.Settings, text: str) -> Iterator[tuple[str, str, str | None]]:
        """Makes a run of a sweep anew, as `decode` does; says so where it does not write the table's text."""
        id = None
        model, *draft = asked.models.values()
        second = draft[0] if draft else None
        told = self.decode(
            asked.method.id, model, asked.prompt, asked.seed, True, asked.knobs, second, asked.dtype or None
        )
        for message, id, file in told:
            yield message, id, file
        entry = self.store.get(id)
        if entry is not None and entry.trace.finish != "stopped" and entry.trace.text != text:
            gr.Warning(words.OTHER_TEXT)

    def save(self, entry: Entry) -> str:
        """The run as a file for the Save button; files of runs that the store has dropped go."""
        kept = {_folder(run) for run in self.store.ids()}
        for old in self.files.iterdir():
            if old.name not in kept:
                shutil.rmtree(old, ignore_errors=True)
        trace = entry.trace
        folder = self.files / _folder(entry.id)
        folder.mkdir(exist_ok=True)
        return str(trace.save(folder / f"{exports.FORMATS['json'].name(trace)}.gz"))


def _json(answer: dict) -> str:
    return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _folder(run: str) -> str:
    return run.replace(":", "-")


def placed(dtype: str | None) -> Placement:
    """The usual place in the arithmetic of that name, or in the usual one; raises `BadParam`."""
    if dtype and dtype != USUAL and dtype not in catalogue.DTYPES:
        raise BadParam(f"dtype = {dtype!r}: must be one of {', '.join([USUAL, *catalogue.DTYPES])}.")
    return Placement(dtype=None if dtype == USUAL else dtype or None)


def endpoint(method: Method, act: Handlers) -> Callable[..., dict]:
    """The method as a typed function: one HTTP endpoint each, its arguments being the method's models and knobs. The
    first model is called `model`, others by their role."""
    knobs = method.params.knobs()
    models = dict(zip(["model", *list(method.roles)[1:]], catalogue.default_models(method).values(), strict=True))
    named_models = {name: str for name in models}
    kinds = {"prompt": str, **named_models, "seed": int, "reference": bool, **{k.name: k.kind for k in knobs}}
    kinds["dtype"] = str
    usual = {"block": OWN_BLOCK, "dtype": USUAL}
    defaults = {**models, "seed": 0, "reference": False, **{k.name: k.default for k in knobs}, **usual}
    signature = inspect.Signature(
        [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                annotation=kind,
                default=defaults.get(name, inspect.Parameter.empty),
            )
            for name, kind in kinds.items()
        ],
        return_annotation=dict,
    )

    @polite
    def call(*args: Any, **named: Any) -> dict:
        given = signature.bind(*args, **named).arguments
        cast = {
            role: given.pop(name, default) for role, (name, default) in zip(method.roles, models.items(), strict=True)
        }
        if given.get("block", OWN_BLOCK) == OWN_BLOCK:
            given.pop("block", None)
        prompt, seed, compare, dtype = (
            given.pop(name, defaults.get(name)) for name in ("prompt", "seed", "reference", "dtype")
        )
        return summary(space.made(Job(method, act.admit(cast), prompt, seed, given, placed(dtype), compare)))

    # What Gradio reads: the names, types and defaults become the endpoint's schema, the docstring its description.
    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__annotations__ = {**kinds, "return": dict}
    call.__name__ = method.id
    names = "".join(
        f"    {name}: id of a model with {' or '.join(kinds)} attention\n"
        for name, kinds in zip(models, method.roles.values(), strict=True)
    )
    own = {"block": f"; {OWN_BLOCK}: what the model was trained for"}
    lines = "\n".join(f"    {k.name}: {k.help} ({k.range}{own.get(k.name, '')})" for k in knobs)
    call.__doc__ = (
        f"{method.summary}\n\nArgs:\n    prompt: what to answer\n{names}    seed: seed of the run\n"
        f"    reference: also run the reference decoder\n{lines}\n"
        f"    dtype: arithmetic, in which only float32 is exact ({' | '.join([USUAL, *catalogue.DTYPES])})"
    )
    return call
