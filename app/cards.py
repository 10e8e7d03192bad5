"""What the page asks about other cards: see `tune`."""

from typing import Any


def cards(ask: dict[str, Any]) -> dict[str, Any]:
    """Answers a question of the lens `cards`; {"error": sentence} where it cannot."""
    return {"error": "Not here yet."}
