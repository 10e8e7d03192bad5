"""Figures that were drawn once, as JSON text: the viewers of a run share them, within a budget of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

MAX_BYTES = 64 * 2**20


class Drawn:
    """A memory of texts; the ones not asked for the longest go first."""

    def __init__(self, most: int = MAX_BYTES) -> None:
        self.most, self.size = most, 0
        self._texts: OrderedDict[Hashable, str] = OrderedDict()
        self._lock, self._drawing = threading.Lock(), threading.Lock()

    def get(self, key: Hashable, draw: Callable[[], str]) -> str:
        """The text of `key`, made by `draw` when there is none. One is drawn at a time: a class that opens the same
        run waits for its first viewer instead of drawing each figure thirty times."""
        known = self._known(key)
        if known is not None:
            return known
        with self._drawing:
            text = self._known(key)
            if text is None:
                text = draw()
                self._keep(key, text)
        return text

    def _known(self, key: Hashable) -> str | None:
        with self._lock:
            if key in self._texts:
                self._texts.move_to_end(key)
            return self._texts.get(key)

    def _keep(self, key: Hashable, text: str) -> None:
        with self._lock:
            self._texts[key] = text
            self.size += len(text)
            while self.size > self.most:
                self.size -= len(self._texts.popitem(last=False)[1])
