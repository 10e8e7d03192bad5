"""A trace in the formats of other programs: spreadsheets, Perfetto, specspecs. Pure functions from a trace to bytes.

`FORMATS` is what the command line and the page offer; `write(trace, id)` makes one of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

from decoders.errors import UsageError
from decoders.trace import Trace
from viz.exports.caption import caption
from viz.exports.chrome import chrome_trace
from viz.exports.specspecs import specspecs_parquet
from viz.exports.tables import steps_csv, tokens_csv
from viz.html import to_html

__all__ = ["FORMATS", "Format", "caption", "chrome_trace", "specspecs_parquet", "steps_csv", "tokens_csv", "write"]


class Format(NamedTuple):
    """`title` stands in a menu, `help` is half a sentence; `make(trace)` gives a file whose name ends in `suffix`."""

    title: str
    make: Callable[[Trace], bytes]
    suffix: str
    help: str

    def name(self, trace: Trace) -> str:
        """A file name that is safe everywhere: a trace from a file may call its method and model anything."""
        words = re.sub(r"[^A-Za-z0-9_.-]", "_", f"{trace.method}-{trace.model}")
        return words.strip(".") + self.suffix


FORMATS: MappingProxyType[str, Format] = MappingProxyType(
    {
        "json": Format("Trace (JSON)", lambda t: t.to_json().encode(), ".json", "the trace itself"),
        "tokens-csv": Format(
            "Tokens (CSV)", lambda t: tokens_csv(t).encode(), "-tokens.csv", "one row per generated position"
        ),
        "steps-csv": Format("Rounds (CSV)", lambda t: steps_csv(t).encode(), "-rounds.csv", "one row per round"),
        "chrome-trace": Format(
            "Chrome trace (Perfetto)",
            lambda t: chrome_trace(t).encode(),
            "-chrome.json",
            "forward calls on a time line, for ui.perfetto.dev",
        ),
        "specspecs": Format(
            "specspecs (parquet)", specspecs_parquet, "-specspecs.zip", "drafts and verdicts, for specspecs"
        ),
        "html": Format(
            "Report (HTML)", lambda t: to_html(t).encode(), ".html", "one page that opens without a network"
        ),
    }
)


def write(trace: Trace, format: str) -> bytes:
    """The trace in one of `FORMATS`; raises `UsageError` for an unknown one and `TraceError` where the format has no
    word for what the run did."""
    if format not in FORMATS:
        raise UsageError(f"format = {format!r}: must be one of {', '.join(FORMATS)}.")
    return FORMATS[format].make(trace)
