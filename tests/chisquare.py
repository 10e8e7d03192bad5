"""Whether texts that a decoder draws have the distribution of its target: counted, compared with the enumerated one."""

from decoders.run import run


def exact(target, ids: list[int], n: int, temperature: float) -> dict[tuple[int, ...], float]:
    """The distribution of the next tokens, at most `n`, until the text ends, by enumeration."""
    eos, mask = target.spec.eos, target.spec.mask
    out: dict[tuple[int, ...], float] = {}
    open_ = {(): 1.0}
    while open_:
        text, p = open_.popitem()
        if len(text) == n or (text and text[-1] in eos):
            out[text] = p
            continue
        scores = target.forward([*ids, *text], role="x")[0].after(len(ids) + len(text) - 1).double()[:mask]
        for token, q in enumerate((scores / temperature).softmax(-1).tolist()):
            open_[*text, token] = p * q
    assert abs(sum(out.values()) - 1) < 1e-9
    return out


def surprise(method: str, models, ids: list[int], n: int, draws: int, **knobs) -> float:
    """How many standard deviations the chi-square statistic of `draws` runs lies above its mean; cells in which fewer
    than five are expected are one cell."""
    target = models["target"] if isinstance(models, dict) else models
    wanted, counts = exact(target, ids, n, knobs["temperature"]), dict.fromkeys([()], 0)
    for seed in range(draws):
        text = run(method, models, ids, seed=seed, max_new=n, level="timing", **knobs).tokens[len(ids) :]
        counts[text] = counts.get(text, 0) + 1
    assert set(counts) - {()} <= set(wanted)
    cells = [(counts.get(text, 0), draws * p) for text, p in wanted.items() if draws * p >= 5]
    rest = [(counts.get(text, 0), draws * p) for text, p in wanted.items() if draws * p < 5]
    cells += [(sum(c for c, _ in rest), sum(e for _, e in rest))] if rest else []
    chi = sum((count - expected) ** 2 / expected for count, expected in cells)
    freedom = len(cells) - 1
    assert freedom > 10
    return (chi - freedom) / (2 * freedom) ** 0.5
