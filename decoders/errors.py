"""Every error a person can cause, as one tree.

`str(error)` is one sentence: what was given, which rule it broke, what to do. Errors are raised at the door, before
weights are loaded, and turned into an exit code (CLI) or a message (page) in exactly one place each. Anything that is
not an `ExplorerError` is a bug and keeps its traceback.

    ExplorerError
    +- UsageError          exit 2   UnknownName, BadParam, BadPrompt, Incompatible
    +- ModelUnavailable    exit 3   weights, memory or an optional package are missing
    +- TraceError          exit 4   a trace file that is unreadable, too large, too new or inconsistent
"""

from collections.abc import Iterable
from difflib import get_close_matches


class ExplorerError(Exception):
    """The root; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(ExplorerError):
    """Something was asked for that cannot be done as asked."""

    exit_code = 2


class UnknownName(UsageError):
    """A method, model or knob that does not exist; says which one may have been meant."""

    def __init__(self, kind: str, name: str, known: Iterable[str]):
        known = sorted(known)
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}."
        super().__init__(f"There is no {kind} named {name!r}; {hint}")


class BadParam(UsageError):
    """A knob outside its declared range or of the wrong type."""


class BadPrompt(UsageError):
    """A prompt that is empty or does not fit into the model's context."""


class Incompatible(UsageError):
    """A method and a model that cannot work together, or two models with different vocabularies."""


class ModelUnavailable(ExplorerError):
    """The weights, the memory or an optional package for a model are missing."""

    exit_code = 3


class TraceError(ExplorerError):
    """A trace file that cannot be read; the message names the field by its JSON path."""

    exit_code = 4
