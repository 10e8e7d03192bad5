"""The sentence under an exported figure. `assets/lenses/export.js` says the same; a test compares the two."""

from __future__ import annotations

from typing import Any

from decoders.trace import Trace

_ORIGIN = {"measured": "recorded", "replay": "recorded", "simulated": "simulated, not measured"}


def caption(trace: Trace) -> str:
    """Method, paper, models, settings, seed, hardware, versions and date in one sentence."""
    models = dict(trace.models)
    model = " + ".join(f"{role} {name}" for role, name in models.items()) if len(models) > 1 else trace.model
    settings = ", ".join(f"{name} = {_value(value)}" for name, value in trace.params.items())
    where = ", ".join(filter(None, [trace.hardware, *(f"{name} {v}" for name, v in trace.versions.items())]))
    origin = _ORIGIN[trace.provenance] + (f" on {where}" if where else "")
    parts = [
        f"{trace.title} ({trace.paper}) on {model}" if trace.paper else f"{trace.title} on {model}",
        settings,
        f"seed {trace.seed}",
        origin + (f", {trace.recorded}" if trace.recorded else ""),
    ]
    return "; ".join(filter(None, parts)) + "."


def _value(value: Any) -> str:
    """As JavaScript writes it, so that page and Python give the same caption: 1.0 is 1."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
