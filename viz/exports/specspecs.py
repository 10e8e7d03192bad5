"""Drafts and verdicts in the parquet files of specspecs 0.1.0 (github.com/jbarrow/specspecs), zipped.

specspecs knows steps of one shape: a chain of draft tokens, of which a prefix is accepted, then one token of the
verifier's own; from the second step on the chain begins with the token emitted before. So
 - a tree or a lattice is written as its accepted path and the branch that was turned down behind it,
 - a token filled in without a draft is a step that drafts nothing,
 - drafts that no token of the verifier follows end with the last accepted one as the emitted token,
 - tokens stand in the order in which they were filled in, which need not be the order of the text.
"""

from __future__ import annotations

import datetime
import io
import zipfile
from typing import Any, NamedTuple

from decoders.errors import TraceError, UsageError
from decoders.trace import Commit, Forward, Judge, Propose, Trace

_BACK = ("revised", "remasked")


class SpecStep(NamedTuple):
    """A row of drafts.parquet: `draft` token ids of which the first `accepted` were taken, then `emitted`; `seconds` of
    model time until then."""

    draft: tuple[int, ...]
    accepted: int
    emitted: int
    seconds: float


def spec_steps(trace: Trace) -> tuple[SpecStep, ...]:
    """The run as specspecs would have logged it. Raises `TraceError` where it has no word for what happened."""
    if "judge" not in trace.kinds:
        raise TraceError(
            f"This run of {trace.title} has no judge events: specspecs holds drafts and verdicts; use another format."
        )
    taken_back = next((e.pos for c in trace.events if isinstance(c, Commit) for e in c.edits if e.why in _BACK), None)
    if taken_back is not None:
        raise TraceError(
            f"This run of {trace.title} takes back the token at position {taken_back}: specspecs has no word for that; "
            "use another format."
        )
    steps: list[SpecStep] = []
    accepted: list[int] = []
    refused: list[int] = []
    seconds = 0.0

    def emit(token: int) -> None:
        before = [steps[-1].emitted] if steps else []
        steps.append(SpecStep((*before, *accepted, *refused), len(before) + len(accepted), token, seconds))
        accepted.clear()
        refused.clear()

    def close() -> None:
        """Drafts that no token of the verifier followed."""
        refused.clear()
        if accepted:
            emit(accepted.pop())

    for event in trace.events:
        match event:
            case Forward():
                seconds += event.seconds
            case Propose(nodes):
                close()
                proposed = {node.id: node for node in nodes}
            case Judge(verdicts):
                chained = any(proposed[v.node].parents for v in verdicts)
                path = [v.node for v in verdicts if v.outcome == "accepted"][-1:]
                for v in (v for v in verdicts if v.outcome != "accepted"):
                    parents = proposed[v.node].parents
                    if not chained or (path[-1] in parents if path else not parents):
                        path.append(v.node)
                        refused += [token for _, token in proposed[v.node].fills]
            case Commit(edits):
                for e in edits:
                    if e.why == "accepted":
                        accepted.append(e.after)
                    else:
                        emit(e.after)
    close()
    return tuple(steps)


def specspecs_parquet(trace: Trace) -> bytes:
    """A zip of the two files that specspecs reads from a folder: drafts-*.parquet and sequences-*.parquet."""
    steps = spec_steps(trace)
    try:
        import pyarrow as pa  # noqa: PLC0415 (an extra: nothing else needs it)
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow, which is not installed: pip install pyarrow.") from error
    start = _day(trace.recorded)
    run, sequence = trace.method, f"{trace.method}-{trace.model}-{trace.seed}"
    ids, texts, stamp = pa.list_(pa.int64()), pa.string(), pa.timestamp("us")
    prompt = list(trace.canvas[: trace.prompt_len])
    sequences: dict[str, tuple[Any, list]] = {
        "run_id": (texts, [run]),
        "sequence_id": (texts, [sequence]),
        "t": (stamp, [start]),
        "prompt_token_ids": (ids, [prompt]),
        "prompt_len": (pa.int32(), [len(prompt)]),
    }
    drafts: dict[str, tuple[Any, list]] = {
        "run_id": (texts, [run] * len(steps)),
        "sequence_id": (texts, [sequence] * len(steps)),
        "step": (pa.int32(), list(range(len(steps)))),
        "t": (stamp, [start + datetime.timedelta(seconds=s.seconds) for s in steps]),
        "draft_tokens": (ids, [list(s.draft) for s in steps]),
        "acceptances": (pa.list_(pa.bool_()), [[i < s.accepted for i in range(len(s.draft))] for s in steps]),
        "k": (pa.int16(), [len(s.draft) for s in steps]),
        "acceptance_length": (pa.int16(), [s.accepted for s in steps]),
        "emitted_token": (pa.int32(), [s.emitted for s in steps]),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, columns in (("sequences", sequences), ("drafts", drafts)):
            schema = pa.schema([(column, kind) for column, (kind, _) in columns.items()])
            table = pa.table({column: values for column, (_, values) in columns.items()}, schema=schema)
            file = io.BytesIO()
            pq.write_table(table, file, compression="zstd")
            # A fixed time stamp: the same trace gives the same bytes.
            archive.writestr(zipfile.ZipInfo(f"{name}-unmasked-00000.parquet"), file.getvalue())
    return out.getvalue()


def _day(recorded: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(recorded).replace(tzinfo=None)
    except ValueError:
        return datetime.datetime(1970, 1, 1)
