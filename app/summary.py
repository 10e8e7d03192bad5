"""A run in plain JSON values: what `run --json` prints and what the API returns."""

from typing import Any

from decoders.trace import Trace


def summary(trace: Trace) -> dict[str, Any]:
    """The three costs apart (`calls`, `rows_tokens`, `seconds` inside the model), the text, and the comparison if one
    was run."""
    accepted, judged = trace.acceptance
    out = {
        "method": trace.method,
        "model": trace.model,
        "guarantee": trace.guarantee,
        "prompt": trace.prompt,
        "params": trace.params,
        "seed": trace.seed,
        "text": trace.text,
        "ids": list(trace.ids),
        "calls": trace.calls,
        "rows_tokens": trace.rows_tokens,
        "seconds": round(trace.seconds, 6),
        "tokens_per_call": round(trace.tokens_per_call, 4),
        "accepted": accepted,
        "judged": judged,
        "finish": trace.finish,
        "hardware": trace.hardware,
        "reference": None,
    }
    if trace.reference is not None:
        ref, first = trace.reference, trace.difference()
        out["reference"] = {
            "method": ref.method,
            "identical": first is None,
            "first_difference": first,
            "calls": ref.calls,
            "rows_tokens": ref.rows_tokens,
            "seconds": round(ref.seconds, 6),
        }
    return out
