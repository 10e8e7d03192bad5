"""What the page asks about sweeps: see `tune`."""

from typing import Any


def tune(ask: dict[str, Any]) -> dict[str, Any]:
    """Answers a question of the lens `tune`; {"error": sentence} where it cannot."""
    return {"error": "Not here yet."}
