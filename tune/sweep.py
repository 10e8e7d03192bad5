"""Makes the runs of a plan, here or on a cluster, keeps each as soon as it ends, and goes on where it was stopped.

Runs are made prompt by prompt, so that a slow moment of the machine hits all points alike. A row is written to a
journal when it comes; a sweep that is begun again with the same file makes only what is not there. A worker that is
lost takes its runs with it: they are made again, at last one at a time, so that only the run that kills its worker is
given up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
from joblib.externals.loky.process_executor import BrokenProcessPool

from decoders.errors import ModelUnavailable, UsageError
from tune import table, work
from tune.spec import Plan, Run

BACKENDS = ("processes", "dask", "ray")
# So many runs at once are given out, as a multiple of the workers: what a lost worker makes suspect.
CHUNK = 16
TRIES = 3

Row = dict[str, Any]


@dataclass(frozen=True)
class Workers:
    """Where runs are made: `jobs` processes of this machine (0: one a core), or a cluster at an `address` (empty: one
    of its own on this machine) through joblib's backend of that name."""

    backend: str = "processes"
    jobs: int = 0
    address: str = ""

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise UsageError(f"backend = {self.backend!r}: must be one of {', '.join(BACKENDS)}.")
        if self.jobs < 0:
            raise UsageError(f"jobs = {self.jobs}: must be a number of processes, or 0 for one a core.")
        if self.address and self.backend == "processes":
            raise UsageError(f"address = {self.address!r}: processes run on this machine; name a backend with it.")

    @property
    def count(self) -> int:
        return self.jobs or joblib.cpu_count()

    def open(self, stack: ExitStack) -> int:
        """Sets joblib up for what follows until `stack` is closed; returns how many runs are made at once."""
        if self.backend == "processes":
            inner = max(1, joblib.cpu_count() // self.count)
            stack.enter_context(joblib.parallel_config(backend="loky", inner_max_num_threads=inner))
            return self.count
        try:
            return self._dask(stack) if self.backend == "dask" else self._ray(stack)
        except ImportError as error:
            raise ModelUnavailable(
                f"--backend {self.backend} needs a package that is not installed: pip install '.[{self.backend}]'."
            ) from error
        except (OSError, ConnectionError) as error:
            raise ModelUnavailable(
                f"No {self.backend} cluster at {self.address} ({error}): start one there."
            ) from error

    def _dask(self, stack: ExitStack) -> int:
        from dask.distributed import Client, LocalCluster  # noqa: PLC0415  (optional)

        if self.address:
            client = stack.enter_context(Client(self.address, timeout=10))
        else:
            here = LocalCluster(n_workers=self.count, threads_per_worker=1, dashboard_address=None)  # type: ignore[no-untyped-call]
            client = stack.enter_context(Client(stack.enter_context(here)))
        stack.enter_context(joblib.parallel_config(backend="dask", wait_for_workers_timeout=30))
        return len(client.scheduler_info(n_workers=-1)["workers"]) or self.count

    def _ray(self, stack: ExitStack) -> int:
        import ray  # noqa: PLC0415  (optional)  # pyright: ignore[reportMissingImports]
        from ray.util.joblib import register_ray  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

        ray.init(address=self.address or None, ignore_reinit_error=True, include_dashboard=False)
        stack.callback(ray.shutdown)
        register_ray()
        stack.enter_context(joblib.parallel_config(backend="ray"))
        return max(1, int(ray.cluster_resources().get("CPU", 1)))


class Journal:
    """The rows of a sweep that are there: in a file beside the table while it goes on, and in the table once it has
    ended."""

    def __init__(self, out: Path):
        self.out, self.path = out, out.with_name(out.name + ".runs.jsonl")

    def rows(self, plan: Plan) -> dict[str, Row]:
        """Those of the plan that were made, by key; each once. A line that was cut off is a run that was not made."""
        wanted = {run.key for run in plan.runs}
        found: dict[str, Row] = {}
        if self.out.is_file():
            for row in table.load(self.out).to_dict("records"):
                found.setdefault(str(row["key"]), {str(k): v for k, v in row.items()})
        if self.path.is_file():
            for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    row = json.loads(line)
                    found.setdefault(row["key"], row)
                except (ValueError, LookupError, TypeError):
                    continue
        return {key: row for key, row in found.items() if key in wanted}

    def keep(self, row: Mapping[str, Any]) -> None:
        try:
            with self.path.open("a", encoding="utf-8") as file:
                # A line that was cut off before must not swallow this one.
                file.write(("" if file.tell() == 0 or self._whole() else "\n") + json.dumps(row) + "\n")
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written ({error.strerror}): choose another --out.") from error

    def _whole(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, 2)
            return file.read() == b"\n"

    def close(self, plan: Plan, rows: Mapping[str, Row]) -> Path:
        """Writes the table, in the plan's order, and takes the journal away."""
        path = table.save(table.frame(rows[run.key] for run in plan.runs if run.key in rows), self.out)
        self.path.unlink(missing_ok=True)
        return path


def order(runs: Sequence[Run]) -> list[Run]:
    """Prompt by prompt, the points in turn."""
    place = {id: i for i, id in enumerate(dict.fromkeys(run.prompt.id for run in runs))}
    return sorted(runs, key=lambda run: (run.seed, place[run.prompt.id]))


def run(
    plan: Plan,
    journal: Journal,
    workers: Workers = Workers(),  # noqa: B008 (it is frozen)
    measure: Callable[[Run], Row] = work.measure,
) -> Iterator[Row]:
    """Makes what the journal lacks and yields each row when it comes; the table is written when all are there. Closing
    the generator, or killing the process, loses only the runs that are being made."""
    with ExitStack() as stack:
        at_once = workers.open(stack) if len(journal.rows(plan)) < len(plan.runs) else 1
        yield from make(plan, journal, at_once, measure)
    journal.close(plan, journal.rows(plan))


def make(plan: Plan, journal: Journal, at_once: int, measure: Callable[[Run], Row] = work.measure) -> Iterator[Row]:
    """As `run`, by `at_once` workers that are open already, and without the table at the end."""
    rows = journal.rows(plan)
    todo = [r for r in order(plan.runs) if r.key not in rows]
    for row in _made(todo, at_once, measure):
        if row["key"] not in rows:
            row["workers"] = float(at_once)
            journal.keep(row)
            rows[row["key"]] = row
            yield row


def _made(todo: Sequence[Run], at_once: int, measure: Callable[[Run], Row]) -> Iterator[Row]:
    lost: Counter[str] = Counter()
    waiting = list(todo)
    while waiting:
        # A run that was under way when a worker was lost goes alone, so that it can be told from its neighbours.
        suspects = [r for r in waiting if lost[r.key]]
        chunk = suspects[:1] or waiting[: CHUNK * at_once]
        done: set[str] = set()
        try:
            for row in _parallel(chunk, at_once, measure):
                done.add(row["key"])
                yield row
        except Exception as error:
            if not _is_loss(error):
                raise
            for r in chunk:
                if r.key not in done:
                    lost[r.key] += 1
                    if lost[r.key] >= TRIES:
                        done.add(r.key)
                        yield _given_up(r)
        waiting = [r for r in waiting if r.key not in done]


def _parallel(chunk: Sequence[Run], at_once: int, measure: Callable[[Run], Row]) -> Iterator[Row]:
    how: dict[str, Any] = {"n_jobs": at_once, "batch_size": 1, "pre_dispatch": "2*n_jobs"}
    pool: Any = joblib.Parallel(**how, return_as="generator_unordered")
    try:
        yield from pool(joblib.delayed(measure)(run) for run in chunk)
    except ValueError as error:
        if "generator" not in str(error):
            raise
        # A backend that gives all its results at once.
        pool = joblib.Parallel(n_jobs=at_once)
        yield from pool(joblib.delayed(measure)(run) for run in chunk)


def _is_loss(error: Exception) -> bool:
    """Whether a worker is gone, and not a fault of ours."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, BrokenProcessPool) or bool(
        names & {"KilledWorker", "WorkerCrashedError", "CommClosedError"}
    )


def _given_up(run: Run) -> Row:
    point = run.point._replace(fault=f"The worker was lost {TRIES} times while it made this run.")
    return work.measure(run._replace(point=point)) | {"key": run.key}
