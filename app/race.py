"""The race: which finished runs of a prompt are here, and methods run on that prompt one after another, each alone.

A run's times mean something only beside runs made the same way, so methods never run at once here, and each is warmed
up before the first of them is timed."""

import time
from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Any

from app import space, words
from app.space import Job, Live
from app.store import Entry, Store
from decoders.errors import UsageError
from decoders.methods.base import Method
from decoders.models import catalogue
from decoders.models.catalogue import Placement
from decoders.registry import method as find
from decoders.trace import Forward, Trace
from viz import theme

MOST = 4  # lanes
WARM_UP_CALLS = 3
NEWS_PER_SECOND = 4
MOST_SEEN = 256
# What a reader looks for in a run's name, even where it is the default.
ALWAYS = {"threshold"}
# A setting that says how much text there is, not how it is found, does not tell two runs of a method apart.
SIZES = {"max_new", "early_stop"}


def runs(store: Store, methods: tuple[Method, ...], ask: Mapping[str, Any]) -> dict:
    """What may go into lanes beside the run `ask["run"]`: finished runs of its prompt, bundled ones and those whose ids
    the page names in `ask["seen"]`, and the methods that can be run on it. {"error": sentence} if it is gone."""
    here = store.get(ask.get("run"))
    if here is None:
        return {"error": words.GONE}
    return {
        "runs": [_listed(entry, methods) for entry in alike(store, methods, here, ask.get("seen"))],
        "methods": [_offered(method, here) for method in methods],
        "looks": {m.id: look(m.id) for m in methods},
    }


def alike(store: Store, methods: tuple[Method, ...], here: Entry, seen: object) -> list[Entry]:
    """The finished runs of the prompt of `here`, bundled ones and those named in `seen`, in the order of methods."""
    prompt = here.trace.prompt
    names = [run for run in store.ids() if run.startswith("bundled:")]
    names += [run for run in (seen if isinstance(seen, list) else [])[:MOST_SEEN] if isinstance(run, str)]
    entries = [store.get(run) for run in dict.fromkeys([here.id, *names])]
    fits = [
        e for e in entries if e is not None and e.done.is_set() and (e is here or prompt and e.trace.prompt == prompt)
    ]
    order = {m.id: i for i, m in enumerate(methods)}
    return sorted(fits, key=lambda e: (order.get(e.trace.method, len(order)), not e.id.startswith("bundled:")))


def _listed(entry: Entry, methods: tuple[Method, ...]) -> dict:
    trace = entry.trace
    method = next((m for m in methods if m.id == trace.method), None)
    return {
        "run": entry.id,
        "method": trace.method,
        "title": trace.title,
        "model": trace.model,
        "calls": trace.calls,
        "provenance": trace.provenance,
        "settings": settings(trace, methods),
        "reference": trace.reference.method if trace.reference else method.reference if method else "",
    }


def settings(trace: Trace, methods: tuple[Method, ...]) -> str:
    """What was set otherwise than by default in a run, and what a reader looks for in any case, in words; sizes of the
    text left out."""
    method = next((m for m in methods if m.id == trace.method), None)
    defaults = {k.name: (k.default, k.symbol or k.name) for k in method.params.knobs()} if method else {}
    if "block" in defaults:  # by default that of the model
        defaults["block"] = (_trained_for(trace), defaults["block"][1])
    return ", ".join(
        _said(defaults[name][1], value)
        for name, value in trace.params.items()
        if name in defaults and name not in SIZES and (name in ALWAYS or value != defaults[name][0])
    )


def _said(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} = {str(value).replace('_', ' ')}"


def _trained_for(trace: Trace) -> int:
    """The block size that the run's model was trained for; the run's own where that is not known."""
    known = trace.model in [entry.id for entry in catalogue.CATALOGUE]
    return (known and catalogue.default_block(trace.model)) or trace.block


def _offered(method: Method, like: Entry) -> dict:
    models = _models(method, like)
    missing = any(catalogue.missing(name) for name in models.values())
    named = {"id": method.id, "title": method.title, "summary": method.summary}
    return named | {"model": " + ".join(models.values()), "missing": missing}


def look(method: str) -> list[str]:
    """[colour in light, colour in dark, marker] of a method."""
    (light, marker), (dark, _) = theme.method(method), theme.method(method, dark=True)
    return [light, dark, theme.MARKERS.get(marker, "●")]


def _models(method: Method, like: Entry) -> dict[str, str]:
    """A model for each role: the one `like` was made on where it fits, else the usual one, none twice if it can be."""
    chosen: dict[str, str] = {}
    # By the name it was asked for with, which may be that of a folder.
    main = next(iter(like.job.models.values())) if like.job else like.trace.model
    for role, usual in catalogue.default_models(method).items():
        fits = [e.id for e in catalogue.fitting(method.roles[role])]
        if like.job and like.trace.attention in method.roles[role]:
            fits.append(main)
        wanted = [usual, *fits] if chosen else [main, usual]
        chosen[role] = next((name for name in wanted if name in fits and name not in chosen.values()), usual)
    return chosen


def race(
    store: Store,
    methods: tuple[Method, ...],
    ask: Mapping[str, Any],
    page: Mapping[str, Mapping[str, Any]],
    model: str = "",
    placement: Placement = Placement(),  # noqa: B008 (it is frozen)
) -> Generator[dict, None, None]:
    """Runs `ask["methods"]` (ids, one to four) on the prompt, model and seed of the run `ask["run"]`, and tells how it
    goes: {i, of, title, run, warm: True} while method `i` is warmed up, {..., calls} while it runs, {..., done: True,
    outside} when it has ended, `outside` being the seconds that were not spent in forward calls, and {end: True}.
    `ask["settings"]`: "default", "page" (those of `page`, by method, where `model` is chosen) or "like" (those of the
    run, its arithmetic included; otherwise that is `placement`'s). What cannot be run is refused before anything is."""
    here, names = store.get(ask.get("run")), ask.get("methods")
    if here is None:
        raise UsageError(words.GONE)
    if not isinstance(names, list) or not 0 < len(set(map(str, names))) == len(names) <= MOST:
        raise UsageError(words.RACE_METHODS.format(most=MOST))
    like, asked = here.trace, [find(str(name), methods) for name in names]
    if not like.prompt:
        raise UsageError(words.RACE_PROMPT)

    if ask.get("settings") == "like" and like.dtype in catalogue.DTYPES:
        placement = Placement(dtype=like.dtype)

    def job(method: Method) -> Job:
        models, own = _models(method, here), dict(page.get(method.id, {}))
        if model not in list(models.values())[:1]:
            own.pop("block", None)  # a block size is one model's; another one decodes with its own
        knobs = _knobs(method, like, str(ask.get("settings")), own)
        return Job(method, models, like.prompt, like.seed, knobs, placement)

    jobs = tuple(job(method) for method in asked)
    entry, at, calls, last, warmed = None, 0, 0, 0.0, -1
    with closing(space.run(jobs, WARM_UP_CALLS)) as told:
        try:
            for heard in told:
                at = heard.job
                if heard.begin is not None:
                    entry, calls, last = store.add(Live(heard), job=jobs[at]), 0, 0.0
                    continue
                assert entry is not None and entry.live is not None, "a job's first news have its header"
                if entry.stop.is_set():
                    return
                news = {"i": at + 1, "of": len(asked), "title": asked[at].title, "run": entry.id}
                if heard.warm:
                    if at != warmed:
                        yield news | {"warm": True}
                    warmed = at
                    continue
                entry.live.hear(heard)
                calls += sum(isinstance(event, Forward) for event in heard.events)
                if heard.end is not None or time.monotonic() - last >= 1 / NEWS_PER_SECOND:
                    yield news | {"calls": calls}
                    last = time.monotonic()
                if heard.end is not None:
                    _close(entry)
                    yield news | {"done": True, "outside": round(heard.outside, 6)}
            yield {"end": True}
        finally:
            # Also reached when the tab is closed or the event is cancelled.
            told.close()
            if entry is not None:
                _close(entry)


def _knobs(method: Method, like: Trace, settings: str, page: Mapping[str, Any]) -> dict[str, Any]:
    knobs = {k.name: k for k in method.params.knobs()}
    shared = {name: value for name, value in like.params.items() if name in knobs and value not in knobs[name].loose}
    if settings == "like":
        return shared
    own = dict(page) if settings == "page" else {}
    return {"max_new": shared["max_new"]} | own if "max_new" in shared else own


def _close(entry: Entry) -> None:
    entry.end()
    entry.done.set()
