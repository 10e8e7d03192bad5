"""A hand-made trace, for tests that need one without a model."""

from decoders.trace import Belief, Commit, Edit, Finish, Forward, Judge, Node, Propose, Round, Trace, Verdict

MASK, EOS = 9, 8


def tiny_trace(piece: str = " the", prompt: str = "hello") -> Trace:
    """Two SSD rounds on a canvas of 2 + 4 positions; token 3's text is `piece`."""
    top = ((3, 0.7), (4, 0.2))
    events = (
        Round(0, 0),
        Forward("draft", 6, beliefs=tuple(Belief(pos, top, 0.9) for pos in range(2, 6)), seconds=0.01),
        Commit((Edit(3, MASK, 3, "unmasked", 0.7),)),
        Round(1, 0),
        Propose((Node(0, ((2, 3),), 0.6, (), 1), Node(1, ((4, 4),), 0.5, (0,), 2))),
        Forward(
            "verify",
            6,
            3,
            beliefs=tuple(Belief(pos, top, 0.8, row) for row in range(3) for pos in (2, 4, 5)),
            seconds=0.02,
        ),
        Judge((Verdict(0, "accepted", 0.6, 1.0, 1.0, (2, 3)), Verdict(1, "rejected", 0.2, 0.0, 1.0, (5, 8)))),
        Commit((Edit(2, MASK, 3, "accepted", 0.6),)),
        Commit((Edit(5, MASK, EOS, "bonus", 0.8),)),
        Finish("stopped"),
    )
    vocab = {0: "<q>", 1: prompt, 3: piece, 4: " a", EOS: "<|eos|>", MASK: "<|mask|>"}
    return Trace(
        method="ssd",
        title="SSD",
        paper="a paper, arXiv:2510.04147",
        guarantee="greedy-exact",
        model="toy",
        models={"model": "toy"},
        params={"n": 2},
        seed=0,
        prompt=prompt,
        prompt_len=2,
        canvas=(0, 1, MASK, MASK, MASK, MASK),
        block=4,
        mask=MASK,
        eos=(EOS,),
        vocab=vocab,
        events=events,
        specials=(EOS, MASK),
    )
