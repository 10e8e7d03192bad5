"""Sweeps on the page: what the lens `tune` asks, and the runs that it makes, a few seconds at a time.

Between two turns of a sweep others get the model, and a sweep that was stopped, or whose page was closed, goes on with
what is not there: its rows are kept here, by an id that nobody can guess. Every number that is drawn is computed by
`tune`; the page sorts nothing itself."""

from __future__ import annotations

import base64
import io
import json
import secrets
import threading
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app import space, words
from app.links import encode
from app.race import look
from decoders.errors import ExplorerError, UsageError
from decoders.methods.base import Method
from decoders.models import catalogue
from training.corpus import FAMILIES
from tune import cards, copies, front, spec, table
from tune.calls import Call
from tune.estimate import SHIPPED, estimate
from tune.prompts import of_lines
from tune.roofline import modelled
from tune.spec import Plan
from tune.sweep import order

# On the page; the command line has no such limits.
MOST_POINTS, MOST_RUNS, MOST_SECONDS = 24, 600, 900
TURN = 6.0  # seconds of runs, then it is somebody else's turn
NEWS_PER_SECOND = 2
KEPT = 32  # sweeps of visitors
MOST_SPEC = 20_000  # characters
SHIPPED_ID = "bundled"
HERE = "this-cpu"
MOST_ASKED = 1_000_000  # texts at once, and tokens before each


@dataclass
class Sweep:
    """A sweep: `plan` None where its table came from a file. `rows` are those that were made, by key."""

    id: str
    title: str
    plan: Plan | None
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    _points: tuple[int, list[dict[str, Any]]] = (-1, [])
    _modelled: tuple[tuple, dict[str, float]] = ((), {})

    @property
    def points(self) -> list[dict[str, Any]]:
        n = len(self.rows)
        if self._points[0] != n:
            rows = list(self.rows.values())
            if self.plan is not None:
                place = {run.key: i for i, run in enumerate(self.plan.runs)}
                rows.sort(key=lambda row: place.get(row["key"], 0))
            self._points = n, table.points(table.frame(rows)) if rows else []
        return self._points[1]

    def modelled(self, card: str, batch: int, context: int) -> dict[str, float]:
        """By point the MODELLED seconds of a run on a card, in the mean over its runs; see `tune.roofline`."""
        asked = (len(self.rows), card, batch, context)
        if self._modelled[0] != asked:
            calls: dict[str, Counter[tuple]] = defaultdict(Counter)
            runs: Counter[str] = Counter()
            for row in self.rows.values():
                if row.get("profile"):
                    runs[row["point"]] += 1
                    for *shape, n in json.loads(row["profile"]):
                        calls[row["point"]][tuple(shape)] += n
            on = cards.card(card)
            found = {}
            for point, counted in calls.items():
                profile = [Call._make((*shape, n)) for shape, n in counted.items()]
                dims = {call.model: cards.dims(call.model) for call in profile}
                found[point] = modelled(profile, dims, on, batch, context).seconds / runs[point]
            self._modelled = asked, found
        return self._modelled[1]

    def runs(self, point: str) -> list[dict[str, Any]]:
        return [row for row in self.rows.values() if row["point"] == point]


class Sweeps:
    """The sweeps of one page: the shipped one, tables that the page was started with, and those of its visitors."""

    def __init__(self, methods: tuple[Method, ...], admit: Callable[[dict[str, str]], Any], tables: tuple[Path, ...]):
        self.methods, self._admit = methods, admit
        self._kept: OrderedDict[str, Sweep] = OrderedDict()
        self._lock = threading.Lock()
        self._files = {SHIPPED_ID: SHIPPED, **{f"file-{i}": path for i, path in enumerate(tables)}}
        self._opened: dict[str, Sweep] = {}

    # ------------------------------------------------------------ what there is
    def get(self, id: object) -> Sweep:
        """Raises `UsageError` for one that is not here (any more)."""
        if not isinstance(id, str):
            raise UsageError(words.NO_SWEEP)
        with self._lock:
            if id in self._kept:
                self._kept.move_to_end(id)
                return self._kept[id]
            if id in self._files and id not in self._opened:
                path = self._files[id]
                rows = table.load(path).to_dict("records")
                made = {str(row["key"]): {str(k): v for k, v in row.items()} for row in rows}
                self._opened[id] = Sweep(id, words.SHIPPED_SWEEP if id == SHIPPED_ID else path.name, None, made)
            if id in self._opened:
                return self._opened[id]
        raise UsageError(words.NO_SWEEP)

    def add(self, plan: Plan) -> Sweep:
        made = Sweep(secrets.token_urlsafe(16), words.OWN_SWEEP, plan)
        with self._lock:
            self._kept[made.id] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    # ------------------------------------------------------------ asked by the lens
    def tune(self, ask: dict) -> dict[str, Any]:
        """Answers `ask["what"]`: menu, front, runs, copy, plan, file; {"error": sentence} for what is wrong."""
        answers = {
            "menu": self._menu,
            "front": self._front,
            "runs": self._runs,
            "copy": self._copy,
            "plan": self._announce,
            "file": self._file,
        }
        try:
            answer = answers.get(str(ask.get("what")))
            if answer is None:
                raise UsageError(f"what = {ask.get('what')!r}: must be one of {', '.join(answers)}.")
            return answer(ask)
        except ExplorerError as error:
            return {"error": str(error)}

    def _menu(self, ask: dict) -> dict[str, Any]:
        """What can be shown and swept. `ask["seen"]` are the visitor's own sweeps, whose ids only its page knows."""
        seen = ask.get("seen")
        mine = [id for id in (seen if isinstance(seen, list) else [])[:KEPT] if isinstance(id, str)]
        found = []
        for id in [*(id for id, path in self._files.items() if path.is_file()), *mine]:
            try:
                made = self.get(id)
            except ExplorerError:
                continue
            found.append({"id": id, "title": made.title, "runs": len(made.rows), "of": _total(made)})
        return {
            "sweeps": found,
            "speeds": list(front.SPEEDS),
            "cards": [{"id": c.id, "title": c.title, "source": c.source} for c in cards.cards()],
            "qualities": list(front.QUALITIES),
            "better": {name: up for name, up in (front.SPEEDS | front.QUALITIES).items()},
            "looks": {m.id: look(m.id) for m in self.methods},
            "methods": [
                {
                    "id": m.id,
                    "title": m.title,
                    "roles": {role: list(kinds) for role, kinds in m.roles.items()},
                    "knobs": [_knob(k) for k in m.params.knobs() if k.name not in ("max_new", "early_stop")],
                }
                for m in self.methods
            ],
            "models": [{"id": e.id, "title": e.title, "kind": e.kind} for e in catalogue.available()],
            "families": list(FAMILIES),
            "most": {"points": MOST_POINTS, "runs": MOST_RUNS, "seconds": MOST_SECONDS},
        }

    def _front(self, ask: dict) -> dict[str, Any]:
        """The points of `ask["sweep"]` (of its `models` and `methods` only), which of them are the front, and which to
        take, as indices; `hidden` counts those left out."""
        made = self.get(ask.get("sweep"))
        speed, quality = str(ask.get("speed", "tokens_per_call")), str(ask.get("quality", "accuracy"))
        points = made.points
        if speed == "modelled":
            took = made.modelled(str(ask.get("card", HERE)), _whole(ask, "batch", 1), _whole(ask, "context", 0))
            ends = ("", "_low", "_high")
            points = [{**p, **{f"modelled{end}": took.get(p["id"]) for end in ends}} for p in points]
        shown = [p for p in points if _among(ask, "models", p["model"]) and _among(ask, "methods", p["method"])]
        lose, least = _number(ask, "lose"), _number(ask, "least")
        chosen = front.choose(shown, speed, quality, least, lose)
        return {
            "sweep": made.id,
            "points": shown,
            "front": chosen.front,
            "picks": {"knee": chosen.knee, "best": chosen.best, "exact": chosen.exact},
            "models": list(dict.fromkeys(p["model"] for p in points)),
            "methods": list(dict.fromkeys(p["method"] for p in points)),
            "done": len(made.rows),
            "of": _total(made),
            "own": made.plan is not None,
            "spec": made.plan.text if made.plan else "",
        }

    def _runs(self, ask: dict) -> dict[str, Any]:
        """The runs of a point: what was asked and what came."""
        found = self.get(ask.get("sweep")).runs(str(ask.get("point")))
        names = ("prompt_id", "family", "prompt", "seed", "text", "error", "key")
        numbers = ("calls", "rows_tokens", "wall_median", "accuracy", "agreement", "first_divergence")
        return {
            "runs": [
                {name: row.get(name) or "" for name in names}
                | {name: _plain(row.get(name)) for name in numbers}
                | {"same": _same(row)}
                for row in found
            ]
        }

    def _copy(self, ask: dict) -> dict[str, Any]:
        """A point, on the prompt of one of its runs, as Python, command line, address and spec."""
        made, row = self.row(ask)
        point = next(p for p in made.points if p["id"] == row["point"])
        prompt, seed = row["prompt"], int(row["seed"])
        return {
            "python": copies.python(point, prompt, seed),
            "command": copies.command(point, prompt, seed),
            "url": encode(copies.link(point, prompt, seed)),
            "yaml": copies.spec(point, {"lines": json.dumps({"prompt": prompt})}),
        }

    def _announce(self, ask: dict) -> dict[str, Any]:
        """What a spec comes to, before anything is run."""
        plan = self._plan(ask)
        guess = estimate(plan.runs)
        return {
            "points": len(plan.points),
            "prompts": len({run.prompt.id for run in plan.runs}),
            "runs": len(plan.runs),
            "seconds": guess.seconds,
            "known": guess.known,
            "left_out": list(plan.left_out),
            "faults": list(dict.fromkeys(p.fault for p in plan.faults)),
        }

    def _file(self, ask: dict) -> dict[str, Any]:
        """The table of a sweep as {name, base64}, `ask["as"]` being csv or parquet, or its spec as yaml."""
        made, kind = self.get(ask.get("sweep")), str(ask.get("as"))
        rows = table.frame(made.rows.values())
        if kind == "yaml":
            text = made.plan.text if made.plan else SHIPPED.with_suffix(".yaml").read_text(encoding="utf-8")
            data = text.encode()
        elif kind == "csv":
            data = rows.to_csv(index=False).encode()
        elif kind == "parquet":
            file = io.BytesIO()
            rows.to_parquet(file, index=False)
            data = file.getvalue()
        else:
            raise UsageError(f"as = {kind!r}: must be csv, parquet or yaml.")
        return {"name": f"sweep-{made.id[:8]}.{kind}", "base64": base64.b64encode(data).decode()}

    def row(self, ask: Mapping[str, Any]) -> tuple[Sweep, dict[str, Any]]:
        """The run that a question means: `key`, or the first one of `point` that has no error."""
        made = self.get(ask.get("sweep"))
        if isinstance(ask.get("key"), str) and ask["key"] in made.rows:
            return made, made.rows[ask["key"]]
        found = sorted(made.runs(str(ask.get("point"))), key=lambda row: bool(row.get("error")))
        if not found:
            raise UsageError(words.NO_POINT)
        return made, found[0]

    def settings(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """What the controls have to say to make a run again: see `app.links`."""
        point = {name: json.loads(row[name] or "{}") for name in ("models", "settings")} | {"method": row["method"]}
        return copies.link(point, row["prompt"], int(row["seed"]))

    # ------------------------------------------------------------ a sweep of the visitor's own
    def _plan(self, ask: Mapping[str, Any]) -> Plan:
        text = ask.get("spec")
        if not isinstance(text, str) or len(text) > MOST_SPEC:
            raise UsageError(f"The spec must be a text of at most {MOST_SPEC} characters.")
        plan = spec.parse(text)
        if isinstance(ask.get("lines"), str) and ask["lines"].strip():
            own = of_lines(ask["lines"], words.OWN_PROMPTS)
            first = {run.point.id: run for run in reversed(plan.runs)}
            runs = [r._replace(prompt=p) for r in first.values() for p in (own[:1] if r.point.fault else own)]
            plan = replace(plan, runs=tuple(runs))
        points = tuple(self._allowed(point) for point in plan.points)
        ours = {point.id: point for point in points}
        plan = replace(plan, points=points, runs=tuple(r._replace(point=ours[r.point.id]) for r in plan.runs))
        for what, n, most in (("points", len(points), MOST_POINTS), ("runs", len(plan.runs), MOST_RUNS)):
            if n > most:
                raise UsageError(words.TOO_MUCH.format(n=n, what=what, most=most))
        if (guess := estimate(plan.runs).seconds) > MOST_SECONDS:
            raise UsageError(words.TOO_MUCH.format(n=round(guess), what="seconds", most=MOST_SECONDS))
        return plan

    def _allowed(self, point: spec.Point) -> spec.Point:
        """A model that this page does not run is the point's fault, as any other."""
        try:
            self._admit(dict(point.models))
        except ExplorerError as error:
            return point._replace(fault=str(error))
        return point

    def turn(self, ask: Mapping[str, Any]) -> Generator[dict[str, Any], None, None]:
        """Some seconds of a sweep: of `ask["sweep"]`, or a new one of `ask["spec"]` (and `ask["lines"]`). Tells
        {sweep, done, of} and at last {..., more: whether there is something left to run}."""
        made = self.get(ask["sweep"]) if ask.get("sweep") else self.add(self._plan(ask))
        if made.plan is None:
            raise UsageError(words.FINISHED_SWEEP)
        made.stop.clear()
        todo = [run for run in order(made.plan.runs) if run.key not in made.rows]
        news = {"sweep": made.id, "of": len(made.plan.runs)}
        yield news | {"done": len(made.rows)}
        last = 0.0
        with closing(space.measure(tuple(todo), TURN, made.stop.is_set)) as rows:
            for row in rows:
                made.rows.setdefault(row["key"], row | {"workers": 1.0})
                if time.monotonic() - last >= 1 / NEWS_PER_SECOND:
                    yield news | {"done": len(made.rows)}
                    last = time.monotonic()
        more = len(made.rows) < len(made.plan.runs) and not made.stop.is_set()
        yield news | {"done": len(made.rows), "more": more, "stopped": made.stop.is_set()}

    def halt(self, id: object) -> None:
        """Asks a sweep to end its turn within one step."""
        try:
            self.get(id).stop.set()
        except ExplorerError:
            return


def _total(made: Sweep) -> int:
    return len(made.plan.runs) if made.plan else len(made.rows)


def _knob(knob: Any) -> dict[str, Any]:
    kinds = {"kind": knob.kind.__name__, "choices": list(knob.choices), "lo": knob.lo, "hi": knob.hi}
    return kinds | {
        "name": knob.name,
        "label": knob.label,
        "help": knob.help,
        "default": knob.default,
        "rare": knob.rare,
    }


def _among(ask: Mapping[str, Any], what: str, name: str) -> bool:
    wanted = ask.get(what)
    return not isinstance(wanted, list) or not wanted or name in wanted


def _number(ask: Mapping[str, Any], name: str) -> float | None:
    value = ask.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value == value else None


def _whole(ask: Mapping[str, Any], name: str, least: int) -> int:
    value = ask.get(name, least)
    if type(value) is not int or not least <= value <= MOST_ASKED:
        raise UsageError(f"{name} = {value!r}: must be a whole number from {least} to {MOST_ASKED}.")
    return value


def _plain(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None


def _same(row: Mapping[str, Any]) -> bool | None:
    value = row.get("identical")
    return bool(value) if isinstance(value, bool) else None
