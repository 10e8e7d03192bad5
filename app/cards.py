"""What the page asks about other cards: a run against plain decoding of its prompt, MODELLED elsewhere. See
`tune.when`."""

from collections.abc import Mapping
from typing import Any

from app import race, words
from app.store import Store
from decoders.errors import ExplorerError
from decoders.methods.base import Method
from tune.when import answer, plain, usual, where


def cards(store: Store, methods: tuple[Method, ...], ask: Mapping[str, Any]) -> dict[str, Any]:
    """`answer` for the run `ask["run"]` against a plain run of its prompt that this page has (recorded or named in
    `ask["seen"]`), or against its own reference; `ask` says where besides. {"error": sentence} where that cannot be."""
    here = store.get(ask.get("run"))
    if here is None:
        return {"error": words.GONE}
    others = [entry.trace for entry in race.alike(store, methods, here, ask.get("seen")) if entry is not here]
    try:
        trace = here.trace
        return answer(trace, plain(trace, others), where(ask, usual(trace)))
    except ExplorerError as error:
        return {"error": str(error)}
