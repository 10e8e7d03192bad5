"""A run on a time line: Chrome trace events, which ui.perfetto.dev and chrome://tracing open.

One process per model, named after its role, with a thread for each kind of call; one process for the decoder with its
rounds, verdicts and counters. The clock is the time inside the models: what lies between two calls is not recorded and
not drawn.
"""

from __future__ import annotations

import json
from typing import Any

from decoders.trace import Commit, Forward, Judge, Propose, Round, Trace
from viz.exports.caption import caption


def chrome_trace(trace: Trace) -> str:
    """JSON with `traceEvents`; `ts` and `dur` are microseconds of model time since the run began.

    Complete events ("X") are forward calls and rounds, instants ("i") are verdicts, counters ("C") are `tokens` and
    `masked`.
    """
    events: list[dict[str, Any]] = []
    processes = {model: i for i, model in enumerate(dict.fromkeys(call.model for call in trace.forwards), start=1)}
    threads: dict[tuple[str, str], int] = {}
    for call in trace.forwards:
        threads.setdefault((call.model, call.role), sum(model == call.model for model, _ in threads) + 1)

    def named(pid: int, tid: int, kind: str, name: str) -> None:
        events.append({"ph": "M", "pid": pid, "tid": tid, "name": kind, "args": {"name": name}})

    named(0, 0, "process_name", f"{trace.title}: rounds")
    named(0, 1, "thread_name", "rounds")
    for model, pid in processes.items():
        roles = ", ".join(role for role, name in trace.models.items() if name == model)
        named(pid, 0, "process_name", f"{roles}: {model}" if roles else model)
    for (model, role), tid in threads.items():
        named(processes[model], tid, "thread_name", role)

    now, calls = 0.0, 0
    tokens, masked = 0, sum(token == trace.mask for token in trace.canvas[trace.prompt_len :])
    open_round: dict[str, Any] | None = None
    fills: dict[int, tuple[tuple[int, int], ...]] = {}

    def count() -> None:
        for name, value in (("tokens", tokens), ("masked", masked)):
            events.append({"ph": "C", "pid": 0, "tid": 0, "name": name, "ts": now, "args": {name: value}})

    count()
    for event in trace.events:
        match event:
            case Round(n, block):
                if open_round is not None:
                    open_round["dur"] = _micro(now - open_round["ts"])
                open_round = {
                    "ph": "X", "pid": 0, "tid": 1, "name": f"round {n}", "cat": "round", "ts": now, "dur": 0.0,
                    "args": {"round": n, "block": block},
                }  # fmt: skip
                events.append(open_round)
            case Forward():
                calls += 1
                took = _micro(event.seconds * 1e6)
                args = {
                    "call": calls, "role": event.role, "batch": event.batch, "length": event.length,
                    "cached": event.cached, "start": event.start, "rows_tokens": event.cost,
                }  # fmt: skip
                pid, tid = processes[event.model], threads[event.model, event.role]
                events.append(
                    {"ph": "X", "pid": pid, "tid": tid, "name": event.role, "cat": "forward", "ts": now, "dur": took}
                    | {"args": args}
                )
                now = _micro(now + took)
            case Propose(nodes):
                fills = {node.id: node.fills for node in nodes}
            case Judge(verdicts):
                for v in verdicts:
                    texts = [trace.vocab.get(token, "") for _, token in fills[v.node]]
                    args = {
                        "node": v.node, "positions": [pos for pos, _ in fills[v.node]], "text": "".join(texts),
                        "p": v.p, "score": v.score, "bar": v.bar,
                    }  # fmt: skip
                    events.append(
                        {"ph": "i", "s": "t", "pid": 0, "tid": 1, "name": v.outcome, "cat": "verdict", "ts": now}
                        | {"args": args}
                    )
            case Commit(edits):
                for e in edits:
                    tokens += (e.after != trace.mask) - (e.before != trace.mask and e.before >= 0)
                    masked += (e.after == trace.mask) - (e.before == trace.mask)
                masked = max(0, masked)  # a text that grows has no masks to begin with
                count()
    if open_round is not None:
        open_round["dur"] = _micro(now - open_round["ts"])
    body = {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"caption": caption(trace)}}
    return json.dumps(body, ensure_ascii=False, allow_nan=False)


def _micro(x: float) -> float:
    """To the nanosecond, so that sums of many calls stay short in the file."""
    return round(x, 3)
