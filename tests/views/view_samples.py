"""Small runs written by hand, so that a test can say what is right without running a method.

The words are single tokens; ids: 0 mask, 1 eos, 2.. words. `NASTY` is a token that no view may interpret.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from decoders.trace import (
    Belief,
    Commit,
    Decide,
    Edit,
    Event,
    Finish,
    Forward,
    Judge,
    Node,
    Propose,
    Reference,
    Round,
    Trace,
    Verdict,
)

M, EOS, OF, FR, PA, RI, S, THE, CAT, SAT, NASTY_ID, HALF, ESC = range(13)
NASTY = "<b>x</b> ${alert(1)} {{x}} %{z}"
VOCAB = {
    M: "<|mask|>",
    EOS: "<|endoftext|>",
    OF: "Capital",
    FR: " of France",
    PA: " Paris",
    RI: " is",
    S: ".",
    THE: " the",
    CAT: " cat",
    SAT: "\n",
    NASTY_ID: NASTY,
    HALF: "<0xE2>",
    ESC: "\x1b[31mred\x07",
}


def make(events: list[Event], canvas: tuple[int, ...], prompt_len: int, **more: Any) -> Trace:
    fields: dict[str, Any] = dict(
        method="sample",
        title="Sample",
        paper="Nobody, A paper, 2025, arXiv:2510.04147",
        guarantee="reference",
        model="toy",
        models={"model": "toy"},
        params={"steps": 4},
        seed=0,
        prompt="Capital of France",
        prompt_len=prompt_len,
        canvas=canvas,
        block=8,
        mask=M,
        eos=(EOS,),
        vocab=VOCAB,
        specials=(M, EOS),
        hardware="test",
        events=tuple(events),
    )
    return Trace(**{**fields, **more})


def ssd() -> Trace:
    """Self speculative decoding on 2 + 8 positions: round 1 drafts nothing, round 2 keeps 2 of 4 and adds a
    bonus, round 3 keeps 3 of 3 and adds the bonus that fills the canvas. Position 7 is end of text, 8 and 9 lie
    behind it."""
    events: list[Event] = [
        Round(1, 0),  # 0
        Forward(
            "draft",
            10,
            beliefs=(Belief(2, ((RI, 0.9), (THE, 0.05)), 0.4), Belief(3, ((PA, 0.8), (CAT, 0.1)), 0.7)),
            seconds=0.5,
        ),
        Commit((Edit(2, M, RI, "unmasked", 0.9),)),
        Round(2, 0),  # 3
        Propose(
            (
                Node(0, ((3, PA),), 0.8, (), 1),
                Node(1, ((4, S),), 0.7, (0,), 2),
                Node(2, ((5, THE),), 0.6, (1,), 3),
                Node(3, ((6, CAT),), 0.5, (2,), 4),
            )
        ),
        Forward(
            "verify",
            10,
            batch=5,
            beliefs=(Belief(3, ((PA, 0.85),), 0.5, 0), Belief(5, ((CAT, 0.55), (THE, 0.3)), 0.9, 2)),
            seconds=1.5,
        ),
        Judge(
            (
                Verdict(0, "accepted", 0.85, 1.0, 1.0, (3, PA)),
                Verdict(1, "accepted", 0.75, 1.0, 1.0, (4, S)),
                Verdict(2, "rejected", 0.3, 0.0, 1.0, (6, THE)),
                Verdict(3, "unreached", 0.2, 0.0, 1.0),
            )
        ),
        Commit((Edit(3, M, PA, "accepted", 0.85), Edit(4, M, S, "accepted", 0.75))),
        Commit((Edit(6, M, THE, "bonus", 0.65),)),
        Round(3, 0),  # 9
        Propose(
            (Node(0, ((5, CAT),), 0.9, (), 1), Node(1, ((7, EOS),), 0.9, (0,), 2), Node(2, ((9, EOS),), 0.9, (1,), 3))
        ),
        Forward("verify", 10, batch=4, seconds=1.0),
        Judge(
            (
                Verdict(0, "accepted", 0.95, 1.0, 1.0, (5, CAT)),
                Verdict(1, "accepted", 0.96, 1.0, 1.0, (7, EOS)),
                Verdict(2, "accepted", 0.97, 1.0, 1.0, (9, EOS)),
            )
        ),
        Commit(
            (Edit(5, M, CAT, "accepted", 0.95), Edit(7, M, EOS, "accepted", 0.96), Edit(9, M, EOS, "accepted", 0.97))
        ),
        Commit((Edit(8, M, EOS, "bonus", 0.98),)),
        Finish("length"),
    ]
    reference = Reference("stepwise", "one token per call", (OF, FR, RI, PA, S, CAT, THE, EOS, EOS, EOS), 8, 80, 6.0)
    return make(events, (OF, FR, *[M] * 8), 2, method="ssd", title="SSD", guarantee="greedy-exact", reference=reference)


def stepwise() -> Trace:
    """Threshold denoising on 2 + 4 positions: three rounds, a threshold of 0.5, and one token taken back in round 2."""
    events: list[Event] = [
        Round(1, 0),
        Forward("denoise", 6, seconds=0.1),
        Decide("how many", "2", (), (("threshold", 0.5),)),
        Commit((Edit(2, M, RI, "unmasked", 0.6), Edit(5, M, EOS, "unmasked", 0.8))),
        Round(2, 0),
        Forward("denoise", 6, seconds=0.1),
        Decide("how many", "1", (), (("threshold", 0.5),)),
        Commit((Edit(3, M, PA, "unmasked", 0.4), Edit(2, RI, M, "remasked", 0.0))),
        Round(3, 1),
        Forward("denoise", 6, seconds=0.1),
        Commit((Edit(2, M, THE, "unmasked", 0.7), Edit(4, M, S, "unmasked", 1.0), Edit(3, PA, CAT, "revised", 0.9))),
        Finish("eos"),
    ]
    return make(events, (OF, FR, M, M, M, M), 2, method="threshold", title="Threshold", block=2)


def tree() -> Trace:
    """A causal run that grows from its prompt: round 1 drafts a tree of two branches in one packed row
    and corrects its end."""
    events: list[Event] = [
        Round(1, 0),
        Forward("draft", 2, seconds=0.1, model="small"),
        Propose(
            (
                Node(0, ((2, RI),), 0.6),
                Node(1, ((2, THE),), 0.3),
                Node(2, ((3, PA),), 0.5, (0,)),
                Node(3, ((3, CAT), (4, S)), 0.4, (1,)),
                Node(4, ((3, THE),), 0.1, (0,)),
            )
        ),
        Forward(
            "verify",
            8,
            cached=1,
            start=1,
            fed=((1, FR), (2, RI), (2, THE), (3, PA), (3, CAT), (4, S), (3, THE)),
            seconds=0.3,
        ),
        Judge(
            (
                Verdict(0, "accepted", 0.7, 1.0, 0.4),
                Verdict(1, "rejected", 0.1, 0.3, 0.5),
                Verdict(2, "rejected", 0.2, 0.4, 0.9),
                Verdict(4, "rejected", 0.0, 0.0, 0.9),
                Verdict(3, "unreached", 0.0, 0.0, 1.0),
            )
        ),
        Commit((Edit(2, -1, RI, "accepted", 0.7),)),
        Commit((Edit(3, -1, SAT, "corrected", 0.5),)),
        Finish("length"),
    ]
    return make(events, (OF, FR), 2, method="tree", title="Tree", attention="causal", guarantee="exact")


def mixed() -> Trace:
    """A tree of SSD whose nodes have batch rows of their own, on 2 + 5 positions: `is` at 2 stands, then either of two
    positions may be filled, or the first by another token. `.` at 4 is filled before `Paris` at 3, so the walk ends in
    node 4, whose state is the one of node 1: both are row 2. Its row then says `the` at 5."""
    events: list[Event] = [
        Round(1, 0),
        Propose(
            (
                Node(0, ((3, PA),), 0.8, (), 1),
                Node(1, ((4, S),), 0.7, (0,), 2),
                Node(2, ((5, CAT),), 0.5, (1,), 5),
                Node(3, ((4, S),), 0.7, (), 3),
                Node(4, ((3, PA),), 0.8, (3,), 2),
                Node(5, ((5, CAT),), 0.5, (4,), 5),
                Node(6, ((3, RI),), 0.1, (), 4),
                Node(7, ((4, S),), 0.7, (6,), 6),
            )
        ),
        Forward(
            "verify", 7, batch=7, beliefs=(Belief(4, ((S, 0.9),), 0.3, 0), Belief(5, ((THE, 0.6),), 0.9, 2)), seconds=1
        ),
        Judge(
            (
                Verdict(0, "rejected", 0.7, 0.0, 1.0, (4, S)),
                Verdict(1, "unreached", 0.8, 0.0, 1.0, (4, S)),
                Verdict(2, "unreached", 0.2, 0.0, 1.0, (5, THE)),
                Verdict(3, "accepted", 0.9, 1.0, 1.0, (4, S)),
                Verdict(4, "accepted", 0.8, 1.0, 1.0, (3, PA)),
                Verdict(5, "rejected", 0.2, 0.0, 1.0, (5, THE)),
                Verdict(6, "rejected", 0.1, 0.0, 1.0, (4, S)),
                Verdict(7, "unreached", 0.6, 0.0, 1.0, (4, S)),
            )
        ),
        Commit((Edit(4, M, S, "accepted", 0.7),)),
        Commit((Edit(3, M, PA, "accepted", 0.8),)),
        Commit((Edit(5, M, THE, "bonus", 0.6),)),
        Finish("stopped"),
    ]
    return make(events, (OF, FR, RI, M, M, M, M), 2, method="ssd", title="SSD", guarantee="greedy-exact")


def routed(**par: Any) -> Trace:
    """S2D2 on 3 + 3 positions: round 0 finds its score of 0.5 below the bar and keeps what it drafted at 3; round 1
    verifies the two drafts behind it in one packed row of tokens and masks, keeps one and corrects the other."""
    score = (("span", 3), ("E[K]", 1.5), ("sure", 1), ("score", 0.5))
    more = (("span", 2), ("E[K]", 2.5), ("sure", 2), ("score", 1.5))
    events: list[Event] = [
        Round(0, 0),
        Forward("draft", 6, seconds=0.1),
        Decide("verify", "no", (3, 4, 5), score),
        Commit((Edit(3, M, PA, "unmasked", 0.8),)),
        Round(1, 0),  # 4
        Forward("draft", 6, seconds=0.1),
        Decide("verify", "yes", (4, 5), more),
        Propose((Node(0, ((4, S),), 0.8), Node(1, ((5, CAT),), 0.7, (0,)))),
        Forward("verify", 5, start=3, cached=3, fed=((3, PA), (4, S), (5, CAT), (4, M), (5, M)), seconds=0.1),
        Judge((Verdict(0, "accepted", 0.7, 1.0, 0.4, (4, S)), Verdict(1, "rejected", 0.1, 0.2, 0.9, (5, THE)))),
        Commit((Edit(4, M, S, "accepted", 0.7),)),
        Commit((Edit(5, M, THE, "corrected", 0.6),)),
        Finish("length"),
    ]
    params = {"policy": "score_threshold", "tau_score": 1.0, "on": 0.0, "off": -1.0, **par}
    return make(events, (OF, FR, RI, M, M, M), 2, method="s2d2", title="S2D2", params=params, guarantee="approximate")


def wide() -> Trace:
    """PSD on 2 + 8 positions: `is` and `Paris` are sure and filled in without a draft; three depths of 3, 2 and 1
    positions are drafted. Row 0 agrees with the first; row 1 with `the` at 7, but it says a line break at 8; nothing
    gets to the third."""
    said = ((0, 4, S, 0.9), (0, 5, THE, 0.8), (0, 6, CAT, 0.7), (1, 7, THE, 0.6), (1, 8, SAT, 0.5), (2, 9, S, 0.9))
    events: list[Event] = [
        Round(1, 0),
        Forward("draft", 10, seconds=0.5),
        Commit((Edit(2, M, RI, "unmasked", 0.99), Edit(3, M, PA, "unmasked", 0.95))),
        Propose(
            (
                Node(0, ((4, S), (5, THE), (6, CAT)), 0.7, (), 1),
                Node(1, ((7, THE), (8, CAT)), 0.6, (0,), 2),
                Node(2, ((9, S),), 0.5, (1,), 3),
            )
        ),
        Forward(
            "verify",
            10,
            batch=4,
            seconds=1.0,
            beliefs=tuple(Belief(pos, ((t, p),), 0.5, row) for row, pos, t, p in said),
        ),
        Judge(
            (
                Verdict(0, "accepted", 0.7, 1.0, 1.0, (4, S)),
                Verdict(1, "rejected", 0.2, 0.0, 1.0, (8, SAT)),
                Verdict(2, "unreached", 0.4, 0.0, 1.0, (9, S)),
            )
        ),
        Commit((Edit(4, M, S, "accepted", 0.9), Edit(5, M, THE, "accepted", 0.8), Edit(6, M, CAT, "accepted", 0.7))),
        Finish("stopped"),
    ]
    return make(events, (OF, FR, *[M] * 8), 2, method="psd", title="PSD", guarantee="approximate")


def nasty() -> Trace:
    """The first run with a token full of markup at position 3, drafted and accepted there; escapes in the header."""

    def swap(value: Any) -> Any:
        if value == PA and type(value) is int:
            return NASTY_ID
        return value

    run = ssd()
    events: list[Event] = []
    for event in run.events:
        if isinstance(event, Propose):
            event = Propose(tuple(replace(n, fills=tuple((p, swap(t)) for p, t in n.fills)) for n in event.nodes))
        elif isinstance(event, Judge):
            event = Judge(tuple(replace(v, choice=(v.choice[0], swap(v.choice[1]))) for v in event.verdicts))
        elif isinstance(event, Commit):
            event = Commit(tuple(replace(e, after=swap(e.after)) for e in event.edits))
        events.append(event)
    return replace(
        run, events=tuple(events), title=NASTY, model=f"evil{VOCAB[ESC]}", prompt=f"{NASTY}\x1b]0;owned\x07\u202e"
    )


SAMPLES = {
    "ssd": ssd,
    "stepwise": stepwise,
    "tree": tree,
    "mixed": mixed,
    "routed": routed,
    "wide": wide,
    "nasty": nasty,
}
