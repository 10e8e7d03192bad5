"""Where runs are made: in this process or, on a ZeroGPU Space, in a forked one that holds a card for some seconds.

Both go through `run`: a job goes in and news come out, plain values that can cross to another process. This one keeps a
run from what it hears (`Live`); no tensor and no `Recording` ever leaves the process that made it."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

import gradio as gr

from app import words
from decoders.errors import ExplorerError, ModelUnavailable, UsageError
from decoders.methods.base import Method
from decoders.models import catalogue, checkpoint, memory
from decoders.models.catalogue import Placement
from decoders.models.public import PUBLIC
from decoders.run import Recording
from decoders.trace import Event, Finish, Forward, Trace
from tune.spec import Run
from tune.work import Stopped
from tune.work import measure as measure_run
from viz.assets import ASSETS

ZERO = os.getenv("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
if ZERO:
    import spaces  # pyright: ignore[reportMissingImports]  (a Space has it)

# Seconds that are asked for. No ZeroGPU was at hand: these are bounds and not measurements. A process with its first
# call, a call with what is recorded of it; weights come from the disk at 3 GB/s, and a call reads all of them once.
START, CALL = 4.0, 0.03
FROM_DISK, FROM_CARD = 3e9, 1e12
# The recorded runs were easy for some methods: more calls than they took, and never less than one for two positions.
SPARE, LEAST_PACE = 1.5, 0.5
MOST_SECONDS = 120
MOST_RUNS = 200  # that go to a card's process at once
ARITHMETICS = ("bfloat16", "float32")


class NoGPU(ExplorerError):
    """ZeroGPU gave no card for a run, or took it away before the end; `reason` is what it said."""

    exit_code = 3

    def __init__(self, reason: str):
        self.reason = reason.strip().rstrip(".")
        super().__init__(words.NO_GPU.format(reason=self.reason))


@dataclass(frozen=True)
class Job:
    """A run to make. `models` are names by role, `knobs` are not checked yet. With `compare` the reference decoder
    follows; without `decode` it is all that is run."""

    method: Method
    models: Mapping[str, str]
    prompt: str
    seed: int = 0
    knobs: Mapping[str, Any] = field(default_factory=dict)
    placement: Placement = Placement()
    compare: bool = False
    decode: bool = True

    def recording(self, level: str = "trace") -> Recording:
        """Raises `ExplorerError` for everything that is wrong."""
        where = {"seed": self.seed, "level": level, "placement": self.placement}
        return Recording(self.method, self.models, self.prompt, **where, **self.knobs)


class News(NamedTuple):
    """What happened in a job since the news before: `begin` and `end` are its header, `vocab` the texts of ids that
    were not told before. `warm`: it is being warmed up. `outside` are, at the end, the seconds that its decoding took
    and its forward calls did not."""

    job: int
    begin: Trace | None = None
    events: tuple[Event, ...] = ()
    vocab: Mapping[int, str] = {}
    warm: bool = False
    end: Trace | None = None
    outside: float = 0.0


class Refused(NamedTuple):
    """An `ExplorerError` on its way to another process."""

    sentence: str
    usage: bool


class Live:
    """A run, as far as this process has heard of it; `first` are the news that it begins."""

    def __init__(self, first: News):
        assert first.begin is not None, "a job's first news have its header"
        self.header, self.events, self.vocab = first.begin, list[Event](), dict(first.vocab)

    def hear(self, news: News) -> None:
        self.events += news.events
        self.vocab |= news.vocab
        self.header = news.end or self.header

    def close(self, reason: str = "stopped") -> None:
        """Writes down how a run ended that was left before its end."""
        if not self.events or not isinstance(self.events[-1], Finish):
            self.events.append(Finish(reason))

    @property
    def trace(self) -> Trace:
        return replace(self.header, events=tuple(self.events), vocab=dict(self.vocab))


def run(jobs: tuple[Job, ...], warm_up: int = 0) -> Generator[News, None, None]:
    """Makes the runs one after another and tells what happens; closing it stops them within one step. `warm_up`: so
    many calls of each are made before the first is timed. Raises `ExplorerError` before anything is run, for what is
    wrong with any of them, and `NoGPU`."""
    try:
        with closing(door(jobs, warm_up)) as told:
            for news in told:
                if isinstance(news, Refused):
                    raise (UsageError if news.usage else ModelUnavailable)(news.sentence)
                yield news
    except gr.Error as error:
        if not _gave_none(error):
            raise
        raise NoGPU(str(error.message)) from error


def made(job: Job) -> Trace:
    """The job's whole trace."""
    told = run((job,))
    live = Live(next(told))
    for news in told:
        live.hear(news)
    return live.trace


def work(jobs: tuple[Job, ...], warm_up: int = 0) -> Generator[News, None, None]:
    """What `run` tells, made in the process that asks for it."""
    recordings = [job.recording() for job in jobs]
    told = [0] * len(jobs)  # how many of a recording's texts

    def news(i: int, **more: Any) -> News:
        vocab = recordings[i].vocab
        fresh, told[i] = dict(islice(vocab.items(), told[i], None)), len(vocab)
        return News(i, vocab=fresh, **more)

    def header(i: int) -> Trace:
        return replace(recordings[i].trace, events=(), vocab={})

    if warm_up:
        yield news(0, begin=header(0))
        for i, job in enumerate(jobs):
            yield from _warm(i, job, warm_up)
    for i, job in enumerate(jobs):
        if i or not warm_up:
            yield news(i, begin=header(i))
        spent, events = 0.0, iter(recordings[i] if job.decode else ())
        while True:
            # Not what the listener does in between.
            begin = time.perf_counter()
            event = next(events, None)
            spent += time.perf_counter() - begin
            if event is None:
                break
            yield news(i, events=(event,))
        for _ in recordings[i].comparing() if job.compare else ():
            yield News(i)
        yield news(i, end=header(i), outside=max(0.0, spent - recordings[i].trace.seconds))


def _warm(i: int, job: Job, most: int) -> Generator[News, None, None]:
    calls = 0
    with closing(job.recording("timing")) as recording:
        for event in recording:
            yield News(i, warm=True)
            calls += isinstance(event, Forward)
            if calls == most:
                break


def _told(jobs: tuple[Job, ...], warm_up: int = 0) -> Generator[News | Refused, None, None]:
    """As `work`. The package spaces says of an error in its process nothing but the name of its class, so that a
    sentence for a person has to go another way."""
    try:
        yield from work(jobs, warm_up)
    except ExplorerError as error:
        yield Refused(str(error), isinstance(error, UsageError))


def _gave_none(error: gr.Error) -> bool:
    """Whether the package spaces says that there is no card, and not that there is a fault in what ran on it."""
    title = str(getattr(error, "title", ""))
    return title.startswith("ZeroGPU") and (title != "ZeroGPU worker error" or "aborted" in str(error.message))


# ------------------------------------------------------------ sweeps
def measure(runs: tuple[Run, ...], seconds: float, stop: Callable[[], bool]) -> Generator[dict[str, Any], None, None]:
    """The rows of runs, one after another, until so many seconds are over, or `stop()` says so within a run. Raises
    `NoGPU`."""
    try:
        # A card's process cannot ask this one; it ends when the generator is closed.
        told = sweep_door(runs[:MOST_RUNS], seconds) if ZERO else rows(runs, seconds, stop)
        with closing(told) as made:
            for row in made:
                yield row
                if stop():
                    return
    except gr.Error as error:
        if not _gave_none(error):
            raise
        raise NoGPU(str(error.message)) from error


def rows(
    runs: tuple[Run, ...], seconds: float, stop: Callable[[], bool] = lambda: False
) -> Generator[dict[str, Any], None, None]:
    """As `measure`, made in the process that asks for it."""
    begin = time.monotonic()
    for run in runs:
        try:
            yield measure_run(run, stop)
        except Stopped:
            return
        if stop() or time.monotonic() - begin >= seconds:
            return


def _card_seconds(runs: tuple[Run, ...], seconds: float) -> int:
    """For how long a card is asked for: a run that has begun ends, and weights come to the card first."""
    return min(MOST_SECONDS, math.ceil(2 * seconds + START + sum(_kept.values()) / FROM_DISK))


# ------------------------------------------------------------ how long
def seconds(jobs: tuple[Job, ...], warm_up: int = 0) -> int:
    """For how many seconds a card is asked for. Raises `ExplorerError` for what is wrong with a job, so that nobody
    waits for a card, or pays for one, to hear that."""
    for job in jobs:
        for name in job.models.values():
            kept = [dtype for id, dtype in _kept if id == name]
            if kept and job.placement.arithmetic not in kept:
                raise UsageError(f"{name} is here in {' and '.join(kept)} only: choose that arithmetic.")
        job.recording("timing")
    return estimate(jobs, warm_up)


def estimate(jobs: tuple[Job, ...], warm_up: int = 0) -> int:
    """As `seconds`, of jobs that are not checked."""
    total = START + sum(_kept.values()) / FROM_DISK
    for job in jobs:
        size = sum(_size(name, job.placement) for name in job.models.values())
        total += (_calls(job) + warm_up) * (CALL + size / FROM_CARD)
    return min(MOST_SECONDS, math.ceil(total))


def _calls(job: Job) -> float:
    """About how many forward calls a job may take: tokens, times what a token took in the method's recorded runs."""
    tokens = int(job.knobs.get("max_new", job.method.params().max_new))
    methods = [job.method.id] * job.decode + [job.method.reference or job.method.id] * job.compare
    return tokens * sum(max(LEAST_PACE, SPARE * _paces().get(name, 1.0)) for name in methods)


@cache
def _paces() -> dict[str, float]:
    """By method the most calls for a position that was filled, in its recorded runs."""
    paces: dict[str, float] = {}
    for path in (ASSETS / "traces").glob("*.json.gz"):
        trace = Trace.load(path)
        paces[trace.method] = max(paces.get(trace.method, 0.0), 1 / trace.tokens_per_call)
    return paces


def _size(name: str, placement: Placement) -> int:
    """Bytes of a model's weights."""
    found = catalogue.source(name)
    of = next((p for p in PUBLIC if p.id == found.id), None) or checkpoint.read(catalogue.get(name))
    return memory.parameters(of.family, of.config) * placement.number.itemsize


# ------------------------------------------------------------ weights
# On ZeroGPU: the bytes of what was put on the card before the page was served, by model and arithmetic.
_kept: dict[tuple[str, str], int] = {}


def preload(offered: tuple[str, ...]) -> None:
    """On ZeroGPU loads the bundled models in both arithmetics and the `offered` ones in bfloat16: a card sees only what
    was put on it by the main thread before `launch`. Elsewhere models are loaded when they are first run."""
    if not ZERO:
        return
    bundled = [entry.id for entry in catalogue.available()]
    wanted = [(name, dtype) for name in bundled for dtype in ARITHMETICS] + [(name, ARITHMETICS[0]) for name in offered]
    for name, dtype in wanted:
        placement = Placement(dtype=dtype)
        catalogue.load(name, placement)
        _kept[name, dtype] = _size(name, placement)


# What every process that runs jobs calls.
door = spaces.GPU(_told, duration=seconds) if ZERO else work  # pyright: ignore[reportPossiblyUnbound]
sweep_door = spaces.GPU(rows, duration=_card_seconds) if ZERO else rows  # pyright: ignore[reportPossiblyUnbound]
