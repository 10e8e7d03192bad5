"""The runs of the last visitors, by unguessable id: a bounded store, so that an open page can ask for its own run
again.

A visitor's state holds only the id. Oldest runs go first when the budget is used up; a run that is going on is never
dropped."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from decoders.run import Recording
from decoders.trace import Trace

MAX_RUNS = 64
MAX_EVENTS = 400_000


@dataclass
class Entry:
    """One run: its recording while there is one, and its trace. `stop` asks a running one to end, `done` says it
    has."""

    id: str
    recording: Recording | None = None
    finished: Trace | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def trace(self) -> Trace:
        if self.finished is not None:
            return self.finished
        assert self.recording is not None, "an entry has a trace or is recording one"
        return self.recording.trace

    @property
    def size(self) -> int:
        return len(
            self.finished.events if self.finished is not None else self.recording.events if self.recording else ()
        )


class Store:
    def __init__(self) -> None:
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, recording: Recording | None = None, trace: Trace | None = None, name: str = "") -> Entry:
        """A new entry; `name` is for bundled traces, everything else gets 128 random bits."""
        entry = Entry(name or secrets.token_urlsafe(16), recording, trace)
        if trace is not None:
            entry.done.set()
        with self._lock:
            self._entries[entry.id] = entry
            loose = [e for e in self._entries.values() if e.done.is_set() and not e.id.startswith("bundled:")]
            spare = len(loose) - MAX_RUNS
            events = sum(e.size for e in loose)
            for old in loose:
                if spare <= 0 and events <= MAX_EVENTS:
                    break
                if old is not entry:
                    del self._entries[old.id]
                    spare, events = spare - 1, events - old.size
        return entry

    def ids(self) -> list[str]:
        with self._lock:
            return list(self._entries)

    def get(self, run: object) -> Entry | None:
        with self._lock:
            entry = self._entries.get(run) if isinstance(run, str) else None
            if entry is not None:
                self._entries.move_to_end(entry.id)
            return entry
