"""A made-up run as large as one likes, to measure the page with; on the page it is labelled SIMULATED."""

from __future__ import annotations

import random

from decoders.trace import Belief, Commit, Edit, Finish, Forward, Judge, Node, Propose, Round, Trace, Verdict

WORDS = " the cat sat on a mat and then it looked at me with eyes of green light because nobody else was home".split(
    " "
)[1:]


def made_up(positions: int, rounds: int, drafts: int = 8, prompt_len: int = 8, seed: int = 0) -> Trace:
    """A made-up draft-verify run that fills one position a round; `drafts` drafts are turned down in each."""
    rng = random.Random(seed)
    vocab = {0: "<mask>", 1: "<eos>"} | {i + 2: " " + word for i, word in enumerate(WORDS)}
    pick = lambda: rng.randrange(2, len(vocab))  # noqa: E731
    block = max(1, positions // 4)
    order = []
    for start in range(0, positions, block):
        span = range(start, min(start + block, positions))
        order += rng.sample(span, len(span))
    canvas = [pick() for _ in range(prompt_len)] + [0] * positions
    events: list = []
    left = [prompt_len + pos for pos in order]

    def beliefs(row: int) -> list[Belief]:
        out = []
        for pos in left:
            p = 0.2 + 0.7 * rng.random()
            out.append(Belief(pos, ((pick(), p), (pick(), (1 - p) * 0.6), (pick(), (1 - p) * 0.2)), 3.0 * (1 - p), row))
        return out

    for n in range(1, rounds + 1):
        if not left:
            break
        take = max(1, round(len(left) / (rounds - n + 1)))
        events.append(Round(n, (left[0] - prompt_len) // block))
        tried = left[1 : 1 + drafts]
        nodes = [
            Node(i, ((pos, pick()),), 0.5 * rng.random(), (i - 1,) if i else (), i + 1) for i, pos in enumerate(tried)
        ]
        if nodes:
            events.append(Propose(tuple(nodes)))
        events.append(
            Forward("verify", prompt_len + positions, len(nodes) + 1, beliefs=tuple(beliefs(0)), seconds=0.01)
        )
        if nodes:
            outcomes = ["rejected"] + ["unreached"] * (len(nodes) - 1)
            verdicts = [
                Verdict(n.id, word, 0.1, 0.0, 1.0, (left[0], 2)) for n, word in zip(nodes, outcomes, strict=True)
            ]
            events.append(Judge(tuple(verdicts)))
        why = "bonus" if nodes else "unmasked"
        edits = [Edit(pos, 0, pick(), why, 0.5 + 0.5 * rng.random()) for pos in left[:take]]
        left = left[take:]
        events.append(Commit(tuple(edits)))
    events.append(Finish("length"))
    return Trace(
        method="made-up",
        title="Made-up run",
        paper="",
        guarantee="approximate",
        model="no model",
        models={},
        params={},
        seed=seed,
        prompt="",
        prompt_len=prompt_len,
        canvas=tuple(canvas),
        block=block,
        mask=0,
        eos=(1,),
        vocab=vocab,
        events=tuple(events),
        specials=(0, 1),
        provenance="simulated",
    )
