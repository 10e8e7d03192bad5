"""What a run asked of its models, without what came of it: enough to say what the same calls would cost elsewhere."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from decoders.trace import Forward


class Call(NamedTuple):
    """`n` forward calls of the model named `model`, of `batch` rows of `length` fed tokens each on top of `cached`
    ones."""

    model: str
    batch: int
    length: int
    cached: int
    n: int


def profile(forwards: Iterable[Forward]) -> tuple[Call, ...]:
    """The calls of a run (`Trace.forwards`), equal ones counted, in the order of their first one."""
    counted = Counter((f.model, f.batch, f.length, f.cached) for f in forwards)
    return tuple(Call(*shape, n) for shape, n in counted.items())
