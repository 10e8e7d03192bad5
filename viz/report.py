"""A trace as plain text, for the terminal: the header, the three costs apart, the text, and a line per round.

No token text reaches a terminal unescaped: `plain` shows controls and escape sequences as symbols.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from decoders.trace import Commit, Decide, Forward, Judge, Propose, RoundView, Trace
from viz import theme


def plain(text: str) -> str:
    """`text` for a terminal: line ends and tabs stay, whatever else would act (escapes, controls, bidi) is shown as a
    symbol."""
    return "\n".join("\t".join(theme.visible(part) for part in line.split("\t")) for line in text.split("\n"))


def report(trace: Trace, at: int | None = None, width: int = 100) -> str:
    """The report after the first `at` events (all of them by default); lines of rounds are cut at `width`
    characters."""
    stop = len(trace.events) if at is None else at
    origin = (trace.provenance, trace.hardware, trace.recorded)
    seen = replace(trace, events=trace.events[:stop])
    lines = [
        theme.visible(f"{trace.title} ({trace.method}) on {trace.model}, seed {trace.seed}"),
        theme.visible(f"{trace.paper} · guarantee: {trace.guarantee} · {', '.join(filter(None, origin))}"),
        theme.visible("settings: " + ", ".join(f"{name} = {value}" for name, value in trace.params.items())),
        "",
        "prompt: " + _indented(trace.prompt),
        "text:   " + _indented(trace.decode(_generated(trace, stop))),
        "",
        *_costs(seen),
        *(_reference(trace) if stop == len(trace.events) else ()),
        "",
        *(_round(trace, view, min(view.stop, stop))[:width] for view in trace.rounds if view.start < stop),
        f"finished: {trace.finish}" if stop == len(trace.events) else f"... {len(trace.events) - stop} events follow",
    ]
    return "\n".join(lines)


def _indented(text: str) -> str:
    """Later lines are set in, so that no line of a prompt or a text can pose as a line of the report."""
    return plain(text).replace("\n", "\n        ")


def _generated(trace: Trace, stop: int) -> list[int]:
    """The generated part up to its end; positions that are still masked show as the mask's text."""
    tokens = trace.canvas_at(stop)[trace.prompt_len :]
    end = next((i for i, token in enumerate(tokens) if token in trace.eos), len(tokens))
    last = max((i + 1 for i, token in enumerate(tokens[:end]) if token != trace.mask), default=0)
    return tokens[:last]


def _costs(trace: Trace) -> list[str]:
    roles = Counter(call.role for call in trace.forwards)
    by_role = ", ".join(f"{n} {role}" for role, n in roles.items())
    accepted, judged = trace.acceptance
    lines = [
        plain(f"forward calls    {trace.calls} ({by_role})"),
        f"rows x tokens    {trace.rows_tokens}",
        f"model time       {trace.seconds:.3f} s",
        f"tokens per call  {trace.tokens_per_call:.2f}",
    ]
    if judged:
        rounds = [view for view in trace.rounds if view.of(Judge)]
        lines.append(
            f"acceptance       {accepted} of {judged} drafted tokens ({accepted / judged:.0%}); per round "
            f"{accepted / len(rounds):.2f} accepted, {trace.acceptance_length:.2f} with the bonus"
        )
    return lines


def _reference(trace: Trace) -> list[str]:
    if trace.reference is None:
        return []
    ref, where = trace.reference, trace.difference()
    same = "identical to" if where is None else f"differs from position {where} from"
    return [plain(f"{same} {ref.label}: {ref.calls} calls, {ref.rows_tokens} rows x tokens, {ref.seconds:.3f} s")]


def _round(trace: Trace, view: RoundView, stop: int) -> str:
    """One line: what was drafted and what became of it, or what was filled in."""
    events = trace.events[view.start : stop]
    outcomes = {v.node: v.outcome for e in events if isinstance(e, Judge) for v in e.verdicts}
    parts = []
    for event in events:
        match event:
            case Forward() if event.role in ("prefill", "extend"):
                parts.append(f"[{event.role} {event.length}]")
            case Propose(nodes):
                drafts = []
                for node in nodes:
                    glyph = theme.GLYPHS[outcomes.get(node.id, "drafted")]
                    drafts += [f"{glyph}{pos}{theme.piece(trace, token)}" for pos, token in node.fills]
                parts.append("drafts " + " ".join(drafts))
            case Decide(what=what, choice=choice):
                parts.append(f"{what}: {choice}")
            case Commit(edits):
                fresh = [e for e in edits if e.why != "accepted"]
                parts += [f"{theme.GLYPHS.get(e.why, '')}{e.pos}{theme.piece(trace, e.after)} {e.p:.2f}" for e in fresh]
    return plain(f"{view.n:>4}  " + "  ".join(parts))
