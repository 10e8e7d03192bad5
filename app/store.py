"""The runs of the last visitors, by unguessable id: a bounded store, so that an open page can ask for its own run
again.

A visitor's state holds only the id. Oldest runs go first when the budget is used up; a run that is going on is never
dropped."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from app.space import Job, Live
from decoders.trace import Trace

MAX_RUNS = 64
MAX_EVENTS = 400_000


@dataclass
class Entry:
    """One run: what was heard of it while it goes on, its trace, and, if it was made here, the job that makes it again.
    `stop` asks a running one to end, `done` says it has."""

    id: str
    live: Live | None = None
    finished: Trace | None = None
    job: Job | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def trace(self) -> Trace:
        if self.finished is not None:
            return self.finished
        assert self.live is not None, "an entry has a trace or hears of one"
        return self.live.trace

    @property
    def size(self) -> int:
        return len(self.finished.events if self.finished is not None else self.live.events if self.live else ())

    def end(self, reason: str = "stopped") -> None:
        """Nothing more is heard of it: its trace is what came until now, with the reason if that is not the end."""
        if self.live is not None:
            self.live.close(reason)
            self.finished = self.live.trace


class Store:
    def __init__(self) -> None:
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def add(
        self, live: Live | None = None, trace: Trace | None = None, name: str = "", job: Job | None = None
    ) -> Entry:
        """A new entry; `name` is for bundled traces, everything else gets 128 random bits."""
        entry = Entry(name or secrets.token_urlsafe(16), live, trace, job)
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
