"""The table of a sweep: one row a run, and what its points come to.

A run is a method with its models and settings on one prompt with one seed. A point is all runs of one method, models
and settings; its numbers carry 95 % intervals over its prompts: Wilson's for shares of right answers, otherwise
bootstrap (1,000 resamples of prompts, the same ones for every point of a table, so that differences are paired)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from decoders.errors import UsageError
from training.evaluate import wilson

# A pandas.DataFrame. Its stubs call every column "Series or DataFrame", which says nothing about these tables.
Table = Any

# Column: its kind in the file, what it says. Seconds are by the clock unless it says otherwise.
COLUMNS: dict[str, tuple[str, str]] = {
    "method": ("string", "the method's id"),
    "model": ("string", "the model that the text comes from"),
    "models": ("string", "all models by role, JSON"),
    "settings": ("string", "the settings that were asked for, JSON"),
    "params": ("string", "all settings of the run, JSON"),
    "prompt_id": ("string", "which prompt"),
    "family": ("string", "the kind of task"),
    "prompt": ("string", "what was asked"),
    "seed": ("int64", "the run's seed"),
    "guarantee": ("string", "what the run promises about its text"),
    "text": ("string", "what was generated, up to its end"),
    "tokens": ("float64", "its tokens"),
    "filled": ("float64", "positions filled, those behind the end included"),
    "calls": ("float64", "forward calls of all models"),
    "tokens_per_call": ("float64", "TPF: filled / calls"),
    "target_calls": ("float64", "calls of the model that the text comes from"),
    "rows_tokens": ("float64", "token positions processed: rows x tokens, over all calls"),
    "wall_median": ("float64", "seconds of the whole run, median of its repeats"),
    "wall_low": ("float64", "the shortest repeat, seconds"),
    "wall_high": ("float64", "the longest repeat, seconds"),
    "model_seconds": ("float64", "seconds inside forward calls, median of its repeats"),
    "repeats": ("int64", "how often it was timed"),
    "rounds": ("float64", "rounds in which drafts were judged"),
    "written": ("float64", "tokens filled in those rounds"),
    "accepted": ("float64", "drafted tokens accepted"),
    "judged": ("float64", "drafted tokens judged"),
    "acceptance_length": ("float64", "written / rounds"),
    "graded": ("bool", "whether there is a right answer"),
    "accuracy": ("float64", "how right the text is, 0 to 1"),
    "agreement": ("float64", "share of the text's tokens that equal the reference decoder's at their position"),
    "identical": ("boolean", "whether every position equals the reference's"),
    "first_divergence": ("float64", "the first canvas position that differs"),
    "reference": ("string", "the method it is compared with"),
    "reference_calls": ("float64", "forward calls of that"),
    "nats": ("float64", "negative log-likelihood of the text under the judge, in nats"),
    "judged_tokens": ("float64", "tokens that the judge read"),
    "profile": ("string", "forward calls as [model, batch, length, cached, n], JSON"),
    "hardware": ("string", "where it ran, threads and arithmetic"),
    "weights": ("string", "fingerprints of the models' weights, JSON"),
    "workers": ("float64", "how many runs were made at once"),
    "error": ("string", "why there are no numbers; empty where nothing went wrong"),
    "point": ("string", "which point: the same for the same method, models and settings"),
    "key": ("string", "which run"),
}
# Times differ from one making to the next, and where it ran; all else is the same.
TIMES = ("wall_median", "wall_low", "wall_high", "model_seconds", "hardware", "workers")
RESAMPLES = 1_000


def frame(rows: Iterable[Mapping[str, Any]]) -> Table:
    """The rows as a table with all columns, of their kinds."""
    table: Table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    for name, (kind, _) in COLUMNS.items():
        if kind == "string":
            table[name] = table[name].astype(object).where(table[name].notna(), "").astype(str)
        elif kind == "boolean":
            table[name] = table[name].astype("boolean")
        elif kind == "bool":
            table[name] = table[name].astype("boolean").fillna(False).astype(bool)
        elif kind == "int64":
            table[name] = table[name].astype("float64").fillna(0).astype("int64")
        else:
            table[name] = table[name].astype("float64")
    return table


def save(table: Table, path: Path) -> Path:
    """As parquet, CSV or JSON lines, by the name's end."""
    kinds = {".parquet": table.to_parquet, ".csv": table.to_csv}
    try:
        if path.suffix in kinds:
            kinds[path.suffix](path, index=False)
        elif path.suffix == ".jsonl":
            table.to_json(path, orient="records", lines=True)
        else:
            raise UsageError(f"{path.name}: a table is written as .parquet, .csv or .jsonl; name it so.")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}); name another file.") from error
    return path


def load(path: Path) -> Table:
    """A table that `save` wrote; raises `UsageError` for another file."""
    try:
        if path.suffix == ".parquet":
            found: Table = pd.read_parquet(path)
        elif path.suffix == ".csv":
            found = pd.read_csv(path, dtype={n: str for n, (kind, _) in COLUMNS.items() if kind == "string"})
        elif path.suffix == ".jsonl":
            found = pd.read_json(path, orient="records", lines=True, dtype=False)  # type: ignore[arg-type]
        else:
            raise UsageError(f"{path.name}: a table is a .parquet, .csv or .jsonl file that a sweep wrote.")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror or error}): name the table of a sweep.") from error
    except (ValueError, UnicodeError) as error:
        raise UsageError(f"{path} is not a table of a sweep ({str(error).splitlines()[0][:120]}).") from error
    if lacking := [name for name in ("method", "model", "settings", "calls", "key") if name not in found]:
        raise UsageError(f"{path} lacks the column {lacking[0]}: give a table that a sweep wrote.")
    return frame(found.to_dict("records"))


def points(table: Table) -> list[dict[str, Any]]:
    """What every point comes to, in the table's order. `x` numbers have `x_low` and `x_high` beside them, their 95 %
    interval; a number is None where there is none. `runs` counts those without an error, `errors` the others, `error`
    is the first one's. `accuracy` is over graded prompts; `perplexity` over all tokens that the judge read.

    `against` is the id of the point that this one is measured against: the first reference decoder of the same model
    in the table, with as few settings as any; `speedup` is the median over prompts of its time over this one's, and
    `points` the paired difference of accuracies in points, both on the prompts that both have."""
    groups = {id: group for id, group in table.groupby("point", sort=False)}
    index = {prompt: i for i, prompt in enumerate(dict.fromkeys(_units(table)))}
    # The same draws for every point: where both have a prompt, both have it as often.
    draws = np.random.default_rng(0).integers(0, max(1, len(index)), (RESAMPLES, max(1, len(index))))
    weights = np.stack([np.bincount(row, minlength=max(1, len(index))) for row in draws]).astype(float)
    base = _baselines(groups)
    return [_point(id, group, groups, base, index, weights) for id, group in groups.items()]


def _units(table: Table) -> list[tuple]:
    return list(zip(table["prompt_id"], table["seed"], strict=True))


def _baselines(groups: Mapping[Any, Table]) -> dict[str, Any]:
    """By model the point that others are measured against."""
    best: dict[str, tuple[int, Any]] = {}
    for id, group in groups.items():
        good = group[group["error"] == ""]
        if good.empty or good["guarantee"].iloc[0] != "reference":
            continue
        own = len(json.loads(good["settings"].iloc[0]))
        model = good["model"].iloc[0]
        if model not in best or own < best[model][0]:
            best[model] = (own, id)
    return {model: id for model, (_, id) in best.items()}


def _point(
    id: Any,
    group: Table,
    groups: Mapping[Any, Table],
    base: Mapping[str, Any],
    index: Mapping[tuple, int],
    weights: np.ndarray,
) -> dict[str, Any]:
    first = group.iloc[0]
    # A run whose grader failed has all its other numbers.
    good = group[group["calls"].notna()]
    out: dict[str, Any] = {
        "id": id,
        "method": first["method"],
        "model": first["model"],
        "models": json.loads(first["models"] or "{}"),
        # A setting that is no number is a word: JSON has none for it.
        "settings": json.loads(first["settings"] or "{}", parse_constant=str),
        "runs": len(good),
        "errors": int((group["error"] != "").sum()),
        "error": next((e for e in group["error"] if e), ""),
        "seeds": sorted(set(int(s) for s in group["seed"])),
    }
    if good.empty:
        return out | dict.fromkeys(NUMBERS)
    ran = good.iloc[0]
    out |= {
        "params": json.loads(ran["params"]),
        "guarantee": ran["guarantee"],
        "reference": ran["reference"],
        "hardware": ran["hardware"],
        "against": base.get(ran["model"]),
    }
    mine = weights[:, [index[unit] for unit in _units(good)]]

    def put(name: str, value: float, resampled: np.ndarray | None = None, interval: tuple | None = None) -> None:
        if interval is None and resampled is not None and len(good) > 1:
            sound = resampled[np.isfinite(resampled)]
            interval = tuple(np.quantile(sound, (0.025, 0.975))) if len(sound) else None
        low, high = interval or (value, value)
        out.update({name: _finite(value), f"{name}_low": _finite(low), f"{name}_high": _finite(high)})

    def ratio(name: str, over: str, under: str) -> None:
        a, b = good[over].to_numpy(float), good[under].to_numpy(float)
        there = np.isfinite(a) & np.isfinite(b)
        with np.errstate(all="ignore"):
            total = (mine[:, there] @ a[there]) / (mine[:, there] @ b[there])
            put(name, a[there].sum() / b[there].sum() if b[there].sum() else math.nan, total)

    def mean(name: str, column: str) -> None:
        values = good[column].to_numpy(float)
        there = np.isfinite(values)
        with np.errstate(all="ignore"):
            total = (mine[:, there] @ values[there]) / mine[:, there].sum(1)
        put(name, values[there].mean() if there.any() else math.nan, total)

    ratio("tokens_per_call", "filled", "calls")
    ratio("acceptance_length", "written", "rounds")
    for name, column in (("calls", "calls"), ("rows_tokens", "rows_tokens"), ("agreement", "agreement")):
        mean(name, column)
    mean("wall", "wall_median")
    mean("model_seconds", "model_seconds")
    graded = good["accuracy"].to_numpy(float)
    graded = graded[np.isfinite(graded)]
    share = graded.mean() if len(graded) else math.nan
    put("accuracy", share, interval=wilson(graded.sum(), len(graded)) if len(graded) else None)
    ratio("nats_per_token", "nats", "judged_tokens")
    for end in ("", "_low", "_high"):
        value = out.pop(f"nats_per_token{end}")
        out[f"perplexity{end}"] = None if value is None else math.exp(min(value, 700))
    same = good["identical"].dropna()
    out |= {"identical": int(same.sum()), "compared": len(same), "graded": len(graded)}
    out |= _against(good, groups.get(out["against"]))
    return out


def _against(good: Table, base: Table | None) -> dict[str, Any]:
    """Paired with the baseline, prompt by prompt."""
    empty: dict[str, Any] = dict.fromkeys(
        ("speedup", "speedup_low", "speedup_high", "points", "points_low", "points_high")
    )
    if base is None:
        return empty
    both = good.merge(base[base["calls"].notna()], on=["prompt_id", "seed"], suffixes=("", "_base"))
    if both.empty:
        return empty
    out = dict(empty)
    faster = (both["wall_median_base"] / both["wall_median"]).to_numpy(float)
    faster = faster[np.isfinite(faster)]
    if len(faster):
        draws = np.random.default_rng(1).choice(faster, (RESAMPLES, len(faster)))
        low, high = np.quantile(np.median(draws, 1), (0.025, 0.975))
        out |= {"speedup": _finite(np.median(faster)), "speedup_low": _finite(low), "speedup_high": _finite(high)}
    apart = 100 * (both["accuracy"] - both["accuracy_base"]).to_numpy(float)
    apart = apart[np.isfinite(apart)]
    if len(apart):
        half = 1.959964 * apart.std() / math.sqrt(len(apart))
        out |= {
            "points": _finite(apart.mean()),
            "points_low": _finite(apart.mean() - half),
            "points_high": _finite(apart.mean() + half),
        }
    return out


NUMBERS = tuple(
    name + end
    for name in (
        "tokens_per_call",
        "acceptance_length",
        "calls",
        "rows_tokens",
        "agreement",
        "wall",
        "model_seconds",
        "accuracy",
        "perplexity",
        "speedup",
        "points",
    )
    for end in ("", "_low", "_high")
)


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def differences(table: Table, other: Table) -> list[str]:
    """In what two tables of one sweep differ, as sentences: runs that only one has, and numbers that have to be the
    same in both. Times are left to `drift`."""
    out = []
    mine, theirs = table.set_index("key"), other.set_index("key")
    for name, some in (
        ("the second", mine.index.difference(theirs.index)),
        ("the first", theirs.index.difference(mine.index)),
    ):
        if len(some):
            out.append(f"{len(some)} runs are not in {name} table, {some[0]} is one.")
    shared = mine.index.intersection(theirs.index)
    if repeated := [len(t) - t.index.nunique() for t in (mine, theirs) if not t.index.is_unique]:
        return [*out, f"{repeated[0]} runs are counted twice."]
    for name in COLUMNS:
        if name in (*TIMES, "key"):
            continue
        a, b = mine.loc[shared, name], theirs.loc[shared, name]
        if COLUMNS[name][0] == "float64":
            same = np.isclose(a.to_numpy(float), b.to_numpy(float), rtol=1e-4, atol=1e-6, equal_nan=True)
        else:
            same = np.array([str(x) == str(y) for x, y in zip(a, b, strict=True)], bool)  # nothing is equal to NA
        if not same.all():
            key = shared[int(np.argmin(same))]
            out.append(
                f"{name} differs in {int((~same).sum())} of {len(shared)} runs: {key} has {a[key]!r} and {b[key]!r}."
            )
    return out


def drift(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """Of which points a number of ours lies outside of their interval, and theirs outside of ours, as sentences."""
    known = {p["id"]: p for p in theirs}
    out = []
    for point in ours:
        other = known.get(point["id"])
        for name in names:
            if other is None:
                continue
            a, b = point.get(name), other.get(name)
            if a is None or b is None:
                continue
            apart = not other[f"{name}_low"] - 1e-9 <= a <= other[f"{name}_high"] + 1e-9
            if apart and not point[f"{name}_low"] - 1e-9 <= b <= point[f"{name}_high"] + 1e-9:
                which = f"{point['method']} {json.dumps(point['settings'])} on {point['model']}"
                out.append(f"{which}: {name} {a:.4g}, was {b:.4g}.")
    return out
