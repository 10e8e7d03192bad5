"""The methods, in the order in which they are shown. A new method is one file and one line here."""

from decoders.errors import UnknownName
from decoders.methods import (
    ar,
    block,
    diffuspec,
    dream,
    eb,
    fast_v2,
    fixed_k,
    freedave,
    klass,
    llada2,
    localleap,
    prompt_lookup,
    psd,
    s2d2,
    simsd,
    speculative,
    ssd,
    stepwise,
    threshold,
    wino,
)
from decoders.methods.base import Method

METHODS: tuple[Method, ...] = (
    stepwise.METHOD,
    fixed_k.METHOD,
    threshold.METHOD,
    eb.METHOD,
    klass.METHOD,
    localleap.METHOD,
    ssd.METHOD,
    freedave.METHOD,
    psd.METHOD,
    wino.METHOD,
    dream.METHOD,
    block.METHOD,
    s2d2.METHOD,
    fast_v2.METHOD,
    llada2.METHOD,
    simsd.METHOD,
    ar.METHOD,
    prompt_lookup.METHOD,
    speculative.METHOD,
    diffuspec.METHOD,
)


def method(name: str, methods: tuple[Method, ...] | None = None) -> Method:
    """The method of that id; raises `UnknownName` with the nearest one."""
    methods = METHODS if methods is None else methods
    for candidate in methods:
        if candidate.id == name:
            return candidate
    raise UnknownName("method", name, [m.id for m in methods])
