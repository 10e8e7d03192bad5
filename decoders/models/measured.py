"""What was measured of a bundled model, kept beside its weights in `measured.json`.

Every measurement carries a fingerprint of the weights it was made with, so that numbers of an older checkpoint are
never shown as those of the present one: `read` drops them.
"""

import datetime
import hashlib
import json
import os
import platform
from typing import Any

from decoders.models import catalogue

FILE = "measured.json"
# The graded families of the corpus, in a reader's words.
FAMILIES = {"word": "word problems", "code": "Python functions", "facts": "facts", "choice": "multiple choice"}


def fingerprint(name: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a bundled model's weights."""
    return hashlib.sha256((catalogue.MODELS / name / "model.safetensors").read_bytes()).hexdigest()[:16]


def _stored(name: str) -> dict[str, dict[str, Any]]:
    path = catalogue.MODELS / name / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def read(name: str) -> dict[str, dict[str, Any]]:
    """The measurements of the weights that are there, by what was measured ("accuracy", "threshold", "block", ...)."""
    stored = _stored(name)
    now = fingerprint(name) if stored else ""
    return {what: result for what, result in stored.items() if result["weights"] == now}


def accuracy(name: str) -> str:
    """One sentence on how often a model is right, from what was measured; empty where nothing was."""
    result = read(name).get("accuracy")
    if result is None:
        return ""
    shares = [f"{FAMILIES[f]} {100 * r['accuracy']:.0f}%" for f, r in result["families"].items() if f in FAMILIES]
    return f"Measured on {result['n']} held-out questions of each kind, one token per call: {', '.join(shares)} right."


def keep(name: str, what: str, result: dict[str, Any]) -> None:
    """Write a measurement of the present weights down; one of the same kind is replaced, outdated ones go."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    about = {"weights": fingerprint(name), "date": datetime.date.today().isoformat(), "machine": machine}
    body = {**read(name), what: {**about, **result}}
    path = catalogue.MODELS / name / FILE
    path.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
