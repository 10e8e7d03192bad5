"""What a method declares about itself."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.models.base import Model
from decoders.params import Params
from decoders.trace import Event

# The third argument is the method's own Params subclass, which a Callable type cannot say.
Decode = Callable[[Mapping[str, Model], Canvas, Any, Chance], Iterator[Event]]


@dataclass(frozen=True)
class Method:
    """A decoding method.

    `guarantee`: "reference" (others are measured against it), "exact" (the target's distribution), "greedy-exact"
    (token for token equal to `reference`) or "approximate". `reference` is the id of the method it is compared with
    and `reference_label` how a person calls it. `roles` names the models it needs and the attention each may have.
    `cost` says what a round takes and gives, beginning with its number of calls, those that only fill a cache left out.
    `emits` are the event kinds it can produce, tested, so that views and docs may rely on them. One that `revises` may
    replace a token of its own by another (an edit "revised") in the block that was last filled; one that `remasks`
    may turn a token of its own back into a mask (an edit "remasked") while its block has others. `depends` is for
    methods whose knobs decide what they promise: from params to (guarantee, reference); of the defaults it says what
    the fields say."""

    id: str
    title: str
    paper: str
    arxiv: str
    guarantee: str
    params: type[Params]
    decode: Decode
    emits: frozenset[str]
    summary: str
    cost: str = ""
    reference: str = ""
    reference_label: str = ""
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"model": ("full", "block")})
    revises: bool = False
    remasks: bool = False
    depends: Callable[[Any], tuple[str, str]] | None = None

    def promise(self, params: Params) -> tuple[str, str]:
        """The guarantee of a run with these settings, and the id of the method that it is about."""
        return self.depends(params) if self.depends else (self.guarantee, self.reference)
