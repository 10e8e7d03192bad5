"""Two tables of a run as CSV: one row per generated position, one row per round.

The csv module quotes; a text cell that a spreadsheet would take for a formula gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from typing import Any

from decoders.trace import OUTCOMES, Commit, Forward, Judge, Propose, Round, Trace

TOKEN_COLUMNS = (
    "position", "block", "token_id", "text", "state", "round", "step", "call", "why", "p", "changes", "history",
)  # fmt: skip
STEP_COLUMNS = (
    "round", "block", "calls", "rows_tokens", "seconds", "drafted", "judged", "accepted", "rejected", "unreached",
    "corrected", "bonus", "unmasked", "revised", "remasked", "masked_left",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(cell: Any) -> Any:
    """A cell that no spreadsheet runs: text beginning like a formula is marked as text. Numbers stay numbers."""
    return "'" + cell if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def tokens_csv(trace: Trace) -> str:
    """One row per generated position, in order.

    `state` is committed, masked or after_eos. `round`, `step`, `call`, `why` and `p` belong to the last change, empty
    if there was none: `round` as the method numbers it, `step` the number of rounds until then, `call` of forward
    calls. `changes` counts them; `history` lists what was drafted, judged and changed here, in order, with token ids.
    """
    history: dict[int, list[str]] = {}
    last: dict[int, tuple[int, int, int, str, float]] = {}
    changes: Counter[int] = Counter()
    step = n = calls = 0
    fills: dict[int, tuple[tuple[int, int], ...]] = {}
    for event in trace.events:
        match event:
            case Forward():
                calls += 1
            case Propose(nodes):
                fills = {node.id: node.fills for node in nodes}
                for node in nodes:
                    for pos, token in node.fills:
                        history.setdefault(pos, []).append(f"round {n} drafted {token} (q {node.q:g})")
            case Judge(verdicts):
                for v in verdicts:
                    for pos, token in fills[v.node]:
                        history.setdefault(pos, []).append(
                            f"round {n} {v.outcome} {token} (p {v.p:g}, score {v.score:g}, bar {v.bar:g})"
                        )
            case Commit(edits):
                for e in edits:
                    last[e.pos] = (n, step, calls, e.why, e.p)
                    changes[e.pos] += 1
                    history.setdefault(e.pos, []).append(f"round {n} {e.why} {e.after}")
            case Round(number):
                n, step = number, step + 1
    tokens = trace.tokens
    end = next((pos for pos in range(trace.prompt_len, len(tokens)) if tokens[pos] in trace.eos), len(tokens))
    origin = 0 if trace.attention == "block" else trace.prompt_len
    rows = []
    for pos in range(trace.prompt_len, len(tokens)):
        token = tokens[pos]
        state = "masked" if token == trace.mask else "after_eos" if pos > end else "committed"
        change = last.get(pos, ("",) * 5)
        rows.append(
            [pos, (pos - origin) // trace.block, token, trace.vocab.get(token, ""), state, *change, changes[pos]]
            + ["; ".join(history.get(pos, []))]
        )
    return _csv(TOKEN_COLUMNS, rows)


def steps_csv(trace: Trace) -> str:
    """One row per round; what precedes the first round (a prefill call) is part of it, as on the page.

    `drafted` to `unreached` count tokens, each once in a round, in however many branches it was drafted.
    `seconds` is time inside the model; `masked_left` counts masks on the canvas after the round and is empty for a
    text that grows.
    """
    rows: list[dict[str, Any]] = []
    masked = sum(token == trace.mask for token in trace.canvas[trace.prompt_len :])
    grows = trace.attention == "causal"
    early = 0 if not trace.rounds else trace.rounds[0].start
    for view in trace.rounds:
        row: dict[str, Any] = dict.fromkeys(STEP_COLUMNS, 0)
        head = view.events[0]
        row |= {"round": view.n, "block": head.block, "seconds": 0.0}  # type: ignore[union-attr]
        for event in (*trace.events[:early], *view.events):
            match event:
                case Forward():
                    row["calls"] += 1
                    row["rows_tokens"] += event.cost
                    row["seconds"] += event.seconds
                case Commit(edits):
                    for e in edits:
                        masked += (e.after == trace.mask) - (e.before == trace.mask)
                        if e.why != "accepted":
                            row[e.why] += 1
        early = 0
        fates = view.fates()
        row["drafted"] = len({fill for propose in view.of(Propose) for node in propose.nodes for fill in node.fills})
        row["judged"] = len(fates)
        row |= {outcome: list(fates.values()).count(outcome) for outcome in OUTCOMES}
        row["seconds"] = round(row["seconds"], 9)
        row["masked_left"] = "" if grows else masked
        rows.append(row)
    return _csv(STEP_COLUMNS, ([row[name] for name in STEP_COLUMNS] for row in rows))


def _csv(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue()
